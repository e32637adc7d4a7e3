"""The ages that an imprecise birth date allows, against each of its days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from protocol_logic.findings.inputs import _age, _ages
from protocol_logic.knowledge.vocabulary import Age


@pytest.mark.parametrize("unit", ["a", "mo", "d"])
@pytest.mark.parametrize("at", [date(2024, 2, 29), date(2025, 2, 28), date(2024, 3, 31)])
def test_as_of_every_day(unit: str, at: date) -> None:
    entry = Age(name="age", element="age", label="age", of="birth_date", unit=unit)
    for start in (date(2023, 1, 30), date(2020, 2, 27), date(2024, 2, 1), at, date(2030, 1, 1)):
        for length in (0, 1, 2, 29, 31, 366):
            last = start + timedelta(days=length)
            days = [start + timedelta(days=n) for n in range(length + 1)]
            by_day = {_age(entry, day, at) for day in days if day <= at}
            assert set(_ages(entry, start, last, at)) == by_day, (start, last)
