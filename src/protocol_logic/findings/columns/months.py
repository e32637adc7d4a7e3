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
