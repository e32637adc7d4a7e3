"""Numbers with their units, as people read them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from protocol_logic.answering.readings import interval_words, margin_words, with_unit
from protocol_logic.foundation.interval import Interval

LONG = Fraction(9726034374898641, 5200000000000000)


@pytest.mark.parametrize(
    ("number", "unit", "said"),
    [
        (Fraction(1), "years", "1 year"),
        (Fraction(2), "years", "2 years"),
        (Fraction(1), "g/L", "1 g/L"),
        (Fraction(14, 17), "x ULN", "14/17 x ULN (about 0.824)"),
        (LONG, "mg/dL", "about 1.87 mg/dL"),
    ],
)
def test_a_number_with_its_unit(number: Fraction, unit: str, said: str) -> None:
    assert with_unit(number, unit) == said


def test_a_range_of_long_fractions_is_said_about() -> None:
    assert interval_words(Interval(LONG, True, LONG + 1, False), "mg/dL") == (
        "at least about 1.87 and below about 2.87 mg/dL"
    )


def test_how_far_a_number_is_from_its_limit() -> None:
    assert margin_words(Fraction(17), Fraction(18), "years") == (
        "17 years",
        "1 year below the limit",
    )
    assert margin_words(Fraction(1), Fraction(1), "months") == ("1 month", "at the limit")
    assert margin_words(LONG, Fraction(1), "mg/dL") == (
        "about 1.87 mg/dL",
        "about 0.87 mg/dL above the limit",
    )
