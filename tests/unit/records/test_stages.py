"""Condition.stage: what is read as the stage, or a category, and in which the store agrees."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, compile_source
from protocol_logic.records.facts import Measured, Stated
from protocol_logic.records.fhir import read_record
from protocol_logic.records.sources import Document
from protocol_logic.records.store.gathering import Chosen, gather
from protocol_logic.records.store.knowledge import Knowledge
from protocol_logic.records.store.reading import entries_in
from protocol_logic.records.store.seeing import see
from tests.unit.records.build import VERIFICATION, bundle, concept, resource
from tests.unit.records.vocabulary import LOINC

PROTOCOL = """protocol trial
  uses oncology.staging, cardiology

exclude a
  > All of them
  any of
    metastatic
    t_category is T4
    n_category is N3
    nyha >= 2
"""
AJCC = "http://cancerstaging.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
FOUR = concept("4", AJCC)
BREAST = concept("254837009")


@cache
def trial() -> tuple[Compiled, Knowledge, Chosen]:
    compiled = compile_source(Source("trial.elig", PROTOCOL), Problems())
    assert compiled is not None
    whole = Knowledge.of([compiled.codings.whole])
    numbers = {entry.name: number for number, entry in enumerate(whole.entries)}
    read = {name: numbers[name] for name in entries_in(compiled.codings)}
    return compiled, whole, Chosen(compiled.codings, read)


def read(stage: Any, **content: Any) -> tuple[dict[str, list[Any]], list[str]]:
    """Entry -> what facts state, and the codes of problems; of a source as of a store."""
    compiled, whole, chosen = trial()
    said = {"code": BREAST, "recordedDate": "2026-01-05", "stage": stage, **content}
    document = Document("p.json", bundle(resource("Condition", **said)))
    record = read_record(document, compiled.codings, Problems())
    kept = see(document, whole, Problems())
    assert kept is not None and gather(kept, chosen) == record
    found: dict[str, list[Any]] = {}
    for fact in record.facts:
        if isinstance(fact.reading, Stated | Measured):
            reading = fact.reading
            number = reading.value.lo if isinstance(reading, Measured) and reading.value else None
            value = reading.values if isinstance(reading, Stated) else number
            found.setdefault(fact.entry, []).append(value)
            assert fact.date is not None
            assert fact.date.first == date(2026, 1, 5) or "recordedDate" in content
    return found, [problem.code for problem in record.problems]


@pytest.mark.parametrize(
    ("stage", "entry", "value"),
    [
        ({"summary": FOUR}, "stage", "4"),
        ({"type": concept("21908-9", LOINC), "summary": FOUR}, "stage", "4"),
        # A type that says how it was staged, not what it is.
        ({"type": concept("260998006"), "summary": FOUR}, "stage", "4"),
        ({"summary": concept("cT4", AJCC)}, "t_category", "T4"),
        ({"type": concept("21906-3", LOINC), "summary": concept("cN3", AJCC)}, "n_category", "N3"),
        ({"summary": concept("1229903009")}, "m_category", "M1"),
        ({"summary": concept("cM0", AJCC)}, "m_category", "M0"),
        ({"summary": concept("pM1", AJCC)}, "m_category", "M1"),
    ],
)
def test_a_stage_is_read_as_of_an_observation(stage: Any, entry: str, value: str) -> None:
    assert read([stage]) == ({entry: [{value}]}, [])


def test_each_stage_of_a_condition_counts() -> None:
    found, _ = read([{"summary": FOUR}, {"summary": concept("cT4", AJCC)}, {"assessment": []}])
    assert found == {"stage": [{"4"}], "t_category": [{"T4"}]}


@pytest.mark.parametrize(
    "summary", [concept("2640006"), concept("4D", AJCC), {"text": "stage IV"}, concept("x", "y")]
)
def test_a_stage_of_another_code_is_not_known(summary: Any) -> None:
    assert read([{"summary": summary}]) == ({"stage": [None]}, ["unknown-code"])


def test_what_says_that_it_is_no_stage_group_is_none() -> None:
    """A stage of kidney disease, also by its code alone; a category that it cannot be."""
    code = {"code": concept("N18.9", ICD10)}
    assert read([{"summary": {"text": "G3"}}], **code)[0] == {}
    assert read([{"summary": concept("433144002")}])[0] == {}
    typed = {"type": concept("21905-5", LOINC), "summary": concept("x", AJCC)}
    assert read([typed])[0] == {"t_category": [None]}
    assert read([{"summary": {"text": "IV"}}], code=concept("D37.1", ICD10))[0] == {"stage": [None]}


def test_a_class_of_heart_failure_is_read_as_one() -> None:
    found = read([{"summary": concept("421704003")}], code=concept("84114007"))[0]
    assert found == {"nyha": [2]}


@pytest.mark.parametrize(
    ("verification", "stated"),
    [
        ("provisional", [None]),
        ("confirmed", [{"4"}]),
        ("refuted", None),
        ("entered-in-error", None),
    ],
)
def test_what_is_not_confirmed_has_an_unknown_stage(verification: str, stated: Any) -> None:
    found, _ = read([{"summary": FOUR}], verificationStatus=concept(verification, VERIFICATION))
    assert found.get("stage") == stated


def test_a_stage_without_a_day_is_of_any() -> None:
    found, problems = read([{"summary": FOUR}], recordedDate=None)
    assert found == {"stage": [{"4"}]} and problems == ["undated"]


def test_a_modifier_makes_it_unknown() -> None:
    found, problems = read([{"summary": FOUR}], modifierExtension=[{"url": "x"}])
    assert found == {"stage": [None]} and problems == ["not-read"]
    code = {"code": concept("999", "unknown")}
    assert read([{"summary": FOUR}], **code)[0] == {"stage": [{"4"}]}
