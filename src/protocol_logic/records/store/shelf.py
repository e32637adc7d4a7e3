"""Lines of many patients, on the disk beside a store until they are taken patient by patient."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from protocol_logic.records.sources import Shelf
from protocol_logic.records.store.opening import temporary, told

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_IN_MEMORY = 64_000_000
_PATIENTS = 64
"""How many patients are fetched at once."""


class LargeShelf(Shelf):
    """Holds lines in memory while they are few, else in a file of DuckDB, which sorts them."""

    def __init__(self, store: Path) -> None:
        super().__init__()
        self.pulse: Callable[[], None] = lambda: None
        """What is called for each line."""
        self._beside = store.parent
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._connection: DuckDBPyConnection | None = None
        self._batch: list[tuple[int, bytes]] = []
        self._bytes = 0

    def put(self, patient: int, line: bytes) -> None:
        """Keep a line. Raises StoreError."""
        self.pulse()
        self._batch.append((patient, line))
        self._bytes += len(line)
        if self._bytes > _IN_MEMORY:
            self._spill()

    def taken(self, order: Sequence[int]) -> Iterator[list[bytes]]:
        """The lines of each of some patients, in this order. Raises StoreError."""
        if self._connection is None:
            for patient, line in self._batch:
                super().put(patient, line)
            self._batch.clear()
            yield from super().taken(order)
            return
        self._spill()
        with told():
            self._sort(order)
        for start in range(0, len(order), _PATIENTS):
            yield from self._fetched(start, min(start + _PATIENTS, len(order)))

    def close(self) -> None:
        """Let the file go."""
        if self._connection is not None:
            self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _spill(self) -> None:
        import pyarrow

        with told():
            if self._connection is None:
                self._folder = tempfile.TemporaryDirectory(prefix=".ingest", dir=self._beside)
                self._connection = temporary(Path(self._folder.name))
                self._connection.execute(
                    "CREATE SEQUENCE turn; CREATE TABLE lines "
                    "(turn BIGINT DEFAULT nextval('turn'), patient INTEGER, line BLOB)"
                )
            patients = pyarrow.array([patient for patient, _ in self._batch], pyarrow.int32())
            lines = pyarrow.array([line for _, line in self._batch], pyarrow.large_binary())
            batch = pyarrow.Table.from_arrays([patients, lines], ["patient", "line"])
            self._connection.register("batch", batch)
            self._connection.execute(
                "INSERT INTO lines (patient, line) SELECT patient, line FROM batch"
            )
            self._connection.unregister("batch")
        self._batch.clear()
        self._bytes = 0

    def _sort(self, order: Sequence[int]) -> None:
        import pyarrow

        assert self._connection is not None
        places = pyarrow.array(range(len(order)), pyarrow.int32())
        ranks = pyarrow.Table.from_arrays(
            [pyarrow.array(order, pyarrow.int32()), places], ["patient", "place"]
        )
        self._connection.register("ranks", ranks)
        self._connection.execute(
            "CREATE TABLE sorted AS SELECT place, turn, line FROM lines JOIN ranks USING (patient) "
            "ORDER BY place, turn"
        )
        self._connection.unregister("ranks")
        self._connection.execute("DROP TABLE lines")

    def _fetched(self, start: int, end: int) -> list[list[bytes]]:
        assert self._connection is not None
        found: list[list[bytes]] = [[] for _ in range(start, end)]
        with told():
            rows = self._connection.execute(
                "SELECT place, line FROM sorted WHERE place >= ? AND place < ? "
                "ORDER BY place, turn",
                [start, end],
            ).fetchall()
        for place, line in rows:
            found[place - start].append(line)
        return found
