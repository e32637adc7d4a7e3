"""Condition: seed_cases/README.md, section 5."""

from datetime import date
from typing import Any

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.records.facts import Account, ConditionStated
from tests.unit.records.build import (
    CLINICAL,
    PATIENT,
    VERIFICATION,
    Json,
    codes,
    concept,
    condition,
    day,
    observation,
    only,
    quantity,
    read,
    reading,
    resource,
)
from tests.unit.records.vocabulary import ICD10

CODES = frozenset({("http://snomed.info/sct", "254837009")})


@pytest.mark.parametrize(
    ("verification", "clinical", "state"),
    [
        ("confirmed", "active", "present"),
        ("confirmed", "recurrence", "present"),
        ("confirmed", "relapse", "present"),
        ("confirmed", None, "present"),
        (None, None, "present"),
        (None, "active", "present"),
        ("confirmed", "inactive", "absent"),
        ("confirmed", "remission", "absent"),
        (None, "resolved", "absent"),
        ("refuted", "active", "absent"),
        ("refuted", None, "absent"),
        ("unconfirmed", "active", "unknown"),
        ("provisional", None, "unknown"),
        ("differential", "resolved", "unknown"),
    ],
)
def test_the_state_of_a_condition(
    verification: str | None, clinical: str | None, state: Any
) -> None:
    confirmed = verification in ("confirmed", None)
    expected = ConditionStated(state, clinical, confirmed, codes=CODES)
    assert reading(condition(verification, clinical)) == (expected, [])


@pytest.mark.parametrize(
    ("statuses", "confirmed"),
    [
        ({"clinicalStatus": concept("dormant", CLINICAL)}, True),
        ({"clinicalStatus": {"text": "active"}}, True),
        ({"clinicalStatus": concept("active", "http://example.org")}, True),
        ({"verificationStatus": concept("likely", VERIFICATION)}, False),
        ({"verificationStatus": "confirmed"}, False),
    ],
)
def test_unknown_statuses_leave_a_condition_unknown(statuses: Json, confirmed: bool) -> None:
    found, problems = reading(condition(None, None, **statuses))
    assert isinstance(found, ConditionStated)
    assert (found.state, found.confirmed, problems) == ("unknown", confirmed, ["unknown-code"])


def test_a_condition_entered_in_error_does_not_count() -> None:
    record = read(condition("entered-in-error", "active"))
    assert (record.facts, codes(record)) == ((), ["not-usable"])


@pytest.mark.parametrize(
    ("dates", "first", "last"),
    [
        ({"recordedDate": "2025-03-01", "onsetDateTime": "2019"}, "2025-03-01", "2025-03-01"),
        ({"onsetDateTime": "2019"}, "2019-01-01", "2019-12-31"),
        ({"onsetPeriod": {"start": "2019-02", "end": "2019-03"}}, "2019-02-01", "2019-03-31"),
        ({"onsetString": "in spring"}, "0001-01-01", "9999-12-31"),
        ({}, "0001-01-01", "9999-12-31"),
    ],
)
def test_a_condition_is_dated_by_its_record_or_its_onset(
    dates: Json, first: str, last: str
) -> None:
    fact = only(read(condition("confirmed", "active", **{"recordedDate": None, **dates})))
    assert fact.date is not None
    assert (str(fact.date.first), str(fact.date.last)) == (first, last)


@pytest.mark.parametrize(
    ("born", "age", "first", "last"),
    [
        ("1960-05-17", quantity("60", "a"), "2020-05-17", "2021-05-16"),
        ("1960-05-17", quantity("60.9", "a"), "2020-05-17", "2021-05-16"),
        ("1960-05", quantity("60", "a"), "2020-05-01", "2021-05-30"),
        ("1960-02-29", quantity("1", "a"), "1961-03-01", "1962-02-28"),
        ("2020-01-31", quantity("1", "mo"), "2020-03-01", "2020-03-30"),
    ],
)
def test_an_age_at_onset_is_a_span_of_days(born: str, age: Json, first: str, last: str) -> None:
    record = read(
        condition("confirmed", "active", onsetAge=age), patient={**PATIENT, "birthDate": born}
    )
    fact = next(fact for fact in record.facts if isinstance(fact.reading, ConditionStated))
    assert isinstance(fact.reading, ConditionStated)
    onset = fact.reading.onset
    assert onset is not None
    assert (str(onset.first), str(onset.last)) == (first, last)
    assert record.problems == ()


