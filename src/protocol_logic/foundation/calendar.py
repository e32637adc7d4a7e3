"""Calendar time in days: partial dates, and months counted by anniversary.

Between two days lie n = 12 * (year difference) + (month difference) months.  The pair
(n, day of the later date) is compared with (N, day of the earlier date): "at least N months" is
`>=`, "within N months after" is `<=`, and both include the anniversary itself.  Nothing is
clamped to the end of a month: 31 August + 6 months completes on 1 March.
Source: docs/semantics.md.

The four inverses answer the same two questions for all days at once, so that a partial date is
decided by comparing its first and last day.  Where the answer lies outside the years 1 to 9999
they return the nearest day that exists, `date.min` or `date.max`.
"""

import re
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache

_DATE = re.compile(r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?")
_TIME = re.compile(
    r"([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\.[0-9]+)?)?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
)


@dataclass(frozen=True, slots=True)
class DateRange:
    """The days from `first` to `last`, both included; ValueError where `last` is earlier."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"`{self.last}` is earlier than `{self.first}`")


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date known to the day, the month or the year: one of the days `first` to `last`.

    `text` is the date as written, without a time: `2021`, `2021-03` or `2021-03-15`. `time` is the
    time of day as written (`T10:30:00Z`), or empty.
    """

    first: date
    last: date
    text: str
    time: str = field(default="", compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """Read `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or a FHIR dateTime, of which only the date counts.

        The date is taken as written: the offset of a dateTime moves nothing.  Seconds and offset
        may be missing.  Raises ValueError for any other form, for a day, month or time that does
        not exist, and for the year 0.
        """
        written, mark, clock = text.partition("T")
        try:
            day = _day(written)
            if not mark:
                return day
            if len(written) < 10 or not _TIME.fullmatch(clock):
                raise ValueError(": the time of day cannot be read")
        except ValueError as error:
            shown = text if len(text) <= 40 else text[:40] + "..."
            raise ValueError(f"`{shown}` is not a date{error}") from error
        return cls(day.first, day.last, written, f"T{clock}")

    @classmethod
    def between(cls, start: "PartialDate | None", end: "PartialDate | None") -> "PartialDate":
        """Some day of a period whose ends may be partial, or unknown (None).

        `text` is that of the day where both are the same, else `2021-03-01/2021-03-04`; an end
        that is unknown is `..`, as in ISO 8601-2. Raises ValueError where the period ends before
        it starts.
        """
        first = start.first if start is not None else date.min
        last = end.last if end is not None else date.max
        if last < first:
            raise ValueError("the period ends before it starts")
        texts = [part.text if part is not None else ".." for part in (start, end)]
        return cls(first, last, texts[0] if texts[0] == texts[1] else "/".join(texts))

    @property
    def instant(self) -> datetime | None:
        """The time in UTC where one was written with its offset, to the microsecond; a leap second
        is the end of the second before it. It only tells which of two times of a day is the later.
        """
        if not re.search(r"Z|[+-][0-9]{2}:[0-9]{2}$", self.time):
            return None
        time = re.sub(r"(:[0-9]{2}):60(\.[0-9]+)?", r"\1:59.999999", self.time)
        time = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", time)
        try:
            return datetime.fromisoformat(self.text + time).astimezone(UTC)
        except (ValueError, OverflowError):  # in the first or the last hours of the calendar
            return None

    @property
    def exact(self) -> bool:
        """Whether the day is known."""
        return self.first == self.last


@lru_cache(maxsize=8192)
def _day(text: str) -> PartialDate:
    """A date without a time; the ValueError says why there is none."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(" (YYYY, YYYY-MM, YYYY-MM-DD or a dateTime)")
    year, month, day = (int(part or 0) for part in match.groups())
    try:
        first = date(year, month if match["month"] else 1, day if match["day"] else 1)
    except ValueError as error:
        raise ValueError(": no such day in the calendar") from error
    if match["day"]:
        return PartialDate(first, first, text)
    last_month = first.month if match["month"] else 12
    last = date(first.year, last_month, _days_in_month(first.year, last_month))
    return PartialDate(first, last, text)


def anniversary_reached(earlier: date, months: int, later: date) -> bool:
    """Whether `later` is on or after the `months`-month anniversary of `earlier`."""
    return (_months(earlier, later), later.day) >= (months, earlier.day)


def on_or_before_anniversary(earlier: date, months: int, later: date) -> bool:
    """Whether `later` is on or before the `months`-month anniversary of `earlier`."""
    return (_months(earlier, later), later.day) <= (months, earlier.day)


def completed_months(birth: date, at: date) -> int:
    """The age at `at` in months: the most anniversaries reached; negative before the birth."""
    return _months(birth, at) - (at.day < birth.day)


def completed_years(birth: date, at: date) -> int:
    """The age at `at`: the most steps of 12 months reached; negative before the birth."""
    return completed_months(birth, at) // 12


def first_day_reaching(earlier: date, months: int) -> date:
    """The smallest `later` with `anniversary_reached(earlier, months, later)`.

    31 August + 6 months is 1 March.
    """
    return _shift_up(earlier, months)


def last_start_reached(later: date, months: int) -> date:
    """The largest `earlier` with `anniversary_reached(earlier, months, later)`."""
    return _shift_down(later, -months)


def last_day_within(earlier: date, months: int) -> date:
    """The largest `later` with `on_or_before_anniversary(earlier, months, later)`.

    31 August + 6 months is the last day of February.
    """
    return _shift_down(earlier, months)


def first_start_within(later: date, months: int) -> date:
    """The smallest `earlier` with `on_or_before_anniversary(earlier, months, later)`."""
    return _shift_up(later, -months)


def _months(earlier: date, later: date) -> int:
    return 12 * (later.year - earlier.year) + later.month - earlier.month


def _shift_up(day: date, months: int) -> date:
    """The same day of the month `months` away, or the first of the next month if it has none."""
    year, month = _month_away(day, months)
    if not 1 <= year <= 9999:
        return date.min if year < 1 else date.max
    if day.day <= _days_in_month(year, month):
        return date(year, month, day.day)
    return date(year, month + 1, 1)  # never after December, which has 31 days


def _shift_down(day: date, months: int) -> date:
    """The same day of the month `months` away, or that month's last day if it has none."""
    year, month = _month_away(day, months)
    if not 1 <= year <= 9999:
        return date.min if year < 1 else date.max
    return date(year, month, min(day.day, _days_in_month(year, month)))


def _month_away(day: date, months: int) -> tuple[int, int]:
    """Year (perhaps outside 1..9999) and month (1..12) that lie `months` after those of `day`."""
    years, month = divmod(12 * day.year + day.month - 1 + months, 12)
    return years, month + 1


def _days_in_month(year: int, month: int) -> int:
    return monthrange(year, month)[1]
