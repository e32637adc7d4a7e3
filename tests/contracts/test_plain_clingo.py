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
from protocol_logic.foundation.source import Source
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


SCOPED = """\
protocol scoped
  title What is asked of a person, exceptions and scopes
  uses demographics, labs, oncology.breast, consent

scope platelets_low
  label Cohort A: few platelets
scope others
  label Cohort B: all others
scope men
  label Cohort C: men

include few_platelets
  for platelets_low
  > Cohort A: platelets below 120
  platelets < 120 10*9/L

exclude few_platelets_elsewhere
  for others, men
  > Cohort B: not platelets below 120
  except if judged "platelets low by dilution"
  platelets < 120 10*9/L

include man
  for men
  > Cohort C: men
  sex is male

exclude metastasis_of_the_brain
  > Brain metastases, unless stable
  except if attested "brain metastases stable for three months"
  brain_metastasis
"""


@cache
def compiled(text: str = "") -> Compiled:
    problems = Problems()
    source = Source("scoped.elig", text) if text else source_named(PROTOCOL)
    result = compile_source(source, problems)
    assert result is not None, problems.items
    return result


def row_and_facts(path: Path, found: Compiled) -> tuple[Row, str]:
    problems = Problems()
    (record,) = read_records(found, iter_documents([path], problems), problems)
    as_of = as_of_date(record, None)
    assert isinstance(as_of, AsOf)
    row = Screening(found).row(record, as_of)
    return row, facts_text(record.patient, findings_of(found, record, as_of.date))


BOTH = """
import sys
from clingo.application import Application, clingo_main
for mode in ("cautious", "brave"):
    clingo_main(Application(), [*sys.argv[1:], f"--enum-mode={mode}", "--outf=2"])
"""
"""`python -m clingo` twice, in one process."""


def consequences(files: list[Path]) -> tuple[set[str], set[str]]:
    """What holds in every answer, and what in some."""
    command = [sys.executable, "-c", BOTH, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found: list[set[str]] = []
    for text in done.stdout.replace("}\n{", "}\n\0{").split("\0"):
        answer = json.loads(text)
        assert answer["Result"] == "SATISFIABLE", done.stderr
        # Each witness is nearer to the consequences; the last is all of them.
        found.append(set(answer["Call"][-1]["Witnesses"][-1]["Value"]))
    certain, possible = found
    return certain, possible


def test_the_seed_cases_are_there() -> None:
    if not SEED_CASES.is_dir():
        pytest.skip(f"the seed cases are not at {SEED_CASES}")
    assert len(list((SEED_CASES / "cases").glob("*.json"))) == 20


@pytest.mark.parametrize("path", PATIENTS, ids=lambda path: path.stem[:20])
def test_plain_clingo_decides_the_same(path: Path, tmp_path: Path) -> None:
    check(path, compiled(), tmp_path)


def test_plain_clingo_decides_scopes_the_same(tmp_path: Path) -> None:
    found = compiled(SCOPED)
    said = {
        (scope["id"], scope["eligibility"])
        for path in sorted(DEMO.glob("*.json"))
        for scope in check(path, found, tmp_path)["scopes"]
    }
    assert len(said) >= 6, "the demo patients do not tell the scopes apart"


def check(path: Path, found: Compiled, tmp_path: Path) -> Row:
    row, facts = row_and_facts(path, found)
    files = [tmp_path / "program.lp", tmp_path / "facts.lp"]
    files[0].write_text(found.program.text(), encoding="utf-8")
    files[1].write_text(facts, encoding="utf-8")
    certain, possible = consequences(files)

    def outcome(atom: str, yes: str, no: str, unknown: str) -> str:
        return yes if atom in certain else unknown if atom in possible else no

    assert {c["id"]: c["outcome"] for c in row["criteria"]} == {
        c["id"]: outcome(f"met({c['id']})", "met", "not_met", "unknown") for c in row["criteria"]
    }
    assert {c["id"]: c["applies"] for c in row["criteria"]} == {
        c["id"]: f"applies({c['id']})" in possible for c in row["criteria"]
    }
    eligibility = ("eligible", "ineligible", "undetermined")
    if not row["scopes"]:
        assert row["eligibility"] == outcome("eligible", *eligibility)
    for scope in row["scopes"]:
        assert scope["eligibility"] == outcome(f"eligible({scope['id']})", *eligibility)
    return row
