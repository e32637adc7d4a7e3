"""All minimal repairs of a patient: which inputs, set to which regions, make the patient eligible
in every scenario that is left. Cheapest first, and always in the same order.

Long, since the search of one patient's repairs is told in one place: what fails, candidates, parts
that share nothing, and how they are put together.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from types import MappingProxyType
from typing import TypeAlias

from protocol_logic.answering.what_if.blocks import Blocks
from protocol_logic.answering.what_if.changes import UNKNOWN, Change, Repair, Repairs
from protocol_logic.answering.what_if.lever_making import LeverMaker
from protocol_logic.answering.what_if.levers import Lever
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
from protocol_logic.reasoning.repairing import (
    Fit,
    Nogood,
    Region,
    Shape,
    Unit,
    minimal_regions,
)
from protocol_logic.records.facts import Measured, PatientRecord
from protocol_logic.records.values import NEVER

MOST = 1_000
"""How many repairs are given at most."""
MOST_ROWS = 20_000
"""How many joint rows of one criterion are looked at."""
Slots: TypeAlias = tuple[tuple[str, frozenset[str]], ...]
_AT_FIRST = 30
"""How many regions are looked at before more are."""
_AT_ONCE = 20
"""How many nogoods are looked for before the search goes on."""


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


class Repairing:
    """Repairs the patients of one protocol; keeps what makes its criteria fail.

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

    def repairs(self, record: PatientRecord, as_of: date) -> Repairs:
        """The repairs of a patient who is not eligible on a day, those by waiting with them."""
        from protocol_logic.answering.what_if.waiting import with_waits

        try:
            patient = Patient(self, record, as_of)
            return with_waits(patient, patient.repairs())
        except TooMany as error:
            return Repairs(complete=False, notes=(str(error),))

    def visible(self, record: PatientRecord, as_of: date) -> Visible:
        fresh = {name: window.first_day(as_of) for name, window in self.windows.items()}
        return Visible(record, as_of, self.voc, fresh, self.dates)


