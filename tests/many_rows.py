"""The rows of a store against those of its patients alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from protocol_logic.answering.columns.rows import ManyRow
from protocol_logic.foundation.problems import Problem
from protocol_logic.pipeline import Compiled, Screening
from protocol_logic.pipeline.columns import ColumnScreening, Line
from protocol_logic.records.store.reading import Store
from protocol_logic.surfaces.row_formats import Csv, Json, Ndjson

AS_OF = date(2026, 1, 15)


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
