"""A store as a file: whether there is one, of which version, and how DuckDB opens it.

DuckDB is an extra, and imported only here and only when a store is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol_logic.foundation.text import shown
from protocol_logic.records.store.schema import TABLES, VERSION

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MAGIC = slice(8, 12)


class StoreError(Exception):
    """Why a store cannot be used; message and hint are safe to show."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def is_database(path: Path) -> bool:
    """Whether a file is one of DuckDB, by its first bytes."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(12)[_MAGIC] == b"DUCK"
    except OSError:
        return False


@contextmanager
def told() -> Iterator[None]:
    """Errors of DuckDB as ones that say what to do. Raises StoreError."""
    duckdb = _duckdb()
    try:
        yield
    except duckdb.Error as error:
        raise _error(str(error)) from error


def connected(path: Path, *, read_only: bool) -> DuckDBPyConnection:
    """A connection to a store of this version: to one that is there, or, to write, a new one.
    Raises StoreError."""
    duckdb = _duckdb()
    with told():
        connection: DuckDBPyConnection = duckdb.connect(
            str(path), read_only=read_only, config=_CONFIG
        )
    try:
        with told():
            # Also one that was ended before it had tables.
            if not read_only and not tables_in(connection):
                _create(connection)
            if not {"meta", "patients", "facts"} <= tables_in(connection):
                raise StoreError(*NOT_A_STORE)
            check_version(connection)
    except StoreError:
        connection.close()
        raise
    return connection


def in_memory() -> DuckDBPyConnection:
    """A connection to a database of views. Raises StoreError."""
    duckdb = _duckdb()
    with told():
        connection: DuckDBPyConnection = duckdb.connect(config=_CONFIG)
        # What the files say of themselves is asked once, not with each statement.
        connection.execute("SET parquet_metadata_cache = true")
    return connection


def _create(connection: DuckDBPyConnection) -> None:
    connection.execute("BEGIN")
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
    connection.execute("INSERT INTO meta VALUES ('version', ?)", [str(VERSION)])
    connection.execute("COMMIT")


def tables_in(connection: DuckDBPyConnection) -> set[str]:
    """The names of the tables of an open database."""
    found = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    return {name for (name,) in found}


def temporary(folder: Path) -> DuckDBPyConnection:
    """A connection to a file that nobody else sees, with what it takes to sort it beside it."""
    duckdb = _duckdb()
    config = {**_CONFIG, "memory_limit": "1GB", "temp_directory": str(folder)}
    connection: DuckDBPyConnection = duckdb.connect(str(folder / "lines.duckdb"), config=config)
    return connection


def tables_of(path: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """The tables and views of any database of DuckDB: schema and name -> columns. Raises
    StoreError."""
    duckdb = _duckdb()
    with told(), duckdb.connect(str(path), read_only=True, config=_CONFIG) as connection:
        rows = connection.execute(
            "SELECT schema_name, table_name, list(column_name ORDER BY column_index) "
            "FROM duckdb_columns() WHERE NOT internal GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    return {(schema, table): tuple(columns) for schema, table, columns in rows}


@contextmanager
def attached(connection: Any, path: Path, name: str) -> Iterator[None]:
    """Another database of DuckDB beside that of a connection, to read. Raises StoreError."""
    text = str(path).replace("'", "''")
    with told():
        connection.execute(f"ATTACH '{text}' AS {name} (READ_ONLY)")
    try:
        yield
    finally:
        connection.execute(f"DETACH {name}")


_CONFIG: dict[str, Any] = {"autoinstall_known_extensions": False}


def _duckdb() -> Any:
    try:
        import duckdb
        import numpy  # noqa: F401  (columns come out by it)
        import pyarrow  # noqa: F401  (rows go in by it)
    except ImportError as error:
        raise StoreError(
            "a store needs DuckDB, Arrow and NumPy, which are not all installed",
            "pip install 'protocol-logic[cohort]'",
        ) from error
    return duckdb


NOT_A_STORE = (
    "it is a database, but no store of protocol-logic",
    "`protocol-logic ingest SOURCE... STORE` makes one",
)


def check_version(connection: DuckDBPyConnection) -> None:
    """Refuse a store of another version. Raises StoreError."""
    found = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
    version = str(found[0]) if found is not None else "unknown"
    if version != str(VERSION):
        raise StoreError(
            f"it is a store of version {shown(version)}, and this program reads version {VERSION}",
            "ingest the sources into a new file",
        )


def _error(text: str) -> StoreError:
    """What an error of DuckDB means to who uses a store."""
    low = text.lower()
    if "lock on file" in low or "being used by another process" in low:
        return StoreError(
            "it is in use by another process",
            "one `ingest` at a time writes a store, and nobody reads it meanwhile",
        )
    if "no space left" in low or "disk is full" in low or "file too large" in low:
        return StoreError(
            "there is no space left for it", "what was committed is kept; ingest again"
        )
    return StoreError(f"DuckDB cannot go on with it: {shown(text.splitlines()[0])}")
