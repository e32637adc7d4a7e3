"""A store that is read: its patients in the order of the sources, as rows that another process may
make records of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol_logic.foundation.problems import Problem
from protocol_logic.knowledge.vocabulary import Entry, PatientField, Qualifier, Vocabulary
from protocol_logic.records import stages
from protocol_logic.records.codings import Codings, entries_of
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.item import objects_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.resources import ROWS
from protocol_logic.records.store.by_entry import BLOCK, is_sorted
from protocol_logic.records.store.dataset import Dataset
from protocol_logic.records.store.gathering import Chosen, gather
from protocol_logic.records.store.kept import ELEMENT, KeptPatient
from protocol_logic.records.store.knowledge import digest_of_entry
from protocol_logic.records.store.opening import StoreError, connected, told
from protocol_logic.records.store.rows import Row, patient_of
from protocol_logic.records.store.shards import Shard
from protocol_logic.records.store.span import Span
from protocol_logic.records.store.stretch import Stretch
from protocol_logic.records.unknown_codes import is_read_elsewhere, look_alikes

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHUNK = 256
_KINDS = ("condition", "procedure", "medication", "allergy")
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Stored:
    """The rows of one patient, of which a `Gatherer` makes a record.

    `store`: where the store is, and what it was when they were read.
    """

    store: tuple[str, tuple[int, ...]]
    patient: str
    source: str
    line: int | None
    row: Row
    resources: list[Row]
    facts: list[Row]
    problems: list[Row]

    @property
    def size(self) -> int:
        """Roughly its bytes on the way to another process."""
        return 100 * (len(self.resources) + 3 * len(self.facts) + 2 * len(self.problems))


@dataclass(slots=True)
class Gatherer:
    """Makes records of the rows of a store for one protocol. Goes to other processes by pickle."""

    codings: Codings
    numbers: Mapping[str, int]
    abouts: Mapping[int, tuple[str | None, str]]
    of_tables: Mapping[int, str] = field(default_factory=dict)
    """Number -> name of what rows of tables are taken for; empty where there are none."""
    chosen: Chosen = field(init=False)
    excluded: Mapping[int, list[tuple[int, int]]] | None = field(default=None, init=False)
    """Entry -> the code elements that do not stand for it, with the part; None: not yet known."""
    _keeping_open: dict[str, list[int]] = field(default_factory=dict, init=False)
    _mentioning: dict[str, list[int]] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.chosen = Chosen(self.codings, self.numbers, self.of_tables)

    @property
    def keeping_open(self) -> Mapping[str, list[int]]:
        """Kind of concept -> the code elements of what may be anything of it."""
        if not self._keeping_open:
            kinds: dict[str, list[int]] = {kind: [] for kind in _KINDS}
            for about, (row, content) in self.abouts.items():
                for kind in self.chosen.keeps_open(row, content):
                    kinds[kind].append(about)
            self._keeping_open = kinds
        return self._keeping_open

    @property
    def mentioning(self) -> Mapping[str, list[int]]:
        """Entry -> the code elements of what names it where it is not read as that."""
        if self._mentioning is None:
            self._mentioning = {}
            for about, (row, content) in self.abouts.items():
                for name in self.chosen.said(row, None, content).mentions:
                    self._mentioning.setdefault(name, []).append(about)
        return self._mentioning

    def found_otherwise(
        self, stands: Iterable[tuple[int, int, int]]
    ) -> dict[int, list[tuple[int, int]]]:
        """Entry -> those of some code elements, with the part, that do not stand for it."""
        found: dict[int, list[tuple[int, int]]] = {}
        for about, part, entry in stands:
            if about >= 0 and entry in self.chosen.names:
                kind, content = self.abouts[about]
                if kind is None:
                    continue
                if (part, entry) not in self.chosen.said(kind, None, content).parts:
                    found.setdefault(entry, []).append((about, part))
        return found

    @property
    def entries(self) -> list[int]:
        """The numbers of all entries that facts are taken of."""
        return sorted({*self.numbers.values(), *self.of_tables})

    def kept(self, stored: Stored) -> KeptPatient:
        """What is kept of a patient, as far as the protocol can ask for it."""
        row = (stored.patient, stored.source, stored.line, *stored.row)
        names = self.of_tables or self.chosen.names
        return patient_of(row, stored.resources, stored.facts, stored.problems, self.abouts, names)

    def record(self, stored: Stored) -> PatientRecord:
        """The record that the source gives for the protocol."""
        return gather(self.kept(stored), self.chosen)


_GATHERERS: dict[tuple[tuple[str, tuple[int, ...]], int], Gatherer] = {}
_MOST_GATHERERS = 8


def record_of(stored: Stored, codings: Codings) -> PatientRecord:
    """The record that the source of a patient gives for codings. Raises StoreError.

    What is common to all patients of a store is read once in a process.
    """
    key = (stored.store, id(codings))
    gatherer = _GATHERERS.get(key)
    if gatherer is None or gatherer.codings is not codings:
        if len(_GATHERERS) == _MOST_GATHERERS:
            _GATHERERS.clear()
        with Store(Path(stored.store[0])) as store:
            if store.name != stored.store:
                raise StoreError("it was changed while it was read", "run the command again")
            gatherer = _GATHERERS[key] = store.gatherer(codings)
    return gatherer.record(stored)


class Store:
    """A store that is read. `connection` is one of DuckDB, for what SQL can do."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        """`threads`: how many read it; None: one a core. Raises StoreError."""
        self._dataset = Dataset.opened(path) if path.is_dir() else None
        self.connection: DuckDBPyConnection
        state: tuple[int, ...]
        if self._dataset is not None:
            self.connection, state = self._dataset.connection, self._dataset.identity
        else:
            self.connection, file = connected(path, read_only=True), path.stat()
            state = (file.st_ino, file.st_mtime_ns, file.st_size)
        if threads is not None:
            self.connection.execute(f"SET threads = {threads:d}")
        self.name = (str(path), state)
        """Where the store is, and what it is now, with its size."""

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def is_complete(self) -> bool:
        """Whether the last `ingest` came to its end."""
        with told():
            found = self.connection.execute("SELECT 1 FROM meta WHERE key = 'complete'").fetchone()
        return found is not None

    def number(self) -> int:
        """How many patients there are."""
        with told():
            found = self.connection.execute("SELECT count(*) FROM patients").fetchone()
        return int(found[0]) if found is not None else 0

    # ---- columns ----------------------------------------------------------------------------

    def is_by_entry(self) -> bool:
        """Whether the facts by entry are those of now; not while an `ingest` is not through."""
        with told():
            return is_sorted(self.connection)

    def day_texts(self) -> dict[int, str]:
        """The texts of dates that are no plain year, month or day, by number."""
        with told():
            rows = self.connection.execute("SELECT number, content FROM day_texts").fetchall()
        return dict(rows)

    def narrow(self, start: int, stop: int) -> None:
        """From now on only patients at some positions are asked for."""
        if self._dataset is not None:
            self._dataset.narrow(start, stop)

    def shard(self, gatherer: Gatherer, start: int, stop: int) -> Shard:
        """The patients at some positions, as columns."""
        return Shard(Span(self.connection, start, stop), gatherer)

    # ---- which entries -----------------------------------------------------------------------

    def gatherer(self, codings: Codings) -> Gatherer:
        """What makes records for a protocol. Raises StoreError where it asks for entries that the
        store was not read for, or read otherwise; not where no resource has one of their codes."""
        run = self.connection.execute
        with told():
            rows = run("SELECT entry, name, digest FROM entries").fetchall()
            known = {(name, digest): number for number, name, digest in rows}
            everywhere = self._read_everywhere()
            found = run("SELECT about, kind, content FROM abouts").fetchall()
            index = "SELECT 1 FROM patients WHERE index_source = 'index' LIMIT 1"
            tables = run(index).fetchone() is not None
        abouts = {about: (kind or None, content) for about, kind, content in found}
        numbers: dict[str, int] = {}
        lacking: dict[str, Entry] = {}
        resources = entries_in(codings)
        for name, entry in (codings.whole.entries if tables else resources).items():
            number = known.get((name, digest_of_entry(entry)))
            if number is None or number not in everywhere:
                lacking[name] = entry
            numbers[name] = -1 - len(numbers) if number is None else number
        met = self._met(lacking, abouts.values())
        if met:
            raise self._lacks(met)
        if not tables:
            return Gatherer(codings, numbers, abouts)
        of_tables = {number: name for name, number in numbers.items()}
        return Gatherer(codings, {name: numbers[name] for name in resources}, abouts, of_tables)

    def _read_everywhere(self) -> frozenset[int]:
        """The entries for which all patients were read."""
        rows = self.connection.execute(
            "SELECT knowledge, entry FROM knowledge "
            "WHERE knowledge IN (SELECT DISTINCT knowledge FROM patients)"
        ).fetchall()
        sets: dict[int, set[int]] = {}
        for number, entry in rows:
            sets.setdefault(number, set()).add(entry)
        return frozenset(set.intersection(*sets.values())) if sets else frozenset()

    def _met(
        self, lacking: Mapping[str, Entry], abouts: Iterable[tuple[str | None, str]]
    ) -> list[str]:
        """Those of some entries of which resources may state something."""
        if not lacking or not self.number():
            return []
        met = {n for n, entry in lacking.items() if isinstance(entry, Qualifier | PatientField)}
        each = {name: Codings.of(Vocabulary({name: entry})) for name, entry in lacking.items()}
        whole = Codings.of(Vocabulary(lacking))
        for kind, content in abouts:
            about = json.loads(content)
            if _states(kind, about, whole):
                met.update(n for n in each if n not in met and _states(kind, about, each[n]))
        return sorted(met)

    def _lacks(self, names: Sequence[str]) -> StoreError:
        listed = ", ".join(f"`{name}`" for name in names[:_NAMED])
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        return StoreError(
            f"it was not read for {listed}{more}, or not as now: the protocol asks for it, and "
            "records may state it",
            "ingest the sources into it again, with `--protocol FILE` for a protocol that is not "
            "in the knowledge base, and `--policies FILE` for what a site adds",
        )

    # ---- patients ----------------------------------------------------------------------------

    def stretches(self, most: int, parts: int = 1) -> Iterator[Stretch]:
        """All patients, in stretches: a short one first, then so many parts that several processes
        can share, or more, of `most` patients at most. Each has a cost of its own, so there are not
        many; long ones end with those who lie together."""
        number = self.number()
        start = 0
        while start < number or not start:
            size = max(_CHUNK, min(most, number // parts)) if start else _CHUNK
            stop = start + size
            stop = min(stop // BLOCK * BLOCK if size >= BLOCK else stop, number)
            share = self.name[1][-1] * (stop - start) // max(number, 1)
            yield Stretch(self.name, start, stop, share)
            start = stop or 1

    def items(
        self, gatherer: Gatherer, start: int = 0, stop: int | None = None
    ) -> Iterator[Stored | Problem]:
        """The patients in the order of the sources, and in its place why a document gave none; of
        those at some positions alone, with what stands before them and, at the end, behind."""
        size = self.number()
        whole = stop is None or stop >= size
        order = "SELECT place, patient FROM patients ORDER BY place"
        with told():
            rows = self.connection.execute(
                f"{order} LIMIT ? OFFSET ?", [(size if stop is None else stop) - start, start]
            ).fetchall()
            before = self.connection.execute(
                f"{order} LIMIT 1 OFFSET ?", [max(start, 1) - 1]
            ).fetchone()
            listed = self.connection.execute("SELECT * FROM told ORDER BY place").fetchall()
        low = before[0] if start and before is not None else -1
        problems = [
            (place, _problem(row))
            for place, *row in listed
            if place > low and (whole or place < rows[-1][0])
        ]
        for first in range(0, len(rows), _CHUNK):
            chunk = rows[first : first + _CHUNK]
            found = self.stored([number for _, number in chunk], gatherer)
            for (place, _), stored in zip(chunk, found, strict=True):
                while problems and problems[0][0] < place:
                    yield problems.pop(0)[1]
                yield stored
        yield from (problem for _, problem in problems)

    def stored(self, numbers: Sequence[int], gatherer: Gatherer) -> list[Stored]:
        """The rows of some patients, in this order."""
        entries = gatherer.entries
        with told():
            patients = {
                row[0]: row[1:] for row in self._rows("patients", _PATIENT, numbers).fetchall()
            }
            resources = self._grouped("resources", numbers)
            facts = self._grouped("facts", numbers, "AND entry IN (SELECT unnest(?))", entries)
            problems = self._grouped(
                "problems", numbers, "AND (entry IS NULL OR entry IN (SELECT unnest(?)))", entries
            )
        found = []
        for number in numbers:
            name, source, line, *rest = patients[number]
            found.append(
                Stored(
                    self.name,
                    name,
                    source,
                    line,
                    tuple(rest),
                    resources.get(number, []),
                    facts.get(number, []),
                    problems.get(number, []),
                )
            )
        return found

    def _grouped(
        self, table: str, numbers: Sequence[int], where: str = "", entries: Sequence[int] = ()
    ) -> dict[int, list[Row]]:
        grouped: dict[int, list[Row]] = {}
        more = [list(entries)] if where else []
        rows = self._rows(table, "*", numbers, f"{where} ORDER BY patient, resource", more)
        for number, *row in rows.fetchall():
            grouped.setdefault(number, []).append(tuple(row))
        return grouped

    def _rows(
        self,
        table: str,
        columns: str,
        numbers: Sequence[int],
        more: str = "",
        values: Sequence[object] = (),
    ) -> DuckDBPyConnection:
        low, high = min(numbers), max(numbers)
        its = f"patient BETWEEN {low:d} AND {high:d}"
        if high - low + 1 != len(numbers):
            its += " AND patient IN (SELECT unnest(?))"
            values = [list(numbers), *values]
        statement = f"SELECT {columns} FROM {table} WHERE {its} {more}"
        return self.connection.execute(statement, list(values))


_PATIENT = "patient, id, source, line, index_date, index_source, counted, nothing"


def _problem(row: Sequence[Any]) -> Problem:
    code, message, hint, name, file = row
    return Problem(code=code, message=message, hint=hint, resource=name, file=file)


def entries_in(codings: Codings) -> dict[str, Entry]:
    """All entries that records are read for by codings."""
    c = codings
    tables: list[Mapping[Any, Iterable[Any]]] = [
        c.fields, c.observations, c.conditions, c.procedures, c.medications, c.allergies,
        c.lists, c.consents, c.qualifiers,
    ]  # fmt: skip
    found = {e.name: e for table in tables for entries in table.values() for e in entries}
    found |= {entry.name: entry for each in c.unlike.values() for entry, _ in each}
    return found


def _states(kind: str | None, about: Object, codings: Codings) -> bool:
    """Whether code elements, or those of a component, stand for an entry, or look like one's."""
    if kind is None:
        named = about.get(ELEMENT)
        return is_read_elsewhere(about, codings) or any(
            named in (entry.name, entry.element) for entry in codings.whole.entries.values()
        )
    row, components = ROWS[kind], objects_in(about, "component")
    return (
        bool(row.find(about, codings))
        or any(entries_of(each.get("code"), codings.observations) for each in components)
        or any(look_alikes(about, row, codings))
        or (kind == "Condition" and any(stages.statuses_in(about, codings)))
    )
