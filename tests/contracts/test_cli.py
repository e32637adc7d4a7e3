"""The pinned command line: exit codes, outputs, and what bad input does. design.md, section 6."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.contracts.command import (
    COMMAND,
    DEMO,
    PROTOCOL,
    bundle,
    environment,
    renamed,
    run,
    written,
)

INES = DEMO / "ines_all_met.json"
ROW_KEYS = [
    "patient", "source", "as_of", "as_of_source", "protocol", "eligibility", "decided_jointly",
    "criteria", "problems",
]  # fmt: skip
CRITERION_KEYS = [
    "id", "polarity", "text", "outcome", "verdict", "applies", "oldest_evidence", "gaps",
    "gap_details",
]  # fmt: skip

# The command itself


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from protocol_logic.surfaces.cli import group\n"
        "try: group(['--help'], prog_name='x')\n"
        "except SystemExit: pass\n"
        "heavy = {'clingo', 'lark', 'rich', 'networkx', 'pint', 'ucumvert'} & set(sys.modules)\n"
        "own = {m for m in sys.modules if m.startswith('protocol_logic.')}\n"
        "assert not heavy, heavy\n"
        "assert own == {'protocol_logic.surfaces', 'protocol_logic.surfaces.cli'}, own\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    assert "screen" in done.stdout


def test_screening_imports_neither_graphs_nor_drawing() -> None:
    code = (
        "import sys\n"
        "from protocol_logic.surfaces.cli import group\n"
        f"try: group(['screen', {PROTOCOL!r}, {str(INES)!r}], prog_name='x')\n"
        "except SystemExit: pass\n"
        "heavy = {'rich', 'networkx', 'pint', 'ucumvert', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_installed_command_has_a_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"protocol-logic \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["scren"], "did you mean `screen`?"),
        (["zzz"], "commands are `check`"),
        (["check", "--fromat", "json", "x"], "Did you mean '--format'?"),
        (["check"], "Missing argument"),
        (["check", "labz"], "did you mean `labs`?"),
        (["check", "x", "--format", "yaml"], "'yaml' is not one of"),
        (["screen", PROTOCOL], "Missing argument"),
        (["screen", PROTOCOL, "no/such/folder"], "there is no file or folder `no/such/folder`"),
        (["screen", "anlotinib_fulvestrent", str(INES)], f"did you mean `{PROTOCOL}`?"),
        (["screen", "labs", str(INES)], "no protocol of that id"),
        (["screen", PROTOCOL, str(INES), "--as-of", "2026-02-30"], "YYYY-MM-DD"),
        (["screen", PROTOCOL, str(INES), "--as-of", "yesterday"], "YYYY-MM-DD"),
        (["screen", PROTOCOL, str(INES), "--format", "xml"], "'xml' is not one of"),
        (["screen", PROTOCOL, str(INES), "-o", "no/such/folder/rows"], "cannot be written"),
        (["screen", PROTOCOL, str(INES), "-o", "x", "--problems", "./x"], "same output"),
        (["screen", PROTOCOL, str(INES), "--problems", "no/such/folder/x"], "cannot be written"),
        (["compile", PROTOCOL], "'--to'"),
        (["compile", PROTOCOL, "--to", "facts"], "needs PATIENTS"),
        (["compile", PROTOCOL, "--to", "asp", str(INES)], "takes no patients"),
        (["compile", PROTOCOL, "--to", "facts", str(DEMO)], "`agnes`, `beate`"),
        (
            ["compile", PROTOCOL, "--to", "facts", str(DEMO), "--patient", "robn"],
            "did you mean `robin`?",
        ),
        (["format", "no/such/file"], "there is no file `no/such/file`"),
    ],
)
def test_a_wrong_command_line_is_two(tmp_path: Path, args: list[str], said: str) -> None:
    done = run(*args, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_an_internal_error_is_three_and_one_line(tmp_path: Path) -> None:
    broken = written(
        tmp_path / "broken.py",
        "import protocol_logic.pipeline\n"
        "def fail(*_): raise KeyError('a\\nb')\n"
        "protocol_logic.pipeline.compile_source = fail\n"
        "from protocol_logic.surfaces.cli import main\n"
        "main()\n",
    )
    for value in ("", "1"):
        done = subprocess.run(
            [sys.executable, str(broken), "screen", PROTOCOL, str(INES)],
            env=environment(PROTOCOL_LOGIC_TRACEBACK=value),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 3
        last = done.stderr.splitlines()[-1]
        assert last.startswith("internal error: KeyError: ")
        assert "report" in last
        assert ("Traceback" in done.stderr) == bool(value)
        assert value or len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes of Unix")
def test_ctrl_c_is_130_and_one_line(tmp_path: Path) -> None:
    lines = "".join(json.dumps(renamed(bundle(), f"p{n}")) + "\n" for n in range(3000))
    patients = written(tmp_path / "many.ndjson", lines)
    output = tmp_path / "rows.json"
    arguments = ["screen", PROTOCOL, patients, "--format", "json", "-o", output]
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the first word on progress: it is at work
        process.send_signal(signal.SIGINT)
        left = process.stderr.read().splitlines()
    assert process.returncode == 130
    assert left[-1] == "stopped"
    assert all(line.startswith("screened ") for line in left[:-1])
    assert list(tmp_path.iterdir()) == [patients]


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes of Unix")
def test_a_reader_who_leaves_is_no_error(tmp_path: Path) -> None:
    lines = "".join(json.dumps(renamed(bundle(), f"p{n}")) + "\n" for n in range(60))
    patients = written(tmp_path / "many.ndjson", lines)
    with subprocess.Popen(
        [*COMMAND, "screen", PROTOCOL, str(patients), "--format", "json"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_no_internal_error() -> None:
    done = run("screen", PROTOCOL, INES, "-o", "/dev/full")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


# check


def test_check_finds_nothing_in_the_knowledge_base() -> None:
    done = run("check", PROTOCOL, "labs", "oncology.breast")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no problems in 3 files\n"


BAD = """protocol bad
  version 1
  language 1
  uses labs, demografics

