"""What `--set` puts into a record, and what is said of what it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import cache

import pytest

from protocol_logic.answering.rows import AsOf
from protocol_logic.answering.what_if.trying import Settings
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Judged, WhatIf, compile_source
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.given import read_given

DAY = date(2026, 1, 15)
PROTOCOL = """\
protocol example
  title Example
  version 1
  uses demographics, labs, renal, oncology.breast, drugs.antineoplastic, vital_signs

include blood
  > Hemoglobin from 90 to 120 g/L, ALT at most 2.5 times the upper limit
  all of
    hemoglobin >= 90 g/L
    hemoglobin <= 120 g/L
    alt <= 2.5 x ULN

include adult
  > Adult
  age >= 18 years

include receptor
  > Not premenopausal
  not menopausal_status is premenopausal

exclude treated
  > Chemotherapy goes on
  chemotherapy in effect

include lines
  > At most one line
  lines of chemotherapy with intent palliative <= 1

include kidney
  > Clearance
  creatinine_clearance >= 60 mL/min
"""


@cache
def asking() -> WhatIf:
    problems = Problems()
    compiled = compile_source(Source("example.elig", PROTOCOL), problems)
    assert compiled is not None, problems.items
    return WhatIf(compiled)


def record(*given: tuple[str, str]) -> PatientRecord:
    elements = elements_of(asking().compiled.protocol)
    facts = [read_given(elements, name, text, DAY, f"x:{name}") for name, text in given]
    kept = tuple(fact for fact in facts if fact is not None)
    return PatientRecord(patient="p", source="p", index_date=DAY, facts=kept)


def tried(found: PatientRecord, *texts: str) -> tuple[Judged, Settings]:
    problems = Problems()
    settings = asking().read(texts, found, DAY, problems)
    assert not problems.items, problems.items
    return asking().judge(found, AsOf(DAY, "option"), settings), settings


def outcome(judged: Judged, criterion: str) -> str:
    return str(next(c["outcome"] for c in judged.row["criteria"] if c["id"] == criterion))


@pytest.mark.parametrize(
    ("texts", "criterion", "expected"),
    [
        (["hemoglobin is 95 g/L", "alt is 2.5 x ULN"], "blood", "met"),
        (["hemoglobin is >= 90 g/L and <= 120 g/L", "alt is <= 2.5 x ULN"], "blood", "met"),
        (["hemoglobin is >= 90 g/L and < 121 g/L", "alt is <= 2.5 x ULN"], "blood", "unknown"),
        (["hgb is 8.9 g/dL"], "blood", "not_met"),
        (["alt is <= 100 U/L, ULN 40 U/L"], "blood", "unknown"),
        (["hemoglobin is 95 g/L", "alt is <= 100 U/L, ULN 40 U/L"], "blood", "met"),
        (["hemoglobin is 95 g/L", "alt is > 1 x ULN and <= 2.5 x ULN"], "blood", "met"),
        (["age is >= 18 years"], "adult", "met"),
        (["age is > 17 years and <= 30 years"], "adult", "met"),
        (["age is < 19 years"], "adult", "unknown"),
        (["birth_date is 2009-01-15"], "adult", "not_met"),
        (["menopausal_status is postmenopausal"], "receptor", "met"),
        (["menopausal_status is premenopausal or postmenopausal"], "receptor", "unknown"),
        (["chemotherapy is from 2026-01-01 ongoing"], "treated", "met"),
        (["lines of chemotherapy with intent palliative <= 1 is true"], "lines", "met"),
        (['"lines of chemotherapy with intent palliative <= 1" is false'], "lines", "not_met"),
    ],
)
def test_what_is_set_is_read_as_recorded(texts: list[str], criterion: str, expected: str) -> None:
    judged, _ = tried(record(), *texts)
    assert outcome(judged, criterion) == expected


def test_a_set_value_is_newer_than_what_is_recorded_of_the_day() -> None:
    found = record(("hemoglobin", "70 g/L"), ("alt", "1 x ULN"), ("birth_date", "2000-01-01"))
    assert outcome(tried(found)[0], "blood") == "not_met"
    judged, _ = tried(found, "hemoglobin is 95 g/L", "age is 17 years")
    assert outcome(judged, "blood") == "met"
    assert outcome(judged, "adult") == "not_met"


@pytest.mark.parametrize(
    ("recorded", "text", "said", "expected"),
    [
        (["50 U/L, ULN 40 U/L"], "alt is 100 U/L", ", ULN 40 U/L (the range as recorded)", "met"),
        (["50 U/L, ULN 40 U/L"], "alt is 101 U/L", ", ULN 40 U/L (the range as recorded)",
         "not_met"),
        (["50 U/L, ULN 40 U/L, LLN 5 U/L"], "alt is <= 100 U/L",
         ", ULN 40 U/L (the range as recorded)", "met"),
        (["50 U/L, ULN 40 U/L"], "alt is 100 U/L, ULN 30 U/L", "", "not_met"),
        (["50 U/L, ULN 40 U/L"], "alt is 3 x ULN", "", "not_met"),
        (["50 U/L, ULN 40 U/L"], "alt is unknown", "", "unknown"),
        (["50 U/L"], "alt is 100 U/L", "", "unknown"),
        (["3 x ULN"], "alt is 100 U/L", "", "unknown"),
        ([], "alt is 100 U/L", "", "unknown"),
        # The newest usable result has the range: what is unknown, or of a later day, is none.
        (["50 U/L, ULN 40 U/L on 2026-01-10", "50 U/L, ULN 30 U/L on 2026-01-09"],
         "alt is 100 U/L", ", ULN 40 U/L (the range as recorded)", "met"),
        (["50 U/L, ULN 40 U/L on 2026-01-10", "unknown", "50 U/L, ULN 30 U/L on 2026-01-20"],
         "alt is 100 U/L", ", ULN 40 U/L (the range as recorded)", "met"),
        (["50 U/L, ULN 40 U/L on 2026-01-10", "50 U/L on 2026-01-12"],
         "alt is 100 U/L", "", "unknown"),
        (["50 U/L, ULN 40 U/L on 2026-01-10", "50 U/L, ULN 30 U/L on 2026-01-10"],
         "alt is 100 U/L", "", "unknown"),
    ],
)  # fmt: skip
def test_a_number_without_a_limit_keeps_the_recorded_range(
    recorded: list[str], text: str, said: str, expected: str
) -> None:
    found = record(("hemoglobin", "95 g/L"), *(("alt", each) for each in recorded))
    judged, settings = tried(found, text)
    assert outcome(judged, "blood") == expected
    assert settings.texts == (text + said,)


def test_a_limit_that_no_criterion_reads_is_not_told() -> None:
    found = record(("hemoglobin", "80 g/L, ULN 160 g/L, LLN 120 g/L"))
    assert tried(found, "hemoglobin is 95 g/L")[1].texts == ("hemoglobin is 95 g/L",)


def test_what_is_not_recorded_is_taken_away_and_what_is_unknown_stays_open() -> None:
    found = record(("hemoglobin", "70 g/L"), ("alt", "1 x ULN"))
    for text in ("hemoglobin is not recorded", "hemoglobin is unknown"):
        assert outcome(tried(found, text)[0], "blood") == "unknown"


def test_a_course_that_goes_on_can_be_stopped_and_another_be_added() -> None:
    found = record(("chemotherapy", "from 2025-06-01 ongoing"), ("medication_history", "complete"))
    assert outcome(tried(found)[0], "treated") == "met"
    stopped, _ = tried(found, "chemotherapy is stopped")
    assert outcome(stopped, "treated") == "not_met"
    courses = ["2020-01-01 to 2020-03-01 palliative", "2021-01-01 to 2021-03-01 palliative"]
    both, _ = tried(found, *(f"chemotherapy is {course}" for course in courses))
    assert outcome(both, "lines") == "not_met"


@pytest.mark.parametrize(
    ("text", "criterion", "before", "after"),
    [
        ("treatment_intent:x:chemotherapy is adjuvant", "lines", "not_met", "met"),
        ("chemotherapy:x:chemotherapy is 2020-01-01 to 2020-03-01", "treated", "met", "not_met"),
        ("alt:x:alt is 30 U/L", "blood", "not_met", "met"),
        ("reference_range:alt:x:alt is 80 U/L", "blood", "not_met", "met"),
    ],
)
def test_what_one_record_says_is_set(text: str, criterion: str, before: str, after: str) -> None:
    course = ("chemotherapy", "from 2025-06-01 ongoing palliative")
    others = [
        ("medication_history", "complete"),
        ("chemotherapy", "2019-01-01 to 2019-03-01 palliative"),
        ("hemoglobin", "95 g/L"),
        ("alt", "150 U/L, ULN 40 U/L"),
    ]
    found = record(course, *others)
    facts = list(found.facts)
    facts[2] = replace(facts[2], resource="x:older")
    found = replace(found, facts=tuple(facts))
    assert outcome(tried(found)[0], criterion) == before
    assert outcome(tried(found, text)[0], criterion) == after


def test_what_no_criterion_reads_is_told() -> None:
    assert tried(record(), "potassium is 4 mmol/L", "alt is 1 x ULN")[1].unread == ("potassium",)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["hemoglobin is 95"], ["unknown-value: 95"]),
        (["creatinine_clearance is 60 mL/min"], ["wrong-kind: creatinine_clearance"]),
        (["hemoglobn is 95 g/L"], ["unknown-name: hemoglobn"]),
        (["hemoglobin = 95 g/L"], ["syntax: hemoglobin = 95 g/L"]),
        (["hemoglobin"], ["syntax: hemoglobin"]),
        ([""], ["syntax: "]),
        (["alt is 1 x ULN", "alt is 2 x ULN"], ["duplicate-name: alt"]),
        (["age is 20 years", "birth_date is 2000"], ["duplicate-name: birth_date"]),
        (["chemotherapy is stopped"], ["unknown-value: stopped"]),
        (["chemotherapy is started"], ["unknown-value: started"]),
        (["hemoglobin is 95 g/L on 2026-02-01"], ["unknown-value: 95 g/L on 2026-02-01"]),
        (["hemoglobin is > 95 g/L and < 90 g/L"], ["unknown-value: > 95 g/L and < 90 g/L"]),
        (["hemoglobin >= 90 g/L is true"], ["wrong-kind: hemoglobin >= 90 g/L"]),
        (["menopausal_status is pre or postmenopausal"], ["unknown-value: pre or postmenopausal"]),
        (["alt:x:none is 30 U/L"], ["unknown-value: alt:x:none"]),
        (["treatment_intent is palliative"], ["unknown-name: treatment_intent"]),
        (["a is b", "hemoglobin is 5"], ["unknown-name: a", "unknown-value: 5"]),
    ],
)
def test_all_that_cannot_be_set_is_told_at_once(texts: Iterable[str], expected: list[str]) -> None:
    problems = Problems()
    asking().read(texts, record(), DAY, problems)
    found = [
        f"{p.code}: {p.source.text[p.span.start : p.span.end] if p.source and p.span else ''}"
        for p in problems.items
    ]
    assert found == expected


def test_a_derived_name_is_refused_with_its_inputs() -> None:
    problems = Problems()
    asking().read(["creatinine_clearance is 60 mL/min"], record(), DAY, problems)
    assert "`creatinine`" in str(problems.items[0].hint)
