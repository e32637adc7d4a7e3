"""Whether the name of a code that no entry has says the same thing as another code beside it.

A concept that is coded twice is one thing, but one code may say more than the other: I10 and
"Chronic kidney disease due to hypertension". It is certain only where the name says all words of
one name of the entry that has the other code, and else no word by which the knowledge base calls
something that is no kind of that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from protocol_logic.knowledge.resources import (
    CODE,
    SYSTEM,
    knowledge_names,
    knowledge_path,
)
from protocol_logic.knowledge.vocabulary import Concept, Vocabulary

_Key = tuple[str, str]
_Words = frozenset[str]

_EMPTY = frozenset(
    "and because by capsule disease disorder due finding for from in injectable injection mg ml of "
    "on oral or other procedure product solution specified tablet the therapy to treatment "
    "unspecified with".split()
)
"""Words that name nothing."""
_PLAIN = _EMPTY | frozenset(
    "acute bilateral chronic essential infection left mild moderate primary right secondary "
    "severe stage syndrome type".split()
)
"""Words that many names have: beside a name they do not make it that of another thing."""
_TURNING = frozenset(
    "absence absent denied excluded family former free history no non not possible post pre prior "
    "probable remission resolved risk screening suspected without".split()
)
"""Words that may turn a name around: certainly the same is only what has them too."""
_ENDINGS = "osis otic oses ous ic ia ias es is ion ive y ed s e al".split()
_STEM = 5
_SHORT = 4


@dataclass(frozen=True, slots=True)
class _Entry:
    """How one entry is called, and of what it is a kind."""

    names: tuple[_Words, ...]
    parents: frozenset[str] = frozenset()


@dataclass(slots=True)
class SameThing:
    """The names of all entries of the knowledge base, and of those of a vocabulary."""

    vocabulary: Vocabulary
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _called: dict[str, set[str]] = field(default_factory=dict)
    """Word -> the entries in whose names it is."""
    _found: dict[tuple[str, frozenset[str]], bool] = field(default_factory=dict)

    def is_said(self, name: str, entries: Collection[str]) -> bool:
        """Whether a name is certainly of one of some entries, or of a kind of it."""
        key = (name, frozenset(entries))
        if key not in self._found:
            if len(self._found) > _MOST:
                self._found.clear()
            self._found[key] = self._says(_words(name), key[1])
        return self._found[key]

    def _says(self, said: _Words, entries: frozenset[str]) -> bool:
        if not self._entries:
            self._learn()
        its = [self._entries[name] for name in sorted(entries) if name in self._entries]
        if not any(name and name <= said for entry in its for name in entry.names):
            return False
        more = said.difference(*(name for entry in its for name in entry.names))
        near = {name for entry in entries for name in self._near(entry)}
        return not any(
            word in _TURNING or word.isdigit() or not self._called.get(word, set()) <= near
            for word in more
        )

    def _near(self, entry: str) -> set[str]:
        """An entry with all that it is a kind of and all that is a kind of it."""
        return {entry, *self._above(entry), *(e for e in self._entries if entry in self._above(e))}

    def _above(self, entry: str) -> set[str]:
        found: set[str] = set()
        left = [entry]
        while left:
            its = self._entries.get(left.pop())
            new = (its.parents if its is not None else frozenset[str]()) - found
            found |= new
            left += new
        return found

    def _learn(self) -> None:
        base = _base()
        self._entries.update(base.entries)
        for entry in self.vocabulary.of(Concept):
            if entry.name not in base.entries:
                apart = {code.key for code in entry.shared}
                shown = [code.display for code in entry.codes if code.key not in apart]
                texts = [entry.name.replace("_", " "), entry.label, *shown]
                self._entries[entry.name] = _Entry(_names(texts), frozenset(entry.parents))
        for name, each in self._entries.items():
            for word in frozenset[str]().union(*each.names):
                if len(word) >= _SHORT and word not in _PLAIN:
                    self._called.setdefault(word, set()).add(name)


_MOST = 100_000


def entries_by_code() -> Mapping[_Key, frozenset[str]]:
    """The conditions, procedures and medications of the knowledge base by their codes."""
    return _base().of_code


@dataclass(frozen=True, slots=True)
class _Base:
    entries: Mapping[str, _Entry]
    of_code: Mapping[_Key, frozenset[str]]


_ENTRY = re.compile(
    r"^(?:condition|procedure|medication|allergy)[ \t]+(\w+)[^\n]*\n((?:(?:[ \t][^\n]*)?\n)*)", re.M
)
_TWO = ("is", "shared", "history")
_SHOWN = re.compile(r'"([^"]*)"')


@cache
def _base() -> _Base:
    """What the texts of the knowledge base say of entries, whichever a protocol uses."""
    paths = filter(None, map(knowledge_path, knowledge_names()))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    systems = {name: url for text in texts for name, url in SYSTEM.findall(text)}
    entries: dict[str, _Entry] = {}
    of_code: dict[_Key, set[str]] = {}
    kinds: dict[str, set[str]] = {}
    for name, body in (found for text in texts for found in _ENTRY.findall(text)):
        called, parents, of = [name.replace("_", " ")], set[str](), ""
        for line in body.splitlines():
            if line.lstrip().startswith("#"):
                continue
            if re.match(r"  \w", line):
                first, _, rest = line.strip().partition(" ")
                of = f"{first} {rest.partition(' ')[0]}" if first in _TWO else first
            said = line.strip().removeprefix(of).strip()
            if of in ("label", "also"):
                called += said.split(",") if of == "also" else [said]
            elif of == "is a":
                parents.update(re.findall(r"\w+", said))
            elif of == "includes":
                for kind in re.findall(r"\w+", said):
                    kinds.setdefault(kind, set()).add(name)
            elif of in ("code", "shared code", "history code"):
                if of == "code":
                    called += _SHOWN.findall(said)
                for system, code in CODE.findall(re.sub(_SHOWN, "", said)):
                    if system in systems:
                        of_code.setdefault((systems[system], code), set()).add(name)
        entries[name] = _Entry(_names(called), frozenset(parents))
    for kind, above in kinds.items():
        if kind in entries:
            entries[kind] = _Entry(entries[kind].names, entries[kind].parents | above)
    return _Base(entries, {key: frozenset(names) for key, names in of_code.items()})


def _names(texts: Iterable[str]) -> tuple[_Words, ...]:
    found = dict.fromkeys(map(_words, texts))
    return tuple(words for words in found if words)


def _words(text: str) -> _Words:
    """The words of a name that say something, without their endings."""
    found = re.findall(r"[^\W\d_]+|\d+", text.casefold())
    return frozenset(_stem(word) for word in found if word not in _EMPTY)


def _stem(word: str) -> str:
    """A word without its ending: `tubercul` of `tuberculous` and `tuberculosis`."""
    if word not in _PLAIN and word not in _TURNING:
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= _STEM:
                return word.removesuffix(ending)
    return word
