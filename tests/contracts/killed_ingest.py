"""Ingests files in processes that are killed at random points, and says what the store has then.

    python -m tests.contracts.killed_ingest FOLDER SEED ROUNDS SOURCE...    of any kind

Each round kills an ingest into a new store at a random statement, lets others go on, one of them
killed too, and prints what is told of the last one and what the store then gives. Everything is
forked from one process, so that the program starts once.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.pipeline import Compiled, compile_source
from protocol_logic.surfaces import ingesting
from protocol_logic.surfaces.inputs import source_named


class _Killing:
    """A connection that kills its process at a statement."""

    def __init__(self, connection: Any, at: int) -> None:
        self._connection = connection
        self._left = at

    def __getattr__(self, name: str) -> Any:
        if name == "execute":
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return getattr(self._connection, name)


def in_a_process(job: Callable[[], object]) -> str | None:
    """What a job gives, as JSON, or None where its process was killed; nothing else may end it."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(here)
        with os.fdopen(there, "w") as stream:
            json.dump(job(), stream)
        os._exit(0)
    os.close(there)
    with os.fdopen(here) as stream:
        text = stream.read()
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return text if status == 0 else None


def ingest(store: Path, sources: list[str], at: int) -> int:
    from protocol_logic.records.store import writing

    replaced: dict[str, Any] = {"_COMMIT_SECONDS": 0.0}
    if at:
        connected = vars(writing)["connected"]
        replaced |= {
            "given_of": lambda path: [],
            "connected": lambda path, **more: _Killing(connected(path, **more), at),
        }
    vars(writing).update(replaced)
    options = ingesting.IngestOptions(
        sources=tuple(sources), store=str(store), protocols=(), policies=(), workers=1
    )
    return ingesting.ingest(options)


def content(store: Path, compiled: Compiled) -> list[object]:
    """All that a store gives for a protocol, and how many rows its tables have."""
    from protocol_logic.records.store.reading import Store, record_of

    with Store(store) as opened:
        found: list[object] = [opened.is_complete()]
        for item in opened.items(opened.gatherer(compiled.codings)):
            record = item if isinstance(item, Problem) else record_of(item, compiled.codings)
            found.append(repr(record))
        for table in ("patients", "resources", "facts", "problems", "told"):
            row = opened.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            found.append([table, row[0] if row is not None else None])
    return found


def main(folder: Path, seed: int, rounds: int, sources: list[str]) -> None:
    compiled = compile_source(source_named("anlotinib_fulvestrant"), Problems())
    assert compiled is not None
    knowledge = ingesting._knowledge([])
    vars(ingesting)["_knowledge"] = lambda _: knowledge
    rng = random.Random(seed)
    whole = folder / "whole.duckdb"
    in_a_process(partial(ingest, whole, sources, 0))
    sys.stdout.write(f"0 {in_a_process(partial(content, whole, compiled))}\n")
    for number in range(rounds):
        store = folder / f"{number}.duckdb"
        killed = [in_a_process(partial(ingest, store, sources, rng.randint(1, 90)))]
        killed.append(in_a_process(partial(ingest, store, sources, rng.randint(1, 40))))
        in_a_process(partial(ingest, store, sources, 0))
        found = in_a_process(partial(content, store, compiled))
        sys.stdout.write(f"{killed.count(None)} {found}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
