"""Many patients of a store at once give the rows that each gives alone: also where some, or all, of
what is asked of a patient is read one by one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from tests import stores
from tests.many_rows import same_rows

DEMO = Path(__file__).parents[2] / "demo" / "patients"
SETS = {"demo": 15, "pysynthea-breast-r4": 3, "synthea-r4": 6}


@pytest.mark.parametrize("protocol", ["anlotinib_fulvestrant", "gemcitabine_oxaliplatin"])
def test_patients_that_are_made_up(protocol: str, tmp_path: Path) -> None:
    stores.made_up(tmp_path / "s.duckdb", protocol, 40)
    assert same_rows(tmp_path / "s.duckdb", stores.protocol_of(protocol)) == 40


@pytest.mark.parametrize("name", SETS)
def test_records(name: str, tmp_path: Path) -> None:
    source = DEMO if name == "demo" else stores.SHARED / name
    if not source.exists():
        pytest.skip("needs ../shared")
    stores.read_from(tmp_path / "s.duckdb", source, SETS[name])
    for protocol in ("anlotinib_fulvestrant", "pcp_prophylaxis"):
        same_rows(tmp_path / "s.duckdb", stores.protocol_of(protocol), None)
