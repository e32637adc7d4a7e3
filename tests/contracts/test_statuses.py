"""What docs/records.md says of each status of a resource is what becomes of it beside a complete
list, and beside an older result."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from protocol_logic.records.resources import ROWS
from tests.contracts.command import run

PAGE = Path(__file__).parents[2] / "docs" / "records.md"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
PROTOCOL = """protocol statuses
  title Statuses
  uses demographics, cardiology, drugs.cardiac, labs

exclude medication
  > a
  antihypertensive in effect

exclude history
  > b
  history of antihypertensive

exclude condition
  > c
  heart_failure

exclude procedure
  > d
  history of coronary_stent

exclude observation
  > e
  creatinine > 1.5 mg/dL
"""
# What the page says -> the outcome of the criteria about the resource, and where it is named.
SAYS = {
    "a result": ("met", ""),
    "no result; told at the verdict where it is as new as the result that counts, or newer": (
        "not_met",
        "unread",
    ),
    "nothing": ("not_met", ""),
    "nothing; told beside a list": ("not_met", "passed_over"),
    "taken, and in effect without an end": ("met", ""),
    "taken, and over": ("over", ""),
    "ordered: no list closes its class": ("unknown", ""),
    "done": ("met", ""),
    "present, or absent, as its clinicalStatus says": ("met", ""),
    "open": ("unknown", ""),
    "absent": ("not_met", ""),
}


def rows() -> list[tuple[str, str | None, str]]:
    """The resource, the status and what it says, of each line of the table."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("## What a status says\n")
    table = rest.partition("\n## ")[0]
    found: list[tuple[str, str | None, str]] = []
    for line in (line for line in table.splitlines() if line.startswith("| ")):
        kind, statuses, says = (cell.strip() for cell in line.strip("|").split("|"))
        found += [(kind, status, says) for status in re.findall(r"`([a-z-]+)`", statuses)]
        found += [(kind, None, says)] if re.search(r"\bnone\b", statuses) else []
    return found


def coded(system: str, code: str) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code}]}


def creatinine(value: int, day: str) -> dict[str, Any]:
    quantity = {"value": value, "system": "http://unitsofmeasure.org", "code": "mg/dL"}
    about = {"resourceType": "Observation", "code": coded(LOINC, "2160-0")}
    return {**about, "effectiveDateTime": day, "valueQuantity": quantity}


def resource(kind: str, status: str | None) -> dict[str, object]:
    drug: dict[str, object] = {"medicationCodeableConcept": coded(RXNORM, "29046")}
    taken = {**drug, "effectivePeriod": {"start": "2026-10-01"}}
    said: dict[str, dict[str, object]] = {
        "Observation": creatinine(2, "2026-10-20"),
        "MedicationStatement": taken,
        "MedicationAdministration": taken,
        "MedicationRequest": {**drug, "intent": "order", "authoredOn": "2026-10-01"},
        "MedicationDispense": {**drug, "whenHandedOver": "2026-10-01"},
        "Procedure": {"code": coded(SNOMED, "36969009"), "performedDateTime": "2026-10-01"},
        "Condition": {"code": coded(SNOMED, "84114007"), "recordedDate": "2026-10-01"},
    }
    path = "verificationStatus" if kind == "Condition" else "status"
    verification = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    value = coded(verification, status) if kind == "Condition" and status else status
    return {**said[kind], "resourceType": kind, "id": "x", **({path: value} if status else {})}


def bundle(number: int, told: dict[str, object]) -> str:
    of = {"reference": f"Patient/p{number}"}
    lists = [
        {
            "resourceType": "List",
            "status": "current",
            "mode": "snapshot",
            "code": coded(LOINC, code),
            "date": "2026-11-01",
        }
        for code in ("11450-4", "10160-0", "47519-4")
    ]
    older = {**creatinine(1, "2026-10-01"), "status": "final"}
    patient = {"resourceType": "Patient", "id": f"p{number}"}
    entry = [{"resource": {**part, "subject": of}} for part in (*lists, older, told)]
    entry.insert(0, {"resource": patient})
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry})


@pytest.fixture(scope="module")
def got(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str | None], tuple[str, str]]:
    folder = tmp_path_factory.mktemp("statuses")
    (folder / "p.elig").write_text(PROTOCOL)
    cases = [(kind, status) for kind, status, _ in rows()]
    (folder / "p.ndjson").write_text(
        "\n".join(bundle(n, resource(*case)) for n, case in enumerate(cases))
    )
    done = run(
        "screen", folder / "p.elig", folder / "p.ndjson",
        "--as-of", "2026-11-02", "--format", "ndjson",
    )  # fmt: skip
    found = {}
    for line in map(json.loads, done.stdout.splitlines()):
        case = cases[int(line["patient"][1:])]
        criteria = {each["id"]: each for each in line["criteria"]}
        mine = [criteria[name] for name in criteria if name == case[0].lower()] or [
            criteria["medication"],
            criteria["history"],
        ]
        outcomes = [each["outcome"] for each in mine]
        over = outcomes == ["not_met", "met"]
        assert over or len(set(outcomes)) == 1, case
        named = [where for where in ("passed_over", "unread") if any(each[where] for each in mine)]
        found[case] = ("over" if over else outcomes[0], "".join(named))
    return found


def test_each_status_says_what_the_page_tells(
    got: dict[tuple[str, str | None], tuple[str, str]],
) -> None:
    told = {(kind, status): SAYS[says] for kind, status, says in rows()}
    assert got == told


def test_the_page_has_each_status_that_counts() -> None:
    told = {(kind, status) for kind, status, _ in rows()}
    kinds = {kind for kind, _ in told}
    assert len(kinds) == 7
    for kind in kinds:
        assert {(kind, status) for status in ROWS[kind].statuses or ()} <= told
