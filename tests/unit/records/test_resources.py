"""Patient, Procedure, List, Consent: seed_cases/README.md, section 5."""

from typing import Any

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.records.facts import Account, Born, Closed, Done, Stated
from tests.unit.records.build import (
    MCODE,
    Json,
    codes,
    concept,
    condition,
    day,
    medication,
    observation,
    only,
    read,
    reading,
    resource,
)
from tests.unit.records.vocabulary import LOINC, RXNORM, SCOPE

# Patient


def patient(**content: Any) -> tuple[list[Any], list[str]]:
    record = read(patient={"resourceType": "Patient", "id": "p", **content})
    assert all(fact.date is None and fact.resource == "Patient/p" for fact in record.facts)
    return [(fact.entry, fact.reading) for fact in record.facts], codes(record)


def test_gender_and_birth_date() -> None:
    assert patient(gender="female", birthDate="1976-05") == (
        [("birth_date", Born(day("1976-05"))), ("sex", Stated(frozenset({"female"})))],
        [],
    )


@pytest.mark.parametrize(
    ("content", "stated", "problems"),
    [
        ({}, [], []),
        ({"gender": "unknown"}, [], []),
        ({"gender": "other"}, ["sex"], []),
        ({"gender": "F"}, ["sex"], ["unknown-code"]),
        ({"birthDate": "14.05.1976"}, ["birth_date"], ["unreadable-date"]),
    ],
)
def test_what_cannot_be_read_of_a_patient_is_recorded(
    content: Json, stated: list[str], problems: list[str]
) -> None:
    assert patient(**content) == ([(name, Stated(None)) for name in stated], problems)


# Procedure


def procedure(*sides: str | None, **content: Any) -> Json:
    sites = []
    for side in sides:
        site = concept("15497006")
        if side is not None:
            url = MCODE + "mcode-laterality-qualifier"
            site["extension"] = [{"url": url, "valueCodeableConcept": concept(side)}]
        sites.append(site)
    return resource(
        "Procedure",
        **{
            "status": "completed",
            "code": concept("83152002"),
            "performedDateTime": "2021-05-06",
            "bodySite": sites,
            **content,
        },
    )


BOTH, LEFT, RIGHT = "51440002", "7771000", "24028007"


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ((BOTH,), "both"),
        ((LEFT,), "left"),
        ((RIGHT,), "right"),
        ((LEFT, RIGHT), "both"),
        ((LEFT, LEFT), "left"),
        ((LEFT, None), None),
        ((BOTH, None), "both"),
        ((None,), None),
        ((), None),
    ],
)
def test_the_side_of_a_procedure(sides: tuple[str | None, ...], expected: Any) -> None:
    assert reading(procedure(*sides)) == (Done(expected), [])


def test_procedures_without_known_side_date_or_completion() -> None:
    assert reading(procedure("12345")) == (Done(None), ["unknown-code"])
    period = {"start": "2021-03-01T08:00:00Z", "end": "2021-03-01T09:00:00Z"}
    fact = only(read(procedure(BOTH, performedDateTime=None, performedPeriod=period)))
    assert (fact.date, fact.reading) == (day("2021-03-01"), Done("both"))
    record = read(procedure(BOTH, performedDateTime=None, performedString="in spring"))
    assert codes(record) == ["undated"]
    assert only(record).date == PartialDate.between(None, None)
    record = read(procedure(BOTH, status="not-done"))
    assert (record.facts, codes(record)) == ((), ["not-usable"])


# List


def snapshot(**content: Any) -> Json:
    base = {"status": "current", "mode": "snapshot", "date": "2026-01-01"}
    return resource("List", **{**base, "code": concept("10160-0", LOINC), **content})


