"""Windows: which lies in which, whatever the day at which both end."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from protocol_logic.compiling.windows import Window

DAYS = [Window(n, "days") for n in (0, 1, 27, 28, 29, 30, 31, 59, 60, 62, 90, 180, 364, 365, 366)]
MONTHS = [Window(n, "months") for n in (1, 2, 3, 6, 11, 12, 13, 24, 48, 60, 120, 1200)]
LONG = [Window(n, "days") for n in (730, 731, 1461, 1826, 3652, 3653, 36524, 36525)]
# Ends of months, leap years, and the century that has none.
ENDS = [
    day
    for year in (1900, 1901, 1904, 2000, 2023, 2024, 2025, 2100)
    for number in range(366)
    if (day := date(year, 1, 1) + timedelta(days=number)).day in (1, 2, 28, 29, 30, 31)
]


@pytest.mark.parametrize("inner", [*DAYS, *MONTHS, *LONG], ids=lambda w: w.words)
def test_a_window_lies_in_another_on_every_day(inner: Window) -> None:
    for outer in (*DAYS, *MONTHS, *LONG):
        if inner.lies_in(outer):
            assert all(inner.first_day(end) >= outer.first_day(end) for end in ENDS), outer


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (Window(28, "days"), Window(1, "months")),
        (Window(1, "months"), Window(31, "days")),
        (Window(365, "days"), Window(12, "months")),
        (Window(6, "months"), Window(365, "days")),
        (Window(180, "days"), Window(6, "months")),
    ],
)
def test_windows_that_authors_nest(inner: Window, outer: Window) -> None:
    assert inner.lies_in(outer) and not outer.lies_in(inner)


@pytest.mark.parametrize("days", [29, 30])
def test_the_calendar_tells_a_month_from_its_days(days: int) -> None:
    window = Window(days, "days")
    assert not window.lies_in(Window(1, "months"))
    assert not Window(1, "months").lies_in(window)
