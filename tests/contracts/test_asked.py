"""What is asked of a person, by the command line: rows, the form, answers, tables and fit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.contracts.command import ANSWERS_HEADER, DEMO, Json, run, written

PROTOCOL = """\
protocol asking
  title What no record says
  version 1.0
  uses demographics, performance, oncology.breast, consent

define frail_patient
  judged "frail", because frailty has no definition here

include signed
  > Sign the informed consent
  attested informed_consent

include adult
  > Age 18 years or older
  age >= 18 years

exclude crisis
  > Patients with visceral crisis
  judged "visceral crisis", because a clinician decides

include fit
  > Fit: ECOG 0-1, not frail, as the site sees it, and willing
  all of
    ecog <= 1
    not frail_patient
    opaque "fit as the site sees it", because the sentence names no limit
    attested "willing to come"
    not judged "frail", because somebody has to look
"""
PATIENT = DEMO / "ines_all_met.json"
FIT = "Fit: ECOG 0-1, not frail, as the site sees it, and willing"


def protocol(folder: Path) -> Path:
    return written(folder / "asking.elig", PROTOCOL)


def screened(folder: Path, patients: Path, *more: str | Path) -> list[Json]:
    done = run("screen", protocol(folder), patients, "--format", "json", *more)
    assert done.returncode == 0, done.stderr
    rows: list[Json] = json.loads(done.stdout)
    return rows


def test_what_each_criterion_rests_on_is_said_without_patients(tmp_path: Path) -> None:
    done = run("compile", protocol(tmp_path), "--to", "basis")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "asking 1.0, 4 criteria: 1 computed, 1 attested, 1 judged, 1 opaque",
        "",
        "include  signed  attested",
        "include  adult   computed",
        "exclude  crisis  judged",
        '    visceral_crisis: judged "visceral crisis", because a clinician decides',
        "include  fit     opaque",
        '    frail: judged "frail", because frailty has no definition here; somebody has to look',
        '    fit_as_the_site_sees_it: opaque "fit as the site sees it", '
        "because the sentence names no limit",
        '    willing_to_come: attested "willing to come"',
    ]


def test_a_row_says_what_each_criterion_rests_on_and_asks(tmp_path: Path) -> None:
    (row,) = screened(tmp_path, PATIENT)
    signed, adult, crisis, fit = row["criteria"]
    # A consent is attested, but a record holds it, so it is not asked.
    assert (signed["basis"], signed["asked"]) == ("attested", [])
    assert (adult["basis"], adult["asked"]) == ("computed", [])
    assert (crisis["basis"], crisis["asked"]) == (
        "judged",
        [
            {
                "id": "visceral_crisis",
                "text": "visceral crisis",
                "how": "judged",
                "because": "a clinician decides",
            }
        ],
    )
    assert fit["basis"] == "opaque"
    assert [(q["id"], q["how"], q["because"]) for q in fit["asked"]] == [
        ("frail", "judged", "frailty has no definition here; somebody has to look"),
        ("fit_as_the_site_sees_it", "opaque", "the sentence names no limit"),
        ("willing_to_come", "attested", ""),
    ]


def test_the_form_asks_with_the_sentence_and_answers_decide(tmp_path: Path) -> None:
    form = tmp_path / "form.csv"
    (before,) = screened(tmp_path, PATIENT, "--answers-form", form)
    assert before["eligibility"] == "undetermined"
    rows = list(csv.DictReader(form.open(encoding="utf-8")))
    assert {(r["reason"], r["expected"]) for r in rows} == {("absent", "yes or no")}
    assert [(r["element"], r["label"], r["criterion"]) for r in rows] == [
        ("fit_as_the_site_sees_it", "fit as the site sees it (opaque)", FIT),
        ("frail", "frail (judged)", FIT),
        ("visceral_crisis", "visceral crisis (judged)", "Patients with visceral crisis"),
        ("willing_to_come", "willing to come (attested)", FIT),
    ]
    said = {"fit_as_the_site_sees_it": "Yes", "frail": "no", "visceral_crisis": "no"}
    lines = [f"ines,{name},{value},Dr Ito,2026-10-29,visit" for name, value in said.items()]
    answers = written(tmp_path / "a.csv", "\n".join([ANSWERS_HEADER, *lines]))
    (half,) = screened(tmp_path, PATIENT, "--answers", answers)
    assert [c["gaps"] for c in half["criteria"]] == [[], [], [], ["willing_to_come"]]
    answers.write_text(
        "\n".join([ANSWERS_HEADER, *lines, "ines,willing_to_come,yes,nurse,2026-10-30,"]),
        encoding="utf-8",
    )
    (after,) = screened(tmp_path, PATIENT, "--answers", answers)
    assert after["eligibility"] == "eligible"
    assert [(a["element"], a["who"]) for a in after["attested"]] == [
        ("fit_as_the_site_sees_it", "Dr Ito"),
        ("frail", "Dr Ito"),
        ("visceral_crisis", "Dr Ito"),
        ("willing_to_come", "nurse"),
    ]


def test_an_answer_is_yes_or_no(tmp_path: Path) -> None:
    text = f"{ANSWERS_HEADER}\nines,visceral_crisis,perhaps,w,2026-10-29,\n"
    answers = written(tmp_path / "a.csv", text)
    done = run("screen", protocol(tmp_path), PATIENT, "--answers", answers)
    assert done.returncode == 1
    assert "`perhaps` is no value of it; expected is `yes` or `no`" in done.stderr


def test_a_column_of_a_table_answers_too(tmp_path: Path) -> None:
    written(tmp_path / "p.csv", "id,day,crisis\na,2026-10-30,Y\nb,2026-10-30,N\nc,2026-10-30,\n")
    mapping = written(
        tmp_path / "study.toml",
        '[[table]]\nfile = "p.csv"\nelement = "visceral_crisis"\n'
        'columns = { patient = "id", date = "day", index = "day", value = "crisis" }\n'
        'values = { Y = "yes", N = "no" }\n',
    )
    rows = screened(tmp_path, mapping)
    assert [row["criteria"][2]["outcome"] for row in rows] == ["met", "not_met", "unknown"]
    done = run("fit", protocol(tmp_path), mapping, "--format", "json")
    asked = {each["element"]: each for each in json.loads(done.stdout)["asked"]}
    assert asked["visceral_crisis"]["answered"] == 2
    assert asked["frail"]["answered"] == 0


def test_a_fit_lists_what_is_asked_apart_from_what_is_missing(tmp_path: Path) -> None:
    done = run("fit", protocol(tmp_path), DEMO, "--format", "json")
    report = json.loads(done.stdout)
    assert report["asked"][0] == {
        "element": "visceral_crisis",
        "text": "visceral crisis",
        "how": "judged",
        "criteria": ["crisis"],
        "answered": 0,
    }
    assert [each["element"] for each in report["asked"]] == [
        "visceral_crisis",
        "frail",
        "fit_as_the_site_sees_it",
        "willing_to_come",
    ]
    names = {each["element"] for each in (*report["elements"], *report["never"])}
    assert names.isdisjoint(each["element"] for each in report["asked"])
    for form in ("text", "html"):
        done = run("fit", protocol(tmp_path), DEMO, "--format", form)
        assert "Asked of a person" in done.stdout and "visceral crisis" in done.stdout
