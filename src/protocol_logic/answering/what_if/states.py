"""What the findings of a patient are when some inputs are set: read by the ordinary road."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from typing import TypeAlias

from protocol_logic.answering.what_if.blocks import Block, Divided, patterned
from protocol_logic.answering.what_if.lever_making import LeverMaker
from protocol_logic.answering.what_if.levers import Lever, Option
from protocol_logic.answering.what_if.setting import forced, stopped, with_facts
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.inputs import Input, Number
from protocol_logic.findings.read import read_visible
from protocol_logic.findings.rows import CellSet, Opener, PatientFindings
from protocol_logic.knowledge.vocabulary import Quantity, Vocabulary
from protocol_logic.reasoning.criteria import Key
from protocol_logic.records.facts import Fact, Measured, PatientRecord, place

State: TypeAlias = tuple[tuple[int, int], ...]
"""Which levers are set, and to which of their options, by number; others are as they are."""
Rows: TypeAlias = tuple[Key, ...]
"""Joint rows of the findings of a block."""


class Kept:
    """Rows that are the same for all patients of a protocol, and a number for each rows."""

    def __init__(self) -> None:
        self.rows: dict[object, Rows] = {}
        self._numbers: dict[Rows, int] = {}

    def number(self, rows: Rows) -> int:
        return self._numbers.setdefault(rows, len(self._numbers))


class States:
    """A patient's findings on a day, by what the levers are set to."""

    def __init__(
        self,
        maker: LeverMaker,
        divided: Divided,
        record: PatientRecord,
        kept: dict[int, Kept],
    ) -> None:
        self.maker, self.divided, self.record = maker, divided, record
        self.visible, self.as_of = maker.visible, maker.as_of
        self.levers: dict[int, Lever] = {}
        self._kept = kept.setdefault(id(divided), Kept())
        self._movers: dict[int, tuple[int, ...]] = {}
        self._records: dict[int, PatientRecord] = {}
        self._rows: dict[tuple[int, State], Rows] = {}
        self._found: dict[object, PatientFindings] = {}
        self._by_slots: dict[
            tuple[int, State], dict[frozenset[str], list[Mapping[str, CellSet]]]
        ] = {}
        self._by_entry: dict[str, list[Fact]] = {}
        for fact in record.facts:
            self._by_entry.setdefault(fact.entry, []).append(fact)

    def movers(self, block: int) -> tuple[int, ...]:
        """The levers that move a block, by number."""
        if block not in self._movers:
            it = self.divided.blocks[block]
            found = []
            for number, source in enumerate(self.maker.sources.names):
                if isinstance(source, str):
                    if source not in it.sources:
                        continue
                elif not any(patterned(it, test) for test in source):
                    continue
                if number not in self.levers:
                    lever = self.maker.lever(source)
                    if lever is None:
                        continue
                    self.levers[number] = lever
                found.append(number)
            self._movers[block] = tuple(found)
        return self._movers[block]

    def moved(self, lever: int) -> list[int]:
        """The blocks that a lever moves."""
        source = self.maker.sources.names[lever]
        if isinstance(source, str):
            return self.divided.moved_by.get(source, [])
        return [b.number for b in self.divided.blocks if any(patterned(b, t) for t in source)]

    def states(self, block: int) -> Iterator[State]:
        """All states of the levers that move a block."""
        movers = self.movers(block)
        choices = [[None, *range(len(self.levers[i].options))] for i in movers]
        for chosen in product(*choices):
            yield tuple((i, n) for i, n in zip(movers, chosen, strict=True) if n is not None)

    def number(self, block: int, state: State) -> int:
        """A number for the rows of a block, the same for the same rows."""
        return self._kept.number(self.rows(block, state))

    def rows(self, block: int, state: State) -> Rows:
        """The joint rows of a block, each with the cells of its findings."""
        key = (block, state)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = self._made(block, state)
        return found

    def by_slots(
        self, block: int, state: State
    ) -> Mapping[frozenset[str], Sequence[Mapping[str, CellSet]]]:
        """The rows of a block, by the numbered findings of courses that they have."""
        key = (block, state)
        found = self._by_slots.get(key)
        if found is None:
            known = self.maker.sources.plan.findings
            found = self._by_slots[key] = {}
            for row in self.rows(block, state):
                slots = frozenset([name for name, _ in row if name not in known])
                found.setdefault(slots, []).append(dict(row))
        return found

    def _made(self, number: int, state: State) -> Rows:
        block = self.divided.blocks[number]
        if not state:
            return _part(block, self.maker.found)
        options = [self.levers[i].options[n] for i, n in state]
        key = self._common(block, options)
        if key is None:
            return self._read(block, options)
        if key not in self._kept.rows:
            self._kept.rows[key] = self._read(block, options)
        return self._kept.rows[key]

    def _common(self, block: Block, options: Sequence[Option]) -> object:
        """What decides the rows of a block for all patients alike; None: the record does too."""
        if len(options) == 1 and block.own and options[0].sets == block.own:
            return block.number, options[0].said
        if self._own(block).facts or any(option.stops for option in options):
            return None
        said = tuple((o.said, o.tests, *(f.entry for f in o.facts)) for o in options)
        # What is recorded today may lie in a window that ends on a day of the run, or not.
        return (
            block.number,
            said,
            self.record.unclear,
            self.as_of if self.visible.timepoints else None,
        )

    def _read(self, block: Block, options: Sequence[Option]) -> Rows:
        plain = [option for option in options if not option.tests]
        if len(plain) < len(options):
            key = (block.number, *((o.said, *(f.entry for f in o.facts)) for o in plain))
            if key not in self._found:
                self._found[key] = self._of(block, plain)
            return joint(set_as_a_whole(block.plan, self._found[key], options))
        return joint(self._of(block, plain))

    def _of(self, block: Block, options: Sequence[Option]) -> PatientFindings:
        """The findings of a block with options set, but for those of histories."""
        protocol, visible = self.maker.protocol, self.visible
        inputs = self._inputs(block, options)
        if inputs is None:
            own = self._own(block)
            record = set_in(own, options, self.as_of, protocol.vocabulary)
            visible = visible.of_record(record)
            inputs = {}
        return read_visible(protocol, block.plan, visible, inputs)

    def _inputs(self, block: Block, options: Sequence[Option]) -> dict[str, Input] | None:
        """What the options make of inputs, where all are numbers of newest results."""
        if not block.numbers:
            return None
        found = {}
        for option in options:
            [fact] = option.facts or [None]
            if fact is None or not isinstance(fact.reading, Measured) or fact.reading.value is None:
                return None
            entry, reading, value = (
                self.maker.voc.entries[fact.entry],
                fact.reading,
                fact.reading.value,
            )
            assert isinstance(entry, Quantity)
            exact = value.is_point and not reading.relative
            opener = None if exact else Opener(entry.element, "imprecise", fact.resource)
            number = Number(value, reading.limits, fact.resource, reading.relative)
            found[entry.name] = Input(entry.name, (number,), opener, (fact,))
        return found

    def _own(self, block: Block) -> PatientRecord:
        """The record with the facts that a block is read from."""
        if block.number not in self._records:
            named = block.entries & self._by_entry.keys()
            facts = [fact for name in named for fact in self._by_entry[name]]
            facts.sort(key=place)
            self._records[block.number] = replace(self.record, facts=tuple(facts))
        return self._records[block.number]


