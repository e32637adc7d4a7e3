"""All minimal repairs of a patient: which inputs, set to which regions, make the patient eligible
in every scenario that is left. Cheapest first, and always in the same order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from types import MappingProxyType

from protocol_logic.answering.what_if.changes import Change, Repair, Repairs
from protocol_logic.answering.what_if.lever_making import LeverMaker, Sources
from protocol_logic.answering.what_if.levers import Lever
from protocol_logic.answering.what_if.states import Blocks, States
from protocol_logic.compiling import changing, core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.read import read_findings
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

MOST = 1_000
"""How many repairs are given at most."""
MOST_ROWS = 20_000
"""How many joint rows of one criterion are looked at."""


@dataclass(frozen=True, slots=True)
class Part:
    """Units whose levers hang together, and their minimal regions;"""

    units: tuple[int, ...]
    regions: tuple[Region, ...]
    complete: bool


class Repairing:
    """Repairs the patients of one protocol; keeps what makes its criteria fail."""

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
        self.known: dict[object, tuple[tuple[Region, ...], bool]] = {}

    def repairs(self, record: PatientRecord, as_of: date) -> Repairs:
        """The repairs of an ineligible patient, or one who is not decided, on a day."""
        return Patient(self, record, as_of).repairs()


class Patient:
    """One patient on one day."""

    def __init__(self, repairing: Repairing, record: PatientRecord, as_of: date) -> None:
        self.r, self.record, self.as_of = repairing, record, as_of
        r = repairing
        self.found = read_findings(r.protocol, r.plan, record, as_of, r.windows, r.dates)
        fresh = {name: window.first_day(as_of) for name, window in r.windows.items()}
        visible = Visible(record, as_of, r.voc, fresh, r.dates)
        self.maker = LeverMaker(r.sources, r.changes, visible, self.found, r.acquire)
        self.levers = self.maker.levers()
        self.blocks = r.blocks.of(self._still_open(), self._sexed())
        self.states = States(
            r.protocol, record, as_of, r.windows, r.dates, self.blocks, self.levers
        )
        home = {name: b for b, block in enumerate(self.blocks) for name in block.findings}
        courses = {block.courses: b for b, block in enumerate(self.blocks) if block.courses}
        self.reads = [
            tuple(
                sorted(
                    {home[n] for n in unit.read.names}
                    | {courses[c] for c in unit.read.courses if c in courses}
                )
            )
            for unit in r.units
        ]

    def _still_open(self) -> frozenset[str]:
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

    def repairs(self) -> Repairs:
        """All repairs, of the scopes together."""
        scopes: list[list[int] | None] = [chosen for _, chosen in self.r.engine.scopes] or [None]
        found: list[Repair] = []
        complete = True
        for scope in scopes:
            criteria = None if scope is None else {self.r.engine.reads[i].id for i in scope}
            each, whole = self._of_scope(criteria)
            found += each
            complete = complete and whole
        if len(scopes) > 1:
            found = [x for x in dict.fromkeys(found) if not any(_is_less(y, x) for y in found)]
            found.sort(key=_order)
        notes = self._notes()
        return Repairs(
            repairs=tuple(found[:MOST]),
            complete=complete and len(found) <= MOST and not notes,
            notes=notes,
            immutable=tuple(self.maker.immutable),
        )

    def _of_scope(self, criteria: set[str] | None) -> tuple[list[Repair], bool]:
        units = [
            u
            for u, unit in enumerate(self.r.units)
            if criteria is None or unit.criterion in criteria
        ]
        parts = [self._solved(part) for part in self._parts(units)]
        if any(not part.regions for part in parts):
            return [], all(part.complete for part in parts)
        ranked = [
            sorted((self._repair(region) for region in part.regions), key=_order) for part in parts
        ]
        found = list(_combined(ranked, MOST + 1))
        return found, all(part.complete for part in parts) and len(found) <= MOST

    def _notes(self) -> tuple[str, ...]:
        """Why some repairs of what does not pass are not found."""
        failed = {
            name
            for u, unit in enumerate(self.r.units)
            if not self._passes(u, ())
            for name in unit.read.names
        }
        each = [
            note for name, notes in self.maker.notes.items() if name in failed for note in notes
        ]
        return tuple(dict.fromkeys(each))

    # ---- parts that share no lever ---------------------------------------------------------------

    def _parts(self, units: Sequence[int]) -> list[tuple[int, ...]]:
        """Units joined where a lever moves both; those without one that fails are left out."""
        sets: list[tuple[set[int], list[int]]] = []
        for unit in units:
            levers = {i for block in self.reads[unit] for i in self.states.movers[block]}
            members = [unit]
            apart = []
            for own, others in sets:
                if own & levers:
                    levers |= own
                    members = [*others, *members]
                else:
                    apart.append((own, others))
            sets = [*apart, (levers, members)]
        found = [tuple(sorted(members)) for _, members in sets]
        return sorted(m for m in found if not all(self._passes(unit, ()) for unit in m))

    def _passes(self, unit: int, region: Region) -> bool:
        return self._violated(unit, region) is None

    # ---- one part --------------------------------------------------------------------------------

    def _solved(self, units: tuple[int, ...]) -> Part:
        """The minimal regions of a part, by the nogoods that are known and those still found."""
        levers = sorted({i for u in units for b in self.reads[u] for i in self.states.movers[b]})
        shapes = [self._shape(self.levers[i]) for i in levers]
        place = {lever: n for n, lever in enumerate(levers)}
        while True:
            nogoods = [
                fits
                for u in units
                for nogood in self.r.units[u].nogoods
                if (fits := self._fits(u, nogood, place)) is not None
            ]
            regions, complete = minimal_regions(shapes, nogoods, MOST)
            regions = [tuple((levers[n], kept) for n, kept in each) for each in regions]
            wrong = 0
            for region in regions:
                for u in units:
                    row = self._violated(u, region)
                    if row is not None:
                        self.r.units[u].nogood(row)
                        wrong += 1
                        break
                if wrong >= 20:
                    break
            if not wrong:
                return Part(units, tuple(regions), complete)

    def _shape(self, lever: Lever) -> Shape:
        families: dict[str, int] = {}
        numbers = tuple(families.setdefault(o.family, len(families)) for o in lever.options)
        return Shape({"": "one"}.get(lever.joined, lever.joined), numbers)

    def _fits(self, unit: int, nogood: Nogood, place: Mapping[int, int]) -> tuple[Fit, ...] | None:
        """The states in which each block fits a nogood; None where one never does."""
        cells = dict(nogood.cells)
        parts: list[Fit] = []
        for block in self.reads[unit]:
            own = {n: c for n, c in cells.items() if n in self.blocks[block].plan.findings}
            slots = nogood.slots if self.blocks[block].courses else None
            if not own and slots is None:
                continue
            fits = []
            every = True
            for state in self.states.states(block):
                if any(
                    _fits(row, own, slots, self.r.plan) for row in self.states.rows(block, state)
                ):
                    set_to = dict(state)
                    fits.append(
                        tuple((place[i], set_to.get(i, -1)) for i in self.states.movers[block])
                    )
                else:
                    every = False
            if not fits:
                return None
            if not every:
                parts.append(tuple(fits))
        return tuple(parts)

    def _violated(self, unit: int, region: Region) -> Key | None:
        """A joint row of the findings of a unit, with a region set, in which it may fail."""
        r = self.r.units[unit]
        choices: list[list[Key]] = []
        size = 1
        for block in self.reads[unit]:
            rows = list(dict.fromkeys(tuple(r.own(row)) for row in self._rows(block, region)))
            size *= len(rows)
            choices.append(rows)
        if size > MOST_ROWS:
            raise ValueError("too many joint rows")
        for chosen in product(*choices):
            row = tuple(sorted((cell for part in chosen for cell in part), key=lambda c: c[0]))
            if not r.passes(row):
                return row
        return None

    def _rows(self, block: int, region: Region) -> Iterator[Key]:
        """The joint rows of a block, whichever options of a region are the case."""
        movers = self.states.movers[block]
        own = [(i, kept) for i, kept in region if i in movers]
        for chosen in product(*(kept for _, kept in own)):
            state = tuple((i, n) for (i, _), n in zip(own, chosen, strict=True))
            yield from self.states.rows(block, state)

    # ---- repairs ---------------------------------------------------------------------------------

    def _repair(self, region: Region) -> Repair:
        changes = [self._change(self.levers[i], kept) for i, kept in region]
        return Repair(changes=tuple(changes), cost=sum(c.cost for c in changes))

    def _change(self, lever: Lever, kept: tuple[int, ...]) -> Change:
        option = lever.options[kept[0]]
        now = "not recorded" if lever.was == "unknown" else f"now {lever.was}"
        return Change(
            finding=lever.name,
            was=lever.was,
            to=lever.said(kept),
            kind=option.doing,
            cost=max(lever.options[n].cost for n in kept),
            rounded=lever.joined == "range" and lever.is_rounded(kept),
            because="; ".join([now, *lever.because]),
        )


def _fits(
    row: Key, cells: Mapping[str, frozenset[str]], slots: frozenset[str] | None, plan: Plan
) -> bool:
    """Whether a scenario of a row has the cells of a nogood."""
    own = dict(row)
    if slots is not None and slots != {n for n in own if n not in plan.findings}:
        return False
    return all(not own[name].isdisjoint(allowed) for name, allowed in cells.items())


def _combined(ranked: Sequence[Sequence[Repair]], most: int) -> Iterator[Repair]:
    """One repair of each part, cheapest first."""
    if not ranked:
        return

    def of(places: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
        chosen = [part[n] for part, n in zip(ranked, places, strict=True)]
        return sum(c.cost for c in chosen), sum(len(c.changes) for c in chosen), places

    first = of((0,) * len(ranked))
    heap, seen = [first], {first[2]}
    for _ in range(most):
        if not heap:
            return
        cost, _, places = heapq.heappop(heap)
        chosen = [part[n] for part, n in zip(ranked, places, strict=True)]
        yield Repair(changes=tuple(c for each in chosen for c in each.changes), cost=cost)
        for i, n in enumerate(places):
            following = (*places[:i], n + 1, *places[i + 1 :])
            if n + 1 < len(ranked[i]) and following not in seen:
                seen.add(following)
                heapq.heappush(heap, of(following))


def _order(repair: Repair) -> tuple[int, int, tuple[tuple[str, str], ...]]:
    """Cheapest first, then with the fewest changes, then by text."""
    texts = tuple((change.finding, change.to) for change in repair.changes)
    return repair.cost, len(repair.changes), texts


def _is_less(one: Repair, other: Repair) -> bool:
    """Whether a repair has some of the changes of another alone."""
    return one is not other and set(one.changes) < set(other.changes)
