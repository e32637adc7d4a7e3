"""A document to the record of its patient: whose it is, what is ignored, what is withheld."""

import copy
import os
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from protocol_logic.foundation.problems import Problems
from protocol_logic.records.duplicates import PatientIds
from protocol_logic.records.facts import Account
from protocol_logic.records.fhir import read_record
from protocol_logic.records.json_text import Number
from protocol_logic.records.sources import Document, iter_documents
from tests.unit.records.build import (
    CODINGS,
    PATIENT,
    Json,
    bundle,
    codes,
    observation,
    quantity,
    read,
    read_content,
    resource,
)

CASES = Path(__file__).parents[4] / "shared" / "data" / "seed_cases" / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"no seed cases at {CASES}")


def weight(subject: Any, **content: Any) -> Json:
    return observation("29463-7", subject=subject, valueQuantity=quantity("62", "kg"), **content)


# whose record


def test_a_record_has_patient_source_and_index_date() -> None:
    record = read(timestamp="2026-11-02T23:59:00-05:00")
    assert (record.patient, record.source) == ("p", "file.json")
    assert record.index_date == date(2026, 11, 2)


@pytest.mark.parametrize(
    ("timestamp", "problems"),
    [(None, []), ("2026-11", ["unreadable-date"]), ("now", ["unreadable-date"])],
)
def test_no_index_date(timestamp: str | None, problems: list[str]) -> None:
    record = read(timestamp=timestamp)
    assert (record.index_date, codes(record)) == (None, problems)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"resourceType": "Bundle"}, "no-patient"),
        ({"resourceType": "Bundle", "entry": []}, "no-patient"),
        (bundle(patient={"resourceType": "Patient"}), "no-patient"),
        (bundle(patient={"resourceType": "Patient", "id": 5}), "no-patient"),
        (observation("29463-7"), "no-patient"),
        (bundle({"resourceType": "Patient", "id": "q"}), "two-patients"),
    ],
)
def test_without_one_patient_there_is_no_record(content: Json, problem: str) -> None:
    assert read_content(content) == (None, [problem])


def test_a_single_patient_is_a_record() -> None:
    record, _ = read_content({**PATIENT, "gender": "female"})
    assert record is not None
    assert [fact.recorded for fact in record.facts] == ["female"]


@pytest.mark.parametrize(
    "subject",
    [
        None,
        {"reference": "Patient/p"},
        {"reference": "Patient/p/_history/2"},
        {"reference": "http://host/Patient/p"},
        {"reference": "urn:uuid:p"},
        {"display": "Mrs P"},
        {"identifier": {"system": "http://ids.example.org", "value": "17"}},
    ],
)
def test_resources_about_the_patient_or_nobody_count(subject: Any) -> None:
    known = {**PATIENT, "identifier": [{"system": "http://ids.example.org", "value": "17"}]}
    record = read(weight(subject), patient=known)
    assert (len(record.facts), record.problems) == (1, ())


@pytest.mark.parametrize(
    "reference", ["Patient/q", "Group/p", "p", "urn:uuid:q", "#p", "http://host/Patient/q"]
)
def test_resources_about_somebody_else_are_left_out(reference: str) -> None:
    record = read(weight({"reference": reference}))
    assert (record.facts, codes(record)) == ((), ["foreign-subject"])


@pytest.mark.parametrize(
    "subject",
    [
        "Patient/p",
        [{"reference": "Patient/p"}],
        {"reference": ["Patient/p"]},
        {"reference": {}},
        {"identifier": {"system": "http://ids.example.org", "value": "17"}},
        {"identifier": "17"},
        7,
    ],
)
def test_resources_of_which_it_cannot_be_known_whose_they_are_are_left_out(subject: Any) -> None:
    record = read(weight(subject))
    assert (record.facts, codes(record)) == ((), ["foreign-subject"])


def test_a_full_url_decides_which_absolute_reference_is_the_patient() -> None:
    content = bundle(
        weight({"reference": "http://one/Patient/p"}), weight({"reference": "http://two/Patient/p"})
    )
    content["entry"][0]["fullUrl"] = "http://one/Patient/p"
    record, _ = read_content(content)
    assert record is not None
    assert (len(record.facts), codes(record)) == (1, ["foreign-subject"])


# what else is in a bundle


def test_other_resources_are_counted_by_type() -> None:
    record = read(
        {"resourceType": "Encounter"},
        {"resourceType": "Encounter"},
        observation("8480-6"),
        patient={**PATIENT, "gender": "male"},
    )
    assert record.accounting == (
        Account("Encounter", irrelevant=2),
        Account("Observation", irrelevant=1),
        Account("Patient", facts=1),
    )


@pytest.mark.parametrize(
    ("patient", "account"),
    [
        ({"gender": "unknown"}, Account("Patient", irrelevant=1)),
        ({"gender": "Female"}, Account("Patient", facts=1)),
        ({"gender": "unknown", "birthDate": "soon"}, Account("Patient", facts=1)),
        ({"gender": "unknown", "birthDate": "1960"}, Account("Patient", facts=1)),
    ],
)
def test_a_patient_is_accounted_for(patient: Json, account: Account) -> None:
    record = read(patient={"resourceType": "Patient", "id": "p", **patient})
    assert record.accounting == (account,)


