"""OMOP tables in PostgreSQL: the database filters, and streams the columns that are wanted.

A place is a URL as libpq takes it. Its password goes to libpq alone: neither in rows nor in
messages, and not in the path by which the place is known here. Source: docs/omop.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from protocol_logic.foundation.text import shown
from protocol_logic.records.omop.origins import Cut, Database, NoTable

_URL = re.compile(r"postgres(?:ql)?://", re.IGNORECASE)
_SECRETS = ("password", "sslpassword")
_HIDDEN = "***"

_urls: dict[str, str] = {}
"""How a place is shown -> its URL, with the password."""


def is_url(name: str) -> bool:
    """Whether a name of PATIENTS is a URL of PostgreSQL."""
    return _URL.match(name) is not None


def path_of(url: str) -> Path:
    """A URL as a path, which stands for it in this process and holds no password."""
    shown_as = _without_secrets(url)
    _urls[shown_as] = url
    return Path(quote(shown_as, safe=":"))


def database_at(path: Path) -> PostgresqlDatabase | None:
    """The database that a path of `path_of` stands for."""
    name = str(path)
    if not name.startswith("postgres"):
        return None
    url = _urls.get(unquote(name))
    return None if url is None else PostgresqlDatabase(url)


def _without_secrets(url: str) -> str:
    head, _, rest = url.partition("://")
    place, mark, query = rest.partition("?")
    _, user, host = _parts(place)
    kept = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k not in _SECRETS]
    whom = f"{user}@" if user else ""
    return f"{head.lower()}://{whom}{host}" + (f"?{urlencode(kept)}" if mark and kept else "")


def _parts(place: str) -> tuple[str, str, str]:
    """Password, user, and host with all that follows: an `@` in a password belongs to it."""
    who, at, host = place.rpartition("@")
    user, _, password = who.partition(":")
    return password if at else "", user if at else "", host


def _for_libpq(url: str) -> str:
    """The URL with user and password quoted: libpq tells of what it takes for a host."""
    head, _, rest = url.partition("://")
    place, mark, query = rest.partition("?")
    password, user, host = _parts(place)
    whom = ":".join(quote(unquote(text), safe="") for text in (user, password) if text)
    return f"{head}://{whom}{'@' if whom else ''}{host}{mark}{query}"


class PostgresqlDatabase(Database):
    """The tables that the search path of a database shows."""

    as_text = "{}::text"

    def __init__(self, url: str) -> None:
        super().__init__(_without_secrets(url))
        self._url = url
        self._connection: Any = None

    @contextmanager
    def opened(self, connection: Any) -> Iterator[None]:
        """All tables are read as they are at one moment. Raises NoTable."""
        try:
            import adbc_driver_postgresql.dbapi as driver
        except ImportError as error:
            raise NoTable(
                "PostgreSQL is read by ADBC, which is not installed: "
                "pip install 'protocol-logic[postgresql]'"
            ) from error
        self._errors = driver.Error
        try:
            with closing(driver.connect(_for_libpq(self._url))) as self._connection:
                self._look()
                yield
        except driver.Error as error:
            raise NoTable(f"it cannot be read: {self.safe(_first_line(error))}") from error

    def _look(self) -> None:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL datestyle = 'ISO, YMD'")
            cursor.execute(
                "SELECT n.nspname::text, c.relname::text, a.attname::text FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "JOIN pg_attribute a ON a.attrelid = c.oid "
                "WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND pg_table_is_visible(c.oid) "
                "AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
                "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2, a.attnum"
            )
            for schema, table, column in cursor.fetchall():
                name = table.lower()
                known = self.tables.get(name, (schema, table, ()))
                if known[:2] == (schema, table):
                    self.tables[name] = (schema, table, (*known[2], column))

    @contextmanager
    def rows(
        self, connection: Any, name: str, wanted: Sequence[str]
    ) -> Iterator[tuple[str, list[str]]]:
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(self.selected(name, wanted))
                connection.register("incoming", cursor.fetch_record_batch())
                try:
                    yield "incoming", []
                finally:
                    connection.unregister("incoming")
        except self._errors as error:
            message = f"{self.label(name)} cannot be read: {self.safe(_first_line(error))}"
            raise Cut(message) from error

    def safe(self, text: str) -> str:
        place, _, query = self._url.partition("://")[2].partition("?")
        secrets = [_parts(place)[0], *(v for k, v in parse_qsl(query) if k in _SECRETS)]
        for secret in {each for s in filter(None, secrets) for each in (s, unquote(s), quote(s))}:
            text = text.replace(secret, _HIDDEN)
        return shown(text)


def _first_line(error: Exception) -> str:
    """What a server, or the way to it, says; where it is stands beside the message."""
    line = str(error).strip().partition("\n")[0]
    return re.sub(r"^.*(?:\b(?:FATAL|ERROR):|\bfailed:|Failed to connect:)\s*", "", line)
