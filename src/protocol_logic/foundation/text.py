"""Text of unknown origin, made safe to show: ids, displays and values of a record, file names."""

from __future__ import annotations

import re

_LIMIT = 80

# What is shown as it is; most texts are.
_PLAIN = re.compile(rf"[ -\[\]-~]{{0,{_LIMIT}}}")

# Invisible although Python's `isprintable` lets them pass: combining grapheme joiner, Hangul
# fillers, Khmer inherent vowels, Mongolian separators, Braille blank, variation selectors.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")

# What makes a spreadsheet take a text for a formula, also in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def shown(text: str) -> str:
    """The text on one line, at most 80 characters, as a person can see all of it.

    Line ends, control, bidirectional and invisible characters, lone surrogates and the backslash
    are escaped as in a Python literal (`\\n`, `\\u202e`); what is too long ends with `…`.
    """
    if _PLAIN.fullmatch(text):
        return text
    parts: list[str] = []
    length = 0
    for char in text:
        part = char if _visible(char) else char.encode("unicode_escape").decode("ascii")
        length += len(part)
        parts.append(part)
        if length > _LIMIT:
            break
    else:
        return "".join(parts)
    while length > _LIMIT - 1:
        length -= len(parts.pop())
    return "".join(parts) + "…"


def listed(text: str) -> tuple[str, ...]:
    """What a line lists with commas, such as other words for a thing."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def unseen(text: str) -> str | None:
    """The first character of a text that a person cannot see, escaped; None where there is none."""
    found = (char for char in text if char != "\\" and not _visible(char))
    return next((char.encode("unicode_escape").decode("ascii") for char in found), None)


def guarded(text: str) -> str:
    """The text with `'` before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """What `guarded` made the text from."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def _visible(char: str) -> bool:
    return (
        char.isprintable()
        and char != "\\"
        and char not in _INVISIBLE
        and not "\ufe00" <= char <= "\ufe0f"
        and not "\U000e0100" <= char <= "\U000e01ef"
    )
