"""The reference evaluator against answers derived by hand, an oracle, and its own refinements."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from protocol_logic.compiling import core
from protocol_logic.compiling.check import check
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.records.codings import Codings
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    LesionSize,
    Limit,
    Measured,
    PatientRecord,
    Reading,
    Stated,
    Therapy,
)
from protocol_logic.records.fhir import read_record
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.differential import bundles, seed_oracle
from tests.differential.protocols import HEADER, random_protocol
from tests.differential.reference import Completion, Result, TooLarge, evaluate
from tests.differential.reference_chart import Chart
from tests.differential.reference_days import Day, Far
from tests.differential.reference_world import World, explore

REPO = Path(__file__).parents[2]
CASES = REPO.parent / "shared" / "data" / "seed_cases"
DEMO = REPO / "demo"


MAY_BE = ("to-do", "parts-left-out", "unusual-window", "implausible-limit")
"""What is told of protocols that mean what they say."""


def checked(text: str) -> core.Protocol:
    problems = Problems()
    protocol = check(Source("test", text), problems)
    assert protocol is not None
    odd = [p for p in problems.items if p.code not in MAY_BE]
    assert not odd, (text, odd)
    return protocol


@cache
def seed() -> core.Protocol:
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    return checked(path.read_text(encoding="utf-8"))


@cache
def codings() -> Codings:
    return Codings.of(seed().vocabulary)


def recorded(data: bytes) -> PatientRecord:
    content = parse(data)
    assert isinstance(content, dict)
    record = read_record(Document("test", content), codings(), Problems())
    assert record is not None
    return record


def random_record(case: int) -> tuple[PatientRecord, dict[str, Any], date]:
    bundle, as_of = bundles.random_bundle(random.Random(case), case)
    text = bundles.dumps(bundle)
    return recorded(text.encode()), json.loads(text, parse_float=Decimal), as_of


def outcomes(result: Result) -> dict[str, str]:
    return {str(n): each.outcome for n, each in enumerate(result.criteria.values(), 1)}


def vacuous(result: Result) -> list[str]:
    """The inclusion criteria that are met because they do not apply."""
    found = enumerate(result.criteria.values(), 1)
    return [str(n) for n, each in found if each.outcome == "met" and not each.applies]


def expected(folder: Path, key: str) -> list[Any]:
    path = folder / "expected.json"
    if not path.exists():
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"no {path}"), id="none")]
    answers = json.loads(path.read_text(encoding="utf-8"))[key]
    return [pytest.param({**c, "path": folder / c["file"]}, id=n) for n, c in answers.items()]


# ---- answers derived by hand -----------------------------------------------------------------


@pytest.mark.parametrize("case", [*expected(CASES, "cases"), *expected(DEMO, "patients")])
def test_answers_derived_by_hand(case: dict[str, Any]) -> None:
    record = recorded(case["path"].read_bytes())
    result = evaluate(seed(), record, date.fromisoformat(case["as_of"]))
    assert outcomes(result) == case["criteria"]
    overall = case.get("overall_exact") or case.get("overall") or case["eligibility"]
    assert result.eligibility == overall
    assert vacuous(result) == case["vacuous"]


JUNE = PartialDate.parse("2024-06-01")
M0 = ("m_category", JUNE, Stated(frozenset({"M0"})))
UNSURE_LUNG = ("lung_metastasis", JUNE, ConditionStated("unknown"))
LIVER = ("liver_metastasis", JUNE, ConditionStated("present", "active", confirmed=True))
NO_ENDS = Therapy(JUNE, None, ongoing=False, intent="palliative")
GOES_ON = Therapy(PartialDate.parse("2024"), None, ongoing=True, intent=None)
ADJUVANT = "endocrine_therapy with intent adjuvant"
COURSE = f"there is\n    course of {ADJUVANT}, called one\n    relapse on or after start of one"


@pytest.mark.parametrize(
    ("condition", "facts", "outcome"),
    [
        # What nobody mentions is denied by M0, unless some site may be there.
        ("liver_metastasis", [], "unknown"),
        ("liver_metastasis", [M0], "not_met"),
        ("liver_metastasis", [M0, UNSURE_LUNG], "unknown"),
        ("metastasis", [M0, LIVER], "met"),
        ("none of\n    liver_metastasis\n    not metastasis", [UNSURE_LUNG], "unknown"),
        ("liver_metastasis and not metastasis", [UNSURE_LUNG], "not_met"),
        # What is not recorded has some value, but is not recorded as any.
        ("m_category in M0, M1", [], "met"),
        ("m_category recorded", [], "not_met"),
        ("m_category is M1 or stage recorded as 4", [], "unknown"),
        ("m_category recorded as M1", [("m_category", JUNE, Stated(None))], "unknown"),
        ("m_category recorded", [("m_category", JUNE, Stated(None))], "met"),
        # One value for all uses, also where it is unknown.
        ("any of\n    m_category is M1\n    m_category is M0", [], "met"),
        ("her2 is positive and her2 is negative", [], "not_met"),
        ("creatinine <= 1.5 x ULN or creatinine > 1 x ULN", [], "met"),
        # A result that one of two days gives is the newest, if it is that day.
        ("m_category is M0", [M0, ("m_category", PartialDate.parse("2024"), M0[2])], "met"),
        ("m_category recorded", [("m_category", PartialDate.parse("2025"), M0[2])], "unknown"),
        # An end that is unknown has passed; an unrecorded intent may be any.
        ("chemotherapy in effect", [("chemotherapy", JUNE, NO_ENDS)], "unknown"),
        ("chemotherapy in effect", [("chemotherapy", JUNE, GOES_ON)], "met"),
        (f"lines of {ADJUVANT} <= 0", [("endocrine_therapy", JUNE, GOES_ON)], "unknown"),
        (
            f"lines of {ADJUVANT} <= 0 or lines of endocrine_therapy with intent palliative <= 0",
            [("endocrine_therapy", JUNE, GOES_ON), ("medication_history", JUNE, Closed())],
            "met",
        ),
        (COURSE, [("medication_history", JUNE, Closed())], "not_met"),
        (COURSE, [("problem_list", JUNE, Closed())], "unknown"),
        # A lesion count of zero beside a measurable lesion.
        (
            "measured_lesion is contradictory",
            [
                ("lesion_count", JUNE, Measured(Interval.point(0))),
                (
                    "measured_lesion",
                    JUNE,
                    LesionSize((("longest", Interval.at_least(10)),), "other", "other"),
                ),
            ],
            "met",
        ),
    ],
)
def test_readings_that_the_seed_does_not_show(
    condition: str, facts: list[tuple[str, PartialDate, Reading]], outcome: str
) -> None:
    protocol = checked(f"{HEADER}\ninclude it\n  > It.\n  {condition}\n")
    result = evaluate(protocol, made_of(facts), date(2025, 6, 30))
    assert result.criteria["it"].outcome == outcome


def made_of(facts: Sequence[tuple[str, PartialDate | None, Reading]]) -> PatientRecord:
    found = tuple(
        Fact(entry=entry, resource="", date=when, recorded="", reading=reading)
        for entry, when, reading in facts
    )
    return PatientRecord(patient="p", source="", index_date=None, facts=found)


# ---- the seed oracle -------------------------------------------------------------------------


@pytest.mark.parametrize("block", range(6))
def test_agrees_with_the_seed_oracle(block: int) -> None:
    for case in range(40 * block, 40 * block + 40):
        record, bundle, as_of = random_record(case)
        try:
            judgement = seed_oracle.judge(bundle, as_of)
            result = evaluate(seed(), record, as_of, most=20_000)
        except (OverflowError, TooLarge):
            continue
        assert outcomes(result) == judgement.outcomes, case
        assert result.eligibility == judgement.eligibility, case
        assert vacuous(result) == judgement.vacuous, case


# ---- random protocols ------------------------------------------------------------------------


@pytest.mark.slow
def test_random_protocols_are_valid() -> None:
    kinds = set()
    for number in range(150):
        for criterion in checked(random_protocol(random.Random(number))).criteria:
            kinds |= {type(test) for test in core.tests_in(criterion.condition)}
    assert kinds == set(get_args(core.Test))


@pytest.mark.parametrize("block", range(6))
def test_knowing_more_never_takes_back_an_answer(block: int) -> None:
    """What holds in all completions holds when something uncertain turns out to be so or so."""
    for number in range(9 * block, 9 * block + 9):
        rng = random.Random(number)
        protocol = checked(random_protocol(rng))
        record, _, as_of = random_record(rng.randrange(100_000))
        try:
            result = evaluate(protocol, record, as_of, most=1_000)
        except TooLarge:
            continue
        for _ in range(6 if "MANY" in os.environ else 3):
            sharper = sharpened(record, as_of, rng)
            try:
                other = evaluate(protocol, sharper, as_of, most=1_000)
            except TooLarge:
                continue
            for name, outcome in result.criteria.items():
                if outcome.outcome != "unknown":
                    assert other.criteria[name].outcome == outcome.outcome, (number, name, sharper)
            if result.eligibility != "undetermined":
                assert other.eligibility == result.eligibility, (number, sharper)


def sharpened(record: PatientRecord, as_of: date, rng: random.Random) -> PatientRecord:
    """A record with some of its uncertain things settled, each in a way that it allows."""
    facts = []
    for fact in record.facts:
        if rng.random() < 0.8:
            reading = _sharpened(fact, as_of, rng)
            when = reading.start if isinstance(reading, Therapy) else fact.date
            fact = replace(fact, reading=reading, date=when)
        facts.append(fact)
    if not any(fact.entry == "sex" for fact in facts) and rng.random() < 0.5:
        stated = Stated(frozenset({rng.choice(["female", "male"])}))
        facts.append(Fact(entry="sex", resource="P", date=None, recorded="", reading=stated))
    return replace(record, facts=tuple(facts))


def _sharpened(fact: Fact, as_of: date, rng: random.Random) -> Reading:
    reading = fact.reading
    if isinstance(reading, Born):
        return Born(exact(rng, reading.date.first, reading.date.last))
    if isinstance(reading, Measured) and reading.value is not None:
        return replace(reading, value=inside(reading.value, rng))
    if isinstance(reading, ConditionStated):
        if reading.onset is not None:
            onset = exact(rng, reading.onset.first, reading.onset.last)
            reading = replace(reading, onset=onset)
        if reading.state == "unknown":
            reading = replace(reading, state=rng.choice(["present", "absent"]))
        return reading
    if isinstance(reading, Done) and reading.side is None:
        return Done(rng.choice(["both", "left", "right"]))
    if isinstance(reading, LesionSize):
        sizes = tuple((axis, size and inside(size, rng)) for axis, size in reading.sizes)
        return replace(reading, sizes=sizes)
    if isinstance(reading, Therapy):
        return therapy(reading, as_of, rng)
    return reading


def therapy(reading: Therapy, as_of: date, rng: random.Random) -> Therapy:
    start, end = reading.start, reading.end
    if start is not None:
        latest = start.last
        if end is not None and end.last >= start.first:
            latest = min(latest, end.last)
        start = exact(rng, start.first, latest)
        if end is not None and end.last < date.max:
            first = max(end.first, start.first) if end.last >= start.first else end.first
            end = exact(rng, first, end.last)
    intent = reading.intent or rng.choice(["adjuvant", "neoadjuvant", "palliative", "curative"])
    return Therapy(start, end, reading.ongoing, intent)


def exact(rng: random.Random, first: date, last: date) -> PartialDate:
    day = rng.choice([first, last, first + timedelta(days=rng.randint(0, (last - first).days))])
    return PartialDate(day, day, str(day))


def inside(interval: Interval, rng: random.Random) -> Interval:
    low = interval.lo if interval.lo is not None else Fraction(0)
    high = interval.hi if interval.hi is not None else 3 * low + 10
    number = low + (high - low) * Fraction(rng.randint(1, 99), 100)
    return Interval.point(rng.choice([number, high if interval.hi_closed else number]))


def each_day(day: Day) -> list[date]:
    return [day.first + timedelta(days=i) for i in range((day.last - day.first).days + 1)]


# ---- uncertain days and numbers --------------------------------------------------------------


@pytest.mark.parametrize("block", range(4))
def test_all_answers_about_uncertain_days_are_found(block: int) -> None:
    for number in range(60 * block, 60 * block + 60):
        rng = random.Random(number)
        start = date(
            rng.choice([2023, 2024]), rng.choice([1, 2, 5, 8, 12]), rng.choice([1, 26, 28])
        )
        days = []
        for name in "abc":
            first = start + timedelta(days=rng.choice([0, 0, 28, 31, 60, 180]) + rng.randint(0, 3))
            days.append(Day(name, first, first + timedelta(days=rng.choice([0, 3, 9, 14]))))
        questions = []
        for _ in range(rng.randint(2, 6)):
            one, other = rng.sample(range(3), 2)
            measure = rng.choice(["days", "reached", "reached", "passed", "room"])
            size = rng.choice([-28, 0, 1]) if measure == "days" else rng.choice([0, 0, 1, 2, 6])
            questions.append((Far(measure, size, rng.choice([0, 1, 6])), one, other))

        def ask(world: World, days: list[Day] = days, asked: list[Any] = questions) -> Any:
            return tuple(world.far(far, days[one], days[other]) for far, one, other in asked)

        listed = product(*(each_day(day) for day in days))
        by_listing = {
            tuple(far.holds(settled[one], settled[other]) for far, one, other in questions)
            for settled in listed
        }
        found = [answers for answers, _ in explore(ask, 10_000)]
        assert set(found) == by_listing, number
        assert len(found) == len(by_listing), number


def test_all_sides_of_a_derived_quantity_are_found() -> None:
    """Creatinine and weight are intervals: each outcome of random numbers in them is one found."""
    text = f"""{HEADER}
