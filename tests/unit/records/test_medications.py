"""Medications, taken and ordered: seed_cases/README.md, section 5."""

from datetime import date
from typing import Any

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.records.facts import Account, Ordered, Therapy
from tests.unit.records.build import (
    MCODE,
    Json,
    codes,
    concept,
    day,
    medication,
    only,
    read,
    reading,
    resource,
)
from tests.unit.records.vocabulary import RXNORM


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


def test_what_goes_on_though_it_ended_may_have_ended_on_any_day_since() -> None:
    found, problems = reading(medication(status="active"))
    assert isinstance(found, Therapy) and found.end is not None
    assert (found.end.first, found.end.last) == (date(2023, 8, 15), date.max)
    assert (found.end.text, found.ongoing, problems) == ("2023-08-15", False, ["conflict"])


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


@pytest.mark.parametrize("product", [concept("19711", RXNORM, display="a product"), None])
def test_a_medication_counts_as_what_it_holds(product: Json | None) -> None:
    course = by_reference({"reference": "Medication/m"})
    active: Json = {"itemCodeableConcept": concept("72965", RXNORM, display="letrozole")}
    holding = {**LETROZOLE, "code": product, "ingredient": [{"itemReference": {}}, active]}
    record = read(course, holding)
    assert (only(record).entry, codes(record)) == ("endocrine_therapy", [])
    assert Account("Medication", facts=1) in record.accounting
    idle = {**holding, "ingredient": [{**active, "isActive": False}]}
    assert read(course, idle).facts == ()
    other = {**LETROZOLE, "id": "n"}
    named = {**holding, "ingredient": [{"itemReference": {"reference": "Medication/n"}}]}
    assert only(read(course, named, other)).entry == "endocrine_therapy"


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
    for kind in ("MedicationRequest", "MedicationDispense"):
        unknown = read({**order(status="unknown"), "resourceType": kind})
        assert only(unknown).reading == Ordered()
    undated = read(order(authoredOn=None))
    assert only(undated).date == PartialDate.between(None, None)
    assert codes(undated) == ["undated"]
