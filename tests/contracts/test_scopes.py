"""Scopes by the command line: examples that expect of one, and the row of a patient."""

from __future__ import annotations

import json
from pathlib import Path

from tests.contracts.command import DEMO, run, written

PROTOCOL = """\
protocol cohorts
  title Two cohorts
  version 1.0
  language 1
  uses demographics, labs

scope refractory
  label Cohort A: refractory to the first line
scope intolerant
  label Cohort B: intolerant of the first line

include adult
  > Age 18 years or older
  age >= 18 years

include progressed
  for refractory
  > Cohort A: progressed on the first line
  judged "progressed on the first line"

include stopped
  for intolerant
  > Cohort B: stopped the first line for its toxicity, and hemoglobin at least 80
  attested "stopped for toxicity" and hemoglobin >= 80 g/L

example stopped for toxicity
  given age is 30 years
  given hemoglobin is 90 g/L
  given stopped_for_toxicity is yes
  given progressed_on_the_first_line is no
  expect refractory ineligible because progressed
  expect intolerant eligible
  expect eligibility eligible

example nobody asked
  given age is 30 years
  given hemoglobin is 70 g/L
  expect refractory undetermined because progressed
  expect intolerant ineligible because stopped
  expect eligibility undetermined
"""


def test_examples_expect_of_a_scope(tmp_path: Path) -> None:
    path = written(tmp_path / "cohorts.elig", PROTOCOL)
    done = run("test", path)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = PROTOCOL.replace("expect intolerant eligible", "expect intolerant undetermined")
    done = run("test", written(tmp_path / "wrong.elig", wrong))
    assert done.returncode == 1
    assert "intolerant" in done.stdout and "eligible" in done.stdout
    mistaken = PROTOCOL.replace("expect intolerant eligible", "expect intolerent eligible")
    done = run("check", written(tmp_path / "mistaken.elig", mistaken))
    assert done.returncode == 1
    assert "did you mean `intolerant`?" in done.stdout + done.stderr


def test_a_row_has_each_scope_with_the_criteria_that_are_for_it(tmp_path: Path) -> None:
    path = written(tmp_path / "cohorts.elig", PROTOCOL)
    done = run("screen", path, DEMO / "ines_all_met.json", "--format", "json")
    (row,) = json.loads(done.stdout)
    assert row["scopes"] == [
        {
            "id": name,
            "label": label,
            "eligibility": "undetermined",
            "decided_jointly": [],
        }
        for name, label in (
            ("refractory", "Cohort A: refractory to the first line"),
            ("intolerant", "Cohort B: intolerant of the first line"),
        )
    ]
    assert [c["scopes"] for c in row["criteria"]] == [[], ["refractory"], ["intolerant"]]
    other = written(tmp_path / "other.elig", PROTOCOL.replace("Cohort A: refr", "Arm A: refr"))
    done = run("screen", other, DEMO / "ines_all_met.json", "--format", "json")
    (changed,) = json.loads(done.stdout)
    assert changed["protocol"]["digest"] != row["protocol"]["digest"]