def test_resources_with_codes_that_cannot_be_known_are_told_once_for_each_code() -> None:
    record = read(
        observation("5089AAAAAAAA"),
        observation("5089AAAAAAAA"),
        observation("254837009", "http://loinc.org"),
        observation("17", "http://here.example.org"),
        resource("Observation", code={"coding": [{"code": "718-7"}]}),
        resource("Observation", code={"text": "hemoglobin"}),
        resource("Observation"),
    )
    assert [(p.code, p.message) for p in record.problems] == [
        ("unmapped-code", "`254837009` is no code of LOINC; it looks like a code of SNOMED CT"),
        ("unmapped-code", "`5089AAAAAAAA` is no code of LOINC; also 1 more of Observation"),
        ("unmapped-code", "code `718-7` has no system"),
        (
            "unmapped-code",
            "code system `http://here.example.org` of code `17` is not known here",
        ),
        ("unmapped-code", "it has no code"),
        ("unmapped-code", "it has no code, only the text `hemoglobin`"),
    ]
    assert record.facts == ()
    assert record.accounting[0] == Account("Observation", problems=7)


@pytest.mark.parametrize("code", ["hgb\u200b", " ", "hgb ", "h\tg\tb\u202e", "6.7811E+13"])
def test_codes_that_have_not_the_form_of_a_code_are_told_whatever_the_system(code: str) -> None:
    for system in ("http://terminology.hl7.org/CodeSystem/x", "http://hl7.org/fhir/sid/ndc"):
        [problem] = read(observation(code, system)).problems
        assert problem.code == "unmapped-code"
        assert problem.message.endswith("` has not the form of a code")
    assert not read(observation("hgb high\\low", "http://hl7.org/fhir/sid/ndc")).problems


def test_contained_resources_and_entries_without_one_are_accounted_for() -> None:
    container = observation("718-7", valueQuantity={"value": 90, "code": "g/L"})
    container["contained"] = [
        {"resourceType": "Specimen", "id": "s"},
        observation("718-7"),
        {"resourceType": "Patient", "id": "q"},
        "nonsense",
    ]
    content = bundle(container)
    content["entry"].append({"resource": None})
    record, _ = read_content(content)
    assert record is not None
    assert sorted(codes(record)) == ["no-resource", "no-resource", "not-read", "unreadable-value"]
    assert record.accounting == (
        Account("(none)", problems=2),
        Account("Observation", facts=1, problems=1),
        Account("Patient", irrelevant=2),
        Account("Specimen", irrelevant=1),
    )


def test_entries_without_a_resource_are_problems() -> None:
    content = bundle()
    content["entry"] += [{}, 5, {"resource": {"id": "x"}}, {"resource": bundle()}]
    record, _ = read_content(content)
    assert record is not None
    assert codes(record) == ["no-resource"] * 4


def test_a_resource_without_id_is_named_by_its_place() -> None:
    record = read({**weight(None), "id": None})
    assert record.facts[0].resource == "Observation/#2"


def test_text_of_the_record_is_escaped_in_messages_and_kept_in_facts() -> None:
    hostile = "\u202e\x1b[31m`kg`\n"
    record = read({**weight(None), "id": hostile, "status": hostile})
    problem = record.problems[0]
    assert "\\u202e\\x1b[31m`kg`\\n" in problem.message
    assert problem.resource == f"Observation/{hostile}"


def test_the_order_of_a_bundle_means_nothing() -> None:
    resources = [{**weight(None), "id": str(n)} for n in range(5)]
    resources += [{**weight(None, status="unknown"), "id": str(n)} for n in range(5, 9)]
    assert read(*resources) == read(*reversed(resources))


# duplicates


def test_an_id_in_two_documents_is_withheld() -> None:
    ids = PatientIds()
    for patient, source in (("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("c", "4")):
        ids.add(patient, f"{source}.json")
    assert [patient for patient in "abcd" if patient in ids] == ["a", "c"]
    one, other = ids.problems()
    assert (one.code, one.file) == ("duplicate-patient", "1.json")
    assert one.message == "patient `a` stands in 2 bundles, also in `3.json`"
    assert (other.file, other.message) == ("4.json", "patient `c` stands in 2 bundles of this file")


# the seed cases


def cases() -> list[Document]:
    problems = Problems()
    found = list(iter_documents([CASES], problems))
    assert problems.items == []
    return found


@needs_cases
def test_every_seed_case_is_read_completely() -> None:
    problems = Problems()
    records = [read_record(document, CODINGS, problems) for document in cases()]
    assert problems.items == []
    assert len(records) == 20
    reported = []
    total = 0
    for record in records:
        assert record is not None
        assert record.index_date == date(2026, 11, 2)
        reported += [(problem.resource, problem.code) for problem in record.problems]
        total += sum(account.total for account in record.accounting)
    # The second is an observation with a dataAbsentReason.
    assert [code for _, code in reported] == ["not-usable", "not-usable"]
    assert ("Observation/D13-plt-b", "not-usable") in reported
    assert total == sum(len(document.content["entry"]) for document in cases())


def parts(value: object) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value: a container and a key or index of it."""
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else items:
        yield value, key
        yield from parts(inner)


JUNK: list[Any] = [
    *(None, True, False, "", "x", "\u202e", [], {}, [[]], [None, 1]),
    *(Number("1e400"), Number("-3"), Number("0"), Number("9" * 400)),
    *({"coding": [{"code": 1}]}, {"coding": "x"}, {"value": Number("1"), "code": "g/L"}),
    *("2021", "2021-02-30", "9999-12-31", {"start": "2020", "end": "2019"}, {"start": "0000"}),
]


@needs_cases
def test_no_malformed_record_ends_in_a_traceback() -> None:
    chance = random.Random(20261102)
    documents = cases()
    for _ in range(600 if "MANY" in os.environ else 200):
        content = copy.deepcopy(chance.choice(documents).content)
        for _ in range(chance.randint(1, 4)):
            container, key = chance.choice(list(parts(content)))
            container[key] = copy.deepcopy(chance.choice(JUNK))
        content["resourceType"] = "Bundle"
        problems = Problems()
        record = read_record(Document("mutant.json", content), CODINGS, problems)
        assert (record is None) == problems.has_errors
