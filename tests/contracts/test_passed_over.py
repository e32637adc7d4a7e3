"""What a complete list passes over is told wherever its verdict is: tables, reasons, rows."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

from tests.contracts.command import run

PROTOCOL = """protocol pressure
  title Blood pressure
  uses drugs.cardiac, drugs.infection

exclude treated
  > Takes a medication against high blood pressure
  antihypertensive in effect

exclude infected
  > Takes an antibiotic
  antibiotic in effect
"""
SAID = "Captopril 25 MG Oral Tablet, which resembles `antihypertensive`"


def record(*more: dict[str, object]) -> dict[str, object]:
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    coding = {"system": rxnorm, "code": "833036", "display": "Captopril 25 MG Oral Tablet"}
    resources = [
        {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1960-05-01"},
        {
            "resourceType": "MedicationStatement",
            "id": "m1",
            "status": "active",
            "medicationCodeableConcept": {"coding": [coding]},
            "subject": {"reference": "Patient/p1"},
            "effectivePeriod": {"start": "2025-11-03"},
        },
        *more,
    ]
    entry = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entry}


def test_it_stands_beside_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "p.elig").write_text(PROTOCOL)
    patient, answers = tmp_path / "p1.json", tmp_path / "a.csv"
    patient.write_text(json.dumps(record()))
    answers.write_text(
        "patient,element,value,who,when,source\n"
        "p1,medication_history,complete,A Nurse,2026-01-10,asked\n"
    )
    asked = (tmp_path / "p.elig", patient, "--as-of", "2026-01-15", "--answers", answers)
    row = json.loads(run("screen", *asked, "--format", "ndjson").stdout)
    first, second = row["criteria"]
    assert (first["verdict"], second["verdict"]) == ("pass", "pass")
    assert first["passed_over"] == [
        {
            "name": "Captopril 25 MG Oral Tablet",
            "code": "833036",
            "resource": "MedicationStatement/m1",
            "resembles": "antihypertensive",
            "status": None,
        }
    ]
    assert second["passed_over"] == []
    lines = (
        ("screen", *asked),
        ("screen", *asked, "--why"),
        ("explain", *asked, "--depth", "sentence"),
        ("explain", *asked, "--depth", "tree"),
        ("explain", *asked, "--criterion", "treated"),
        ("explain", *asked, "--format", "html"),
    )
    for command in lines:
        said = " ".join(run(*command).stdout.split())
        assert f"complete list passes over: {SAID}" in unescape(said), command
    second_patient = {"resourceType": "Patient", "id": "p2", "gender": "male"}
    (tmp_path / "p2.json").write_text(json.dumps(second_patient))
    many = run("screen", asked[0], tmp_path / "p2.json", *asked[1:]).stdout
    assert f"complete list passes over: {SAID}" in " ".join(many.split())
    # Where no list closes, nothing is passed over.
    without = json.loads(run("screen", *asked[:4], "--format", "ndjson").stdout)
    assert [c["passed_over"] for c in without["criteria"]] == [[], []]


def test_what_no_entry_knows_is_counted_beside_a_list_of_a_person(tmp_path: Path) -> None:
    (tmp_path / "p.elig").write_text(PROTOCOL)
    patient, answers = tmp_path / "p1.json", tmp_path / "a.csv"
    bundle = record()
    entries = bundle["entry"]
    assert isinstance(entries, list)
    coding = entries[1]["resource"]["medicationCodeableConcept"]["coding"][0]
    coding["display"] = "A new product"
    patient.write_text(json.dumps(bundle))
    answers.write_text(
        "patient,element,value,who,when,source\n"
        "p1,medication_history,complete,A Nurse,2026-01-10,asked\n"
    )
    (tmp_path / "p2.json").write_text(json.dumps({"resourceType": "Patient", "id": "p2"}))
    asked = ("--as-of", "2026-01-15", "--answers", answers)
    for patients in ([patient], [patient, tmp_path / "p2.json"]):
        for more in ((), ("--why",)):
            said = run("screen", tmp_path / "p.elig", *patients, *asked, *more).stdout
            told = "complete list passes over: 1 medication that no entry knows"
            assert told in " ".join(said.split()), (patients, more)
