"""Windows of time: whole days, or months and years by anniversaries, up to a day."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from protocol_logic.foundation.calendar import first_start_within
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.source import Span
from protocol_logic.foundation.units import UNIT_WORDS
from protocol_logic.language.nodes import Amount

_UNITS: dict[str, tuple[Fraction, Literal["days", "months"]]] = {
    "h": (Fraction(1, 24), "days"),
    "d": (Fraction(1), "days"),
    "wk": (Fraction(7), "days"),
    "mo": (Fraction(1), "months"),
    "a": (Fraction(12), "months"),
}


@dataclass(frozen=True, slots=True)
class Window:
    """So many days, or months by anniversaries, before a day; both the first and the last count.

    `before`: the time point at which it ends; None: the day of judgement. Unit `ever`: it has no
    first day.
    """

    number: int
    unit: Literal["days", "months", "ever"]
    before: str | None = None

    def first_day(self, last: date) -> date:
        """The earliest day of the window that ends on a day."""
        if self.unit == "months":
            return first_start_within(last, self.number)
        if self.unit == "ever":
            return date.min
        return last - timedelta(days=min(self.number, last.toordinal() - 1))

    @property
    def words(self) -> str:
        """`within 28 days`: what it is called, without the day at which it ends."""
        number, unit = self.number, self.unit
        if unit == "ever":
            return "at any time"
        one = unit[:-1] if number == 1 else unit
        return f"within {number} {one}"

    @property
    def all_words(self) -> str:
        """What it is called, with the day at which it ends."""
        return f"{self.words} before {self.before}" if self.before else self.words

    def lies_in(self, other: Window) -> bool:
        """Whether the other holds all days of this one, whatever the day at which both end."""
        if self.unit == other.unit:
            return self.number <= other.number
        return self.days[1] <= other.days[0]

    @property
    def days(self) -> tuple[int, int]:
        """The fewest and the most days that it goes back; for years perhaps fewer and more."""
        if self.unit == "days":
            return self.number, self.number
        if self.unit == "ever":
            return date.max.toordinal(), date.max.toordinal()
        years, months = divmod(self.number, 12)
        fewest, most = _MONTHS[months]
        leap_days = max(0, years // 4 - 1 - years // 100), (years + 3) // 4
        return 365 * years + leap_days[0] + fewest, 365 * years + leap_days[1] + most


def ever(before: str) -> Window:
    """All days up to a time point."""
    return Window(0, "ever", before)


_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31) * 2
_LEAP = (31, 29, *_LENGTHS[2:13], 29, *_LENGTHS[14:])
_MONTHS = tuple(
    (
        min(sum(_LENGTHS[first : first + count]) for first in range(12)),
        max(sum(_LEAP[first : first + count]) for first in range(12)),
    )
    for count in range(12)
)
"""The fewest and the most days of so many months, one after the other."""


def window_of(amount: Amount, before: str | None = None) -> Window | None:
    """A window of an amount of time; None where that is not whole days, weeks, months or years."""
    unit = amount.unit.text if amount.unit is not None else ""
    size, counted = _UNITS.get(UNIT_WORDS.get(unit, unit), (Fraction(0), "days"))
    number = Fraction(amount.number) * size
    if not size or number.denominator != 1:
        return None
    return Window(int(number), counted if number else "days", before)


_A_LIFE = 150 * 366


def odd_window(window: Window, written: str) -> tuple[str, str] | None:
    """What is odd about a window, with its cure: it is one day, or longer than anybody lives."""
    if window.unit == "ever":
        return None
    end = f"`{window.before}`" if window.before else "the day of judgement"
    if window.number == 0:
        cure = "write `1 day` for that day and the one before it; leave it where it means that day"
        return f"a window of {written} is {end} alone", cure
    if window.days[0] > _A_LIFE:
        cure = "look at the number and its unit; without any limit of time write `history of`"
        return f"a window of {written} is longer than a life", cure
    return None


def not_whole(written: str, span: Span) -> tuple[str, Span, str]:
    """What to say of an amount that makes no window: message, place, hint."""
    message = f"`{written}` is not a whole number of days, weeks, months or years"
    return message, span, "count it in whole days, weeks, months or years, as in `28 days`"
