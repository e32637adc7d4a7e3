"""A row of an OMOP table as the FHIR resource that says the same.

A cell that cannot be read is handed on as it stands, so that the reader of the resource tells it.
Concepts of a row come with their vocabulary, code, name and class: `drug_concept_id.code`.
Source: docs/omop.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from protocol_logic.records.json_text import Object
from protocol_logic.records.omop.meanings import (
    COMPARATORS,
    DRUG_TYPES,
    FINDINGS,
    SEXES,
    SYSTEMS,
    UNSURE,
    VISITS,
)

_Row = Mapping[str, str | None]
_UCUM = SYSTEMS["UCUM"]
_TERMS = "http://terminology.hl7.org/CodeSystem/"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BARE = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?((?:[eE][+-]?[0-9]+)?)")
_MIDNIGHT = re.compile(r"00:00(?::00(?:\.0+)?)?(?:Z|[+-]00(?::?00)?)?")
NUMBER = "\0"
"""Stands before the text of a number until the JSON is written."""


def person(row: _Row) -> Object:
    """The Patient; its birth date as far as year, month and day are given."""
    found: Object = {"resourceType": "Patient"}
    sex = SEXES.get(row["gender_concept_id"] or "0")
    if sex is None and row["gender_source_value"] is not None:
        sex = row["gender_source_value"]
    if sex is not None:
        found["gender"] = sex
    born = _birth(row)
    if born is not None:
        found["birthDate"] = born
    return found


def _birth(row: _Row) -> str | None:
    """The first parts that are there; the timestamp, which may be made up, where none is."""
    year = row["year_of_birth"]
    if year is None:
        return _when(None, row["birth_datetime"])
    parts = [_whole(year).zfill(4)]
    for column in ("month_of_birth", "day_of_birth"):
        part = row[column]
        if part is None:
            break
        parts.append(_whole(part).zfill(2))
    return "-".join(parts)


def death(row: _Row) -> Object:
    """What the Patient says of it."""
    day = _when(row["death_date"], row["death_datetime"])
    return {"deceasedBoolean": True} if day is None else {"deceasedDateTime": day}


def condition(row: _Row) -> Object:
    """A Condition that began on the day, and abated where an end is given."""
    found: Object = {"resourceType": "Condition", "code": _code(row, "condition")}
    _day(found, "onsetDateTime", _edge(row, "condition_start"))
    _day(found, "abatementDateTime", _edge(row, "condition_end"))
    unsure = UNSURE.get(row["condition_status_concept_id"] or "")
    if unsure is not None:
        coding = {"system": f"{_TERMS}condition-ver-status", "code": unsure}
        found["verificationStatus"] = {"coding": [coding]}
    return found


def drug(row: _Row) -> Object:
    """What was taken or given, else what was handed out or only ordered."""
    kind = DRUG_TYPES.get(row["drug_type_concept_id"] or "", "MedicationRequest")
    start = _edge(row, "drug_exposure_start")
    found: Object = {"resourceType": kind, "medicationCodeableConcept": _code(row, "drug")}
    if kind == "MedicationRequest":
        found |= {"status": "unknown", "intent": "order"}
        _day(found, "authoredOn", start)
    elif kind == "MedicationDispense":
        found["status"] = "completed"
        _day(found, "whenHandedOver", start)
    else:
        found["status"] = "completed"
        end = _when(row["verbatim_end_date"], None) or _edge(row, "drug_exposure_end")
        found["effectivePeriod"] = _period(start, end)
    return found


def procedure(row: _Row) -> Object:
    """A Procedure that was done: on a day, or in a period where its end is another day."""
    found: Object = {"resourceType": "Procedure", "status": "completed"}
    found["code"] = _code(row, "procedure")
    start = _when(row["procedure_date"], row["procedure_datetime"])
    end = _edge(row, "procedure_end")
    if end is None or (start is not None and end[:10] == start[:10]):
        _day(found, "performedDateTime", start)
    else:
        found["performedPeriod"] = _period(start, end)
    return found


def visit(row: _Row) -> Object:
    """An Encounter; without an end it goes on."""
    end = _edge(row, "visit_end")
    found: Object = {
        "resourceType": "Encounter",
        "status": "in-progress" if end is None else "finished",
        "type": [_code(row, "visit")],
        "period": _period(_edge(row, "visit_start"), end),
    }
    kind = VISITS.get(row["visit_concept_id"] or "")
    if kind is not None:
        found["class"] = {"system": f"{_TERMS}v3-ActCode", "code": kind}
    return found


def measurement(row: _Row) -> Object:
    """An Observation with its value and limits of normal."""
    found = _observed(row, "measurement")
    value = _value(row, row["operator_concept_id"])
    found |= value
    limits = {end: row[f"range_{end}"] for end in ("low", "high")}
    band = {end: {"value": _number(limit)} for end, limit in limits.items() if limit is not None}
    if band:
        found["referenceRange"] = [band]
    return found


def observation(row: _Row) -> Object:
    """An Observation; a finding without a value says that it is so, and is a Condition."""
    value = _value(row, None)
    if not value and row["value_as_string"] is not None:
        value = {"valueString": row["value_as_string"]}
    of = "observation_concept_id"
    if not value and row[f"{of}.system"] == "SNOMED" and row[f"{of}.kind"] in FINDINGS:
        stated: Object = {"resourceType": "Condition", "code": _code(row, "observation")}
        _day(stated, "recordedDate", _when(row["observation_date"], row["observation_datetime"]))
        return stated
    return _observed(row, "observation") | value


def _observed(row: _Row, stem: str) -> Object:
    found: Object = {"resourceType": "Observation", "status": "final", "code": _code(row, stem)}
    _day(found, "effectiveDateTime", _when(row[f"{stem}_date"], row[f"{stem}_datetime"]))
    return found


def _value(row: _Row, operator: str | None) -> Object:
    """A number with its unit, else a concept, else the text of the source."""
    number = row["value_as_number"]
    if number is None:
        if _given(row["value_as_concept_id"]):
            return {"valueCodeableConcept": {"coding": [_coding(row, "value_as_concept_id")]}}
        text = row["value_source_value"]
        return {} if text is None else {"valueString": text}
    quantity: Object = {"value": _number(number), **_unit(row)}
    if operator is not None and _given(operator):
        comparator = COMPARATORS.get(operator, f"concept {operator}")
        if comparator is not None:
            quantity["comparator"] = comparator
    return {"valueQuantity": quantity}


def _unit(row: _Row) -> Object:
    """The code of the unit's concept; without one, the unit of the source as a code of UCUM."""
    if _given(row["unit_concept_id"]):
        coding = _coding(row, "unit_concept_id")
        return {"system": coding["system"], "code": coding["code"]}
    text = row["unit_source_value"]
    return {} if text is None else {"unit": text, "system": _UCUM, "code": text}


