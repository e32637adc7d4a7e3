"""`screen --why`: the reasons in every format, the same as `explain` gives."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, PROTOCOL, run, written


def rows(*more: str) -> list[dict[str, object]]:
    done = run("screen", PROTOCOL, DEMO, "--why", "--format", "json", *more)
    assert done.returncode == 0
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_each_row_says_what_explain_says() -> None:
    for row in rows():
        if row["patient"] not in ("carla", "hanne", "petra", "robin", "dorota"):
            continue
        patient = str(row["patient"])
        [file] = DEMO.glob(f"{patient}_*.json")
        said = run("explain", PROTOCOL, file, "--depth", "sentence").stdout
        assert row["why"] == said.rstrip("\n")
        for criterion in row["criteria"]:  # type: ignore[attr-defined]
            assert (criterion["why"] is None) == (criterion["verdict"] == "pass")
            if criterion["why"]:
                words = {"fail": "fails", "open": "is open"}[criterion["verdict"]]
                asked = ("--criterion", criterion["id"], "--depth", "sentence")
                said = run("explain", PROTOCOL, file, *asked).stdout
                assert said == f"{criterion['id']} {words}: {criterion['why']}\n"


def test_csv_and_table_have_the_reasons() -> None:
    text = run("screen", PROTOCOL, DEMO, "--why", "--format", "csv").stdout
    reasons = {(r["patient"], r["criterion"]): r["why"] for r in csv.DictReader(io.StringIO(text))}
    wanted = "hemoglobin 5.58 mmol/L = 89.91612 g/L on 2026-10-27 is below 90 g/L"
    assert reasons["hanne", "organ_function"].startswith(wanted)
    assert reasons["hanne", "performance"] == ""
    for inputs in (DEMO, DEMO / "hanne_haemoglobin_mmol.json"):
        table = " ".join(run("screen", PROTOCOL, inputs, "--why").stdout.split())
        assert wanted in table


def test_without_it_rows_are_as_they_were() -> None:
    row = json.loads(run("screen", PROTOCOL, DEMO, "--format", "ndjson").stdout.splitlines()[0])
    assert "why" not in row and "why" not in row["criteria"][0]


LIPIDS = """protocol lipids
  title Lipids
  uses demographics, labs, labs.metabolism

include low
  > HDL below 50 mg/dL in women, below 40 mg/dL in men
  hdl_cholesterol < 40 mg/dL, but < 50 mg/dL if sex is female
"""


@pytest.mark.parametrize(("gender", "limit"), [("male", 40), ("female", 50)])
def test_the_limit_that_is_the_patients_is_named_alone(
    tmp_path: Path, gender: str, limit: int
) -> None:
    (tmp_path / "lipids.elig").write_text(LIPIDS)
    result = {
        "resourceType": "Observation",
        "id": "hdl",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2085-9"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-01-03",
        "valueQuantity": {
            "value": 68.41179392987098,
            "system": "http://unitsofmeasure.org",
            "code": "mg/dL",
        },
    }
    patient = {"resourceType": "Patient", "id": "p1", "gender": gender, "birthDate": "1960-05-01"}
    entry = [{"resource": each} for each in (patient, result)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entry}
    record = written(tmp_path / "p1.json", bundle)
    asked = (tmp_path / "lipids.elig", record, "--as-of", "2026-01-15")
    row = json.loads(run("screen", *asked, "--why", "--format", "ndjson").stdout)
    gap = f"{68 - limit}.41179392987098"
    why_not_the_other = "; `sex is female` does not hold: sex male" if gender == "male" else ""
    assert row["criteria"][0]["why"] == (
        "HDL cholesterol 68.41179392987098 mg/dL on 2026-01-03 is at least "
        f"{limit} mg/dL ({gap} mg/dL above the limit){why_not_the_other}"
    )
    # For people the digits are fewer, and only the limit of this patient has a margin.
    told = " ".join(run("screen", *asked, "--why").stdout.split())
    assert f"about 68.412 mg/dL on 2026-01-03 is at least {limit} mg/dL (about" in told
    margins = run("what-if", *asked).stdout.partition("How far")[2]
    assert f"hdl_cholesterol < {limit} mg/dL: about 68.412 mg/dL, about {68 - limit}.412" in margins
    assert margins.count("hdl_cholesterol") == 1
