"""Mappings that cannot be used: what is said of each fault."""

from __future__ import annotations

import pytest

from tests.unit.records.folder import COLUMNS, HEAD, LAB, Folder


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        ("", "there is no table"),
        ("table = 1", "`table` is no list of tables"),
        (
            "[[table]",
            "it is not TOML: expected ']]' at the end of an array declaration (at line 1, ",
        ),
        ("folders = '.'\n" + HEAD + COLUMNS + 'element = "ecog"', "there is no key `folders`"),
        (HEAD + COLUMNS + 'elment = "ecog"', "table 1 (`lab.csv`): there is no key `elment`"),
        (COLUMNS, "there is no table"),
        (
            "[[table]]\n" + COLUMNS + 'element = "ecog"',
            "table 1: `file` is missing",
        ),
        (
            '[[table]]\nfile = "lab.xlsx"\n' + COLUMNS + 'element = "ecog"',
            "table 1 (`lab.xlsx`): `lab.xlsx` is no .csv or .parquet file",
        ),
        (
            HEAD + 'columns = { value = "value", date = "day" }\nelement = "ecog"',
            "table 1 (`lab.csv`): no column says who the patient is",
        ),
        (
            HEAD + 'columns = { patient = 1 }\nelement = "ecog"',
            "table 1 (`lab.csv`): `columns`: `patient` is no text in quotes",
        ),
        (
            HEAD + 'columns = { patient = "id", vlue = "value" }\nelement = "ecog"',
            "table 1 (`lab.csv`): `columns`: there is no key `vlue`",
        ),
        (HEAD + COLUMNS, "table 1 (`lab.csv`): nothing says what the rows are about"),
        (
            HEAD + COLUMNS + 'element = "ecogg"',
            "table 1 (`lab.csv`): `ecogg` is not known as an element",
        ),
        (
            HEAD + COLUMNS + 'element = "reference_range:alt"',
            "table 1 (`lab.csv`): `reference_range:alt` is no entry of the knowledge base",
        ),
        (
            HEAD
            + 'columns = { patient = "id", element = "value", date = "day" }\nelement = "ecog"\n'
            'value = "1"',
            "table 1 (`lab.csv`): it says twice what the rows are about: `element` and column "
            "`element`",
        ),
        (
            HEAD + COLUMNS + 'element = "platelets"',
            "table 1 (`lab.csv`): nothing says in which unit `platelets` is",
        ),
        (
            HEAD + COLUMNS + 'element = "platelets"\nunit = "K/uL"',
            "table 1 (`lab.csv`): `unit` of `platelets`: its unit `K/uL` is none of",
        ),
        (
            HEAD + COLUMNS + 'element = "ecog"\nvalue = "1"',
            "table 1 (`lab.csv`): the value is said twice: by `value` and by a column",
        ),
        (
            HEAD + 'columns = { patient = "id", date = "day" }\nelement = "ecog"',
            "table 1 (`lab.csv`): no column holds the value",
        ),
        (
            HEAD + 'columns = { patient = "id", date = "day" }\nelement = "er"\nvalue = "yes"',
            "table 1 (`lab.csv`): `value`: `yes` is no value of it",
        ),
        (
            HEAD + COLUMNS + 'element = "er"\nvalues = { "Y" = "yes" }',
            "table 1 (`lab.csv`): `values`: `yes` is no value of it",
        ),
        (
            HEAD + 'columns = { patient = "id", value = "value" }\nelement = "ecog"',
            "table 1 (`lab.csv`): nothing says of which day the rows are",
        ),
        (
            HEAD
            + 'columns = { patient = "id", value = "value" }\nelement = "ecog"\ndate = "today"',
            "table 1 (`lab.csv`): `date` is `today`; it can only be `index`",
        ),
        (
            HEAD
            + 'columns = { patient = "id", value = "value" }\nelement = "ecog"\ndate = "index"',
            "table 1 (`lab.csv`): `date` is `index`, but no table has an index column",
        ),
        (
            HEAD + COLUMNS + 'element = "chemotherapy"',
            "table 1 (`lab.csv`): a medication has no value",
        ),
        (
            HEAD + COLUMNS + 'element = "ecog"\nno_end = "ongoing"',
            "table 1 (`lab.csv`): `no_end` has no use: `ecog` is no medication",
        ),
        (
            HEAD + COLUMNS + 'element = "ecog"\nstatuses = ["final"]',
            "table 1 (`lab.csv`): a column `status` and the `statuses` that count go together",
        ),
        (
            HEAD + COLUMNS + 'element = "ecog"\nunits = { "K" = "10*3/uL" }',
            "table 1 (`lab.csv`): `units` has no use without a column `unit`",
        ),
        (
            HEAD + 'columns = { patient = "id", code = "value", date = "day" }',
            "table 1 (`lab.csv`): a code says nothing without its system",
        ),
        (
            HEAD + 'columns = { patient = "id", code = "value", date = "day" }\n'
            'system = "http://loinc.com"',
            "table 1 (`lab.csv`): `http://loinc.com` is no code system of the knowledge base",
        ),
    ],
)
def test_faults(folder: Folder, mapping: str, fault: str) -> None:
    assert [m for m, _ in folder.faults(mapping, lab=LAB) if m.startswith(fault)]


def test_all_faults_are_told_in_one_run(folder: Folder) -> None:
    faults = folder.faults(
        HEAD + COLUMNS + 'element = "ecogg"\n\n' + HEAD + COLUMNS + 'elment = "er"\n', lab=LAB
    )
    assert faults == [
        ("table 1 (`lab.csv`): `ecogg` is not known as an element", "did you mean `ecog`?"),
        ("table 2 (`lab.csv`): there is no key `elment`", "did you mean `element` or `elements`?"),
    ]


def test_what_is_decided_from_others_is_told_so(folder: Folder) -> None:
    assert folder.faults(HEAD + COLUMNS + 'element = "clearance"\n', lab=LAB) == [
        (
            "table 1 (`lab.csv`): `clearance` is not recorded but decided from others",
            "give what it rests on: `creatinine` or `sex`",
        )
    ]


def test_no_fault_follows_from_a_table_that_has_one(folder: Folder) -> None:
    index = HEAD + 'columns = { patient = "id", index = "day" }\n'
    on_index = HEAD + 'columns = { patient = "id", value = "value" }\nelement = "ecog"\n'
    on_index += 'date = "index"\n'
    broken = "table 1 (`lab.csv`): there is no key `elment`"
    assert folder.faults(index + 'elment = "er"\n\n' + on_index, lab=LAB) == [
        (broken, "did you mean `element` or `elements`?")
    ]
    second = HEAD + COLUMNS + 'element = "ecogg"\n'
    third = on_index.replace('"ecog"', '"ecogs"')
    assert [m for m, _ in folder.faults(f"{on_index}\n{second}\n{third}", lab=LAB)] == [
        "table 2 (`lab.csv`): `ecogg` is not known as an element",
        "table 3 (`lab.csv`): `ecogs` is not known as an element",
    ]
