"""A store as a Parquet dataset: a folder with a file for each table, and of those with a row for
each thing of a patient a file for each shard, that is for some patients in a row.

It is read as the store is, by the same statements: its files are views of a database in memory.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from protocol_logic.records.store.by_entry import is_sorted
from protocol_logic.records.store.opening import (
    NOT_A_STORE,
    StoreError,
    check_version,
    connected,
    in_memory,
    is_database,
    told,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WHOLE = (
    "given", "entries", "knowledge", "abouts", "told", "words", "day_texts", "stands",
)  # fmt: skip
"""Tables with a file; `meta` is one more, by which a dataset is known."""
_META = "meta.parquet"
_OF_PATIENTS = ("patients", "positions")
"""Tables in shards that are small enough to be read whole."""
_LARGE = ("resources", "facts", "problems", "by_entry")
_SHARDS, _EACH, _IDENTITY = "shards", "patients in a shard", "identity"
_ROW_GROUP = 20_480
_GLOB = re.compile(r"([\[*?])")


def is_dataset(path: Path) -> bool:
    """Whether a folder is a store."""
    try:
        return all((path / name).exists() for name in (_META, *_OF_PATIENTS))
    except OSError:
        return False


def is_store(path: Path) -> bool:
    """Whether a store may lie at a path: a file of DuckDB, or a dataset."""
    return is_database(path) or is_dataset(path)


# ---- writing -------------------------------------------------------------------------------------


def write_dataset(store: Path, folder: Path, each: int) -> tuple[int, int]:
    """Write a store as a dataset with so many patients a shard: how many patients and shards there
    are. The folder appears when all is written; one that is there is replaced. Raises StoreError,
    OSError."""
    with connected(store, read_only=True) as connection:
        with told():
            complete = connection.execute("SELECT 1 FROM meta WHERE key = 'complete'").fetchone()
            if complete is None or not is_sorted(connection):
                raise StoreError(
                    "the last `ingest` into it did not come to its end",
                    "ingest the same sources again: what is there is not read a second time",
                )
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:40]}."))
        try:
            with told():
                patients, shards = _write(connection, made, each)
            made.chmod(0o777 & ~_mask(made))
            _put(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return patients, shards


def _mask(folder: Path) -> int:
    """What new files are not open for, by a file that was written there."""
    return 0o666 & ~(folder / _META).stat().st_mode


def _put(made: Path, folder: Path) -> None:
    """The folder that was made in the place of the one that is there."""
    if not folder.exists():
        made.rename(folder)
        return
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:40]}."))
    try:
        folder.rename(old / "old")
        try:
            made.rename(folder)
        except OSError:
            (old / "old").rename(folder)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _write(connection: DuckDBPyConnection, folder: Path, each: int) -> tuple[int, int]:
    run = connection.execute
    (patients,) = run("SELECT count(*) FROM positions").fetchall()[0]
    shards = max(1, -(-patients // each))
    for table in (*_OF_PATIENTS, *_LARGE):
        (folder / table).mkdir()
    for shard in range(shards):
        low, high = shard * each, shard * each + each - 1
        its = f"SELECT patient FROM positions WHERE position BETWEEN {low} AND {high}"
        ends = run(f"SELECT coalesce(min(patient), 0), coalesce(max(patient), 0) FROM ({its})")
        first, last = ends.fetchall()[0]
        place = f"position BETWEEN {low} AND {high} ORDER BY position"
        _copy(connection, f"SELECT * FROM positions WHERE {place}", folder, "positions", shard)
        for table in ("patients", "resources", "facts", "problems"):
            rows = (
                f"SELECT * FROM {table} WHERE patient BETWEEN {first} AND {last} "
                f"AND patient IN ({its}) ORDER BY rowid"
            )
            _copy(connection, rows, folder, table, shard)
        rows = f"SELECT * FROM by_entry WHERE patient BETWEEN {low} AND {high} ORDER BY rowid"
        _copy(connection, rows, folder, "by_entry", shard)
    for table in _WHOLE:
        _copy(connection, f"SELECT * FROM {table} ORDER BY rowid", folder, table)
    more = f"('{_SHARDS}', '{shards}'), ('{_EACH}', '{each}'), ('{_IDENTITY}', ({_IDENTITY_OF}))"
    meta = f"SELECT * FROM meta UNION ALL SELECT * FROM (VALUES {more})"
    _copy(connection, meta, folder, "meta")
    return patients, shards


# What was read, of which documents in which order: the same wherever the files lie.
_IDENTITY_OF = """
    SELECT sha256(
        (SELECT coalesce(string_agg(sha256(concat_ws(' ', place, id, hex(digest), knowledge)), ''
            ORDER BY place), '') FROM patients)
        || (SELECT coalesce(string_agg(concat_ws(' ', entry, name, digest), chr(10)
            ORDER BY entry), '') FROM entries)
    )
