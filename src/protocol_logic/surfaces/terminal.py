"""Text on a terminal: what may be shown, how wide it is, and colour where it is wanted."""

from __future__ import annotations

import os
import shutil
import unicodedata
from functools import lru_cache
from typing import Any, TextIO

from protocol_logic.foundation.text import shown

_STYLES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}


def visible(text: str) -> str:
    """The text on one line, uncut, with everything that a person could not see escaped.

    As `shown`, for what must stay whole, such as paths; a backslash stays one, so that a path can
    be copied.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char == "\\" else shown(char) for char in text)


def all_visible(value: Any) -> Any:
    """Data as of JSON with all texts in it, also those of keys, made `visible`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(name): all_visible(each) for name, each in value.items()}
    return [all_visible(each) for each in value] if isinstance(value, list) else value


@lru_cache(maxsize=4096)
def char_width(char: str) -> int:
    """The columns that a character takes on a terminal."""
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def text_width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(char_width, text))


def pad(text: str, width: int) -> str:
    """The text filled up with blanks to a width."""
    return text + " " * (width - text_width(text))


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """The text, shortened at a word where one is near, so that it takes at most `width` columns."""
    if text_width(text) <= width:
        return text
    room = width - len(ellipsis)
    kept, used = 0, 0
    for char in text:
        used += char_width(char)
        if used > room:
            break
        kept += 1
    short = text[:kept]
    blank = short.rfind(" ")
    if blank > kept // 2:
        short = short[:blank]
    return short.rstrip(" ,;:") + ellipsis


def terminal_width(stream: TextIO | None = None) -> int:
    """The columns to draw for: those of the terminal, `COLUMNS` where it is set, else 80.

    The default for a file or a pipe does not depend on the terminal that the command runs in.
    """
    fallback = (80, 24)
    if stream is not None and stream.isatty():
        return max(40, shutil.get_terminal_size(fallback).columns)
    columns = os.environ.get("COLUMNS", "")
    return max(40, int(columns)) if columns.isdecimal() and columns.isascii() else fallback[0]


def colour_wanted(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: a terminal that can, and NO_COLOR not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Paint:
    """Colours text, or leaves it as it is; colour is never the only sign of anything."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, *styles: str) -> str:
        if not self.on or not styles or not text:
            return text
        codes = ";".join(_STYLES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `2 files`, `1,200 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
