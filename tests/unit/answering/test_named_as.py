"""What a diagnosis or a drug is called where it is recorded, beside the class that it is of."""

from __future__ import annotations

import pytest

from protocol_logic.answering.readings import named_as
from protocol_logic.records.facts import ConditionStated, Done, Fact, Ordered, Reading, Therapy

COURSE = Therapy(None, None, ongoing=False, intent=None)
PRESENT = ConditionStated("present")


@pytest.mark.parametrize(
    ("resource", "recorded", "reading", "named"),
    [
        ("MedicationStatement/m", "lapatinib, completed, 2025-01-01 to ?", COURSE, "lapatinib"),
        ("MedicationRequest/m", "5 ML a, b Injection, active", Ordered(), "5 ML a, b Injection"),
        ("Condition/c", "Polycythemia vera, confirmed, active", PRESENT, "Polycythemia vera"),
        ("Condition/c", "Stroke, resolved, abated 2026-01-02", PRESENT, "Stroke"),
        ("Condition/c", "active", PRESENT, ""),
        ("Procedure/p", "Oophorectomy, both", Done("both"), "Oophorectomy"),
        ("Observation/o", "true", PRESENT, ""),
        ("answers.csv:2", "present", PRESENT, ""),
        ("Condition/c", "a\u202eb, active", PRESENT, "a\\u202eb"),
    ],
)
def test_the_name_of_a_resource(resource: str, recorded: str, reading: Reading, named: str) -> None:
    fact = Fact(entry="x", resource=resource, date=None, recorded=recorded, reading=reading)
    assert named_as(fact) == named
