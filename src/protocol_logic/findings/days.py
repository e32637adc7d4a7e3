"""The days to try for uncertain dates: few, and enough for every test to go each way it can.

Dates need not be tried day by day: every test of a course is made of comparisons `y >= g(x)`
between two dates with g one of a few monotone shifts, or of their denials, which have that form
too. If any days satisfy a set of such comparisons, then the least ones do; and those are reached
from the first possible days and the fixed dates by applying the shifts as often as there are
uncertain dates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.foundation.calendar import (
    first_day_reaching,
    first_start_within,
    last_day_within,
    last_start_reached,
)

COURSE_GAP_DAYS = 28
"""Records of one intent form one course while the next starts at most so many days after."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date that may be one of several days; `first == last` when it is certain."""

    first: date
    last: date

    @property
    def certain(self) -> bool:
        return self.first == self.last


_Shift: TypeAlias = Callable[[date], date]
_Role: TypeAlias = Literal["start", "end", "event"]


@dataclass(frozen=True, slots=True)
class Dated:
    """An uncertain or fixed date with what it is the date of."""

    role: _Role
    day: Day


def shifts_of(patterns: Iterable[core.Pattern]) -> dict[tuple[_Role, _Role], list[_Shift]]:
    """(of one date, for another) -> the lower bounds that the one can set for the other.

    One for each comparison that a test makes between two such dates, and for its denial.
    """
    shifts: dict[tuple[_Role, _Role], list[_Shift]] = {
        ("start", "end"): [_same, _days_on(-COURSE_GAP_DAYS)],
        ("end", "start"): [_days_on(1), _days_on(COURSE_GAP_DAYS + 1)],
    }

    def both(edge: _Role, other: _Role, months: int, latest: bool) -> None:
        there, back = shifts.setdefault((edge, other), []), shifts.setdefault((other, edge), [])
        if not months and latest:
            there.append(_days_on(1))
            back.append(_same)
        elif not months:
            there.append(_same)
            back.append(_days_on(1))
        elif latest:
            there.append(lambda d: plus(last_day_within(d, months), 1))
            back.append(lambda d: first_start_within(d, months))
        else:
            there.append(lambda d: first_day_reaching(d, months))
            back.append(lambda d: plus(last_start_reached(d, months), 1))

    clauses = {c: None for p in patterns for c in p.clauses}
    for clause in clauses:
        if isinstance(clause, core.Duration):
            both("start", "end", clause.months, False)
            both("start", "event", clause.months, False)
        else:
            for instant, latest in ((clause.earliest, False), (clause.latest, True)):
                if instant is not None:
                    edge: _Role = "start" if instant.edge == "start" else "end"
                    both(edge, "event", instant.months, latest)
                    if instant.months:
                        both(edge, "event", 0, latest)
    return shifts


def _same(day: date) -> date:
    return day


def _days_on(days: int) -> _Shift:
    return lambda day: plus(day, days)


def plus(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def candidates(
    dates: Sequence[Dated], as_of: date, patterns: Iterable[core.Pattern]
) -> list[list[date]]:
    """For each date the days to try: the day itself, or the least for each set of tests."""
    unsure = {i for i, d in enumerate(dates) if not d.day.certain}
    found = [{d.day.first} for d in dates]
    if not unsure:
        return [sorted(days) for days in found]
    shifts = shifts_of(patterns)
    hidden = plus(as_of, 1)
    for i in unsure:
        if dates[i].day.first <= hidden <= dates[i].day.last:
            found[i].add(hidden)
    fresh = [set(days) for days in found]
    for _ in unsure:
        reached: list[set[date]] = [set() for _ in dates]
        for i, days in enumerate(fresh):
            for j in unsure - {i}:
                for shift in shifts.get((dates[i].role, dates[j].role), ()):
                    reached[j].update(map(shift, days))
        for j in unsure:
            day = dates[j].day
            fresh[j] = {d for d in reached[j] - found[j] if day.first <= d <= day.last}
            found[j] |= fresh[j]
        for i in range(len(dates)):
            if i not in unsure:
                fresh[i] = set()
    return [sorted(days) for days in found]
