"""What is read of severities, stages and sites."""

from __future__ import annotations

from typing import Any

import pytest

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, compile_source, read_records
from protocol_logic.records.facts import ConditionStated, Done
from protocol_logic.records.sources import Document
from tests.unit.records.build import bundle, concept, resource

PROTOCOL = """protocol trial
  uses oncology.breast, qualifiers

qualifier phase
  of stage
  value early means snomed 13104003
  value late means snomed 2640006

qualifier place
  of site
  value liver means snomed 10200004
  value lung means snomed 39607008

exclude a
  > All of them
  any of
    metastasis with severity severe
    metastasis with phase late
    metastasis with place liver
    history of oophorectomy with place liver
"""
MILD, SEVERE, EARLY, LATE = "255604002", "24484000", "13104003", "2640006"
LIVER, LUNG, ELSEWHERE = "10200004", "39607008", "76752008"


def trial() -> Compiled:
    found = compile_source(Source("trial.elig", PROTOCOL), Problems())
    assert found is not None
    return found


def read(kind: str, **content: Any) -> tuple[dict[str, set[str | None]], list[str]]:
    codes = {"Condition": "94222008", "Procedure": "83152002"}
    made = resource(kind, status="completed", code=concept(codes[kind]), **content)
    document = Document("p.json", bundle(made))
    [record] = read_records(trial(), [document], Problems())
    # A stage is read as the status too, whatever qualifiers know of it.
    [fact] = [f for f in record.facts if isinstance(f.reading, ConditionStated | Done)]
    assert isinstance(fact.reading, ConditionStated | Done)
    said = {name: set(values) for name, values in fact.reading.qualifiers}
    told = [p for p in record.problems if p.code != "undated" and "`stage`: " not in p.message]
    return said, [problem.code for problem in told]


def sites(*codes: str) -> list[Any]:
    return [concept(code) for code in codes]


@pytest.mark.parametrize(
    ("severity", "said", "problems"),
    [
        (concept(SEVERE), {"severe"}, []),
        (concept("371924009"), {None}, ["unknown-code"]),
        ({"text": "severe"}, {None}, ["unknown-code"]),
        ("severe", {None}, ["unknown-code"]),
        ([], {None}, ["unknown-code"]),
        (concept(SEVERE, "http://loinc.org"), {None}, ["unknown-code"]),
        (
            {"coding": [*concept(SEVERE)["coding"], *concept(MILD)["coding"]]},
            {None},
            ["unreadable-value"],
        ),
    ],
)
def test_a_severity(severity: Any, said: set[str | None], problems: list[str]) -> None:
    assert read("Condition", severity=severity) == ({"severity": said}, problems)


def test_nothing_is_said() -> None:
    assert read("Condition") == ({}, [])
    assert read("Procedure") == ({}, [])


def test_a_stage_is_its_summary() -> None:
    late = {"summary": concept(LATE)}
    assert read("Condition", stage=[late, late]) == ({"phase": {"late"}}, [])
    assert read("Condition", stage=late) == ({"phase": {"late"}}, [])
    early = {"summary": concept(EARLY)}
    assert read("Condition", stage=[late, early]) == ({"phase": {None}}, ["unreadable-value"])
    unsaid = {"assessment": [{"reference": "Observation/1"}]}
    assert read("Condition", stage=[unsaid]) == ({"phase": {None}}, ["unknown-code"])


@pytest.mark.parametrize("kind", ["Condition", "Procedure"])
def test_each_site_counts(kind: str) -> None:
    assert read(kind, bodySite=sites(LIVER, LUNG)) == ({"place": {"liver", "lung"}}, [])
    assert read(kind, bodySite=sites(LIVER, ELSEWHERE)) == ({"place": {"liver", None}}, [])
    assert read(kind, bodySite=sites(ELSEWHERE)) == ({"place": {None}}, [])


def test_only_what_a_protocol_asks_for_is_read() -> None:
    text = "protocol trial\n  uses oncology.breast, qualifiers\n\nexclude a\n  > A\n  metastasis\n"
    found = compile_source(Source("trial.elig", text), Problems())
    assert found is not None
    made = resource("Condition", code=concept("94222008"), severity={"text": "?"})
    [record] = read_records(found, [Document("p.json", bundle(made))], Problems())
    assert [p.code for p in record.problems] == ["undated"]
