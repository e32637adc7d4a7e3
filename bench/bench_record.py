"""What an audit record costs beside deciding: `python bench/bench_record.py [patients]`.

1,000 patients by default, made as facts, judged by the seed protocol, whose rows are all solved
before. Processor time.
"""

from __future__ import annotations

import gc
import io
import json
import sys
from collections.abc import Callable, Iterable
from time import process_time
from typing import Any

from patients import AS_OF, Drawing

from protocol_logic.answering.audit.chain import Head, appended, canonical, follow, start
from protocol_logic.answering.audit.digests import Masks
from protocol_logic.answering.audit.faults import faults
from protocol_logic.answering.audit.lines import decision_body, run_body
from protocol_logic.answering.justification import node_link
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Screening, compile_source

PROTOCOL = "anlotinib_fulvestrant"


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    begin = process_time()
    result = do()
    return process_time() - begin, result


def main(size: int) -> None:
    path = protocol_path(PROTOCOL)
    assert path is not None
    c = compile_source(Source(PROTOCOL, path.read_text(encoding="utf-8")), Problems())
    assert c is not None
    records = list(Drawing(c).records(size))
    plain, explained = Screening(c), Screening(c, graphs=True)
    for screening in (plain, explained):
        for record in records:
            screening.screen(record, AS_OF)
    masks = Masks()
    shared = run_body(c.protocol, c.policies, c.dates, None, masks)

    def rows(screening: Screening) -> Callable[[], list[Any]]:
        return lambda: [screening.screen(record, AS_OF) for record in records]

    alone, _ = timed(rows(plain))
    with_graphs, done = timed(rows(explained))

    def make() -> list[bytes]:
        return [
            canonical(decision_body(d.row, d.read, node_link(d.graph), b"", masks, "f"))
            for d in done
        ]

    making, pieces = timed(make)

    def append() -> list[bytes]:
        head, lines = Head(), []
        bodies: Iterable[dict[str, Any]] = ({"kind": "decision", **shared, **json.loads(piece)}
                                            for piece in pieces)  # fmt: skip
        for body in (start(None), *bodies):
            line, head = appended(head, body)
            lines.append(line)
        return lines

    appending, lines = timed(append)
    verifying, (_, whole) = timed(lambda: follow(io.BytesIO(b"".join(lines)), Head()))
    assert whole
    broken = [*lines[:1], *lines[2:]]
    finding, found = timed(lambda: faults(broken))
    assert len(found) == 1
    phases = [
        ("deciding and rows, all solved before", alone),
        ("the same with justifications", with_graphs),
        ("digests of facts and justifications, and lines", making),
        ("the chain", appending),
        ("verifying", verifying),
        ("verifying in full, where a line is missing", finding),
    ]
    print(f"{size} patients, {sum(map(len, lines)) // len(lines):,} bytes a line")
    print(f"{'phase':50}{'ms a patient':>13}{'ratio':>8}")
    for name, seconds in phases:
        print(f"{name:50}{1000 * seconds / size:13.4f}{seconds / alone:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
