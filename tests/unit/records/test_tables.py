"""Tables: what a mapping may say, what the rows become, and that each of them is accounted for."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from textwrap import dedent

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.records.elements import Elements
from protocol_logic.records.facts import (
    Account,
    Born,
    Closed,
    ConditionStated,
    Done,
    Limit,
    Measured,
    PatientRecord,
    Reading,
    Stated,
    Therapy,
)
from protocol_logic.records.tables import iter_table_records
from tests.unit.records.build import point
from tests.unit.records.vocabulary import VOCABULARY

ELEMENTS = Elements(VOCABULARY, {"clearance": ("creatinine", "sex")})


class Folder:
    """A folder with a mapping and tables."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, mapping: str, **files: str) -> tuple[list[PatientRecord], list[Problem]]:
        """The records, and the problems of the run, sorted."""
        (self.path / "mapping.toml").write_text(dedent(mapping), encoding="utf-8")
        for name, text in files.items():
            (self.path / f"{name}.csv").write_text(dedent(text), encoding="utf-8")
        problems = Problems()
        records = list(iter_table_records(self.path, ELEMENTS, problems))
        return records, problems.sorted()

    def one(self, mapping: str, **files: str) -> PatientRecord:
        """The record of the only patient, without a problem of the run."""
        records, problems = self.read(mapping, **files)
        assert problems == []
        (record,) = records
        return record

    def faults(self, mapping: str, **files: str) -> list[tuple[str, str | None]]:
        """What is wrong with the mapping: then there is no record."""
        records, problems = self.read(mapping, **files)
        assert records == []
        assert {problem.code for problem in problems} <= {"bad-mapping"}
        assert {problem.file for problem in problems} <= {str(self.path / "mapping.toml")}
        return [(problem.message, problem.hint) for problem in problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def readings(record: PatientRecord) -> dict[str, Reading]:
    return {fact.entry: fact.reading for fact in record.facts}


def said(record: PatientRecord) -> list[tuple[str | None, str, str]]:
    return [(p.resource, p.code, p.message) for p in record.problems]


# ---- ways to say what the rows are ---------------------------------------------------------------


LABS = """
    [[table]]
    file = "lab.csv"
    columns = { patient = "id", element = "name", value = "value", date = "day" }
    elements = { "Platelet count" = "platelets", "Hb" = "hemoglobin" }
    unit = { platelets = "10*9/L", hemoglobin = "g/dL" }
"""


def test_a_column_of_elements(folder: Folder) -> None:
    record = folder.one(
        LABS,
        lab="""\
            id,name,value,day
            p,Platelet count,88.0,2026-10-01
            p,Hb,8.8,2026-10-02 14:30:00
            p,Sodium,140,2026-10-02
            """,
    )
    assert (record.patient, record.source) == ("p", str(folder.path / "mapping.toml"))
    platelets, hemoglobin = record.facts
    assert (platelets.entry, platelets.resource) == ("platelets", "lab.csv:2")
    assert (platelets.recorded, platelets.reading) == ("88.0 10*9/L", Measured(point("88")))
    assert hemoglobin.date == PartialDate.parse("2026-10-02")
    assert hemoglobin.reading == Measured(point("88"))  # 8.8 g/dL
    assert record.accounting == (Account("lab.csv", facts=2, irrelevant=1),)
    assert record.problems == ()


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


def test_a_fixed_element_a_day_to_judge_on_and_a_field_without_a_day(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "people.csv"
        columns = { patient = "id", index = "start", value = "birth" }
        element = "birth_date"

        [[table]]
        file = "people.csv"
        columns = { patient = "id", value = "receptor" }
        element = "er"
        values = { "Pos." = "positive" }
        date = "index"
        """,
        people="""\
            id,start,birth,receptor
            p,2026-10-01,1960-05,Pos.
            """,
    )
    assert (record.index_date, record.index_source) == (date(2026, 10, 1), "index")
    born, receptor = sorted(record.facts, key=lambda fact: fact.entry)
    assert (born.date, born.reading) == (None, Born(PartialDate.parse("1960-05")))
    assert receptor.date == PartialDate.parse("2026-10-01")
    assert (receptor.recorded, receptor.reading) == ("Pos.", Stated(frozenset({"positive"})))
    assert record.accounting == (Account("people.csv", facts=2),)


def test_codes_with_a_system_or_its_column(folder: Folder) -> None:
    mapping = """
        [[table]]
        file = "lab.csv"
        columns = { patient = "id", code = "code", value = "value", unit = "unit", date = "day" }
        system = "http://loinc.org"
        units = { "K/uL" = "10*3/uL" }

        [[table]]
        file = "problems.csv"
        columns = { patient = "id", system = "vocabulary", code = "code", date = "day" }
        systems = { "SNOMED" = "http://snomed.info/sct" }
    """
    record = folder.one(
        mapping,
        lab="""\
            id,code,value,unit,day
            p,777-3,88,K/uL,2026-10-01
            p,0000-0,1,kg,2026-10-01
            """,
        problems="""\
            id,vocabulary,code,day
            p,SNOMED,254837009,2024-01
            p,ICD9,254837009,2024-01
            p,http://hl7.org/fhir/sid/icd-10-cm,C78.7,2025
            """,
    )
    assert readings(record) == {
        "platelets": Measured(point("88")),
        "breast_cancer": ConditionStated("present"),
        "liver_metastasis": ConditionStated("present"),
    }
    assert record.accounting == (
        Account("lab.csv", facts=1, irrelevant=1),
        Account("problems.csv", facts=2, irrelevant=1),
    )


def test_a_code_that_is_answered_by_true_or_false(folder: Folder) -> None:
    mapping = """
        [[table]]
        file = "lab.csv"
        columns = { patient = "id", code = "code", value = "value", date = "day" }
        system = "http://eligibility.example.org/fhir/CodeSystem/local"
    """
    row = "id,code,value,day\np,life-expectancy-ge-12wk,{},2026-10-01\n"
    record = folder.one(mapping, lab=row.format("TRUE"))
    assert readings(record)["life_expectancy"] == Measured(Interval.at_least(84))
    record = folder.one(mapping, lab=row.format("maybe"))
    assert readings(record)["life_expectancy"] == Measured(None)
    assert "expected is `true` or `false`" in record.problems[0].message


def test_names_of_the_knowledge_base_need_no_map(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "facts.csv"
        columns = { patient = "id", element = "what", value = "value", unit = "unit", date = "day" }
        """,
        facts="""\
            id,what,value,unit,day
            p,platelets,< 10,10*9/L,2026-10-01
            p,ecog,1,,2026-10-01
            p,er,5,%,2026-10-01
            p,gender,female,,
            p,medication_history,complete,,2026-10-01
            p,shoe size,40,,2026-10-01
            """,
    )
    assert readings(record) == {
        "platelets": Measured(Interval(Fraction(0), True, Fraction(10), False)),
        "ecog": Measured(point("1")),
        "er": Stated(frozenset({"positive"})),
        "sex": Stated(frozenset({"female"})),
        "medication_history": Closed(),
    }
    assert record.problems == ()
    assert record.accounting == (Account("facts.csv", facts=5, irrelevant=1),)


def test_one_value_for_all_rows(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "cohort.csv"
        columns = { patient = "id", index = "start" }
        element = "medication_history"
        value = "complete"
        date = "index"
        """,
        cohort="id,start\np,2026-10-01\n",
    )
    assert readings(record) == {"medication_history": Closed()}


def test_a_table_of_index_dates_alone(folder: Folder) -> None:
    record = folder.one(
        '[[table]]\nfile = "cohort.csv"\ncolumns = { patient = "id", index = "start" }\n',
        cohort="id,start\np,2026-10-01\n",
    )
    assert (record.index_date, record.facts) == (date(2026, 10, 1), ())
    assert record.accounting == (Account("cohort.csv", irrelevant=1),)


def test_upper_limits_of_normal(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "lab.csv"
        columns = { patient = "id", value = "value", upper_limit = "high", date = "day" }
        element = "alt"
        unit = "U/L"
        """,
        lab="id,value,high,day\np,30,40,2026-10-01\np,31,n/a,2026-09-01\n",
    )
    assert [fact.reading for fact in record.facts] == [
        Measured(point("30"), (Limit(None, Fraction(40), "40 U/L"),)),
        Measured(point("31")),
    ]
    (problem,) = record.problems
    assert problem.message.startswith("upper limit of `alt`: `n/a U/L` cannot be read")


def test_statuses_that_count(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "lab.csv"
        columns = { patient = "id", value = "value", status = "status", date = "day" }
        element = "ecog"
        statuses = ["final"]
        """,
        lab="id,value,status,day\np,1,final,2026-10-01\np,2,draft,2026-10-02\np,3,,2026-10-03\n",
    )
    assert readings(record) == {"ecog": Measured(point("1"))}
    assert said(record) == [
        ("lab.csv:3", "not-usable", "status `draft`: it does not count"),
        ("lab.csv:4", "not-usable", "no status: it does not count"),
    ]
    assert record.accounting == (Account("lab.csv", facts=1, problems=2),)


# ---- medications ---------------------------------------------------------------------------------


MEDS = """
    [[table]]
    file = "meds.csv"
    columns = { patient = "id", date = "from", end = "to", intent = "aim" }
    element = "chemotherapy"
    intents = { "pall" = "palliative", "?" = "" }
"""


def test_courses(folder: Folder) -> None:
    record = folder.one(
        MEDS,
        meds="""\
            id,from,to,aim
            p,2024-03-01,2024-06,pall
            p,2025-03,,Adjuvant
            """,
    )
    start = PartialDate.parse("2025-03")
    assert [fact.reading for fact in record.facts] == [
        Therapy(PartialDate.parse("2024-03-01"), PartialDate.parse("2024-06"), False, "palliative"),
        # it may have ended on any day from its start on, or go on
        Therapy(start, PartialDate(start.first, date.max, "?"), False, "adjuvant"),
    ]
    assert [fact.date and fact.date.text for fact in record.facts] == ["2024-03-01", "2025-03"]


@pytest.mark.parametrize(("no_end", "ongoing"), [("ongoing", True), ("ended", False)])
def test_what_an_empty_end_means_is_said_by_the_mapping(
    folder: Folder, no_end: str, ongoing: bool
) -> None:
    record = folder.one(MEDS + f'    no_end = "{no_end}"\n', meds="id,from,to,aim\np,2025,,?\n")
    assert readings(record)["chemotherapy"] == Therapy(
        PartialDate.parse("2025"), None, ongoing, None
    )


def test_courses_whose_dates_cannot_be_read(folder: Folder) -> None:
    record = folder.one(
        MEDS,
        meds="""\
            id,from,to,aim
            p,,2024,pall
            p,03/2024,2024,pall
            p,2024,later,cure
            p,2024,2023,pall
            """,
    )
    assert said(record) == [
        ("meds.csv:2", "undated", "`chemotherapy`: `from` is empty"),
        (
            "meds.csv:3",
            "unreadable-date",
            "`chemotherapy`: `from` is `03/2024`, which is not a date",
        ),
        ("meds.csv:4", "unreadable-date", "`chemotherapy`: `to` is `later`, which is not a date"),
        (
            "meds.csv:4",
            "unreadable-value",
            "`chemotherapy`: `cure` is no intent; one is `adjuvant`, `neoadjuvant`, `palliative`, "
            "`curative`",
        ),
        ("meds.csv:5", "unreadable-date", "`chemotherapy` ends before it starts"),
    ]
    # it was taken all the same
    assert record.accounting == (Account("meds.csv", facts=4),)
    therapies = [fact.reading for fact in record.facts]
    assert [t.start is None for t in therapies if isinstance(t, Therapy)] == [
        True, True, False, True,
    ]  # fmt: skip


# ---- rows that cannot be read --------------------------------------------------------------------


def test_a_value_that_cannot_be_read_leaves_the_element_open(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "facts.csv"
        columns = { patient = "id", element = "what", value = "value", unit = "unit", date = "day" }
        """,
        facts="""\
            id,what,value,unit,day
            p,platelets,88,,2026-10-01
            p,hemoglobin,1000,g/dL,2026-10-01
            p,er,maybe,,2026-10-01
            p,breast_cancer,yes,,2026-10-01
            p,oophorectomy,twice,,2026-10-01
            p,gender,F,,
            p,medication_history,yes,,2026-10-01
            """,
    )
    assert readings(record) == {
        "platelets": Measured(None),
        "hemoglobin": Measured(None),
        "er": Stated(None),
        "breast_cancer": ConditionStated("unknown"),
        "oophorectomy": Done(None),
    }
    # whether the procedure was done at all is not known
    (done,) = [fact for fact in record.facts if fact.entry == "oophorectomy"]
    assert done.date == PartialDate.between(None, None)
    assert [(code, resource) for resource, code, _ in said(record)] == [
        ("unreadable-value", "facts.csv:2"),
        ("implausible-value", "facts.csv:3"),
        *(("unreadable-value", f"facts.csv:{line}") for line in range(4, 9)),
    ]
    assert record.accounting == (Account("facts.csv", facts=5, problems=2),)


def test_texts_that_no_value_stands_for_are_problems_and_empty_ones_are_not(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "facts.csv"
        columns = { patient = "id", value = "value", date = "day" }
        element = "er"
        values = { "P" = "positive", "NA" = "" }
        """,
        facts="id,value,day\np,P,2026-10-01\np,NA,2026-10-02\np,,2026-10-03\np,N,2026-09-01\n",
    )
    assert [fact.reading for fact in record.facts] == [
        Stated(frozenset({"positive"})),
        Stated(None),
    ]
    assert said(record) == [
        (
            "facts.csv:5",
            "unreadable-value",
            "`er`: `N` is no value of it; expected is `positive` or `negative`, or a number in `%`",
        )
    ]
    assert record.accounting == (Account("facts.csv", facts=2, irrelevant=2),)


def test_days_that_are_missing_or_cannot_be_read(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "facts.csv"
        columns = { patient = "id", value = "value", date = "day" }
        element = "ecog"
        """,
        facts="id,value,day\np,1,\np,1,31.12.2025\np,1,2025-02-30\n",
    )
    assert record.facts == ()
    assert said(record) == [
        ("facts.csv:2", "undated", "`ecog`: `day` is empty"),
        ("facts.csv:3", "unreadable-date", "`ecog`: `day` is `31.12.2025`, which is not a date"),
        ("facts.csv:4", "unreadable-date", "`ecog`: `day` is `2025-02-30`, which is not a date"),
    ]
    assert record.accounting == (Account("facts.csv", problems=3),)


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


INDEX = '[[table]]\nfile = "cohort.csv"\ncolumns = { patient = "id", index = "start" }\n'


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


def test_patients_come_in_the_order_of_the_tables(folder: Folder) -> None:
    records, _ = folder.read(INDEX, cohort="id,start\nz,2026-10-01\na,2026-10-01\nz,2026-10-01\n")
    assert [record.patient for record in records] == ["z", "a"]


# ---- mappings that cannot be used ----------------------------------------------------------------


HEAD = '[[table]]\nfile = "lab.csv"\n'
COLUMNS = 'columns = { patient = "id", value = "value", date = "day" }\n'
LAB = "id,value,day\np,1,2026-10-01\n"


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


def test_files_and_columns_that_are_not_there(folder: Folder) -> None:
    mapping = (
        '[[table]]\nfile = "labs.csv"\n' + COLUMNS + 'element = "ecog"\n\n'
        '[[table]]\nfile = "lab.csv"\n' + COLUMNS + 'element = "ecog"\n'
    )
    assert folder.faults(mapping, lab="id,valeu,day\np,1,2026-10-01\n") == [
        ("`lab.csv`: it has no column `value`", "did you mean `valeu`?"),
        ("`labs.csv`: it cannot be read: No such file or directory", None),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id;value;day\np;1;2026-10-01\n", "its cells are separated by `;`, not by commas"),
        ('id,value,day\np,"1,2026-10-01\n', "line 2: it is not CSV: unexpected end of data"),
        ("", "line 1: it is empty"),
    ],
)
def test_files_that_are_not_csv(folder: Folder, text: str, fault: str) -> None:
    # nobody is judged by half of a table
    ((message, _),) = folder.faults(HEAD + COLUMNS + 'element = "ecog"\n', lab=text)
    assert fault in message