include one
  > Hemoglobin at least 90;
  hemoglobine >= 90 g/L

include two
  > Neutrophils;
  neutrophils >= 1.5 mg/dL

include three
  > Platelets;
  platelets >= 80 10*9/L
"""


def test_check_tells_every_problem_of_every_file_once(tmp_path: Path) -> None:
    written(tmp_path / "bad.elig", BAD)
    written(tmp_path / "worse.elig", BAD.replace("include two", "include"))
    done = run("check", "worse.elig", "bad.elig", "--format", "plain", cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    places = [line.split(": ")[0] for line in lines]
    assert places[:3] == ["bad.elig:4:14", "bad.elig:8:3", "bad.elig:12:22"]
    assert lines[1].endswith("hint: did you mean `hemoglobin`? [unknown-name]")
    assert all(place.startswith("worse.elig") for place in places[3:])
    number = len(lines)
    assert done.stderr == f"{number} problems: {number} errors in 2 files\n"


def test_check_in_every_format_says_the_same(tmp_path: Path) -> None:
    written(tmp_path / "bad.elig", BAD)
    done = {
        form: run("check", "bad.elig", "--format", form, cwd=tmp_path)
        for form in ("text", "plain", "json", "sarif")
    }
    assert {d.returncode for d in done.values()} == {1}
    assert len({d.stderr for d in done.values()}) == 1
    listed = json.loads(done["json"].stdout)
    assert list(listed[0]) == [
        "code", "severity", "message", "hint", "sentence", "file", "line", "column", "end_line",
        "end_column",
    ]  # fmt: skip
    codes = [problem["code"] for problem in listed]
    assert codes == ["unknown-knowledge", "unknown-name", "wrong-unit"]
    results = json.loads(done["sarif"].stdout)["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == codes
    assert re.findall(r"^error\[(.+?)\]", done["text"].stdout, re.MULTILINE) == codes
    assert re.findall(r"\[([a-z-]+)\]$", done["plain"].stdout, re.MULTILINE) == codes
    assert "8 |   hemoglobine >= 90 g/L\n  |   ^^^^^^^^^^^\n" in done["text"].stdout.replace(
        "\n12", "\n"
    )


def test_a_protocol_with_errors_screens_nobody(tmp_path: Path) -> None:
    written(tmp_path / "bad.elig", BAD)
    done = run("screen", "bad.elig", INES, "-o", "rows", cwd=tmp_path)
    assert done.returncode == 2
    assert "error[unknown-name]" in done.stderr
    assert not (tmp_path / "rows").exists()


def test_a_file_that_is_no_text_is_two(tmp_path: Path) -> None:
    (tmp_path / "x.elig").write_bytes(b"\xff\xfe")
    assert run("check", "x.elig", cwd=tmp_path).returncode == 2


# screen


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
    assert re.fullmatch(
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
    assert [[c[0], c[4], c[6], c[7], c[10]] for c in cells[1:]] == expected


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


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("x.json", "this is not JSON", "not-readable"),
        ("x.json", INES.read_text(encoding="utf-8")[:5000], "not-readable"),
        ("x.json", '{"some": "JSON"}', "not-readable"),
        ("x.json", "", "not-readable"),
        ("x.json", "\x00\x01", "not-readable"),
        ("x.ndjson", "{}\n[]\n", "not-readable"),
        ("x.json.gz", "not gzip", "not-readable"),
        ("x.json", {"resourceType": "Bundle", "entry": []}, "no-patient"),
        ("x.json", {"resourceType": "Observation", "id": "o"}, "no-patient"),
        (
            "x.json",
            {
                "resourceType": "Bundle",
                "entry": [{"resource": {"resourceType": "Patient", "id": i}} for i in "ab"],
            },
            "two-patients",
        ),
    ],
)
def test_a_bad_input_is_one_and_the_others_are_screened(
    tmp_path: Path, name: str, content: object, code: str
) -> None:
    written(tmp_path / name, content)
    written(tmp_path / "a_good.json", bundle())
    done = run("screen", PROTOCOL, ".", "--format", "json", "--problems", "notes", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert [row["patient"] for row in json.loads(done.stdout)] == ["ines"]
    assert f"error[{code}]" in done.stderr
    assert name in done.stderr
    notes = [json.loads(line) for line in (tmp_path / "notes").read_text().splitlines()]
    assert [(n["code"], n["file"], n["patient"]) for n in notes if n["severity"] == "error"] == [
        (code, name, None)
    ] * (2 if name == "x.ndjson" else 1)


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
    assert row == {**expected, "source": str(tmp_path / "0.json")}


EVIL = [
    '"). :-\n#show. eligible.',
    "=cmd|''!A0",
    "[red]x[red]\x1b[2J",
    "\u202eevil",
    "%\n.",
]


@pytest.mark.parametrize("patient", EVIL)
def test_a_hostile_id_is_only_an_id(tmp_path: Path, patient: str) -> None:
    path = written(tmp_path / "p.json", renamed(bundle(), patient))
    expected = json.loads(run("screen", PROTOCOL, INES, "--format", "ndjson").stdout)
    done = run("screen", PROTOCOL, path, "--format", "ndjson")
    row = json.loads(done.stdout)
    assert row == {**expected, "patient": patient, "source": str(path)}
    table = run("screen", PROTOCOL, path).stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", table)
    assert re.search(r": ✓ eligible$", table, re.MULTILINE)
    facts = run("compile", PROTOCOL, "--to", "facts", path).stdout
    assert facts.startswith("% patient ")
    plain = run("compile", PROTOCOL, "--to", "facts", INES).stdout
    assert facts.splitlines()[1:] == plain.splitlines()[1:]
    cells = list(
        csv.reader(io.StringIO(run("screen", PROTOCOL, path, "--format", "csv").stdout, newline=""))
    )
    assert {line[0] for line in cells[1:]} == {f"'{patient}" if patient[0] in "=" else patient}


def test_record_problems_are_written_where_asked(tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    done = run("screen", PROTOCOL, DEMO, "--format", "json", "--problems", notes)
    assert (done.returncode, done.stderr) == (0, "")
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


# compile


def test_the_program_can_be_written(tmp_path: Path) -> None:
    to_stdout = run("compile", PROTOCOL, "--to", "asp")
    assert to_stdout.returncode == 0
    assert "criterion(adult_woman,inclusion)." in to_stdout.stdout
    run("compile", PROTOCOL, "--to", "asp", "-o", tmp_path / "program.lp")
    assert (tmp_path / "program.lp").read_text(encoding="utf-8") == to_stdout.stdout


def test_the_checked_protocol_as_json() -> None:
    checked = json.loads(run("compile", PROTOCOL, "--to", "json").stdout)
    assert checked["id"] == PROTOCOL
    assert len(checked["criteria"]) == 10
    organs = next(c for c in checked["criteria"] if c["id"] == "organ_function")
    assert organs["condition"]["kind"] == "all"
    neutrophils = organs["condition"]["parts"][1]
    assert neutrophils == {
        "kind": "within",
        "text": "neutrophils >= 1.5 10*9/L",
        "line": neutrophils["line"],
        "entry": "neutrophils",
        "op": ">=",
        "limit": neutrophils["limit"],
        "per_uln": False,
    }
    assert re.fullmatch(r"\d+(/\d+)?", neutrophils["limit"])
    row = json.loads(run("screen", PROTOCOL, INES, "--format", "ndjson").stdout)
    assert row["protocol"]["digest"] == checked["digest"]


def test_facts_of_one_patient() -> None:
    done = run("compile", PROTOCOL, "--to", "facts", DEMO, "--patient", "robin")
    assert done.returncode == 0
    assert done.stdout.startswith("% patient robin as of 2026-10-30\n")
    later = run(
        "compile", PROTOCOL, "--to", "facts", DEMO, "--patient", "robin", "--as-of", "2026-12-01"
    )
    assert later.stdout.startswith("% patient robin as of 2026-12-01\n")


# format


def test_format(tmp_path: Path) -> None:
    path = written(tmp_path / "t.elig", BAD.replace("  version 1\n", "  version    1\n"))
    before = path.read_bytes()
    assert run("format", path, "--check").returncode == 1
    shown = run("format", path, "--diff")
    assert shown.returncode == 1
    assert "-  version    1\n" in shown.stdout
    assert path.read_bytes() == before
    assert run("format", path).returncode == 0
    assert path.read_bytes() != before
    assert run("format", path, "--check").returncode == 0
    broken = written(tmp_path / "b.elig", "include   a\n  > S;\n  ecog <= 1\n\ninclude\n  >\n")
    done = run("format", broken)
    assert done.returncode == 1
    assert "error[syntax]" in done.stderr
    assert broken.read_text() == "include a\n  > S;\n  ecog <= 1\n\ninclude\n  >\n"


# Time


@pytest.mark.slow
def test_start_up_is_quick() -> None:
    def seconds(*args: str) -> float:
        best = 60.0
        for _ in range(5):
            start = time.perf_counter()
            run(*args)
            best = min(best, time.perf_counter() - start)
        return best

    # Twice what a person should wait, since other tests run beside this one.
    assert seconds("--help") < 0.8
    assert seconds("screen", PROTOCOL, str(INES)) < 3.0
