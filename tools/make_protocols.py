"""Write what is made of the protocols of the knowledge base: programs, and tables in READMEs.

    python tools/make_protocols.py            write them
    python tools/make_protocols.py --check    exit 1 where one is stale (the tests ask this too)

`program.lp` of each protocol is what it compiles to. The README beside it has a table of what its
sentences rest on, and kb/protocols/README.md has one row for each protocol.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from protocol_logic.compiling.basis import Basis
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_ids, protocol_path
from protocol_logic.language import tree
from protocol_logic.language.parse import parse
from protocol_logic.pipeline import Compiled, compile_source

HOME = Path(__file__).parents[1] / "kb" / "protocols"
BEGIN = "<!-- made by tools/make_protocols.py: begin -->"
END = "<!-- made by tools/make_protocols.py: end -->"
KINDS = ("computed", "attested", "judged", "opaque")


@cache
def compiled(name: str) -> tuple[Compiled, int]:
    """A protocol of the knowledge base, and how many notes it has."""
    path = protocol_path(name)
    assert path is not None, name
    source = Source(path.name, path.read_text(encoding="utf-8"))
    problems = Problems()
    found = compile_source(source, problems)
    assert found is not None, [f"{p.code}: {p.message}" for p in problems.sorted()]
    notes = sum(isinstance(s, tree.Note) for s in parse(source, Problems()))
    return found, notes


def counts(name: str) -> Counter[str]:
    """How many criteria of a protocol rest on what, and its notes."""
    found, notes = compiled(name)
    count = Counter[str](basis.kind for basis in found.plan.basis.values())
    count["notes"] = notes
    return count


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(head: list[str], rows: list[list[str]], numbers: set[int]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---:" if i in numbers else "---" for i in range(len(head))])
    yield from map(_row, rows)


def summary_table() -> str:
    """One row for each protocol, and the sums."""
    head = ["protocol", "registry", "criteria", *KINDS, "notes"]
    rows = []
    total: Counter[str] = Counter()
    for name in protocol_ids():
        count = counts(name)
        total += count
        rows.append([f"[{name}]({name}/README.md)", compiled(name)[0].protocol.registry])
        rows[-1] += _numbers(count)
    rows.append(["all", "", *_numbers(total)])
    return "\n".join(_table(head, rows, set(range(2, len(head)))))


def _numbers(count: Counter[str]) -> list[str]:
    criteria = sum(count[kind] for kind in KINDS)
    return [str(criteria), *(str(count[kind]) for kind in KINDS), str(count["notes"])]


def protocol_table(name: str) -> str:
    """What the sentences of a protocol rest on, and why some are not computed."""
    found, _ = compiled(name)
    head = ["criteria", *KINDS, "notes"]
    lines = [*_table(head, [_numbers(counts(name))], set(range(len(head)))), ""]
    rows = [
        [f"`{criterion}`", *reason]
        for criterion, basis in found.plan.basis.items()
        if basis.kind != "computed"
        for reason in _reasons(basis)
    ]
    lines += _table(["not computed", "but", "asked of a person", "why"], rows, set())
    return "\n".join(lines)


def _reasons(basis: Basis) -> Iterator[list[str]]:
    """What a criterion asks, and why."""
    for question in basis.asked:
        yield [question.how, _plain(question.text), _plain(question.because)]
    if not basis.asked:
        yield ["attested", "informed consent", "a record can hold it too, as a Consent"]


def _plain(text: str) -> str:
    """Text that cannot end a cell, nor be read as anything but text."""
    return re.sub(r"([\\|<>`*_\[\]])", r"\\\1", text)


def paths() -> list[Path]:
    """The files that are made."""
    of_protocols = (HOME / n / file for n in protocol_ids() for file in ("program.lp", "README.md"))
    return [HOME / "README.md", *of_protocols]


def made(path: Path) -> str:
    """What a made file should hold."""
    if path.parent == HOME:
        return _with(path, summary_table())
    name = path.parent.name
    if path.suffix == ".lp":
        return compiled(name)[0].program.text()
    return _with(path, protocol_table(name))


def _with(path: Path, table: str) -> str:
    """The text of a page with a new table between the marks."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path}: has no `{BEGIN}` and `{END}`")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def main() -> int:
    """Write the pages, or with `--check` say which are stale."""
    stale = [
        path
        for path in paths()
        if not path.exists() or path.read_text(encoding="utf-8") != made(path)
    ]
    for path in stale:
        if "--check" in sys.argv[1:]:
            print(f"stale: {path.relative_to(HOME)}")
        else:
            path.write_text(made(path), encoding="utf-8")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
