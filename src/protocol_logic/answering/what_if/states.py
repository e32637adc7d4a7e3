"""What the findings of a patient are when some inputs are set: read by the ordinary road.

Findings that can share an input are one block, and are read together; a block depends on the
levers of its inputs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import TypeAlias

from protocol_logic.answering.what_if.levers import Lever, Option
from protocol_logic.answering.what_if.setting import forced, stopped, with_facts
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.read import concept_group, read_findings
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.findings.variants import base_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.criteria import Key
from protocol_logic.records.facts import PatientRecord

State: TypeAlias = tuple[tuple[int, int], ...]
"""Which levers are set, and to which of their options, by number; others are as they are."""


@dataclass(frozen=True, slots=True)
class Block:
    """Findings that are read together, and the entries whose facts they are read from.

    `whole`: they may be read from any entry.
    """

    findings: tuple[str, ...]
    courses: str
    entries: frozenset[str]
    sources: frozenset[str]
    """The entries whose levers move them."""
    whole: bool
    plan: Plan


class Blocks:
    """The blocks of a protocol. Which findings share sex or age depends on whether it is known."""

    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.protocol, self.plan = protocol, plan
        self.voc = protocol.vocabulary
        self._known: dict[object, tuple[Block, ...]] = {}

    def of(self, still_open: frozenset[str], sexed: frozenset[str]) -> tuple[Block, ...]:
        """`still_open`: the patient fields and ages that have more than one value; `sexed`: the
        quantities whose limits of normal are not the same for all."""
        key = (still_open, sexed if still_open else frozenset())
        if key not in self._known:
            self._known[key] = tuple(self._made(*key))
        return self._known[key]

    def _made(self, still_open: frozenset[str], sexed: frozenset[str]) -> Iterator[Block]:
        keys: dict[str, set[str]] = {}
        for name in self.plan.findings:
            keys[name] = self._keys(name, still_open, sexed)
        for concept in self.plan.courses:
            keys[concept_group(concept)] = {f"courses {concept}"}
        for members in _joined(keys):
            courses = next((m for m in members if m not in self.plan.findings), "")
            yield self._block([m for m in members if m in self.plan.findings], courses, sexed)

    def _keys(self, name: str, still_open: frozenset[str], sexed: frozenset[str]) -> set[str]:
        """What a finding may share with others."""
        finding = self.plan.findings[name]
        if finding.kind == "lines":
            return {f"courses {finding.entry}"}
        for concept, courses in self.plan.courses.items():
            if any(
                name in (n.unrecorded_course, n.unrecorded_event) for n in courses.names.values()
            ):
                return {f"courses {concept}", f"finding {base_of(finding)}"}
        derived = self.protocol.derived.get(finding.entry)
        if derived is not None:
            names = {*derived.inputs, *derived.fields, *filter(None, [derived.reported])}
        elif finding.kind in ("value", "recorded", "in_record", "number", "ratio", "age"):
            names = {finding.entry}
            if finding.kind == "ratio" and finding.entry in sexed:
                names |= {f.name for f in self.voc.of(voc.PatientField) if f.field == "gender"}
        else:
            return {f"finding {base_of(finding)}"}
        alone = {
            each
            for each in names
            if isinstance(self.voc.entries.get(each), voc.PatientField | voc.Age)
            and each not in still_open
        }
        return {f"entry {each}" for each in names - alone} or {f"entry {finding.entry}"}

    def _block(self, findings: Sequence[str], courses: str, sexed: frozenset[str]) -> Block:
        entries: set[str] = set()
        sources: set[str] = set()
        whole = bool(courses)
        for name in findings:
            finding = self.plan.findings[name]
            derived = self.protocol.derived.get(finding.entry)
            if derived is not None:
                own = {*derived.inputs, *derived.fields, *filter(None, [derived.reported])}
                entries |= own
                sources |= own
                continue
            if finding.kind in ("undetermined", "todo"):
                continue
            entry = self.voc.entries[finding.entry]
            entries.add(entry.name)
            sources.add(entry.name)
            if isinstance(entry, voc.Concept):
                below, above = self.voc.below(entry.name), self.voc.above(entry.name)
                entries.update(below, above)
                sources.update(above)
                if finding.kind != "presence":
                    sources.update(below)
            if isinstance(entry, voc.Concept | voc.Event) and entry.closed_by:
                entries.add(entry.closed_by)
                sources.add(entry.closed_by)
            if finding.kind in ("lines", "unrecorded") or isinstance(entry, voc.Event):
                whole = True
            if isinstance(entry, voc.Lesion) and entry.counted:
                entries.add(entry.counted)
                sources.add(entry.counted)
            if finding.window is not None and finding.window.before is not None:
                entries.add(finding.window.before)
            if finding.occurrence is not None:
                whole = True
            if finding.kind == "ratio" and finding.entry in sexed:
                sexes = {f.name for f in self.voc.of(voc.PatientField) if f.field == "gender"}
                entries |= sexes
                sources |= sexes
        for name in list(entries):
            entry = self.voc.entries.get(name)  # type: ignore[assignment]
            if isinstance(entry, voc.Age):
                entries.add(entry.of)
                sources.add(entry.of)
        concept = courses.removeprefix("courses_of_")
        if courses:
            sources.update(self.voc.below(concept))
        small = Plan(
            findings={n: self.plan.findings[n] for n in findings},
            courses={concept: self.plan.courses[concept]} if concept in self.plan.courses else {},
            reach={},
            tests=self.plan.tests,
            basis={},
        )
        return Block(tuple(findings), courses, frozenset(entries), frozenset(sources), whole, small)


def _joined(keys: Mapping[str, set[str]]) -> list[list[str]]:
    """Names that share a key, directly or through others, in order."""
    home: dict[str, list[str]] = {}
    sets: list[list[str]] = []
    for name, own in keys.items():
        met: list[list[str]] = []
        for key in own:
            if key in home and all(home[key] is not each for each in met):
                met.append(home[key])
        joined = [n for each in met for n in each] + [name]
        sets = [each for each in sets if all(each is not one for one in met)]
        sets.append(joined)
        for member in joined:
            for key in keys[member]:
                home[key] = joined
    return sets


class States:
    """A patient's findings on a day, by what the levers are set to."""

    def __init__(
        self,
        protocol: core.Protocol,
        record: PatientRecord,
        as_of: date,
        windows: Mapping[str, Window],
        dates: Mapping[str, date],
        blocks: Sequence[Block],
        levers: Sequence[Lever],
    ) -> None:
        self.protocol, self.record, self.as_of = protocol, record, as_of
        self.windows, self.dates = windows, dates
        self.blocks, self.levers = blocks, levers
        self.movers = [
            tuple(i for i, lever in enumerate(levers) if moves(protocol, lever, block))
            for block in blocks
        ]
        self._records: dict[int, PatientRecord] = {}
        self._rows: dict[tuple[int, State], tuple[Key, ...]] = {}

    def rows(self, block: int, state: State) -> tuple[Key, ...]:
        """The joint rows of a block, each with the cells of its findings."""
        movers = self.movers[block]
        own = tuple(each for each in state if each[0] in movers)
        key = (block, own)
        if key not in self._rows:
            options = [self.levers[i].options[n] for i, n in own]
            self._rows[key] = self._read(block, options)
        return self._rows[key]

    def states(self, block: int) -> Iterator[State]:
        """All states of the levers that move a block."""
        choices = [[None, *range(len(self.levers[i].options))] for i in self.movers[block]]
        for chosen in product(*choices):
            yield tuple(
                (i, n) for i, n in zip(self.movers[block], chosen, strict=True) if n is not None
            )

    def _read(self, number: int, options: Sequence[Option]) -> tuple[Key, ...]:
        block = self.blocks[number]
        record = set_in(self._own(number), options, self.as_of, self.protocol.vocabulary)
        found = read_findings(
            self.protocol, block.plan, record, self.as_of, self.windows, self.dates
        )
        found = set_as_a_whole(block.plan, found, options)
        return joint(found)

    def _own(self, number: int) -> PatientRecord:
        """The record with the facts that a block is read from."""
        block = self.blocks[number]
        if block.whole:
            return self.record
        if number not in self._records:
            facts = tuple(f for f in self.record.facts if f.entry in block.entries)
            self._records[number] = replace(self.record, facts=facts)
        return self._records[number]