def set_in(
    record: PatientRecord, options: Iterable[Option], as_of: date, vocabulary: Vocabulary
) -> PatientRecord:
    """A record in which options are set."""
    for option in options:
        if option.facts:
            record = with_facts(record, option.facts, as_of, vocabulary)
        if option.stops:
            record = stopped(record, option.stops, as_of, vocabulary)
    return record


def set_as_a_whole(
    plan: Plan, found: PatientFindings, options: Iterable[Option]
) -> PatientFindings:
    """Findings in which the conditions of histories are set."""
    for option in options:
        for test in option.tests:
            if not isinstance(test, core.Pattern) or test.concept in plan.courses:
                found = forced(plan, found, test, option.truth)
    return found


def joint(found: PatientFindings) -> Rows:
    """All findings of a block in joint rows."""
    single = tuple(found.single.items())
    rows: dict[Key, None] = {}
    for chosen in product(*(group.rows for group in found.groups)):
        cells = [*single, *(cell for row in chosen for cell in row.cells)]
        rows[tuple(sorted(cells, key=lambda c: c[0]))] = None
    return tuple(rows)


def _part(block: Block, found: PatientFindings) -> Rows:
    """A block as it is in all findings of a patient."""
    names = block.plan.findings
    if not block.courses and all(name in found.single for name in names):
        return (tuple(sorted(((n, found.single[n]) for n in names), key=lambda c: c[0])),)
    single = {n: found.single[n] for n in names if n in found.single}
    groups = [
        g for g in found.groups if g.name == block.courses or not g.findings.isdisjoint(names)
    ]
    return joint(PatientFindings(as_of=found.as_of, single=single, groups=tuple(groups)))
