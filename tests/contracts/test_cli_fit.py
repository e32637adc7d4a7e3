"""`fit`: what it writes and where, its errors and exit codes. How it counts and what it suggests is
in tests/unit/answering, how it is drawn in tests/unit/surfaces/test_fit_pages.py."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, PROTOCOL, bundle, renamed, run, written


@cache
def demo(form: str) -> subprocess.CompletedProcess[str]:
    return run("fit", PROTOCOL, DEMO, "--format", form)


def test_json_has_the_documented_keys() -> None:
    report = json.loads(demo("json").stdout)
    assert list(report) == [
        "protocol", "policies", "parameters", "summary", "as_of", "criteria", "elements", "asked",
        "never", "resources", "lists_open", "unmapped",
    ]  # fmt: skip
    assert list(report["elements"][0]) == [
        "element", "name", "kind", "part", "label", "criteria", "reported_as", "patients",
        "age_days", "resource_types", "codes", "units", "unread_values", "unread_values_capped",
        "suggestions", "look_alikes",
    ]  # fmt: skip
    assert list(report["never"][0]) == [
        "element", "name", "part", "why", "criteria", "open_for_all", "suggestions",
        "read_by",
    ]  # fmt: skip


def test_the_counts_add_up_and_agree_with_screening() -> None:
    report = json.loads(demo("json").stdout)
    rows = json.loads(run("screen", PROTOCOL, DEMO, "--format", "json").stdout)
    assert report["summary"]["patients"] == len(rows) == 15
    for number, criterion in enumerate(report["criteria"]):
        outcomes = [row["criteria"][number]["outcome"] for row in rows]
        for outcome in ("met", "not_met", "unknown"):
            assert criterion[outcome] == outcomes.count(outcome)
    for element in report["elements"]:
        patients = element["patients"]
        assert patients["recorded"] == patients["usable"] + sum(patients["not_usable"].values())
    assert sum(account["total"] for account in report["resources"]) == sum(
        row["resources"]["total"] for row in rows
    )


def test_all_forms_say_the_same_and_nothing_else(tmp_path: Path) -> None:
    for form in ("text", "json", "html"):
        assert (demo(form).returncode, demo(form).stderr) == (0, "")
    for form in ("text", "html"):
        assert "reference_range:tbil" in demo(form).stdout
        assert "What these records never say" in demo(form).stdout
    assert run("fit", PROTOCOL, DEMO, "-o", tmp_path / "fit.txt").stdout == ""
    assert (tmp_path / "fit.txt").read_text(encoding="utf-8") == demo("text").stdout


def test_what_cannot_be_counted_is_told_and_the_rest_counted(tmp_path: Path) -> None:
    written(tmp_path / "bad.json", "{")
    written(tmp_path / "once.json", bundle())
    written(tmp_path / "twice.json", bundle())
    written(tmp_path / "unclear.json", renamed(bundle(), "a\u202eb"))
    done = run("fit", PROTOCOL, tmp_path, "--format", "json", "--as-of", "2000-01-01")
    assert done.returncode == 1
    for code in ("not-readable", "duplicate-patient", "unclear-id"):
        assert done.stderr.count(f"error[{code}]") == 1
    assert "each of its bundles is counted as a patient here" in done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["patients"] == 2
    # The day that is asked for goes before that of the bundle.
    assert report["as_of"] == {
        "first": "2000-01-01",
        "last": "2000-01-01",
        "patients_without": 0,
    }
    (hgb,) = [e for e in report["elements"] if e["element"] == "hgb"]
    assert hgb["patients"]["not_usable"] == {"later": 2}
    # Nothing of the patient whose id cannot be seen is counted.
    of_one = json.dumps(bundle()).count('"code": "718-7"')
    assert of_one > 0
    assert [code["resources"] for code in hgb["codes"]] == [2 * of_one]


def test_nobody_to_count(tmp_path: Path) -> None:
    done = run("fit", PROTOCOL, tmp_path)
    assert done.returncode == 1
    assert "error[no-patient]" in done.stderr
    assert "There is no patient" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([PROTOCOL, "nowhere"], "there is no file or folder `nowhere`"),
        ([PROTOCOL, "x", "--format", "pdf"], "'pdf' is not one of"),
        ([PROTOCOL, str(DEMO), "-o", "/"], "cannot be written"),
    ],
)
def test_usage(args: list[str], said: str) -> None:
    done = run("fit", *args)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


MAPPING = """
[[table]]
file = "lab.csv"
columns = { patient = "id", value = "hb", unit = "unit", date = "day", index = "seen" }
element = "hemoglobin"
units = { "g/dl" = "g/dL", "g/l" = "g/L" }
"""


def test_tables_are_counted_without_codes(tmp_path: Path) -> None:
    written(tmp_path / "mapping.toml", MAPPING)
    rows = [
        "id,hb,unit,day,seen",
        "a,12,g/dl,2026-10-01,2026-10-11",  # 10 days old
        "b,120,g/l,2026-10-01,2026-10-02",  # 1 day old
        "c,9000,g/l,2026-10-01,2026-10-02",
    ]
    written(tmp_path / "lab.csv", "\n".join(rows) + "\n")
    done = run("fit", PROTOCOL, tmp_path / "mapping.toml", "--format", "json")
    report = json.loads(done.stdout)
    (hgb,) = [e for e in report["elements"] if e["element"] == "hgb"]
    assert hgb["patients"]["usable"] == 2
    assert hgb["patients"]["not_usable"] == {"implausible-value": 1}
    assert hgb["age_days"] == {"patients": 2, "min": 1, "median": 1, "max": 10}
    assert {unit["unit"]: unit["resources"] for unit in hgb["units"]} == {"g/L": 2, "g/dL": 1}
    assert (hgb["codes"], hgb["resource_types"]) == ([], {"lab.csv": 3})
    assert report["never"][0]["why"] == "no row of the tables speaks of it"
