"""How a table of rows is laid out: its signs, its header, and what fits beside what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from protocol_logic.surfaces.terminal import pad, text_width

Words: TypeAlias = list[tuple[str, str]]
"""Words with the style that each is painted in; an empty style is none."""

GROUP = 5
ID_MOST = 36  # a UUID; longer ids get a line of their own
_BESIDE_LEAST = 44
_NARROW = 12
_DATE, _ELIGIBILITY = 12, 16


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of verdicts and eligibility, and the mark of what is cut."""

    passes: str
    fails: str
    open: str
    vacuous: str
    ellipsis: str

    def of(self, criterion: Mapping[str, Any]) -> tuple[str, str]:
        """The sign of a row's criterion and the name of its style."""
        if not criterion["applies"]:
            return self.vacuous, "vacuous"
        verdict = criterion["verdict"]
        return {"pass": self.passes, "fail": self.fails, "open": self.open}[verdict], verdict

    def eligibility(self, word: str) -> str:
        """The word with its sign."""
        sign = {"eligible": self.passes, "ineligible": self.fails, "undetermined": self.open}
        return f"{sign[word]} {word}"

    def key(self) -> str:
        """What the signs mean."""
        return (
            f"{self.passes} passes  {self.fails} does not pass  {self.open} open  "
            f"{self.vacuous} does not apply"
        )


def signs_for(encoding: str | None) -> Signs:
    """Signs that an encoding has."""
    try:
        "✓✗–…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Signs("+", "x", "?", "-", "...")
    return Signs("✓", "✗", "?", "–", "…")


@dataclass(slots=True)
class Layout:
    """Widths of one table.

    `patient`: of the column of ids. `header`: the lines above the signs. `columns`: the width of
    each criterion (none where signs stand in groups of five). `centred`: a sign stands under the
    middle of its header, not under its end. `beside`: columns for details, 0 where they stand under
    the row.
    """

    patient: int
    dated: bool
    header: list[str]
    columns: list[int]
    centred: bool = False
    beside: int = 0

    @property
    def grouped(self) -> bool:
        """Whether signs stand in groups of five."""
        return not self.columns

    def lead(self) -> int:
        """The columns before the signs."""
        return self.patient + 2 + (_DATE if self.dated else 0) + _ELIGIBILITY

    def start(self, patient: str, as_of: str, word: str, painted: str | None = None) -> str:
        """What stands before the signs; `word` is the eligibility, `painted` the same in colour."""
        dated = pad(as_of, _DATE) if self.dated else ""
        filled = (painted or word) + " " * (_ELIGIBILITY - text_width(word))
        return pad(patient, self.patient + 2) + dated + filled

    def groups(self, width: int) -> int:
        """How many groups of five signs stand in one line."""
        return max(1, (width - self.lead() + 1) // (GROUP + 1))

    def signs(self) -> int:
        """The columns of the signs."""
        return sum(self.columns) if self.columns else max(map(len, self.header))


def choose_layout(widest: int, criteria: Sequence[str], width: int, *, dated: bool) -> Layout:
    """The richest layout that fits: ids or numbers above the signs, details beside them or under.

    `widest`: the columns of the widest patient id that has a place of its own. `criteria` are ids;
    `dated`: the patients have different as-of dates.
    """
    widest = max(7, widest)
    named, named_columns = _named_header(criteria)
    numbered, number_columns = _numbered_header(len(criteria))
    grouped = [_grouped_header(len(criteria))]
    for dates in (True, False) if dated else (False,):
        for header, columns in ((named, named_columns), (numbered, number_columns)):
            layout = Layout(widest, dates, header, columns, centred=header is named)
            rest = width - layout.lead() - layout.signs() - 2
            if rest >= _BESIDE_LEAST:
                layout.beside = rest
                return layout
        for patient, header, columns in (
            (widest, numbered, number_columns),
            # Each sign has its number, and a long id a line of its own.
            (min(widest, _NARROW), numbered, number_columns),
            (widest, grouped, []),
        ):
            layout = Layout(patient, dates, header, columns)
            if layout.lead() + layout.signs() <= width:
                return layout
    # Too many criteria for one line, or long ids: groups are broken over several lines.
    layout = Layout(min(widest, _NARROW), False, [""], [])
    first = min(len(criteria), GROUP * layout.groups(width))
    layout.header = [_grouped_header(first)]
    return layout


def _numbered_header(number: int) -> tuple[list[str], list[int]]:
    """Numbers above signs, and the columns of each."""
    columns = [2 if n == 1 else len(str(n)) + (1 if n > 9 else 2) for n in range(1, number + 1)]
    return ["".join(str(n).rjust(w) for n, w in enumerate(columns, 1))], columns


def _grouped_header(number: int) -> str:
    """The number of the first criterion of each group of five."""
    starts = range(1, number + 1, GROUP)
    signs = number + len(starts) - 1
    return pad(" ".join(pad(str(n), GROUP) for n in starts).rstrip(), signs)


def _named_header(names: Sequence[str]) -> tuple[list[str], list[int]]:
    """Ids above signs, broken at `_` into lines, and the columns of each."""
    stacks = [_broken(name) for name in names]
    height = max(map(len, stacks), default=1)
    columns = [max(map(len, stack)) + 2 for stack in stacks]
    lines = []
    for level in range(height):
        cells = [[""] * (height - len(stack)) + stack for stack in stacks]
        lines.append("".join(c[level].center(w) for c, w in zip(cells, columns, strict=True)))
    return lines, columns


def _broken(name: str) -> list[str]:
    """An id as two lines of like length, or one where it has no `_`."""
    cuts = [i + 1 for i, char in enumerate(name) if char == "_" and 0 < i < len(name) - 1]
    if not cuts:
        return [name]
    best = min(cuts, key=lambda i: max(i, len(name) - i))
    return [name[:best], name[best:]]


def wrap(words: Words, width: int) -> list[Words]:
    """Words to lines; a word longer than a line stands alone."""
    lines: list[Words] = []
    used = 0
    for word in words:
        size = text_width(word[0])
        if lines and used + 1 + size <= width:
            lines[-1].append(word)
            used += 1 + size
        else:
            lines.append([word])
            used = size
    return lines
