"""How many would be eligible under other limits: one limit moved, and the best few together.

A curve is exact for every patient whose number is known exactly; all others stay as they are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TypeAlias

from protocol_logic.answering.cohort.limits import NumberLimit
from protocol_logic.answering.cohort.near import Passed

STEPS = 10
"""Limits on either side of a protocol's own that are tried."""
REACH = Fraction(1, 3)
"""How far a suggested limit is from the protocol's own at most, as a share of it."""
MOST_SUGGESTED = 5
_PART = 20  # a step is a twentieth of the limit, rounded up


def step_of(limit: NumberLimit) -> Fraction:
    """The step between limits that are tried, in our unit: 1, 2 or 5 times a power of ten in the
    author's, and at least a twentieth of the limit."""
    least = abs(limit.number) / _PART
    if limit.whole:
        least = max(least, Fraction(1))
    if not least:
        return limit.scale
    power = Fraction(1)
    while power > least:
        power /= 10
    while power * 10 <= least:
        power *= 10
    number = next(n * power for n in (1, 2, 5, 10) if n * power >= least)
    return number * limit.scale


def tried(limit: NumberLimit) -> list[Fraction]:
    """The protocol's limit with those on either side of it that are plausible, ascending."""
    middle, step = limit.test.limit, step_of(limit)
    numbers = [middle + k * step for k in range(-STEPS, STEPS + 1)]
    return [number for number in numbers if limit.plausible.contains(number)]


class Curve:
    """How many are eligible with one limit at any number.

    `turns`: number of a patient, whether eligible as it is -> how many turn there; `now`: how many
    are eligible with the protocol's own limit.
    """

    def __init__(self, limit: NumberLimit, turns: Mapping[tuple[Fraction, bool], int], now: int):
        own = limit.test.limit
        weights: Counter[Fraction] = Counter()
        self._held = now  # when no number holds
        for (value, eligible), patients in turns.items():
            change = -patients if eligible else patients
            holds = limit.holds(value, own)
            self._held += change * holds
            weights[value] += -change if holds else change
        self.values = sorted(weights)
        """The numbers at which the count changes."""
        self._sums = [0, *accumulate(weights[value] for value in self.values)]
        self._op = limit.test.op

    def at(self, number: Fraction) -> int:
        """How many are eligible with a limit."""
        below = bisect_left(self.values, number)
        upto = bisect_right(self.values, number)
        match self._op:
            case "<":
                held = self._sums[below]
            case "<=":
                held = self._sums[upto]
            case ">":
                held = self._sums[-1] - self._sums[upto]
            case _:
                held = self._sums[-1] - self._sums[below]
        return self._held + held

    def above(self, number: Fraction) -> int:
        """How many are eligible with a limit just above a number at which the count changes."""
        after = bisect_right(self.values, number)
        following = self.values[after] if after < len(self.values) else number + 1
        return self.at((number + following) / 2)


Levels: TypeAlias = Mapping[int, Fraction]
"""Limits, by number, that are not the protocol's own."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """Limits that are eased, one step after the other: those of this step, and how many more are
    eligible with all of this and the steps before than without this one."""

    levels: dict[int, Fraction]
    added: int


def suggestions(
    limits: Sequence[NumberLimit], near: Mapping[tuple[Passed, ...], int]
) -> list[Suggested]:
    """The limits to ease next: each step takes what adds most patients for each limit moved, and
    moves each limit no further than that takes.

    `near`: the minimal sets of limits of the patients who are near -> how many.
    """
    sets = {frozenset(n for n, _ in each) for sets in near for each in sets}
    levels: dict[int, Fraction] = {}
    found: list[Suggested] = []
    now = 0
    for _ in range(MOST_SUGGESTED):
        best: tuple[Fraction, int, list[int]] | None = None
        candidates = {frozenset(s - levels.keys()) for s in sets} - {frozenset()}
        candidates |= {frozenset([n]) for n in levels}
        for names in sorted(candidates, key=lambda s: (len(s), sorted(s))):
            eased = {**levels, **{n: _furthest(limits[n]) for n in names}}
            gain = _eligible(limits, near, eased) - now
            if gain and (best is None or Fraction(gain, len(names)) > best[0]):
                best = (Fraction(gain, len(names)), gain, sorted(names))
        if best is None:
            break
        chosen = {n: _furthest(limits[n]) for n in best[2]}
        for n in best[2]:
            chosen[n] = next(
                level
                for level in _eased(limits[n])
                if _eligible(limits, near, {**levels, **chosen, n: level}) - now == best[1]
            )
        levels |= chosen
        now += best[1]
        found.append(Suggested(chosen, best[1]))
    return found


def _eased(limit: NumberLimit) -> list[Fraction]:
    """The limits that let more patients in, nearest first, within reach; the own one is first."""
    own = limit.test.limit
    numbers = [n for n in tried(limit) if (n >= own if limit.up else n <= own)]
    within = [n for n in numbers if abs(n - own) <= max(abs(own) * REACH, step_of(limit))]
    return within if limit.up else within[::-1]


def _furthest(limit: NumberLimit) -> Fraction:
    return _eased(limit)[-1]


def _eligible(
    limits: Sequence[NumberLimit], near: Mapping[tuple[Passed, ...], int], levels: Levels
) -> int:
    """How many of those who are near are eligible with some limits eased."""
    return sum(
        patients
        for sets, patients in near.items()
        if any(all(_passed(limits[n], levels.get(n), value) for n, value in each) for each in sets)
    )


def _passed(limit: NumberLimit, level: Fraction | None, value: Fraction) -> bool:
    """Whether a limit was moved past a number."""
    return level is not None and limit.holds(value, level) == limit.helps
