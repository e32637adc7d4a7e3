"""A newer result that nothing reads is told wherever the verdict is; it decides nothing, but that
something is not recorded cannot be said beside it."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

from tests.contracts.command import run

PROTOCOL = """protocol counts
  title Counts
  uses labs

exclude too_few
  > Platelets below 100
  platelets < 100 10*9/L

include unknown_hemoglobin
  > No hemoglobin of the last month
  hemoglobin is not recorded within 1 month

include any_creatinine
  > No creatinine
  creatinine is not recorded
"""
NAME = "Platelets [#/volume] in Blood by Estimate"
SAID = f"{NAME} (49497-1, 2026-01-10), which resembles `platelets`"


def result(
    name: str, code: str, display: str, day: str, number: int, unit: str
) -> dict[str, object]:
    coding = {"system": "http://loinc.org", "code": code, "display": display}
    quantity = {"value": number, "system": "http://unitsofmeasure.org", "code": unit}
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"coding": [coding]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": day,
        "valueQuantity": quantity,
    }


def test_it_stands_beside_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "p.elig").write_text(PROTOCOL)
    resources = [
        {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1960-05-01"},
        result("old", "777-3", "", "2025-06-01", 250, "10*3/uL"),
        result("new", "49497-1", NAME, "2026-01-10", 40, "10*3/uL"),
        result("older", "778-1", "Platelets, manual", "2025-01-10", 40, "10*3/uL"),
        result("hb", "99999-9", "Hemoglobin", "2026-01-09", 9, "g/dL"),
        result("urine", "2161-8", "Creatinine [Mass/volume] in Urine", "2026-01-09", 9, "mg/dL"),
    ]  # fmt: skip
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}
    (tmp_path / "p1.json").write_text(json.dumps(bundle))
    asked = (tmp_path / "p.elig", tmp_path / "p1.json", "--as-of", "2026-01-15")
    row = json.loads(run("screen", *asked, "--format", "ndjson").stdout)
    counts, hemoglobin, creatinine = row["criteria"]
    assert counts["outcome"] == "not_met"
    assert counts["unread"] == [
        {
            "name": NAME,
            "code": "49497-1",
            "day": "2026-01-10",
            "resource": "Observation/new",
            "resembles": "platelets",
            "why": None,
        }
    ]
    assert hemoglobin["outcome"] == "unknown"
    assert hemoglobin["gap_details"] == [
        {"element": "hgb", "reason": "unreadable", "resource": "Observation/hb"}
    ]
    assert (creatinine["outcome"], creatinine["unread"]) == ("met", [])
    lines = (
        ("screen", *asked),
        ("screen", *asked, "--why"),
        ("explain", *asked, "--depth", "sentence"),
        ("explain", *asked, "--criterion", "too_few"),
        ("explain", *asked, "--format", "html"),
    )
    for command in lines:
        said = " ".join(run(*command).stdout.split())
        assert f"new, but not read: {SAID}" in unescape(said), command


def test_so_does_what_is_near_and_what_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "p.elig").write_text(
        "protocol p\n  title P\n  uses labs\n\nexclude low\n  > Creatinine of 2 or more\n"
        "  creatinine >= 2 mg/dL\n\nexclude few\n  > Platelets below 100\n"
        "  platelets < 100 10*9/L\n"
    )
    blood, count = "Creatinine in Blood", "Platelets"
    resources = [
        {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1960-05-01"},
        result("old", "2160-0", "", "2025-06-01", 1, "mg/dL"),
        result("before", "38483-4", blood, "2025-05-01", 3, "mg/dL"),
        result("blood", "38483-4", blood, "2025-12-01", 3, "mg/dL"),
        result("newer", "38483-4", blood, "2025-12-02", 4, "mg/dL"),
        result("counts", "777-3", count, "2025-06-01", 250, "10*3/uL"),
        {**result("early", "777-3", count, "2026-01-10", 40, "10*3/uL"), "status": "preliminary"},
        {**result("wrong", "777-3", count, "2026-01-10", 9, "10*3/uL"), "status": "cancelled"},
    ]  # fmt: skip
    issued = result("issued", "777-3", count, "2026-01-10", 40, "10*3/uL")
    issued["issued"] = issued.pop("effectiveDateTime")
    bundle = {"resourceType": "Bundle", "entry": [{"resource": e} for e in [*resources, issued]]}
    (tmp_path / "p1.json").write_text(json.dumps(bundle))
    asked = (tmp_path / "p.elig", tmp_path / "p1.json", "--as-of", "2026-01-15")
    row = json.loads(run("screen", *asked, "--format", "ndjson").stdout)
    low, few = row["criteria"]
    assert (low["outcome"], few["outcome"]) == ("not_met", "not_met")
    assert [(each["day"], each["why"]) for each in low["unread"]] == [("2025-12-02", "near")]
    assert [(each["resource"], each["why"]) for each in few["unread"]] == [
        ("Observation/early", "preliminary"),
        ("Observation/issued", "undated"),
    ]
    table = " ".join(run("screen", *asked).stdout.split())
    assert f"{blood} (38483-4, 2025-12-02), which is near `creatinine`" in table
    assert f"{count} (777-3, 2026-01-10), `platelets` of status `preliminary`" in table
    assert f"{count} (777-3, 2026-01-10), `platelets` without a date that counts" in table


def test_nothing_recorded_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "p.elig").write_text(PROTOCOL)
    patient = {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1960-05-01"}
    (tmp_path / "p1.json").write_text(json.dumps(patient))
    asked = (tmp_path / "p.elig", tmp_path / "p1.json", "--as-of", "2026-01-15")
    told = run("explain", *asked, "--criterion", "unknown_hemoglobin").stdout
    assert "finding: hemoglobin recorded within 1 month: no" in told
    assert "assumption: nothing is recorded of hemoglobin within 1 month" in told


def test_what_is_near_is_told_also_where_it_is_read_as_another_entry(tmp_path: Path) -> None:
    """An amount of hCG is read as that, which `pregnancy` asks for, and is news of the test."""
    (tmp_path / "p.elig").write_text(
        "protocol p\n  title P\n  uses pregnancy\n\n"
        "include tested\n  > Negative test\n  pregnancy_test is negative\n\n"
        "exclude pregnant\n  > Pregnant\n  pregnancy or hcg > 25 [IU]/L\n"
    )
    negative = {"coding": [{"system": "http://snomed.info/sct", "code": "260385009"}]}
    test = {**result("test", "2106-3", "", "2026-01-02", 0, "1"), "valueCodeableConcept": negative}
    del test["valueQuantity"]
    resources = [
        {"resourceType": "Patient", "id": "p1", "gender": "female"},
        test,
        result("amount", "21198-7", "hCG", "2026-01-10", 5000, "m[IU]/mL"),
    ]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}
    (tmp_path / "p1.json").write_text(json.dumps(bundle))
    asked = (tmp_path / "p.elig", tmp_path / "p1.json", "--as-of", "2026-01-15")
    tested, pregnant = json.loads(run("screen", *asked, "--format", "ndjson").stdout)["criteria"]
    assert (tested["outcome"], pregnant["outcome"]) == ("met", "met")
    assert [(each["code"], each["why"]) for each in tested["unread"]] == [("21198-7", "near")]
