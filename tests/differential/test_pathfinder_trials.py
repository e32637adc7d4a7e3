"""Four trials as Trial Pathfinder encodes them, in our language: its rules, word by word, and what
they say of patients drawn by lot, beside a plain script that reads the rules from its files."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.answering.rows import AsOf
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.language import tree
from protocol_logic.language.parse import parse
from protocol_logic.pipeline import Screening, compile_source
from protocol_logic.records.tables import iter_table_records
from tests.differential.pathfinder_reading import excluded_as_read
from tests.differential.pathfinder_tables import COLUMNS, write_table, write_tables
from tests.differential.plain_pathfinder import Rule, Tables, excluded, read_table, rules_of

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases" / "trial_pathfinder" / "trials"
CRITERIA = ROOT.parent / "shared" / "data" / "trialpathfinder" / "criteria"
TRIALS = {
    "flaura": ("AZ_FLAURA", 1),
    "checkmate_017": ("BMS_Checkmate017", 2),
    "keynote_189": ("Merck_Keynote189", 1),
    "oak": ("Roche_OAK", 2),
}
"""Protocol -> the file of its rules, and the line of treatment at whose start it judges."""
PATIENTS = 200

# What `cohort_select.py` of Trial Pathfinder 1.1.0 itself excludes of these patients. It was run
# once over the tables of the fixture, with one line mended that today's pandas does not take.
UPSTREAM: dict[str, dict[str, int]] = {
    "flaura": {
        "Age": 106,
        "Histology_NonSquamous": 128,
        "Staging": 106,
        "ECOG": 97,
        "Neutrophils": 58,
        "Platelets": 44,
        "Hemoglobin": 50,
        "ALT": 37,
        "AST": 35,
        "Bilirubin": 45,
    },
    "checkmate_017": {
        "Age": 29,
        "Histology_Squamous": 140,
        "Staging": 29,
        "FirstProgression": 7,
        "maintenance": 18,
        "ECOG": 97,
        "WBC": 51,
        "Neutrophils": 68,
        "Platelets": 58,
        "Hemoglobin": 60,
        "AST_v2": 102,
        "ALT_v2": 101,
        "Bilirubin_v2": 90,
        "CNS_Metastasis": 49,
        "PDL1-exclude-lpilimumab": 15,
        "PDL1-exclude-Docetaxel": 26,
        "CYP3A4": 53,
    },
    "keynote_189": {
        "EGFR_ALK_therapy": 10,
        "EGFR_ALK_positive": 33,
        "Age": 106,
        "Histology_NonSquamous": 128,
        "Staging": 106,
        "neoadjuvant_treatment": 68,
        "ECOG": 97,
        "Neutrophils": 58,
        "Platelets": 44,
        "Bilirubin": 45,
        "Hemoglobin": 50,
        "AST": 35,
        "ALT": 37,
        "prior_treatment": 84,
        "CNS_Metastasis": 15,
    },
    "oak": {
        "Age": 29,
        "Histology_Any": 68,
        "Staging": 29,
        "EGFR_drug": 21,
        "ALK_drug": 25,
        "ECOG": 97,
        "WBC_v2": 70,
        "Lymphocyte": 57,
        "Albumin": 59,
        "Platelets": 58,
        "Hemoglobin": 60,
        "ALT_v2": 101,
        "AST_v2": 102,
        "Bilirubin_v2": 90,
        "CNS_Metastasis": 49,
        "PDL1-exclude-Docetaxel": 26,
        "CYP3A4": 53,
        "PDL1-exclude-lpilimumab": 15,
    },
}
# Once two tables are joined, its program sees of a line with OR the first alternative alone: an
# ECOG of 0, 198.4, afatinib, EGFR, neutrophils. Rule -> of how many patients that differs from what
# the rule says.
PROGRAMMED = {
    "flaura": {"Neutrophils": 19, "ECOG": 34},
    "checkmate_017": {"ECOG": 41, "CNS_Metastasis": 25, "Neutrophils": 27},
    "keynote_189": {
        "EGFR_ALK_positive": 45, "Neutrophils": 19, "ECOG": 34, "CNS_Metastasis": 13,
        "EGFR_ALK_therapy": 22,
    },
    "oak": {"ECOG": 41, "CNS_Metastasis": 25},
}  # fmt: skip
# Rule -> of how many patients the criterion differs from what the rule says. Why: the notes of
# `pathfinder_reading.CHANGES`, and for ECOG the 7 days after the start.
READ = {
    "flaura": {"Histology_NonSquamous": 68, "ECOG": 11},
    "checkmate_017": {
        "Histology_Squamous": 68, "CNS_Metastasis": 36, "CYP3A4": 33, "PDL1-exclude-Docetaxel": 29,
        "FirstProgression": 13, "ECOG": 17, "maintenance": 19, "PDL1-exclude-lpilimumab": 16,
    },
    "keynote_189": {
        "Histology_NonSquamous": 68, "ECOG": 11, "neoadjuvant_treatment": 16, "prior_treatment": 24,
        "CNS_Metastasis": 18, "EGFR_ALK_positive": 5,
    },
    "oak": {
        "Histology_Any": 68, "ALK_drug": 55, "CNS_Metastasis": 36, "EGFR_drug": 30, "CYP3A4": 33,
        "PDL1-exclude-Docetaxel": 29, "ECOG": 17, "PDL1-exclude-lpilimumab": 16,
    },
}  # fmt: skip

pytestmark = pytest.mark.skipif(not CRITERIA.is_dir(), reason=f"no criteria at {CRITERIA}")


def rules(trial: str) -> list[Rule]:
    return rules_of(CRITERIA / f"{TRIALS[trial][0]}.csv")


def source(trial: str) -> Source:
    return Source(f"{trial}.elig", (CASES / f"{trial}.elig").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tables]:
    where = tmp_path_factory.mktemp("tables")
    write_tables(where, seed=2021, patients=PATIENTS)
    return where, {name: read_table(where / f"{name}.csv") for name in COLUMNS}


def days_of(trial: str, tables: Tables) -> dict[str, date]:
    """Patient -> the start of the line at which the trial judges."""
    line = TRIALS[trial][1]
    rows = tables["treatments"]
    return {
        row["PatientID"]: row["startdate"]
        for row in rows
        if (row["linenumber"], row["maintenance"]) == (line, False)
    }


def screened(trial: str, where: Path, tables: Tables) -> dict[str, set[str]]:
    """Patient -> the rules that the patient does not pass; none may be open."""
    days = days_of(trial, tables)
    advanced = {row["PatientID"]: row["advanceddate"] for row in tables["features"]}
    header = ("PatientID", "startdate", "day_before", "fifteen_days_before_advanced")
    index = [
        (patient, day, day - timedelta(1), advanced[patient] - timedelta(15))
        for patient, day in days.items()
    ]
    write_table(where / "index.csv", header, index)
    counts = [row for row in tables["lab"] if row["name"] == "Granulocytes #"]
    in_thousand_millions = [(r["PatientID"], r["date"], r["value"] * 1000) for r in counts]
    write_table(where / "granulocytes.csv", ("PatientID", "date", "value"), in_thousand_millions)
    shutil.copy(CASES / "mapping.toml", where)
    problems = Problems()
    compiled = compile_source(source(trial), problems)
    assert compiled is not None
    screening = Screening(compiled)
    names = {each.name.lower().replace("-", "_"): each.name for each in rules(trial)}
    found: dict[str, set[str]] = {}
    for record in iter_table_records(where, elements_of(compiled.protocol), problems):
        row = screening.row(record, AsOf(days[record.patient], "index"))
        verdicts = {names[c["id"].removeprefix("rule_")]: c["verdict"] for c in row["criteria"]}
        assert set(verdicts.values()) <= {"pass", "fail"}, (record.patient, verdicts)
        found[record.patient] = {rule for rule, verdict in verdicts.items() if verdict == "fail"}
    assert problems.items == []
    return found


def differences(a: dict[str, set[str]], b: dict[str, set[str]]) -> dict[str, int]:
    """Rule -> of how many patients two readings say something else."""
    return dict(Counter(rule for patient in a for rule in a[patient] ^ b[patient]))


Excluded = dict[str, set[str]]
"""Patient -> the rules that the patient does not pass."""


@pytest.fixture(scope="module")
def by_hand(tables: tuple[Path, Tables]) -> Callable[[str, str], Excluded]:
    """What the plain script says of a trial, of its rules as written, programmed or read."""

    @cache
    def found(trial: str, how: str) -> Excluded:
        if how == "read":
            return excluded_as_read(rules(trial), tables[1], days_of(trial, tables[1]))
        return excluded(rules(trial), tables[1], as_programmed=how == "programmed")

    return found


@pytest.mark.parametrize("trial", TRIALS)
def test_the_rules_stand_there_word_by_word(trial: str) -> None:
    criteria = [s for s in parse(source(trial), Problems()) if isinstance(s, tree.Criterion)]
    written = [(c.polarity == "exclusion", c.sentence) for c in criteria]
    assert written == [(rule.excludes, "\n".join(rule.text)) for rule in rules(trial)]


@pytest.mark.parametrize("trial", TRIALS)
def test_patient_by_patient_as_the_plain_script(
    trial: str, tables: tuple[Path, Tables], by_hand: Callable[[str, str], Excluded]
) -> None:
    expected = by_hand(trial, "read")
    found = screened(trial, *tables)
    assert {p: (found[p], expected[p]) for p in found if found[p] != expected[p]} == {}
    assert len(found) == PATIENTS


@pytest.mark.parametrize("trial", TRIALS)
def test_how_many_upstream_excludes(trial: str, by_hand: Callable[[str, str], Excluded]) -> None:
    programmed = by_hand(trial, "programmed")
    totals = Counter(rule for each in programmed.values() for rule in each)
    assert dict(totals) == UPSTREAM[trial]
    assert set(totals) == {rule.name for rule in rules(trial)}


@pytest.mark.parametrize("trial", TRIALS)
def test_how_many_are_read_otherwise(trial: str, by_hand: Callable[[str, str], Excluded]) -> None:
    written, programmed, read = (by_hand(trial, how) for how in ("written", "programmed", "read"))
    assert differences(programmed, written) == PROGRAMMED[trial]
    assert differences(written, read) == READ[trial]
