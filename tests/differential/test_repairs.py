"""Repairs of random patients, against settings that are tried one by one on the whole record.

Nothing of the search is shared: a setting is made of the options of the levers, and the record with
it is read and decided by the ordinary road. `MANY=100 pytest tests/differential/test_repairs.py`.
"""

from __future__ import annotations

import os
import random
from functools import cache

import pytest

from protocol_logic.answering.what_if.changes import Change
from protocol_logic.answering.what_if.repairs import Patient, Repairing
from protocol_logic.answering.what_if.states import set_as_a_whole, set_in
from protocol_logic.compiling.changing import changes_of
from protocol_logic.pipeline import findings_of
from tests.differential.protocols import STATUSES
from tests.differential.trials import Trial, trials
from tests.test_repair_cases import screened

MANY = int(os.environ.get("MANY", "4"))
CHUNK = 4
CLIMBS = 3
"""How often a random way to a setting that makes a patient eligible is gone."""

Setting = dict[int, tuple[int, ...]]
"""Levers that are set, and the options that each may be in."""


class Trying:
    """The settings of one patient, each tried on the whole record."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        told = trial.told
        self.repairing = Repairing(
            told.protocol, told.plan, trial.engine, changes_of(told.protocol), told.windows,
            told.dates,
        )  # fmt: skip
        self.patient = Patient(self.repairing, trial.record, trial.as_of)
        states = self.patient.states
        for unit in range(len(self.repairing.units)):
            self.patient.levers_of(unit)
        self.levers = states.levers
        self.passed = cache(self._passed)

    def makes_eligible(self, setting: Setting) -> bool:
        return self.passed(tuple(sorted(setting.items())))[0]

    def _passed(self, setting: tuple[tuple[int, tuple[int, ...]], ...]) -> tuple[bool, int]:
        told, as_of = self.trial.told, self.trial.as_of
        options = [self.levers[i].region(kept) for i, kept in setting]
        record = set_in(self.trial.record, options, as_of, told.protocol.vocabulary)
        found = findings_of(told, record, as_of)
        found = set_as_a_whole(told.plan, found, options)
        outcomes = [self.trial.engine._outcome(r, found).verdict for r in self.trial.engine.reads]
        eligible = self.trial.engine.eligibility(found) == "eligible"
        return eligible, outcomes.count("pass")

    def regions(self, lever: int) -> list[tuple[int, ...]]:
        """All regions that a lever can be set to."""
        found = self.levers[lever]
        n = len(found.options)
        if found.joined == "range":
            every = (tuple(range(i, j)) for i in range(n) for j in range(i + 1, n + 1))
            return [r for r in every if len({found.options[i].family for i in r}) == 1]
        if found.joined == "any":
            return [tuple(i for i in range(n) if m >> i & 1) for m in range(1, 2**n)]
        return [(i,) for i in range(n)]

    def smaller(self, setting: Setting) -> list[Setting]:
        """Settings with one change less, or one region a step larger."""
        found = [{k: v for k, v in setting.items() if k != lever} for lever in setting]
        for lever, kept in setting.items():
            for region in self.regions(lever):
                if len(region) == len(kept) + 1 and set(kept) < set(region):
                    found.append({**setting, lever: region})
        return found

    def climb(self, rng: random.Random) -> Setting | None:
        """A minimal setting that makes the patient eligible, by a random way; None: not found."""
        setting: Setting = {}
        order = [*self.levers] * 2
        rng.shuffle(order)
        for lever in order:
            if self.makes_eligible(setting):
                break
            options = [(n,) for n in range(len(self.levers[lever].options))]
            rng.shuffle(options)
            here = self.passed(tuple(sorted(setting.items())))[1]
            for option in options:
                tried = {**setting, lever: option}
                if self.passed(tuple(sorted(tried.items())))[1] > here or rng.random() < 0.15:
                    setting = tried
                    break
        if not self.makes_eligible(setting):
            return None
        while True:
            steps = self.smaller(setting)
            rng.shuffle(steps)
            better = next((step for step in steps if self.makes_eligible(step)), None)
            if better is None:
                return setting
            setting = better


def together(trying: Trying, setting: Setting, found: set[frozenset[tuple[str, str]]]) -> bool:
    """Whether inputs of one derived quantity are set together, where fewer of them are enough."""
    names = frozenset(trying.levers[lever].name for lever in setting)
    derived = [set(d.inputs) for d in trying.trial.told.protocol.derived.values()]
    return any(
        own < names and any(len(names & inputs) > len(own & inputs) > 0 for inputs in derived)
        for own in (frozenset(name for name, _ in each) for each in found)
    )


def texts(trying: Trying, setting: Setting) -> frozenset[tuple[str, str]]:
    return frozenset((trying.levers[i].name, trying.levers[i].said(k)) for i, k in setting.items())


def declared(text: str) -> dict[tuple[str, str], list[str]]:
    """What the lines `change` and `obtain` of a protocol say: the words behind the name."""
    lines = [line.split() for line in text.splitlines()]
    return {(words[0], words[1]): words[2:] for words in lines if words[:1] in CHANGES}


CHANGES = (["change"], ["obtain"])


def as_declared(change: Change, lines: dict[tuple[str, str], list[str]], where: object) -> None:
    """Whether a change is of the kind, cost and direction that the protocol's own lines say."""
    said = lines.get(("obtain" if change.kind == "obtain" else "change", change.finding), [])
    cost = int(said[said.index("cost") + 1]) if "cost" in said else None
    if not said or change.kind == "wait":
        return
    if change.kind == "obtain":
        assert cost == change.cost, (change, *said, where)
        return
    assert said[0] == change.kind, (change, *said, where)
    assert change.cost == cost or cost is None, (change, *said, where)
    if "up" in said or "down" in said:
        assert change.to.startswith(">" if "up" in said else "<"), (change, *said, where)
    elif "to" in said and change.finding in STATUSES:
        assert change.to == said[-1], (change, *said, where)


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_all_minimal_repairs_of_random_patients_are_found(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in trials(case):
            trying = Trying(trial)
            where = (case, trial.number, trial.text)
            got = trying.patient.repairs()
            found = {frozenset((c.finding, c.to) for c in r.changes) for r in got.repairs}
            assert len(found) == len(got.repairs), where
            rng = random.Random(f"repairs {case} {trial.number}")
            if trying.makes_eligible({}):
                assert found in ({frozenset()}, set()), where
                continue
            place = {lever.name: i for i, lever in trying.levers.items()}
            for repair in got.repairs:
                assert repair.cost == sum(change.cost for change in repair.changes), where
                for change in repair.changes:
                    as_declared(change, declared(trial.text), where)
            for repair in got.repairs[:6]:
                setting: Setting = {}
                for change in repair.changes:
                    lever = place[change.finding]
                    text = trying.levers[lever].said
                    setting[lever] = next(r for r in trying.regions(lever) if text(r) == change.to)
                assert trying.makes_eligible(setting), (repair, *where)
                said = screened(trial.told, repair, trial.record, trial.as_of)
                assert said == "eligible", (repair, *where)
                for smaller in trying.smaller(setting):
                    assert not trying.makes_eligible(smaller), (repair, smaller, *where)
            for _ in range(CLIMBS if got.complete and not trial.told.protocol.scopes else 0):
                setting_found = trying.climb(rng)
                if setting_found is not None and not together(trying, setting_found, found):
                    assert texts(trying, setting_found) in found, (
                        texts(trying, setting_found),
                        found,
                        *where,
                    )
