"""A drawn patient as a FHIR R4 Bundle, one line of NDJSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeAlias

from .drawn import (
    INTENTS,
    SIDES,
    UNREADABLE,
    Answer,
    Bound,
    Course,
    Drawn,
    Listed,
    Noise,
    Operation,
    Order,
    Patient,
    Person,
    Result,
    Signed,
    Sized,
    Stated,
    type_of,
)

_Json: TypeAlias = dict[str, Any]
_SNOMED = "http://snomed.info/sct"
_UCUM = "http://unitsofmeasure.org"
_MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
_TERMS = "http://terminology.hl7.org/CodeSystem/"
_SEXES = {"female": "248152002", "male": "248153007"}
_BESIDE = "76752008"
"""A site that is none of those that have a rule of their own: a breast."""
_NUMBER = re.compile(r'"\\u0000([^"]*)"')


def bundle_of(patient: Patient, as_of: date) -> bytes:
    """The line, with its end. Numbers stand in it digit for digit."""
    subject = {"reference": f"Patient/{patient.id}"}
    resources = [_person(patient.id, patient.person)]
    for number, drawn in enumerate(patient.drawn):
        head = {"resourceType": type_of(drawn), "id": f"{patient.id}-{number}"}
        who = "patient" if head["resourceType"] in ("AllergyIntolerance", "Consent") else "subject"
        resources.append(head | {who: subject} | resource_of(drawn))
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": f"{as_of.isoformat()}T00:00:00Z",
        "entry": [{"resource": resource} for resource in resources],
    }
    text = json.dumps(bundle, separators=(",", ":"))
    return _NUMBER.sub(r"\1", text).encode("ascii") + b"\n"


def _number(text: str) -> str:
    """Stands for a number until the text is made, since JSON of Python has no decimals."""
    return f"\0{text}"


def _coded(*keys: tuple[str, str]) -> _Json:
    return {"coding": [{"system": system, "code": code} for system, code in keys]}


def _person(identity: str, person: Person) -> _Json:
    said = {"gender": person.gender, "birthDate": person.birth}
    return {"resourceType": "Patient", "id": identity} | {k: v for k, v in said.items() if v}


def _quantity(number: str, unit: str, sign: str = "") -> _Json:
    value = {"value": _number(number), "unit": unit, "system": _UCUM, "code": unit}
    return value | ({"comparator": sign} if sign else {})


def resource_of(drawn: Drawn) -> _Json:
    """What a resource says of itself, without its type, its id and its patient."""
    match drawn:
        case Result(code=code, day=day, number=number, unit=unit, sign=sign, bounds=bounds):
            value: _Json = {"valueString": UNREADABLE}
            if number is not None:
                value = {"valueQuantity": _quantity(number, unit, sign)}
            if bounds:
                value["referenceRange"] = [_range(bound, unit) for bound in bounds]
            return _observation(code.key, day) | value
        case Answer(code=code, day=day, values=values):
            if not values:
                return _observation(code.key, day) | {"valueString": UNREADABLE}
            answers = _coded(*(key for key, _ in values))
            return _observation(code.key, day) | {"valueCodeableConcept": answers}
        case Noise(code=key, day=day, number=number):
            return _observation(key, day) | {"valueQuantity": _quantity(number, "1")}
        case Sized():
            return _sized(drawn)
        case Stated():
            return _stated(drawn)
        case Course():
            return _course(drawn)
        case Order(code=key, day=day):
            return {
                "status": "active",
                "intent": "order",
                "medicationCodeableConcept": _coded(key),
                "authoredOn": day,
            }
        case Operation(code=key, day=day, side=side):
            said: _Json = {"status": "completed", "code": _coded(key)}
            if day is not None:
                said["performedDateTime"] = day
            if side is not None:
                laterality = _coded((_SNOMED, SIDES[side]))
                url = f"{_MCODE}mcode-laterality-qualifier"
                site = {"extension": [{"url": url, "valueCodeableConcept": laterality}]}
                said["bodySite"] = [site]
            return said
        case Listed(code=code, day=day):
            return {
                "status": "current",
                "mode": "snapshot",
                "code": _coded(code.key),
                "date": day,
            }
        case Signed(entry=entry, day=day, status=status):
            return {"status": status, "scope": _coded(entry.scope.key), "dateTime": day}


def _observation(key: tuple[str, str], day: str) -> _Json:
    return {"status": "final", "code": _coded(key), "effectiveDateTime": day}


def _range(bound: Bound, unit: str) -> _Json:
    said: _Json = {"high" if bound.end == "ULN" else "low": _quantity(bound.number, unit)}
    if bound.sex is not None:
        said["appliesTo"] = [_coded((_SNOMED, _SEXES[bound.sex]))]
    return said


def _sized(sized: Sized) -> _Json:
    entry = sized.entry
    components = []
    for axis, size in sized.sizes:
        value: _Json = {"valueString": UNREADABLE}
        if size is not None:
            value = {"valueQuantity": _quantity(size, entry.unit)}
        components.append({"code": _coded(entry.axes[axis][0].key)} | value)
    said = _observation(entry.codes[0].key, sized.day) | {"component": components}
    if sized.site == "other":
        said["bodySite"] = _coded((_SNOMED, _BESIDE))
    elif sized.site is not None:
        said["bodySite"] = _coded(entry.sites[sized.site][0].key)
    return said


def _stated(stated: Stated) -> _Json:
    kind = "condition" if type_of(stated) == "Condition" else "allergyintolerance"
    of = "condition-ver-status" if kind == "condition" else f"{kind}-verification"
    said: _Json = {
        "clinicalStatus": _coded((f"{_TERMS}{kind}-clinical", stated.clinical)),
        "verificationStatus": _coded((f"{_TERMS}{of}", stated.verification)),
        "code": _coded(stated.code),
        "onsetDateTime": stated.onset,
        "recordedDate": stated.recorded,
    }
    if stated.evidence is not None:
        said["evidence"] = [{"code": [_coded(stated.evidence[1])]}]
    return said | _qualifying(dict(stated.said))


def _qualifying(said: Mapping[str, tuple[str, str]]) -> _Json:
    found: _Json = {}
    for of, key in said.items():
        if of == "stage":
            found["stage"] = [{"summary": _coded(key)}]
        elif of == "site":
            found["bodySite"] = [_coded(key)]
        else:
            found[of] = _coded(key)
    return found


def _course(course: Course) -> _Json:
    period = {"start": course.start, "end": course.end}
    said: _Json = {
        "status": course.status,
        "medicationCodeableConcept": _coded(course.code),
        "effectivePeriod": {key: day for key, day in period.items() if day is not None},
    }
    if course.intent is not None:
        intent = _coded((_SNOMED, INTENTS[course.intent]))
        url = f"{_MCODE}mcode-treatment-intent"
        said["extension"] = [{"url": url, "valueCodeableConcept": intent}]
    return said
