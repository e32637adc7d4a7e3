"""The engine against two evaluators that share nothing with it but the checked protocol or less.

The reference walks the checked protocol in plain Python; the oracle knows only the seed's reading
of its ten criteria. `MANY=2000 pytest tests/differential/test_agrees.py` runs a longer campaign.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import pytest

from protocol_logic.compiling.policies import Policies, check_policies
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, compile_source, findings_of, read_records
from protocol_logic.reasoning.decision import Decision
from protocol_logic.reasoning.engine import Engine
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.differential import bundles, seed_oracle
from tests.differential.asked import answered
from tests.differential.protocols import random_policies, random_protocol
from tests.differential.reference import TooLarge, evaluate
from tests.differential.rough import roughened

MANY = int(os.environ.get("MANY", "100"))
MOST = 5_000 if "MANY" in os.environ else 800
"""Completions after which the reference gives a record up: of 150 records 3, or 9."""
CHUNK = 25


def compiled(text: str, site: Policies | None = None) -> Compiled:
    problems = Problems()
    found = compile_source(Source("test", text), problems, site)
    assert found is not None, problems.items
    return found


def policies(text: str) -> Policies:
    problems = Problems()
    found = check_policies(Source("policies", text), problems)
    assert found is not None, problems.items
    return found


@cache
def seed() -> tuple[Compiled, Engine]:
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    found = compiled(path.read_text(encoding="utf-8"))
    return found, Engine(found.protocol, found.plan, found.program)


def record_of(found: Compiled, bundle: str) -> PatientRecord:
    content = parse(bundle.encode())
    assert isinstance(content, dict)
    document = Document("test", content)
    [record] = read_records(found, [document], Problems())
    return record


def decide(found: Compiled, engine: Engine, record: PatientRecord, as_of: date) -> Decision:
    return engine.decide(findings_of(found, record, as_of))


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_agrees_with_the_oracle_on_the_seed(start: int) -> None:
    found, engine = seed()
    for case in range(start, start + CHUNK):
        bundle, as_of = bundles.random_bundle(random.Random(case), case)
        text = bundles.dumps(bundle)
        decision = decide(found, engine, record_of(found, text), as_of)
        loaded = json.loads(text, parse_float=Decimal, parse_int=int)
        try:
            judged = seed_oracle.judge(loaded, as_of)
        except OverflowError:  # the oracle's own cap
            continue
        outcomes = {str(i): c.outcome for i, c in enumerate(decision.criteria, 1)}
        assert outcomes == dict(judged.outcomes), case
        assert decision.eligibility == judged.eligibility, case


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_agrees_with_the_reference_on_random_protocols(start: int) -> None:
    for case in range(start, start + CHUNK):
        rng = random.Random(f"protocol {case}")
        text = random_protocol(rng)
        found = compiled(text)
        engine = Engine(found.protocol, found.plan, found.program)
        site = compiled(text, policies(random_policies(rng)))
        for number in range(3):
            bundle, as_of = bundles.random_bundle(rng, number)
            if number:
                bundle = roughened(rng, bundle)
                bundles.blur(rng, bundle)
            record = record_of(found, bundles.dumps(bundle))
            record = answered(rng, found.protocol, record, as_of)
            shift = timedelta(days=rng.choice([-400, -20, 0, 14, 60]))
            dates = {"first_dose": as_of + shift} if found.protocol.timepoints else {}
            told = replace(found if number < 2 else site, dates=dates)
            decision = decide(told, engine, record, as_of)
            if number == 2:
                lenient = decide(replace(found, dates=dates), engine, record, as_of)
                for strict, before in zip(decision.criteria, lenient.criteria, strict=True):
                    assert strict.outcome in (before.outcome, "unknown"), (case, number, text)
            if findings_of(told, record, as_of).widened:
                continue  # left open on purpose, and said
            try:
                expected = evaluate(
                    found.protocol,
                    record,
                    as_of,
                    windows=told.windows,
                    dates=dates,
                    each_alone=True,
                    most=MOST,
                )
            except TooLarge:
                continue
            got = {c.id: (c.outcome, c.applies) for c in decision.criteria}
            wanted = {k: (o.outcome, o.applies) for k, o in expected.criteria.items()}
            assert got == wanted, (case, number, text, told.policies)
            scopes = {scope.id: scope.eligibility for scope in decision.scopes}
            assert scopes == expected.scopes, (case, number, text, told.policies)
            assert decision.eligibility == expected.eligibility, (case, number, text)
