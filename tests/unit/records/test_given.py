"""What an example gives: the fact that it makes, and what is refused."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge.vocabulary import Age, Vocabulary
from protocol_logic.records.elements import Elements, Unanswerable
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    Limit,
    Measured,
    Ordered,
    Reading,
    Stated,
    Therapy,
)
from protocol_logic.records.given import read_given
from protocol_logic.records.quantities import Unreadable
from tests.unit.records.build import point
from tests.unit.records.vocabulary import VOCABULARY

AGE = Age(name="age", element="birth_date", label="age", of="birth_date")
ELEMENTS = Elements(
    Vocabulary({**VOCABULARY.entries, "age": AGE}),
    {"creatinine_clearance": ("body_weight", "creatinine")},
)
DAY = date(2026, 1, 15)


def given(name: str, text: str) -> Fact | None:
    return read_given(ELEMENTS, name, text, DAY, "x:1")


def fact(name: str, text: str) -> Fact:
    found = given(name, text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "text", "reading", "day"),
    [
        ("hemoglobin", "88 g/L", Measured(point("88")), "2026-01-15"),
        ("hemoglobin", "8.8 g/dL  on 2026-01-03", Measured(point("88")), "2026-01-03"),
        ("hemoglobin", "88 g/L on 2026-01", Measured(point("88")), "2026-01"),
        ("hemoglobin", "unknown", Measured(None), "2026-01-15"),
        ("alt", "unknown on 2025-12-01", Measured(None), "2025-12-01"),
        ("liver_metastasis", "absent", ConditionStated("absent"), "2026-01-15"),
        ("liver_metastasis", "unknown", ConditionStated("unknown"), "2026-01-15"),
        ("er", "unknown", Stated(None), "2026-01-15"),
        ("oophorectomy", "unknown", Done(None, known=False), ".."),
        ("chemotherapy", "unknown", Ordered(), "2026-01-15"),
        ("medication_history", "closed", Closed(), "2026-01-15"),
    ],
)
def test_facts(name: str, text: str, reading: Reading, day: str) -> None:
    found = fact(name, text)
    assert (found.reading, found.date and found.date.text) == (reading, day)
    assert (found.entry, found.resource) == (name, "x:1")


def test_a_multiple_of_the_upper_limit_tells_just_that() -> None:
    reading = fact("alt", "3 x ULN").reading
    assert reading == Measured(point("3"), (Limit(None, Fraction(1), "1 x ULN"),), True)


def test_a_result_with_its_own_upper_limit() -> None:
    reading = fact("alt", "120 U/L, ULN 40 U/L").reading
    assert isinstance(reading, Measured)
    assert (reading.value, reading.relative) == (point("120"), False)
    assert [limit.value for limit in reading.limits] == [40]


def test_lower_limits() -> None:
    reading = fact("platelets", "140 10*9/L, LLN 150 10*9/L, ULN 400 10*9/L").reading
    assert isinstance(reading, Measured)
    assert [x.end for x in reading.limits] == ["LLN", "ULN"]
    assert [x.value for x in reading.limits] == [150, 400]
    multiple = fact("platelets", "0.9 x LLN").reading
    limit = Limit(None, Fraction(1), "1 x LLN", "LLN")
    assert multiple == Measured(point("0.9"), (limit,), relative=True)


@pytest.mark.parametrize(
    "text",
    ["palliative from 2025-01-01 to 2025-06", "2025-01-01 to 2025-06 palliative"],
)
def test_a_course_is_of_its_own_days(text: str) -> None:
    found = fact("chemotherapy", text)
    start, end = PartialDate.parse("2025-01-01"), PartialDate.parse("2025-06")
    assert found.reading == Therapy(start, end, ongoing=False, intent="palliative")
    assert found.date == start


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("18 years", "2007-01-16", "2008-01-15"),
        ("17 years", "2008-01-16", "2009-01-15"),
        ("0 years", "2025-01-16", "2026-01-15"),
        ("1 month", "2025-11-16", "2025-12-15"),
        ("6 weeks", "2025-11-28", "2025-12-04"),
        ("30 days", "2025-12-16", "2025-12-16"),
    ],
)
def test_an_age_is_every_birth_date_that_gives_it(text: str, first: str, last: str) -> None:
    born = fact("age", text).reading
    assert isinstance(born, Born)
    assert (born.date.first.isoformat(), born.date.last.isoformat()) == (first, last)


@pytest.mark.parametrize("name", ["hemoglobin", "liver_metastasis", "medication_history", "age"])
def test_what_is_not_recorded_is_no_fact(name: str) -> None:
    assert given(name, "not  recorded") is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("hemoglobin", "88", "`88` has no unit"),
        ("hemoglobin", "88 mmol", "its unit `mmol` is none of"),
        ("hemoglobin", "8800 g/L", "is implausible"),
        ("age", "17", "is no age"),
        ("age", "17.5 years", "is no age"),
        ("age", "17 g", "is no age"),
        ("age", "9999 years", "old"),
        ("sex", "female on 2026-01-01", "has no day"),
        ("chemotherapy", "from 2025-01-01 ongoing on 2026-01-01", "says itself when"),
        ("chemotherapy", "palliative from 2025 to 2026 adjuvant", "is no value of it"),
        ("chemotherapy", "not taken", "said of one record"),
        ("hemoglobin", "88 g/L on 2026-13-01", "no day of the calendar"),
        ("alt", "3 x uln", "cannot be read"),
        ("alt", "120 U/L, ULN", "cannot be read"),
    ],
)
def test_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(Unreadable) as refused:
        given(name, text)
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("creatinine_clearance", "not recorded but decided from others"),
        ("haemoglobin", "is not known"),
        ("histology", "is evidence of `breast_cancer`"),
        ("treatment_intent", "is said of one record"),
        ("endocrine_therapy:MedicationStatement/m1", "is said of one record"),
    ],
)
def test_names_that_nothing_is_given_for(name: str, message: str) -> None:
    with pytest.raises(Unanswerable) as refused:
        given(name, "1")
    assert message in refused.value.message
