from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from protocol_logic.foundation.calendar import (
    DateRange,
    PartialDate,
    anniversary_reached,
    completed_months,
    completed_years,
    first_day_reaching,
    first_start_within,
    last_day_within,
    last_start_reached,
    on_or_before_anniversary,
)

# Years around 2000, a leap century, and 2023/24; months in both directions.
days = st.dates(date(1998, 1, 1), date(2026, 12, 31))
spans = st.integers(-40, 40)
ONE_DAY = timedelta(1)


# --- partial dates ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023-02", date(2023, 2, 1), date(2023, 2, 28)),
        ("2024-12", date(2024, 12, 1), date(2024, 12, 31)),
        ("2024-02-29", date(2024, 2, 29), date(2024, 2, 29)),
        ("0001", date(1, 1, 1), date(1, 12, 31)),
        ("9999-12", date(9999, 12, 1), date(9999, 12, 31)),
    ],
)
def test_parse(text: str, first: date, last: date) -> None:
    assert PartialDate.parse(text) == PartialDate(first, last, text)
    assert PartialDate.parse(text).exact == (first == last)


@pytest.mark.parametrize(
    "time",
    [
        "T23:30:00-05:00",
        "T00:00:00+14:00",
        "T10:00:00.123456Z",
        "T23:59:60Z",
        "T10:00:00",
        "T10:00",
    ],
)
def test_only_the_date_of_a_date_time_counts(time: str) -> None:
    assert PartialDate.parse("2026-01-15" + time) == PartialDate.parse("2026-01-15")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "no such day") for text in ("0000-13-45", "2023-02-29", "2023-00", "0000")),
        *((text, "no such day") for text in ("2023-13", "2023-01-00", "2023-04-31T10:00:00Z")),
        *((text, "is not a date") for text in ("", "23-01-01", "2023-1-1", "20230101", "2023-01-")),
        *(
            (text, "is not a date")
            for text in (" 2023", "2023\n", "2023/01/01", "\u0662\u0660\u0662\u0663")
        ),
        *((text, "is not a date") for text in ("2023-01-01 10:00", "12023", "x" * 999)),
        *((text, "time of day") for text in ("2023T10:00:00Z", "2023-01T10:00:00Z")),
        *((text, "time of day") for text in ("2023-01-01T24:00:00Z", "2023-01-01T10:00:00+15:00")),
        *((text, "time of day") for text in ("2023-01-01T1", "2023-01-01T10:60:00Z")),
    ],
)
def test_parse_refuses(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        PartialDate.parse(text)
    assert len(str(caught.value)) < 150


def test_a_range_runs_forward() -> None:
    assert DateRange(date(2024, 1, 1), date(2024, 1, 1)).first == date(2024, 1, 1)
    with pytest.raises(ValueError, match="earlier"):
        DateRange(date(2024, 1, 2), date(2024, 1, 1))


# --- anniversaries ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "months", "anniversary"),
    [
        (date(2023, 8, 31), 6, date(2024, 3, 1)),
        (date(2022, 8, 31), 6, date(2023, 3, 1)),
        (date(2004, 2, 29), 12, date(2005, 3, 1)),
        (date(2004, 2, 29), 48, date(2008, 2, 29)),
        (date(2021, 3, 15), 24, date(2023, 3, 15)),
        (date(2021, 1, 31), 1, date(2021, 3, 1)),
        (date(2021, 3, 31), -1, date(2021, 3, 1)),
        (date(2021, 3, 31), 0, date(2021, 3, 31)),
    ],
)
def test_first_day_reaching(earlier: date, months: int, anniversary: date) -> None:
    assert first_day_reaching(earlier, months) == anniversary
    assert anniversary_reached(earlier, months, anniversary)
    assert not anniversary_reached(earlier, months, anniversary - ONE_DAY)


def test_one_day_short_of_24_months() -> None:
    assert not anniversary_reached(date(2021, 3, 15), 24, date(2023, 3, 14))


