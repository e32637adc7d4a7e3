"""One protocol over a store: one JSON object on stdout. `python stored.py PROTOCOL STORE AS_OF`.

`decide`: the processor time of the second of two runs, when the rows that patients have in common
are solved, as `load` is of the first; neither with the writing of rows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from time import process_time

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Screening, compile_source
from protocol_logic.pipeline.columns import ColumnScreening
from protocol_logic.records.store.reading import Store

WORDS = {"met": True, "not_met": False, "unknown": None}
ELIGIBLE = {"eligible": True, "ineligible": False, "undetermined": None}


def main(protocol: str, store: Path, day: date) -> None:
    path = protocol_path(protocol) or Path(protocol)
    source = Source(path.name, path.read_text(encoding="utf-8"))
    compiled = compile_source(source, Problems())
    assert compiled is not None
    names = [criterion.id for criterion in compiled.protocol.criteria]
    screening = ColumnScreening(Screening(compiled), day)
    with Store(store) as its:
        stretches = list(its.stretches(10_000))
    spent = []
    for _ in range(2):
        start = process_time()
        lines = [line for stretch in stretches for line in screening.screen(stretch)]
        spent.append(process_time() - start)
    verdicts = {}
    for line in lines:
        assert line.row is not None and line.patient is not None
        row = line.row if isinstance(line.row, Mapping) else line.row.row()
        outcomes = {each["id"]: WORDS[each["outcome"]] for each in row["criteria"]}
        said = [*(outcomes[name] for name in names), ELIGIBLE[row["eligibility"]]]
        verdicts[line.patient] = said
    first, second = spent
    print(
        json.dumps({"patients": len(lines), "load": first, "decide": second, "verdicts": verdicts})
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))
