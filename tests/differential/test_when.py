"""Days on which findings change, against a scan of every day; timelines, against screening.

`MANY=300 pytest tests/differential/test_when.py` runs a longer campaign.
"""

from __future__ import annotations

import os
import random
from datetime import date, timedelta

import pytest

from protocol_logic.answering.rows import AsOf
from protocol_logic.answering.what_if.ahead import cells_of
from protocol_logic.answering.what_if.when import breakpoints, timeline
from protocol_logic.pipeline import Screening, ahead_of
from tests.differential.trials import Trial, trials

MANY = int(os.environ.get("MANY", "8"))
CHUNK = 4
DAYS = 500
"""How many days of a patient are scanned, from the as-of date or from a day after it."""


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_no_finding_changes_between_the_breakpoints(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in trials(case):
            check(trial, case)


def check(trial: Trial, case: int) -> None:
    ahead = ahead_of(trial.told, trial.record)
    days = breakpoints(ahead, trial.as_of)
    rng = random.Random(f"when {case} {trial.number}")
    first = trial.as_of + timedelta(days=rng.choice([0, 0, 0, 365, 1500, 3000]))
    before = cells_of(ahead.findings_on(first))
    scanned: list[date] = []
    for number in range(1, DAYS + 1):
        day = first + timedelta(days=number)
        cells = cells_of(ahead.findings_on(day))
        if cells != before:
            scanned.append(day)
        before = cells
    last = first + timedelta(days=DAYS)
    assert scanned == [day for day in days if first < day <= last], (case, trial.number, trial.text)


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_the_ordinary_road_says_the_same_of_every_day(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in trials(case):
            line = timeline(ahead_of(trial.told, trial.record), trial.engine, trial.as_of)
            screening = Screening(trial.told)
            where = (case, trial.number, trial.text)
            assert line.periods[0].first == trial.as_of, where
            rng = random.Random(f"road {case} {trial.number}")
            for period in line.periods:
                last = period.last or period.first + timedelta(days=4000)
                between = period.first + timedelta(days=rng.randint(0, (last - period.first).days))
                for day in {period.first, between, last}:
                    row = screening.row(trial.record, AsOf(day, "option"))
                    assert row["eligibility"] == period.eligibility, (day, *where)
            for moment in line.moments:
                before, on = (
                    screening.row(trial.record, AsOf(day, "option"))["criteria"]
                    for day in (moment.day - timedelta(days=1), moment.day)
                )
                turned = {t.after.id: (t.before.outcome, t.after.outcome) for t in moment.criteria}
                for old, new in zip(before, on, strict=True):
                    known = turned.get(old["id"], (old["outcome"], old["outcome"]))
                    assert (old["outcome"], new["outcome"]) == known, (moment.day, *where)
                assert moment.because, (moment.day, *where)
