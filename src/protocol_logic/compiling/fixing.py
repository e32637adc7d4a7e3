"""A file with the mistakes mended whose cure is certain, one pass after the other.

One mistake can hide the next, so a mended file is checked again until nothing is left to mend. A
cure that would lose a statement is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.language.cures import applied, cures
from protocol_logic.language.parse import pieces


@dataclass(frozen=True, slots=True)
class Fixed:
    """The mended source, and how many cures were applied."""

    source: Source
    cures: int


def fix(source: Source, check: Callable[[Source, Problems], None]) -> Fixed:
    """Mend a file; `check` tells its problems."""
    number, seen = 0, {source.text}
    while True:
        problems = Problems()
        check(source, problems)
        edits = list(cures(source, problems.items))
        mended = applied(source, edits)
        if not _keeps_statements(source, mended):
            # One of them does harm: the first that does none goes alone.
            edits = [e for e in edits if _keeps_statements(source, applied(source, [e]))][:1]
            mended = applied(source, edits)
        if mended.text in seen:
            return Fixed(source, number)
        seen.add(mended.text)
        number += len(edits)
        source = mended


def _keeps_statements(before: Source, after: Source) -> bool:
    """Whether every statement, read or not, is still there."""
    return not Counter(_heads(before.text)) - Counter(_heads(after.text))


def _heads(text: str) -> list[str]:
    """How each statement begins, in words."""
    return [" ".join(re.findall(r"\w+", piece[0].text)[:2]) for piece in pieces(text)]
