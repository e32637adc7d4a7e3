"""`screen` as pinned: rows, as-of dates, bad inputs, withheld patients. design.md, section 6."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, PROTOCOL, bundle, renamed, run, written

INES = DEMO / "ines_all_met.json"
ROW_KEYS = [
    "patient", "source", "as_of", "as_of_source", "protocol", "policies", "parameters",
    "timepoints", "eligibility", "decided_jointly", "scopes", "criteria", "attested", "resources",
    "problems",
]  # fmt: skip
CRITERION_KEYS = [
    "id", "polarity", "text", "scopes", "basis", "asked", "missing", "outcome", "verdict",
    "applies",
    "oldest_evidence", "gaps", "gap_details", "passed_over", "unread",
]  # fmt: skip


def test_rows_are_as_pinned() -> None:
    done = run("screen", PROTOCOL, DEMO, "--format", "json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert [row["source"] for row in rows] == sorted(map(str, DEMO.iterdir()))
    for row in rows:
        assert list(row) == ROW_KEYS
        assert list(row["protocol"]) == ["id", "version", "digest"]
        assert row["as_of_source"] == "bundle"
        for criterion in row["criteria"]:
            assert list(criterion) == CRITERION_KEYS
            assert (criterion["outcome"] == "unknown") == bool(criterion["gaps"])
    resources = [row["resources"] for row in rows]
    assert all(r["total"] == r["facts"] + r["irrelevant"] + r["problems"] for r in resources)
    sums = {key: sum(r[key] for r in resources) for key in resources[0]}
    assert re.fullmatch(
        f"{sums['total']} resources: {sums['facts']} with facts, {sums['irrelevant']} irrelevant, "
        f"{sums['problems']} only with problems\n"
        r"\d+ problems in the records of \d+ patients: .*; --problems FILE lists them\n",
        done.stderr,
    )


def test_json_equals_ndjson_and_csv() -> None:
    listed = json.loads(run("screen", PROTOCOL, DEMO, "--format", "json").stdout)
    lines = run("screen", PROTOCOL, DEMO, "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line) for line in lines] == listed
    cells = list(csv.reader(io.StringIO(run("screen", PROTOCOL, DEMO, "--format", "csv").stdout)))
    expected = [
        [row["patient"], c["id"], c["outcome"], c["verdict"], " ".join(c["gaps"])]
        for row in listed
        for c in row["criteria"]
    ]
    told = [dict(zip(cells[0], line, strict=True)) for line in cells[1:]]
    names = ("patient", "criterion", "outcome", "verdict", "gaps")
    assert [[line[name] for name in names] for line in told] == expected


def test_the_table_is_the_default_also_in_a_file(tmp_path: Path) -> None:
    to_stdout = run("screen", PROTOCOL, DEMO)
    run("screen", PROTOCOL, DEMO, "-o", tmp_path / "table")
    assert (tmp_path / "table").read_text(encoding="utf-8") == to_stdout.stdout
    assert "A person decides: " in to_stdout.stdout
    assert "\x1b" not in to_stdout.stdout
    assert "tomas " in to_stdout.stdout


def test_the_same_bytes_each_time() -> None:
    runs = {run("screen", PROTOCOL, DEMO, "--format", "json").stdout for _ in range(2)}
    assert len(runs) == 1


def test_the_option_comes_before_the_bundles_date(tmp_path: Path) -> None:
    args = ("screen", PROTOCOL, INES, "--format", "ndjson")
    row = json.loads(run(*args, "--as-of", "2026-11-30").stdout)
    assert (row["as_of"], row["as_of_source"]) == ("2026-11-30", "option")
    row = json.loads(run(*args, "--as-of", "today").stdout)
    assert row["as_of_source"] == "option"


def no_timestamp(path: Path, patient: str) -> Path:
    content = renamed(bundle(), patient)
    del content["timestamp"]
    return written(path, content)


def test_no_as_of_for_anybody_is_two_and_names_the_option(tmp_path: Path) -> None:
    patients = no_timestamp(tmp_path / "p.json", "p")
    done = run("screen", PROTOCOL, patients, "-o", tmp_path / "rows")
    assert done.returncode == 2
    assert "--as-of" in done.stderr
    assert not (tmp_path / "rows").exists()
    facts = run("compile", PROTOCOL, "--to", "facts", patients)
    assert (facts.returncode, facts.stdout) == (2, "")
    assert "--as-of" in facts.stderr


def test_no_as_of_for_one_withholds_only_that_one(tmp_path: Path) -> None:
    patients = no_timestamp(tmp_path / "p.json", "p")
    done = run("screen", PROTOCOL, patients, INES, "--format", "json")
    assert done.returncode == 1
    assert [row["patient"] for row in json.loads(done.stdout)] == ["ines"]
    assert "error[no-as-of]" in done.stderr


BAD = [
    ("a.json", "this is not JSON", "not-readable"),
    ("b.json", INES.read_text(encoding="utf-8")[:5000], "not-readable"),
    ("c.json", '{"some": "JSON"}', "not-readable"),
    ("d.json", "", "not-readable"),
    ("e.json", "\x00\x01", "not-readable"),
    ("f.ndjson", "{}\n[]\n", "not-readable"),
    ("g.json.gz", "not gzip", "not-readable"),
    ("h.json", {"resourceType": "Bundle", "entry": []}, "no-patient"),
    ("i.json", {"resourceType": "Observation", "id": "o"}, "no-patient"),
    (
        "j.json",
        {
            "resourceType": "Bundle",
            "entry": [{"resource": {"resourceType": "Patient", "id": i}} for i in "ab"],
        },
        "two-patients",
    ),
]


def test_bad_inputs_are_told_and_the_others_are_screened(tmp_path: Path) -> None:
    for name, content, _ in BAD:
        written(tmp_path / name, content)
    written(tmp_path / "a_good.json", bundle())
    done = run("screen", PROTOCOL, ".", "--format", "json", "--problems", "notes", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert [row["patient"] for row in json.loads(done.stdout)] == ["ines"]
    notes = [json.loads(line) for line in (tmp_path / "notes").read_text().splitlines()]
    found = [(n["code"], n["file"], n["patient"]) for n in notes if n["severity"] == "error"]
    for name, _, code in BAD:
        assert re.search(rf"error\[{code}\].*\n --> {name}", done.stderr), name
        assert found.count((code, name, None)) == (2 if name == "f.ndjson" else 1), name
    assert len(found) == len(BAD) + 1


@pytest.mark.parametrize(("name", "content", "code"), [BAD[0], BAD[5], BAD[7]])
def test_of_one_bad_input_alone_nobody_is_screened(
    tmp_path: Path, name: str, content: object, code: str
) -> None:
    written(tmp_path / name, content)
    done = run("screen", PROTOCOL, name, "--format", "json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "[]\n")
    assert f"error[{code}]" in done.stderr


def test_a_folder_without_patients_is_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("screen", PROTOCOL, "empty", "--format", "json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "[]\n")
    assert "error[no-patient]" in done.stderr


def test_other_files_are_counted(tmp_path: Path) -> None:
    written(tmp_path / "a.json", bundle())
    written(tmp_path / "b.txt", "x")
    done = run("screen", PROTOCOL, tmp_path)
    assert done.returncode == 0
    assert "passed over: 1 other file (.txt)" in done.stderr


def test_a_patient_in_two_bundles_is_withheld(tmp_path: Path) -> None:
    for name, content in (
        ("a.json", bundle()),
        ("b.json", renamed(bundle("tomas_man.json"), "t")),
        ("c.json", bundle()),
    ):
        written(tmp_path / name, content)
    done = run("screen", PROTOCOL, tmp_path, "--format", "json")
    assert done.returncode == 1
    assert [row["patient"] for row in json.loads(done.stdout)] == ["t"]
    assert "error[duplicate-patient]" in done.stderr
    assert "--merge-patients" in done.stderr
    facts = run("compile", PROTOCOL, "--to", "facts", tmp_path, "--patient", "ines")
    assert (facts.returncode, facts.stdout) == (1, "")


def test_bundles_of_one_patient_can_be_joined(tmp_path: Path) -> None:
    whole = bundle()
    patient, others = whole["entry"][:1], whole["entry"][1:]
    assert patient[0]["resource"]["resourceType"] == "Patient"
    for number in range(2):
        part = {**whole, "entry": patient + others[number::2]}
        if number == 0:
            part["timestamp"] = "2020-01-01T00:00:00Z"
        written(tmp_path / f"{number}.json", part)
    done = run("screen", PROTOCOL, tmp_path, "--format", "json", "--merge-patients")
    assert done.returncode == 0
    (row,) = json.loads(done.stdout)
    (expected,) = json.loads(run("screen", PROTOCOL, INES, "--format", "json").stdout)
    assert row["resources"] == {"total": 27, "facts": 27, "irrelevant": 0, "problems": 0}
    assert row == {
        **expected, "source": str(tmp_path / "0.json"), "resources": row["resources"]
    }  # fmt: skip


EVIL = ['"). :- #show. eligible.', "=cmd|''!A0", "[red]x[red]", "%.", "\\n"]


def test_a_hostile_id_is_only_an_id(tmp_path: Path) -> None:
    paths = [
        written(tmp_path / f"{i}.json", renamed(bundle(), patient))
        for i, patient in enumerate(EVIL)
    ]
    expected = json.loads(run("screen", PROTOCOL, INES, "--format", "ndjson").stdout)
    rows = [
        json.loads(line)
        for line in run("screen", PROTOCOL, *paths, "--format", "ndjson").stdout.splitlines()
    ]
    for patient, path, row in zip(EVIL, paths, rows, strict=True):
        assert [problem["code"] for problem in row["problems"]] == ["not-a-fhir-id"]
        assert row == {
            **expected, "patient": patient, "source": str(path), "problems": row["problems"]
        }  # fmt: skip
    table = run("screen", PROTOCOL, *paths).stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", table)
    assert table.count("✓ eligible  ") == len(EVIL)
    plain = run("compile", PROTOCOL, "--to", "facts", INES).stdout
    for path in paths:
        facts = run("compile", PROTOCOL, "--to", "facts", path).stdout
        assert facts.startswith("% patient ")
        assert facts.splitlines()[1:] == plain.splitlines()[1:]
    text = run("screen", PROTOCOL, *paths, "--format", "csv").stdout
    cells = list(csv.reader(io.StringIO(text, newline="")))
    assert {line[0] for line in cells[1:]} == {f"'{p}" if p[0] in "=" else p for p in EVIL}


def test_record_problems_are_written_where_asked(tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    done = run("screen", PROTOCOL, DEMO, "--format", "json", "--problems", notes)
    assert (done.returncode, re.sub(r"\A\d+ resources: .*\n", "", done.stderr)) == (0, "")
    listed = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    keys = ["code", "severity", "message", "hint", "resource", "file", "patient"]
    assert all(list(note) == keys for note in listed)
    rows = json.loads(done.stdout)
    assert [(n["patient"], n["code"], n["resource"]) for n in listed] == [
        (row["patient"], p["code"], p["resource"]) for row in rows for p in row["problems"]
    ]


def test_output_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text("old")
    assert run("screen", PROTOCOL, INES, "--format", "json", "-o", path).returncode == 0
    assert [row["patient"] for row in json.loads(path.read_text(encoding="utf-8"))] == ["ines"]
    dated = no_timestamp(tmp_path / "p.json", "p")
    before = path.read_bytes()
    assert run("screen", PROTOCOL, dated, "-o", path).returncode == 2
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.json", "rows.json"]


def test_a_plain_encoding_is_enough() -> None:
    done = run("screen", PROTOCOL, INES, env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "ines: + eligible" in done.stdout
    assert done.stdout.isascii()


def test_an_allergy_to_what_no_entry_knows_is_read(tmp_path: Path) -> None:
    peanut = {"coding": [{"system": "http://snomed.info/sct", "code": "256349002"}]}
    patient = {"resourceType": "Patient", "id": "x"}
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "code": peanut,
               "patient": {"reference": "Patient/x"}, "recordedDate": "2026-01-01"}  # fmt: skip
    whole = {"resourceType": "Bundle", "type": "collection",
             "entry": [{"resource": each} for each in (patient, allergy)]}  # fmt: skip
    file = written(tmp_path / "x.json", json.dumps(whole))
    done = run("screen", "bisoprolol_heart_failure", file, "--as-of", "2026-01-15")
    assert done.returncode == 0, done.stderr
