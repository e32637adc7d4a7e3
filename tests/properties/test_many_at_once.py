"""Many patients of a store at once give the rows that each gives alone: also where some, or all, of
what is asked of a patient is read one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from protocol_logic.answering.columns.rows import ManyRow
from protocol_logic.foundation.problems import Problem
from protocol_logic.pipeline import Compiled, Screening
from protocol_logic.pipeline.columns import ColumnScreening, Line
from protocol_logic.records.store.reading import Store
from protocol_logic.surfaces.row_formats import Csv, Json, Ndjson
from tests import stores

AS_OF = date(2026, 1, 15)
DEMO = Path(__file__).parents[2] / "demo" / "patients"
SETS = {"demo": 15, "pysynthea-breast-r4": 3, "synthea-r4": 6}


def same_rows(path: Path, compiled: Compiled, as_of: date | None = AS_OF, most: int = 20) -> int:
    """Hold the rows of a store against those of its patients alone; how many there are."""
    with Store(path) as store:
        gatherer = store.gatherer(compiled.codings)
        items = list(store.items(gatherer))
        stretches = list(store.stretches(most))
    screening = Screening(compiled)
    wanted = [
        Line(stopped=(item,))
        if isinstance(item, Problem)
        else Line.of(screening.screen(item, as_of))
        for item in items
    ]
    for apart in (True, False):
        many = ColumnScreening(Screening(compiled, engine=screening.engine), as_of, apart=apart)
        found = [line for stretch in stretches for line in many.screen(stretch)]
        many.close()
        assert [whole(line) for line in found] == wanted
        for form in (Ndjson, Json, Csv):
            templates = form.templates()
            for line, each in zip(found, wanted, strict=True):
                if isinstance(line.row, ManyRow) and isinstance(each.row, Mapping):
                    assert templates.piece(line.row) == form.piece(each.row)
    return len(wanted)


def whole(line: Line) -> Line:
    """A line with its row as one."""
    return replace(line, row=line.row.row()) if isinstance(line.row, ManyRow) else line


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
