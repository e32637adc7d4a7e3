"""Rows of tables: what each becomes, and what is said of it."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.records.facts import (
    Account,
    Born,
    Closed,
    ConditionStated,
    Done,
    Limit,
    Measured,
    Stated,
    Therapy,
)
from tests.unit.records.build import point
from tests.unit.records.folder import LABS, Folder, readings, said

# ---- ways to say what the rows are ---------------------------------------------------------------


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


def test_limits_of_normal(folder: Folder) -> None:
    record = folder.one(
        """
        [[table]]
        file = "lab.csv"
        columns = { patient = "p", value = "v", upper_limit = "h", lower_limit = "l", date = "d" }
        element = "alt"
        unit = "U/L"
        """,
        lab="p,v,l,h,d\np,30,5,40,2026-10-01\np,31,,n/a,2026-09-01\n",
    )
    limits = Limit(None, Fraction(40), "40 U/L"), Limit(None, Fraction(5), "5 U/L", "LLN")
    assert [fact.reading for fact in record.facts] == [
        Measured(point("30"), limits),
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
            "`chemotherapy`: `cure` is no intent; one is `adjuvant`, `neoadjuvant`, `palliative` "
            "or `curative`",
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
        "oophorectomy": Done(None, known=False),
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
