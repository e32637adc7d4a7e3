"""Levers: the inputs of a patient that can be set, each with the options that there are.

An option of a number is a row: a range in which no finding changes its cells. All options are what
`--set` takes, and their facts are read by the ordinary road.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Literal, TypeAlias

from protocol_logic.answering.what_if.changes import Doing
from protocol_logic.compiling import core
from protocol_logic.compiling.changing import Change
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.records.facts import (
    Born,
    ConditionStated,
    Fact,
    Limit,
    Measured,
    Reading,
    Stated,
)

Joined: TypeAlias = Literal["", "range", "any"]
"""How options make one region: not at all, as neighbours, or in any number."""


@dataclass(frozen=True, slots=True)
class Option:
    """One state that an input can be set to.

    `said`: as `--set` takes it. `facts`: what then is recorded; none where a
    medication is stopped (`stops`) `on` a day, or `tests` are set to a `truth` as a whole.
    `family`: those of one family can be neighbours. `range_`: of a number. `rounded`: whether an
    end was rounded, below and above.
    """

    said: str
    doing: Doing
    cost: int
    facts: tuple[Fact, ...] = ()
    stops: str = ""
    on: date | None = None
    tests: tuple[core.Test, ...] = ()
    truth: bool = True
    family: str = ""
    range_: Interval | None = None
    rounded: tuple[bool, bool] = (False, False)
    limits: tuple[Limit, ...] = ()

    @property
    def sets(self) -> str:
        """The entry of which it is the newest statement, or empty."""
        if len(self.facts) != 1:
            return ""
        [fact] = self.facts
        said = isinstance(fact.reading, Measured | Stated | ConditionStated)
        return fact.entry if said else ""


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit in which a number is written; `factor` turns it into that of the entry."""

    code: str = "1"
    factor: Fraction = Fraction(1)

    def text(self, value: Fraction) -> str:
        return decimal_text(value / self.factor) + self.after

    @property
    def after(self) -> str:
        return "" if self.code == "1" else f" {self.code}"


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """A place between numbers: just below `value`, or just above it."""

    value: Fraction
    above: bool
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class Because:
    """What a limit comes from, in words, where it is not a test of the input itself.

    It is told of ranges that begin, or end (`ends`), at the cut `place`.
    """

    place: Cut
    ends: bool
    words: str


@dataclass(frozen=True, slots=True)
class Lever:
    """An input with its options, in order; `was`: what is said of it now.

    `because`: what its limits come from. `unusable`: why what is recorded is not usable, where
    something is.
    """

    name: str
    was: str
    options: tuple[Option, ...]
    joined: Joined = ""
    unit: Unit = Unit()
    because: tuple[Because, ...] = ()
    unusable: str = ""

    def said(self, chosen: Sequence[int]) -> str:
        """What sets it to the region of some options, by number."""
        options = [self.options[i] for i in chosen]
        if self.joined == "range":
            return range_text(_hull(options), self.unit, options[0].family, options[0].limits)
        return " or ".join(option.said for option in options)

    def why(self, chosen: Sequence[int]) -> list[str]:
        """What the limits of the region of some options come from."""
        options = [self.options[i] for i in chosen]
        if self.joined != "range" or options[0].family:
            return []
        held = _hull(options)
        begins = held.lo, not held.lo_closed
        ends = held.hi, held.hi_closed
        told = (
            each.words
            for each in self.because
            if (each.place.value, each.place.above) == (ends if each.ends else begins)
        )
        return list(dict.fromkeys(told))

    def region(self, chosen: Sequence[int]) -> Option:
        """A region of some options as one option, which is as `--set` would make it."""
        options = [self.options[i] for i in chosen]
        first = options[0]
        if len(options) == 1:
            return first
        said, [fact] = self.said(chosen), first.facts
        reading: Reading = fact.reading
        match reading:
            case Measured():
                reading = replace(reading, value=_hull(options))
            case Born():
                births = [o.facts[0].reading for o in options]
                days = [b.date for b in births if isinstance(b, Born)]
                days_first, days_last = min(d.first for d in days), max(d.last for d in days)
                reading = Born(PartialDate(days_first, days_last, f"{days_first}/{days_last}"))
            case _:
                stated = [o.facts[0].reading for o in options]
                named = [s.values for s in stated if isinstance(s, Stated) and s.values]
                reading = Stated(frozenset().union(*named))
        return replace(first, said=said, facts=(replace(fact, recorded=said, reading=reading),))

    def is_rounded(self, chosen: Sequence[int]) -> bool:
        first, last = self.options[chosen[0]], self.options[chosen[-1]]
        return first.rounded[0] or last.rounded[1]


