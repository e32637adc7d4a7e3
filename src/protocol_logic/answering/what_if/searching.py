"""The minimal changes that make a part of a protocol pass: candidates, what still fails with them,
and which are smaller than others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from protocol_logic.answering.what_if.failing import Day, OfProtocol, Solution, TooMany
from protocol_logic.answering.what_if.levers import Lever
from protocol_logic.reasoning.repairing import Fit, Level, Nogood, Region, Shape, minimal_regions
from protocol_logic.records.facts import PatientRecord

MOST = 1_000
"""How many repairs are given at most."""
_AT_FIRST = 30
"""How many regions are looked at before more are."""
_AT_ONCE = 20
"""How many nogoods are looked for before the search goes on."""


class Search(Day):
    """Of one patient on one day."""

    def __init__(
        self,
        of_protocol: OfProtocol,
        record: PatientRecord,
        as_of: date,
        since: date | None = None,
    ) -> None:
        super().__init__(of_protocol, record, as_of, since)
        self.related: dict[int, None] = {}
        """The units that do not pass, and all that a lever moves with them."""

    def parts(self, failed: Sequence[int], units: set[int]) -> list[tuple[int, ...]]:
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

    def solved(self, units: tuple[int, ...]) -> tuple[list[Region], bool]:
        """The minimal regions of a part, and whether these are all."""
        levers = sorted({lever for u in units for lever in self.levers_of(u)})
        place = {lever: n for n, lever in enumerate(levers)}
        shapes = tuple(_shape(self.states.levers[i]) for i in levers)
        blocks = sorted({block for u in units for block in self.reads(u)})
        looks = tuple((b, self.states.movers(b), self.states.look(b)) for b in blocks)
        key = (id(self.divided), units, tuple(levers), shapes, looks)
        known = self.r.known.get(key)
        if known is None or any(self.fails_whole(u, own) != no for u, own, no in known.wholes):
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
        most, level = _AT_FIRST, Level()
        fitting: dict[int, list[tuple[Fit, ...] | None]] = {u: [] for u in units}
        passed: set[tuple[int, Region]] = set()
        while True:
            for u, known in fitting.items():
                fresh = self.r.units[u].nogoods[len(known) :]
                known += [self._fits(u, nogood, place) for nogood in fresh]
            nogoods = [fits for known in fitting.values() for fits in known if fits is not None]
            nogoods += [self._all_of(u, own, place) for (u, own), no in wholes.items() if no]
            cheapest = level if most == MOST else None
            regions, complete = minimal_regions(shapes, nogoods, most, cheapest)
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
                        wholes[u, own] = self.fails_whole(u, own)
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
            movers = self.states.movers(number)
            for state in self.states.states(number):
                by_slots = self.states.by_slots(number, state)
                chosen = by_slots.values() if slots is None else [by_slots.get(slots, ())]
                if any(_fits(row, own) for rows in chosen for row in rows):
                    set_to = dict(state)
                    fits.append(tuple((place[i], set_to.get(i, -1)) for i in movers))
                else:
                    every = False
            if not fits:
                return None
            if not every:
                choices = [len(self.states.levers[i].options) + 1 for i in movers]
                parts.append(_deciding(tuple(fits), choices))
        return tuple(parts)


def _shape(lever: Lever) -> Shape:
    families: dict[str, int] = {}
    numbers = tuple(families.setdefault(o.family, len(families)) for o in lever.options)
    return Shape(lever.joined or "one", numbers, tuple(o.cost for o in lever.options))


def _deciding(states: Fit, choices: Sequence[int]) -> Fit:
    """States without the levers that make no difference: each state is there with every choice of
    such a lever. Of many histories, each true or false, one nogood asks of one or two."""
    for place in reversed(range(len(choices))):
        rest = dict.fromkeys(state[:place] + state[place + 1 :] for state in states)
        if len(rest) * choices[place] == len(states):
            states = tuple(rest)
    return states


def _fits(row: Mapping[str, frozenset[str]], cells: Mapping[str, frozenset[str]]) -> bool:
    """Whether a scenario of a row has the cells of a nogood."""
    return all(not row[name].isdisjoint(allowed) for name, allowed in cells.items())
