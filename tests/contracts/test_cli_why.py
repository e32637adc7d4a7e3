"""`screen --why`: the reasons in every format, the same as `explain` gives."""

from __future__ import annotations

import csv
import io
import json

from tests.contracts.command import DEMO, PROTOCOL, run


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
        said = run("explain", PROTOCOL, DEMO, "--patient", patient, "--depth", "sentence").stdout
        assert row["why"] == said.rstrip("\n")
        for criterion in row["criteria"]:  # type: ignore[attr-defined]
            assert (criterion["why"] is None) == (criterion["verdict"] == "pass")
            if criterion["why"]:
                words = {"fail": "fails", "open": "is open"}[criterion["verdict"]]
                asked = ("--criterion", criterion["id"], "--depth", "sentence")
                said = run("explain", PROTOCOL, DEMO, "--patient", patient, *asked).stdout
                assert said == f"{criterion['id']} {words}: {criterion['why']}\n"


def test_workers_change_nothing() -> None:
    assert rows("--workers", "1") == rows("--workers", "2")


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
