"""Patient, Condition, Procedure, medications, List, Consent: seed_cases/README.md, section 5."""

from datetime import date
from typing import Any

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.records.facts import Born, Closed, ConditionStated, Done, Stated, Therapy
from tests.unit.records.build import Json, codes, concept, only, read, reading, resource
from tests.unit.records.vocabulary import ICD10, LOINC, RXNORM, SCOPE

VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
CANCER = concept("254837009")


def day(text: str) -> PartialDate:
    return PartialDate.parse(text)


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
    ("content", "problems"),
    [
        ({}, []),
        ({"gender": "other"}, []),
        ({"gender": "unknown"}, []),
        ({"gender": "F"}, ["unknown-code"]),
        ({"birthDate": "14.05.1976"}, ["unreadable-date"]),
    ],
)
def test_what_is_no_fact_of_a_patient(content: Json, problems: list[str]) -> None:
    assert patient(**content) == ([], problems)


# Condition


def condition(verification: str | None, clinical: str | None, **content: Any) -> Json:
    statuses: Json = {}
    if verification is not None:
        statuses["verificationStatus"] = concept(verification, VERIFICATION)
    if clinical is not None:
        statuses["clinicalStatus"] = concept(clinical, CLINICAL)
    return resource(
        "Condition", **{"code": CANCER, "recordedDate": "2020-01-01", **statuses, **content}
    )


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
    expected = ConditionStated(state, clinical, confirmed)
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


def test_a_condition_entered_in_error_or_undated_does_not_count() -> None:
    record = read(condition("entered-in-error", "active"))
    assert (record.facts, codes(record)) == ((), ["not-usable"])
    record = read(condition("confirmed", "active", recordedDate=None, onsetDateTime="2019"))
    assert (record.facts, codes(record)) == ((), ["undated"])


def test_onset_and_evidence() -> None:
    evidence = [{"code": [concept("1"), concept("252416005")]}]
    found, problems = reading(
        condition("confirmed", "active", onsetDateTime="2019-03", evidence=evidence)
    )
    assert found == ConditionStated(
        "present", "active", True, day("2019-03"), frozenset({"histology"})
    )
    assert problems == []
    found, problems = reading(condition("confirmed", "active", onsetDateTime="spring 2019"))
    assert (found, problems) == (ConditionStated("present", "active", True), ["unreadable-date"])
    _, problems = reading(condition("confirmed", "active", onsetString="spring 2019"))
    assert problems == ["not-read"]


def test_each_concept_of_a_condition_gives_a_fact() -> None:
    code = {"coding": [*concept("C78.7", ICD10)["coding"], *concept("128462008")["coding"]]}
    record = read(condition("confirmed", "active", code=code))
    assert [fact.entry for fact in record.facts] == ["liver_metastasis", "metastasis"]
    code = {"coding": [*concept("C78.7", ICD10)["coding"], *concept("94381002")["coding"]]}
    assert only(read(condition("confirmed", "active", code=code))).entry == "liver_metastasis"


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
    record = read(procedure(BOTH, performedDateTime=None, performedPeriod={"start": "2021"}))
    assert (record.facts, codes(record)) == ((), ["undated"])
    record = read(procedure(BOTH, status="not-done"))
    assert (record.facts, codes(record)) == ((), ["not-usable"])


# medications


def medication(kind: str = "MedicationStatement", **content: Any) -> Json:
    return resource(
        kind,
        **{
            "status": "completed",
            "medicationCodeableConcept": concept("72965", RXNORM, display="letrozole"),
            "effectivePeriod": {"start": "2019-06", "end": "2023-08-15"},
            **content,
        },
    )


def therapy(
    start: str | None, end: str | None, ongoing: bool = False, intent: Any = None
) -> Therapy:
    return Therapy(day(start) if start else None, day(end) if end else None, ongoing, intent)


def test_a_course_is_dated_by_its_start() -> None:
    fact = only(read(medication()))
    assert (fact.entry, fact.date) == ("endocrine_therapy", day("2019-06"))
    assert fact.recorded == "letrozole, completed, 2019-06 to 2023-08-15"
    assert fact.reading == therapy("2019-06", "2023-08-15")


@pytest.mark.parametrize(
    ("kind", "status", "ongoing"),
    [
        ("MedicationStatement", "active", True),
        ("MedicationStatement", "on-hold", True),
        ("MedicationStatement", "completed", False),
        ("MedicationStatement", "stopped", False),
        ("MedicationAdministration", "in-progress", True),
        ("MedicationAdministration", "on-hold", True),
        ("MedicationAdministration", "completed", False),
        ("MedicationAdministration", "stopped", False),
    ],
)
def test_without_an_end_the_status_says_whether_it_goes_on(
    kind: str, status: str, ongoing: bool
) -> None:
    course = medication(kind, status=status, effectivePeriod={"start": "2020-01-02"})
    assert reading(course) == (therapy("2020-01-02", None, ongoing), [])


