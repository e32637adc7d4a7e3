"""`screen --answers` and `--answers-form`, and tables, as a person runs them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.command import (
    ANSWERS_HEADER,
    DEMO,
    PROTOCOL,
    bundle,
    renamed,
    run,
    written,
)


def test_answers_are_given_once(tmp_path: Path) -> None:
    """Of two files the first was dropped in silence."""
    one = written(tmp_path / "one.csv", f"{ANSWERS_HEADER}\n")
    two = written(tmp_path / "two.csv", f"{ANSWERS_HEADER}\n")
    result = run("screen", PROTOCOL, DEMO, "--answers", one, "--answers", two)
    assert result.returncode == 2
    assert "--answers is given 2 times; put the rows into one file" in result.stderr


def test_the_form_and_back(tmp_path: Path) -> None:
    form = tmp_path / "form.csv"
    before = run("screen", PROTOCOL, DEMO, "--answers-form", form, "--format", "json")
    assert before.returncode == 0
    rows = list(csv.DictReader(form.open(encoding="utf-8")))
    open_ = {
        r["patient"] for r in json.loads(before.stdout) if any(c["gaps"] for c in r["criteria"])
    }
    assert {row["patient"] for row in rows} == open_
    # not filled in, it is no answer
    again = run("screen", PROTOCOL, DEMO, "--answers", form, "--format", "json")
    assert again.stdout == before.stdout
    assert f"passed over: {len(rows)} rows of the answers without a value" in again.stderr
    (robin,) = [row for row in rows if row["patient"] == "robin"]
    filled = f"{ANSWERS_HEADER}\nrobin,{robin['element']},Female,nurse,2026-10-30,asked\n"
    answers = written(tmp_path / "answers.csv", filled)
    after = run(
        "screen", PROTOCOL, DEMO, "--answers", answers, "--answers-form", tmp_path / "left.csv",
        "--format", "json",
    )  # fmt: skip
    assert after.returncode == 0
    row = next(r for r in json.loads(after.stdout) if r["patient"] == "robin")
    assert [a["who"] for a in row["attested"]] == ["nurse"]
    assert not any(c["gaps"] for c in row["criteria"])
    left = list(csv.DictReader((tmp_path / "left.csv").open(encoding="utf-8")))
    assert left == [r for r in rows if r["patient"] != "robin"]


def test_bad_rows_are_told_and_the_others_count(tmp_path: Path) -> None:
    text = (
        f"\ufeff{ANSWERS_HEADER}\r\nrobin,gender,female,nurse,2026-10-30,asked\r\n"
        "petra,ecogg,1,,2026-10-30,\r\nquentin,ecog,1,nurse,2026-10-30,\r\n"
        "ines,ecog,1,nurse,2027-01-01,\r\n"
    )
    answers = written(tmp_path / "answers.csv", text)
    notes = tmp_path / "notes"
    done = run(
        "screen", PROTOCOL, DEMO, "--answers", answers, "--format", "json", "--problems", notes
    )
    assert done.returncode == 1
    rows = json.loads(done.stdout)
    assert len(rows) == 15
    assert [r["patient"] for r in rows if r["attested"]] == ["robin"]
    found = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    ours: list[tuple[Any, ...]] = [
        (n["code"], n["severity"], n["resource"], n["patient"])
        for n in found
        if "answers.csv" in str(n["file"])
    ]
    assert ours == [
        ("bad-answer", "error", "answers.csv:3", None),
        ("bad-answer", "error", "answers.csv:3", None),
        ("answer-not-used", "warning", "answers.csv:5", "ines"),
        ("other-patients", "warning", "answers.csv:4", None),
    ]
    assert "answers.csv:3:7" in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("patient;element\n", "its cells are separated by `;`, not by commas"),
        ("patient,element,value\n", "there is no column `who`"),
    ],
)
def test_a_file_that_is_no_answers_stops_all(tmp_path: Path, content: str, said: str) -> None:
    answers = written(tmp_path / "answers.csv", content)
    done = run("screen", PROTOCOL, DEMO, "--answers", answers)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "has errors, so nothing was done with it" in done.stderr


def test_options_that_cannot_be(tmp_path: Path) -> None:
    missing = run("screen", PROTOCOL, DEMO, "--answers", tmp_path / "answrs.csv")
    assert missing.returncode == 2
    assert "there is no file" in missing.stderr
    answers = written(tmp_path / "answers.csv", f"{ANSWERS_HEADER}\n")
    same = run("screen", PROTOCOL, DEMO, "--answers", answers, "--answers-form", answers)
    assert (same.returncode, answers.read_text(encoding="utf-8")) == (2, f"{ANSWERS_HEADER}\n")
    assert "--answers-form and --answers name the same file" in same.stderr


def test_a_form_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    named = renamed(bundle("robin_sex_unknown.json"), "=1+1")
    patient = written(tmp_path / "p.json", named)
    form = tmp_path / "form.csv"
    run("screen", PROTOCOL, patient, "--answers-form", form)
    (row,) = csv.DictReader(form.open(encoding="utf-8"))
    assert row["patient"] == "'=1+1"
    filled = f"{ANSWERS_HEADER}\n'=1+1,gender,female,nurse,2026-10-30,\n"
    answers = written(tmp_path / "answers.csv", filled)
    done = run("screen", PROTOCOL, patient, "--answers", answers, "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["attested"]


INFECTIONS = """\
protocol infections
  title Infections
  version 1.0
  uses infection, cardiology

