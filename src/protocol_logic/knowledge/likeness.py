"""The words by which something recorded may be taken for an entry, or for a kind of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from protocol_logic.knowledge.vocabulary import Concept, Vocabulary

_FORMS = frozenset(
    "acetate capsule cartridge chloride citrate delayed extended finding hydrochloride infusion "
    "injectable injection intravenous maleate mesylate oral phosphate potassium powder prefilled "
    "procedure product release sodium solution structure sulfate suspension syringe tablet tablets "
    "tartrate".split()
)
"""Words of forms, salts and terminologies."""
_PLAIN = _FORMS | frozenset(
    "acute analogue antagonist chronic disease disorder history infection inhibitor malignant "
    "neoplasm primary receptor secondary selective syndrome therapy treatment unspecified".split()
)
"""Words that many names have, so that one of them makes no likeness."""
_LONG = 6
_SHORT = 4
_FEW = 2


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a class and its kinds are spoken of, and codes that may be taken for it (`unlike`).

    `words`: those of medications, any of which is enough. `names`, `strict`: sets of words, all of
    which must be said; `strict` leaves out less, for what the knowledge base has elsewhere.
    """

    words: frozenset[str]
    names: frozenset[frozenset[str]]
    strict: frozenset[frozenset[str]]
    unlike: frozenset[str]

    def resembles(self, name: str, code: str, known: bool) -> bool:
        """Whether something that is called so may be of the class."""
        if code in self.unlike:
            return True
        if not known and not self.words.isdisjoint(_parts(name, _LONG, _PLAIN)):
            return True
        said = frozenset(_parts(name, _SHORT, frozenset()))
        return any(each <= said for each in (self.strict if known else self.names))


def spoken(vocabulary: Vocabulary, name: str) -> Spoken:
    """How a concept and its kinds are spoken of; worked out once."""
    found = vocabulary.spoken.get(name)
    if not isinstance(found, Spoken):
        found = vocabulary.spoken[name] = _spoken(vocabulary, vocabulary.below(name))
    return found


def _spoken(vocabulary: Vocabulary, kinds: Collection[str]) -> Spoken:
    words: set[str] = set()
    names: set[frozenset[str]] = set()
    strict: set[frozenset[str]] = set()
    unlike: set[str] = set()
    for kind in kinds:
        entry = vocabulary.entries.get(kind)
        if not isinstance(entry, Concept):
            continue
        unlike.update(other.code.code for other in entry.unlike)
        own = [kind, entry.label]
        for text in (*own, *(code.display for code in entry.codes)):
            names.add(frozenset(_parts(text, _SHORT, _PLAIN)))
            strict.add(frozenset(_parts(text, _SHORT, _FORMS)))
            parts = _parts(text, _LONG, _PLAIN)
            if entry.kind == "medication" and (len(parts) <= _FEW or text in own):
                words.update(parts)
    empty = {frozenset[str]()}
    return Spoken(
        frozenset(words), frozenset(names - empty), frozenset(strict - empty), frozenset(unlike)
    )


def _parts(text: str, least: int, plain: frozenset[str]) -> list[str]:
    """The words of a name that say something, in small letters."""
    found = re.findall(r"[^\W\d_]+", text.casefold())
    return [word for word in found if len(word) >= least and word not in plain]
