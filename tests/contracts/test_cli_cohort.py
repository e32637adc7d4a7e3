"""`cohort` as people run it: exit codes, inputs that cannot be judged, strata, answers, scopes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.command import DEMO, PROTOCOL, bundle, renamed, run


def counted(*args: str | Path, code: int = 0) -> dict[str, Any]:
    done = run("cohort", *args, "--format", "json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    return counted(PROTOCOL, DEMO, "--by", "sex", "--by", "age", "--by", "m_category")


def test_the_demo_patients_are_counted_as_screen_judges_them(demo: dict[str, Any]) -> None:
    rows = json.loads(run("screen", PROTOCOL, DEMO, "--format", "json").stdout)
    said = [row["eligibility"] for row in rows]
    assert demo["eligibility"] == {w: said.count(w) for w in demo["eligibility"]}
    [part] = demo["parts"]
    for place, each in enumerate(part["influence"]):
        verdicts = [row["criteria"][place]["verdict"] for row in rows]
        assert [each["passed"], each["failed"], each["open"]] == [
            verdicts.count(word) for word in ("pass", "fail", "open")
        ]
    assert part["attrition"][-1]["certainly"] == said.count("eligible")
    assert part["attrition"][-1]["possibly"] == len(said) - said.count("ineligible")
    # Robin's sex is unknown: woman or premenopausal, no scenario lets both criteria pass.
    assert sum(step["jointly"] for step in part["attrition"]) == 1
    wanted = {tuple(each["elements"]): each["patients"] for each in part["missing_data"]["sets"]}
    gaps = [
        tuple(sorted({gap for c in row["criteria"] for gap in c["gaps"]}))
        for row in rows
        if row["eligibility"] == "undetermined"
    ]
    assert wanted == {each: gaps.count(each) for each in gaps}


def test_suggested_limits_hold_when_they_are_written_into_the_protocol(
    demo: dict[str, Any], tmp_path: Path
) -> None:
    [part] = demo["parts"]
    first = part["relaxations"][0]
    [condition] = first["conditions"]
    source = Path("kb/protocols") / PROTOCOL / f"{PROTOCOL}.elig"
    text = (Path(__file__).parents[2] / source).read_text(encoding="utf-8")
    assert text.count(condition["instead_of"]) == 1
    changed = tmp_path / "changed.elig"
    changed.write_text(
        text.replace(condition["instead_of"], condition["condition"]), encoding="utf-8"
    )
    assert counted(changed, DEMO)["eligibility"]["eligible"] == first["eligible"]


def test_strata_hold_everybody(demo: dict[str, Any]) -> None:
    assert [stratum["by"] for stratum in demo["strata"]] == ["sex", "age", "m_category"]
    for stratum in demo["strata"]:
        assert sum(each["patients"] for each in stratum["values"]) == demo["patients"]
        for word, number in demo["eligibility"].items():
            assert sum(each["eligibility"][word] for each in stratum["values"]) == number
    sexes = {each["value"]: each["patients"] for each in demo["strata"][0]["values"]}
    assert sexes == {"female": 13, "male": 1, "not known": 1}


def test_what_the_protocol_does_not_read_divides_it_too(tmp_path: Path) -> None:
    protocol = tmp_path / "adults.elig"
    protocol.write_text(
        "protocol adults\n  title Adults\n  version 1\n  uses demographics, performance, "
        "oncology.breast\n\ninclude adult\n  > Adults\n  age >= 18 years\n",
        encoding="utf-8",
    )
    found = counted(protocol, DEMO, "--by", "ecog", "--by", "er", "--by", "age")
    values = [{v["value"]: v["patients"] for v in by["values"]} for by in found["strata"]]
    assert values[0] == {"0": 5, "1": 9, "not known": 1}
    assert values[1] == {"positive": 14, "not known": 1}
    assert values[2] == {"40 to 49": 3, "50 to 59": 4, "60 to 69": 6, "70 to 79": 2}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sexx", "did you mean `sex`?"),
        ("hemoglobin", "has no values that one could count by"),
        ("birth_date", "has no values that one could count by"),
    ],
)
def test_what_divides_nothing_is_a_usage_error(name: str, hint: str) -> None:
    done = run("cohort", PROTOCOL, DEMO, "--by", name)
    assert done.returncode == 2
    assert hint in done.stderr
    assert done.stdout == ""


def test_a_bad_file_leaves_the_others_counted(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(bundle()), encoding="utf-8")
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    assert counted(PROTOCOL, tmp_path, code=1)["patients"] == 1


def test_who_stands_in_two_documents_is_counted_in_none(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps(bundle()), encoding="utf-8")
    other = renamed(bundle(), "other")
    (tmp_path / "other.json").write_text(json.dumps(other), encoding="utf-8")
    assert counted(PROTOCOL, tmp_path, code=1)["patients"] == 1
    assert counted(PROTOCOL, tmp_path, "--merge-patients")["patients"] == 2


def test_nobody(tmp_path: Path) -> None:
    done = run("cohort", PROTOCOL, tmp_path)
    assert done.returncode == 1
    assert "No patient was judged" in done.stdout
    assert "no-patient" in done.stderr
    assert counted(PROTOCOL, tmp_path, code=1)["as_of"] is None


def test_no_day_to_judge_on(tmp_path: Path) -> None:
    content = bundle()
    del content["timestamp"]
    (tmp_path / "one.json").write_text(json.dumps(content), encoding="utf-8")
    done = run("cohort", PROTOCOL, tmp_path)
    assert done.returncode == 2
    assert "--as-of" in done.stderr and "no-as-of" not in done.stderr
    assert counted(PROTOCOL, tmp_path, "--as-of", "2026-11-02")["patients"] == 1
    undated = [json.dumps(content).replace("ines", name) for name in ("ines", "anna")]
    dated = json.dumps(bundle()).replace("ines", "olga")
    (tmp_path / "one.json").unlink()
    (tmp_path / "some.ndjson").write_text("\n".join([*undated, dated]), encoding="utf-8")
    done = run("cohort", PROTOCOL, tmp_path)
    assert done.returncode == 1 and ", 1 patient, " in done.stdout
    assert done.stderr.count("error[no-as-of]") == 1
    assert "the bundle has no timestamp (2 patients)" in done.stderr


def test_scopes_are_counted_each_by_itself(tmp_path: Path) -> None:
    protocol = tmp_path / "arms.elig"
    protocol.write_text(
        "protocol arms\n  title Two arms\n  version 1\n  uses demographics, labs\n\n"
        "scope a\n  label Arm A\n\nscope b\n  label Arm B\n\n"
        "include adult\n  > Adults\n  age >= 18 years\n\n"
        "include blood\n  for b\n  > Hemoglobin\n  hemoglobin >= 100 g/L\n",
        encoding="utf-8",
    )
    a, b = counted(protocol, DEMO)["parts"]
    assert [a["scope"]["id"], b["scope"]["id"]] == ["a", "b"]
    assert [len(a["attrition"]), len(b["attrition"])] == [1, 2]
    assert a["eligibility"]["eligible"] == 15
    assert b["eligibility"]["ineligible"] == 1
    assert b["relaxations"][0]["conditions"][0]["condition"] == "hemoglobin >= 85 g/L"


def test_two_processes_count_as_one(demo: dict[str, Any]) -> None:
    names = ("--by", "sex", "--by", "age", "--by", "m_category", "--workers", "2")
    assert counted(PROTOCOL, DEMO, *names) == demo


def test_the_undetermined_are_ranked_by_what_settles_them() -> None:
    found = counted(PROTOCOL, DEMO, "--rank")
    ranked = found["ranked"]
    assert len(ranked) == found["eligibility"]["undetermined"] == 5
    assert [each["patient"] for each in ranked[:2]] == ["agnes", "lucia"]
    assert ranked[0]["elements"] == ["reference_range:tbil"]
    assert [each["cost"] for each in ranked] == sorted(each["cost"] for each in ranked)
    some = [next(DEMO.glob(f"{name}*.json")) for name in ("lucia", "agnes")]
    said = run("cohort", PROTOCOL, *some, "--rank").stdout
    assert said.index("1 agnes cost 1: reference_range:tbil") < said.index("2 lucia")
    page = run("cohort", PROTOCOL, *some, "--rank", "--format", "html").stdout
    assert 'id="ranked"' in page


def test_what_it_costs_to_have_something_is_for_the_run_to_say() -> None:
    changes = ("--change", "obtain liver_metastasis cost 9", "--change", "obtain platelets never")
    found = counted(PROTOCOL, DEMO, "--rank", *changes)["ranked"]
    costs = {each["patient"]: each["cost"] for each in found}
    assert costs == {"agnes": 1, "beate": 2, "elena": 9, "lucia": None, "petra": None}
    wrong = run("cohort", PROTOCOL, DEMO, "--rank", "--change", "obtain livr_metastasis cost 9")
    assert wrong.returncode == 2 and "did you mean `liver_metastasis`" in wrong.stderr
    alone = run("cohort", PROTOCOL, DEMO, *changes)
    assert alone.returncode == 2 and "add --rank" in alone.stderr


def test_without_rank_no_patient_is_named(demo: dict[str, Any]) -> None:
    assert demo["ranked"] is None
    assert "agnes" not in json.dumps(demo)