class Patient:
    """One patient on one day."""

    def __init__(self, repairing: Repairing, record: PatientRecord, as_of: date) -> None:
        self.r, self.record, self.as_of = repairing, record, as_of
        r = repairing
        visible = r.visible(record, as_of)
        self.found: PatientFindings = read_visible(r.protocol, r.plan, visible)
        self.maker = LeverMaker(r.sources, r.changes, visible, self.found, r.acquire)
        uncertain = self._uncertain()
        self.divided = r.blocks.of(uncertain, self._sexed() if uncertain else frozenset())
        self.states = States(self.maker, self.divided, record, r.kept)
        self.smaller = Smaller(self.states)
        self._reads = r.reads.setdefault(id(self.divided), {})
        self._levers_of: dict[int, frozenset[int]] = {}
        self._changes: dict[tuple[int, tuple[int, ...]], Change] = {}
        self._instead: Mapping[int, Sequence[Key]] = {}
        self._regions: dict[Change, tuple[int, tuple[int, ...]]] = {}
        self.decision = r.engine.decide(self.found)
        verdicts = {c.id: c.verdict for c in self.decision.criteria}
        self.failed = [
            u
            for u, unit in enumerate(r.units)
            if verdicts[unit.criterion] != "pass" and self._fails(u)
        ]
        """The units that do not pass in every scenario."""
        self.related: dict[int, None] = {}
        """They, and all units that a lever moves with them."""

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

    # ---- all of them -----------------------------------------------------------------------------

    def repairs(self) -> Repairs:
        """All repairs, of the scopes together; none where the patient is eligible."""
        engine = self.r.engine
        if self.decision.eligibility == "eligible":
            return Repairs()
        failed = self.failed
        scopes = [{engine.reads[i].id for i in chosen} for _, chosen in engine.scopes]
        found: list[Repair] = []
        complete = True
        for criteria in scopes or [{read.id for read in engine.reads}]:
            each, whole = self._of_criteria(criteria, failed)
            found += each
            complete = complete and whole
        if len(scopes) > 1:
            found = [x for x in dict.fromkeys(found) if not any(is_less(y, x) for y in found)]
            minimal = set(self.smaller.minimal([self.region_of(x) for x in found]))
            found = sorted((x for x in found if self.region_of(x) in minimal), key=order)
        notes = self._notes(failed)
        return Repairs(
            repairs=tuple(found[:MOST]),
            complete=complete and len(found) <= MOST and not notes,
            notes=notes,
            alternatives=() if complete else tuple(self._alternatives()),
            immutable=self._immutable(),
        )

    def _alternatives(self) -> Iterator[tuple[str, tuple[Repair, ...]]]:
        """What makes each criterion pass that does not, by itself."""
        failed = dict.fromkeys(self.r.units[u].criterion for u in self.failed)
        for criterion in failed:
            found, _ = self._of_criteria({criterion}, self.failed)
            yield criterion, tuple(found[:MOST])

    def _immutable(self) -> tuple[str, ...]:
        """What is recorded of the inputs of what fails, and never changes."""
        blocks = {block for unit in self.failed for block in self.reads(unit)}
        names = {name for block in blocks for name in self.divided.blocks[block].sources}
        readers = self.r.sources.readers
        return tuple(n for n in readers if n in names and self.maker.is_immutable(n))

    def _notes(self, failed: Sequence[int]) -> tuple[str, ...]:
        """Why some repairs of what does not pass are not found."""
        read = {name for unit in failed for name in self.r.units[unit].read.names}
        each = [note for name, notes in self.maker.notes.items() if name in read for note in notes]
        return tuple(dict.fromkeys(each))

    def _of_criteria(
        self, criteria: Collection[str], failed: Sequence[int]
    ) -> tuple[list[Repair], bool]:
        """The repairs that make some criteria pass, and whether these are all."""
        units = {u for u, unit in enumerate(self.r.units) if unit.criterion in criteria}
        failed = [u for u in failed if u in units]
        if any(not self.levers_of(u) for u in sorted(failed, key=lambda u: len(self.reads(u)))):
            self.related.update(dict.fromkeys(failed))
            return [], True
        parts = self._parts(failed, units)
        solved = {}
        for part in sorted(parts, key=len):
            solved[part] = self._solved(part)
            if not solved[part][0]:
                return [], solved[part][1]
        ranked = [sorted(map(self._repair, solved[part][0]), key=order) for part in parts]
        complete = all(whole for _, whole in solved.values())
        found = list(_combined(ranked, MOST + 1))
        return found, complete and len(found) <= MOST

    def _parts(self, failed: Sequence[int], units: set[int]) -> list[tuple[int, ...]]:
        """Units that fail, joined with all units that a lever moves with them."""
        readers: dict[int, list[int]] = {}
        for unit in sorted(units):
            for block in self.reads(unit):
                readers.setdefault(block, []).append(unit)
        found: list[tuple[int, ...]] = []
        seen: set[int] = set()
        for first in failed:
            if first in seen:
                continue
            part, queue, levers = {first}, [first], set[int]()
            while queue:
                for lever in self.levers_of(queue.pop()) - levers:
                    levers.add(lever)
                    for block in self.states.moved(lever):
                        for unit in readers.get(block, ()):
                            if unit not in part:
                                part.add(unit)
                                queue.append(unit)
            seen |= part
            self.related.update(dict.fromkeys(sorted(part)))
            found.append(tuple(sorted(part)))
        return found

    # ---- one part --------------------------------------------------------------------------------

    def _solved(self, units: tuple[int, ...]) -> tuple[list[Region], bool]:
        """The minimal regions of a part, and whether these are all."""
        levers = sorted({lever for u in units for lever in self.levers_of(u)})
        place = {lever: n for n, lever in enumerate(levers)}
        shapes = tuple(_shape(self.states.levers[i]) for i in levers)
        blocks = sorted({block for u in units for block in self.reads(u)})
        looks = tuple((b, self.states.movers(b), self.states.look(b)) for b in blocks)
        key = (id(self.divided), units, tuple(levers), shapes, looks)
        known = self.r.known.get(key)
        if known is None or any(self._fails_whole(u, own) != no for u, own, no in known.wholes):
            known = self.r.known[key] = self._search(units, levers, place, shapes)
        regions, complete = known.regions, known.complete
        smaller = key, known.wholes, self.smaller.decides(levers, blocks)
        if smaller not in self.r.minimal:
            found = [tuple((levers[n], kept) for n, kept in each) for each in regions]
            minimal = self.smaller.minimal(self._sensible(found, blocks))
            self.r.minimal[smaller] = minimal if complete else self._sure(minimal, levers, blocks)
        return self.r.minimal[smaller], complete

    def _sure(
        self, regions: list[Region], levers: Sequence[int], blocks: Sequence[int]
    ) -> list[Region]:
        """Of the cheapest regions, where there are more, those that are surely minimal: all that
        are cheaper were looked at, of those that cost the most only some."""
        options = self.states.levers
        costs = [sum(options[i].options[kept[0]].cost for i, kept in region) for region in regions]
        most = max(costs, default=0)
        together = [set(self.states.movers(b)) for b in blocks if self.divided.blocks[b].is_derived]

        def is_sure(region: Region) -> bool:
            own = {lever for lever, _ in region}
            return not any(len(own & movers) > 1 for movers in together) and not any(
                self.smaller.has_smaller(one, levers) for one in region
            )

        return [r for r, cost in zip(regions, costs, strict=True) if cost < most or is_sure(r)]

    def _sensible(self, regions: list[Region], blocks: Sequence[int]) -> list[Region]:
        """Without those that change two inputs of a derived quantity where fewer are enough: the
        limit of each holds with the others as they are."""
        together = [set(self.states.movers(b)) for b in blocks if self.divided.blocks[b].is_derived]
        if not any(len(movers) > 1 for movers in together):
            return regions
        changed = [frozenset(lever for lever, _ in region) for region in regions]
        return [
            region
            for region, own in zip(regions, changed, strict=True)
            if not any(
                fewer < own
                and any(len(own & movers) > len(fewer & movers) > 0 for movers in together)
                for fewer in changed
            )
        ]

    def _search(
        self,
        units: tuple[int, ...],
        levers: Sequence[int],
        place: Mapping[int, int],
        shapes: Sequence[Shape],
    ) -> Solution:
        """By the nogoods that are known, and those that are still found."""
        wholes: dict[tuple[int, Region], bool] = {}
        before: list[Region] = []
        most = _AT_FIRST
        fitting: dict[int, list[tuple[Fit, ...] | None]] = {u: [] for u in units}
        passed: set[tuple[int, Region]] = set()
        while True:
            for u, known in fitting.items():
                fresh = self.r.units[u].nogoods[len(known) :]
                known += [self._fits(u, nogood, place) for nogood in fresh]
            nogoods = [fits for known in fitting.values() for fits in known if fits is not None]
            nogoods += [self._all_of(u, own, place) for (u, own), no in wholes.items() if no]
            regions, complete = minimal_regions(shapes, nogoods, most, most == MOST)
            if regions and regions == before:
                raise TooMany("what makes some criterion fail was not found")
            before, wrong = regions, 0
            for each in regions:
                region = tuple((levers[n], kept) for n, kept in each)
                for u in units:
                    own = tuple([one for one in region if one[0] in self.levers_of(u)])
                    if (u, own) in passed:
                        continue
                    row = self.violated(u, own)
                    if row is not None:
                        self.r.units[u].nogood(*row)
                        wrong += 1
                        continue
                    passed.add((u, own))
                    if self._may_mix(u, own):
                        wholes[u, own] = self._fails_whole(u, own)
                        wrong += wholes[u, own]
                if wrong >= _AT_ONCE:
                    break
            if not wrong and (complete or most == MOST):
                told = tuple((u, own, no) for (u, own), no in wholes.items())
                return Solution(regions, complete, told)
            if not wrong:
                most, before = min(most * 6, MOST), []

    def _may_mix(self, unit: int, own: Region) -> bool:
        """Whether a region, set as one fact each, may leave more open than its options do."""
        return any(
            self.divided.blocks[block].mixes
            and any(i in self.states.movers(block) and len(kept) > 1 for i, kept in own)
            for block in self.reads(unit)
        )

    def _fails_whole(self, unit: int, own: Region) -> bool:
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

    def _all_of(self, unit: int, own: Region, place: Mapping[int, int]) -> tuple[Fit, ...]:
        """The nogood that a region is kept as it is, or more of it, and the rest left as it is."""
        kept = dict(own)
        levers = sorted(self.levers_of(unit))
        state = tuple((place[i], n) for i in levers for n in kept.get(i, (-1,)))
        return ((state,),)

    def _fits(self, unit: int, nogood: Nogood, place: Mapping[int, int]) -> tuple[Fit, ...] | None:
        """The states in which each block fits a nogood; None where one never does."""
        cells = dict(nogood.cells)
        parts: list[Fit] = []
        for number in self.reads(unit):
            block = self.divided.blocks[number]
            own = {n: c for n, c in cells.items() if n in block.plan.findings}
            slots = dict(nogood.slots).get(block.courses)
            if slots is not None:
                own |= {n: c for n, c in cells.items() if n in slots}
            if not own and slots is None:
                continue
            fits = []
            every = True
            for state in self.states.states(number):
                by_slots = self.states.by_slots(number, state)
                chosen = by_slots.values() if slots is None else [by_slots.get(slots, ())]
                if any(_fits(row, own) for rows in chosen for row in rows):
                    set_to = dict(state)
                    movers = self.states.movers(number)
                    fits.append(tuple((place[i], set_to.get(i, -1)) for i in movers))
                else:
                    every = False
            if not fits:
                return None
            if not every:
                parts.append(tuple(fits))
        return tuple(parts)

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

    def rows_of(self, findings: Collection[str]) -> list[Key]:
        """The joint rows of some findings as they are."""
        blocks = dict.fromkeys(self.divided.home[name] for name in findings)
        return [row for block in blocks for row in self.states.rows(block, ())]

    def region_of(self, repair: Repair) -> Region:
        """The region that a repair of this patient sets."""
        return tuple(self._regions[change] for change in repair.changes)

    # ---- repairs ---------------------------------------------------------------------------------

    def _repair(self, region: Region) -> Repair:
        changes = tuple(map(self._changed, region))
        return Repair(changes=changes, cost=sum([c.cost for c in changes]))

    def _changed(self, set_to: tuple[int, tuple[int, ...]]) -> Change:
        """A lever that is set to some options as a change."""
        if set_to not in self._changes:
            lever, kept = set_to
            change = self._changes[set_to] = _change(self.states.levers[lever], kept)
            self._regions[change] = set_to
        return self._changes[set_to]