def _hull(options: Sequence[Option]) -> Interval:
    """The range from the first of some options to the last."""
    first, last = options[0].range_, options[-1].range_
    assert first is not None and last is not None
    return Interval(first.lo, first.lo_closed, last.hi, last.hi_closed)


def range_text(held: Interval, unit: Unit, family: str, limits: Iterable[Limit] = ()) -> str:
    """A range as `--set` takes it: `>= 3.5 mmol/L and < 5.5 mmol/L`, `<= 1.5 x ULN`.

    `family`: the limit of normal of which it is in multiples, or empty.
    """

    def text(value: Fraction) -> str:
        return f"{decimal_text(value)} x {family}" if family else unit.text(value)

    if held.is_point and held.lo is not None:
        words = text(held.lo)
    else:
        parts = []
        if held.lo is not None and (held.lo != 0 or held.hi is None or not held.lo_closed):
            parts.append(f"{'>=' if held.lo_closed else '>'} {text(held.lo)}")
        if held.hi is not None:
            parts.append(f"{'<=' if held.hi_closed else '<'} {text(held.hi)}")
        words = " and ".join(parts)
    for limit in limits if not family else ():
        words += f", {limit.end} {text(limit.value)}"
    return words


# ---- rows of numbers -----------------------------------------------------------------------------


def cuts_of(ranges: Iterable[Interval], scale: Fraction = Fraction(1)) -> list[Cut]:
    """The places between the ranges of a finding."""
    return [Cut(r.lo * scale, not r.lo_closed) for r in ranges if r.lo is not None]


def rows_of(
    cuts: Iterable[Cut], least: Fraction | None, plausible: Interval | None
) -> list[tuple[Interval, tuple[bool, bool]]]:
    """The ranges between cuts, lowest first, with whether their ends are rounded.

    `least`: the lowest number that there is; None: numbers go below zero.
    """
    places: dict[tuple[Fraction, bool], bool] = {}
    for cut in cuts:
        if least is None or (cut.value, cut.above) > (least, False):
            key = (cut.value, cut.above)
            places[key] = places.get(key, True) and cut.rounded
    edges: list[tuple[Fraction, bool] | None] = [None, *sorted(places), None]
    found = []
    for low, high in pairwise(edges):
        lo, lo_closed = (low[0], not low[1]) if low else (least, least is not None)
        hi, hi_closed = (high[0], high[1]) if high else (None, False)
        row = Interval(lo, lo_closed, hi, hi_closed)
        if plausible is None or plausible.intersects(row):
            found.append((row, (bool(low and places[low]), bool(high and places[high]))))
    return found


# ---- what a change of an entry is ----------------------------------------------------------------


def doing_of(change: Change, recorded: bool, acquires: bool = False) -> tuple[Doing, int] | None:
    """What setting an input takes, and its cost; None where it cannot be.

    `recorded`: whether something usable is. `acquires`: whether it runs against the direction in
    which the entry can change.
    """
    if not recorded:
        return None if change.obtain is None else ("obtain", change.obtain)
    if change.kind == "never" or acquires:
        return None
    return (change.kind, change.cost)


def follows(change: Change, option: Interval, now: Interval | None) -> bool:
    """Whether a row of a number lies in the direction in which it can change."""
    if now is None or change.direction not in ("up", "down"):
        return True
    if change.direction == "up":
        return option.hi is None or now.lo is None or option.hi >= now.lo
    return option.lo is None or now.hi is None or option.lo <= now.hi
