"""What the findings of a patient are when some inputs are set: read by the ordinary road."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import count, product
from typing import TypeAlias

from protocol_logic.answering.what_if.blocks import Block, Divided, patterned
from protocol_logic.answering.what_if.lever_making import LeverMaker
from protocol_logic.answering.what_if.levers import Lever, Option
from protocol_logic.answering.what_if.setting import forced, stopped, with_facts
from protocol_logic.answering.what_if.sources import Sources
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.inputs import Input, Number
from protocol_logic.findings.read import read_visible
from protocol_logic.findings.rows import CellSet, Opener, PatientFindings
from protocol_logic.knowledge.vocabulary import (
    Age,
    Concept,
    History,
    PatientField,
    Quantity,
    Vocabulary,
)
from protocol_logic.reasoning.criteria import Key
from protocol_logic.reasoning.repairing import Region
from protocol_logic.records.facts import Fact, Measured, PatientRecord, place

MOST_KEPT = 20_000
"""How many levers of a protocol are kept for other patients."""
Notes: TypeAlias = dict[str, dict[str, None]]
"""Finding -> why some of its repairs are not found."""
KeptLever: TypeAlias = tuple[int, Lever | None, Notes]
"""A lever with its number among those that are kept, and the notes that came of it."""
State: TypeAlias = tuple[tuple[int, int], ...]
"""Which levers are set, and to which of their options, by number; others are as they are."""
Rows: TypeAlias = tuple[Key, ...]
"""Joint rows of the findings of a block."""


_READ = Quantity | Age | PatientField


class Kept:
    """Rows that are the same for all patients of a protocol, and a number for each rows."""

    def __init__(self, divided: Divided, sources: Sources) -> None:
        self.rows: dict[object, Rows] = {}
        self._numbers: dict[Rows, int] = {}
        self.looks: dict[object, tuple[int, ...]] = {}
        self.levers: dict[object, KeptLever] = {}
        self._next = count()
        """Levers that many patients have, by what decides them, each with a number."""
        self.movers: list[tuple[int, ...]] = [
            tuple(n for n, source in enumerate(sources.names) if _moves(source, block))
            for block in divided.blocks
        ]
        """The sources whose levers move each block."""
        self.moved: list[list[int]] = [[] for _ in sources.names]
        """The blocks that the lever of each source moves."""
        for block, movers in enumerate(self.movers):
            for source in movers:
                self.moved[source].append(block)
        self.entries: dict[str, frozenset[str]] = {
            name: frozenset[str]().union(*(divided.blocks[b].entries for b in blocks))
            for name, blocks in divided.moved_by.items()
        }
        """What a lever of an entry is made from: all entries of the blocks that it moves."""

    def keep(self, key: object, lever: Lever | None, notes: Notes) -> KeptLever:
        """Keep a lever; where too many are kept, all others go."""
        if len(self.levers) >= MOST_KEPT:
            self.levers.clear()
            self.looks.clear()
        self.levers[key] = next(self._next), lever, notes
        return self.levers[key]

    def number(self, rows: Rows) -> int:
        return self._numbers.setdefault(rows, len(self._numbers))


def _moves(source: str | tuple[core.Test, ...], block: Block) -> bool:
    if isinstance(source, str):
        return source in block.sources
    return any(patterned(block, test) for test in source)


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
        if id(divided) not in kept:
            kept[id(divided)] = Kept(divided, maker.sources)
        self._kept = kept[id(divided)]
        beside = [(each.entry, each.day) for each in record.mentioned]
        beside += [(n, each.day) for each in record.unread for n in each.entries]
        self._unread = record.unclear, frozenset(maker.visible.unread), frozenset(beside)
        """What decides, beside facts, what a list closes."""
        self._movers: dict[int, tuple[int, ...]] = {}
        self._alike: dict[int, int] = {}
        """Lever -> its number among those that many patients have."""
        self._looks: dict[int, tuple[int, ...]] = {}
        self._tried: dict[int, Lever | None] = {}
        self._records: dict[int, PatientRecord] = {}
        self._inputs_of: dict[int, dict[str, Input]] = {}
        self._rows: dict[tuple[int, State], Rows] = {}
        self._whole: dict[tuple[int, Region], Rows] = {}
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
            found = []
            for number in self._kept.movers[block]:
                if self._is_left_out(self.divided.blocks[block], number):
                    continue
                if number not in self._tried:
                    self._tried[number] = self._lever(number)
                lever = self._tried[number]
                if lever is not None:
                    self.levers[number] = lever
                    found.append(number)
            self._movers[block] = tuple(found)
        return self._movers[block]

    def lever(self, number: int) -> Lever | None:
        """A lever; None where there is nothing to set it to, or no block that it moves reads it."""
        self.moved(number)
        return self.levers.get(number)

    def _is_left_out(self, block: Block, number: int) -> bool:
        """Whether a block reads nothing of what a lever sets: what casts doubt on lists, and none
        is recorded; or a kind that its subject leaves out, and no record that says more is said of
        the kind too."""
        source = self.maker.sources.names[number]
        if source in block.doubting and not self._may_be_doubted(block):
            return True
        if source not in block.left_out:
            return False
        kinds = self.maker.voc.below(str(source))
        own = {fact.resource for kind in kinds for fact in self._by_entry.get(kind, ())}
        rest = block.entries - block.left_out
        return not own or all(
            fact.resource not in own for name in rest for fact in self._by_entry.get(name, ())
        )

    def _may_be_doubted(self, block: Block) -> bool:
        """Whether a doubt can decide something: a list that is set is a person's word, which goes
        before it."""
        return block.lists is None or not block.lists.isdisjoint(self._by_entry)

    def _lever(self, number: int) -> Lever | None:
        """A lever, which is kept where other patients have the same."""
        maker, source = self.maker, self.maker.sources.names[number]
        key = self._decides(source)
        if key is None:
            lever = maker.lever(source)
            return None if lever is not None and self._is_as_now(lever, source) else lever
        known = self._kept.levers.get((number, key))
        if known is None:
            notes, maker.notes = maker.notes, {}
            known = self._kept.keep((number, key), maker.lever(source), maker.notes)
            maker.notes = notes
        self._alike[number], lever, noted = known
        for finding, words in noted.items():
            maker.notes.setdefault(finding, {}).update(words)
        return lever

    def _decides(self, source: str | tuple[core.Test, ...]) -> object:
        """What decides a lever for all patients alike; None: the record does too."""
        maker = self.maker
        if not isinstance(source, str):
            return tuple(map(maker.truth, source))
        entry = maker.voc.entries[source]
        if isinstance(entry, History):
            return self.as_of, maker.visible.closes(source)
        if self._kept.entries[source].isdisjoint(self._by_entry):
            if isinstance(entry, Quantity):  # an example of another input is that of a sex
                return self.as_of, maker.sex()
            is_concept = isinstance(entry, Concept)
            return self.as_of, is_concept and maker.truth(core.Present(concept=source))
        return None

    def _is_as_now(self, lever: Lever, source: str | tuple[core.Test, ...]) -> bool:
        """Whether each option of a number holds what is recorded: then none helps."""
        if not isinstance(self.maker.voc.entries.get(lever.name), Quantity):
            return False
        blocks = self.divided.moved_by.get(lever.name, ())
        if not all(self.divided.blocks[b].numbers for b in blocks):
            return False
        now = self.maker.cutter.input(lever.name)
        [value, *others] = now.alternatives
        if others or now.opener is not None or not isinstance(value, Number):
            return False
        return all(
            not option.family
            and option.range_ is not None
            and option.range_.contains_interval(value.value)
            for option in lever.options
        )

    def moved(self, lever: int) -> list[int]:
        """The blocks that a lever moves."""
        return [block for block in self._kept.moved[lever] if lever in self.movers(block)]

    def states(self, block: int, movers: Sequence[int] | None = None) -> Iterator[State]:
        """All states of the levers that move a block, or of some of them."""
        movers = self.movers(block) if movers is None else movers
        choices = [[None, *range(len(self.levers[i].options))] for i in movers]
        for chosen in product(*choices):
            yield tuple((i, n) for i, n in zip(movers, chosen, strict=True) if n is not None)

    def number(self, block: int, state: State) -> int:
        """A number for the rows of a block, the same for the same rows."""
        return self._kept.number(self.rows(block, state))

    def look(self, block: int) -> tuple[int, ...]:
        """The numbers of its rows in each state."""
        if block not in self._looks:
            self._looks[block] = self._look(block)
        return self._looks[block]

    def _look(self, block: int) -> tuple[int, ...]:
        movers = self.movers(block)
        names = self.maker.sources.names
        plain = [i for i in movers if isinstance(names[i], str)]
        if self._has_facts(self.divided.blocks[block]) or not self._alike.keys() >= {*plain}:
            # Conditions that are set as a whole are set in rows, whatever these come from.
            numbers = tuple([self.number(block, state) for state in self.states(block, plain)])
            if len(plain) == len(movers):
                return numbers
            decides: object = numbers
        else:
            decides = self.number(block, ()), self._unread
        key = block, decides, tuple([self._alike.get(i) for i in movers])
        if key not in self._kept.looks:
            self._kept.looks[key] = tuple(
                [self.number(block, state) for state in self.states(block)]
            )
        return self._kept.looks[key]

    def rows(self, block: int, state: State) -> Rows:
        """The joint rows of a block, each with the cells of its findings."""
        key = (block, state)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = self._made(block, state)
        return found

    def whole(self, block: int, region: Region) -> Rows:
        """The joint rows of a block where each lever is set to one fact, which may be any of the
        options that are kept."""
        key = block, region
        if key not in self._whole:
            options = [self.levers[i].region(kept) for i, kept in region]
            self._whole[key] = self._read(self.divided.blocks[block], options)
        return self._whole[key]

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
        if len(state) > 1 and (block.numbers or block.own):
            read = self._read_in(block, state)
            if read != state:
                return self.rows(number, read)
        if not state:
            return joint(part(block, self.maker.found))
        options = [self.levers[i].options[n] for i, n in state]
        key = self._common(block, options)
        if key is None:
            return self._read(block, options)
        if key not in self._kept.rows:
            self._kept.rows[key] = self._read(block, options)
        return self._kept.rows[key]

    def _read_in(self, block: Block, state: State) -> State:
        """A state without what decides nothing: beside the newest statement of a block that one
        decides, and reported values where all that they stand for is computed."""
        for i, n in state:
            if block.own and self.levers[i].options[n].sets == block.own:
                return ((i, n),)
        if not block.numbers:
            return state
        exact = {
            self.levers[i].name
            for i, n in state
            if self.levers[i].options[n].range_ and not self.levers[i].options[n].family
        }
        return tuple(
            (i, n) for i, n in state if not self._gives_way(block, self.levers[i].name, exact)
        )

    def _gives_way(self, block: Block, name: str, exact: Collection[str]) -> bool:
        """Whether a quantity is read nowhere in a block where some others are set to numbers."""
        derived = self.maker.protocol.derived
        for finding in block.plan.findings.values():
            of = derived.get(finding.entry)
            if of is None or name in of.inputs:
                if of is not None or finding.entry == name:
                    return False
            elif of.reported == name:
                needed = (self.maker.cutter.input(n) for n in of.inputs if n not in exact)
                if any(each.may_give_way for each in needed):
                    return False
        return True

    def _common(self, block: Block, options: Sequence[Option]) -> object:
        """What decides the rows of a block for all patients alike; None: the record does too."""
        if len(options) == 1 and block.own and options[0].sets == block.own:
            return block.number, options[0].said
        if self._has_facts(block) or any(option.stops for option in options):
            return None
        said = tuple((o.said, o.tests, *(f.entry for f in o.facts)) for o in options)
        # What is recorded today may lie in a window that ends on a day of the run, or not.
        return (
            block.number,
            said,
            self._unread,
            self.as_of if self.visible.timepoints else None,
        )

    def _read(self, block: Block, options: Sequence[Option]) -> Rows:
        plain = [option for option in options if not option.tests]
        if len(plain) < len(options):
            key = (block.number, *((o.said, *(f.entry for f in o.facts)) for o in plain))
            if key not in self._found:
                self._found[key] = (
                    self._of(block, plain) if plain else part(block, self.maker.found)
                )
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
        return {**self._as_they_are(block), **found}

    def _as_they_are(self, block: Block) -> dict[str, Input]:
        """The inputs of a block of numbers that are read without a window."""
        if block.number not in self._inputs_of:
            entries, cutter = self.maker.voc.entries, self.maker.cutter
            named = [n for n in block.entries if isinstance(entries.get(n), _READ)]
            self._inputs_of[block.number] = {n: cutter.input(n) for n in named}
        return self._inputs_of[block.number]

    def _has_facts(self, block: Block) -> bool:
        doubting = frozenset[str]() if self._may_be_doubted(block) else block.doubting
        return not (block.entries - doubting).isdisjoint(self._by_entry)

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
            record = stopped(record, option.stops, option.on or as_of, vocabulary)
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


def _by_name(cell: tuple[str, CellSet]) -> str:
    return cell[0]


def joint(found: PatientFindings) -> Rows:
    """All findings of a block in joint rows."""
    single = tuple(found.single.items())
    if not found.groups:
        return (tuple(sorted(single, key=_by_name)),)
    rows: dict[Key, None] = {}
    for chosen in product(*(group.rows for group in found.groups)):
        cells = [*single, *(cell for row in chosen for cell in row.cells)]
        rows[tuple(sorted(cells, key=_by_name))] = None
    return tuple(rows)


def part(block: Block, found: PatientFindings) -> PatientFindings:
    """A block as it is in all findings of a patient."""
    names = block.plan.findings
    single = {n: found.single[n] for n in names if n in found.single}
    groups = [
        g
        for g in found.groups
        if g.name == block.courses
        or (len(single) < len(names) and not g.findings.isdisjoint(names))
    ]
    return PatientFindings(as_of=found.as_of, single=single, groups=tuple(groups))
