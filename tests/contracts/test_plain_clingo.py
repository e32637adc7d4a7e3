"""Plain clingo on the printed program and facts decides as `screen` does.

Certain is what holds in every scenario (`--enum-mode=cautious`), possible what holds in one
(`brave`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.findings.facts_text import facts_text
from protocol_logic.foundation.problems import Problems
from protocol_logic.pipeline import (
    Compiled,
    Screening,
    as_of_date,
    compile_source,
    findings_of,
    read_records,
)
from protocol_logic.records.sources import iter_documents
from protocol_logic.surfaces.inputs import source_named
from tests.contracts.command import DEMO, PROTOCOL, SEED_CASES

PATIENTS = [*sorted(DEMO.glob("*.json")), *sorted((SEED_CASES / "cases").glob("*.json"))]


@cache
def compiled() -> Compiled:
    problems = Problems()
    result = compile_source(source_named(PROTOCOL), problems)
    assert result is not None, problems.items
    return result


def row_and_facts(path: Path) -> tuple[Row, str]:
    problems = Problems()
    (record,) = read_records(compiled(), iter_documents([path], problems), problems)
    as_of = as_of_date(record, None)
    assert isinstance(as_of, AsOf)
    row = Screening(compiled()).row(record, as_of)
    return row, facts_text(record.patient, findings_of(compiled(), record, as_of.date))


def consequences(files: list[Path], mode: str) -> set[str]:
    command = [sys.executable, "-m", "clingo", *map(str, files), f"--enum-mode={mode}", "--outf=2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    answer = json.loads(done.stdout)
    assert answer["Result"] == "SATISFIABLE", done.stderr
    # Each witness is nearer to the consequences; the last is all of them.
    return set(answer["Call"][-1]["Witnesses"][-1]["Value"])


def test_the_seed_cases_are_there() -> None:
    if not SEED_CASES.is_dir():
        pytest.skip(f"the seed cases are not at {SEED_CASES}")
    assert len(list((SEED_CASES / "cases").glob("*.json"))) == 20


@pytest.mark.parametrize("path", PATIENTS, ids=lambda path: path.stem[:20])
def test_plain_clingo_decides_the_same(path: Path, tmp_path: Path) -> None:
    row, facts = row_and_facts(path)
    files = [tmp_path / "program.lp", tmp_path / "facts.lp"]
    files[0].write_text(compiled().program.text(), encoding="utf-8")
    files[1].write_text(facts, encoding="utf-8")
    certain = consequences(files, "cautious")
    possible = consequences(files, "brave")

    def outcome(atom: str, yes: str, no: str, unknown: str) -> str:
        return yes if atom in certain else unknown if atom in possible else no

    assert {c["id"]: c["outcome"] for c in row["criteria"]} == {
        c["id"]: outcome(f"met({c['id']})", "met", "not_met", "unknown") for c in row["criteria"]
    }
    assert {c["id"]: c["applies"] for c in row["criteria"]} == {
        c["id"]: f"applies({c['id']})" in possible for c in row["criteria"]
    }
    assert row["eligibility"] == outcome("eligible", "eligible", "ineligible", "undetermined")
