"""The entries for which sources are read into a store: those of all protocols, each by a number.

Entries of one name that are read differently (a site's codes, a protocol's own) have several
numbers. They are read in layers, in each of which a name is one entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from protocol_logic.knowledge.resources import program_files
from protocol_logic.knowledge.vocabulary import (
    Age,
    Asked,
    Entry,
    Event,
    Qualifier,
    Timepoint,
    Vocabulary,
)
from protocol_logic.records.codings import ICD_10_CM, Codings, Key, Table

_UNREAD = (Age, Event, Asked, Timepoint)
"""Kinds of entries that no resource is read for: they are computed, or people say them, in answers
and in tables."""
_NOT_READ_BY = {"label", "element", "usual", "parents", "closed_by", "counted", "limits"}


def is_read(entry: Entry) -> bool:
    """Whether resources are read for an entry."""
    return not isinstance(entry, _UNREAD)


def digest_of_entry(entry: Entry) -> str:
    """Covers all by which a record is read for an entry, and how this program reads."""
    said = [(f.name, getattr(entry, f.name)) for f in fields(entry) if f.name not in _NOT_READ_BY]
    text = repr((type(entry).__name__, said, _reading()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def _reading() -> str:
    """Covers the modules that read records: what others read is not taken for what these would."""
    found = hashlib.sha256()
    for name, content in program_files():
        if name.startswith(_READERS) and not name.startswith(_KEEPERS):
            found.update(content)
    return found.hexdigest()


_READERS = ("src/records/", "src/foundation/calendar", "src/foundation/interval")
_KEEPING = (
    "gathering heads opening reading rows schema shards shelf span stretch stubs troubles writing"
)
_KEEPERS = tuple(f"src/records/store/{name}.py" for name in _KEEPING.split())
"""What is kept, and how, has a version of its own."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Entries of different names: their codings, by which a code of ICD-10-CM gives the entries of
    all categories that it lies in, and name -> number."""

    codings: Codings
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All entries that sources are read for: number -> entry, and its digest.

    `tables`: the names that rows of tables are read by, name -> number; the second holds the second
    way to read a name, and so on.
    """

    entries: tuple[Entry, ...]
    digests: tuple[str, ...]
    layers: tuple[Layer, ...]
    qualifiers: Mapping[str, int]
    """Name that a qualifier has while records are read -> its number."""
    tables: tuple[Mapping[str, int], ...]
    coded: dict[tuple[object, ...], Any] = field(default_factory=dict, compare=False, repr=False)
    """What resources with a code were found to be about (see `seeing`), to find it only once."""

    @classmethod
    def of(cls, vocabularies: Iterable[Vocabulary]) -> Knowledge:
        """The knowledge of vocabularies; of two ways to read a name each has a number."""
        numbers: dict[tuple[str, str], int] = {}
        entries: list[Entry] = []
        told: dict[int, tuple[Entry, str]] = {}  # protocols share most entries
        for vocabulary in vocabularies:
            for entry in vocabulary.entries.values():
                _, digest = told.get(id(entry)) or (entry, digest_of_entry(entry))
                told[id(entry)] = entry, digest
                key = (entry.name, digest)
                if key not in numbers:
                    numbers[key] = len(entries)
                    entries.append(entry)
        read = {key: number for key, number in numbers.items() if is_read(entries[number])}
        layers = _layered(read)
        qualifiers = dict(_qualifiers(entries))
        return cls(
            tuple(entries),
            tuple(digest for _, digest in numbers),
            tuple(_layer(each, entries, qualifiers.values()) for each in layers),
            {q.name: number for number, q in qualifiers.items()},
            tuple(_layered(numbers)),
        )


def _layered(numbers: Mapping[tuple[str, str], int]) -> list[dict[str, int]]:
    """The entries of different names together; those of a name that is there go a layer higher."""
    layers: list[dict[str, int]] = []
    for (name, _), number in numbers.items():
        layer = next((each for each in layers if name not in each), None)
        if layer is None:
            layers.append(layer := {})
        layer[name] = number
    return layers


def _qualifiers(entries: Iterable[Entry]) -> Iterator[tuple[int, Qualifier]]:
    """All qualifiers by number, each with a name of its own."""
    names: set[str] = set()
    for number, entry in enumerate(entries):
        if isinstance(entry, Qualifier):
            name = f"{entry.name}{VARIANT}{number}" if entry.name in names else entry.name
            names.add(entry.name)
            yield number, replace(entry, name=name)


VARIANT = "\x01"
"""Stands in the name of the second qualifier of a name, before its number."""


def _layer(numbers: dict[str, int], entries: list[Entry], qualifiers: Iterable[Qualifier]) -> Layer:
    codings = Codings.of(Vocabulary({name: entries[n] for name, n in numbers.items()}))
    by_element: dict[str, tuple[Qualifier, ...]] = {}
    for each in qualifiers:
        by_element[each.of] = (*by_element.get(each.of, ()), each)
    wide = replace(
        codings,
        observations=_Wide(codings.observations),
        conditions=_Wide(codings.conditions),
        procedures=_Wide(codings.procedures),
        medications=_Wide(codings.medications),
        allergies=_Wide(codings.allergies),
        lists=_Wide(codings.lists),
        consents=_Wide(codings.consents),
        qualifiers=by_element,
        qualifying=frozenset(),
        stating=None,
    )
    return Layer(wide, numbers)


class _Wide(dict[Key, Any]):
    """A table in which a code of ICD-10-CM has the entries of all categories that it lies in: which
    of them is the narrowest, the entries of a protocol say."""

    def __init__(self, table: Table[Any]) -> None:
        super().__init__(table)

    def get(self, key: Key, default: Any = None) -> Any:
        system, code = key
        if system != ICD_10_CM:
            return dict.get(self, key, default)
        found: dict[str, Any] = {}
        wider = (code[:end].removesuffix(".") for end in range(len(code) - 1, 2, -1))
        for category in (code, *wider):
            for entry in dict.get(self, (system, category), ()):
                found.setdefault(entry.name, entry)
        return tuple(found.values()) or default
