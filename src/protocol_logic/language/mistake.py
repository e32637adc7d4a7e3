"""A mistake of a table: the pattern that tells it, where it may stand, and its cure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from protocol_logic.foundation.text import shown


class Found(Enum):
    """What stands where reading stopped."""

    WORD = "a word or a sign"
    LINE_END = "the end of a line"
    BLOCK_END = "the end of a block"
    INDENT = "the first word of a line that is indented deeper"


class Place(NamedTuple):
    """Where reading stopped: column `at` of `line`; any of the terminals `expected` could go on."""

    line: str
    at: int
    found: Found
    expected: frozenset[str]
    above: str
    """The line above, empty where there is none."""


class Explanation(NamedTuple):
    """What is wrong, the cure, and the columns it is about: of the line, or of the one above."""

    message: str
    hint: str | None
    start: int
    end: int
    above: bool = False


class Mistake(NamedTuple):
    """A pattern and its cure.

    `hint` may name the pattern's groups in braces, and so may `message` (None: the usual one);
    what the group `n` has in words stands there in digits.
    `needs`: one of these terminals must be expected; `unless`: none of these.
    """

    pattern: re.Pattern[str]
    hint: str | Callable[[re.Match[str]], str]
    message: str | None = None
    needs: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()


def row(
    pattern: str,
    hint: str | Callable[[re.Match[str]], str],
    message: str | None = None,
    needs: str = "",
    unless: str = "",
) -> Mistake:
    needed, refused = frozenset(needs.split()), frozenset(unless.split())
    return Mistake(re.compile(pattern), hint, message, needed, refused)


_WORDS = "one two three four five six seven eight nine ten eleven twelve".split()
DIGITS = {word: str(number) for number, word in enumerate(_WORDS, 1)} | {
    "a": "1", "an": "1", "eighteen": "18", "twenty": "20", "twenty-four": "24", "thirty": "30",
}  # fmt: skip
"""Numbers as people write them in words."""
IN_WORDS = "|".join(sorted((w for w in DIGITS if len(w) > 2), key=len, reverse=True))
# A number in a pattern, one that may be in words, and the terminals where a condition may end.
NUMBER = r"(?<![\w.])(?P<n>\d+(?:\.\d+)?)"
COUNT = rf"(?<![\w.])(?P<n>\d+(?:\.\d+)?|{IN_WORDS})"
MORE = "AND OR"
# The patterns are for lines that a person writes; some take a long time on very long ones.
LONGEST = 500


def found_in(table: Iterable[Mistake], place: Place, start: int) -> Explanation | None:
    """The first mistake of a table whose pattern covers a place, or the word that starts there."""
    ended = place.found is Found.LINE_END
    for mistake in table:
        if (
            mistake.needs and not mistake.needs & place.expected
        ) or mistake.unless & place.expected:
            continue
        for match in mistake.pattern.finditer(place.line):
            if match.start() <= start < match.end() or match.start() <= place.at < match.end():
                groups = {k: shown(v or "") for k, v in match.groupdict().items()}
                if "n" in groups:
                    groups["n"] = DIGITS.get(groups["n"], groups["n"])
                hint = (
                    mistake.hint(match)
                    if callable(mistake.hint)
                    else mistake.hint.format_map(groups)
                )
                message = "the line ends too early"
                if mistake.message is not None:
                    message = mistake.message.format_map(groups)
                elif not ended:
                    message = f"`{shown(match[0].strip())}` cannot be read"
                return Explanation(message, hint, match.start(), match.end())
    return None
