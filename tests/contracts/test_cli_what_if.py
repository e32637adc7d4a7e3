"""`what-if`: what it writes, its errors and exit codes. Whether it is right is asked in
tests/differential."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocol_logic import Protocol
from tests.contracts.command import ANSWERS_HEADER, DEMO, PROTOCOL, Json, run, written

HANNE = DEMO / "hanne_haemoglobin_mmol.json"
INES = DEMO / "ines_all_met.json"


def report(*args: str | Path) -> Json:
    done = run("what-if", PROTOCOL, *args, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found: Json = json.loads(done.stdout)
    return found


def test_json_has_what_is_pinned() -> None:
    found = report(HANNE)
    assert found["eligibility"] == "ineligible"
    assert found["change_sets"] == [{"flip": ["hemoglobin >= 90 g/L"], "resolve": []}]
    [repair] = found["repairs"]
    assert (repair["cost"], repair["earliest"]) == (3, None)
    [change] = repair["changes"]
    told = {name: change[name] for name in ("finding", "from", "to", "kind", "earliest")}
    assert told == {
        "finding": "hemoglobin",
        "from": "5.58 mmol/L",
        "to": ">= 90 g/L",
        "kind": "treat",
        "earliest": None,
    }
    assert (found["complete"], found["gaps"]) == (True, [])
    assert found["immutable"] == []
    assert report(DEMO / "tomas_man.json")["immutable"] == ["sex"]
    assert found["changed"] is None


def test_each_repair_does_what_it_promises() -> None:
    robin = DEMO / "robin_sex_unknown.json"
    repairs = report(robin)["repairs"]
    assert len(repairs) == 3
    for repair in repairs:
        settings = [f"--set={c['finding']} is {c['to']}" for c in repair["changes"]]
        assert report(robin, *settings)["eligibility"] == "eligible"
        for left in range(len(settings)):
            fewer = settings[:left] + settings[left + 1 :]
            assert report(robin, *fewer)["eligibility"] != "eligible"


def test_what_is_set_is_told_against_the_record() -> None:
    found = report(HANNE, "--set", "hemoglobin is 95 g/L", "--set", "ecog is 2")
    assert found["set"] == ["hemoglobin is 95 g/L", "ecog is 2"]
    change = found["changed"]
    assert change["eligibility"] == {"before": "ineligible", "after": "ineligible"}
    verdicts = {
        each["id"]: (each["before"]["verdict"], each["after"]["verdict"])
        for each in change["criteria"]
    }
    assert verdicts == {"organ_function": ("fail", "pass"), "performance": ("pass", "fail")}
    text = run("what-if", PROTOCOL, HANNE, "--set", "hemoglobin is 95 g/L").stdout
    assert "hanne: ineligible -> eligible" in text


def test_another_day_is_told_against_the_record_s_own() -> None:
    found = report(INES, "--as-of", "2027-03-01")
    assert found["changed"]["about"][0] == {
        "name": "as_of",
        "before": "2026-10-30",
        "after": "2027-03-01",
    }
    assert (
        "nothing: all is as recorded, as of 2026-10-30 and 2027-03-01"
        in run("what-if", PROTOCOL, INES, "--as-of", "2027-03-01").stdout
    )
    assert report(INES, "--as-of", "2026-10-30")["changed"] is None


CLEARANCE = """\
protocol clearance
  title Clearance
  version 1.0
  uses demographics, labs

parameter min_clearance
  value 60 mL/min
  source A guess

include kidney
  > Clearance
  creatinine_clearance >= min_clearance