def test_text_that_is_not_utf_8(folder: Folder) -> None:
    (folder.path / "lab.csv").write_bytes(b"id,value,day\np,1,2026-10-01\nq\xff,1,2026-10-01\n")
    ((message, hint),) = folder.faults(HEAD + COLUMNS + 'element = "ecog"\n')
    assert "it is not UTF-8 text" in message
    assert hint == "save it as CSV in UTF-8, with commas"


def test_byte_order_mark_and_windows_line_ends(folder: Folder) -> None:
    text = "\ufeff" + LAB.replace("\n", "\r\n")
    (folder.path / "lab.csv").write_bytes(text.encode())
    record = folder.one(HEAD + COLUMNS + 'element = "ecog"\n')
    assert readings(record) == {"ecog": Measured(point("1"))}


def test_a_mapping_names_the_folder_of_its_tables(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lab.csv").write_text(LAB, encoding="utf-8")
    mapping = tmp_path / "ours.toml"
    mapping.write_text('folder = "data"\n' + HEAD + COLUMNS + 'element = "ecog"\n')
    problems = Problems()
    (record,) = iter_table_records(mapping, ELEMENTS, problems)
    assert problems.items == []
    assert (record.source, record.facts[0].resource) == (str(mapping), "lab.csv:2")


# ---- Parquet -------------------------------------------------------------------------------------


PARQUET = '[[table]]\nfile = "lab.parquet"\n' + COLUMNS + 'element = "platelets"\nunit = "10*9/L"\n'


def test_parquet(folder: Folder) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    from decimal import Decimal

    from pyarrow import parquet

    def values(column: object) -> list[Interval | None]:
        table = pyarrow.table(
            {
                "id": ["p"] * len(column),  # type: ignore[arg-type]
                "value": column,
                "day": [date(2026, 10, 1 + i) for i in range(len(column))],  # type: ignore[arg-type]
            }
        )
        parquet.write_table(table, folder.path / "lab.parquet")
        record = folder.one(PARQUET)
        return [f.reading.value for f in record.facts if isinstance(f.reading, Measured)]

    # the shortest decimal of a float, also of a short one; a decimal as it is
    doubles = pyarrow.array([0.1, 88.0, 1e22, None], pyarrow.float64())
    assert values(doubles) == [point("0.1"), point("88"), point("1" + "0" * 22)]
    assert values(pyarrow.array([0.1, 88.0], pyarrow.float32())) == [point("0.1"), point("88")]
    exact = [Decimal("88.10"), Decimal("0.30")]
    assert values(pyarrow.array(exact, pyarrow.decimal128(10, 2))) == [point("88.1"), point("0.3")]
    assert values(pyarrow.array([88, 89], pyarrow.int64())) == [point("88"), point("89")]
    assert values(pyarrow.array(["< 10", "11"])) == [
        Interval(Fraction(0), True, Fraction(10), False),
        point("11"),
    ]
    assert values(pyarrow.array([float("nan")], pyarrow.float64())) == [None]


def test_parquet_rows_days_and_columns(folder: Folder) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    from datetime import datetime

    from pyarrow import parquet

    moments = pyarrow.array([datetime(2026, 10, 1, 9, 30)], pyarrow.timestamp("ns"))
    table = pyarrow.table({"id": ["p"], "value": [88], "day": moments})
    parquet.write_table(table, folder.path / "lab.parquet")
    (fact,) = folder.one(PARQUET).facts
    assert (fact.resource, fact.date) == ("lab.parquet:1", PartialDate.parse("2026-10-01"))
    missing = PARQUET.replace('value = "value"', 'value = "valeu"')
    assert folder.faults(missing) == [
        ("`lab.parquet`: it has no column `valeu`", "did you mean `value`?")
    ]
    parquet.write_table(
        pyarrow.table({"id": ["p"], "value": [[88]], "day": ["2026-10-01"]}),
        folder.path / "lab.parquet",
    )
    ((message, _),) = folder.faults(PARQUET)
    assert "its column `value` is of type `list<" in message
    (folder.path / "lab.parquet").write_text("not parquet")
    ((message, _),) = folder.faults(PARQUET)
    assert message.startswith("`lab.parquet`: it cannot be read: ")


def test_parquet_without_pyarrow(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert folder.faults(PARQUET) == [
        (
            "`lab.parquet`: Parquet is read by pyarrow, which is not installed",
            "pip install pyarrow, or save the table as CSV",
        )
    ]
