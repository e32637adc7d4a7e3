"""The repairs of small random patients are those that are found by trying everything, in order.

`MANY=300 pytest tests/differential/test_every_repair.py` tries more.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from protocol_logic.answering.what_if import repairs, searching
from protocol_logic.reasoning.engine import Engine
from tests.differential import bundles
from tests.differential.every_repair import EveryRepair
from tests.differential.protocols import HEADER, SENTENCE, Writer
from tests.differential.trials import Trial, compiled, doubted, record_of

MANY = int(os.environ.get("MANY", "6"))
CHUNK = 6
MOST = 1_500
"""How many settings are tried of a patient at most; who has more is left out."""


class Small(Writer):
    """Writes criteria of a few tests, many of which tell the same in other words."""

    def atom(self) -> str:
        if self.chance(0.5):
            return super().atom()
        return self.rng.choice([self._condition, self._lines, self._occurrence, self._in_effect])()

    def criterion(self, number: int) -> str:
        polarity = self.rng.choice(["include", "include", "exclude"])
        head = self.rng.choice(["all of", "all of", "any of"])
        tests = [self.literal() for _ in range(self.rng.choice([1, 2, 2, 3]))]
        lines = [f"    {test}, because nobody has coded it" if '"' in test else f"    {test}"
                 for test in tests]  # fmt: skip
        if len(lines) == 1:
            return f"{polarity} criterion_{number}\n{SENTENCE}{lines[0][2:]}\n"
        return "\n".join([f"{polarity} criterion_{number}", f"{SENTENCE}  {head}", *lines, ""])


def small_trials(case: int) -> Iterator[Trial]:
    """Patients of a protocol of one or two criteria, of whom little may be recorded."""
    rng = random.Random(f"every repair {case}")
    writer = Small(rng)
    writer.scopes = []
    criteria = [writer.criterion(n) for n in range(1, rng.randint(1, 2) + 1)]
    parameters = [
        f"parameter {name}\n  value {value}\n  source A random choice\n"
        for name, value in writer.parameters.items()
    ]
    times = ["timepoint first_dose\n  label first dose\n"] if writer.timed else []
    text = "\n".join([HEADER, *times, *parameters, *criteria])
    found = doubted(case, compiled(text))
    engine = Engine(found.protocol, found.plan, found.program)
    for number in range(2):
        bundle, as_of = bundles.random_bundle(rng, number)
        record = record_of(found, bundles.dumps(bundle))
        share = rng.choice([0, 0.3, 0.7, 1])
        record = replace(record, facts=tuple(f for f in record.facts if rng.random() < share))
        dates = {"first_dose": as_of} if found.protocol.timepoints else {}
        told = replace(found, dates=dates)
        yield Trial(text, number, told, told, engine, record, as_of, dates)


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_repairs_are_all_that_trying_everything_finds(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in small_trials(case):
            every = EveryRepair(trial)
            if every.patient.decision.eligibility == "eligible" or every.size() > MOST:
                continue
            got = every.patient.repairs()
            if any("too many" in note for note in got.notes):
                continue
            told = [
                (each.cost, len(each.changes), [(c.finding, c.to) for c in each.changes])
                for each in got.repairs
            ]
            assert told == sorted(told), (case, trial.number)
            found = [(cost, frozenset(texts)) for cost, _, texts in told]
            assert len(set(found)) == len(found), (case, trial.number)
            assert set(found) == every.minimal(), (case, trial.number, trial.text)


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_where_there_are_too_many_those_given_are_minimal_all_the_same(
    start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairs, "MOST", 2)
    monkeypatch.setattr(searching, "MOST", 2)
    monkeypatch.setattr(searching, "_AT_FIRST", 2)
    for case in range(start, start + CHUNK):
        for trial in small_trials(case):
            every = EveryRepair(trial)
            if every.patient.decision.eligibility == "eligible" or every.size() > MOST // 4:
                continue
            got = every.patient.repairs()
            expected = every.minimal()
            found = [(r.cost, frozenset((c.finding, c.to) for c in r.changes)) for r in got.repairs]
            assert set(found) <= expected, (case, trial.number, trial.text)
            assert got.complete <= (set(found) == expected), (case, trial.number, trial.text)
            assert got.complete is not bool(got.notes), (case, trial.number, trial.text)
