"""Codes that a protocol or a site adds to an entry are read as the entry's own."""

from __future__ import annotations

import json
from datetime import date

import pytest

from protocol_logic.answering.rows import AsOf
from protocol_logic.compiling.policies import Policies, check_policies
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, Screening, compile_source, read_records
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document

EXTEND = """
extend creatinine
  code loinc 38483-4 "Creatinine [Mass/volume] in Blood"

extend er
  value positive means snomed 416053008
"""
PROTOCOL = """\
protocol kidney
  title Kidney
  uses demographics, labs, oncology.breast
  {pin}

include creatinine_low
  > Creatinine at most 1 mg/dL
  creatinine <= 1 mg/dL

include receptor
  > Estrogen receptor positive
  er is positive
"""
SITE = "policies hospital\n  title Hospital\n" + EXTEND


def compiled(text: str, site: Policies | None = None) -> Compiled:
    problems = Problems()
    found = compile_source(Source("kidney", text), problems, site)
    assert found is not None and not problems.has_errors, problems.items
    return found


def policies(text: str) -> Policies:
    problems = Problems()
    found = check_policies(Source("site", text), problems)
    assert found is not None, problems.items
    return found


def result(name: str, system: str, code: str, **value: object) -> dict[str, object]:
    return {
        "resource": {
            "resourceType": "Observation",
            "id": name,
            "status": "final",
            "code": {"coding": [{"system": system, "code": code}]},
            "effectiveDateTime": "2026-01-03",
            **value,
        }
    }


RECORD = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "p", "gender": "female"}},
        result(
            "creatinine",
            "http://loinc.org",
            "38483-4",
            valueQuantity={"value": 0.8, "system": "http://unitsofmeasure.org", "code": "mg/dL"},
        ),
        result(
            "er",
            "http://loinc.org",
            "85337-4",
            valueCodeableConcept={
                "coding": [{"system": "http://snomed.info/sct", "code": "416053008"}]
            },
        ),
    ],
}


def outcomes(found: Compiled) -> tuple[list[str], list[str]]:
    """What the criteria say, and the codes of the problems of the record."""
    content = parse(json.dumps(RECORD).encode())
    assert isinstance(content, dict)
    [record] = read_records(found, [Document("test", content)], Problems())
    row = Screening(found).row(record, AsOf(date(2026, 1, 15), "option"))
    return [c["outcome"] for c in row["criteria"]], [p["code"] for p in row["problems"]]


PLAIN = PROTOCOL.format(pin="version 1")


def test_without_an_extension_the_record_is_told_of() -> None:
    met, problems = outcomes(compiled(PLAIN))
    assert met == ["unknown", "unknown"]
    assert sorted(problems) == ["look-alike", "unknown-code"]


@pytest.mark.parametrize("by", ["protocol", "site"])
def test_what_is_added_is_read(by: str) -> None:
    own = compiled(PLAIN + EXTEND) if by == "protocol" else compiled(PLAIN, policies(SITE))
    assert outcomes(own) == (["met", "met"], [])
    assert own.digest != compiled(PLAIN).digest


def test_a_site_says_what_it_adds_and_its_digest_covers_it() -> None:
    site = policies(SITE)
    assert site.texts == (
        "extend creatinine: code loinc 38483-4",
        "extend er: value positive means snomed 416053008",
    )
    other = policies(SITE.replace("38483-4", "59826-8"))
    assert site.digest != other.digest


def test_a_site_leaves_pins_and_other_protocols_alone() -> None:
    problems = Problems()
    plain = Source("kidney", PROTOCOL.format(pin="knowledge 000000000000"))
    assert compile_source(plain, problems) is None
    [told] = [p for p in problems.items if p.code == "knowledge-changed"]
    assert told.hint is not None
    pin = told.hint.split("`")[1]
    compiled(PROTOCOL.format(pin=pin), policies(SITE))
    with pytest.raises(AssertionError):
        compiled(PROTOCOL.format(pin=pin) + EXTEND)
    ages = "protocol ages\n  title Ages\n  uses demographics\n\ninclude adult\n"
    ages += "  > Adult\n  age >= 18 years\n"
    assert compiled(ages, policies(SITE)).digest == compiled(ages).digest
