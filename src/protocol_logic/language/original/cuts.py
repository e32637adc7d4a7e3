"""Where a line of a protocol's text is cut: at list marks, at headings and at ends of sentences.

Registries copy texts with their line ends lost, so a line may hold a whole list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

SIGNS = "*•·●○▪■◦‣⁃∙–—-"
"""Characters that stand before an item of a list."""

_ROMAN = r"(?:x{0,2}(?:ix|iv|v?i{1,3}|v)|x{1,2})"
# `3.`, `3)`, `(3)`, `3\.`, `a.`, `(iv)`, and `4. .` of a slip.
_NUMBER = rf"\(?(?P<number>\d{{1,2}}|[A-Za-z]|{_ROMAN})\\?[.)]\)?"
MARK = re.compile(
    rf"(?P<sign>[{re.escape(SIGNS)}](?=\s|[^\s\d{re.escape(SIGNS)}])|#{{1,6}}(?=\s))\s*"
    rf"|{_NUMBER}(?=\s|[A-Z][a-z])(?:\s+\.(?=\s))?\s*"
)
"""What stands before an item at the start of a line."""

_INLINE_NUMBER = re.compile(rf"(?:(?<=\s)|(?<=^)){_NUMBER}(?=\s)\s*")
_INLINE_SIGN = re.compile(
    rf"(?<!\S)[{re.escape(SIGNS)}]\s+(?=[A-Z(<>≥≤])(?!(?:I|II|III|IV|V|VI)\b)"
)
# A line holds a list where a mark follows an introduction, the end of a sentence, or its start.
_HOLDS_LIST = re.compile(
    rf"(?:^|[:.;]\s+|\bcriteria\s+)[{re.escape(SIGNS)}]\s+[A-Z]", re.IGNORECASE
)

_CRITERIA = r"(?:(?:non-?\s?)?inclusion|exclusion)\s+criteri(?:a|on)"
_LEADING = (
    r"(?:(?:key|main|major|general|study|subjects?|patients?|participants?|additional|specific|"
    r"part|phase|cohort|core|other|common|trial|protocol|eligibility|and|&|\d+|[IVX]+)\s+){0,3}"
)
POLARITY = re.compile(
    rf"\W*{_LEADING}(?P<word>{_CRITERIA}|(?:non-?\s?)?inclusion|exclusion)\s*:?\W*", re.IGNORECASE
)
"""A heading that says nothing but which criteria follow."""

_POLARITY_OF = re.compile(
    rf"\W*{_LEADING}(?P<word>{_CRITERIA}|(?:non-?\s?)?inclusion|exclusion)\b"
    r"(?P<rest>[^.;:]{0,60}):?\W*",
    re.IGNORECASE,
)
_PLACE = re.compile(r"\s*[(–-]|\s+(?:for|of|in|at|phase|part|cohort|arm|group|step|stage)\b", re.I)
_INLINE_POLARITY = re.compile(
    rf"\b(?:{_LEADING})(?:Inclusion|Exclusion|INCLUSION|EXCLUSION)\s+(?:Criteria|CRITERIA)\b"
    r"(?:\s*:)?",
)
_CAPITALS = re.compile(r"(?<![\w-])[A-Z][A-Z0-9/&,'()-]*(?:\s+[A-Z0-9/&,'()-]+)+\s*:(?=\s)")

_ABBREVIATIONS = frozenset(
    "e.g i.e eg ie vs dr mr mrs ms no nos approx ca cf fig st inc incl excl resp max min pts "
    "prof vol ref sec et al etc".split()
)
_SENTENCE_END = re.compile(r"(?<=[.;?!])[)\]\"'”’]*\s+(?=\S)")


class Part(NamedTuple):
    """A part of a text: its words, and the mark before them, if one stands there."""

    start: int
    end: int
    mark: tuple[int, int] | None = None


def polarity_of(text: str) -> str | None:
    """Which criteria a heading announces: `inclusion`, `exclusion`; None: it is no such heading."""
    if len(text) > 100:
        return None
    match = _POLARITY_OF.fullmatch(text)
    if match is None:
        return None
    named = "criteri" in match["word"].lower()
    ends = text.rstrip("* ").endswith(":")
    if not ends and not (named and (not match["rest"].strip() or _PLACE.match(match["rest"]))):
        return None
    word = match["word"].lower()
    return "inclusion" if word.startswith("inclusion") else "exclusion"


def begins_exclusion(text: str) -> bool:
    """Whether a sentence of running text begins the criteria that keep somebody out."""
    return re.match(r"exclusion\s+criteria\b", text, re.IGNORECASE) is not None


def items(text: str, start: int, end: int, number: str | None) -> Iterator[Part]:
    """The items that a line holds: itself, or those of a list whose line ends were lost.

    `number`: the one that the line starts with, if it does.
    """
    line = text[start:end]
    if polarity_of(line) is not None:
        yield Part(start, end)
        return
    cuts: dict[int, int] = {}  # where an item starts, mark included -> where its words do
    for match in _INLINE_POLARITY.finditer(line):
        before = line[: match.start()].rstrip()
        colon = match[0].endswith(":")
        if not before or before[-1] in ".;:" or colon or _opens_list(line, match.end()):
            cuts[match.start()] = match.start()
            cuts[match.end()] = match.end()
    for match in _CAPITALS.finditer(line):
        if not any(match.start() < cut < match.end() for cut in cuts):
            cuts.setdefault(match.start(), match.start())
            cuts[match.end()] = match.end()
    if _HOLDS_LIST.search(line):
        for match in _INLINE_SIGN.finditer(line):
            _cut_at_introduction(line, match.start(), cuts)
            cuts[match.start()] = match.end()
    for match in _run(line, number):
        cuts[match.start()] = match.end()
    yield from _parts(text, start, end, cuts)


def sentences(text: str, start: int, end: int) -> Iterator[Part]:
    """The sentences of an item; an inner list such as `a. ...; b. ...` is cut at its marks."""
    line = text[start:end]
    cuts = {
        match.end(): match.end() for match in _SENTENCE_END.finditer(line) if _ends(line, match)
    }
    letters = [m for m in _INLINE_NUMBER.finditer(line) if m["number"].isalpha()]
    for match in _longest_run(letters, 2):
        cuts[match.start()] = match.end()
    yield from _parts(text, start, end, cuts)


def _opens_list(line: str, at: int) -> bool:
    """Whether a list begins at a place of a line."""
    return re.match(rf"\s*(?:[{re.escape(SIGNS)}]|1[.)])\s", line[at:]) is not None


def _cut_at_introduction(line: str, at: int, cuts: dict[int, int]) -> None:
    """Cut what introduces the list that begins at a place off from the sentence before it."""
    before = line[:at].rstrip()
    if not before.endswith(":"):
        return
    first = max((cut for cut in cuts.values() if cut < at), default=0)
    ends = [m for m in _SENTENCE_END.finditer(line, first, len(before)) if _ends(line, m)]
    if ends:
        cuts.setdefault(ends[-1].end(), ends[-1].end())


def _run(line: str, number: str | None) -> Iterator[re.Match[str]]:
    """The marks of a numbered list in a line, which count on from its own number or start at 1."""
    wanted = int(number) + 1 if number is not None and number.isdigit() else 1
    digits = [m for m in _INLINE_NUMBER.finditer(line) if m["number"].isdigit()]
    found: list[re.Match[str]] = []
    for match in digits:
        if int(match["number"]) == wanted:
            found.append(match)
            wanted += 1
    if len(found) > 1 or (found and number is not None):
        yield from found


def _longest_run(marks: list[re.Match[str]], least: int) -> list[re.Match[str]]:
    """Marks a, b, c, ... in order; none where there are fewer than `least`."""
    found: list[re.Match[str]] = []
    for match in marks:
        if match["number"].lower() == chr(ord("a") + len(found)):
            found.append(match)
    return found if len(found) >= least else []


def _ends(line: str, match: re.Match[str]) -> bool:
    """Whether a stop with space after it is the end of a sentence, not of an abbreviation."""
    if re.fullmatch(r"(?:and|or|and/or)\W*", line[match.end() :], re.IGNORECASE):
        return False
    if line[match.start() - 1] != ".":
        return True
    following = line[match.end()]
    word = re.split(r"\s", line[: match.start() - 1])[-1].lstrip("([\"'").lower()
    if word in _ABBREVIATIONS or re.fullmatch(r"[a-z]|\(?\d{1,2}", word):
        return word == "etc" and following.isupper()
    return not following.islower()


def _parts(text: str, start: int, end: int, cuts: dict[int, int]) -> Iterator[Part]:
    """The parts between cuts, without the space around them; a mark alone goes to no words."""
    cuts.setdefault(0, 0)
    begins = sorted(cuts)
    for begin, after in zip(begins, [*begins[1:], end - start], strict=True):
        words = max(cuts[begin], begin)
        mark = (start + begin, start + words) if words > begin else None
        first, last = start + words, start + after
        while first < last and text[first].isspace():
            first += 1
        while last > first and text[last - 1].isspace():
            last -= 1
        if mark is not None:
            mark = (mark[0], mark[0] + len(text[mark[0] : mark[1]].rstrip()))
        if first < last or mark is not None:
            yield Part(first, last, mark)