@pytest.mark.parametrize(
    ("earlier", "months", "last"),
    [
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2022, 8, 31), 6, date(2023, 2, 28)),
        (date(2021, 3, 15), 12, date(2022, 3, 15)),
    ],
)
def test_last_day_within(earlier: date, months: int, last: date) -> None:
    assert last_day_within(earlier, months) == last
    assert on_or_before_anniversary(earlier, months, last)
    assert not on_or_before_anniversary(earlier, months, last + ONE_DAY)


@pytest.mark.parametrize(
    ("birth", "at", "years"),
    [
        (date(2004, 2, 29), date(2022, 2, 28), 17),
        (date(2004, 2, 29), date(2022, 3, 1), 18),
        (date(2004, 2, 29), date(2024, 2, 29), 20),
        (date(1980, 6, 15), date(2026, 6, 14), 45),
        (date(1980, 6, 15), date(2026, 6, 15), 46),
        (date(2026, 1, 1), date(2026, 1, 1), 0),
        (date(2026, 1, 2), date(2026, 1, 1), -1),
    ],
)
def test_completed_years(birth: date, at: date, years: int) -> None:
    assert completed_years(birth, at) == years


@given(days, days)
def test_completed_years_are_the_last_anniversary_reached(birth: date, at: date) -> None:
    years = completed_years(birth, at)
    assert anniversary_reached(birth, 12 * years, at)
    assert not anniversary_reached(birth, 12 * (years + 1), at)


@given(days, days)
def test_completed_months_are_the_last_anniversary_reached(birth: date, at: date) -> None:
    months = completed_months(birth, at)
    assert anniversary_reached(birth, months, at)
    assert not anniversary_reached(birth, months + 1, at)


# --- the four inverses against brute force ----------------------------------------------------


def around(day: date, months: int) -> list[date]:
    """Every day that could be `months` away from `day`, with two months to spare on each side."""
    middle = day + timedelta(days=round(months * 30.4375))
    return [middle + timedelta(days=n) for n in range(-63, 64)]


@given(days, spans)
def test_inverses_agree_with_brute_force(day: date, months: int) -> None:
    after, before = around(day, months), around(day, -months)
    assert first_day_reaching(day, months) == min(
        later for later in after if anniversary_reached(day, months, later)
    )
    assert last_day_within(day, months) == max(
        later for later in after if on_or_before_anniversary(day, months, later)
    )
    assert last_start_reached(day, months) == max(
        earlier for earlier in before if anniversary_reached(earlier, months, day)
    )
    assert first_start_within(day, months) == min(
        earlier for earlier in before if on_or_before_anniversary(earlier, months, day)
    )


@given(days, spans, days)
def test_inverses_decide_every_day(day: date, months: int, other: date) -> None:
    assert anniversary_reached(day, months, other) == (other >= first_day_reaching(day, months))
    assert anniversary_reached(other, months, day) == (other <= last_start_reached(day, months))
    assert on_or_before_anniversary(day, months, other) == (other <= last_day_within(day, months))
    assert on_or_before_anniversary(other, months, day) == (
        other >= first_start_within(day, months)
    )


INVERSES = [first_day_reaching, last_start_reached, last_day_within, first_start_within]


@pytest.mark.parametrize("inverse", INVERSES)
@given(days, days, spans)
def test_inverses_are_monotone(
    inverse: Callable[[date, int], date], a: date, b: date, months: int
) -> None:
    assert inverse(min(a, b), months) <= inverse(max(a, b), months)


@pytest.mark.parametrize("months", [1, 13, 10**6])
def test_inverses_stay_in_the_calendar(months: int) -> None:
    for forward in (first_day_reaching, last_day_within):
        assert forward(date(9999, 12, 15), months) == date.max
        assert forward(date(1, 1, 15), -months) == date.min
    for backward in (last_start_reached, first_start_within):
        assert backward(date(1, 1, 15), months) == date.min
        assert backward(date(9999, 12, 15), -months) == date.max
    for inverse in INVERSES:
        assert inverse(date.min, 0) == date.min
        assert inverse(date.max, 0) == date.max
