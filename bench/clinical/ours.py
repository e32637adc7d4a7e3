"""One protocol over a folder of bundles, in one process, timed by phase: a JSON object on stdout.

`python ours.py PROTOCOL FOLDER AS_OF`. The phases: prepare (imports, check, compile), json (bytes
to parsed bundles), facts (bundles to records), findings, solve, decode (decisions to JSON lines).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import perf_counter, process_time

_PHASES = ("prepare", "json", "facts", "findings", "solve", "decode")
_BATCH = 100


class Clock:
    """Seconds of wall and processor by phase."""

    def __init__(self) -> None:
        self.wall = dict.fromkeys(_PHASES, 0.0)
        self.cpu = dict.fromkeys(_PHASES, 0.0)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        wall, cpu = perf_counter(), process_time()
        try:
            yield
        finally:
            self.wall[phase] += perf_counter() - wall
            self.cpu[phase] += process_time() - cpu


def main(protocol: str, folder: Path, day: date) -> None:
    clock = Clock()
    with clock("prepare"):
        from protocol_logic.answering.rows import AsOf, row_of
        from protocol_logic.findings.read import read_batch
        from protocol_logic.foundation.problems import Problems
        from protocol_logic.foundation.source import Source
        from protocol_logic.knowledge.resources import protocol_path
        from protocol_logic.pipeline import Screening, compile_source, read_records
        from protocol_logic.records.facts import PatientRecord
        from protocol_logic.records.sources import iter_documents

        problems = Problems()
        path = protocol_path(protocol) or Path(protocol)
        source = Source(path.name, path.read_text(encoding="utf-8"))
        compiled = compile_source(source, problems)
        assert compiled is not None, problems.sorted()
        screening = Screening(compiled)
    plan, checked = compiled.plan, compiled.protocol
    as_of = AsOf(day, "option")
    names = [criterion.id for criterion in checked.criteria]
    verdicts = {}
    documents = iter_documents([folder], problems)
    while True:
        # As a screening does: a parsed bundle is let go as soon as its record is read.
        records: list[PatientRecord] = []
        for _ in range(_BATCH):
            with clock("json"):
                document = next(documents, None)
            if document is None:
                break
            with clock("facts"):
                records += read_records(compiled, [document], problems)
        if not records:
            break
        with clock("findings"):
            table = read_batch(checked, plan, [(record, day) for record in records])
        with clock("solve"):
            decisions = screening.engine.decide_all(table)
        with clock("decode"):
            rows = [
                row_of(checked, plan, compiled.digest, record, as_of, found, decision)
                for record, found, decision in zip(records, table.patients, decisions, strict=True)
            ]
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        assert len(lines) == len(rows)
        for row in rows:
            outcomes = {c["id"]: c["outcome"] for c in row["criteria"]}
            verdicts[row["patient"]] = [*(outcomes[name] for name in names), row["eligibility"]]
    assert not problems.items, problems.sorted()
    phases = {name: {"wall": clock.wall[name], "cpu": clock.cpu[name]} for name in _PHASES}
    print(json.dumps({"patients": len(verdicts), "phases": phases, "verdicts": verdicts}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))
