"""Near misses: the sets of limits that, moved past a patient's numbers, make the patient eligible.

The engine is asked, with the switches of those limits set (see `limits.py`); nothing else of the
patient changes. Only numbers that are known exactly can be passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, product
from typing import TypeAlias

from protocol_logic.answering.cohort.limits import (
    FOLLOW,
    NO,
    YES,
    limits_of,
    switch_of,
    with_switches,
)
from protocol_logic.answering.cohort.patterns import Part
from protocol_logic.compiling import core
from protocol_logic.compiling.lower import lower
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.planner import make_plan
from protocol_logic.findings.rows import PatientFindings, look
from protocol_logic.reasoning.engine import Engine
from protocol_logic.reasoning.reads import touches

MOST_TOGETHER = 4
"""So many limits are moved together at most."""

Passed: TypeAlias = tuple[tuple[int, Fraction], ...]
"""Limits, by number, each with the patient's number that it would have to pass; by number."""


@dataclass(frozen=True, slots=True)
class Near:
    """How near a patient is in one part.

    `turns`: the limits that, by themselves, turn eligibility at the patient's number; the last of
    each is whether the patient is eligible as it is. `sets`: of an ineligible or undetermined
    patient, all minimal sets of limits that make the patient eligible, eased past these numbers.
    """

    turns: tuple[tuple[int, Fraction, bool], ...] = ()
    sets: tuple[Passed, ...] = ()


FAR = Near()


class NearMisses:
    """Finds the near misses of one protocol."""

    def __init__(self, protocol: core.Protocol, plan: Plan, parts: Sequence[Part]) -> None:
        self.limits = limits_of(protocol, plan)
        self.parts = parts
        self._in: list[list[int]] = [
            [n for n, limit in enumerate(self.limits) if place in limit.criteria]
            for place in range(len(protocol.criteria))
        ]
        self._easing = [n for n, limit in enumerate(self.limits) if limit.helps is not None]
        switched = with_switches(protocol, self.limits)
        switched_plan = make_plan(switched)
        self.engine = Engine(switched, switched_plan, lower(switched, switched_plan))
        self._passes: dict[object, bool] = {}

    def of(self, found: PatientFindings, verdicts: str) -> tuple[Near, ...]:
        """How near a patient is in each part; `verdicts`: of all criteria."""
        values = self.values(found)
        if not values:
            return (FAR,) * len(self.parts)
        asked = _Asked(self, found, values)
        return tuple(self._in_part(part, verdicts, asked) for part in self.parts)

    def values(self, found: PatientFindings) -> dict[int, Fraction]:
        """Limit, by number -> the patient's number that it is compared with, where it is exact."""
        values: dict[int, Fraction] = {}
        for n, limit in enumerate(self.limits):
            value = found.numbers.get(limit.finding)
            if value is not None and value.is_point and value.lo is not None:
                values[n] = value.lo
        return values

    def _in_part(self, part: Part, verdicts: str, asked: _Asked) -> Near:
        stopping = [place for place in part.criteria if verdicts[place] != "p"]
        turns, eligible = [], not stopping
        for n, value in asked.values.items():
            readers = [p for p in self.limits[n].criteria if p in part.criteria]
            if not readers or not set(stopping).issubset(readers):
                continue  # another criterion stands in the way whatever this limit is
            if all(asked.passes(place, frozenset([n])) for place in readers) != eligible:
                turns.append((n, value, eligible))
        return Near(tuple(turns), tuple(self._sets(stopping, asked)))

    def _sets(self, stopping: Sequence[int], asked: _Asked) -> Iterator[Passed]:
        """The minimal sets of limits that let all criteria pass which stand in the way.

        Each limit here can only help by going one way, so what some set does a larger one does too.
        """
        options = []
        for place in stopping:
            useful = [n for n in self._in[place] if n in self._easing and asked.is_against(n)]
            if not useful or not asked.passes(place, frozenset(useful)):
                return
            options.append(asked.minimal(place, useful))
        if not options or not all(options):
            return
        together = {frozenset().union(*chosen) for chosen in product(*options)}
        for names in sorted(together, key=lambda s: (len(s), sorted(s))):
            if len(names) <= MOST_TOGETHER and not any(other < names for other in together):
                yield tuple((n, asked.values[n]) for n in sorted(names))

    def passes(self, place: int, found: PatientFindings, moved: dict[int, str]) -> bool:
        """Whether a criterion passes with some switches set."""
        read, looks = self.engine.reads[place], found.looks
        groups = [group for group in found.groups if touches(read, group)]
        key = (
            place,
            tuple([looks.get(name) for name in read.names]),
            tuple([looks[group.name] for group in groups]),
            tuple(sorted(moved.items())),
        )
        known = self._passes.get(key)
        if known is None:
            switches = {switch_of(n): frozenset([moved.get(n, FOLLOW)]) for n in self._in[place]}
            asked = replace(
                found,
                single={**found.single, **switches},
                looks={**looks, **{name: look(cells, ()) for name, cells in switches.items()}},
            )
            outcome = self.engine.outcome(read.id, asked)
            known = outcome == ("met" if read.inclusion else "not_met")
            self._passes[key] = known
        return known


class _Asked:
    """What has been asked of one patient."""

    def __init__(
        self, misses: NearMisses, found: PatientFindings, values: dict[int, Fraction]
    ) -> None:
        self.misses = misses
        self.found = found
        self.values = values
        self._holds = {
            n: misses.limits[n].holds(value, misses.limits[n].test.limit)
            for n, value in values.items()
        }

    def is_against(self, n: int) -> bool:
        """Whether the patient's number is on the side of a limit that does not help."""
        return n in self.values and self._holds[n] != self.misses.limits[n].helps

    def passes(self, place: int, moved: frozenset[int]) -> bool:
        """Whether a criterion passes when some limits are moved past the patient's numbers."""
        here = self.misses.limits
        said = {n: NO if self._holds[n] else YES for n in moved if place in here[n].criteria}
        return self.misses.passes(place, self.found, said)

    def minimal(self, place: int, useful: Sequence[int]) -> list[frozenset[int]]:
        """The minimal sets of limits with which a criterion passes, small ones first."""
        every = frozenset(useful)
        needed = frozenset(n for n in useful if not self.passes(place, every - {n}))
        if self.passes(place, needed):
            return [needed]  # such as those of an `all of`
        found: list[frozenset[int]] = []
        for size in range(1, min(len(useful), MOST_TOGETHER) + 1):
            for names in map(frozenset, combinations(useful, size)):
                if not any(other <= names for other in found) and self.passes(place, names):
                    found.append(names)
        return found
