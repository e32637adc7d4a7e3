"""Tables: whose the rows are, on which day each patient is judged, and texts that no row has."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import dedent

from protocol_logic.foundation.problems import Problems
from protocol_logic.records.facts import Account
from protocol_logic.records.tables import iter_table_records
from tests.unit.records.folder import COLUMNS, ELEMENTS, HEAD, LAB, LABS, Folder, said

INDEX = '[[table]]\nfile = "cohort.csv"\ncolumns = { patient = "id", index = "start" }\n'


def test_patients_come_in_the_order_of_the_tables(folder: Folder) -> None:
    records, _ = folder.read(INDEX, cohort="id,start\nz,2026-10-01\na,2026-10-01\nz,2026-10-01\n")
    assert [record.patient for record in records] == ["z", "a"]


def test_rows_of_nobody_and_rows_of_another_length(folder: Folder) -> None:
    records, problems = folder.read(
        LABS,
        lab="""\
            id,name,value,day
            ,Platelet count,8.8,2026-10-01
            p,Hb,8,8,2026-10-01
            p,Hb,8.8,2026-10-02
            """,
    )
    assert [fact.resource for record in records for fact in record.facts] == ["lab.csv:4"]
    assert [(p.code, p.resource, p.message) for p in problems] == [
        ("bad-row", "lab.csv:2", "`id` is empty"),
        ("bad-row", "lab.csv:3", "5 cells, but the header has 4"),
    ]


def test_a_table_of_index_dates_alone(folder: Folder) -> None:
    record = folder.one(
        '[[table]]\nfile = "cohort.csv"\ncolumns = { patient = "id", index = "start" }\n',
        cohort="id,start\np,2026-10-01\n",
    )
    assert (record.index_date, record.facts) == (date(2026, 10, 1), ())
    assert record.accounting == (Account("cohort.csv", irrelevant=1),)


def test_index_dates_that_differ_are_none(folder: Folder) -> None:
    records, problems = folder.read(
        INDEX, cohort="id,start\np,2026-10-01\np,2026-10-02\nq,2026-10-01\nq,2026-10-01\n"
    )
    assert [(r.patient, r.index_date) for r in records] == [("p", None), ("q", date(2026, 10, 1))]
    assert [p.message for p in problems] == [
        "patient `p` has more than one index date: 2026-10-01 (cohort.csv:2), "
        "2026-10-02 (cohort.csv:3)"
    ]


def test_an_index_date_that_is_no_day(folder: Folder) -> None:
    record = folder.one(INDEX, cohort="id,start\np,2026-10\n")
    assert record.index_date is None
    assert said(record) == [
        ("cohort.csv:2", "unreadable-date", "`start` is `2026-10`, which is no day to judge on")
    ]


def test_a_mapping_names_the_folder_of_its_tables(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lab.csv").write_text(LAB, encoding="utf-8")
    mapping = tmp_path / "ours.toml"
    mapping.write_text('folder = "data"\n' + HEAD + COLUMNS + 'element = "ecog"\n')
    problems = Problems()
    (record,) = iter_table_records(mapping, ELEMENTS, problems)
    assert problems.items == []
    assert (record.source, record.facts[0].resource) == (str(mapping), "lab.csv:2")


def test_a_text_of_the_mapping_that_stands_in_no_row_is_told(folder: Folder) -> None:
    mapping = LABS.replace("Platelet count", "Platelets count")
    other = '[[table]]\nfile = "lab.csv"\ncolumns = { patient = "id", element = "name", '
    other += 'value = "value", date = "day" }\nelements = { "Platelet counts" = "ecog" }\n'
    rows = "id,name,value,day\np,Platelet count,88,2026-10-01\np,Hb,8.8,2026-10-02\n"
    records, problems = folder.read(
        dedent(mapping) + other, lab=rows + "p,Platelet counts,1,2026-10-01\n"
    )
    assert {fact.entry for record in records for fact in record.facts} == {"ecog", "hemoglobin"}
    (problem,) = problems
    assert (problem.code, problem.severity) == ("mapping-not-used", "warning")
    assert problem.file == str(folder.path / "mapping.toml")
    assert problem.message == "table 1 (`lab.csv`): `Platelets count` stands in no row of `name`"
    assert problem.hint == "did you mean `Platelet count`?"  # the other text has its own table


def test_a_text_for_a_system_that_stands_in_no_row_is_told(folder: Folder) -> None:
    _, problems = folder.read(
        """
        [[table]]
        file = "lab.csv"
        columns = { patient = "id", system = "name", code = "code", date = "day" }
        systems = { "snomed-ct" = "http://snomed.info/sct" }
        """,
        lab="id,name,code,day\np,SNOMED,254837009,2026-10-01\n",
    )
    (problem,) = problems
    assert problem.message == "table 1 (`lab.csv`): `snomed-ct` stands in no row of `name`"