def _number(text: str) -> str:
    """A number as JSON writes it, digit for digit; what is none stays text."""
    bare = _BARE.fullmatch(text)
    if bare is not None and (bare[2] or bare[3] or text.strip("+-").startswith("0")):
        sign, whole, part, power = bare.groups()
        text = f"{'-' if sign == '-' else ''}{whole or '0'}{f'.{part}' if part else ''}{power}"
    return f"{NUMBER}{text}" if _NUMBER.fullmatch(text) else text


def _code(row: _Row, stem: str) -> Object:
    """The codings of the standard concept and of the concept of the source, and its text."""
    codings: list[Object] = []
    for column in (f"{stem}_concept_id", f"{stem}_source_concept_id"):
        if _given(row[column]):
            coding = _coding(row, column)
            if coding not in codings:
                codings.append(coding)
    text = row[f"{stem}_source_value"]
    said: Object = {"coding": codings} if codings else {}
    return said | ({"text": text} if text is not None else {})


def _coding(row: _Row, column: str) -> Object:
    vocabulary, code = row[f"{column}.system"], row[f"{column}.code"]
    if vocabulary is None or code is None:
        return {"system": "OMOP concept that is not in CONCEPT", "code": row[column]}
    found: Object = {"system": SYSTEMS.get(vocabulary, f"OMOP {vocabulary}"), "code": code}
    name = row[f"{column}.name"]
    return found | ({"display": name} if name is not None else {})


def _given(concept: str | None) -> bool:
    """Whether a column names a concept: 0 says that there is none."""
    return concept is not None and concept != "0"


def _whole(text: str) -> str:
    return re.sub(r"\.0*$", "", text)


def _edge(row: _Row, stem: str) -> str | None:
    return _when(row[f"{stem}_date"], row[f"{stem}_datetime"])


def _when(day: str | None, timestamp: str | None) -> str | None:
    """The day, with the time of a timestamp of the same day; midnight is no time that was told."""
    written = day if day is not None else timestamp
    if written is None:
        return None
    first, _, clock = written.replace("T", " ", 1).partition(" ")
    if day is not None and timestamp is not None:
        other, _, later = timestamp.replace("T", " ", 1).partition(" ")
        clock = later if other == first else clock
    return first if not clock or _MIDNIGHT.fullmatch(clock) else f"{first}T{clock}"


def _day(found: Object, path: str, day: str | None) -> None:
    if day is not None:
        found[path] = day


def _period(start: str | None, end: str | None) -> Object:
    return {k: v for k, v in (("start", start), ("end", end)) if v is not None}
