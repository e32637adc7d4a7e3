"""What FHIR records hold of the seed protocol's elements, counted by a plain script.

    python tests/differential/plain_census.py FILE_OR_FOLDER...

For each element: how many facts, patients with any fact, and patients with a usable one (readable,
and not surely after the as-of date). And how many resources of each type. Written from
docs/records.md, docs/semantics.md, the knowledge base (codes and units copied by hand) and the
README of the seed cases; it shares nothing with the program that it checks.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

AS_OF = date(2026, 1, 1)

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
AJCC = "http://cancerstaging.org"
LOCAL = "http://eligibility.example.org/fhir/CodeSystem/local"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
UCUM = "http://unitsofmeasure.org"


def _under(system: str, codes: str) -> set[tuple[str, str]]:
    return {(system, code) for code in codes.split()}


CELLS = {"10*9/L": "1", "10*3/uL": "1", "/uL": "0.001", "{cells}/uL": "0.001"}
# codes; factor of each unit; plausible from, to (in the unit of factor 1)
QUANTITIES: dict[str, tuple[set[tuple[str, str]], dict[str, str], str, str]] = {
    "hemoglobin": (
        _under(LOINC, "718-7 59260-0"),
        {"g/L": "1", "g/dL": "10", "mmol/L": "16.114"},
        "5",
        "300",
    ),
    "neutrophils": (_under(LOINC, "751-8 26499-4 753-4"), CELLS, "0", "1000"),
    "platelets": (_under(LOINC, "777-3 26515-7"), CELLS, "0", "10000"),
    "bilirubin": (
        _under(LOINC, "1975-2 14631-6"),
        {"umol/L": "1", "mg/dL": "17.104"},
        "0",
        "2000",
    ),
    "alt": (_under(LOINC, "1742-6 1743-4"), {"U/L": "1"}, "0", "50000"),
    "ast": (_under(LOINC, "1920-8 30239-8"), {"U/L": "1"}, "0", "50000"),
    "creatinine": (
        _under(LOINC, "2160-0 14682-9"),
        {"mg/dL": "1", "umol/L": "1/88.4", "mmol/L": "1/0.0884", "g/L": "100", "mg/L": "0.1"},
        "0.02",
        "50",
    ),
    "body_weight": (
        _under(LOINC, "29463-7"),
        {"kg": "1", "g": "0.001", "[lb_av]": "0.45359237"},
        "0.2",
        "700",
    ),
    "reported_clearance": (_under(LOINC, "35591-7"), {"mL/min": "1"}, "0", "500"),
    "ecog": (_under(LOINC, "89247-1"), {"1": "1"}, "0", "5"),
    "life_expectancy": (
        _under(LOCAL, "life-expectancy life-expectancy-ge-12wk"),
        {"d": "1", "wk": "7", "mo": "30.4375", "a": "365.25"},
        "-1e50",
        "1e50",
    ),
    "lesion_count": (_under(LOCAL, "recist-measurable-lesion-count"), {"1": "1"}, "-1e50", "1e50"),
}
ECOG_ANSWERS = _under(LOINC, "LA9622-7 LA9623-5 LA9624-3 LA9625-0 LA9626-8 LA9627-6")

POSITIVE = _under(SNOMED, "10828004")
NEGATIVE = _under(SNOMED, "260385009")
RECEPTOR = POSITIVE | NEGATIVE | _under(LOINC, "LA6576-8 LA6577-6")
EQUIVOCAL = _under(SNOMED, "42425007")
STATUSES: dict[str, tuple[set[tuple[str, str]], set[tuple[str, str]]]] = {
    "er": (_under(LOINC, "85337-4 85329-1"), RECEPTOR),
    "pr": (_under(LOINC, "85339-0 85325-9"), RECEPTOR),
    "her2_ihc": (
        _under(LOINC, "85319-2"),
        POSITIVE | NEGATIVE | EQUIVOCAL | _under(SNOMED, "260347006 260348001 260349009"),
    ),
    "her2_fish": (_under(LOINC, "85318-4"), POSITIVE | NEGATIVE | EQUIVOCAL),
    "her2_interpretation": (_under(LOINC, "48676-1"), POSITIVE | NEGATIVE | EQUIVOCAL),
    "stage": (
        _under(LOINC, "21908-9 21902-2"),
        _under(AJCC, "0 1 1A 1B 2A 2B 2C 3 3A 3B 3C 4 4A 4B"),
    ),
    "distant_metastasis_site": (
        _under(LOINC, "44667-4"),
        _under(SNOMED, "260413007 10200004 39607008 272673000 12738006"),
    ),
    "m_category": (
        _under(LOINC, "21907-1 21901-4"),
        _under(SNOMED, "1229901006 1229903009 1229916009") | _under(AJCC, "cM0 cM1 pM1"),
    ),
    "menopausal_status": (
        _under(SNOMED, "161712005"),
        _under(SNOMED, "309606002 22636003 161541000119104 307429007 76498008"),
    ),
    "disease_trend": (_under(LOINC, "97509-4"), _under(SNOMED, "271299001 359746009 268910001")),
}
PERCENT = {"er", "pr"}

CONDITIONS = {
    "breast_cancer": _under(SNOMED, "254837009") | _under(ICD10, "C50.919"),
    "metastasis": _under(SNOMED, "128462008"),
    "liver_metastasis": _under(SNOMED, "94381002") | _under(ICD10, "C78.7"),
    "lung_metastasis": _under(SNOMED, "94391008") | _under(ICD10, "C78.00"),
    "bone_metastasis": _under(SNOMED, "94222008") | _under(ICD10, "C79.51"),
    "brain_metastasis": _under(SNOMED, "94225005") | _under(ICD10, "C79.31"),
}
PROCEDURES = {"oophorectomy": _under(SNOMED, "83152002")}
MEDICATIONS = {
    "gnrh_analogue": _under(RXNORM, "50610 42375 752899 1163443"),
    "chemotherapy": _under(
        RXNORM,
        "194000 3639 3995 39541 1045452 1045453 1790099 1732186 1734919 4492 "
        "1791701 4179 1734340 51499 57308 5657 134547 6718 37776 2105 6466 11202 11198 "
        "337523 7005 10473 1731355 1726673 1731338 1740864 1740894 197797",
    ),
    "cyclophosphamide": _under(RXNORM, "3002"),
    "platinum_chemotherapy": _under(RXNORM, "2555 1736854 1311280"),
    "carboplatin": _under(RXNORM, "40048"),
    "oxaliplatin": _under(RXNORM, "32592 1736776"),
    "taxane": _under(RXNORM, "996051"),
    "paclitaxel": _under(RXNORM, "56946 583214"),
    "docetaxel": _under(RXNORM, "72962 1860480"),
    "gemcitabine": _under(RXNORM, "12574"),
    "pemetrexed": _under(RXNORM, "68446"),
    "endocrine_therapy": _under(
        RXNORM, "72965 84857 258494 10324 38409 198240 199224 200064 310261"
    ),
    "fulvestrant": _under(RXNORM, "282357 727762 1156671"),
}
LISTS = {
    "medication_history": _under(LOINC, "10160-0"),
    "procedure_history": _under(LOINC, "47519-4"),
    "problem_list": _under(LOINC, "11450-4"),
}
CONSENTS = {"informed_consent": _under(SCOPE, "research")}
LESION = _under(LOINC, "21889-1")
AXES = _under(LOINC, "33728-7 33729-5")

# docs/records.md: table of resources
GOOD_STATUS = {
    "Observation": "final amended corrected",
    "Procedure": "completed",
    "MedicationStatement": "active completed on-hold stopped",
    "MedicationAdministration": "completed in-progress on-hold stopped",
    "MedicationRequest": "active completed on-hold stopped",
    "MedicationDispense": "completed in-progress on-hold stopped",
    "List": "current",
    "Consent": "active draft inactive proposed rejected",
}
DATES = {
    "Observation": "effectiveDateTime effectiveInstant effectivePeriod",
    "Condition": "recordedDate onsetDateTime onsetPeriod",
    "Procedure": "performedDateTime performedPeriod",
    "MedicationStatement": "effectivePeriod effectiveDateTime",
    "MedicationAdministration": "effectivePeriod effectiveDateTime",
    "MedicationRequest": "authoredOn",
    "MedicationDispense": "whenHandedOver whenPrepared",
    "List": "date",
    "Consent": "dateTime",
}
COUNTS_WITHOUT_DATE = {
    "Condition",
    "Procedure",
    "MedicationStatement",
    "MedicationAdministration",
    "MedicationRequest",
    "MedicationDispense",
}
ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order"}
NO_RESOURCE = "(none)"


@dataclass
class Count:
    """Of one element: facts, patients with any, patients with a usable one."""

    facts: int = 0
    patients: int = 0
    usable: int = 0


@dataclass
class Census:
    patients: int = 0
    elements: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    types: Counter[str] = field(default_factory=Counter)
    """Resources by type, contained ones too; `(none)` are entries that hold none."""


class Raw:
    """A JSON number as it is written."""

    def __init__(self, text: str) -> None:
        self.text = text


# ---- documents -----------------------------------------------------------------------------------


def documents(paths: list[Path]) -> Iterator[dict[str, Any]]:
    """Each JSON file, and each line of each NDJSON file."""
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            opened = gzip.open if file.suffix == ".gz" else open
            name = file.name.removesuffix(".gz")
            if name.endswith((".json", ".ndjson")):
                with opened(file, "rt", encoding="utf-8") as stream:
                    for text in stream if name.endswith(".ndjson") else [stream.read()]:
                        yield json.loads(text, parse_float=Raw, parse_int=Raw)


def resources(document: dict[str, Any]) -> list[tuple[str | None, dict[str, Any]]]:
    """The `fullUrl` and resource of each entry; an empty resource where there is none."""
    if document["resourceType"] != "Bundle":
        return [(None, document)]
    entries = document.get("entry", [])
    return [(entry.get("fullUrl"), entry.get("resource") or {}) for entry in entries]


def count_types(document: dict[str, Any]) -> Counter[str]:
    types: Counter[str] = Counter()
    for _, resource in resources(document):
        types[resource.get("resourceType", NO_RESOURCE)] += 1
        types.update(inner["resourceType"] for inner in resource.get("contained", []))
    return types


def patient_of(document: dict[str, Any]) -> str | None:
    """The id of the patient of a document; None unless there is just one."""
    found = [r for _, r in resources(document) if r.get("resourceType") == "Patient"]
    return found[0]["id"] if len(found) == 1 else None


# ---- facts ---------------------------------------------------------------------------------------


def facts(document: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """The element of each fact of the one patient, and whether it is usable on the as-of date."""
    everything = resources(document)
    [(url, patient)] = [each for each in everything if each[1].get("resourceType") == "Patient"]
    for _, resource in everything:
        kind = resource.get("resourceType")
        if kind == "Patient":
            yield from _patient(resource)
        elif kind in DATES and _is_about(resource, url, patient["id"]):
            yield from _facts_of(kind, resource)


def _patient(resource: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    if resource.get("gender") not in (None, "unknown"):
        yield "sex", resource["gender"] in ("female", "male")
    if isinstance(resource.get("birthDate"), str):
        yield "birth_date", _days(resource["birthDate"]) is not None


def _is_about(resource: dict[str, Any], url: str | None, patient: str) -> bool:
    subject = resource.get("subject") or resource.get("patient") or {}
    reference = subject.get("reference")
    return reference in (None, url) or re.split("[:/]", reference)[-1] == patient


def _facts_of(kind: str, resource: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    status = resource.get("status")
    if kind in GOOD_STATUS and status not in GOOD_STATUS[kind].split():
        return
    days = _day(kind, resource)
    if days is None and kind not in COUNTS_WITHOUT_DATE:
        return
    seen = days is None or days[0] <= AS_OF
    for element, readable in _read(kind, resource):
        yield element, readable and seen


def _read(kind: str, resource: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """The elements that a resource states, and whether each can be read."""
    keys = _keys(resource.get("scope" if kind == "Consent" else "code"))
    if kind == "Observation":
        yield from _observation(resource)
    elif kind == "Condition":
        for element, codes in CONDITIONS.items():
            if keys & codes and _status(resource, "verificationStatus") != "entered-in-error":
                yield element, _is_stated(resource)
        yield from _stages(resource)
    elif kind == "Procedure":
        yield from ((element, True) for element, codes in PROCEDURES.items() if keys & codes)
    elif kind.startswith("Medication"):
        drug = _keys(resource.get("medicationCodeableConcept"))
        taken = kind in ("MedicationStatement", "MedicationAdministration")
        if kind == "MedicationRequest":
            if resource.get("intent") not in ORDERS or resource.get("doNotPerform"):
                return
        for element, codes in MEDICATIONS.items():
            if drug & codes:
                yield element, taken
    elif kind == "List":
        closed = resource.get("mode") == "snapshot" and "emptyReason" not in resource
        yield from ((element, True) for element, c in LISTS.items() if keys & c and closed)
    elif kind == "Consent":
        yield from ((element, True) for element, codes in CONSENTS.items() if keys & codes)


def _observation(resource: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    parts = [resource, *resource.get("component", [])]
    told: set[str] = set()
    for part in parts:
        keys = _keys(part.get("code"))
        if "dataAbsentReason" in part:
            continue
        for element, (codes, _, _, _) in QUANTITIES.items():
            if keys & codes and element not in told:
                told.add(element)
                yield element, _is_number(element, part)
        for element, (codes, answers) in STATUSES.items():
            if keys & codes and element not in told:
                told.add(element)
                yield element, _is_answer(element, answers, part)
        for element, codes in CONDITIONS.items():
            if keys & codes and element not in told:
                told.add(element)
                yield element, "valueBoolean" in part
    if _keys(resource.get("code")) & LESION:
        sizes = [c for c in resource.get("component", []) if _keys(c.get("code")) & AXES]
        millimetres = {"mm": "1", "cm": "10"}
        yield "measured_lesion", any(_amount(c, millimetres) is not None for c in sizes)


def _stages(condition: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """What a Condition says in its stages: by their type, else by their value, else the stage."""
    verification = _status(condition, "verificationStatus")
    for stage in condition.get("stage", []):
        kind, value = _keys(stage.get("type")), _keys(stage.get("summary"))
        if "summary" not in stage or verification in ("refuted", "entered-in-error"):
            continue
        named = [e for e in ("stage", "m_category") if kind & STATUSES[e][0]]
        valued = [e for e in ("stage", "m_category") if value & STATUSES[e][1]]
        for element in named or valued or ["stage"]:
            readable = bool(value & STATUSES[element][1])
            yield element, readable and verification in (None, "confirmed")


def _is_number(element: str, part: dict[str, Any]) -> bool:
    _, units, lowest, highest = QUANTITIES[element]
    if "valueBoolean" in part:
        return element == "life_expectancy"
    if "valueCodeableConcept" in part:
        return element == "ecog" and bool(_keys(part["valueCodeableConcept"]) & ECOG_ANSWERS)
    if "valueInteger" in part and units == {"1": "1"}:
        amount: Fraction | None = _number(part["valueInteger"])
    else:
        amount = _amount(part, units)
    return amount is not None and Fraction(lowest) <= amount <= Fraction(highest)


def _is_answer(element: str, answers: set[tuple[str, str]], part: dict[str, Any]) -> bool:
    if "valueCodeableConcept" in part:
        return bool(_keys(part["valueCodeableConcept"]) & answers)
    return element in PERCENT and _amount(part, {"%": "1"}) is not None


def _amount(part: dict[str, Any], units: dict[str, str]) -> Fraction | None:
    """The number of a valueQuantity in the unit of factor 1; None when it cannot be read."""
    quantity = part.get("valueQuantity")
    if not isinstance(quantity, dict) or quantity.get("code") not in units:
        return None
    if quantity.get("system", UCUM) != UCUM:
        return None
    number = _number(quantity.get("value"))
    above, _, below = units[quantity["code"]].partition("/")
    return None if number is None else number * Fraction(above) / Fraction(below or 1)


def _number(value: Any) -> Fraction | None:
    return Fraction(value.text) if isinstance(value, Raw) and len(value.text) < 60 else None


def _is_stated(condition: dict[str, Any]) -> bool:
    """Whether a Condition says that it is present or absent."""
    verification = _status(condition, "verificationStatus")
    clinical = _status(condition, "clinicalStatus")
    known = "active recurrence relapse inactive remission resolved".split()
    if verification == "refuted":
        return True
    return verification in (None, "confirmed") and (clinical is None or clinical in known)


def _status(condition: dict[str, Any], path: str) -> str | None:
    concept = condition.get(path)
    return None if concept is None else str(concept["coding"][0]["code"])


def _keys(concept: Any) -> set[tuple[str, str]]:
    codings = concept.get("coding", []) if isinstance(concept, dict) else []
    return {(c["system"], c["code"]) for c in codings if "system" in c and "code" in c}


# ---- dates ---------------------------------------------------------------------------------------


def _day(kind: str, resource: dict[str, Any]) -> tuple[date, date] | None:
    """First and last day that the date of a resource may be; None without a date."""
    for path in DATES[kind].split():
        value = resource.get(path)
        if isinstance(value, dict):
            start, end = _days(value.get("start")), _days(value.get("end"))
            if start is None and end is None:
                return None
            first = start[0] if start else date.min
            return (first, end[1] if end else date.max)
        if value is not None:
            return _days(value)
    return None


def _days(text: Any) -> tuple[date, date] | None:
    """The days of `2023`, `2023-05` or `2023-05-17`, perhaps with a time; None for what is no
    date."""
    match = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T.*)?)?)?$", text or "")
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    if day is None:
        following = date(year + month // 12, month % 12 + 1, 1)
        return date(year, month, 1), following - timedelta(days=1)
    return date(year, month, day), date(year, month, day)


# ---- the census ----------------------------------------------------------------------------------


def census(paths: list[Path]) -> Census:
    """Count the documents that are about one patient each."""
    found = Census()
    for document in documents(paths):
        if patient_of(document) is None:
            continue
        found.patients += 1
        found.types += count_types(document)
        mine: dict[str, list[bool]] = defaultdict(list)
        for element, usable in facts(document):
            mine[element].append(usable)
        for element, usables in mine.items():
            count = found.elements[element]
            count.facts += len(usables)
            count.patients += 1
            count.usable += any(usables)
    return found


def main() -> None:
    found = census([Path(name) for name in sys.argv[1:]])
    print(f"{found.patients} patients, as of {AS_OF}")  # noqa: T201
    print(f"{'element':22} {'facts':>8} {'patients':>9} {'usable':>7}")  # noqa: T201
    for element, count in sorted(found.elements.items()):
        print(f"{element:22} {count.facts:8} {count.patients:9} {count.usable:7}")  # noqa: T201
    for kind, number in sorted(found.types.items()):
        print(f"{kind:30} {number:9}")  # noqa: T201


if __name__ == "__main__":
    main()
