"""The pinned command line: exit codes, outputs, and what bad input does. design.md, section 6."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
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
        "kinds = ('audit', 'authoring', 'patient')\n"
        "small = {'', '.command_group', '.options', *(f'.{each}_commands' for each in kinds)}\n"
        "own -= {f'protocol_logic.surfaces{each}' for each in small}\n"
        "assert own == {'protocol_logic.surfaces.cli'}, own\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    assert "screen" in done.stdout


def test_the_package_runs_as_the_command() -> None:
    module = [sys.executable, "-m", "protocol_logic", "--help"]
    done = subprocess.run(module, capture_output=True, text=True, env=environment(), check=False)
    assert (done.returncode, done.stdout) == (0, run("--help").stdout)


def test_screening_imports_neither_graphs_nor_drawing() -> None:
    run("check", PROTOCOL)  # from then on its tree is kept
    code = (
        "import sys\n"
        "from protocol_logic.surfaces.cli import group\n"
        f"try: group(['screen', {PROTOCOL!r}, {str(INES)!r}], prog_name='x')\n"
        "except SystemExit: pass\n"
        "from protocol_logic.knowledge.kept import kept_folder\n"
        "heavy = {'rich', 'networkx', 'pint', 'ucumvert', 'pyarrow'}\n"
        "heavy |= {'lark'} if kept_folder() else set()\n"
        "heavy &= set(sys.modules)\n"
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
        (["zzz"], "commands are `audit`, `check`"),
        (["check", "--fromat", "json", "x"], "Did you mean '--format'?"),
        (["check"], "Missing argument"),
        (["check", "labz"], "did you mean `labs`?"),
        (["check", "x", "--format", "yaml"], "'yaml' is not one of"),
        (["screen", PROTOCOL], "Missing argument"),
        (["screen", PROTOCOL, "no/such/folder"], "there is no file or folder `no/such/folder`"),
        (["screen", "anlotinib_fulvestrent", str(INES)], f"did you mean `{PROTOCOL}` or"),
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
        assert re.fullmatch(r"[0-9,]+ resources: .*\n", process.stderr.read())
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_no_internal_error() -> None:
    done = run("screen", PROTOCOL, INES, "-o", "/dev/full")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


# check


def test_check_finds_nothing_in_the_knowledge_base() -> None:
    done = run("check", "labs", "oncology.breast")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no problems in 2 files\n"
    # The registry's text of the seed protocol lost two exponents, and is quoted as it stands.
    done = run("check", PROTOCOL, "--format", "plain")
    assert done.returncode == 0
    found = [line.rsplit(" ", 1)[1] for line in done.stdout.splitlines()]
    assert found == ["[text-defect]", "[text-defect]"]


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


def test_check_takes_a_folder(tmp_path: Path) -> None:
    for folder in ("inner", ".hidden"):
        (tmp_path / "trial" / folder).mkdir(parents=True)
    written(tmp_path / "trial" / "inner" / "bad.elig", BAD)
    written(tmp_path / "trial" / "worse.elig", BAD)
    written(tmp_path / "trial" / ".hidden" / "no.elig", BAD)
    (tmp_path / "empty").mkdir()
    done = run("check", "trial", "--format", "plain", cwd=tmp_path)
    files = {line.split(":")[0] for line in done.stdout.splitlines()}
    assert files == {"trial/inner/bad.elig", "trial/worse.elig"}
    done = run("check", "empty", cwd=tmp_path)
    assert done.returncode == 2 and "no .elig file in the folder `empty`" in done.stderr
    done = run("check", "trial", "--source", "t.txt", cwd=tmp_path)
    assert done.returncode == 2
    assert "run `check trial/inner/bad.elig --source t.txt` for it" in done.stderr


def test_the_text_is_that_of_the_protocol_beside_its_examples(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "- Age 18 years or older")
    head = "protocol a\n  title A\n  version 1\n  uses demographics\n\n"
    written(
        tmp_path / "a.elig", f"{head}include adult\n  > Age 18 years or older\n  age >= 18 years\n"
    )
    example = "example one\n  given age is 20 years\n  expect adult met\n"
    written(tmp_path / "a.examples.elig", f"examples for a\n\n{example}")
    done = run("check", "a.examples.elig", "a.elig", "--source", "a.txt", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        0, "1 of 1 sentence of the text covered",
    )  # fmt: skip
    done = run("check", "nosuch.elig", cwd=tmp_path)
    assert "known are `accord`" in done.stderr and "labs" not in done.stderr


def test_a_compressed_text_is_told_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(b"{}"))
    done = run("new", "x.json.gz", cwd=tmp_path)
    assert done.returncode == 2 and "is compressed: unpack it first" in done.stderr


def test_check_tells_every_problem_of_every_file_once(tmp_path: Path) -> None:
    written(tmp_path / "bad.elig", BAD)
    written(tmp_path / "worse.elig", BAD.replace("include two", "include"))
    done = run("check", "worse.elig", "bad.elig", "--format", "plain", cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    places = [line.split(": ")[0] for line in lines]
    assert places[:3] == ["bad.elig:4:14", "bad.elig:8:3", "bad.elig:12:22"]
    assert "hint: did you mean `hemoglobin`? what the knowledge base lacks can" in lines[1]
    assert all(place.startswith("worse.elig") for place in places[3:])
    number = len(lines)
    assert done.stderr == f"{number} problems: {number} errors in 2 files\n"


def test_check_in_every_format_says_the_same(tmp_path: Path) -> None:
    written(tmp_path / "bad.elig", BAD)
    done = {
        form: run("check", "bad.elig", "--format", form, cwd=tmp_path)
        for form in ("text", "plain", "json", "sarif", "github")
    }
    assert {d.returncode for d in done.values()} == {1}
    assert len({d.stderr for d in done.values()}) == 1
    listed = json.loads(done["json"].stdout)
    assert list(listed[0]) == [
        "code", "severity", "message", "hint", "sentence", "file", "line", "column", "end_line",
        "end_column", "fix",
    ]  # fmt: skip
    codes = [problem["code"] for problem in listed]
    assert codes == ["unknown-knowledge", "unknown-name", "wrong-unit"]
    results = json.loads(done["sarif"].stdout)["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == codes
    assert re.findall(r"^error\[(.+?)\]", done["text"].stdout, re.MULTILINE) == codes
    assert re.findall(r"^::error title=([a-z-]+),", done["github"].stdout, re.MULTILINE) == codes
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
        "per": "",
        "missing": "",
        "taken": "",
        "window": None,
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


def test_format_of_a_folder_says_that_it_is_one(tmp_path: Path) -> None:
    done = run("format", str(tmp_path))
    assert done.returncode == 2
    assert "is a folder; name the files in it" in done.stderr