@pytest.mark.parametrize("age", [quantity("60", "kg"), {"value": 60}, quantity("1e9", "a"), "60"])
def test_an_age_that_cannot_be_read_is_told(age: object) -> None:
    record = read(
        condition("confirmed", "active", onsetAge=age), patient={**PATIENT, "birthDate": "1960"}
    )
    assert codes(record) == ["unreadable-date"]
    assert codes(read(condition("confirmed", "active", onsetAge=quantity("60", "a")))) == [
        "unreadable-date"  # no birth date
    ]


@pytest.mark.parametrize(
    ("verification", "clinical", "days"),
    [
        ("confirmed", "resolved", ["present", "unknown", "absent"]),
        ("confirmed", None, ["present", "unknown", "absent"]),
        ("confirmed", "active", ["present", "unknown", "unknown"]),
        ("refuted", None, ["absent", "absent", "absent"]),
        ("provisional", "active", ["unknown", "unknown", "unknown"]),
    ],
)
def test_a_condition_that_abated_was_there_until_then(
    verification: str, clinical: str | None, days: list[str]
) -> None:
    found, problems = reading(condition(verification, clinical, abatementDateTime="2025-06"))
    assert isinstance(found, ConditionStated)
    asked = [date(2025, 5, 31), date(2025, 6, 15), date(2025, 6, 30)]
    assert [found.state_on(day) for day in asked] == days
    assert problems == (["conflict"] if clinical == "active" and days[0] == "present" else [])


def test_onset_and_evidence() -> None:
    evidence = [{"code": [concept("1"), concept("252416005")]}]
    found, problems = reading(
        condition("confirmed", "active", onsetDateTime="2019-03", evidence=evidence)
    )
    assert found == ConditionStated(
        "present", "active", True, day("2019-03"), frozenset({"histology"}), codes=CODES
    )
    assert problems == []
    found, problems = reading(condition("confirmed", "active", onsetDateTime="spring 2019"))
    some_day = PartialDate.between(None, day("2020-01-01"))  # when it was recorded
    unknown = ConditionStated("present", "active", True, some_day, codes=CODES)
    assert (found, problems) == (unknown, ["unreadable-date"])
    told = reading(condition("confirmed", "active", onsetString="spring 2019"))
    assert told == (unknown, ["not-read"])


@pytest.mark.parametrize(
    ("clinical", "state"), [(None, "unknown"), ("active", "unknown"), ("resolved", "absent")]
)
def test_an_abatement_that_cannot_be_read_may_have_been_on_any_day(
    clinical: str | None, state: str
) -> None:
    found, problems = reading(condition("confirmed", clinical, abatementString="in spring"))
    assert isinstance(found, ConditionStated)
    assert found.state_on(date(2026, 1, 1)) == state
    assert set(problems) - {"conflict"} == {"not-read"}


def test_a_condition_that_only_an_encounter_names_is_told() -> None:
    stay = resource("Encounter", status="finished", reasonCode=[concept("254837009")])
    told = read(stay)
    assert [p.message for p in told.problems] == [
        "`reasonCode` names `breast_cancer` by `254837009`, but is not read for it"
    ]
    assert Account("Encounter", problems=1) in told.accounting
    said = observation("29308-4", valueCodeableConcept=concept("254837009"))
    assert codes(read(said)) == ["not-read"]
    assert codes(read(stay, said, {**condition("confirmed", "active"), "id": "y"})) == []


def test_each_concept_of_a_condition_gives_a_fact() -> None:
    code = {"coding": [*concept("C78.7", ICD10)["coding"], *concept("128462008")["coding"]]}
    record = read(condition("confirmed", "active", code=code))
    assert [fact.entry for fact in record.facts] == ["liver_metastasis", "metastasis"]
    code = {"coding": [*concept("C78.7", ICD10)["coding"], *concept("94381002")["coding"]]}
    assert only(read(condition("confirmed", "active", code=code))).entry == "liver_metastasis"
