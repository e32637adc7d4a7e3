"""The engine against two evaluators that share nothing with it but the checked protocol or less.

The reference walks the checked protocol in plain Python; the oracle knows only the seed's reading
of its ten criteria. `MANY=2000 pytest tests/differential/test_agrees.py` runs a longer campaign.
"""

from __future__ import annotations

import json
import os
import random
from datetime import date
from decimal import Decimal

import pytest

from protocol_logic.pipeline import Compiled, findings_of
from protocol_logic.reasoning.decision import Decision
from protocol_logic.reasoning.engine import Engine
from protocol_logic.records.facts import PatientRecord
from tests.differential import bundles, seed_oracle
from tests.differential.reference import TooLarge, evaluate
from tests.differential.trials import record_of, seed, trials

MANY = int(os.environ.get("MANY", "40"))
MOST = 5_000 if "MANY" in os.environ else 800
"""Completions after which the reference gives a record up: of 150 records 3, or 9."""
CHUNK = 20


def decide(found: Compiled, engine: Engine, record: PatientRecord, as_of: date) -> Decision:
    return engine.decide(findings_of(found, record, as_of))


# 348 and 1340: an unrecorded intent beside an open history, which decides and does not.
@pytest.mark.parametrize("start", [348, 1340, *range(0, MANY, CHUNK)])
def test_agrees_with_the_oracle_on_the_seed(start: int) -> None:
    found, engine = seed()
    for case in range(start, start + (1 if start % CHUNK else CHUNK)):
        bundle, as_of = bundles.random_bundle(random.Random(case), case)
        text = bundles.dumps(bundle)
        findings = findings_of(found, record_of(found, text), as_of)
        decision = engine.decide(findings)
        loaded = json.loads(text, parse_float=Decimal, parse_int=int)
        try:
            judged = seed_oracle.judge(loaded, as_of)
        except OverflowError:  # the oracle's own cap
            continue
        outcomes = {str(i): c.outcome for i, c in enumerate(decision.criteria, 1)}
        assert outcomes == dict(judged.outcomes), case
        assert decision.eligibility == judged.eligibility, case
        if not findings.widened:
            gaps = {str(i): [g.element for g in c.gaps] for i, c in enumerate(decision.criteria, 1)}
            assert gaps == judged.gaps, case


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_agrees_with_the_reference_on_random_protocols(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in trials(case):
            told, record, as_of = trial.told, trial.record, trial.as_of
            where = (case, trial.number, trial.text)
            decision = decide(told, trial.engine, record, as_of)
            if trial.number == 2:
                lenient = decide(trial.found, trial.engine, record, as_of)
                for strict, before in zip(decision.criteria, lenient.criteria, strict=True):
                    assert strict.outcome in (before.outcome, "unknown"), where
            if findings_of(told, record, as_of).widened:
                continue  # left open on purpose, and said
            try:
                expected = evaluate(
                    trial.found.protocol,
                    record,
                    as_of,
                    windows=told.windows,
                    dates=trial.dates,
                    each_alone=True,
                    most=MOST,
                )
            except TooLarge:
                continue
            got = {c.id: (c.outcome, c.applies) for c in decision.criteria}
            wanted = {k: (o.outcome, o.applies) for k, o in expected.criteria.items()}
            assert got == wanted, (*where, told.policies)
            scopes = {scope.id: scope.eligibility for scope in decision.scopes}
            assert scopes == expected.scopes, (*where, told.policies)
            assert decision.eligibility == expected.eligibility, where
