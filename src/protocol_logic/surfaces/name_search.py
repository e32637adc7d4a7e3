"""Which names of the knowledge base fit the words that an author looks for.

Names, labels and the other words of an entry (`also`) are looked into first: for words and their
beginnings, then for what stands inside of a word. What only a code says comes last, since a code
may speak of more than the name (a code of lupus of the kidney).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from protocol_logic.compiling.catalogue import Known
from protocol_logic.foundation.problems import slips

_SMALL = frozenset("a an and any by for from has in is no not of on or other the to with".split())
_ENDINGS = (("ies", "y"), ("ses", "sis"), ("s", ""))
_SHORT = 3
"""Words of so many letters are abbreviations: `age` does not look for `agent`, nor `mci` for
`gemcitabine`."""


_ICD_10_CM = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")


_SLIP = 0.87
"""How alike a single word must be: `hypertention`, and not `hypercalcemia` for hyperglycemia."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The names that fit, best first.

    `by_code`: those that only a code of theirs fits, with that code. `partly`: whether the names
    are those that stand in what was looked for, since none fits all of it. `meant`: the words that
    were taken for slips of the pen, put right.
    """

    found: tuple[Known, ...] = ()
    by_code: tuple[tuple[Known, tuple[str, str, str]], ...] = ()
    partly: bool = False
    meant: str = ""


def search(words: Iterable[str], known: Sequence[Known]) -> Hits:
    """The names that fit all of some words, else those that stand in them."""
    parts = _plain(" ".join(words)).split()
    parts = [part for part in parts if part not in _SMALL] or parts
    either = [_either(part) for part in parts]
    found = _at(r"\b{}\b", either, known)
    if not found and (mended := _mended(parts, known)) != parts:
        hits = search(mended, known)
        if hits.found and not hits.partly:
            return replace(hits, meant=" ".join(mended))
    if not found or min(map(len, parts)) > _SHORT:
        found = _at(r"\b{}", either, known)
    coded = ((e, c) for e in known if e not in found and (c := _code(e, either)))
    # What says nothing else comes first: the drug before the products in which it is.
    by_code = tuple(sorted(coded, key=lambda hit: len(hit[1][2])))
    if not found and not by_code and min(map(len, parts)) > _SHORT:
        found = _at("{}", either, known)
    if found or by_code:
        return Hits(tuple(sorted(found, key=lambda each: _rank(each, parts))), by_code)
    category = _category("".join(words).strip().upper(), known)
    if category:
        return Hits(by_code=category)
    standing = [each for each in known if _stands_in(each, set(parts))]
    return Hits(tuple(standing), partly=True)


def _category(code: str, known: Sequence[Known]) -> tuple[tuple[Known, tuple[str, str, str]], ...]:
    """The names that have the narrowest category of ICD-10-CM in which a code lies, with it."""
    while _ICD_10_CM.fullmatch(code):
        code = code[:-1].removesuffix(".")
        found = tuple((e, c) for e in known for c in e.codes if c[:2] == ("icd10cm", code))
        if found:
            return found
    return ()


def _mended(parts: Sequence[str], known: Sequence[Known]) -> list[str]:
    """The words, each that nothing has or begins with as one of which it is a slip; of several
    ways the one that is a name as a whole."""
    terms = {term for each in known for term in _terms(each)}
    words = {word for term in terms for word in term.split()}
    ways = product(
        *(
            [part]
            if any(word.startswith(part) for word in words) or _singular(part) in words
            else slips(part, words, _SLIP) or [part]
            for part in parts
        )
    )
    options = [list(way) for way in ways]
    return next((way for way in options if " ".join(way) in terms), options[0])


def _at(way: str, parts: Sequence[str], known: Sequence[Known]) -> list[Known]:
    """The names among whose words are all parts, each in one way."""
    ways = [re.compile(way.format(part)) for part in parts]
    return [each for each in known if all(w.search(" | ".join(_terms(each))) for w in ways)]


def _terms(known: Known) -> tuple[str, ...]:
    """What a name is called, without its codes, in plain letters."""
    return tuple(_plain(text) for text in (known.name, *known.also, known.label))


def _code(known: Known, parts: Sequence[str]) -> tuple[str, str, str] | None:
    """The code of a name in which all parts stand as words or beginnings of words."""
    for code in known.codes:
        text = _plain(f"{code[1]} {code[2]}")
        if all(re.search(rf"\b{part}", text) for part in parts):
            return code
    return None


def _stands_in(known: Known, parts: set[str]) -> bool:
    """Whether what a name is called stands in what was looked for: `active infection`."""
    said = parts | {_singular(part) for part in parts}
    return any(set(term.split()) <= said for term in _terms(known))


def _rank(known: Known, parts: Sequence[str]) -> tuple[int, ...]:
    """What is called just so comes first, then whole words, then names before other words."""
    terms = _terms(known)
    size = len(terms[0].split())
    if {" ".join(parts), " ".join(map(_singular, parts))} & set(terms):
        return (0, 0, size)
    for number, way in enumerate((r"\b{}\b", r"\b{}"), 1):
        for place, text in enumerate((terms[0], " | ".join(terms))):
            if all(re.search(way.format(_either(part)), text) for part in parts):
                return (number, place, size)
    return (3, 0, size)


def _plain(text: str) -> str:
    """Small letters, one blank between words, and the spelling of the knowledge base."""
    text = re.sub(r"[_\W]+", " ", re.sub("['’]s", "", text.casefold()))
    return re.sub(r"\btumour", "tumor", re.sub(r"(ae|oe)(?=[a-z])", "e", text)).strip()


def _either(word: str) -> str:
    """A pattern of a word and of its singular."""
    return f"(?:{re.escape(word)}|{re.escape(_singular(word))})"


def _singular(word: str) -> str:
    for ending, other in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + _SHORT - 1:
            return word.removesuffix(ending) + other
    return word
