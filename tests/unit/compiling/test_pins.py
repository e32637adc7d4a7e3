"""Pins: the digest changes with what can change a verdict, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from protocol_logic.compiling import library
from protocol_logic.compiling.check import check, pin_of
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import kb_root

PROTOCOL = """\
protocol example
  title Example
  version 1
  uses labs, oncology.breast

include liver
  > ALT within the limit, no metastasis
  all of
    alt <= 2.5 x ULN
    not metastasis

include kidney
  > Clearance
  creatinine_clearance >= 60 mL/min

include receptor
  > HER2
  her2 is negative

include relapsed
  > Relapse under therapy
  there is
    course of endocrine_therapy with intent adjuvant, called course
    relapse on or after start of course
"""
Edit: TypeAlias = Callable[[str, str, str], None]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Replaces a text, which stands there once, in a file of a copy of the knowledge base."""
    shutil.copytree(kb_root() / "knowledge", tmp_path / "knowledge")
    path_of = {
        name: tmp_path / "knowledge" / f"{name.replace('.', '/')}.elig"
        for name in (
            *("systems", "demographics", "histories", "labs", "oncology.breast"),
            *("oncology.staging", "drugs.antineoplastic", "drugs.other", "drugs.long_term_use"),
        )
    }
    monkeypatch.setattr(library, "knowledge_path", path_of.get)

    def edit(name: str, old: str, new: str) -> None:
        text = path_of[name].read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        path_of[name].write_text(text.replace(old, new), encoding="utf-8")

    return edit


def pin(text: str = PROTOCOL) -> str:
    problems = Problems()
    found = pin_of(Source("p.elig", text), problems)
    assert found is not None, problems.items
    return found


SODIUM = "quantity zinc\n  code local zinc\n  unit mmol/L\n\n"
SKIN = "condition skin_metastasis\n  code snomed 94579000\n  is a metastasis\n\n"
VACCINE = "system cvx http://hl7.org/fhir/sid/cvx\n\nquantity vaccine\n  code cvx 1\n  unit 1\n\n"
LIVER = 'snomed 94381002 "Secondary malignant neoplasm of liver"'
UNREACHED = [
    ("labs", "quantity platelets element plt", f"{SODIUM}quantity platelets element plt"),
    ("labs", "  label platelets\n", "  label platelet count\n"),
    ("labs", "  label creatinine\n", "  label serum creatinine\n"),
    ("labs", "quantity platelets element plt", "quantity thrombocytes"),
    ("oncology.breast", '254837009 "Malignant neoplasm of breast"', '254837009 "Breast cancer"'),
    ("oncology.staging", f"{LIVER}, icd10cm C78.7", f"icd10cm C78.7, {LIVER}"),
    ("histories", "complete procedure history", "procedures"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), UNREACHED)
def test_what_decides_nothing_may_change(edit: Edit, name: str, old: str, new: str) -> None:
    before = pin()
    edit(name, old, new)
    assert pin() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        # a code of a quantity, of a kind below a condition, of a drug of a class
        ("labs", "    loinc 1742-6", "    loinc 76625-3\n    loinc 1742-6"),
        ("oncology.staging", "snomed 94381002", "snomed 94381002, snomed 255007008"),
        # another kind, and what denies all kinds
        ("oncology.staging", "condition brain_", f"{SKIN}condition brain_"),
        ("oncology.staging", "4C\n  # Of an ovary", "3C\n  # Of an ovary"),
        # what casts doubt on its absence
        ("oncology.staging", "M1 or stage in 4, 4A, 4B, 4C", "M1 or stage in 4, 4A, 4B, 3C"),
        # what a derived quantity is made of, and a definition
        ("labs", "times 0.85 if", "times 0.86 if"),
        ("demographics", "  values female, male\n", "  values female, male, other\n"),
        ("histories", "loinc 11450-4", "loinc 11450-4, loinc 11451-2"),
        # a system that was not known: a code under it could not be known
        ("labs", "quantity platelets element plt", f"{VACCINE}quantity platelets element plt"),
    ],
)  # fmt: skip
def test_what_decides_changes_the_pin(edit: Edit, name: str, old: str, new: str) -> None:
    before = pin()
    edit(name, old, new)
    assert pin() != before


def test_a_pin_says_when_knowledge_has_changed(edit: Edit) -> None:
    text = PROTOCOL.replace("  uses", f"  knowledge {pin()}\n  uses")
    problems = Problems()
    assert check(Source("p.elig", text), problems) is not None and not problems.items
    edit("labs", "times 0.85 if", "times 0.86 if")
    assert check(Source("p.elig", text), problems) is None
    (problem,) = problems.items
    assert problem.code == "knowledge-changed" and "`labs`" in problem.message
    assert problem.hint is not None and pin(text) in problem.hint


def test_what_the_protocol_says_itself_is_not_in_its_pin() -> None:
    own = PROTOCOL.replace("2.5 x ULN", "3 x ULN").replace(
        "include liver", "define well\n  age_in_days >= 1 d\n\ninclude liver"
    )
    assert pin(own) == pin()