"""


def test_a_parameter_is_told_as_what_it_is(tmp_path: Path) -> None:
    wanda = DEMO / "wanda_creatinine_clearance.json"
    protocol = written(tmp_path / "c.elig", CLEARANCE)
    set_to = ("--parameter", "min_clearance is 200 mL/min")
    done = run("what-if", protocol, wanda, *set_to)
    told = done.stdout.partition("What that changes\n")[2].partition("\n\n")[0].splitlines()
    assert "  parameter min_clearance: 60 mL/min -> 200 mL/min" in told
    assert not any("text" in line for line in told)
    [condition] = (line for line in told if "creatinine_clearance >=" in line)
    assert "`creatinine_clearance >= min_clearance`: met (about 60.566 mL/min" in condition
    assert "-> not met (about 60.566 mL/min, about 139.434 mL/min below the limit)" in condition
    found = run("what-if", protocol, wanda, "--parameter", "min_clearance is 50 mL/min").stdout
    assert "  nothing: all is as recorded\n  parameter min_clearance: 60 mL/min -> 50" in found


def test_policies_are_told_against_none(tmp_path: Path) -> None:
    site = written(tmp_path / "site.elig", "policies site\n  title S\n\npolicy labs within 1 day\n")
    found = report(INES, "--policies", site)
    assert found["eligibility"] == "undetermined"
    assert found["changed"]["eligibility"] == {"before": "eligible", "after": "undetermined"}
    assert {c["kind"] for r in found["repairs"][:1] for c in r["changes"]} == {"obtain"}


def test_all_mistakes_of_what_is_set_are_told_at_once() -> None:
    wrong = (
        "hemoglobin is 95", "creatinine_clearance is 60 mL/min", "hemoglobn is 9 g/dL",
        "er = positive", "ecog is 1", "ecog is 0",
    )  # fmt: skip
    done = run("what-if", PROTOCOL, HANNE, *(f"--set={text}" for text in wrong))
    assert done.returncode == 2
    assert done.stdout == ""
    for told in (
        "`95` has no unit", "give what it rests on: `birth_date`", "did you mean `hemoglobin`?",
        "write `er is positive`", "`ecog` is set twice",
    ):  # fmt: skip
        assert told in done.stderr


def test_what_can_change_is_for_the_run_to_say() -> None:
    robin = DEMO / "robin_sex_unknown.json"
    found = report(robin, "--change", "menopausal_status never", "--change=obtain sex cost 9")
    changed = [{c["finding"]: c["cost"] for c in r["changes"]} for r in found["repairs"]]
    assert changed == [{"sex": 9, "gnrh_analogue": 4}, {"sex": 9, "oophorectomy": 6}]
    done = run("what-if", PROTOCOL, robin, "--change", "menopause never", "--change", "ecog better")
    assert done.returncode == 2
    assert "the name `menopause` is not defined" in done.stderr
    assert "this does not say how something can change" in done.stderr
    places = [line.strip() for line in done.stderr.splitlines() if " | " in line or "^" in line]
    assert places == ["1 | ecog better", "| ^^^^^^^^^^^", "1 | menopause never", "| ^^^^^^^^^"]


def test_what_would_help_and_is_not_offered_is_told() -> None:
    lucia = DEMO / "lucia_platelet_conflict.json"
    found = report(lucia, "--change", "plt never")
    assert not found["repairs"] and found["repairs_complete"]
    assert found["notes"] == [
        "`organ_function` would need platelets >= 80 10*9/L (conflicting: 104 10*9/L, 76 10*9/L), "
        "which is not offered: platelets is neither changed nor obtained"
    ]
    [note] = report(HANNE, "--change", "hemoglobin treat down")["notes"]
    assert note.endswith("which is not offered: hemoglobin changes down alone")


WASHOUT = """\
protocol washout
  title Washout
  version 1.0
  uses oncology.breast, drugs.antineoplastic

exclude washout
  > GnRH analogues within 28 days
  gnrh_analogue within 28 days
