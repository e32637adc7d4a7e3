"""Results that resemble an entry: what a result calls itself, beside what the entry is called.

Names are compared as `fit` compares them (docs/fit.md), but each pair by itself, so that it does
not depend on what else a record holds. Nothing is ever read by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from protocol_logic.foundation.units import UnitError, unit
from protocol_logic.knowledge.name_parts import Name, name_of
from protocol_logic.knowledge.opposites import opposed
from protocol_logic.knowledge.vocabulary import Quantity, Status

Measurable: TypeAlias = Quantity | Status


_SEVERAL = re.compile(r"[^\W\d]\+[^\W\d]")
"""Two things in one: `Estrogen+Progesterone`."""

_DIGITS = re.compile(r"[0-9]+")


class Result(NamedTuple):
    """What a result says of itself: its name as recorded, the unit of its value as written, and
    whether its value is coded."""

    name: str
    unit: str = ""
    coded: bool = False


@dataclass(frozen=True, slots=True)
class _Spoken:
    """How an entry is spoken of, and what its values are like.

    `others`: the other words for it, with the digits in them.
    """

    entry: Measurable
    said: str
    names: tuple[Name, ...]
    others: tuple[tuple[Name, frozenset[str]], ...]
    specimens: frozenset[str]
    dimensions: frozenset[str]

    @classmethod
    def of(cls, entry: Measurable) -> _Spoken:
        label, _, inner = entry.label.partition("(")
        texts = [label, inner.rstrip(" )"), entry.name.replace("_", " ")]
        texts += [code.display for code in entry.codes]
        names = [name_of(text, observed=True) for text in dict.fromkeys(texts) if text.strip()]
        accepts = [*getattr(entry, "accepts", ()), entry.unit or ""]
        return cls(
            entry,
            f"{entry.name} {label}",
            tuple(name for name in names if name.words),
            tuple((name_of(text, observed=True), _digits(text)) for text in entry.also),
            frozenset(kind for name in names for kind in name.specimens),
            frozenset(filter(None, map(_dimension, accepts))),
        )

    def resembles(self, result: Result, name: Name) -> bool:
        """Whether a result may be one of the entry, by all that it says of itself."""
        if name.doubts or _SEVERAL.search(result.name):
            return False
        if opposed(self.said, [result.name]) is not None:
            return False
        if name.specimens and self.specimens and self.specimens.isdisjoint(name.specimens):
            return False
        if isinstance(self.entry, Quantity):
            if result.coded and not self.entry.coded:
                return False
            dimension = _dimension(result.unit)
            if dimension is not None and dimension not in self.dimensions:
                return False
        if any(_agrees(own, name) for own in self.names):
            return True
        if isinstance(self.entry, Status) and result.unit:
            return False
        return any(_says(own, digits, name, result.name) for own, digits in self.others)


def _agrees(own: Name, other: Name) -> bool:
    """Whether all words of a name of an entry are said, and not many more."""
    mine, its = own.words.keys() | own.places, other.words.keys() | other.places
    if not mine <= its or not other.places <= mine:
        return False
    if other.ratio != own.ratio or other.per_surface != own.per_surface:
        return False
    return len(its) <= 2 * len(mine)


def _says(own: Name, digits: frozenset[str], other: Name, text: str) -> bool:
    """Whether a name is one of the other words for an entry: what several words say may be said
    closer by one more, but a single word, as it is short or wide, stands alone."""
    if not own.words or not _agrees(own, other):
        return False
    more = len(other.words) - len(own.words)
    return more == 0 and digits == _digits(text) if len(own.words) == 1 else more <= 1


def _digits(text: str) -> frozenset[str]:
    return frozenset(_DIGITS.findall(text))


def _dimension(code: str) -> str | None:
    """The dimension of a unit, amounts of substance in place of masses; None where it has none."""
    try:
        return unit(code).dimension.replace("mol", "g") if code else None
    except UnitError:
        return None


class Alike:
    """Some entries, and which of them a result resembles."""

    def __init__(self, entries: Iterable[Measurable]) -> None:
        self._entries = tuple(entries)
        self._words: dict[str, list[_Spoken]] | None = None
        self._known: dict[Result, tuple[str, ...]] = {}

    @property
    def _by_word(self) -> dict[str, list[_Spoken]]:
        """Word -> what it may speak of; made when there is a first result to look at."""
        if self._words is None:
            self._words = {}
            for spoken in map(_Spoken.of, self._entries):
                names = (*spoken.names, *(name for name, _ in spoken.others))
                for word in {word for name in names for word in name.words}:
                    self._words.setdefault(word, []).append(spoken)
        return self._words

    def of(self, result: Result) -> tuple[str, ...]:
        """The names of the entries that a result resembles."""
        found = self._known.get(result)
        if found is None:
            name = name_of(result.name, observed=True)
            by_word = self._by_word
            near = {
                spoken.entry.name: spoken for word in name.words for spoken in by_word.get(word, ())
            }
            alike = (n for n, spoken in near.items() if spoken.resembles(result, name))
            found = self._known[result] = tuple(sorted(alike))
        return found
