"""Change sets of random protocols against brute force."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import pytest

from protocol_logic.answering.what_if.change_sets import ChangeFinder
from protocol_logic.answering.what_if.conditions import condition_ids
from protocol_logic.compiling import core
from protocol_logic.compiling.changing import changes_of
from protocol_logic.pipeline import findings_of
from tests.differential.reference_changes import Brute, Lit
from tests.differential.reference_days import TooLarge
from tests.differential.trials import trials

MANY = int(os.environ.get("MANY", "10"))
MOST = 400 if "MANY" in os.environ else 200


def words(literals: Iterable[Lit], ids: Mapping[core.Test, str]) -> frozenset[str]:
    return frozenset(ids[test] if held else f"not {ids[test]}" for test, held in literals)


@pytest.mark.parametrize("start", range(0, MANY, 10))
def test_agrees_with_brute_force(start: int) -> None:
    for case in range(start, start + 10):
        for trial in trials(case):
            told, protocol = trial.told, trial.found.protocol
            found = findings_of(told, trial.record, trial.as_of)
            if found.widened:
                continue
            finder = ChangeFinder(protocol, told.plan, trial.engine, changes_of(protocol))
            got = finder.gaining(found)
            if trial.engine.eligibility(found) != "ineligible":
                assert not got.sets
                continue
            if not got.complete:
                continue
            try:
                brute = Brute(
                    protocol,
                    told.plan,
                    trial.record,
                    trial.as_of,
                    told.windows,
                    trial.dates,
                    MOST,
                )
                expected = brute.sets()
            except TooLarge:
                continue
            ids = condition_ids(protocol)
            wanted = {(words(f, ids), words(r, ids)) for f, r in expected}
            sets = {(frozenset(one.flip), frozenset(one.resolve)) for one in got.sets}
            assert sets == wanted, (case, trial.number, trial.text)
