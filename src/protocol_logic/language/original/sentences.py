"""A protocol's text to its items, in order: headings, introductions, criteria and their parts.

Nothing is understood and nothing is lost: every character that is no space stands in the words or
in the mark of just one item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from protocol_logic.foundation.source import Span
from protocol_logic.language.original import cuts

Kind = Literal["polarity", "heading", "item"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an item; `mark`: the letter or number of an inner list before it."""

    span: Span
    mark: Span | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a protocol's text, or what was one.

    `kind`: `polarity` says nothing but which criteria follow; `heading` says of what the items
    after it speak. `level`: how deep it is nested, from 0. `mark`: its bullet or number.
    """

    kind: Kind
    polarity: str
    """`inclusion` or `exclusion`"""
    level: int
    span: Span
    mark: Span | None
    sentences: tuple[Sentence, ...]


class _Line(NamedTuple):
    """A line, or several that were one: where it starts and ends, its indentation and its mark."""

    indent: int
    style: str
    """What kind of mark it has; empty for none."""
    start: int
    end: int
    mark: tuple[int, int] | None
    number: str | None


def items_of(text: str, start: int = 0) -> list[Item]:
    """The items of a text from an offset on."""
    found: list[Item] = []
    above: list[_Line] = []  # the lines that the one at hand is nested in
    polarity = "inclusion"
    known = _OF_PDQ if _PDQ.search(text, start) else frozenset()
    for line in _lines(text, start):
        above = _place(text, above, line)
        level = len(above) - 1
        for number, part in enumerate(cuts.items(text, line.start, line.end, line.number)):
            words = text[part.start : part.end]
            announced = cuts.polarity_of(words)
            mark = part.mark
            if number == 0 and line.mark is not None:
                mark = (line.mark[0], (mark or line.mark)[1])
            kind: Kind = "heading" if _introduces(words) or words in known else "item"
            if announced is not None:
                polarity, above, level = announced, [], 0
                kind = "polarity" if cuts.POLARITY.fullmatch(words) else "heading"
            parts = [*cuts.sentences(text, part.start, part.end)]
            for each in parts:
                if kind == "item" and cuts.begins_exclusion(text[each.start : each.end]):
                    polarity = "exclusion"
            found.append(
                Item(
                    kind=kind,
                    polarity=polarity,
                    level=level,
                    span=Span(part.start, part.end),
                    mark=Span(*mark) if mark else None,
                    sentences=tuple(
                        Sentence(Span(p.start, p.end), Span(*p.mark) if p.mark else None)
                        for p in parts
                    ),
                )
            )
    return found


_PDQ = re.compile(r"^\s*(?:PATIENT CHARACTERISTICS|PRIOR CONCURRENT THERAPY):", re.MULTILINE)
_OF_PDQ = frozenset(
    {
        *("Age", "Sex", "Menopausal status", "Performance status", "Life expectancy"),
        *("Hematopoietic", "Hepatic", "Renal", "Cardiovascular", "Pulmonary", "Immunologic"),
        *("Biologic therapy", "Chemotherapy", "Endocrine therapy", "Radiotherapy", "Surgery"),
        "Other",
    }
)
"""The headings below these two in records that the National Cancer Institute's PDQ wrote, which
have no colon. Source: such records of ClinicalTrials.gov, as NCT00086957."""


def _introduces(words: str) -> bool:
    return words.rstrip("* ").endswith(":") or not words


# ---- lines ---------------------------------------------------------------------------------------

_TEXT_LINE = re.compile(r"[^\n]*\S[^\n]*")
_WIDE = 60
_WIDEST = 90


def _lines(text: str, start: int) -> Iterator[_Line]:
    """The lines that say something, those that were wrapped put together."""
    wrapped = _is_wrapped(text[start:])
    held: _Line | None = None
    for match in _TEXT_LINE.finditer(text, start):
        line = _line_at(text, match.start(), match.end())
        if held is not None and _goes_on(text, held, line, wrapped):
            held = held._replace(end=line.end)
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


def _line_at(text: str, start: int, end: int) -> _Line:
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    line_start = text.rfind("\n", 0, start) + 1
    indent = len(text[line_start:start].expandtabs(8))
    mark = cuts.MARK.match(text, start, end)
    if mark is None or not _is_mark(text, mark, end):
        return _Line(indent, "", start, end, None, None)
    number = mark["number"]
    style = mark["sign"] or re.sub(r"\w+", "1" if number.isdigit() else "a", mark[0].strip())
    last = start + len(mark[0].rstrip())
    return _Line(indent, style, min(mark.end(), end), end, (start, last), number)


def _is_mark(text: str, mark: re.Match[str], end: int) -> bool:
    """Whether what looks like a letter of a list is one, and no initial: `E. coli`, `I.V.`."""
    number = mark["number"]
    if number is None or number.isdigit():
        return True
    following = text[mark.end() : mark.end() + 1]
    if mark[0].lstrip("(")[len(number)] == ")":
        return True
    return number.islower() or (following.isupper() and mark.end() < end)


def _is_wrapped(text: str) -> bool:
    """Whether lines are cut at a width, as in a mail."""
    lengths = [len(line) for line in text.splitlines() if line.strip()]
    wide = sum(length >= _WIDE for length in lengths)
    return wide >= 3 and max(lengths) <= _WIDEST and wide * 3 >= len(lengths)


def _goes_on(text: str, above: _Line, line: _Line, wrapped: bool) -> bool:
    """Whether a line goes on with the sentence of the line above."""
    if line.mark is not None or "\n\n" in _between(text, above.end, line.start):
        return False
    if text[above.end - 1] in ".;:":
        return False
    first = text[line.start]
    if wrapped and line.indent >= above.indent and above.end - above.start >= _WIDE // 2:
        return True
    return first.islower() or first in ",;)]"


def _between(text: str, start: int, end: int) -> str:
    return re.sub(r"[ \t\r]", "", text[start:end])


def _place(text: str, above: list[_Line], line: _Line) -> list[_Line]:
    """The lines that a line is nested in, and itself at the end."""
    while above and above[-1].indent > line.indent:
        above = above[:-1]
    if not above or above[-1].indent < line.indent:
        return [*above, line]
    for depth in range(len(above) - 1, -1, -1):
        if above[depth].indent < line.indent:
            break
        if above[depth].style == line.style:
            return [*above[:depth], line]
    # Another mark at the same depth: a list under an introduction, else beside it.
    introduced = _introduces(text[above[-1].start : above[-1].end])
    return [*above, line] if introduced and line.style else [*above[:-1], line]
