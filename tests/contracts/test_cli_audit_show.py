"""`audit note` and `audit show`: what people add to a record, and what is shown and counted."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol_logic.answering.audit.chain import Head, appended
from tests.contracts.command import DEMO, PROTOCOL, Json, bundle, renamed, run, written

PERSON = ("--by", "Dr Ito", "--reason", "seen")


def noted(record: Path, patient: str, *args: str) -> None:
    done = run("audit", "note", record, "--patient", patient, *PERSON, *args)
    assert done.returncode == 0, done.stderr


def log(record: Path) -> Json:
    (found,) = json.loads(run("audit", "show", record, "--log", "--format", "json").stdout)
    return dict(found)


# ---- note ----------------------------------------------------------------------------------------


def test_a_note_is_appended_and_what_was_computed_stays(record: Path) -> None:
    before = record.read_bytes()
    done = run(
        "audit", "note", record, "--patient", "hanne", "--criterion", "organ_function",
        "--by", "Dr Ito", "--reason", "hemolysed; 92 g/L ü \x1b[2J", "--decision", "override",
        "--to", "pass",
    )  # fmt: skip
    assert done.returncode == 0
    assert record.read_bytes().startswith(before)
    line = json.loads(record.read_bytes().splitlines()[-1])
    assert done.stdout == f"line 17, {line['hash']}\n"
    assert (line["kind"], line["patient"], line["criterion"]) == ("note", "hanne", "organ_function")
    assert (line["decision"], line["computed"], line["to"]) == ("override", "fail", "pass")
    assert (line["by"], line["reason"]) == ("Dr Ito", "hemolysed; 92 g/L ü \x1b[2J")
    decision = json.loads(before.splitlines()[7])
    assert line["of"] == {"number": 8, "id": decision["id"], "protocol": PROTOCOL}
    assert run("audit", "verify", record).stdout.startswith(
        "whole: 17 lines (15 decisions, 1 note)"
    )
    shown = run("audit", "show", record, "--patient", "hanne")
    assert "\x1b" not in shown.stdout
    assert "override to pass by Dr Ito of line 8: hemolysed; 92 g/L ü \\x1b[2J" in shown.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--patient", "hane"], "the record has no patient `hane`; did you mean `hanne`"),
        (["--patient", "\x1b[2J"], "no patient `\\x1b[2J`"),
        (["--patient", "hanne", "--criterion", "organs"], "has no criterion `organs`; it has"),
        (["--patient", "hanne", "--decision", "override"], "--to eligible or ineligible"),
        (["--patient", "hanne", "--to", "eligible"], "--to goes with --decision override"),
        (
            ["--patient", "hanne", "--decision", "override", "--to", "pass"],
            "eligible or ineligible",
        ),
        (
            ["--patient", "hanne", "--decision", "override", "--to", "ineligible"],
            "`ineligible` stands already",
        ),
        (["--patient", "hanne", "--by", " "], "--by is empty"),
        (["--patient", "hanne", "--reason", ""], "--reason is empty"),
        (["--patient", "hanne", "--protocol", "other"], "there is no decision of `other`"),
    ],
)
def test_a_note_that_cannot_be_is_told(args: list[str], said: str, record: Path) -> None:
    before = record.read_bytes()
    done = run("audit", "note", record, *PERSON, *args)
    assert done.returncode == 2
    assert said in done.stderr
    assert "\x1b" not in done.stderr
    assert record.read_bytes() == before


def test_notes_on_what_is_no_record(record: Path, tmp_path: Path) -> None:
    args = ("--patient", "hanne", *PERSON)
    none = tmp_path / "none"
    assert run("audit", "note", none, *args).returncode == 2
    assert not none.exists()
    record.write_text(record.read_text("utf-8").replace('"not_met"', '"met"', 1), "utf-8")
    before = record.read_bytes()
    assert "is not whole" in run("audit", "note", record, *args).stderr
    assert record.read_bytes() == before


def test_a_masked_record_takes_notes_by_id_or_mask_and_names_nobody(tmp_path: Path) -> None:
    key, record = tmp_path / "key", tmp_path / "r.jsonl"
    run("audit", "key", key)
    run("screen", PROTOCOL, DEMO, "--record", record, "--mask", key, "-o", tmp_path / "rows")
    mask = json.loads(record.read_bytes().splitlines()[7])["patient"]
    assert (
        run("audit", "note", record, "--patient", "hanne", *PERSON, "--mask", key).returncode == 0
    )
    assert run("audit", "note", record, "--patient", mask, *PERSON, "--mask", key).returncode == 0
    done = run("audit", "note", record, "--patient", "hanne", *PERSON)
    assert "masks identifiers; give its key" in done.stderr
    reason = ("--by", "Dr Ito", "--reason", "hanne moved away")
    done = run("audit", "note", record, "--patient", "hanne", *reason, "--mask", key)
    assert "the text names the patient" in done.stderr
    assert b"hanne" not in record.read_bytes()
    for args in (("--patient", mask), ("--patient", "hanne", "--mask", key)):
        done = run("audit", "show", record, *args)
        assert done.stdout.endswith("1 decision, 2 notes\n")
        assert "hanne" not in done.stdout
        assert mask in done.stdout
    assert "give the key by --mask KEY" in run("audit", "show", record, "--patient", "hanne").stderr


def test_a_note_is_of_the_last_decision_of_the_protocol_that_is_meant(
    record: Path, tmp_path: Path
) -> None:
    other = written(
        tmp_path / "o.elig",
        "protocol other\n  title O\n  version 1\n  uses demographics\n\n"
        "include adult\n  > Adult\n  age >= 18 years\n",
    )
    file = DEMO / "hanne_haemoglobin_mmol.json"
    assert run("screen", PROTOCOL, file, "--record", record).returncode == 0
    noted(record, "hanne")
    assert json.loads(record.read_bytes().splitlines()[-1])["of"]["number"] == 17
    assert run("screen", other, file, "--record", record).returncode == 0
    done = run("audit", "note", record, "--patient", "hanne", *PERSON)
    assert done.returncode == 2
    assert "choose one by --protocol ID" in done.stderr
    noted(record, "hanne", "--protocol", "other")
    logs = json.loads(run("audit", "show", record, "--log", "--format", "json").stdout)
    assert [(each["protocol"], each["assessed"], each["decisions"]) for each in logs] == [
        (PROTOCOL, 15, 16), ("other", 1, 1),
    ]  # fmt: skip


def rechained(record: Path, change: Callable[[Json], None]) -> None:
    """The record with its second line changed, and all hashes made anew."""
    head, lines = Head(), []
    for number, text in enumerate(record.read_bytes().splitlines()):
        body = json.loads(text)
        for key in ("number", "previous", "hash"):
            del body[key]
        if number == 1:
            change(body)
        line, head = appended(head, body)
        lines.append(line)
    record.write_bytes(b"".join(lines))


MISSHAPEN: list[tuple[str, Any]] = [
    ("patient", None), ("as_of", "2026-13-01"), ("criteria", [{}]), ("criteria", "x"),
    ("eligibility", "maybe"), ("source", {}), ("at", "now"), ("kind", "other"), ("dates", [1]),
    ("digests", {"protocol": 1}), ("versions", {"clingo": 5}),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), MISSHAPEN)
def test_a_line_that_somebody_made_by_hand_is_told(record: Path, key: str, value: Any) -> None:
    """Its chain is right, so verify has nothing to say; what reads it says what is wrong."""
    rechained(record, lambda body: body.update({key: value}))
    assert run("audit", "verify", record).returncode == 0
    for args in (
        ("show", record), ("show", record, "--log"), ("replay", record, DEMO),
        ("note", record, "--patient", "hanne", *PERSON),
    ):  # fmt: skip
        done = run("audit", *args)
        assert done.returncode == 2, args
        assert f"line 2 of `{record}` is none that this program writes: its `{key}`" in done.stderr


# ---- show ----------------------------------------------------------------------------------------


def test_show_by_patient_criterion_and_day(record: Path) -> None:
    noted(record, "hanne", "--criterion", "organ_function")
    noted(record, "hanne")
    text = run("audit", "show", record).stdout
    assert text.endswith("\n15 decisions, 2 notes\n")
    assert len(run("audit", "show", record, "--patient", "hanne").stdout.splitlines()) == 4
    lines = run("audit", "show", record, "--criterion", "organ_function").stdout.splitlines()
    assert len(lines) == 17  # without the note of no criterion
    assert lines[0].endswith(
        "agnes on 2026-10-30, anlotinib_fulvestrant 1.0: "
        "organ_function is open (reference_range:tbil)"
    )
    day = json.loads(record.read_bytes().splitlines()[1])["at"][:10]
    for option, number in (("--since", 15), ("--until", 15)):
        assert f"{number} decisions" in run("audit", "show", record, option, day).stdout
    assert "0 decisions, 0 notes" in run("audit", "show", record, "--until", "2001-01-01").stdout
    assert "0 decisions, 0 notes" in run("audit", "show", record, "--since", "9001-01-01").stdout
    assert run("audit", "show", record, "--since", "yesterday").returncode == 2
    done = run("audit", "show", record, "--criterion", "organ_functions")
    assert "did you mean `organ_function`?" in done.stderr
    assert run("audit", "show", record, "--log", "--patient", "hanne").returncode == 2


def test_show_as_json_and_csv(record: Path) -> None:
    noted(record, "hanne", "--criterion", "organ_function", "--decision", "deviation")
    data = json.loads(run("audit", "show", record, "--format", "json").stdout)
    assert data == [json.loads(line) for line in record.read_bytes().splitlines()]
    text = run("audit", "show", record, "--patient", "hanne", "--format", "csv").stdout
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 11
    assert rows[8]["criterion"] == "organ_function"
    assert (rows[8]["verdict"], rows[8]["eligibility"]) == ("fail", "ineligible")
    assert (rows[10]["kind"], rows[10]["decision"], rows[10]["by"]) == (
        "note", "deviation", "Dr Ito"
    )  # fmt: skip


def test_formulas_and_control_characters_reach_no_spreadsheet_and_no_terminal(
    tmp_path: Path,
) -> None:
    record = tmp_path / "r.jsonl"
    file = written(tmp_path / "p.json", renamed(bundle(), "=1+1"))
    assert run("screen", PROTOCOL, file, "--record", record).returncode == 0
    done = run(
        "audit", "note", record, "--patient", "=1+1", "--by", "@sum\r",
        "--reason", "-1\n\x1b]0;x\x07",
    )  # fmt: skip
    assert done.returncode == 0
    text = run("audit", "show", record, "--format", "csv").stdout
    assert "'=1+1" in text
    assert "'@sum\\r" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 12
    assert "\x1b" not in run("audit", "show", record).stdout
    assert len(run("audit", "show", record).stdout.splitlines()) == 3


# ---- the screening log ---------------------------------------------------------------------------


def test_the_log_counts_what_the_rows_say(record: Path) -> None:
    rows = json.loads(run("screen", PROTOCOL, DEMO, "--format", "json").stdout)
    found = log(record)
    by = {e: sum(r["eligibility"] == e for r in rows) for e in ("eligible", "ineligible")}
    assert found["assessed"] == len(rows) == 15
    assert (found["eligible"], found["excluded"]) == (by["eligible"], by["ineligible"])
    assert found["undetermined"] == 15 - by["eligible"] - by["ineligible"]
    assert sum(each["first"] for each in found["excluded_by"]) == found["excluded"]
    for each in found["excluded_by"]:
        failing = [
            [c["id"] for c in r["criteria"] if c["verdict"] == "fail"] or ["(together)"]
            for r in rows
            if r["eligibility"] == "ineligible"
        ]
        assert each["any"] == sum(each["criterion"] in names for names in failing)
        assert each["first"] == sum(each["criterion"] == names[0] for names in failing)


def test_overrides_count_beside_what_was_computed(record: Path) -> None:
    noted(record, "hanne", "--decision", "override", "--to", "eligible")
    noted(record, "ines", "--decision", "override", "--to", "ineligible")
    noted(record, "agnes", "--decision", "override", "--to", "eligible")
    noted(record, "tomas", "--criterion", "adult_woman", "--decision", "override", "--to", "pass")
    noted(record, "wanda", "--decision", "confirmed")
    noted(record, "wanda", "--decision", "declined")
    noted(record, "dorota", "--decision", "deviation")
    noted(record, "dorota", "--decision", "deviation")
    found = log(record)
    assert (found["eligible"], found["excluded"], found["undetermined"]) == (4, 6, 5)
    assert found["overridden"] == {
        "patients": 3, "to_eligible": 2, "to_ineligible": 1, "criteria": 1,
    }  # fmt: skip
    assert found["after_overrides"] == {"eligible": 5, "ineligible": 6, "undetermined": 4}
    assert found["noted"] == {"confirmed": 1, "declined": 1, "deviation": 1}
    # A person can take an override back; the next decision of a patient does not.
    done = run("screen", PROTOCOL, DEMO, "--record", record, "-o", record.with_name("x"))
    assert done.returncode == 0
    assert log(record)["overridden"]["patients"] == 3
    noted(record, "ines", "--decision", "override", "--to", "eligible")
    assert log(record)["overridden"]["to_ineligible"] == 0
    assert log(record)["overridden"]["patients"] == 2
    text = run("audit", "show", record, "--log").stdout
    assert "assessed for eligibility: 15 (30 decisions, " in text
    assert "decided otherwise by a person: 2 (2 to eligible, 0 to ineligible)" in text
    rows = list(
        csv.DictReader(run("audit", "show", record, "--log", "--format", "csv").stdout.splitlines())
    )
    counts = {row["count"]: row["patients"] for row in rows if not row["criterion"]}
    assert (counts["assessed"], counts["overridden_to_eligible"]) == ("15", "2")
    assert len(counts) == sum(not row["criterion"] for row in rows)


def test_exclusion_criteria_and_several_reasons_are_counted_apart(tmp_path: Path) -> None:
    protocol = written(
        tmp_path / "p.elig",
        "protocol p\n  title P\n  version 1\n  uses demographics, labs\n\n"
        "include adult\n  > Adult\n  age >= 90 years\n\n"
        "exclude low\n  > Low\n  hemoglobin < 90 g/L\n",
    )
    record = tmp_path / "r.jsonl"
    files = [DEMO / "hanne_haemoglobin_mmol.json", DEMO / "ines_all_met.json"]
    assert run("screen", protocol, *files, "--record", record).returncode == 0
    assert log(record)["excluded_by"] == [
        {"criterion": "adult", "polarity": "inclusion", "first": 2, "any": 2},
        {"criterion": "low", "polarity": "exclusion", "first": 0, "any": 1},
    ]
    assert run("audit", "show", record, "--log").stdout.splitlines()[2:8] == [
        "excluded: 2",
        "  not meeting inclusion criteria: 2",
        "    adult: first 2, in all 2",
        "  meeting exclusion criteria: 0",
        "    low: first 0, in all 1",
        "undetermined: 0",
    ]
