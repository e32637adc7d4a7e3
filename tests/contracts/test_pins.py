"""Pins on the command line: who writes them, and what a wrong one stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol_logic.knowledge.resources import protocol_path
from tests.contracts.command import DEMO, run, written

INES = DEMO / "ines_all_met.json"
PROTOCOL = """\
protocol example
  title Example
  version 1
  language 1
  knowledge 0123456789ab
  uses performance

include performance
  > ECOG 0
  ecog <= 0
"""


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    return written(tmp_path / "example.elig", PROTOCOL)


def test_a_wrong_pin_judges_nobody_until_it_is_written_anew(protocol: Path) -> None:
    done = run("screen", protocol, INES, "--as-of", "2026-11-20")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[knowledge-changed]" in done.stderr and "`performance`" in done.stderr
    assert run("format", "--check", protocol).returncode == 0
    assert run("format", "--upgrade", "--check", protocol).returncode == 1
    done = run("format", "--upgrade", protocol)
    assert (done.returncode, done.stderr) == (0, "1 file changed, 0 in canonical form\n")
    assert run("check", protocol).returncode == 0
    assert run("screen", protocol, INES, "--as-of", "2026-11-20").returncode == 0
    text = protocol.read_text(encoding="utf-8").splitlines()
    assert [line for line, old in zip(text, PROTOCOL.splitlines(), strict=True) if line != old] == [
        text[4]
    ]


def test_a_protocol_with_errors_gets_no_pin(protocol: Path) -> None:
    written(protocol, PROTOCOL.replace("ecog <= 0", "ecog   <= 0 mg"))
    done = run("format", "--upgrade", protocol)
    assert done.returncode == 1 and "error[wrong-unit]" in done.stderr
    text = protocol.read_text(encoding="utf-8")
    assert "knowledge 0123456789ab" in text and "ecog <= 0 mg" in text


def test_knowledge_gets_its_language_and_policies_nothing(tmp_path: Path) -> None:
    knowledge = written(tmp_path / "k.elig", "knowledge mine\n  title Mine\n")
    policies = written(
        tmp_path / "p.elig", "policies city\n  title City\n\npolicy labs within 1 d\n"
    )
    assert run("format", "--upgrade", knowledge, policies).returncode == 0
    assert knowledge.read_text(encoding="utf-8") == "knowledge mine\n  title Mine\n  language 1\n"
    assert "language" not in policies.read_text(encoding="utf-8")


def test_a_criterion_that_is_taken_out_is_no_changed_knowledge(tmp_path: Path) -> None:
    path = protocol_path("accord")
    assert path is not None
    first, *rest = path.read_text(encoding="utf-8").split("\ninclude ")
    fewer = written(tmp_path / "accord.elig", "\ninclude ".join([first, *rest[1:]]))
    done = run("check", fewer)
    assert done.returncode == 1
    [line] = (line for line in done.stdout.splitlines() if "error[" in line)
    assert "the pin is that of `accord` in the knowledge base; the criteria of this file" in line
