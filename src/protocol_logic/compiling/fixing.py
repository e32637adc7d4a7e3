"""A file with the mistakes mended whose cure is certain, one pass after the other.

One mistake can hide the next, so a mended file is checked again until nothing is left to mend. A
cure that would lose a statement, or give it lines that are not its own, is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.language.cures import applied, cures
from protocol_logic.language.parse import read_piece
from protocol_logic.language.pieces import Line, pieces


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
        if not edits:
            return Fixed(source, number)
        statements = _Statements.of(source)
        mended = applied(source, edits)
        if not statements.stand_in(mended.text):
            # One of them does harm: the first that does none goes alone.
            edits = [e for e in edits if statements.stand_in(applied(source, [e]).text)][:1]
            mended = applied(source, edits)
        if mended.text in seen:
            return Fixed(source, number)
        seen.add(mended.text)
        number += len(edits)
        source = mended


@dataclass(frozen=True, slots=True)
class _Statements:
    """How the statements of a text begin, and how many lines those have that can be read."""

    heads: Counter[str]
    read: Counter[tuple[str, int]]

    @classmethod
    def of(cls, source: Source) -> _Statements:
        found = list(pieces(source.text))
        read = [p for p in found if not isinstance(read_piece(source, p), Problem)]
        return cls(Counter(map(_head, found)), Counter(map(_size, read)))

    def stand_in(self, text: str) -> bool:
        """Whether they all stand in another text, those that can be read with no other lines."""
        found = list(pieces(text))
        return self.heads <= Counter(map(_head, found)) and self.read <= Counter(map(_size, found))


def _head(piece: Sequence[Line]) -> str:
    """The first two words of a statement."""
    return " ".join(re.findall(r"\w+", piece[0].text)[:2])


def _size(piece: Sequence[Line]) -> tuple[str, int]:
    return _head(piece), len(piece)
