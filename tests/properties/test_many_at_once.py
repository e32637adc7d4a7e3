"""Many patients of a store at once give the rows that each gives alone: also where some, or all, of
what is asked of a patient is read one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from bench.patients.shares import Shares
from protocol_logic.findings.columns.leaving import Given, Leaving
from protocol_logic.findings.columns.tables import Part
from protocol_logic.pipeline import Screening
from protocol_logic.pipeline.columns import ColumnScreening
from protocol_logic.records.store.reading import Store
from tests import stores
from tests.differential.trials import compiled
from tests.many_rows import AS_OF, same_rows, whole

DEMO = Path(__file__).parents[2] / "demo" / "patients"
SETS = {"demo": 15, "pysynthea-breast-r4": 3, "synthea-r4": 6}


@pytest.mark.parametrize("protocol", ["anlotinib_fulvestrant", "gemcitabine_oxaliplatin"])
def test_patients_that_are_made_up(protocol: str, tmp_path: Path) -> None:
    stores.made_up(tmp_path / "s.duckdb", protocol, 24)
    assert same_rows(tmp_path / "s.duckdb", stores.protocol_of(protocol)) == 24


@pytest.mark.parametrize("name", SETS)
def test_records(name: str, tmp_path: Path) -> None:
    source = DEMO if name == "demo" else stores.SHARED / name
    if not source.exists():
        pytest.skip("needs ../shared")
    stores.read_from(tmp_path / "s.duckdb", source, SETS[name])
    for protocol in ("anlotinib_fulvestrant", "pcp_prophylaxis"):
        same_rows(tmp_path / "s.duckdb", stores.protocol_of(protocol), None)


NUMBERS = """protocol numbers
  title Numbers
  version 1.0
  registry NCT00000000
  language 1
  uses demographics, labs, renal

include clearance
  > A clearance of 60 ml/min.
  creatinine_clearance >= 60 mL/min

include grown_up
  > At least 55 years.
  age >= 55 years
"""


def test_who_look_alike_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whom creatinine, weight or age is not certain."""
    given: Counter[tuple[str, ...]] = Counter()
    give = Leaving.give

    def counted(its: Leaving, places: Sequence[int], part: Part, what: Given) -> None:
        given[tuple(sorted(part.names))] += len(places)
        give(its, places, part, what)

    monkeypatch.setattr(Leaving, "give", counted)
    shares = Shares(missing=0, imprecise=0.3, conflicting=0.3, borderline=0)
    stores.made_up(tmp_path / "s.duckdb", "anlotinib_fulvestrant", 90, shares)
    assert same_rows(tmp_path / "s.duckdb", compiled(NUMBERS), most=90) == 90
    assert sum(given.values()) > 8


def test_some_of_a_stretch_are_those_of_all(tmp_path: Path) -> None:
    path, protocol = tmp_path / "s.duckdb", stores.protocol_of("anlotinib_fulvestrant")
    stores.made_up(path, "anlotinib_fulvestrant", 30)
    with Store(path) as store:
        [stretch] = store.stretches(30)
    many = ColumnScreening(Screening(protocol), AS_OF)
    every = [whole(line) for line in many.screen(stretch)]
    states, between = many.states(stretch)
    assert len(set(states)) == 30
    assert not between
    for places in ([3, 17], [2, 5, 11, 29]):  # read one by one, and by columns
        found = many.some(stretch, places)
        assert [whole(found[place]) for place in places] == [every[place] for place in places]
    many.close()
