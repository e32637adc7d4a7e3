"""What no entry knows keeps a list of the record from closing its kind; a person closes over it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from protocol_logic.answering.fit.codes import Coded, Seen
from protocol_logic.answering.fit.pasted import entries_to_paste, known_systems
from protocol_logic.pipeline import Compiled, findings_of
from protocol_logic.reasoning.engine import Engine
from protocol_logic.records.facts import Closed
from tests.differential.trials import compiled, record_of

TEXT = """\
protocol example
  title Example
  version 1.0
  uses drugs.antineoplastic, transplantation

exclude treated
  > Chemotherapy
  history of chemotherapy
"""
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
PROPOFOL = (RXNORM, "1808217")
AS_OF = date(2026, 1, 15)


def judged(found: Compiled, code: tuple[str, str] | None, day: str = "2025-11-03") -> Any:
    """The decision about a patient with a complete list and one medication beside it."""
    system, number = code or ("", "")
    about = {"subject": {"reference": "Patient/p"}}
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p"},
        {
            "resourceType": "List", "id": "l", "status": "current", "mode": "snapshot",
            "code": {"coding": [{"system": "http://loinc.org", "code": "10160-0"}]},
            "date": "2026-01-10", **about,
        },
        {
            "resourceType": "MedicationStatement", "id": "m", "status": "active",
            "medicationCodeableConcept": {
                "coding": [{"system": system, "code": number, "display": "Propofol"}]
            },
            "effectivePeriod": {"start": day}, **about,
        },
    ]  # fmt: skip
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in resources if code or each["id"] != "m"],
    }
    record = record_of(found, json.dumps(bundle))
    return record, Engine(found.protocol, found.plan, found.program).decide(
        findings_of(found, record, AS_OF)
    )


@pytest.mark.parametrize(
    ("code", "day", "outcome"),
    [
        (None, "", "not_met"),
        (PROPOFOL, "2025-11-03", "unknown"),
        (PROPOFOL, "long ago", "unknown"),
        (PROPOFOL, "2026-01", "unknown"),
        (PROPOFOL, "2026-01-16", "not_met"),  # not seen yet
        ((NDC, "00054472525"), "2025-11-03", "unknown"),
        ((RXNORM, "8640"), "2025-11-03", "not_met"),  # prednisone, known elsewhere
    ],
)
def test_a_list_of_the_record_closes_only_what_it_can(
    code: tuple[str, str] | None, day: str, outcome: str
) -> None:
    _, decision = judged(compiled(TEXT), code, day)
    assert decision.criteria[0].outcome == outcome
    if outcome == "unknown":
        gaps = decision.criteria[0].gaps
        assert [(gap.reason, gap.resource) for gap in gaps] == [
            ("not_closed", "MedicationStatement/m")
        ]


def test_a_person_closes_over_it() -> None:
    found = compiled(TEXT)
    record, _ = judged(found, PROPOFOL)
    said = [
        replace(fact, resource="answers.csv:2", reading=Closed())
        for fact in record.facts
        if isinstance(fact.reading, Closed)
    ]
    record = replace(record, facts=(*record.facts, *said))
    findings = findings_of(found, record, AS_OF)
    decision = Engine(found.protocol, found.plan, found.program).decide(findings)
    assert decision.criteria[0].outcome == "not_met"
    assert findings.kept_open == {}


def test_what_fit_prints_makes_a_code_known() -> None:
    keys = (PROPOFOL, (NDC, "00054472525"))
    codes = [(Coded("Medication", *key), Seen()) for key in keys]
    for _, seen in codes:
        seen.names.add('Propofol "10 MG/ML"')
    pasted = "\n\n".join(each["entry"] for each in entries_to_paste(codes, known_systems()))
    found = compiled(f"{TEXT}\n{pasted}\n")
    for code in keys:
        assert judged(found, code)[1].criteria[0].outcome == "not_met"
    assert found.digest != compiled(TEXT).digest
