"""One protocol over a folder of bundles, in one process, timed by phase: a JSON object on stdout.

`python ours.py PROTOCOL FOLDER AS_OF`. One patient after the other, as the command does it. The
phases: prepare (imports, check, compile), then json (bytes to a parsed bundle), facts (bundle to
record), findings, solve, decode (decision to a line of JSON); `cpu` is that of all after prepare,
`load` that of json and facts.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from time import perf_counter, process_time


def main(protocol: str, folder: Path, day: date) -> None:
    start = perf_counter()
    from protocol_logic.answering.rows import AsOf, problems_of, row_of
    from protocol_logic.foundation.problems import Problems
    from protocol_logic.foundation.source import Source
    from protocol_logic.knowledge.resources import protocol_path
    from protocol_logic.pipeline import Screening, compile_source, findings_of, read_records
    from protocol_logic.records.sources import iter_documents

    problems = Problems()
    path = protocol_path(protocol) or Path(protocol)
    compiled = compile_source(Source(path.name, path.read_text(encoding="utf-8")), problems)
    assert compiled is not None, problems.sorted()
    engine = Screening(compiled).engine
    c, as_of = compiled, AsOf(day, "option")
    names = [criterion.id for criterion in c.protocol.criteria]
    phases = dict.fromkeys(("prepare", "json", "facts", "findings", "solve", "decode"), 0.0)
    phases["prepare"] = perf_counter() - start
    verdicts = {}
    cpu, load = process_time(), 0.0
    documents = iter_documents([folder], problems)
    while True:
        times, begin = [perf_counter()], process_time()
        document = next(documents, None)
        if document is None:
            break
        times.append(perf_counter())
        [record] = read_records(compiled, [document], problems)
        load += process_time() - begin
        times.append(perf_counter())
        found = findings_of(compiled, record, day)
        times.append(perf_counter())
        decision = engine.decide(found)
        times.append(perf_counter())
        told = tuple(problems_of(record, found))
        row = row_of(c.protocol, c.plan, c.digest, None, {}, record, as_of, found, decision, told)
        line = json.dumps(row, ensure_ascii=False)
        times.append(perf_counter())
        assert line
        for phase, before, after in zip(list(phases)[1:], times, times[1:], strict=False):
            phases[phase] += after - before
        outcomes = {each["id"]: each["outcome"] for each in row["criteria"]}
        verdicts[row["patient"]] = [*(outcomes[name] for name in names), row["eligibility"]]
    assert not problems.items, problems.sorted()
    cpu = process_time() - cpu
    said = {"patients": len(verdicts), "phases": phases, "cpu": cpu, "load": load}
    print(json.dumps(said | {"verdicts": verdicts}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))
