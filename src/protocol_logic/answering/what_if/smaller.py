"""Which changes are smaller than others, also of other inputs, and which repairs are then minimal.

A change is smaller than another of its kind that costs no less if it says less: each finding it
leaves as it is, or leaves open whatever the other does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import TypeAlias

from protocol_logic.answering.what_if.states import Rows, States
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.repairing import Region

One: TypeAlias = tuple[int, tuple[int, ...]]
"""One change of a region: a lever, and the options that are kept."""
Told: TypeAlias = Mapping[str, set[object]]
"""What is possible: of each finding its cells; under "" what rows say of single courses."""


class Smaller:
    """The order of the changes of one patient."""

    def __init__(self, states: States) -> None:
        self.states = states
        self._told: dict[tuple[One | None, int], Told] = {}
        self._known: dict[tuple[One, One], bool] = {}

    def minimal(self, regions: Sequence[Region]) -> list[Region]:
        """The regions than which none of the others is smaller: each of whose changes is one of the
        other's, or smaller than one."""
        ones = {one for region in regions for one in region}
        larger = {
            one: found
            for one in ones
            if (found := {each for each in ones if each != one and self._is_less(one, each)})
        }
        if not larger:
            return list(regions)
        sets = [frozenset(region) for region in regions]
        having = dict.fromkeys(ones, 0)  # as the bits of a number
        for number, own in enumerate(sets):
            for one in own:
                having[one] |= 1 << number
        reach = {
            one: having[one] | reduce(or_, (having[x] for x in larger.get(one, ())), 0)
            for one in ones
        }
        gone = 0
        for number, own in enumerate(sets):
            if own.isdisjoint(larger):
                continue
            may = reduce(and_, (reach[one] for one in own)) & ~(1 << number) & ~gone
            while may:
                other = may.bit_length() - 1
                may ^= 1 << other
                if _is_within(own - sets[other], sets[other] - own, larger):
                    gone |= 1 << other
        return [region for number, region in enumerate(regions) if not gone >> number & 1]

    def has_smaller(self, one: One, levers: Iterable[int]) -> bool:
        """Whether some change of another input is smaller, or of the same one that is a concept."""
        others = ((i, (n,)) for i in levers for n, _ in enumerate(self.states.levers[i].options))
        concepts = (each for each in others if self.is_of_concept(each[0]) and each != one)
        return any(self._is_less(each, one) for each in concepts)

    def decides(self, levers: Sequence[int], blocks: Collection[int]) -> object:
        """What decides, for all patients alike, which changes of some levers are smaller, beside
        their costs and what blocks look like."""
        states = self.states
        kinds = tuple([option.doing for i in levers for option in states.levers[i].options])
        moved = {b for i in levers if self.is_of_concept(i) for b in states.moved(i)}
        others = sorted(moved.difference(blocks))
        return kinds, tuple([(b, states.movers(b), states.look(b)) for b in others])

    def _is_less(self, one: One, other: One) -> bool:
        """Whether a change is smaller than another. Of two of which the findings are the same, one
        of a condition is, since that says nothing else; then the first."""
        return self.says_no_more(one, other) and (
            self._place(one) < self._place(other) or not self.says_no_more(other, one)
        )

    def _place(self, one: One) -> tuple[bool, One]:
        return isinstance(self.states.maker.sources.names[one[0]], str), one

    def says_no_more(self, one: One, other: One) -> bool:
        """Whether a change is another, or smaller, or the same in other words."""
        key = (one, other)
        if key not in self._known:
            self._known[key] = self._compared(one, other)
        return self._known[key]

    def _compared(self, one: One, other: One) -> bool:
        first, second = (self.states.levers[i].options[kept[0]] for i, kept in (one, other))
        if first.doing != second.doing or first.cost > second.cost:
            return False
        if not self.is_of_concept(one[0]):
            return one[0] == other[0] and set(one[1]) >= set(other[1])
        for block in self.states.moved(one[0]):
            now, says, needed = (self._of(each, block) for each in (None, one, other))
            for name, possible in says.items():
                if not (
                    possible >= now[name]
                    or possible >= needed[name]
                    or self._follows(name, possible, other)
                ):
                    return False
        return True

    def _follows(self, name: str, possible: set[object], other: One) -> bool:
        """Whether a change says that a concept is present of a kind of it, or absent of what it is
        a kind of."""
        finding = self.states.maker.sources.plan.findings.get(name)
        if finding is None or finding.kind != "presence":
            return False
        vocabulary = self.states.maker.voc
        return (
            "present" in possible and self._says(vocabulary.below(finding.entry), "present", other)
        ) or ("absent" in possible and self._says(vocabulary.above(finding.entry), "absent", other))

    def _says(self, concepts: Iterable[str], state: str, one: One) -> bool:
        """Whether with a change one of some concepts is in a state, and is not so now."""
        homes = self.states.divided.home
        return any(
            self._of(one, homes[name])[name] == {state} != self._of(None, homes[name])[name]
            for name in concepts
            if name in homes
        )

    def is_of_concept(self, lever: int) -> bool:
        """Whether what it says is in the findings, and others may say it. A number, a value, and
        that a list is complete say more than these."""
        source = self.states.maker.sources.names[lever]
        return not isinstance(source, str) or isinstance(
            self.states.maker.voc.entries[source], voc.Concept
        )

    def _of(self, one: One | None, block: int) -> Told:
        """What is possible of the findings of a block with one change, or as it is."""
        if one is not None and one[0] not in self.states.movers(block):
            one = None
        key = (one, block)
        if key not in self._told:
            states = [()] if one is None else [((one[0], n),) for n in one[1]]
            known = self.states.maker.sources.plan.findings
            self._told[key] = told((self.states.rows(block, each) for each in states), known)
        return self._told[key]


def told(readings: Iterable[Rows], known: Iterable[str]) -> Told:
    """What some readings leave possible."""
    found: dict[str, set[object]] = {"": set()}
    for rows in readings:
        for row in rows:
            found[""].add(tuple(each for each in row if each[0] not in known))
            for name, cells in row:
                if name in known:
                    found.setdefault(name, set()).update(cells)
    return found


def _is_within(
    small: frozenset[One], large: frozenset[One], larger: Mapping[One, set[One]]
) -> bool:
    """Whether each of some changes is smaller than one of its own among others."""
    if not small or len(small) > len(large):
        return False
    first, *rest = sorted(small)
    return any(
        not rest or _is_within(frozenset(rest), large - {each}, larger)
        for each in larger.get(first, set()) & large
    )