def moves(protocol: core.Protocol, lever: Lever, block: Block) -> bool:
    """Whether a lever can move findings of a block."""
    test = lever.options[0].test
    if test is None:
        return not lever.entries.isdisjoint(block.sources)
    if isinstance(test, core.Pattern):
        return test.concept in block.plan.courses
    return block.plan.tests[test][0] in block.findings


def set_in(
    record: PatientRecord, options: Iterable[Option], as_of: date, vocabulary: voc.Vocabulary
) -> PatientRecord:
    """A record in which options are set."""
    for option in options:
        for fact in option.facts:
            record = with_facts(record, [fact], as_of, vocabulary)
        if option.stops:
            record = stopped(record, option.stops, as_of, vocabulary)
    return record


def set_as_a_whole(
    plan: Plan, found: PatientFindings, options: Iterable[Option]
) -> PatientFindings:
    """Findings in which the conditions of histories are set."""
    for option in options:
        if option.test is not None:
            found = forced(plan, found, option.test, option.truth)
    return found


def joint(found: PatientFindings) -> tuple[Key, ...]:
    """All findings of a block in joint rows."""
    single = tuple(found.single.items())
    rows: dict[Key, None] = {}
    for chosen in product(*(group.rows for group in found.groups)):
        cells = [*single, *(cell for row in chosen for cell in row.cells)]
        rows[tuple(sorted(cells, key=lambda c: c[0]))] = None
    return tuple(rows)