exclude infected
  > Infection
  infection

exclude heart
  > Heart failure
  heart_failure
"""
KINDS = "covid_19 hepatitis_b hepatitis_c hiv_infection pneumocystis_pneumonia pneumonia sepsis"


def test_the_list_that_closes_gaps_comes_first(tmp_path: Path) -> None:
    """`infection` is closed by no list, its kinds are: the list settles them, and heart failure."""
    protocol = written(tmp_path / "infections.elig", INFECTIONS)
    patient, form = DEMO / "petra_labs_only.json", tmp_path / "form.csv"

    def screened(*answers: str) -> tuple[set[str], list[dict[str, str]]]:
        text = "".join(f"petra,{answer},nurse,2026-11-02,\n" for answer in answers)
        file = written(tmp_path / "answers.csv", f"{ANSWERS_HEADER}\n{text}")
        form.unlink(missing_ok=True)
        options = ("--answers", file, "--answers-form", form, "--format", "json")
        done = run("screen", protocol, patient, *options)
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout)
        gaps = {gap for criterion in row["criteria"] for gap in criterion["gaps"]}
        return gaps, list(csv.DictReader(form.open(encoding="utf-8")))

    gaps, rows = screened()
    assert {"heart_failure", "infection", *KINDS.split()} <= gaps
    # Kinds of a class that is asked for are not asked one by one.
    assert [r["element"] for r in rows] == ["problem_list", "heart_failure", "infection"]
    reason = rows[0]["reason"]
    assert reason.startswith("absent: settles heart_failure (and 6 kinds), ")
    assert reason.endswith(" and 4 more")
    assert " infection," not in reason
    assert rows[2]["label"] == "infection (and 11 kinds)"
    assert rows[2]["expected"].endswith("; never settles the kinds too")

    assert screened("problem_list,complete")[0] == {"infection"}
    assert screened("problem_list,complete", "infection,absent")[0] == set()
    assert screened("heart_failure,never", "infection,never")[0] == set()
    # Of a class alone `absent` says nothing of its kinds, so they are asked then.
    then = [r["element"] for r in screened("heart_failure,never", "infection,absent")[1]]
    assert then[0] == "problem_list"
    # Pneumocystis pneumonia is asked with pneumonia, whose kind it is.
    asked = set(KINDS.split()) - {"pneumocystis_pneumonia"}
    assert {"infection", *KINDS.split()} & set(then) == asked


def test_tables_are_screened_on_their_index_dates(tmp_path: Path) -> None:
    written(
        tmp_path / "mapping.toml",
        '[[table]]\nfile = "p.csv"\nelement = "sex"\n'
        'columns = { patient = "id", index = "day", value = "sex" }\n',
    )
    written(tmp_path / "p.csv", "id,day,sex\nb,2026-10-30,female\na,2026-10-29,male\nc,,female\n")
    for path in (tmp_path, tmp_path / "mapping.toml"):
        done = run("screen", PROTOCOL, path, "--format", "json")
        assert done.returncode == 1  # c has no day
        rows = json.loads(done.stdout)
        assert [(r["patient"], r["as_of"], r["as_of_source"]) for r in rows] == [
            ("b", "2026-10-30", "index"),
            ("a", "2026-10-29", "index"),
        ]
        assert "the tables give `c` no index date, or more than one" in done.stderr
    written(tmp_path / "mapping.toml", "[[table]]\n")
    done = run("screen", PROTOCOL, tmp_path, "--as-of", "2026-10-30", "--format", "json")
    assert (done.returncode, done.stdout) == (1, "[]\n")
    assert "error[bad-mapping]" in done.stderr
    (tmp_path / "mapping.toml").unlink()
    done = run("screen", PROTOCOL, tmp_path)
    assert "tables have a mapping.toml" in done.stderr
