"""The five rules of the Trial Pathfinder tutorial, in our language over its CSV tables.

The totals are those that its notebook prints for its 4,000 patients (the README beside the data).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Screening, compile_source
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.tables import iter_table_records
from tests.differential.plain_pathfinder import (
    excluded,
    read_table,
    rules_of,
    younger_than_18_years,
)

ROOT = Path(__file__).parents[2]
CASE = ROOT / "tests" / "cases" / "trial_pathfinder"
TABLES = ROOT.parent / "shared" / "data" / "trialpathfinder" / "tutorial"

pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason=f"no tables at {TABLES}")

TOTALS = {
    "age": 0,
    "histology_squamous": 2020,
    "ecog": 1797,
    "platelets": 1943,
    "bilirubin": 2316,
}


def screened(text: str) -> Iterator[tuple[PatientRecord, Row]]:
    problems = Problems()
    compiled = compile_source(Source("trial_pathfinder.elig", text), problems)
    assert compiled is not None
    screening = Screening(compiled)
    for record in iter_table_records(CASE, elements_of(compiled.protocol), problems):
        assert record.index_date is not None
        yield record, screening.row(record, AsOf(record.index_date, "index"))
    assert problems.items == []


def protocol() -> str:
    return (CASE / "trial_pathfinder.elig").read_text(encoding="utf-8")


@cache
def rows() -> list[tuple[PatientRecord, Row]]:
    return list(screened(protocol()))


def failed(row: Row) -> set[str]:
    """The rules that a patient does not pass; none may be open."""
    verdicts = {c["id"].removeprefix("rule_"): c["verdict"] for c in row["criteria"]}
    assert set(verdicts.values()) <= {"pass", "fail"}
    return {rule for rule, verdict in verdicts.items() if verdict == "fail"}


def test_seven_totals() -> None:
    fails = [failed(row) for _, row in rows()]
    assert {rule: sum(rule in each for each in fails) for rule in TOTALS} == TOTALS
    assert sum(row["eligibility"] == "eligible" for _, row in rows()) == 223
    assert sum(not each & {"ecog", "bilirubin"} for each in fails) == 1053


def test_patient_by_patient_as_in_plain_python() -> None:
    tables = {f: read_table(TABLES / f"{f}.csv") for f in ("demographics", "features", "lab")}
    plain = excluded(rules_of(TABLES / "criteria.csv"), tables)
    assert {row["patient"]: failed(row) for _, row in rows()} == {
        patient: {name.lower() for name in names} for patient, names in plain.items()
    }


def test_every_row_of_every_table_is_accounted_for() -> None:
    counts: dict[str, int] = {}
    for record, row in rows():
        assert row["problems"] == []
        for account in record.accounting:
            assert (account.irrelevant, account.problems) == (0, 0)
            counts[account.type] = counts.get(account.type, 0) + account.facts
    # two facts are read of each of the 4,000 rows of demographics
    assert counts == {"demographics.csv": 8000, "features.csv": 4000, "lab.csv": 19898}


def test_eighteen_years_by_the_calendar_exclude_76() -> None:
    # Trial Pathfinder counts 18 years as 6,570 days, four or five days less than they are.
    head, *parts = protocol().split("\n\n")
    age = [each for each in parts if "include rule_age\n" in each]
    text = "\n\n".join((head, parts[0], *age)) + "\n"
    text = text.replace("age_in_days >= 6570 days", "age >= 18 years")
    young = {row["patient"] for _, row in screened(text) if "age" in failed(row)}
    assert young == younger_than_18_years(TABLES)
    assert len(young) == 76


def test_a_trial_over_the_same_patients() -> None:
    # The tables have what these four rules of CheckMate 017 need.
    text = (CASE / "trials" / "checkmate_017.elig").read_text(encoding="utf-8")
    rules = ("age", "histology_squamous", "ecog", "platelets")
    head, *parts = text.split("\n\n")
    kept = [each for each in parts for rule in rules if f"include rule_{rule}\n" in each]
    fails = [failed(row) for _, row in screened("\n\n".join((head, parts[0], *kept)) + "\n")]
    assert {rule: sum(rule in each for each in fails) for rule in rules} == {
        rule: TOTALS[rule] for rule in rules
    }
