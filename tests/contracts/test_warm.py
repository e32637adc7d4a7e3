"""A command that is started warm (tests/warm.py) is the command: the same bytes, the same code."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from protocol_logic.surfaces.cli import group
from tests.contracts.command import COMMAND, DEMO, PROTOCOL, environment
from tests.warm import run_warm, warm_command

INES = DEMO / "ines_all_met.json"
TEXT = b"Inclusion Criteria:\n- Age over 18\n"
LINES: dict[str, list[list[str | Path]]] = {
    "check": [["labs"], ["no/such/file"]],
    "format": [["--check", "labs.elig"]],
    "problem": [["wrong-unit"], []],
    "new": [["-"]],
    "names": [["anemia"]],
    "ingest": [["none.json", "a.txt"], [INES, "a.duckdb"]],
    "export": [["none.duckdb", "a"]],
    "screen": [
        [PROTOCOL, INES, "--why"],
        [PROTOCOL, "none.json", "--format", "json", "--workers", "2"],
    ],
    "explain": [[PROTOCOL, INES, "--format", "json"]],
    "what-if": [[PROTOCOL, INES]],
    "cohort": [[PROTOCOL, INES]],
    "fit": [[PROTOCOL, INES]],
    "test": [["pcp_prophylaxis"]],
    "compile": [[PROTOCOL, "--to", "asp"]],
    "audit verify": [["record.jsonl"]],
    "audit show": [["record.jsonl", "--patient", "ines"]],
    "audit replay": [["record.jsonl", DEMO]],
    "audit repair": [["record.jsonl"]],
    "audit key": [["record.jsonl"]],
    "audit note": [["record.jsonl", "--patient", "nobody", "--by", "A", "--reason", "B"]],
}

pytestmark = pytest.mark.skipif(warm_command() is None, reason="needs Linux")


def commands(named: str, command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(f"{named} {name}", below)
    else:
        yield named.strip()


def test_each_command_is_started_both_ways() -> None:
    assert sorted(LINES) == sorted(commands("", group))


@pytest.mark.parametrize("name", LINES)
def test_a_warm_start_is_a_start(name: str, whole: Path, tmp_path: Path) -> None:
    warm = warm_command()
    assert warm is not None
    ends = []
    for number, start in enumerate((COMMAND, [warm])):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "record.jsonl").write_bytes(whole.read_bytes())
        (folder / "none.json").write_text("{", encoding="utf-8")
        (folder / "labs.elig").write_text("knowledge labs\n  title  Labs\n", encoding="utf-8")
        for line in LINES[name]:
            done = subprocess.run(
                [*start, *name.split(), *line],
                cwd=folder, env=environment(COLUMNS="70"), input=TEXT, capture_output=True,
                check=False,
            )  # fmt: skip
            assert done.stdout or done.stderr
            ends.append((done.returncode, done.stdout, done.stderr))
    assert ends[: len(ends) // 2] == ends[len(ends) // 2 :]


@pytest.mark.parametrize("line", [["check", "no/such/file"], ["compile", PROTOCOL, "--to", "asp"]])
def test_what_is_asked_without_the_program_is_the_same(line: list[str], tmp_path: Path) -> None:
    warm = warm_command()
    assert warm is not None
    done = subprocess.run(
        [warm, *line],
        cwd=tmp_path, env=environment(), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.stdout or done.stderr
    assert vars(run_warm(warm, line, tmp_path, environment(), 120)) == vars(done)
