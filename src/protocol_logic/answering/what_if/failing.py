"""What fails of a patient on a day, as the patient is or with some levers set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from types import MappingProxyType
from typing import TypeAlias

from protocol_logic.answering.what_if.blocks import Blocks
from protocol_logic.answering.what_if.lever_making import LeverMaker
from protocol_logic.answering.what_if.smaller import Smaller
from protocol_logic.answering.what_if.sources import Sources
from protocol_logic.answering.what_if.states import Kept, States
from protocol_logic.compiling import changing, core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.read import read_visible
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.criteria import Key
from protocol_logic.reasoning.engine import Engine
from protocol_logic.reasoning.repairing import Region, Unit
from protocol_logic.records.facts import Measured, PatientRecord

MOST_ROWS = 20_000
"""How many joint rows of one criterion are looked at."""
Slots: TypeAlias = tuple[tuple[str, frozenset[str]], ...]


class TooMany(Exception):
    """More joint rows than can be looked at."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The minimal regions of a part, with levers by place, and whether these are all.

    `wholes`: units, regions of this patient, and whether the unit fails if each is one fact.
    """

    regions: list[Region]
    complete: bool
    wholes: tuple[tuple[int, Region, bool], ...]


class OfProtocol:
    """What is known of a protocol: its levers and blocks, and what makes its criteria fail.

    `changes`: how each entry can change. `windows`, `dates`: as records are read. `acquire`:
    whether a repair may be that a patient falls ill.
    """

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        engine: Engine,
        changes: Mapping[str, changing.Change],
        windows: Mapping[str, Window] = MappingProxyType({}),
        dates: Mapping[str, date] = MappingProxyType({}),
        acquire: bool = False,
    ) -> None:
        self.protocol, self.plan, self.engine = protocol, plan, engine
        self.voc = protocol.vocabulary
        self.changes, self.windows, self.dates = changes, windows, dates
        self.acquire = acquire
        self.sources = Sources(protocol, plan)
        self.blocks = Blocks(protocol, plan)
        self.units: list[Unit] = []
        for read in engine.reads:
            parts = read.parts if read.inclusion and read.parts else (read,)
            self.units += [Unit(engine, part, read.id) for part in parts]
        self.kept: dict[int, Kept] = {}
        self.failing: dict[tuple[int, int, tuple[int, ...]], bool] = {}
        self.reads: dict[int, dict[int, tuple[int, ...]]] = {}
        self.known: dict[object, Solution] = {}
        """The regions of parts that look alike, with levers by place."""
        self.minimal: dict[object, list[Region]] = {}
        """Those of them that are minimal across inputs too."""

    def visible(self, record: PatientRecord, as_of: date) -> Visible:
        fresh = {name: window.first_day(as_of) for name, window in self.windows.items()}
        return Visible(record, as_of, self.voc, fresh, self.dates)


class Day:
    """One patient on one day; `since`: an earlier one, on which something can be done already."""

    def __init__(
        self,
        of_protocol: OfProtocol,
        record: PatientRecord,
        as_of: date,
        since: date | None = None,
    ) -> None:
        self.r, self.record, self.as_of = of_protocol, record, as_of
        r = of_protocol
        visible = r.visible(record, as_of)
        self.found: PatientFindings = read_visible(r.protocol, r.plan, visible)
        self.maker = LeverMaker(r.sources, r.changes, visible, self.found, r.acquire, since)
        uncertain = self._uncertain()
        self.divided = r.blocks.of(uncertain, self._sexed() if uncertain else frozenset())
        self.states = States(self.maker, self.divided, record, r.kept)
        self.smaller = Smaller(self.states)
        self._reads = r.reads.setdefault(id(self.divided), {})
        self._levers_of: dict[int, frozenset[int]] = {}
        self._instead: Mapping[int, Sequence[Key]] = {}
        self.decision = r.engine.decide(self.found)
        verdicts = {c.id: c.verdict for c in self.decision.criteria}
        self.failed = [
            u
            for u, unit in enumerate(r.units)
            if verdicts[unit.criterion] != "pass" and self._fails(u)
        ]
        """The units that do not pass in every scenario."""

    def _uncertain(self) -> frozenset[str]:
        """The patient fields and ages that are not certain."""
        names = [
            name
            for name in self.r.sources.readers
            if isinstance(self.r.voc.entries[name], voc.PatientField | voc.Age)
        ]
        return frozenset(n for n in names if self.maker.cutter.input(n).opener is not None)

    def _sexed(self) -> frozenset[str]:
        """The quantities that have a limit of normal for one sex."""
        return frozenset(
            fact.entry
            for fact in self.record.facts
            if isinstance(fact.reading, Measured) and any(x.sex for x in fact.reading.limits)
        )

    def reads(self, unit: int) -> tuple[int, ...]:
        """The blocks that a unit reads."""
        if unit not in self._reads:
            read, home = self.r.units[unit].read, self.divided.home
            own = {home[n] for n in read.names}
            own |= {self.divided.courses[c] for c in read.courses if c in self.divided.courses}
            self._reads[unit] = tuple(sorted(own))
        return self._reads[unit]

    def levers_of(self, unit: int) -> frozenset[int]:
        """The levers that move what a unit reads, by number."""
        if unit not in self._levers_of:
            movers = map(self.states.movers, self.reads(unit))
            self._levers_of[unit] = frozenset().union(*movers)
        return self._levers_of[unit]

    def violated(self, unit: int, region: Region) -> tuple[Key, Slots] | None:
        """A joint row of the findings of a unit, with a region set, in which it may fail, and the
        numbered findings of each group of courses in it."""
        r = self.r.units[unit]
        choices = []
        size = 1
        for block in self.reads(unit):
            rows = dict.fromkeys(tuple(r.own(row)) for row in self._rows(block, region))
            size *= len(rows)
            choices.append(rows)
        if size > MOST_ROWS:
            raise TooMany(f"`{r.criterion}` has too many readings to try them all")
        for chosen in product(*choices):
            row = tuple(sorted((cell for part in chosen for cell in part), key=_by_name))
            if not r.passes(row):
                return row, self._slots(unit, chosen)
        return None

    def _fails(self, unit: int) -> bool:
        """Whether a unit may fail as the patient is."""
        now = tuple([self.states.number(block, ()) for block in self.reads(unit)])
        key = id(self.divided), unit, now
        if key not in self.r.failing:
            self.r.failing[key] = self.violated(unit, ()) is not None
        return self.r.failing[key]

    def _slots(self, unit: int, rows: Sequence[Key]) -> Slots:
        known, found = self.r.plan.findings, []
        for number, row in zip(self.reads(unit), rows, strict=True):
            courses = self.divided.blocks[number].courses
            if courses in self.r.units[unit].read.courses:
                found.append((courses, frozenset(name for name, _ in row if name not in known)))
        return tuple(found)

    def _rows(self, block: int, region: Region) -> Iterator[Key]:
        """The joint rows of a block, whichever options of a region are the case."""
        if block in self._instead:
            yield from self._instead[block]
            return
        if not region:
            yield from self.states.rows(block, ())
            return
        movers = self.states.movers(block)
        own = [(i, kept) for i, kept in region if i in movers]
        for chosen in product(*(kept for _, kept in own)):
            state = tuple((i, n) for (i, _), n in zip(own, chosen, strict=True))
            yield from self.states.rows(block, state)

    def breaks(self, region: Region, block: int, rows: Sequence[Key], unit: int) -> bool:
        """Whether a unit may fail with a region when a block that it does not move has other
        rows."""
        self._instead = {block: rows}
        try:
            return self.violated(unit, region) is not None
        finally:
            self._instead = {}

    def rows_of(self, findings: Collection[str], region: Region = ()) -> list[Key]:
        """The joint rows of some findings as they are, or with a region set."""
        blocks = dict.fromkeys(self.divided.home[name] for name in findings)
        return [row for block in blocks for row in self._rows(block, region)]

    def fails_whole(self, unit: int, own: Region) -> bool:
        """Whether a unit may fail where each input of a region is one fact."""
        whole = {}
        for block in self.reads(unit):
            if self.divided.blocks[block].mixes:
                movers = self.states.movers(block)
                moved = tuple([one for one in own if one[0] in movers])
                if moved:
                    whole[block] = self.states.whole(block, moved)
        self._instead = whole
        try:
            return self.violated(unit, own) is not None
        finally:
            self._instead = {}


def _by_name(cell: tuple[str, frozenset[str]]) -> str:
    return cell[0]
