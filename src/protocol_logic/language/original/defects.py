"""What a protocol's text has lost on its way, and letters that are not what they look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple


class Defect(NamedTuple):
    """A place of a text, from `start` to `end`: what is wrong, and the cure."""

    start: int
    end: int
    message: str
    hint: str


# ---- signs that were lost ------------------------------------------------------------------------

_EQUALS = re.compile(r"(?<![<>=!≤≥≦≧~≈\]\[])=\s*(?=\d)")
# Before the sign: another one, as in `< / = 94` and `greater than or = 4`, or a number that it
# explains, as in `1 ULN = 40`.
_SPELT = re.compile(r"(?:[<>/]\s*|\bor\s+|(?:^|[^\w.])\d[\d.,]*\s*[A-Za-zµμ%]*\s*)$")
_SPACES = re.compile(r"(?<=[A-Za-z)])  +(?=\d)")
_POWER = re.compile(
    r"(?<![\d.,^*\]])10\s?(?P<power>3|6|9|10|12)\s?/\s?(?P<unit>L|l|dL|mL|ml|uL|µL|μL|mm3?)\b"
)


def lost_signs(text: str) -> Iterator[Defect]:
    """Where a text seems to have lost a sign or an exponent, in order."""
    found = [*_lost_comparisons(text), *_lost_powers(text)]
    yield from sorted(found)


def _lost_comparisons(text: str) -> Iterator[Defect]:
    mend = "put the sign in visibly: `[>]=` or `[<]=`; where the text is right, `= [sic]`"
    for match in _EQUALS.finditer(text):
        if not _SPELT.search(text[: match.start()]):
            message = "`=` before a number: the text may have lost `<` or `>`"
            yield Defect(match.start(), match.start() + 1, message, mend)
    mend = "put the sign in visibly: `[>=]` or `[<=]`; where the text is right, leave one space"
    for match in _SPACES.finditer(text):
        message = "two spaces before a number: the text may have lost a sign"
        yield Defect(*match.span(), message, mend)


def _lost_powers(text: str) -> Iterator[Defect]:
    for match in _POWER.finditer(text):
        message = f"`{match[0]}` has lost its exponent"
        mend = f"put it in visibly: `10[^]{match['power']}/{match['unit']}`"
        yield Defect(*match.span(), message, mend)


# ---- letters of two scripts ----------------------------------------------------------------------

_WORD = re.compile(r"[^\W\d_]+")
# Letters of Greek that cannot be told from those of Latin; other Greek letters are at home in
# the names of medicine (`β-hCG`, `IFNγ`).
_GREEK = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρ")
_AT_HOME = ("LATIN ", "GREEK ", "CJK ", "HIRAGANA ", "KATAKANA ", "HANGUL ")
_CYRILLIC = frozenset("АВЕЅІЈКМНОРСТУХаеорсухіјѕԁԛԝһѵ")


def mixed_scripts(text: str) -> Iterator[Defect]:
    """The words of a text that mix Latin letters with letters that only look like them."""
    if text.isascii():
        return
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isascii():
            continue
        latin = any(char.isascii() for char in word)
        odd = [char for char in word if _is_odd(char)]
        if not odd or not (latin or _is_disguised(text, match)):
            continue
        name = f"U+{ord(odd[0]):04X} {unicodedata.name(odd[0], '')}".rstrip()
        message = f"`{word}` has a letter that is not what it looks like: {name}"
        yield Defect(*match.span(), message, "type the word again")


def _is_odd(char: str) -> bool:
    """Whether a letter is none of Latin script and none that is at home beside it."""
    if not char.isalpha() or char.isascii() or char in "ªºµ":  # `³` is no letter
        return False
    if char in _GREEK:
        return True
    return not unicodedata.name(char, "").startswith(_AT_HOME)


def _is_disguised(text: str, match: re.Match[str]) -> bool:
    """Whether a word in which all letters look Latin stands in a line of Latin letters."""
    if not _CYRILLIC.issuperset(match[0]):
        return False
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    line = text[start : len(text) if end < 0 else end]
    return sum(c.isascii() and c.isalpha() for c in line) > len(line) // 2
