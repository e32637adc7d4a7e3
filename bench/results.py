"""What every bench tells of the machine, and where its last table is kept."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def machine(*packages: str) -> str:
    """The machine, and versions of packages."""
    load = os.getloadavg()[0]
    told = [
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}) at load {load:.1f}",
        f"Python {platform.python_version()}",
        *(f"{package} {version(package)}" for package in packages),
    ]
    return ", ".join(told)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table of Markdown: the first columns are words, the others numbers."""
    line = ["---"] * words + ["--:"] * (len(head) - words)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, line, *rows))


def save(name: str, text: str) -> None:
    """Put a section in place of the last one of its script in RESULTS.md."""
    begin, end = f"<!-- made by bench/{name}.py: begin -->\n", f"<!-- {name}: end -->\n"
    old = RESULTS.read_text(encoding="utf-8")
    section = f"{begin}{text.rstrip()}\n{end}"
    if begin in old:
        before, rest = old.split(begin)
        whole = before + section + rest.split(end, 1)[1]
    else:
        whole = f"{old.rstrip()}\n\n{section}"
    RESULTS.write_text(whole, encoding="utf-8")
