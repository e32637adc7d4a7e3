"""Small resources and the record that is read from them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problems
from protocol_logic.records.codings import Codings
from protocol_logic.records.facts import Fact, PatientRecord, Reading
from protocol_logic.records.fhir import read_record
from protocol_logic.records.json_text import Number
from protocol_logic.records.sources import Document
from tests.unit.records.vocabulary import LOINC, RXNORM, SNOMED, VOCABULARY

Json = dict[str, Any]

CODINGS = Codings.of(VOCABULARY)
UCUM = "http://unitsofmeasure.org"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
PATIENT: Json = {"resourceType": "Patient", "id": "p"}


def concept(code: str, system: str = SNOMED, **more: str) -> Json:
    return {"coding": [{"system": system, "code": code, **more}]}


def quantity(value: str, code: str | None = None, **more: Any) -> Json:
    unit = {} if code is None else {"code": code, "system": UCUM}
    return {"value": Number(value), **unit, **more}


def resource(kind: str, **content: Any) -> Json:
    return {"resourceType": kind, "id": "x", **content}


def observation(code: str, system: str = LOINC, **content: Any) -> Json:
    return resource(
        "Observation",
        **{
            "status": "final",
            "code": concept(code, system),
            "effectiveDateTime": "2026-01-05",
            **content,
        },
    )


def condition(verification: str | None, clinical: str | None, **content: Any) -> Json:
    statuses: Json = {}
    if verification is not None:
        statuses["verificationStatus"] = concept(verification, VERIFICATION)
    if clinical is not None:
        statuses["clinicalStatus"] = concept(clinical, CLINICAL)
    return resource(
        "Condition",
        **{"code": concept("254837009"), "recordedDate": "2020-01-01", **statuses, **content},
    )


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


def bundle(*resources: Json, patient: Json = PATIENT, **content: Any) -> Json:
    entry = [{"resource": each} for each in (patient, *resources)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entry, **content}


def read_content(content: Json) -> tuple[PatientRecord | None, list[str]]:
    """The record of a document, and the codes of the problems that withhold it."""
    problems = Problems()
    record = read_record(Document("file.json", content), CODINGS, problems)
    return record, [problem.code for problem in problems.sorted()]


def read(*resources: Json, patient: Json = PATIENT, **content: Any) -> PatientRecord:
    """The record of a bundle with the patient and these resources."""
    record, problems = read_content(bundle(*resources, patient=patient, **content))
    assert record is not None
    assert problems == []
    return record


def only(record: PatientRecord) -> Fact:
    """The only fact of a record."""
    (fact,) = record.facts
    return fact


def reading(*resources: Json) -> tuple[Reading, list[str]]:
    """What the only fact of these resources says, and the codes of their problems."""
    record = read(*resources)
    return only(record).reading, codes(record)


def codes(record: PatientRecord) -> list[str]:
    return [problem.code for problem in record.problems]


def day(text: str) -> PartialDate:
    return PartialDate.parse(text)


def point(value: str) -> Interval:
    return Interval.point(Fraction(value))
