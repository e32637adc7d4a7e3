"""What does not count but keeps something open, or is told, comes from stores as from files: lists
that are taken back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from protocol_logic.answering.rows import AsOf
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Screening, compile_source
from protocol_logic.records.sources import Document
from tests.many_rows import same_rows
from tests.properties.test_store import Both
from tests.stores import store_of, whole_knowledge

AS_OF = date(2026, 1, 15)
PROTOCOL = """protocol unread
  title What does not count
  uses pregnancy

exclude pregnant
  > Pregnant
  pregnancy
"""
LOINC = "http://loinc.org"


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
}


def document(name: str, resources: list[dict[str, object]]) -> Document:
    of = {"subject": {"reference": f"Patient/{name}"}}
    told = [{**each, "id": f"{n}", **of} for n, each in enumerate(resources)]
    patient = {"resourceType": "Patient", "id": name, "gender": "female", "birthDate": "1990-01-01"}
    every = [patient, *told, {**problem_list("2026-01-01"), "id": "all", **of}]
    entry = [{"resource": each} for each in every]
    return Document(f"{name}.json", {"resourceType": "Bundle", "entry": entry})


def test_they_are_told_alike(tmp_path: Path) -> None:
    compiled = compile_source(Source("p.elig", PROTOCOL), Problems())
    assert compiled is not None
    documents = [document(name, resources) for name, (resources, _) in TOLD.items()]
    both = Both([compiled.codings], whole_knowledge())
    screening = Screening(compiled)
    for each, (_, wanted) in zip(documents, TOLD.values(), strict=True):
        [record] = both.check(each)
        row = screening.row(record, AsOf(AS_OF, "option"))
        assert {c["id"]: told_of(c) for c in row["criteria"] if c["id"] in wanted} == wanted
    store_of(tmp_path / "s.duckdb", documents)
    assert same_rows(tmp_path / "s.duckdb", compiled, AS_OF) == len(TOLD)


def told_of(criterion: dict[str, object]) -> object:
    """The outcome of a criterion, and its first gap or what stands beside the verdict."""
    gaps = criterion["gap_details"]
    assert isinstance(gaps, list)
    told = next(
        (tuple(gap[key] for key in ("element", "reason", "resource")) for gap in gaps), None
    )
    return criterion["outcome"], told
