"""What does not count but keeps something open, or is told, comes from stores as from files: lists
that are taken back, pressure that was not taken
in the office, or is told in words, tests that resemble what casts doubt, or cannot be used, and
results that state a condition and cannot be used, and reported values newer than what is computed
in their stead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from protocol_logic.answering.rows import AsOf
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Screening, compile_source
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.many_rows import same_rows
from tests.properties.test_store import Both
from tests.stores import store_of, whole_knowledge

AS_OF = date(2026, 1, 15)
PROTOCOL = """protocol unread
  title What does not count
  uses pregnancy, vital_signs, labs

exclude pregnant
  > Pregnant
  pregnancy

exclude high
  > Systolic blood pressure of 160 or more
  systolic_pressure >= 160 mm[Hg]

include clears
  > Creatinine clearance of at least 60 mL/min
  creatinine_clearance >= 60 mL/min
"""
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"


def concept(code: str, system: str = LOINC, **more: str) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code, **more}]}


def problem_list(day: str, **more: object) -> dict[str, object]:
    return {
        "resourceType": "List",
        "status": "current",
        "mode": "snapshot",
        "code": concept("11450-4"),
        "date": day,
        **more,
    }


UNAVAILABLE = concept("unavailable", "http://terminology.hl7.org/CodeSystem/list-empty-reason")


def result(day: str, codes: str, number: int, **more: object) -> dict[str, object]:
    coding = [{"system": LOINC, "code": code} for code in codes.split()]
    return {
        "resourceType": "Observation",
        "status": "final",
        "effectiveDateTime": day,
        **measured(coding, number),
        **more,
    }


def measured(coding: object, number: int) -> dict[str, object]:
    unit = {"system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    return {"code": {"coding": coding}, "valueQuantity": {"value": number, **unit}}


def panel(day: str, number: int, **more: object) -> dict[str, object]:
    coding = [{"system": LOINC, "code": "8480-6"}]
    return without(result(day, "85354-9", 0, component=[measured(coding, number)], **more))


def without(found: dict[str, object], *others: str) -> dict[str, object]:
    return {key: each for key, each in found.items() if key not in ("valueQuantity", *others)}


def pregnancy_test(
    code: str, system: str = LOINC, value: str = "10828004", status: str = "final", **more: str
) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "status": status,
        "effectiveDateTime": "2025-12-20",
        "code": concept(code, system, **more),
        "valueCodeableConcept": concept(value, SNOMED),
    }


def stated(code: str, system: str = SNOMED, **more: object) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "effectiveDateTime": "2025-12-20",
        "code": concept(code, system),
        "valueBoolean": True,
        **more,
    }


def amount(day: str, code: str, number: int, unit: str, **more: object) -> dict[str, object]:
    value = {"value": number, "system": "http://unitsofmeasure.org", "code": unit}
    return result(day, code, number, valueQuantity=value, **more)


CREATININE = amount("2025-11-01", "2160-0", 1, "mg/dL")
WEIGHT = amount("2025-12-01", "29463-7", 70, "kg")


def cleared(day: str, **more: object) -> dict[str, object]:
    return amount(day, "35591-7", 8, "mL/min", **more)


AT_HOME = {"method": concept("413153004", SNOMED)}
UNKNOWN_PRESSURE = ("unknown", ("systolic_pressure", "absent", None))
# What the record of a woman holds beside a complete list of 1 January -> outcomes and gaps.
TOLD: dict[str, tuple[list[dict[str, object]], dict[str, object]]] = {
    "list": ([], {"pregnant": ("not_met", None)}),
    "unavailable": (
        [problem_list("2026-01-02", emptyReason=UNAVAILABLE)],
        {"pregnant": ("unknown", ("pregnancy", "not_closed", "List/0"))},
    ),
    "retired": (
        [problem_list("2026-01-02", status="retired")],
        {"pregnant": ("unknown", ("pregnancy", "not_closed", "List/0"))},
    ),
    "preliminary": (
        [pregnancy_test("2106-3", status="preliminary")],
        {"pregnant": ("unknown", ("pregnancy", "doubted", "Observation/0"))},
    ),
    "local-test": (
        [pregnancy_test("17", "urn:x", display="Urine pregnancy test")],
        {"pregnant": ("unknown", ("pregnancy", "doubted", "Observation/0"))},
    ),
    "undated-test": (
        [{**pregnancy_test("2106-3"), "effectiveDateTime": None, "issued": "2025-12-20T08:00:00Z"}],
        {"pregnant": ("unknown", ("pregnancy", "doubted", "Observation/0"))},
    ),
    "older-preliminary": (
        [
            pregnancy_test("2106-3", status="preliminary"),
            {**pregnancy_test("2106-3", value="260385009"), "effectiveDateTime": "2025-12-21"},
        ],
        {"pregnant": ("not_met", None)},
    ),
    "long-ago": (
        [{**pregnancy_test("2106-3", status="preliminary"), "effectiveDateTime": "2024-12-20"}],
        {"pregnant": ("not_met", None)},
    ),
    "withdrawn-test": (
        [pregnancy_test("2106-3", status="entered-in-error")],
        {"pregnant": ("not_met", None)},
    ),
    "stated": (
        [stated("198992004", status="preliminary")],
        {"pregnant": ("unknown", ("pregnancy", "doubted", "Observation/0"))},
    ),
    "category": (
        [stated("O14.93", "http://hl7.org/fhir/sid/icd-10-cm", status="preliminary")],
        {"pregnant": ("unknown", ("pregnancy", "doubted", "Observation/0"))},
    ),
    "stated-without-day": (
        [{**stated("77386006"), "effectiveDateTime": None}],
        {"pregnant": ("unknown", ("pregnancy", "doubted", "Observation/0"))},
    ),
    "denied": (
        [
            stated("77386006", valueBoolean=False, status="preliminary"),
            {
                **without(stated("77386006", status="preliminary"), "valueBoolean"),
                "valueCodeableConcept": concept("2667000", SNOMED),
            },
        ],
        {"pregnant": ("not_met", None)},
    ),
    "other-stated": (
        [stated("90560007", status="preliminary")],
        {"pregnant": ("not_met", None)},
    ),
    "office": (
        [result("2026-01-05", "8480-6", 172), panel("2026-01-10", 140)],
        {"high": ("not_met", None)},
    ),
    "home": (
        [result("2026-01-05", "8480-6", 172), panel("2026-01-10", 120, **AT_HOME)],
        {"high": ("met", None, ("Observation/1", "near"))},
    ),
    "only-home": (
        [result("2026-01-10", "8480-6", 172, **AT_HOME)],
        {
            "high": (
                "unknown",
                ("systolic_pressure", "unreadable", "Observation/0"),
                ("Observation/0", "near"),
            )
        },
    ),
    "auscultation": (
        [
            result("2026-01-05", "8480-6", 140),
            panel("2026-01-10", 172, method=concept("37931006", SNOMED)),
        ],
        {"high": ("met", None)},
    ),
    "24-hours": (
        [result("2026-01-05", "8480-6", 140), result("2026-01-10", "8490-5 8480-6", 165)],
        {"high": ("not_met", None, ("Observation/1", "near"))},
    ),
    "older-24-hours": (
        [result("2026-01-05", "8480-6", 140), result("2026-01-02", "8490-5 8480-6", 165)],
        {"high": ("not_met", None)},
    ),
    "no-value": (
        [
            result("2026-01-05", "8480-6", 140),
            without(result("2026-01-10", "8480-6", 165, **AT_HOME)),
            without(panel("2026-01-11", 165), "component"),
        ],
        {"high": ("not_met", None)},
    ),
    "text": (
        [
            result("2026-01-05", "8480-6", 140),
            {**without(panel("2026-01-11", 165), "component"), "valueString": "172/110"},
        ],
        {"high": ("not_met", None, ("Observation/1", "near"))},
    ),
    # (140 - 36) x 70 / 72 x 0.85 is 86.
    "computed": ([CREATININE, WEIGHT], {"clears": ("met", None)}),
    "reported-later": (
        [CREATININE, WEIGHT, cleared("2026-01-10"), cleared("2026-01-09")],
        {"clears": ("met", None, ("Observation/2", "computed")), "high": UNKNOWN_PRESSURE},
    ),
    "reported-after-one": (
        [CREATININE, WEIGHT, cleared("2025-11-02")],
        {"clears": ("met", None, ("Observation/2", "computed"))},
    ),
    "reported-in-month": (
        [CREATININE, WEIGHT, cleared("2025-11")],
        {"clears": ("met", None, ("Observation/2", "computed"))},
    ),
    "reported-that-day": (
        [CREATININE, WEIGHT, cleared("2025-11-01")],
        {"clears": ("met", None)},
    ),
    "reported-alone": ([WEIGHT, cleared("2026-01-10")], {"clears": ("not_met", None)}),
    "reported-preliminary": (
        [CREATININE, WEIGHT, cleared("2026-01-10", status="preliminary")],
        {"clears": ("met", None, ("Observation/2", "preliminary"))},
    ),
}


def document(name: str, resources: list[dict[str, object]]) -> Document:
    of = {"subject": {"reference": f"Patient/{name}"}}
    told = [{**each, "id": f"{n}", **of} for n, each in enumerate(resources)]
    patient = {"resourceType": "Patient", "id": name, "gender": "female", "birthDate": "1990-01-01"}
    every = [patient, *told, {**problem_list("2026-01-01"), "id": "all", **of}]
    entry = [{"resource": each} for each in every]
    content = parse(json.dumps({"resourceType": "Bundle", "entry": entry}).encode())
    assert isinstance(content, dict)
    return Document(f"{name}.json", content)


def test_they_are_told_alike(tmp_path: Path) -> None:
    compiled = compile_source(Source("p.elig", PROTOCOL), Problems())
    assert compiled is not None
    documents = [document(name, resources) for name, (resources, _) in TOLD.items()]
    both = Both([compiled.codings], whole_knowledge())
    screening = Screening(compiled)
    for each, (_, wanted) in zip(documents, TOLD.values(), strict=True):
        [record] = both.check(each)
        row = screening.row(record, AsOf(AS_OF, "option"))
        told = {c["id"]: told_of(c) for c in row["criteria"] if c["id"] in wanted}
        assert (each.source, told) == (each.source, wanted)
    store_of(tmp_path / "s.duckdb", documents)
    assert same_rows(tmp_path / "s.duckdb", compiled, AS_OF) == len(TOLD)


def told_of(criterion: Mapping[str, Any]) -> object:
    """The outcome of a criterion, and its first gap or what stands beside the verdict."""
    gaps = criterion["gap_details"]
    told = next(
        (tuple(gap[key] for key in ("element", "reason", "resource")) for gap in gaps), None
    )
    beside = [(each["resource"], each["why"]) for each in criterion["unread"]]
    return (criterion["outcome"], told, *beside)
