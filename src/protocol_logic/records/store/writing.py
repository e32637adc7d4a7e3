"""The one writer of a store: rows of patients go in in order, and are committed now and then.

What a source states is known by a digest of each document. A patient takes the place of what the
store had of this id before the run; what was committed when a run was ended counts in the next.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol_logic.foundation.problems import Problem
from protocol_logic.records.store.by_entry import is_sorted, sort_by_entry, unsorted
from protocol_logic.records.store.knowledge import Knowledge
from protocol_logic.records.store.opening import connected, told
from protocol_logic.records.store.rows import ABOUT, Row, Rows
from protocol_logic.records.store.schema import columns_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COMMIT_SECONDS = 5.0
_COMMIT_ROWS = 200_000
_ARROW = {
    "INTEGER": "int32",
    "BIGINT": "int64",
    "VARCHAR": "string",
    "BOOLEAN": "bool_",
    "DATE": "date32",
    "BLOB": "binary",
}


@dataclass(slots=True)
class _There:
    """A document that the store has: number and place of its patient, and where it stands."""

    patient: int
    place: int
    id: str
    digest: bytes
    source: str
    line: int | None
    fresh: bool
    """Read for all that this run reads for."""


class Writer:
    """Writes a store; a context. `numbers`: number of an entry of `knowledge` -> in the store."""

    def __init__(self, path: Path, knowledge: Knowledge, given: Iterable[Row] = ()) -> None:
        """`given`: name, kind and text of the protocols and policies that are read for. Raises
        StoreError."""
        self._connection: DuckDBPyConnection = connected(path, read_only=False)
        self.added = self.kept = self.replaced = self.removed = 0
        self._seen: set[int] = set()
        self._place = 0
        self._moved: list[Row] = []
        self._gone: list[int] = []
        self._told: list[Row] = []
        self._rows: dict[str, list[Row]] = {name: [] for name in _WRITTEN}
        self._times: Counter[int] = Counter()
        self._due = time.monotonic() + _COMMIT_SECONDS
        with told():
            self._begin(knowledge, given)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    # ---- what is there -----------------------------------------------------------------------

    def _begin(self, knowledge: Knowledge, given: Iterable[Row]) -> None:
        run = self._connection.execute
        run("BEGIN")
        run("DELETE FROM meta WHERE key = 'complete'")
        for name, what, text in given:
            run("DELETE FROM given WHERE name = ? AND what = ?", [name, what])
            run("INSERT INTO given VALUES (?, ?, ?)", [name, what, text])
        self.numbers = self._numbers(knowledge)
        self._knowledge, fresh = self._knowledge_of(frozenset(self.numbers))
        run("COMMIT")
        self._abouts = {
            (kind, content): about
            for about, kind, content in run("SELECT about, kind, content FROM abouts").fetchall()
        }
        self._next_about = 1 + max(self._abouts.values(), default=0)
        self._by_digest: dict[bytes, list[_There]] = {}
        self._by_id: dict[str, list[_There]] = {}
        self._by_number: dict[int, _There] = {}
        self._last = self._end = 0
        for number, place, name, digest, source, line, its in run(
            "SELECT patient, place, id, digest, source, line, knowledge FROM patients "
            "ORDER BY place"
        ).fetchall():
            there = _There(number, place, name, digest, source, line, its in fresh)
            self._by_digest.setdefault(digest, []).append(there)
            self._by_id.setdefault(name, []).append(there)
            self._by_number[number] = there
            self._last = max(self._last, number)
            self._end = max(self._end, place)
        self._known_told: dict[Row, list[int]] = {}
        for place, *its in run("SELECT * FROM told ORDER BY place").fetchall():
            self._known_told.setdefault(tuple(its), []).append(place)
            self._end = max(self._end, place)

    def _numbers(self, knowledge: Knowledge) -> tuple[int, ...]:
        run = self._connection.execute
        found = {
            (name, digest): number
            for number, name, digest in run("SELECT entry, name, digest FROM entries").fetchall()
        }
        new = []
        for entry, digest in zip(knowledge.entries, knowledge.digests, strict=True):
            if (entry.name, digest) not in found:
                found[entry.name, digest] = len(found)
                new.append((found[entry.name, digest], entry.name, type(entry).__name__, digest))
        self._insert("entries", new)
        pairs = zip(knowledge.entries, knowledge.digests, strict=True)
        return tuple(found[entry.name, digest] for entry, digest in pairs)

    def _knowledge_of(self, wanted: frozenset[int]) -> tuple[int, Collection[int]]:
        """The number of this knowledge, and those of all that hold it."""
        sets: dict[int, set[int]] = {}
        found = self._connection.execute("SELECT knowledge, entry FROM knowledge").fetchall()
        for number, entry in found:
            sets.setdefault(number, set()).add(entry)
        its = next((number for number, entries in sets.items() if entries == wanted), None)
        if its is None:
            its = len(sets)
            sets[its] = set(wanted)
            self._insert("knowledge", [(its, entry) for entry in sorted(wanted)])
        return its, {number for number, entries in sets.items() if entries >= wanted}

    def claim(self, digest: bytes) -> int | None:
        """The patient of a document that is there as it stands, to be kept by `keep` in its turn;
        None where it is to be read. Each is claimed once."""
        for there in self._by_digest.get(digest, ()):
            if there.fresh and there.patient not in self._seen:
                self._seen.add(there.patient)
                return there.patient
        return None

    def keep(self, patient: int, source: str, line: int | None) -> None:
        """Keep a patient who was claimed, as one that stands here."""
        there = self._by_number[patient]
        place = self._next_place(there.place)
        if (place, source, line) != (there.place, there.source, there.line):
            self._moved.append((patient, place, source, line))
            there.place, there.source, there.line = place, source, line
        self.kept += 1

    def _next_place(self, place: int | None = None) -> int:
        """A place after all of this run: the one that it has, or a new one at the end."""
        if place is None or place <= self._place:
            self._end += 1
            place = self._end
        self._place = place
        return place

    # ---- what goes in ------------------------------------------------------------------------

    def add(self, rows: Rows) -> None:
        """The rows of a patient, in place of what there was of the id before the run."""
        replaced = False
        for there in self._by_id.get(rows.id, ()):
            if there.patient not in self._seen:
                self._gone.append(there.patient)
                self._seen.add(there.patient)
                replaced = True
        self.replaced += replaced
        self.added += not replaced
        self._last += 1
        number = self._last
        self._seen.add(number)
        source, line, day, index_source, counted, nothing = rows.patient
        self._rows["patients"].append(
            (
                number,
                self._next_place(),
                rows.id,
                source,
                line,
                rows.digest,
                self._knowledge,
                day,
                index_source,
                counted,
                nothing,
            )
        )
        abouts = [self._about(*about) for about in rows.abouts]
        resources = self._rows["resources"]
        for resource, type_, name, about, *rest in rows.resources:
            its = None if about is None else abouts[about]
            resources.append((number, resource, type_, name, its, *rest))
        for row in rows.facts:
            about = row[ABOUT]
            its = None if about is None else abouts[about]
            self._rows["facts"].append((number, *row[:ABOUT], its, *row[ABOUT + 1 :]))
        self._rows["problems"] += [(number, *row) for row in rows.problems]
        for about, times in rows.others.items():
            self._times[self._about(*about)] += times
        if time.monotonic() > self._due or len(self._rows["facts"]) > _COMMIT_ROWS:
            self.commit()

    def _about(self, kind: str, content: str) -> int:
        number = self._abouts.get((kind, content))
        if number is None:
            number = self._abouts[kind, content] = self._next_about
            self._next_about += 1
            self._rows["abouts"].append((number, kind, content, 0))
        return number

    def tell(self, problem: Problem) -> None:
        """Why a document gave no patient; kept when the run ends."""
        p = problem
        row = (p.code, p.message, p.hint, p.resource, p.file)
        places = self._known_told.get(row)
        self._told.append((self._next_place(places.pop(0) if places else None), *row))

    def commit(self) -> None:
        """Put in all that came; what is committed survives whatever comes. Raises StoreError."""
        with told():
            run = self._connection.execute
            run("BEGIN")
            if self._gone or self._moved or any(self._rows.values()):
                unsorted(self._connection)
            self._take_out()
            for table, rows in self._rows.items():
                self._insert(table, rows)
                rows.clear()
            if self._moved:
                columns = {"patient": "INTEGER", "place": "BIGINT", "source": "VARCHAR"}
                self._with(
                    "moved", {**columns, "line": "BIGINT"}, self._moved,
                    "UPDATE patients SET place = moved.place, source = moved.source, "
                    "line = moved.line FROM moved WHERE patients.patient = moved.patient",
                )  # fmt: skip
                self._moved.clear()
            if self._times:
                self._with(
                    "met", {"about": "INTEGER", "times": "BIGINT"}, list(self._times.items()),
                    "UPDATE abouts SET times = abouts.times + met.times FROM met "
                    "WHERE abouts.about = met.about",
                )  # fmt: skip
                self._times.clear()
            run("COMMIT")
        self._due = time.monotonic() + _COMMIT_SECONDS

    def _take_out(self) -> None:
        if self._gone:
            for table in ("patients", "resources", "facts", "problems"):
                self._with(
                    "gone", {"patient": "INTEGER"}, [(number,) for number in self._gone],
                    f"DELETE FROM {table} WHERE patient IN (SELECT patient FROM gone)",
                )  # fmt: skip
            self._gone.clear()

    def finish(self, files: Collection[str], *, whole: bool) -> None:
        """The run has come to its end. What `files` hold no longer goes, where all were read to
        their ends (`whole`), and so does what was told of them before. Raises StoreError."""
        for there in self._by_number.values() if whole else ():
            if there.patient not in self._seen and there.source in files:
                self._gone.append(there.patient)
                self.removed += 1
        self.commit()
        with told():
            run = self._connection.execute
            run("BEGIN")
            told_of = {row[5] for row in self._told} | set(files)
            self._with(
                "told_of", {"file": "VARCHAR"}, [(file,) for file in told_of],
                "DELETE FROM told WHERE file IN (SELECT file FROM told_of)",
            )  # fmt: skip
            self._insert("told", self._told)
            if not is_sorted(self._connection):
                sort_by_entry(self._connection)
            run("INSERT INTO meta VALUES ('complete', 'yes')")
            run("COMMIT")
            run("CHECKPOINT")

    # ---- DuckDB ------------------------------------------------------------------------------

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        columns = dict(columns_of(table))
        self._with("batch", columns, rows, f"INSERT INTO {table} SELECT * FROM batch")

    def _with(
        self, name: str, columns: Mapping[str, str], rows: Sequence[Row], statement: str
    ) -> None:
        """Run a statement that reads rows under a name; nothing where there are none."""
        import pyarrow

        if not rows:
            return

        schema = pyarrow.schema([(each, _arrow(pyarrow, kind)) for each, kind in columns.items()])
        arrays = [
            pyarrow.array(column, field.type)
            for column, field in zip(zip(*rows, strict=True), schema, strict=True)
        ]
        self._connection.register(name, pyarrow.Table.from_arrays(arrays, schema=schema))
        try:
            self._connection.execute(statement)
        finally:
            self._connection.unregister(name)


_WRITTEN = ("abouts", "patients", "resources", "facts", "problems")


def _arrow(pyarrow: Any, kind: str) -> Any:
    if kind.endswith("[]"):
        return pyarrow.list_(_arrow(pyarrow, kind.removesuffix("[]")))
    return getattr(pyarrow, _ARROW[kind])()


def given_of(path: Path) -> list[tuple[str, str, str]]:
    """Name, kind and text of what a store is read for besides the knowledge base. Raises
    StoreError."""
    with connected(path, read_only=False) as connection, told():
        return connection.execute("SELECT name, what, text FROM given ORDER BY name").fetchall()
