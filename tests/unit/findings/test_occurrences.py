"""Occurrences on uncertain days: the findings are what some days allow, and nothing more."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import product

import pytest

from protocol_logic.findings.counting import MOST_READINGS
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, compile_source, findings_of
from protocol_logic.records.facts import Closed, Done, Fact, PatientRecord, Reading

AS_OF = date(2026, 11, 20)
FIRST = AS_OF - timedelta(days=5)
PROTOCOL = """protocol trial
  uses oncology.breast

exclude a
  > Oophorectomy
  any of
    oophorectomy within 5 days
    oophorectomy within 8 days
    history of oophorectomy
    number of oophorectomy within 5 days >= 1
    number of oophorectomy within 5 days >= 2
    number of oophorectomy within 5 days >= 3
"""
NUMBER = ["below_1", "at_least_1_below_2", "at_least_2_below_3", "at_least_3"]


@cache
def trial() -> Compiled:
    found = compile_source(Source("trial.elig", PROTOCOL), Problems())
    assert found is not None
    return found


def partial(first: date, last: date) -> PartialDate:
    return PartialDate(first, last, "some day")


def read(*readings: tuple[PartialDate | None, Reading], closed: bool = True) -> PatientFindings:
    """The findings of procedures, each with the day of its fact."""
    facts = [
        Fact(entry="oophorectomy", resource=f"Procedure/{i}", date=day, recorded="", reading=said)
        for i, (day, said) in enumerate(readings)
    ]
    if closed:
        on = partial(AS_OF, AS_OF)
        facts.append(
            Fact(
                entry="procedure_history", resource="List/l", date=on, recorded="", reading=Closed()
            )
        )
    record = PatientRecord(patient="p", source="p.json", index_date=None, facts=tuple(facts))
    return findings_of(trial(), record, AS_OF)


def days(day: PartialDate) -> list[date]:
    return [day.first + timedelta(days=n) for n in range((day.last - day.first).days + 1)]


def chosen(said: Done, on: PartialDate) -> Iterator[tuple[date, date]]:
    """The days that a procedure can have taken, first and last."""
    if said.start is None or said.end is None:
        yield from ((day, day) for day in days(on))
        return
    for start, end in product(days(said.start), days(said.end)):
        if start <= end:
            yield start, end


def number_of(periods: list[tuple[date, date]]) -> int:
    """How many groups of periods that share a day, transitively, have a day in the window."""
    groups: list[list[tuple[date, date]]] = []
    for period in (p for p in periods if p[0] <= AS_OF):
        touched = [g for g in groups if any(p[0] <= period[1] and period[0] <= p[1] for p in g)]
        groups = [g for g in groups if g not in touched]
        groups.append([period, *(p for g in touched for p in g)])
    return sum(any(end >= FIRST for _, end in group) for group in groups)


def last_cell(periods: list[tuple[date, date]]) -> str:
    last = [min(end, AS_OF) for start, end in periods if start <= AS_OF]
    if not last:
        return "never"
    ago = (AS_OF - max(last)).days
    return "within_5_days" if ago <= 5 else "within_8_days" if ago <= 8 else "earlier"


@pytest.mark.parametrize("seed", range(60))
def test_all_days_of_uncertain_procedures(seed: int) -> None:
    rng = random.Random(seed)

    def some_day(earliest: date) -> PartialDate:
        first = earliest + timedelta(days=rng.randint(0, 8))
        return partial(first, first + timedelta(days=rng.choice([0, 0, 1, 3])))

    readings: list[tuple[PartialDate, Done]] = []
    for _ in range(rng.randint(1, 4)):
        on = some_day(AS_OF - timedelta(days=11))
        said = Done(None)
        if rng.random() < 0.4:
            end = some_day(on.first)
            said = Done(None, on, end)
            if end.last < on.first:
                continue
        readings.append((on, said))
    ways = [list(chosen(said, on)) for on, said in readings]
    found = read(*readings)
    if found.widened:
        return
    outcomes = [list(way) for way in product(*ways)]
    assert len(outcomes) < 100_000
    assert found.single["number_of_oophorectomy_within_5_days"] == {
        NUMBER[min(3, number_of(each))] for each in outcomes
    }
    assert found.single["last_oophorectomy"] == {last_cell(each) for each in outcomes}


def test_an_open_history_can_only_raise_the_number_and_the_last_day() -> None:
    on = partial(AS_OF - timedelta(days=7), AS_OF - timedelta(days=7))
    found = read((on, Done(None)), closed=False)
    assert found.single["last_oophorectomy"] == {"within_5_days", "within_8_days"}
    assert found.single["number_of_oophorectomy_within_5_days"] == set(NUMBER)


def test_too_many_readings_are_widened() -> None:
    on = partial(AS_OF - timedelta(days=40), AS_OF)
    found = read(*[(on, Done(None))] * 8)
    assert found.widened == ("oophorectomy",)
    assert found.single["number_of_oophorectomy_within_5_days"] == set(NUMBER)
    certain = partial(AS_OF, AS_OF)
    found = read((certain, Done(None)), *[(on, Done(None))] * 8)
    assert found.single["number_of_oophorectomy_within_5_days"] == set(NUMBER[1:])
    assert MOST_READINGS < 9**8


def test_a_procedure_that_may_not_have_been_done() -> None:
    on = partial(AS_OF, AS_OF)
    found = read((on, Done(None, known=False)))
    assert found.single["last_oophorectomy"] == {"within_5_days", "never"}
    assert found.single["number_of_oophorectomy_within_5_days"] == {*NUMBER[:2]}
