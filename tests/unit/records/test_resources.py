"""Patient, Condition, Procedure, medications, List, Consent: seed_cases/README.md, section 5."""

from datetime import date
from typing import Any

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.records.facts import (
    Account,
    Born,
    Closed,
    ConditionStated,
    Done,
    Ordered,
    Stated,
    Therapy,
)
from tests.unit.records.build import (
    PATIENT,
    Json,
    codes,
    concept,
    observation,
    only,
    quantity,
    read,
    reading,
    resource,
)
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
    period = {"start": "2021-03-01T08:00:00Z", "end": "2021-03-01T09:00:00Z"}
    fact = only(read(procedure(BOTH, performedDateTime=None, performedPeriod=period)))
    assert (fact.date, fact.reading) == (day("2021-03-01"), Done("both"))
    record = read(procedure(BOTH, performedDateTime=None, performedString="in spring"))
    assert codes(record) == ["undated"]
    assert only(record).date == PartialDate.between(None, None)
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
    period = {"start": "2020", "end": "soon"}
    ended = reading(medication(effectivePeriod=period))
    assert ended == (therapy("2020", None), ["unreadable-date"])
    found, problems = reading(medication(status="active", effectivePeriod=period))
    assert isinstance(found, Therapy)
    assert found.end is not None
    assert (found.end.first, found.end.last) == (date(2020, 1, 1), date.max)
    assert (found.ongoing, problems) == (False, ["unreadable-date"])


def test_of_an_end_before_the_start_neither_is_known() -> None:
    period = {"start": "2020", "end": "2019-12-31"}
    ended = reading(medication(effectivePeriod=period))
    assert ended == (Therapy(None, None, False, None), ["undated", "unreadable-date"])
    found, problems = reading(medication(status="active", effectivePeriod=period))
    assert isinstance(found, Therapy) and found.end is not None
    assert (found.start, found.ongoing) == (None, False)
    assert (found.end.first, found.end.last) == (date.min, date.max)
    assert problems == ["undated", "unreadable-date"]


LETROZOLE = {
    "resourceType": "Medication",
    "id": "m",
    "code": concept("72965", RXNORM, display="letrozole"),
}


def by_reference(reference: object, **content: Any) -> Json:
    return medication(medicationCodeableConcept=None, medicationReference=reference, **content)


@pytest.mark.parametrize(
    ("target", "contained", "beside"),
    [
        ("Medication/m", False, True),
        ("Medication/m/_history/2", False, True),
        ("#m", True, False),
        ("#m", False, True),
        ("Medication/m", True, False),
        ("Medication/other", False, True),
        (None, False, True),
    ],
)
def test_a_reference_to_a_medication_is_followed(
    target: str | None, contained: bool, beside: bool
) -> None:
    course = by_reference({"reference": target} if target else {"display": "letrozole"})
    if contained:
        course["contained"] = [LETROZOLE]
    record = read(course, *([LETROZOLE] if beside else []))
    found = (target == "#m") == contained and target in (
        "#m",
        "Medication/m",
        "Medication/m/_history/2",
    )
    if found:
        assert (only(record).entry, only(record).recorded.split(",")[0]) == (
            "endocrine_therapy",
            "letrozole",
        )
        assert codes(record) == []
        assert Account("Medication", facts=1) in record.accounting
    else:
        assert record.facts == ()
        assert set(codes(record)) == {"not-read"}


def test_the_code_of_a_medication_that_is_referred_to_counts_as_its_own() -> None:
    course = by_reference({"reference": "Medication/m"})
    other = {**LETROZOLE, "code": concept("5640", RXNORM, display="ibuprofen")}
    record = read(course, other)
    assert (record.facts, record.problems) == ((), ())
    assert Account("MedicationStatement", irrelevant=1) in record.accounting
    record = read(course, {**LETROZOLE, "code": {"text": "Taxol"}})
    assert [p.message for p in record.problems] == ["it has no code, only the text `Taxol`"]
    assert Account("MedicationStatement", problems=1) in record.accounting


def test_a_reference_to_one_of_two_medications_is_not_followed() -> None:
    other = {**LETROZOLE, "code": concept("56946", RXNORM, display="paclitaxel")}
    course = by_reference({"reference": "Medication/m"})
    assert len(read(course, LETROZOLE, LETROZOLE).facts) == 1
    record = read(course, LETROZOLE, other)
    assert (record.facts, set(codes(record))) == ((), {"not-read"})


def order(**content: Any) -> Json:
    return resource(
        "MedicationRequest",
        **{
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": concept("72965", RXNORM, display="letrozole"),
            "authoredOn": "2024-05-01",
            **content,
        },
    )


def test_an_order_says_that_a_medication_may_have_been_taken() -> None:
    fact = only(read(order()))
    assert (fact.entry, fact.date, fact.reading) == (
        "endocrine_therapy",
        day("2024-05-01"),
        Ordered(),
    )
    for content in (
        {"status": "cancelled"},
        {"intent": "plan"},
        {"intent": None},
        {"doNotPerform": True},
    ):
        record = read(order(**content))
        assert (record.facts, codes(record)) == ((), ["not-usable"])
    undated = read(order(authoredOn=None))
    assert only(undated).date == PartialDate.between(None, None)
    assert codes(undated) == ["undated"]


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
    assert [fact.reading for fact in read(snapshot(), other).facts] == [Closed()]


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
