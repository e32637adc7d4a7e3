"""The days on which findings can change: courses, counts, windows and ages with uncertain days.

`MANY=300 pytest tests/unit/findings/test_turning.py` runs a longer campaign.
"""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from fractions import Fraction
from functools import cache

import pytest

from protocol_logic.answering.what_if.ahead import cells_of
from protocol_logic.answering.what_if.when import breakpoints
from protocol_logic.compiling.policies import check_policies
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, ahead_of, compile_source
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    Happened,
    Measured,
    PatientRecord,
    Reading,
    Stated,
    Therapy,
)

MANY = int(os.environ.get("MANY", "4"))
DAYS = 800
AS_OF = date(2026, 1, 31)
HEAD = "protocol trial\n  uses demographics, oncology.breast\n\n"
PROTOCOLS = {
    "courses": """include a
  > Courses
  any of
    there is
      course of endocrine_therapy with intent adjuvant, called adjuvant
      relapse from start of adjuvant to 12 months after end of adjuvant
      adjuvant lasted >= 24 months at relapse
    there is
      course of endocrine_therapy, called course
      progression on or after 6 months after start of course
    lines of endocrine_therapy <= 1
""",
    "counts": """include a
  > Counts
  any of
    number of oophorectomy within 28 days >= 2
    number of oophorectomy within 1 month >= 2
    number of endocrine_therapy within 3 months >= 2
    number of oophorectomy within 1 year >= 3
""",
    "windows": """include a
  > Windows
  any of
    endocrine_therapy within 28 days
    endocrine_therapy within 1 month
    endocrine_therapy within 30 days
    lung_metastasis within 6 months
    oophorectomy within 180 days
    history of lung_metastasis
    lung_metastasis
    endocrine_therapy in effect
""",
    "ages": """include a
  > Ages
  any of
    age >= 18 years
    age < 65 years
    disease_trend is worsened within 1 month
    disease_trend is stable within 28 days
    disease_trend recorded
""",
}
SITE = """policies site
  title A site

policy medication_history within 28 days
policy problem_list within 1 months
policy disease_trend within 30 days
"""


@cache
def trial(name: str, site: bool) -> Compiled:
    problems = Problems()
    policies = check_policies(Source("site", SITE), problems) if site else None
    found = compile_source(Source("trial.elig", HEAD + PROTOCOLS[name]), problems, policies)
    assert found is not None, problems.items
    return found


def some_day(rng: random.Random, first: int, last: int) -> PartialDate:
    """A day near the as-of date, now and then known only by its month or year."""
    text = (AS_OF + timedelta(days=rng.randint(first, last))).isoformat()
    return PartialDate.parse(text[: rng.choice([10, 10, 10, 10, 7, 7, 4])])


def therapy(rng: random.Random) -> Therapy:
    start = None if rng.random() < 0.08 else some_day(rng, -900, 120)
    end = None
    if rng.random() < 0.5:
        end = some_day(rng, -400, 200)
        if start is not None and end.last < start.first:
            end = None
    ongoing = end is None and rng.random() < 0.6
    intent = rng.choice([None, "adjuvant", "adjuvant", "palliative"])
    return Therapy(start, end, ongoing, intent)  # type: ignore[arg-type]


def some_record(rng: random.Random) -> PatientRecord:
    facts: list[Fact] = []

    def add(entry: str, when: PartialDate | None, reading: Reading) -> None:
        facts.append(
            Fact(entry=entry, resource=f"X/{len(facts)}", date=when, recorded="", reading=reading)
        )

    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        course = therapy(rng)
        add("endocrine_therapy", course.start, course)
    for _ in range(rng.choice([0, 1, 2, 3])):
        add("oophorectomy", some_day(rng, -200, 100), Done(rng.choice([None, "left", "right"])))
    for _ in range(rng.choice([0, 1, 2])):
        values = frozenset({rng.choice(["worsened", "stable"])})
        add("disease_trend", some_day(rng, -200, 200), Stated(values))
    if rng.random() < 0.4:
        add("relapse", some_day(rng, -300, 100), Happened(some_day(rng, -500, 100)))
    if rng.random() < 0.6:
        onset = rng.choice([None, some_day(rng, -300, 50)])
        abated = rng.choice([None, some_day(rng, 0, 200)])
        add("lung_metastasis", some_day(rng, -100, 80),
            ConditionStated("present", None, True, onset, abated=abated))  # fmt: skip
    for name in ("medication_history", "problem_list", "procedure_history"):
        if rng.random() < 0.6:
            add(name, some_day(rng, -40, 60), Closed())
    birth = date(rng.choice([1961, 2008]), rng.randint(1, 12), rng.choice([1, 28, 28]))
    add("birth_date", None, Born(PartialDate.parse(birth.isoformat()[: rng.choice([10, 7, 4])])))
    return PatientRecord(patient="p", source="p", index_date=AS_OF, facts=tuple(facts))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_nothing_changes_between_them(name: str) -> None:
    changes = 0
    for case in range(MANY):
        rng = random.Random(f"{name} {case}")
        record = some_record(rng)
        ahead = ahead_of(trial(name, rng.random() < 0.5), record)
        days = breakpoints(ahead, AS_OF)
        before = cells_of(ahead.findings_on(AS_OF))
        scanned = []
        for number in range(1, DAYS + 1):
            day = AS_OF + timedelta(days=number)
            cells = cells_of(ahead.findings_on(day))
            if cells != before:
                scanned.append(day)
            before = cells
        last = AS_OF + timedelta(days=DAYS)
        assert scanned == [day for day in days if day <= last], (case, record.facts)
        changes += len(scanned)
    assert changes >= MANY // 2


CLEARANCE = """protocol trial
  uses demographics, labs

include a
  > Clearance
  creatinine_clearance >= 60 mL/min
"""


def test_a_formula_changes_on_birthdays_only_where_all_its_numbers_are_recorded() -> None:
    """An input of which just a result is known that cannot be used has no number on any day."""
    found = compile_source(Source("trial.elig", CLEARANCE), Problems())
    assert found is not None
    today = PartialDate.parse("2026-01-05")
    number = Measured(Interval.point(Fraction(60)))
    for weight, computed in ((None, False), (Measured(None), False), (number, True)):
        said: list[tuple[str, PartialDate | None, Reading]] = [
            ("birth_date", None, Born(PartialDate.parse("1961-05-01"))),
            ("sex", None, Stated(frozenset({"female"}))),
            ("creatinine", today, number),
        ]
        said += [("body_weight", today, weight)] if weight is not None else []
        facts = [
            Fact(entry=name, resource=f"X/{name}", date=day, recorded="", reading=reading)
            for name, day, reading in said
        ]
        record = PatientRecord(patient="p", source="p", index_date=AS_OF, facts=tuple(facts))
        days = ahead_of(found, record).turns(AS_OF)
        assert (date(2026, 5, 1) in days) is computed, weight
