"""Tables with a mapping to what is kept of their patients for any protocol.

A row is read for each entry that it speaks of, by the same functions as for one protocol; which of
them a protocol has, and what then becomes of the row, is told when records are gathered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.knowledge.vocabulary import Vocabulary
from protocol_logic.records.elements import Elements
from protocol_logic.records.facts import Fact
from protocol_logic.records.json_text import Object
from protocol_logic.records.mapping import Named, Spoken, Table, read_mapping
from protocol_logic.records.store.kept import ELEMENT, Kept, KeptFact, KeptPatient, KeptProblem
from protocol_logic.records.store.knowledge import Knowledge
from protocol_logic.records.store.rows import about_text
from protocol_logic.records.table_rows import Memory, RawRow, RowReader
from protocol_logic.records.tables import Gathered, PatientRows, mapping_at


@dataclass(frozen=True, slots=True)
class Seen:
    """A patient of tables who may be read: `digest` covers all that the rows say."""

    patient: str
    source: str
    digest: bytes
    rows: PatientRows


@dataclass(slots=True)
class TableSeer:
    """Reads the tables of one mapping for all entries. `files`: those that it names."""

    path: Path
    knowledge: Knowledge
    problems: Problems
    files: tuple[Path, ...] = ()
    _gathered: Gathered | None = None
    _layers: tuple[_Layer, ...] = ()
    _layer_of: dict[int, _Layer] = field(default_factory=dict)

    def seen(self) -> Iterator[Seen]:
        """The patients in the order in which they are first met; nobody, with all problems, where
        the mapping has a fault under some knowledge, or a file cannot be read to its end."""
        mapping = mapping_at(self.path)
        readings = list(self._mappings(mapping))
        if not readings:
            return
        tables = [_together(each) for each in zip(*readings, strict=True)]
        self.files = tuple(dict.fromkeys(table.file for table in tables))
        self._gathered = Gathered.of(mapping, tables, self.problems)
        if self._gathered is None:
            return
        text = mapping.read_bytes()
        for patient, rows in self._gathered.taken():
            yield Seen(patient, str(mapping), _digest(text, patient, rows), rows)

    def _mappings(self, mapping: Path) -> Iterator[list[Table]]:
        """The tables under each layer of knowledge; what a layer lacks is that of the first."""
        entries, first = self.knowledge.entries, self.knowledge.tables[0]
        for number, layer in enumerate(self.knowledge.tables):
            numbers = {**first, **layer}
            vocabulary = Vocabulary({name: entries[n] for name, n in numbers.items()})
            found = Problems()
            tables = read_mapping(mapping, Elements(vocabulary, {}), found)
            if tables is None:
                self.problems.extend(found.items)
                return
            its = _Layer(numbers, Memory())
            own = {id(entries[n]): its for n in layer.values()}
            self._layer_of |= own
            yield [_only(table, own) for table in tables] if number else tables

    def kept(self, seen: Seen) -> KeptPatient:
        """What is kept of a patient."""
        assert self._gathered is not None
        rows = seen.rows
        index = self._gathered.index_of(seen.patient, rows)
        kept = KeptPatient(seen.patient, seen.source, None, index, "index", digest=seen.digest)
        kept.counted = {file: n["irrelevant"] for file, n in rows.accounts.items()}
        for named, times in rows.others.items():
            kept.others["", about_text(_about(named))] = times
        kept.problems = [_always(problem) for problem in rows.problems]
        kept.kept = [self._row(row, index) for row in rows.rows]
        return kept

    def _row(self, row: RawRow, index: date | None) -> Kept:
        named = row.table.named(row.cell("system"), row.cell("element") or row.cell("code"))
        about = None if named is None else _about(named)
        kept = Kept(row.table.file.name, row.name, None, about)
        for spoken in row.spoken:
            entry = spoken[0]
            layer = self._layer_of[id(entry)]
            facts: list[Fact] = []
            problems: list[Problem] = []
            reader = RowReader(index, facts, problems, layer.memory)
            reader.read(row._replace(spoken=(spoken,)))
            number = layer.numbers[entry.name]
            # An event that is a status is a fact of that.
            kept.facts += [KeptFact(layer.numbers[fact.entry], fact) for fact in facts]
            kept.problems += [
                KeptProblem("entry", p.code, p.message, p.hint, number, file=p.file)
                for p in problems
            ]
        return kept


@dataclass(frozen=True, slots=True)
class _Layer:
    """Name of an entry -> its number, and what was read before by these entries."""

    numbers: dict[str, int]
    memory: Memory


def _only(table: Table, own: dict[int, _Layer]) -> Table:
    """A table whose rows speak of some entries alone."""
    spoken = table.spoken
    return replace(
        table, spoken=lambda system, text: tuple(s for s in spoken(system, text) if id(s[0]) in own)
    )


def _together(tables: tuple[Table, ...]) -> Table:
    """One table whose rows speak of what they speak of under each layer."""
    if len(tables) == 1:
        return tables[0]

    def spoken(system: str, text: str) -> tuple[Spoken, ...]:
        return tuple(each for table in tables for each in table.spoken(system, text))

    return replace(tables[0], spoken=spoken)


def _about(named: Named) -> Object:
    system, text = named
    if system is None:
        return {ELEMENT: text}
    return {"code": {"coding": [{"system": system, "code": text}]}}


def _always(problem: Problem) -> KeptProblem:
    p = problem
    return KeptProblem("always", p.code, p.message, p.hint, resource=p.resource, file=p.file)


def _digest(mapping: bytes, patient: str, rows: PatientRows) -> bytes:
    found = hashlib.blake2b(mapping, digest_size=16)
    said = [(row.table.where, row.number, row.cells) for row in rows.rows]
    counts = [(file, sorted(n.items())) for file, n in rows.accounts.items()]
    told = [(p.code, p.message, p.resource) for p in rows.problems]
    other = (sorted(rows.index.items()), counts, told, list(rows.others.items()))
    found.update(repr((patient, said, other)).encode("utf-8", "surrogatepass"))
    return found.digest()