def test_an_end_wins_over_the_status() -> None:
    assert reading(medication(status="active")) == (therapy("2019-06", "2023-08-15"), [])


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("MedicationStatement", "intended"),
        ("MedicationStatement", "not-taken"),
        ("MedicationStatement", "entered-in-error"),
        ("MedicationStatement", "in-progress"),
        ("MedicationAdministration", "not-done"),
        ("MedicationAdministration", "active"),
    ],
)
def test_other_statuses_of_medications(kind: str, status: str) -> None:
    record = read(medication(kind, status=status))
    assert (record.facts, codes(record)) == ((), ["not-usable"])


@pytest.mark.parametrize(
    ("url", "code", "expected", "problems"),
    [
        ("mcode-procedure-intent", "373846009", "adjuvant", []),
        ("mcode-procedure-intent", "373847000", "neoadjuvant", []),
        ("mcode-treatment-intent", "363676003", "palliative", []),
        ("mcode-procedure-intent", "373808002", "curative", []),
        ("mcode-procedure-intent", "399707004", None, ["unknown-code"]),
        ("mcode-termination-reason", "373846009", None, []),
    ],
)
def test_the_intent_of_a_course(url: str, code: str, expected: Any, problems: list[str]) -> None:
    extension = [{"url": MCODE + url, "valueCodeableConcept": concept(code)}]
    found = therapy("2019-06", "2023-08-15", intent=expected)
    assert reading(medication(extension=extension)) == (found, problems)


def test_a_single_date_is_a_whole_administration_and_the_start_of_a_statement() -> None:
    dated: Json = {"effectivePeriod": None, "effectiveDateTime": "2020-01-02"}
    given = medication("MedicationAdministration", **dated)
    assert reading(given) == (therapy("2020-01-02", "2020-01-02"), [])
    assert reading(medication(**dated)) == (therapy("2020-01-02", None), [])
    assert reading(medication(status="active", **dated)) == (
        therapy("2020-01-02", None, ongoing=True),
        [],
    )


def test_a_course_without_readable_start_is_undated() -> None:
    fact = only(read(medication(effectivePeriod={"end": "2020"})))
    assert (fact.date, fact.reading) == (None, therapy(None, "2020"))
    assert reading(medication(effectivePeriod=None)) == (therapy(None, None), ["undated"])
    _, problems = reading(medication(effectivePeriod={"start": "long ago"}))
    assert problems == ["undated", "unreadable-date"]


def test_an_end_that_makes_no_sense_is_unknown() -> None:
    for period in ({"start": "2020", "end": "soon"}, {"start": "2020", "end": "2019-12-31"}):
        ended = reading(medication(effectivePeriod=period))
        assert ended == (therapy("2020", None), ["unreadable-date"])
        found, problems = reading(medication(status="active", effectivePeriod=period))
        assert isinstance(found, Therapy)
        assert found.end is not None
        assert (found.end.first, found.end.last) == (date(2020, 1, 1), date.max)
        assert (found.ongoing, problems) == (False, ["unreadable-date"])


def test_a_reference_to_a_medication_is_reported() -> None:
    unread = medication(
        medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"}
    )
    record = read(unread)
    assert (record.facts, codes(record)) == ((), ["not-read"])


# List


def snapshot(**content: Any) -> Json:
    base = {"status": "current", "mode": "snapshot", "date": "2026-01-01"}
    return resource("List", **{**base, "code": concept("10160-0", LOINC), **content})


def test_a_current_snapshot_closes() -> None:
    fact = only(read(snapshot()))
    assert (fact.entry, fact.date, fact.reading) == (
        "medication_history",
        day("2026-01-01"),
        Closed(),
    )
    assert reading(snapshot(emptyReason=concept("nilknown"))) == (Closed(), [])


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


def test_other_scopes_errors_and_undated_consents_do_not_count() -> None:
    record = read(consent(scope=concept("treatment", SCOPE)))
    assert (record.facts, record.problems) == ((), ())
    assert record.ignored == (("Consent", 1), ("Patient", 1))
    assert codes(read(consent(status="entered-in-error"))) == ["not-usable"]
    assert codes(read(consent(dateTime=None))) == ["undated"]