_NOW = {UNKNOWN: "not recorded", NEVER: "never so far"}


def _change(lever: Lever, kept: tuple[int, ...]) -> Change:
    option = lever.options[kept[0]]
    now = lever.unusable or _NOW.get(lever.was, f"now {lever.was}")
    return Change(
        finding=lever.name,
        was=lever.was,
        to=lever.said(kept),
        kind=option.doing,
        cost=option.cost,
        rounded=lever.joined == "range" and lever.is_rounded(kept),
        because="; ".join([now, *lever.because]),
    )


def _by_name(cell: tuple[str, frozenset[str]]) -> str:
    return cell[0]


def _shape(lever: Lever) -> Shape:
    families: dict[str, int] = {}
    numbers = tuple(families.setdefault(o.family, len(families)) for o in lever.options)
    return Shape(lever.joined or "one", numbers, tuple(o.cost for o in lever.options))


def _fits(row: Mapping[str, frozenset[str]], cells: Mapping[str, frozenset[str]]) -> bool:
    """Whether a scenario of a row has the cells of a nogood."""
    return all(not row[name].isdisjoint(allowed) for name, allowed in cells.items())


def _combined(ranked: Sequence[Sequence[Repair]], most: int) -> Iterator[Repair]:
    """One repair of each part, cheapest first.

    Places come once each: from one that differs in its last place above 0 alone.
    """
    if not ranked:
        return
    sizes = [[(r.cost, len(r.changes)) for r in part] for part in ranked]
    start = (0,) * len(ranked)
    cost, number = (sum(each[0][i] for each in sizes) for i in (0, 1))
    heap = [(cost, number, start, 0)]
    for _ in range(most):
        if not heap:
            return
        cost, number, places, last = heapq.heappop(heap)
        changes = [c for part, n in zip(ranked, places, strict=True) for c in part[n].changes]
        yield Repair(changes=tuple(changes), cost=cost)
        for i in range(last, len(places)):
            n = places[i]
            if n + 1 < len(sizes[i]):
                (old, few), (new, many) = sizes[i][n : n + 2]
                following = (*places[:i], n + 1, *places[i + 1 :])
                heapq.heappush(heap, (cost - old + new, number - few + many, following, i))


def order(repair: Repair) -> tuple[int, int, tuple[tuple[str, str], ...]]:
    """Cheapest first, then with the fewest changes, then by text."""
    texts = tuple((change.finding, change.to) for change in repair.changes)
    return repair.cost, len(repair.changes), texts


def is_less(one: Repair, other: Repair) -> bool:
    """Whether a repair has some of the changes of another alone."""
    return one is not other and set(one.changes) < set(other.changes)
