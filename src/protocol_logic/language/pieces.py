"""Text to the lines of its statements, before anything is parsed.

A statement starts at the beginning of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from protocol_logic.language import words

MARK = re.compile("\ufeff(?!\ufeff)")
_LINE = re.compile(r"^([ \t]*)((?![ \t\r]*$)[^# \t\n][^\n]*)", re.MULTILINE)
HEAD = re.compile(
    rf"(?:{'|'.join(words.TITLED)})[ \t]+\S|(?:{'|'.join(words.STATEMENTS)})\b"
    r"(?![ \t]*[<>=≤≥]|[ \t]+(?:is|in|recorded|confirmed|on|of)\b)"
)
# A head that cannot be a line of a block, so that it is one also where it is indented.
_HEAD_ALONE = re.compile(
    r"(?!knowledge[ \t]+[0-9A-Fa-f]{12}$)"  # the pin of a protocol
    r"(?:protocol|knowledge|policies|include|exclude|note|define|score)[ \t]+[\w.]+"
    r"(?:[ \t]+element[ \t]+\w+)?"
)
# Characters that a reader cannot see, that reorder what is read, or that end a line for some.
UNSEEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e01ef"
)
INVISIBLE = re.compile(f"[{UNSEEN}]+|\r(?!\n|\\Z)")


class Line(NamedTuple):
    """A line that says something; `text` starts at `start`, after the indentation."""

    start: int
    indent: str
    text: str


def pieces(text: str) -> Iterator[list[Line]]:
    """The lines of each statement; blank lines and comments are nobody's."""
    text = without_mark(text)
    lines = [Line(m.start(2), m[1], m[2].rstrip(" \t\r")) for m in _LINE.finditer(text)]
    piece: list[Line] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else None
        if piece and _starts(line, following, piece):
            yield piece
            piece = []
        piece.append(line)
    if piece:
        yield piece


def starts_statement(line: str) -> bool:
    """Whether a line without indentation is the head of a statement."""
    return HEAD.match(line) is not None


def without_mark(text: str) -> str:
    """The text with an empty line in the place of a byte order mark, so that offsets stay."""
    return MARK.sub("\n", text, count=1) if MARK.match(text) else text


def _starts(line: Line, following: Line | None, piece: list[Line]) -> bool:
    """Whether a line starts a statement of its own, perhaps with a mistake, after `piece`."""
    if line.indent:
        return _HEAD_ALONE.fullmatch(line.text) is not None
    if HEAD.match(line.text):
        return True
    opens = following is not None and following.indent and words.first(line.text) not in words.INNER
    return bool(opens) or not _lacks_lines(piece)


def _lacks_lines(piece: list[Line]) -> bool:
    """Whether lines that follow it unindented are likely to be its own."""
    if not HEAD.match(piece[0].text):
        return True
    inside = any(line.indent and not line.text.startswith(">") for line in piece)
    return not inside and words.first(piece[0].text) not in words.ONE_LINE
