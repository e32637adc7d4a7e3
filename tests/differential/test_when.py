"""Days on which findings change, against a scan of every day.

`MANY=300 pytest tests/differential/test_when.py` runs a longer campaign.
"""

from __future__ import annotations

import os
import random
from datetime import date, timedelta

import pytest

from protocol_logic.answering.what_if.when import breakpoints, cells_of
from protocol_logic.pipeline import ahead_of
from tests.differential.trials import Trial, trials

MANY = int(os.environ.get("MANY", "12"))
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
