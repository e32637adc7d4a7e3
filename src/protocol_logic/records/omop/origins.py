"""Where OMOP tables lie: a folder of files, a file of DuckDB, or a database of PostgreSQL.

Each says which tables there are, and gives the columns that are wanted to DuckDB. No password is
kept in what is shown. Source: docs/omop.md.
"""

from __future__ import annotations

import csv
import gzip
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protocol_logic.foundation.text import shown
from protocol_logic.records.omop.tables import TABLES
from protocol_logic.records.store.opening import StoreError, attached, tables_of

_ENDINGS = (".csv", ".csv.gz", ".parquet")
KNOWN = frozenset({"person", "concept", *(table.name for table in TABLES)})


class NoTable(Exception):
    """A table that cannot be read; the message is safe to show."""


class Cut(NoTable):
    """A table that could not be read to its end."""


class Origin(ABC):
    """OMOP tables of one place. `source`: how the place is named in rows and messages."""

    ordered = True
    """Rows have an order of their own; else they are taken by their numbers."""

    def __init__(self, source: str) -> None:
        self.source = source

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """The tables, in lower case."""

    def label(self, name: str) -> str:
        """How messages name a table."""
        return name.upper()

    def size(self, name: str) -> int:
        """The bytes of a table; of a database they are not known."""
        return 0

    @contextmanager
    def opened(self, connection: Any) -> Iterator[None]:
        """The tables can be read from here on."""
        yield

    @abstractmethod
    def columns(self, name: str) -> Sequence[str]:
        """The columns of a table in lower case. Raises NoTable."""

    @abstractmethod
    def rows(self, connection: Any, name: str, wanted: Sequence[str]) -> Any:
        """A context: what to select the wanted columns of a table from, with its parameters."""

    def safe(self, text: str) -> str:
        """A message without what nobody may see."""
        return text


def origin_at(path: Path) -> Origin | None:
    """The OMOP tables at a path of PATIENTS; None where there are none."""
    from protocol_logic.records.omop.postgresql import database_at
    from protocol_logic.records.store.opening import is_database

    database = database_at(path)
    if database is not None:
        return database
    if is_database(path):
        return DuckdbFile.at(path)
    files = files_of(path)
    return Folder(path, files) if files else None


# ---- files ---------------------------------------------------------------------------------------


