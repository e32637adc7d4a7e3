"""Change sets of the seed: the worked cases exactly, and random bundles against the oracle."""

from __future__ import annotations

import json
import os
import random
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.answering.what_if.change_sets import ChangeFinder, ChangeSets
from protocol_logic.compiling.changing import changes_of
from protocol_logic.pipeline import findings_of
from tests.differential import bundles, seed_oracle_changes
from tests.differential.seed_atoms import ATOMS
from tests.differential.trials import record_of, seed

HOME = Path(__file__).parents[2] / "kb" / "protocols" / "anlotinib_fulvestrant"
EXPECTED = json.loads((HOME / "expected.json").read_text(encoding="utf-8"))["cases"]
MANY = int(os.environ.get("MANY", "100"))
NAMES = {words: atom for atom, words in ATOMS.items()}


@cache
def finder() -> ChangeFinder:
    found, engine = seed()
    return ChangeFinder(found.protocol, found.plan, engine, changes_of(found.protocol))


def sets_of(text: str, as_of: date) -> ChangeSets:
    found, _ = seed()
    return finder().gaining(findings_of(found, record_of(found, text), as_of))


@pytest.mark.parametrize("case", sorted(EXPECTED))
def test_the_worked_cases(case: str) -> None:
    expected = EXPECTED[case]
    text = (HOME / expected["file"]).read_text(encoding="utf-8")
    told = sets_of(text, date.fromisoformat(expected["as_of"]))
    assert told.complete
    assert [
        {
            "flip": sorted(NAMES[words] for words in one.flip),
            "resolve": sorted(NAMES[words] for words in one.resolve),
        }
        for one in told.sets
    ] == expected["change_sets"]


# 768: a creatinine in a unit that is not listed. 1078: stages 3 and 4 on one day.
@pytest.mark.parametrize("start", [768, 1078, *range(0, MANY, 25)])
def test_random_bundles(start: int) -> None:
    for case in range(start, start + (25 if start % 25 == 0 else 1)):
        bundle, as_of = bundles.random_bundle(random.Random(case), case)
        text = bundles.dumps(bundle)
        loaded = json.loads(text, parse_float=Decimal, parse_int=int)
        try:
            expected = seed_oracle_changes.change_sets(loaded, as_of)
        except OverflowError:  # the oracle's own cap
            continue
        got = {
            (frozenset(NAMES[w] for w in one.flip), frozenset(NAMES[w] for w in one.resolve))
            for one in sets_of(text, as_of).sets
        }
        assert got == expected, case
