"""Processor time of each phase for a cohort: `python bench/bench_reasoning.py [patients]`.

10,000 patients by default, made as facts: no file is read. The target of reasoning alone, with
nothing solved before, is under 0.05 ms a patient.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from time import process_time

from patients import AS_OF, Drawing

from protocol_logic.findings.read import read_batch
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import compile_source
from protocol_logic.reasoning.engine import Engine

PROTOCOL = "anlotinib_fulvestrant"


def main(size: int) -> None:
    path = protocol_path(PROTOCOL)
    assert path is not None
    start = process_time()
    compiled = compile_source(Source(PROTOCOL, Path(path).read_text(encoding="utf-8")), Problems())
    assert compiled is not None
    compile_s = process_time() - start
    records = list(Drawing(compiled).records(size))
    # All patients are held in memory here, which a screening never does: the collector would walk
    # through all of them again and again.
    gc.collect()
    gc.disable()
    start = process_time()
    table = read_batch(compiled.protocol, compiled.plan, [(r, AS_OF) for r in records])
    findings_s = process_time() - start
    engine = Engine(compiled.protocol, compiled.plan, compiled.program)
    start = process_time()
    decisions = engine.decide_all(table)
    cold_s = process_time() - start
    solved = engine.solved
    start = process_time()
    engine.decide_all(table)
    warm_s = process_time() - start
    counts = dict.fromkeys(("eligible", "ineligible", "undetermined"), 0)
    for decision in decisions:
        counts[decision.eligibility] += 1
    print(f"{size} patients: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    print(f"{'phase':32}{'CPU s':>9}{'ms a patient':>15}")
    print(f"{'check and compile':32}{compile_s:9.3f}{'':>15}")
    for name, seconds in (
        ("findings", findings_s),
        ("reasoning, nothing solved before", cold_s),
        ("reasoning, all solved before", warm_s),
    ):
        print(f"{name:32}{seconds:9.3f}{1000 * seconds / size:15.4f}")
    print(f"distinct rows solved: {solved} of {size * len(compiled.protocol.criteria)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
