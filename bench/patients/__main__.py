"""Writes made-up patients: `python -m bench.patients PROTOCOL --count 1000 -o FILE`.

As FHIR, a Bundle a line, or into a store where FILE ends in `.duckdb`.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, compile_source

from .drawing import Drawing
from .shares import Shares


def source_of(name: str) -> Source:
    """The text of a protocol of the knowledge base, or of a file."""
    return Source(name, (protocol_path(name) or Path(name)).read_text(encoding="utf-8"))


def compiled_of(name: str) -> Compiled:
    """The same, compiled."""
    problems = Problems()
    compiled = compile_source(source_of(name), problems)
    if compiled is None:
        raise SystemExit("\n".join(problem.message for problem in problems.items))
    return compiled


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.patients", description=__doc__)
    parser.add_argument("protocol", help="a name or a file")
    parser.add_argument("--count", type=int, default=1000, help="how many patients")
    parser.add_argument("--first", type=int, default=0, help="the number of the first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", help="NDJSON, also .gz, or a store (.duckdb)")
    usual = Shares()
    for each in fields(Shares):
        kind = int if each.name == "noise" else float
        default = getattr(usual, each.name)
        parser.add_argument(f"--{each.name}", type=kind, default=default, help=f"{default}")
    asked = parser.parse_args()
    shares = Shares(**{each.name: getattr(asked, each.name) for each in fields(Shares)})
    compiled = compiled_of(asked.protocol)
    drawing = Drawing(compiled, shares, asked.seed)
    if asked.output is not None and asked.output.endswith(".duckdb"):
        from .as_store import write_store

        made = drawing.made(asked.count, asked.first)
        write_store(Path(asked.output), compiled, source_of(asked.protocol), made)
        return
    lines = drawing.bundles(asked.count, asked.first)
    if asked.output is None:
        sys.stdout.buffer.writelines(lines)
        return
    with _opened(Path(asked.output)) as out:
        out.writelines(lines)


def _opened(path: Path) -> BinaryIO:
    if path.suffix == ".gz":  # with no time in it: the same patients are the same bytes
        return gzip.GzipFile(path, "wb", mtime=0)  # type: ignore[return-value]
    return path.open("wb")


if __name__ == "__main__":
    main()
