"""The table of values in docs/answers.md: each element takes just the values of its row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from protocol_logic.compiling.answerable import elements_of
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import compile_source
from protocol_logic.records.answers_file import read_answers
from protocol_logic.records.elements import Elements
from tests.contracts.command import ANSWERS_HEADER

PAGE = Path(__file__).parents[2] / "docs" / "answers.md"
PROTOCOL = """\
protocol values
  title All kinds of elements
  version 1.0
  uses demographics, labs, performance, oncology.breast, drugs.antineoplastic, consent
  uses histories, qualifiers, allergy

timepoint first_dose
  label first dose

exclude allergic
  > Allergy
  allergy to paclitaxel

exclude crisis
  > Visceral crisis
  judged "visceral crisis", because a clinician decides

exclude recent
  > Chemotherapy before the first dose
  chemotherapy within 28 days before first_dose
"""
NUMBER = re.compile(r"[<>0-9]")


def rows(heading: str) -> list[tuple[str, list[str]]]:
    """The first and the last column of a table: an element, and the values that stand in quotes."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    found = []
    for line in table.splitlines()[2:]:
        element, _, values = (cell.strip() for cell in line.strip().strip("|").split(" | "))
        values = re.split("; (?:not|site) ", values)[0]
        found.append((element.strip("`"), re.findall("`([^`]+)`", values)))
    return found


PATIENTS = rows("element | what it is")
RECORDS = rows("one record")


@pytest.fixture(scope="module")
def elements() -> Elements:
    problems = Problems()
    compiled = compile_source(Source("values.elig", PROTOCOL), problems)
    assert compiled is not None, problems.items
    return elements_of(compiled.protocol)


def is_read(elements: Elements, element: str, value: str) -> bool:
    problems = Problems()
    text = f'{ANSWERS_HEADER}\np,{element},"{value}",w,2026-10-30,\n'
    assert read_answers(Source("a.csv", text), elements, problems) is not None
    return not problems.items


@pytest.mark.parametrize(("element", "values"), [*PATIENTS, *RECORDS])
def test_the_values_of_a_row_are_read(elements: Elements, element: str, values: list[str]) -> None:
    assert values
    assert [value for value in values if not is_read(elements, element, value)] == []


@pytest.mark.parametrize(("element", "values"), [*PATIENTS, *RECORDS])
def test_words_of_other_rows_are_not(elements: Elements, element: str, values: list[str]) -> None:
    """Numbers are left out: a unit, and not the kind of an element, tells whether one is right."""
    of_all = {value for _, each in (*PATIENTS, *RECORDS) for value in each}
    words = {value for value in of_all if not NUMBER.match(value) and " with " not in value}
    read = {value for value in words if is_read(elements, element, value)}
    synonyms = {"complete", "closed"} if "complete" in values and ":" not in element else set()
    assert read - synonyms == words & set(values) - synonyms


def test_the_table_names_each_kind() -> None:
    assert len(PATIENTS) == 20
    assert len(RECORDS) == 7
