"""`new`: from a record or a text to a protocol file that `check` takes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.contracts.command import COMMAND, DEMO, environment, run

TEXT = "Inclusion Criteria:\n* Adults\n\nExclusion Criteria:\n* Pregnancy\n"


def test_a_text_becomes_a_file_with_to_dos(tmp_path: Path) -> None:
    (tmp_path / "NCT01234567.txt").write_text(TEXT, encoding="utf-8")
    done = run("new", "NCT01234567.txt", "-o", "trial.elig", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "2 criteria, all to do; nothing of the text was understood\n"
    text = (tmp_path / "trial.elig").read_text(encoding="utf-8")
    assert text.startswith("protocol trial\n") and "registry NCT01234567" in text
    checked = run("check", "trial.elig", "--format", "json", cwd=tmp_path)
    assert checked.returncode == 0
    assert [p["code"] for p in json.loads(checked.stdout)] == ["to-do", "to-do"]
    assert run("format", "--check", "trial.elig", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("output", "called"),
    [
        ("the_trial_of_ours.elig", "the_trial_of_ours"),
        ("My Trial-2.elig", "my_trial_2"),
        # no name can begin so
        ("2026.elig", "nct01234567"),
        ("or.elig", "or"),
    ],
)
def test_the_protocol_is_called_as_the_file_is(tmp_path: Path, output: str, called: str) -> None:
    (tmp_path / "NCT01234567.txt").write_text(TEXT, encoding="utf-8")
    assert run("new", "NCT01234567.txt", "-o", output, cwd=tmp_path).returncode == 0
    text = (tmp_path / output).read_text(encoding="utf-8")
    assert text.startswith(f"protocol {called}\n")
    assert run("check", output, cwd=tmp_path).returncode == 0
    assert run("new", "NCT01234567.txt", cwd=tmp_path).stdout.startswith("protocol nct01234567\n")


def test_screening_says_that_something_is_to_do(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT, encoding="utf-8")
    assert run("new", "t.txt", "-o", "t.elig", cwd=tmp_path).returncode == 0
    ines = DEMO / "ines_all_met.json"
    done = run("screen", "t.elig", ines, "--format", "json", cwd=tmp_path)
    assert done.returncode == 0
    assert "t.elig: 2 conditions still to be written\n" in done.stderr
    (row,) = json.loads(done.stdout)
    assert row["eligibility"] == "undetermined"
    told = [(c["basis"], c["outcome"], c["gaps"]) for c in row["criteria"]]
    assert told == [("todo", "unknown", [f"todo:{c['id']}"]) for c in row["criteria"]]


def test_stdin() -> None:
    done = subprocess.run(
        [*COMMAND, "new", "-"],
        input=TEXT,
        capture_output=True,
        env=environment(),
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 and "\nexclude pregnancy" in done.stdout


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "t.elig").write_text("mine\n", encoding="utf-8")
    done = run("new", "t.txt", "-o", "t.elig", cwd=tmp_path)
    assert done.returncode == 2 and "is there already" in done.stderr
    assert (tmp_path / "t.elig").read_text(encoding="utf-8") == "mine\n"


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"resourceType": "Bundle"}', encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe")
    for name, why in [
        ("r.json", "the record holds no eligibility criteria"),
        ("b.txt", "is not UTF-8 text"),
        ("gone.txt", "there is no file `gone.txt`"),
        ("NCT05075512", "records are not fetched"),
        (".", "is a folder"),
    ]:
        done = run("new", name, cwd=tmp_path)
        assert done.returncode == 2 and why in done.stderr, done.stderr


def test_what_nobody_can_see_does_not_get_into_the_file(tmp_path: Path) -> None:
    text = "Title\u2028 with\u202e tricks\x00 and\x1b[31m more \u200b[x]\r\ninclude x\n  > y\n"
    record = {"nct_id": "NCT1\ninclude", "title": "a\nb\u202e", "eligibility_text": text}
    (tmp_path / "r.json").write_text(json.dumps(record), encoding="utf-8")
    done = run("new", "r.json", "-o", "t.elig", cwd=tmp_path)
    assert done.returncode == 0
    checked = run("check", "t.elig", "--format", "json", cwd=tmp_path)
    assert {p["code"] for p in json.loads(checked.stdout)} == {"to-do"}


def test_a_protocol_is_compared_with_its_text(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT, encoding="utf-8")
    record = {"nct_id": "NCT01234567", "eligibility": TEXT + "* Fever\n"}
    (tmp_path / "r.json").write_text(json.dumps(record), encoding="utf-8")
    assert run("new", "t.txt", "-o", "t.elig", cwd=tmp_path).returncode == 0
    done = run("check", "t.elig", "--source", "t.txt", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.endswith("2 of 2 sentences of the text covered\n")
    done = run("check", "t.elig", "--source", "r.json", "--format", "json", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("2 of 3 sentences of the text covered\n")
    (problem,) = (p for p in json.loads(done.stdout) if p["code"] == "not-covered")
    assert (problem["file"], problem["line"], problem["column"]) == ("r.json#eligibility", 6, 3)


def test_a_text_goes_with_one_protocol(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT, encoding="utf-8")
    done = run("check", "labs", "consent", "--source", "t.txt", cwd=tmp_path)
    assert done.returncode == 2 and "one protocol" in done.stderr
    done = run("check", "labs", "--source", "gone.txt", cwd=tmp_path)
    assert done.returncode == 2 and "there is no file `gone.txt`" in done.stderr
