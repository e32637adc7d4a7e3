"""Bundles made rough: the forms of real records that the seed's worked cases do not have.

`roughened(rng, bundle)` turns some dates into instants and periods, drops some, lets conditions
abate, orders medications, moves results into components and codes into Medications. The same rng
state and bundle give the same result.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from tests.differential.bundles import json_copy
from tests.differential.seed_oracle_draft import CHEMO, ENDOCRINE, GNRH, Json, concept

SHARE = 0.12
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
_SEVERITIES = [
    *(("http://snomed.info/sct", code) for code in ("255604002", "6736007", "24484000")),
    *((NCIT, code) for code in ("C41338", "C41339", "C41340", "C41337")),
]
_TIMES = ("T08:15:00Z", "T17:40:00Z", "T17:40:00.5Z", "T08:15:00+02:00")


def roughened(rng: random.Random, bundle: Json) -> Json:
    """A copy of the bundle, some of whose resources are changed, and some orders beside them."""
    rough = json_copy(bundle)
    resources = [entry["resource"] for entry in rough["entry"]]
    for resource in resources:
        if rng.random() < SHARE:
            _CHANGES.get(resource["resourceType"], _nothing)(rng, resource)
        for band in resource.get("referenceRange", []):
            if rng.random() < 0.5:
                high = band["high"]
                value = high["value"] * Decimal(rng.choice(["0.3", "0.4", "0.5", "1"]))
                band["low"] = {**high, "value": value}
    for number in range(rng.choice([0, 0, 0, 1, 2])):
        rough["entry"].append({"resource": _order(rng, number, bundle)})
    for number in range(rng.choice([0, 0, 1, 2])):
        rough["entry"].append({"resource": _allergy(rng, number, bundle)})
    return rough


def _nothing(rng: random.Random, resource: Json) -> None:
    pass


def _observation(rng: random.Random, resource: Json) -> None:
    how = rng.choice(["time", "time", "instant", "period", "component", "doubt"])
    when = resource.get("effectiveDateTime")
    if how == "doubt":
        resource["modifierExtension"] = [{"url": "http://test.example.org", "valueBoolean": True}]
    if not isinstance(when, str) or len(when) != 10:
        return
    if how == "time":
        resource["effectiveDateTime"] = when + rng.choice(_TIMES)
    elif how == "instant":
        resource["effectiveInstant"] = resource.pop("effectiveDateTime") + rng.choice(_TIMES)
    elif how == "period":
        _as_period(rng, resource, "effective")
    elif how == "component" and "component" not in resource:
        moved = {k: v for k, v in resource.items() if k.startswith("value") or k == "code"}
        moved |= {k: resource.pop(k) for k in ("referenceRange",) if k in resource}
        for key in moved:
            resource.pop(key, None)
        resource["code"] = concept(("http://loinc.org", "58410-2"))
        resource["component"] = [moved]


def _as_period(rng: random.Random, resource: Json, stem: str) -> None:
    day = date.fromisoformat(resource.pop(f"{stem}DateTime"))
    first, last = (day + timedelta(days=d) for d in (-rng.choice([0, 0, 3]), rng.choice([0, 2, 9])))
    period = {"start": first.isoformat(), "end": last.isoformat()}
    if rng.random() < 0.2:
        del period[rng.choice(["start", "end"])]
    resource[f"{stem}Period"] = period


def _condition(rng: random.Random, resource: Json) -> None:
    if rng.random() < 0.6:
        resource["severity"] = concept(*rng.sample(_SEVERITIES, k=rng.choice([1, 1, 1, 2])))
    how = rng.choice(["undated", "onset", "abated", "abated", "age", "none"])
    day = date.fromisoformat(resource.get("recordedDate", "2026-01-01")[:10])
    if how == "undated":
        resource.pop("recordedDate", None)
    elif how == "onset":
        resource.setdefault("onsetDateTime", day.isoformat()[: rng.choice([4, 7, 10])])
        resource.pop("recordedDate", None)
    elif how == "abated":
        end = day + timedelta(days=rng.choice([-40, 0, 20, 200, 900]))
        resource["abatementDateTime"] = end.isoformat()[: rng.choice([4, 7, 10, 10])]
    elif how == "age":
        resource.pop("onsetDateTime", None)
        code = {"system": "http://unitsofmeasure.org", "code": "a"}
        resource["onsetAge"] = {"value": rng.choice([30, 45, 50]), **code}


def _procedure(rng: random.Random, resource: Json) -> None:
    if len(resource.get("performedDateTime", "")) == 10 and rng.random() < 0.7:
        _as_period(rng, resource, "performed")
    else:
        resource.pop("performedDateTime", None)


def _medication(rng: random.Random, resource: Json) -> None:
    code = resource.pop("medicationCodeableConcept", None)
    if code is not None:
        resource["contained"] = [{"resourceType": "Medication", "id": "m", "code": code}]
        target = "#m" if rng.random() < 0.9 else "Medication/elsewhere"
        resource["medicationReference"] = {"reference": target}


def _order(rng: random.Random, number: int, bundle: Json) -> Json:
    patient = next(
        e["resource"]["id"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"
    )
    order: Json = {
        "resourceType": "MedicationRequest",
        "id": f"order-{number}",
        "status": rng.choice(["active", "active", "stopped", "completed", "cancelled", "draft"]),
        "intent": rng.choice(["order", "order", "original-order", "plan"]),
        "subject": {"reference": f"Patient/{patient}"},
        "medicationCodeableConcept": concept((RXNORM, rng.choice([*GNRH, *CHEMO, *ENDOCRINE]))),
        "authoredOn": (
            date(2026, 11, 2) - timedelta(days=rng.choice([-1, 0, 30, 900]))
        ).isoformat(),
    }
    if rng.random() < 0.1:
        del order["authoredOn"]
    return order


def _allergy(rng: random.Random, number: int, bundle: Json) -> Json:
    patient = next(
        e["resource"]["id"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"
    )
    hl7 = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
    drugs = [(RXNORM, code) for code in (*CHEMO, *GNRH, "996051", "2555")]
    none = ("http://snomed.info/sct", "716186003")
    statuses = ["confirmed", "confirmed", "unconfirmed", "refuted", "entered-in-error"]
    day = date(2026, 11, 2) - timedelta(days=rng.choice([-1, 0, 30, 30, 900]))
    allergy: Json = {
        "resourceType": "AllergyIntolerance",
        "id": f"allergy-{number}",
        "patient": {"reference": f"Patient/{patient}"},
        "code": concept(rng.choice([*drugs, none, none])),
        "clinicalStatus": concept((f"{hl7}clinical", rng.choice(["active", "active", "resolved"]))),
        "verificationStatus": concept((f"{hl7}verification", rng.choice(statuses))),
        "recordedDate": day.isoformat()[: rng.choice([7, 10, 10])],
    }
    if rng.random() < 0.3:
        allergy["type"] = rng.choice(["allergy", "intolerance"])
    return allergy


_CHANGES = {
    "Observation": _observation,
    "Condition": _condition,
    "Procedure": _procedure,
    "MedicationStatement": _medication,
    "MedicationAdministration": _medication,
}