"""


def _copy(
    connection: DuckDBPyConnection, rows: str, folder: Path, table: str, shard: int | None = None
) -> None:
    path = _file(folder, table, shard)
    path.parent.mkdir(exist_ok=True)
    form = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}"
    connection.execute(f"COPY ({rows}) TO {_quoted(str(path))} ({form})")


def _file(folder: Path, table: str, shard: int | None) -> Path:
    """The file of a table, or of a shard of it: as others know partitions by their folders."""
    if shard is None:
        return folder / f"{table}.parquet"
    return folder / table / f"shard={shard:05}" / f"{table}.parquet"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# ---- reading -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Dataset:
    """A dataset that is open. `identity`: tells it from others, wherever it lies."""

    folder: Path
    connection: DuckDBPyConnection
    identity: tuple[int, ...]
    shards: int
    each: int
    narrowed: range

    @classmethod
    def opened(cls, folder: Path) -> Dataset:
        """Raises StoreError."""
        connection = in_memory()
        try:
            with told():
                _view(connection, folder, "meta", [None])
                check_version(connection)
                rows = connection.execute("SELECT key, value FROM meta").fetchall()
            found = dict(rows)
            with suppress(KeyError, ValueError):
                shards, each = int(found[_SHARDS]), int(found[_EACH])
                identity = (int(found[_IDENTITY][:15], 16), _size(folder))
                its = cls(folder, connection, identity, shards, each, range(shards))
                with told():
                    for table in _WHOLE:
                        _view(connection, folder, table, [None])
                    for table in _OF_PATIENTS:
                        _view(connection, folder, table, range(shards))
                    its._view_large()
                return its
            raise StoreError(*NOT_A_STORE)
        except StoreError:
            connection.close()
            raise

    def narrow(self, start: int, stop: int) -> None:
        """From now on only what is of the patients at some positions is read."""
        first = min(start // self.each, self.shards - 1)
        last = min(max(stop - 1, start) // self.each, self.shards - 1)
        if range(first, last + 1) != self.narrowed:
            self.narrowed = range(first, last + 1)
            with told():
                self._view_large()

    def _view_large(self) -> None:
        for table in _LARGE:
            _view(self.connection, self.folder, table, self.narrowed)


def _view(
    connection: DuckDBPyConnection, folder: Path, table: str, shards: Sequence[int | None]
) -> None:
    # The name of a file is none of several, whatever is in it; folders are no columns.
    names = [_GLOB.sub(r"[\1]", str(_file(folder, table, shard))) for shard in shards]
    files = ", ".join(map(_quoted, names))
    rows = f"SELECT * FROM read_parquet([{files}], hive_partitioning = false)"
    connection.execute(f"CREATE OR REPLACE VIEW {table} AS {rows}")


def _size(folder: Path) -> int:
    """The bytes of the large tables, roughly what is read."""
    return sum(
        file.stat().st_size for table in _LARGE for file in (folder / table).glob("*/*.parquet")
    )
