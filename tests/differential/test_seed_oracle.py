"""The oracle reproduces the seed's gold cases, and the generator reaches every outcome."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.differential.bundles import dumps, random_bundle
from tests.differential.seed_oracle import judge

SEED = Path(__file__).resolve().parents[3] / "shared" / "data" / "seed_cases"
CASES = [f"D{number:02d}" for number in range(1, 21)]


def exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=int)


@pytest.mark.skipif(not SEED.is_dir(), reason="the seed cases (../shared) are not here")
@pytest.mark.parametrize("case", CASES)
def test_gold_case(case: str) -> None:
    expected = exact((SEED / "expected.json").read_text(encoding="utf-8"))["cases"][case]
    bundle = exact((SEED / expected["file"]).read_text(encoding="utf-8"))
    judgement = judge(bundle, date.fromisoformat(expected["as_of"]))
    assert judgement.outcomes == expected["criteria"]
    assert judgement.kleene == expected["overall"]
    assert judgement.eligibility == expected.get("overall_exact", expected["overall"])
    assert judgement.missing_data == expected["missing_data"]
    assert judgement.vacuous == expected["vacuous"]


def test_generated_bundles_reach_every_outcome() -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for case in range(300):
        bundle, as_of = random_bundle(random.Random(case), case)
        ids = [entry["resource"]["id"] for entry in bundle["entry"]]
        assert len(ids) == len(set(ids))
        judgement = judge(bundle, as_of)
        seen.update(judgement.outcomes.items())
        for criterion, outcome in judgement.outcomes.items():
            assert (outcome == "unknown") == bool(judgement.gaps[criterion])
    missing = {
        (str(number), outcome)
        for number in range(1, 11)
        for outcome in ("met", "not_met", "unknown")
        if not seen[str(number), outcome]
    }
    assert missing == set()


def test_dumps_keeps_numbers_and_the_generator_repeats_itself() -> None:
    for case in range(20):
        bundle, as_of = random_bundle(random.Random(case), case)
        again, _ = random_bundle(random.Random(case), case)
        assert dumps(bundle) == dumps(again)
        assert exact(dumps(bundle)) == bundle
        assert judge(exact(dumps(bundle)), as_of) == judge(bundle, as_of)