def files_of(folder: Path) -> dict[str, Path]:
    """The tables of a folder by name, in lower case; none where it is no folder of OMOP tables."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return {}
    found: dict[str, Path] = {}
    for name in names:
        ending = next((e for e in _ENDINGS if name.lower().endswith(e)), None)
        if ending is not None:
            found.setdefault(name.lower().removesuffix(ending), folder / name)
    return found if len(KNOWN & found.keys()) > 1 else {}


class Folder(Origin):
    """A folder with a CSV or Parquet file for each table."""

    def __init__(self, folder: Path, files: Mapping[str, Path]) -> None:
        super().__init__(str(folder))
        self.files = files
        self._scans: dict[str, str] = {}

    @property
    def names(self) -> Sequence[str]:
        return list(self.files)

    def label(self, name: str) -> str:
        return shown(self.files[name].name)

    def size(self, name: str) -> int:
        return self.files[name].stat().st_size

    def columns(self, name: str) -> Sequence[str]:
        try:
            columns, self._scans[name] = _scan(self.files[name])
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise Cut(f"{self.label(name)} cannot be read: {shown(str(error))}") from error
        return columns

    @contextmanager
    def rows(
        self, connection: Any, name: str, wanted: Sequence[str]
    ) -> Iterator[tuple[str, list[str]]]:
        yield self._scans[name], [str(self.files[name])]


def _scan(path: Path) -> tuple[list[str], str]:
    """The columns of a file in lower case, and how DuckDB reads it. Raises NoTable."""
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        try:
            names = pyarrow.parquet.read_schema(path).names
        except pyarrow.ArrowException as error:
            raise Cut(f"{shown(path.name)} cannot be read: {shown(str(error))}") from error
        return [name.lower() for name in names], "read_parquet($1)"
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        line = file.readline(1_000_000)
    tabs = "\t" in line  # as the vocabularies of Athena: no quotes
    read = csv.reader([line], delimiter="\t") if tabs else csv.reader([line])
    columns = [name.strip().lower() for name in next(read, [])]
    if not columns or not all(columns) or len(set(columns)) < len(columns):
        raise NoTable(
            f"{shown(path.name)} is not read: its first line does not name its columns, each once"
        )
    kinds = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in columns)
    form = r"delim='\t', quote='', escape=''" if tabs else """delim=',', quote='"', escape='"'"""
    return columns, (
        f"read_csv($1, auto_detect=false, header=true, columns={{{kinds}}}, {form}, "
        "nullstr='', store_rejects=true, rejects_limit=0)"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# ---- databases -----------------------------------------------------------------------------------


class Database(Origin):
    """Tables of a database, each by the schema and the name that it has there, with its columns."""

    ordered = False
    prefix = ""
    """Stands before the schema of a table."""
    as_text = "CAST({} AS VARCHAR)"

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.tables: dict[str, tuple[str, str, tuple[str, ...]]] = {}

    @property
    def names(self) -> Sequence[str]:
        return list(self.tables)

    def columns(self, name: str) -> Sequence[str]:
        return [column.lower() for column in self.tables[name][2]]

    def selected(self, name: str, wanted: Sequence[str]) -> str:
        """A SELECT of the wanted columns of a table, as text."""
        own = {column.lower(): column for column in self.tables[name][2]}
        listed = ", ".join(
            f"{self._text(own[column])} AS {identifier(column)}" for column in wanted
        )
        where = self._of_used_concepts(own["concept_id"]) if name == "concept" else ""
        return f"SELECT {listed} FROM {self._table(name)}{where}"

    def _of_used_concepts(self, concept: str) -> str:
        """Of all concepts there are millions: those that a table names are wanted."""
        used = [
            f"SELECT {self._text(column)} FROM {self._table(each.name)}"
            for each in TABLES
            if each.name in self.tables
            for column in self.tables[each.name][2]
            if column.lower() in each.concepts
        ]
        return f" WHERE {self._text(concept)} IN ({' UNION '.join(used)})" if used else ""

    def _table(self, name: str) -> str:
        schema, table, _ = self.tables[name]
        return f"{self.prefix}{identifier(schema)}.{identifier(table)}"

    def _text(self, column: str) -> str:
        return self.as_text.format(identifier(column))


def identifier(name: str) -> str:
    """A name as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


_ATTACHED = "omop_origin"


class DuckdbFile(Database):
    """A file of DuckDB. A table is looked for in all schemas, and may stand in one only."""

    prefix = f"{_ATTACHED}."

    @classmethod
    def at(cls, path: Path) -> DuckdbFile | None:
        """The OMOP tables of a file; None where it has none, or cannot be opened."""
        try:
            found = tables_of(path)
        except StoreError:
            return None
        names = [table.lower() for _, table in found]
        if "meta" in names or len(KNOWN & set(names)) < 2:
            return None
        origin = cls(str(path))
        for (schema, table), columns in found.items():
            name = table.lower()
            if name in origin.tables and name in KNOWN:
                origin.twice.setdefault(name, [origin.tables[name][0]]).append(schema)
            origin.tables[name] = (schema, table, columns)
        return origin

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.path = Path(source)
        self.twice: dict[str, list[str]] = {}

    def columns(self, name: str) -> Sequence[str]:
        if name in self.twice:
            listed = " and ".join(f"`{shown(schema)}`" for schema in sorted(self.twice[name]))
            raise Cut(f"{self.label(name)} stands in the schemas {listed}: which one is not known")
        return super().columns(name)

    @contextmanager
    def opened(self, connection: Any) -> Iterator[None]:
        with attached(connection, self.path, _ATTACHED):
            yield

    @contextmanager
    def rows(
        self, connection: Any, name: str, wanted: Sequence[str]
    ) -> Iterator[tuple[str, list[str]]]:
        yield f"({self.selected(name, wanted)})", []