"""


def test_a_drug_is_stopped_today_and_the_time_after_it_is_waited_for(tmp_path: Path) -> None:
    meral = DEMO / "meral_goserelin_salvage.json"
    protocol = written(tmp_path / "w.elig", WASHOUT)
    asked = json.loads(run("what-if", protocol, meral, "--format", "json").stdout)
    first = asked["repairs"][0]
    assert (first["cost"], first["earliest"], asked["notes"]) == (5, "2026-11-25", [])
    changes = [(c["kind"], c["finding"], c["to"], c["earliest"]) for c in first["changes"]]
    assert changes == [
        ("treat", "gnrh_analogue", "stopped on 2026-10-28", None),
        ("wait", "gnrh_analogue within 28 days", "false", "2026-11-25"),
    ]
    record = "gnrh_analogue:MedicationAdministration/meral-goserelin"
    for stop in ("gnrh_analogue is stopped on 2026-10-28",
                 f"{record} is from 2025-10-13 to 2026-10-27"):  # fmt: skip
        for day, said in (("2026-11-24", "ineligible"), ("2026-11-25", "eligible")):
            done = run(
                "what-if", protocol, meral, "--as-of", day, "--set", stop, "--format", "json"
            )
            assert json.loads(done.stdout)["eligibility"] == said


def test_what_stopping_a_drug_brings_later_is_told_where_there_is_no_repair(tmp_path: Path) -> None:
    meral = DEMO / "meral_goserelin_salvage.json"
    man = "\ninclude man\n  > Men\n  sex is male\n"
    uses = "drugs.antineoplastic, demographics"
    text = WASHOUT.replace("drugs.antineoplastic", uses) + man
    protocol = written(tmp_path / "w.elig", text)
    asked = json.loads(run("what-if", protocol, meral, "--format", "json").stdout)
    assert asked["repairs"] == []
    assert asked["notes"][-1] == (
        "with gnrh_analogue stopped on 2026-10-28 `washout` passes from 2026-11-25 on"
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("stopped on 2026-11-31", "`2026-11-31` is no day of the calendar"),
        ("stopped on 2026-11-26", "2026-11-26 lies after 2026-11-25, so it does not count"),
        ("stopped on 2025-10-12", "no course of `gnrh_analogue` goes on on 2025-10-12"),
        ("stopped on Monday", "`stopped on Monday` is no value of it"),
    ],
)
def test_a_stop_is_of_a_day_on_which_the_drug_is_taken(
    tmp_path: Path, said: str, message: str
) -> None:
    meral = DEMO / "meral_goserelin_salvage.json"
    protocol = written(tmp_path / "w.elig", WASHOUT)
    setting = f"gnrh_analogue is {said}"
    done = run("what-if", protocol, meral, "--as-of", "2026-11-25", "--set", setting)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_name_that_no_criterion_reads_is_told() -> None:
    done = run("what-if", PROTOCOL, HANNE, "--set", "potassium is 4 mmol/L")
    assert done.returncode == 0
    assert "no criterion reads `potassium`, so it changes nothing" in done.stderr


def test_a_patient_with_nothing_recorded(tmp_path: Path) -> None:
    bare = {"resourceType": "Bundle", "type": "collection", "timestamp": "2026-01-15T00:00:00Z",
            "entry": [{"resource": {"resourceType": "Patient", "id": "p1"}}]}  # fmt: skip
    path = written(tmp_path / "p1.json", json.dumps(bare))
    asked = Protocol.load(PROTOCOL).cohort(path)["p1"].what_if()
    found = asked.data
    assert (found["eligibility"], found["change_sets"]) == ("undetermined", [])
    assert found["repairs"][0]["changes"]
    assert {c["from"] for c in found["repairs"][0]["changes"]} == {"unknown"}
    assert "all of these:" in str(asked)


@pytest.mark.parametrize("name", ["hanne_haemoglobin_mmol", "elena_alt_liver_unclear"])
def test_the_page_needs_no_network_and_shows_what_the_text_says(name: str) -> None:
    page = run("what-if", PROTOCOL, DEMO / f"{name}.json", "--format", "html").stdout
    assert "default-src 'none'" in page
    assert "<script" not in page and "http-equiv" in page
    assert page.count("<svg") == 1
    assert "What would make the patient eligible" in page
    assert ("&gt;= 90 g/L" if name.startswith("hanne") else "decides the case") in page


def test_what_is_set_is_escaped_on_the_page_and_made_visible_in_text() -> None:
    wild = 'hemoglobin is 95 g/L, ULN <b onclick="x">\u202e'
    done = run("what-if", PROTOCOL, HANNE, "--set", wild)
    assert done.returncode == 2
    assert "\u202e" not in done.stderr


def test_answers_count_and_what_is_set_counts_more(tmp_path: Path) -> None:
    rows = f"{ANSWERS_HEADER}\nhanne,hgb,95 g/L,Dr. A,2026-10-30,phone\n"
    answers = written(tmp_path / "answers.csv", rows)
    assert report(HANNE, "--answers", answers)["eligibility"] == "eligible"
    again = report(HANNE, "--answers", answers, "--set", "hemoglobin is 80 g/L")
    assert again["eligibility"] == "ineligible"


@pytest.mark.parametrize("patient", [[], ["--patient", "nobody"]])
def test_which_patient_has_to_be_said(patient: list[str]) -> None:
    done = run("what-if", PROTOCOL, DEMO, *patient)
    assert done.returncode == 2
    assert "there" in done.stderr


def test_the_order_of_sets_in_memory_changes_nothing() -> None:
    args = ("what-if", PROTOCOL, DEMO / "petra_labs_only.json", "--format", "json")
    first, second = (run(*args, env={"PYTHONHASHSEED": seed}).stdout for seed in "12")
    assert first == second
