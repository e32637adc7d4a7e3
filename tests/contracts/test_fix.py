"""`check --fix`: files are mended whole or not at all, and what is left is told."""

from __future__ import annotations

import json
from pathlib import Path

from tests.contracts.command import run

GOOD = """\
protocol p
  title P
  uses labs, demographics

# why
include a
  > Platelets ≥ 100
  platelets >= 100 10*9/L
"""
BAD = GOOD.replace(">= 100 10*9/L", "≥ 100 x 10^9/L")
LEFT = "\ninclude b\n  > B\n  hemoglobine ≥ 9 g/dL\n"


def test_fix_writes_what_it_mended_and_tells_the_rest(tmp_path: Path) -> None:
    (tmp_path / "p.elig").write_text(BAD + LEFT, encoding="utf-8")
    done = run("check", "--fix", "p.elig", "--format", "plain", cwd=tmp_path)
    assert done.returncode == 1
    assert "the name `hemoglobine` is not defined" in done.stdout
    assert done.stderr == "3 mistakes mended in 1 file\n1 problem: 1 error in 1 file\n"
    text = (tmp_path / "p.elig").read_text(encoding="utf-8")
    assert text == GOOD + LEFT.replace("≥", ">=")
    again = run("check", "--fix", "p.elig", cwd=tmp_path)
    assert again.stderr.startswith("0 mistakes mended in 0 files\n")
    assert (tmp_path / "p.elig").read_text(encoding="utf-8") == text


def test_diff_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "p.elig").write_text(BAD, encoding="utf-8")
    done = run("check", "--fix", "--diff", "p.elig", cwd=tmp_path)
    assert done.returncode == 1
    assert "-  platelets ≥ 100 x 10^9/L\n+  platelets >= 100 10*9/L\n" in done.stdout
    assert "2 mistakes would be mended in 1 file" in done.stderr
    assert (tmp_path / "p.elig").read_text(encoding="utf-8") == BAD
    (tmp_path / "p.elig").write_text(GOOD, encoding="utf-8")
    done = run("check", "--fix", "--diff", "p.elig", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_check_says_what_could_be_mended(tmp_path: Path) -> None:
    (tmp_path / "p.elig").write_text(BAD, encoding="utf-8")
    done = run("check", "p.elig", "--format", "json", cwd=tmp_path)
    assert done.stderr.endswith("1 of them can be mended: `check --fix`\n")
    (problem,) = json.loads(done.stdout)
    assert problem["fix"] == {
        "line": 8, "column": 13, "end_line": 8, "end_column": 14, "text": ">=",
    }  # fmt: skip


def test_only_files_are_mended(tmp_path: Path) -> None:
    done = run("check", "--fix", "labs", cwd=tmp_path)
    assert done.returncode == 2 and "there is no file `labs`" in done.stderr
    done = run("check", "--diff", "labs", cwd=tmp_path)
    assert done.returncode == 2 and "--diff goes with --fix" in done.stderr
