"""Uncertain days: which answers to questions about two days are possible together.

A day is one of a range. Every question has the form "is `later` far enough after `earlier`?": the
answer can only turn to yes as `later` grows, and to no as `earlier` grows. So answers are lower
bounds, of `later` by `earlier` (yes) or of `earlier` by `later` (no). Raise every day from the
first of its range until all bounds hold: if that stays inside the ranges, such days exist (these
are the least ones), else they do not. No day is left out, and none need be listed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import count

from protocol_logic.foundation.calendar import anniversary_reached, on_or_before_anniversary

MOST_STEPS = 50_000
"""Bounds followed for one question, after which it is given up."""


class TooLarge(Exception):
    """There are too many completions to look at all."""


@dataclass(frozen=True, slots=True)
class Day:
    """One of the days `first` to `last`; days of the same name are the same day."""

    name: Hashable
    first: date
    last: date


def on(day: date) -> Day:
    """A known day."""
    return Day(day, day, day)


@dataclass(frozen=True, slots=True)
class Far:
    """How far `later` must be after `earlier`.

    `days`: at least `number` days; `reached`, `passed`: on or after, or after, the anniversary of
    `number` months; `room`: some day lies `number` months or more after `earlier`, and is not more
    than `within` months after `later`.
    """

    measure: str
    number: int
    within: int = 0

    def holds(self, earlier: date, later: date) -> bool:
        if self.measure == "days":
            return later.toordinal() - earlier.toordinal() >= self.number
        if self.measure == "reached":
            return anniversary_reached(earlier, self.number, later)
        if self.measure == "room":
            day = first_reaching(earlier, self.number)
            return day is not None and on_or_before_anniversary(later, self.within, day)
        return not on_or_before_anniversary(earlier, self.number, later)

    def days(self) -> tuple[int, int]:
        """Days between that are the fewest for yes, and the most for no, or beyond these."""
        if self.measure == "days":
            return self.number, self.number - 1
        if self.measure == "room":
            fewest, most = Far("reached", self.number).days()
            least, longest = Far("reached", self.within).days()
            return fewest - max(0, longest), most - least
        if self.number == 0:
            return (0, -1) if self.measure == "reached" else (1, 0)
        return self.number * 304 // 10 - 3, self.number * 305 // 10 + 4


@cache
def first_reaching(day: date, months: int) -> date | None:
    """The first day on which the anniversary after `months` is reached."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if years > date.max.year:
        return None
    found = date(years, month + 1, 1)
    while not anniversary_reached(day, months, found):
        found += timedelta(days=1)
    return found


NOT_BEFORE = Far("reached", 0)
"""`later` is `earlier` itself or comes after it."""


@dataclass(frozen=True, slots=True)
class Answer:
    far: Far
    earlier: Day
    later: Day
    yes: bool

    @property
    def bound(self) -> tuple[Day, Day]:
        """The day that gives a lower bound, and the day that it bounds."""
        return (self.earlier, self.later) if self.yes else (self.later, self.earlier)

    def holds(self, giver: date, taker: date) -> bool:
        if self.yes:
            return self.far.holds(giver, taker)
        return not self.far.holds(taker, giver)

    def at_least(self) -> int:
        """The bounded day comes at least so many days after the other."""
        fewest, most = self.far.days()
        return fewest if self.yes else -most


def always(far: Far, earlier: Day, later: Day) -> bool | None:
    """The answer that all days of the two ranges give, if it is one."""
    if earlier == later:
        if far.measure == "room" and far.number == far.within > 0 and earlier.first < earlier.last:
            # Whether the month has such a day: no bound that only one of two days gives.
            raise TooLarge("an anniversary that may not exist")
        return far.holds(earlier.first, later.first)
    if far.holds(earlier.last, later.first):
        return True
    return None if far.holds(earlier.first, later.last) else False


class Days:
    """Answers given so far, with the least days that obey them."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.least: dict[Day, date] = {}

    def possible(self, far: Far, earlier: Day, later: Day) -> list[bool]:
        """The answers that some days give which also give all answers so far."""
        answers = [Answer(far, earlier, later, yes) for yes in (True, False)]
        return [answer.yes for answer in answers if self._least(answer) is not None]

    def give(self, far: Far, earlier: Day, later: Day, yes: bool) -> None:
        """Add an answer that is possible."""
        answer = Answer(far, earlier, later, yes)
        least = self._least(answer)
        assert least is not None
        self.answers.append(answer)
        self.least = least

    def _least(self, answer: Answer) -> dict[Day, date] | None:
        answers = [*self.answers, answer]
        if self._contradicts(answer) or _too_far(answers):
            return None
        least = {answer.earlier: answer.earlier.first, answer.later: answer.later.first}
        least |= self.least
        steps = count()
        raised = True
        while raised:
            raised = False
            for each in answers:
                giver, taker = each.bound
                if not each.holds(least[giver], least[taker]):
                    day = _first(taker, least[taker], _given(each, least[giver]))
                    if day is None:
                        return None
                    least[taker], raised = day, True
                    if next(steps) > MOST_STEPS:
                        raise TooLarge("too many uncertain days that hang together")
        return least

    def _contradicts(self, answer: Answer) -> bool:
        """Whether the same two days were said to be less far apart, or farther (saves time)."""
        ranks = {"reached": 0, "passed": 1}  # the others do not compare
        for other in self.answers:
            same = (other.earlier, other.later) == (answer.earlier, answer.later)
            known = other.far.measure in ranks and answer.far.measure in ranks
            if same and known and other.yes != answer.yes:
                yes, no = (answer, other) if answer.yes else (other, answer)
                farther = (yes.far.number, ranks[yes.far.measure])
                if farther >= (no.far.number, ranks[no.far.measure]):
                    return True
        return False


def _given(answer: Answer, giver: date) -> Callable[[date], bool]:
    return lambda taker: answer.holds(giver, taker)


def _first(day: Day, low: date, holds: Callable[[date], bool]) -> date | None:
    """The first day from `low` on that holds; once one does, all later ones do."""
    if not holds(day.last):
        return None
    below, found = low.toordinal(), day.last.toordinal()
    while found - below > 1:
        middle = (below + found) // 2
        if holds(date.fromordinal(middle)):
            found = middle
        else:
            below = middle
    return date.fromordinal(found)


def _too_far(answers: list[Answer]) -> bool:
    """Whether a day would have to come after itself, counting months short (saves time)."""
    after: dict[Day, int] = {day: 0 for answer in answers for day in answer.bound}
    for _ in range(len(after) + 1):
        raised = False
        for answer in answers:
            giver, taker = answer.bound
            if after[giver] + answer.at_least() > after[taker]:
                after[taker], raised = after[giver] + answer.at_least(), True
        if not raised:
            return False
    return True