include one
  > Kidney function.
  creatinine_clearance >= 60 mL/min and creatinine <= 1.5 x ULN and body_weight >= 70 kg
include two
  > Kidney function.
  creatinine_clearance < 75 mL/min or creatinine > 1.2 mg/dL
"""
    protocol = checked(text)
    tests = [test for c in protocol.criteria for test in core.tests_in(c.condition)]
    rng = random.Random(1)
    for _ in range(12):
        low, high = Fraction(rng.randint(60, 120), 100), Fraction(rng.randint(120, 200), 100)
        light, heavy = rng.randint(40, 70), rng.randint(71, 110)
        weight, creatinine = (
            Interval(Fraction(a), rng.random() < 0.5, Fraction(b), rng.random() < 0.5)
            for a, b in ((light, heavy), (low, high))
        )
        record = kidney(weight, creatinine)
        reference = truths(protocol, record, tests)
        for _ in range(150):
            settled = kidney(inside(weight, rng), inside(creatinine, rng))
            assert truths(protocol, settled, tests) <= reference


def truths(
    protocol: core.Protocol, record: PatientRecord, tests: list[core.Test]
) -> set[tuple[bool, ...]]:
    """What all tests together can be in the completions of a record."""
    chart = Chart(protocol, record, date(2025, 1, 2))

    def look(world: World) -> tuple[bool, ...]:
        here = Completion(chart, world)
        return tuple(here.test(test) for test in tests)

    return {found for found, _ in explore(look, 10_000)}


def kidney(weight: Interval, creatinine: Interval) -> PatientRecord:
    day = PartialDate.parse("2025-01-01")
    limits = (Limit(None, Fraction(9, 10), ""),)
    return made_of(
        [
            ("birth_date", None, Born(PartialDate.parse("1970-01-01"))),
            ("sex", None, Stated(frozenset({"female"}))),
            ("body_weight", day, Measured(weight)),
            ("creatinine", day, Measured(creatinine, limits)),
        ]
    )