def test_a_current_snapshot_closes() -> None:
    fact = only(read(snapshot()))
    assert (fact.entry, fact.date, fact.reading) == (
        "medication_history",
        day("2026-01-01"),
        Closed(listed=True),
    )
    assert reading(snapshot(emptyReason=concept("nilknown"))) == (Closed(listed=True), [])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"status": "retired"}, "not-usable"),
        ({"status": "entered-in-error"}, "not-usable"),
        ({"mode": "working"}, "not-usable"),
        ({"mode": None}, "not-usable"),
        ({"emptyReason": concept("notasked")}, "not-usable"),
        ({"date": None}, "undated"),
    ],
)
def test_other_lists_do_not_close(content: Json, problem: str) -> None:
    record = read(snapshot(**content))
    assert (record.facts, codes(record)) == ((), [problem])


UNKNOWN_DRUG: Json = {"medicationCodeableConcept": {"text": "Taxol"}}
STAYS_OPEN = "`medication_history` stays open: what `MedicationStatement/x` is about is not known"


@pytest.mark.parametrize(
    "other",
    [
        medication(**UNKNOWN_DRUG),
        medication(medicationCodeableConcept=concept("6.7811E+13", RXNORM)),
        medication(medicationCodeableConcept=None, medicationReference={"reference": "#gone"}),
    ],
)
def test_a_list_does_not_close_what_something_unknown_may_be(other: Json) -> None:
    for resources in ([snapshot(), other], [other, snapshot()]):
        record = read(*resources)
        assert record.facts == ()
        assert STAYS_OPEN in [problem.message for problem in record.problems]
        [lists] = [account for account in record.accounting if account.type == "List"]
        assert (lists.facts, lists.problems) == (0, 1)


@pytest.mark.parametrize(
    "other",
    [
        medication(status="entered-in-error", **UNKNOWN_DRUG),
        medication(medicationCodeableConcept=concept("5640", RXNORM)),  # ibuprofen
        condition("confirmed", "active", code={"text": "cancer"}),
        observation("777-4"),
    ],
)
def test_a_list_closes_whatever_is_known_to_be_something_else(other: Json) -> None:
    assert [fact.reading for fact in read(snapshot(), other).facts] == [Closed(listed=True)]


@pytest.mark.parametrize(
    ("verification", "closes"), [("confirmed", 0), ("refuted", 1), ("entered-in-error", 1)]
)
def test_a_problem_list_does_not_close_what_an_unknown_condition_may_be(
    verification: str, closes: int
) -> None:
    problems = snapshot(code=concept("11450-4", LOINC))
    record = read(problems, condition(verification, None, code={"text": "breast cancer"}))
    assert len(record.facts) == closes


# Consent


def consent(**content: Any) -> Json:
    base = {"status": "active", "scope": concept("research", SCOPE), "dateTime": "2026-01-01"}
    return resource("Consent", **{**base, **content})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, {"signed"}),
        ({"provision": {"type": "permit"}}, {"signed"}),
        ({"provision": {"type": "deny"}}, {"refused"}),
        ({"status": "inactive"}, {"refused"}),
        ({"status": "rejected"}, {"refused"}),
        ({"status": "draft"}, None),
        ({"status": "proposed"}, None),
    ],
)
def test_what_a_consent_says(content: Json, expected: set[str] | None) -> None:
    values = None if expected is None else frozenset(expected)
    assert reading(consent(**content)) == (Stated(values), [])


@pytest.mark.parametrize(
    "provision", ["deny", "permit", [], [{"type": "deny"}], {"type": "DENY"}, {"type": ["deny"]}]
)
def test_a_provision_that_cannot_be_read_is_no_signature(provision: object) -> None:
    assert reading(consent(provision=provision)) == (Stated(None), ["unreadable-value"])
    refused = reading(consent(provision=provision, status="rejected"))
    assert refused == (Stated(frozenset({"refused"})), ["unreadable-value"])


def test_other_scopes_errors_and_undated_consents_do_not_count() -> None:
    record = read(consent(scope=concept("treatment", SCOPE)))
    assert (record.facts, record.problems) == ((), ())
    assert record.accounting[0] == Account("Consent", irrelevant=1)
    assert codes(read(consent(status="entered-in-error"))) == ["not-usable"]
    assert codes(read(consent(dateTime=None))) == ["undated"]
