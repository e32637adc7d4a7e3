"""Repairs by waiting are those that are found by trying everything on each day that may matter.

`MANY=300 pytest tests/differential/test_every_wait.py` tries more.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, permutations

import pytest

from protocol_logic.answering.what_if import earlier
from protocol_logic.answering.what_if.levers import Option
from protocol_logic.answering.what_if.repairs import Patient, Repairing
from protocol_logic.answering.what_if.setting import goes_on, stopped
from protocol_logic.answering.what_if.when import breakpoints
from protocol_logic.compiling.changing import changes_of
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.pipeline import ahead_of
from protocol_logic.reasoning.engine import Engine
from protocol_logic.records.facts import Closed, Done, Fact, Reading, Stated, Therapy, place
from tests.differential import bundles
from tests.differential.every_repair import Change, EveryRepair, Setting
from tests.differential.protocols import HEADER, SENTENCE
from tests.differential.test_every_repair import small_trials
from tests.differential.trials import Trial, compiled, record_of

MANY = int(os.environ.get("MANY", "12"))
CHUNK = 6
MOST = 200
"""How many settings are tried of a patient on one day at most; who has more is left out."""
MOST_CROSSING = 2_000
"""The same where less is asked until a window ends."""
MOST_DAYS = 40

Told = tuple[date | None, frozenset[tuple[str, str]]]
"""The day of a repair, None for today, and what it sets."""


def way(said: str, day: date) -> str:
    """A limit with one end by its sign, a start on the day without the day."""
    one_end = said[0] in "<>" and " and " not in said
    return said[0] if one_end else said.replace(day.isoformat(), "")


class Day:
    """What is minimal on one day, by itself."""

    def __init__(self, trial: Trial, since: date | None = None) -> None:
        self.every = EveryRepair(trial, since)
        self.day = trial.as_of
        self.settings: list[Setting] = []
        self.is_eligible = self.every.patient.decision.eligibility == "eligible"

    def solve(self) -> None:
        self.settings = [()] if self.is_eligible else self.every.minimal_settings()

    def option(self, change: Change) -> Option:
        return self.every.levers[change[0]].region(change[1])

    def way(self, change: Change) -> tuple[int, str]:
        return change[0], way(self.option(change).said, self.day)

    def on_it(self, other: Day, change: Change) -> list[Change]:
        """A change of another day as one of this."""
        lever = self.every.levers.get(change[0])
        own = [(change[0], (n,)) for n in range(len(lever.options))] if lever else []
        return [each for each in own if self.way(each) == other.way(change)]

    def asks_no_more(self, before: Day, one: Change, other: Change) -> bool:
        """Whether a change of an earlier day asks for no more than one of this day."""
        if before.way(one) == self.way(other):
            return True
        first, second = before.option(one), self.option(other)
        if first.stops and (first.stops, first.on) == (second.stops, second.on):
            return True
        name = self.every.names[one[0]]
        if isinstance(name, str) and not isinstance(self.every.voc.entries[name], voc.Concept):
            return one[0] == other[0] and holds(before.option(one), self.option(other))
        return any(self.every._says_no_more(x, other) for x in self.on_it(before, one))

    def is_known(self, before: Day, small: Setting, setting: Setting) -> bool:
        return any(
            all(self.asks_no_more(before, x, y) for x, y in zip(small, chosen, strict=True))
            for chosen in permutations(setting, len(small))
        )

    def texts(self, setting: Setting) -> frozenset[tuple[str, str]]:
        return frozenset(map(self.every._text, setting))


def holds(one: Option, other: Option) -> bool:
    if one.range_ is not None and other.range_ is not None:
        same = (one.family, one.limits) == (other.family, other.limits)
        return same and one.range_.contains_interval(other.range_)
    readings = [option.facts[0].reading for option in (one, other) if option.facts]
    values = [r.values for r in readings if isinstance(r, Stated) and r.values]
    return len(values) == 2 and values[0] >= values[1]


def wanted(trial: Trial, days: list[date], most: int) -> set[Told] | None:
    """All repairs of today and of some days; None where there is too much to try."""
    kept: list[tuple[Day, Setting]] = []
    found: set[Told] = set()
    for day in [trial.as_of, *days]:
        of_day = Day(replace(trial, as_of=day), None if day == trial.as_of else trial.as_of)
        if not of_day.is_eligible and of_day.every.size() > most:
            return None
        of_day.solve()
        fresh = [
            setting
            for setting in of_day.settings
            if not any(of_day.is_known(before, small, setting) for before, small in kept)
        ]
        kept += [(of_day, setting) for setting in fresh]
        when = None if day == trial.as_of else day
        found |= {(when, of_day.texts(setting)) for setting in fresh}
        if () in fresh:
            break
    return found


def days_of(trial: Trial) -> list[date] | None:
    """The days that may matter, whichever medications are stopped today; None: too many."""
    voc = trial.told.protocol.vocabulary
    taken = sorted({f.entry for f in trial.record.facts if goes_on(f, trial.as_of)})
    found: set[date] = set()
    for number in range(len(taken) + 1):
        for chosen in combinations(taken, number):
            record = trial.record
            for each in chosen:
                record = stopped(record, each, trial.as_of, voc)
            ahead = ahead_of(trial.told, record)
            if len(ahead.turns(trial.as_of)) > MOST_DAYS:
                return None
            found.update(breakpoints(ahead, trial.as_of))
    return sorted(found)


LESS_AND_MORE = [
    ("metastasis", "liver_metastasis"),
    ("not bone_metastasis", "not metastasis"),
    ("not gnrh_analogue within 6 months", "not gnrh_analogue within 12 months"),
    ("not gnrh_analogue within 12 months", "not history of gnrh_analogue"),
    ("not chemotherapy within 3 months", "not history of chemotherapy"),
    ("her2_ihc is negative or her2_ihc is 1+", "her2_ihc is negative"),
]
"""Conditions of which the first asks for less, of other inputs or of the same."""


def crossing_trials(case: int) -> Iterator[Trial]:
    """Patients of whom less is asked until a window ends, or only then, also of another input."""
    rng = random.Random(f"every crossing {case}")
    criteria = []
    for number in range(1, rng.randint(1, 2) + 1):
        less, more = rng.choice(LESS_AND_MORE)
        window = f"oophorectomy within {rng.choice(['28 days', '2 months'])}"
        denied = rng.choice(["", "not "])
        lines = ["all of", f"  {less}", "  any of", f"    {more}", f"    {denied}{window}"]
        criteria.append("\n".join([f"include c_{number}", f"{SENTENCE}  {lines[0]}"]))
        criteria[-1] += "".join(f"\n  {line}" for line in lines[1:]) + "\n"
    text = "\n".join([HEADER, *criteria])
    found = compiled(text)
    engine = Engine(found.protocol, found.plan, found.program)
    for number in range(2):
        bundle, as_of = bundles.random_bundle(rng, number)
        record = record_of(found, bundles.dumps(bundle))
        share = rng.choice([0, 0, 0.3])
        kept = [each for each in record.facts if rng.random() < share]
        day = as_of - timedelta(days=rng.randint(0, 70))
        when = PartialDate(day, day, day.isoformat())
        done = fact("oophorectomy", when, Done("both"))
        closed = fact("procedure_history", None, Closed())
        record = replace(record, facts=tuple(sorted([*kept, done, closed], key=place)))
        yield Trial(text, number, found, found, engine, record, as_of, {})


WASHOUTS = [
    "not gnrh_analogue within 28 days",
    "not endocrine_therapy within 6 months",
    "not platinum_chemotherapy within 3 months",
    "not gnrh_analogue in effect",
    "not chemotherapy within 28 days",
    "age >= 65 years",
    "hemoglobin >= 90 g/L",
    "history of oophorectomy",
    "gnrh_analogue in effect",
]
DRUGS = ["gnrh_analogue", "endocrine_therapy", "chemotherapy", "platinum_chemotherapy"]


def washing_trials(case: int) -> Iterator[Trial]:
    """Patients who take a drug, of whom it is asked that they did not for some time."""
    rng = random.Random(f"every washout {case}")
    text = HEADER.replace("uses ", "uses drugs.antineoplastic, ")
    for number in range(1, rng.randint(1, 2) + 1):
        head = rng.choice(["all of", "all of", "any of"])
        tests = rng.sample(WASHOUTS, rng.choice([2, 2, 3]))
        text += f"\ninclude c_{number}\n{SENTENCE}  {head}\n"
        text += "".join(f"    {test}\n" for test in tests)
    found = compiled(text)
    engine = Engine(found.protocol, found.plan, found.program)
    for number in range(2):
        bundle, as_of = bundles.random_bundle(rng, number)
        record = record_of(found, bundles.dumps(bundle))
        kept = [each for each in record.facts if rng.random() < 0.2]
        for drug in rng.sample(DRUGS, rng.choice([1, 1, 2])):
            day = as_of - timedelta(days=rng.choice([0, 1, 20, 100, 400]))
            end = as_of + timedelta(days=rng.randint(-5, 60))
            until = PartialDate(end, end, end.isoformat()) if rng.random() < 0.3 else None
            start = PartialDate.parse(day.isoformat()[: rng.choice([10, 10, 7])])
            if end >= start.last:
                kept.append(fact(drug, start, Therapy(start, until, until is None, None)))
        kept += [fact("medication_history", None, Closed())] * (rng.random() < 0.8)
        kept += [fact("procedure_history", None, Closed())] * (rng.random() < 0.5)
        record = replace(record, facts=tuple(sorted(kept, key=place)))
        yield Trial(text, number, found, found, engine, record, as_of, {})


def fact(entry: str, day: PartialDate | None, reading: Reading) -> Fact:
    return Fact(entry=entry, resource=f"R/{entry}", date=day, recorded=entry, reading=reading)


def test_a_later_day_that_asks_for_more_of_another_input_gives_no_repair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crossed = 0
    compared = earlier.asks_no_more

    def counted(later: Patient, one: earlier.Asked, other: earlier.Asked) -> bool:
        nonlocal crossed
        found = compared(later, one, other)
        crossed += found and one.lever != other.lever
        return found

    monkeypatch.setattr(earlier, "asks_no_more", counted)
    for case in range(MANY):
        for trial in crossing_trials(case):
            told_and_expected(case, trial, MOST_CROSSING)
    assert crossed, "no repair of a later day was held against one of another input"


def test_drugs_are_stopped_today_where_the_time_after_it_is_waited_for() -> None:
    washed = 0
    for case in range(0, MANY, 2):
        for trial in washing_trials(case):
            washed += told_and_expected(case, trial, MOST_CROSSING)
    assert washed, "no repair stops a drug and waits"


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_repairs_by_waiting_are_all_that_trying_everything_finds(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in small_trials(case):
            told_and_expected(case, trial)


def told_and_expected(case: int, trial: Trial, most: int = MOST) -> int:
    """Hold the repairs of a patient against all that trying everything finds; how many of them
    stop a drug before their day."""
    told = trial.told
    repairing = Repairing(
        told.protocol, told.plan, trial.engine, changes_of(told.protocol), told.windows, told.dates
    )
    ahead = ahead_of(told, trial.record)
    if repairing.engine.eligibility(ahead.findings_on(trial.as_of)) == "eligible":
        return 0
    days = days_of(trial)
    expected = wanted(trial, days, most) if days is not None else None
    if expected is None:
        return 0
    got = repairing.repairs(trial.record, trial.as_of)
    if any("too many" in note for note in got.notes):
        return 0
    found = {
        (r.earliest, frozenset((c.finding, c.to) for c in r.changes if c.kind != "wait"))
        for r in got.repairs
    }
    assert found == expected, (case, trial.number, trial.text)
    return sum(any(" on " in said for _, said in texts) for _, texts in found)
