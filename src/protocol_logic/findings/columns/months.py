"""Months by anniversaries between many days at once, as `foundation/calendar.py` counts them."""

from __future__ import annotations

import numpy as np

from protocol_logic.findings.columns.tables import Ints


def ages(unit: str, birth: Ints, at: Ints) -> Ints:
    """Completed years (`a`), months (`mo`) or days (`d`) from day to day."""
    if unit == "d":
        days: Ints = at - birth
        return days
    months = completed_months(birth, at)
    return months // 12 if unit == "a" else months


def completed_months(birth: Ints, at: Ints) -> Ints:
    """The most anniversaries of months that are reached."""
    born_month, born_day = months_and_days(birth)
    month, day = months_and_days(at)
    return month - born_month - (day < born_day)


def months_and_days(days: Ints) -> tuple[Ints, Ints]:
    """The number of the month, from January 1970, and the day in it."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return months.astype(np.int64), (dates - months.astype("datetime64[D]")).astype(np.int64) + 1


def first_day_reaching(days: Ints, months: int) -> Ints:
    """The first day on which the anniversary of so many months is reached."""
    start, length, day = _month_of(days, months)
    return start + np.where(day <= length, day - 1, length)


def last_day_within(days: Ints, months: int) -> Ints:
    """The last day that is on or before the anniversary of so many months."""
    start, length, day = _month_of(days, months)
    return start + np.minimum(day, length) - 1


def _month_of(days: Ints, months: int) -> tuple[Ints, Ints, Ints]:
    """The first day of the month so many months on, its length, and the day of the month before."""
    month, day = months_and_days(days)
    start = (month + months).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    end = (month + months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return start, end - start, day
