"""The seed protocol: its sentences, its committed program, and its worked cases."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Screening, as_of_date, compile_source, read_records
from protocol_logic.records.sources import iter_documents

REPO = Path(__file__).parents[2]
HOME = REPO / "kb" / "protocols" / "anlotinib_fulvestrant"
SHARED = REPO.parent / "shared" / "data"
EXPECTED = json.loads((HOME / "expected.json").read_text(encoding="utf-8"))["cases"]
DEMO = json.loads((REPO / "demo" / "expected.json").read_text(encoding="utf-8"))["patients"]


@cache
def screening() -> Screening:
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    problems = Problems()
    compiled = compile_source(Source("seed", path.read_text(encoding="utf-8")), problems)
    assert compiled is not None
    assert not problems.items
    return Screening(compiled)


@cache
def rows(folder: Path) -> dict[str, Any]:
    """File name -> row."""
    problems = Problems()
    found = {}
    for document in iter_documents([folder], problems):
        for record in read_records(screening().compiled, [document], problems):
            as_of = as_of_date(record, None)
            found[Path(document.source).name] = screening().row(record, as_of)  # type: ignore[arg-type]
    assert not problems.items
    return found


def check_row(row: Any, outcomes: Any, eligibility: str, vacuous: list[str]) -> None:
    numbered = {str(i): c for i, c in enumerate(row["criteria"], 1)}
    assert {k: c["outcome"] for k, c in numbered.items()} == outcomes
    assert row["eligibility"] == eligibility
    assert [k for k, c in numbered.items() if not c["applies"]] == vacuous
    for criterion in numbered.values():
        assert bool(criterion["gaps"]) == (criterion["outcome"] == "unknown")


@pytest.mark.parametrize("case", sorted(EXPECTED))
def test_worked_cases(case: str) -> None:
    expected = EXPECTED[case]
    row = rows(HOME / "cases")[Path(expected["file"]).name]
    eligibility = expected.get("overall_exact") or expected["overall"]
    check_row(row, expected["criteria"], eligibility, expected["vacuous"])
    gaps = sorted({gap for c in row["criteria"] for gap in c["gaps"]})
    assert gaps == sorted(expected["missing_data"])
    assert bool(row["decided_jointly"]) == ("overall_exact" in expected)


@pytest.mark.parametrize("patient", sorted(DEMO))
def test_demo_patients(patient: str) -> None:
    expected = DEMO[patient]
    row = rows(REPO / "demo" / "patients")[Path(expected["file"]).name]
    check_row(row, expected["criteria"], expected["eligibility"], expected["vacuous"])
    gaps = {str(i): c["gaps"] for i, c in enumerate(row["criteria"], 1) if c["gaps"]}
    assert gaps == {k: sorted(v) for k, v in expected["gaps"].items()}


def test_the_committed_program_is_what_the_protocol_compiles_to() -> None:
    committed = (HOME / "program.lp").read_text(encoding="utf-8")
    assert committed == screening().compiled.program.text()


def test_the_sentences_are_the_protocols_own() -> None:
    if not SHARED.is_dir():
        pytest.skip("../shared is not here: the seed's text cannot be compared")
    text = (SHARED / "seed_protocol.txt").read_text(encoding="utf-8")
    bullets = [line.removeprefix("• ").rstrip() for line in text.split("\n") if line[:1] == "•"]
    sentences = [c.sentence for c in screening().compiled.protocol.criteria]
    assert sentences == bullets


def test_the_worked_cases_are_those_handed_over() -> None:
    if not SHARED.is_dir():
        pytest.skip("../shared is not here: the copies cannot be compared")
    theirs = SHARED / "seed_cases"
    for path in [HOME / "expected.json", *sorted((HOME / "cases").glob("*.json"))]:
        original = theirs / path.relative_to(HOME)
        assert path.read_bytes() == original.read_bytes(), path.name
