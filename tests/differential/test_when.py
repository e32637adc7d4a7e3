"""Days on which findings change, against a scan of every day; timelines, against screening.

`MANY=300 pytest tests/differential/test_when.py` runs a longer campaign.
"""

from __future__ import annotations

import gzip
import os
import random
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import pytest

from protocol_logic.answering.rows import AsOf
from protocol_logic.answering.what_if.ahead import cells_of
from protocol_logic.answering.what_if.when import breakpoints, timeline
from protocol_logic.pipeline import Compiled, Screening, ahead_of
from protocol_logic.records.facts import PatientRecord
from tests.differential.protocols import random_policies, random_protocol
from tests.differential.trials import Trial, compiled, policies, record_of, trials

MANY = int(os.environ.get("MANY", "4"))
CHUNK = 4
DAYS = 500 if "MANY" in os.environ else 125
"""How many days of a patient are scanned, from the as-of date or from a day after it."""


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_no_finding_changes_between_the_breakpoints(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in trials(case):
            check(trial, case)


def check(trial: Trial, case: int) -> None:
    rng = random.Random(f"when {case} {trial.number}")
    first = trial.as_of + timedelta(days=rng.choice([0, 0, 0, 365, 1500, 3000]))
    scan(trial.told, trial.record, trial.as_of, first, (case, trial.number, trial.text))


def scan(told: Compiled, record: PatientRecord, as_of: date, first: date, where: object) -> None:
    """Compare the breakpoints after the as-of date with what changes from a day on."""
    ahead = ahead_of(told, record)
    days = breakpoints(ahead, as_of)
    before = cells_of(ahead.findings_on(first))
    scanned: list[date] = []
    for number in range(1, DAYS + 1):
        day = first + timedelta(days=number)
        cells = cells_of(ahead.findings_on(day))
        if cells != before:
            scanned.append(day)
        before = cells
    last = first + timedelta(days=DAYS)
    assert scanned == [day for day in days if first < day <= last], where


REAL = Path(__file__).parents[3] / "shared" / "data" / "pysynthea-breast-r4" / "patients.ndjson.gz"


@pytest.mark.skipif(not REAL.is_file(), reason=f"no records at {REAL}")
def test_nor_in_records_that_others_made() -> None:
    number = max(3, MANY // 8)
    with gzip.open(REAL, "rt", encoding="utf-8") as lines:
        for case, line in enumerate(islice(lines, number)):
            rng = random.Random(f"real {case}")
            text = random_protocol(rng)
            told = compiled(text, policies(random_policies(rng)))
            record = record_of(told, line)
            days = [f.date.first for f in record.facts if f.date is not None]
            as_of = rng.choice(days) if days else date(2020, 1, 1)
            scan(told, record, as_of, as_of, (case, record.patient, as_of, text))


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
