"""Repairs by waiting are those that are found by trying everything on each day that may matter.

`MANY=300 pytest tests/differential/test_every_wait.py` tries more.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest

from protocol_logic.answering.what_if.levers import Option
from protocol_logic.answering.what_if.repairs import Repairing
from protocol_logic.answering.what_if.when import breakpoints
from protocol_logic.compiling.changing import changes_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.pipeline import ahead_of
from protocol_logic.records.facts import Stated
from tests.differential.every_repair import Change, EveryRepair, Setting
from tests.differential.test_every_repair import small_trials
from tests.differential.trials import Trial

MANY = int(os.environ.get("MANY", "12"))
CHUNK = 6
MOST = 200
"""How many settings are tried of a patient on one day at most; who has more is left out."""
MOST_DAYS = 40

Told = tuple[date | None, frozenset[tuple[str, str]]]
"""The day of a repair, None for today, and what it sets."""


def way(said: str, day: date) -> str:
    """A limit with one end by its sign, a start on the day without the day."""
    one_end = said[0] in "<>" and " and " not in said
    return said[0] if one_end else said.replace(day.isoformat(), "")


class Day:
    """What is minimal on one day, by itself."""

    def __init__(self, trial: Trial) -> None:
        self.every = EveryRepair(trial)
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


def wanted(trial: Trial, days: list[date]) -> set[Told] | None:
    """All repairs of today and of some days; None where there is too much to try."""
    kept: list[tuple[Day, Setting]] = []
    found: set[Told] = set()
    for day in [trial.as_of, *days]:
        of_day = Day(replace(trial, as_of=day))
        if not of_day.is_eligible and of_day.every.size() > MOST:
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


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_repairs_by_waiting_are_all_that_trying_everything_finds(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in small_trials(case):
            told = trial.told
            repairing = Repairing(
                told.protocol, told.plan, trial.engine, changes_of(told.protocol), told.windows,
                told.dates,
            )  # fmt: skip
            ahead = ahead_of(told, trial.record)
            if len(ahead.turns(trial.as_of)) > MOST_DAYS:
                continue
            days = breakpoints(ahead, trial.as_of)
            if repairing.engine.eligibility(ahead.findings_on(trial.as_of)) == "eligible":
                continue
            expected = wanted(trial, days)
            if expected is None:
                continue
            got = repairing.repairs(trial.record, trial.as_of)
            if any("too many" in note for note in got.notes):
                continue
            found = {
                (
                    repair.earliest,
                    frozenset((c.finding, c.to) for c in repair.changes if c.kind != "wait"),
                )
                for repair in got.repairs
            }
            assert found == expected, (case, trial.number, trial.text)
