"""What a resource is called by each of its codings and by its text, and which of these may be more
than the knowledge base knows of it.

The codings of a concept are one thing, told in several code systems; their order means nothing.
A code of a system that is judged, which no entry has, keeps lists open beside others as it does
alone, unless its name says what one of these is (`knowledge/same_thing.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from protocol_logic.knowledge.same_thing import entries_by_code
from protocol_logic.knowledge.vocabulary import Concept
from protocol_logic.records.codings import (
    ICD_10_CM,
    Codings,
    Key,
    Table,
    entries_of,
    is_known,
    keys_of,
)
from protocol_logic.records.facts import Unlisted
from protocol_logic.records.item import display, objects_in, text_in


class Called(NamedTuple):
    """A name of a resource with a code of it, and whether what it says is known."""

    code: str
    name: str
    known: bool


def unlisted(coded: object, kind: str, codings: Codings, is_its: bool) -> Iterator[Unlisted]:
    """What a CodeableConcept states by each of its names, without resource and day; `is_its`:
    whether it is of a resource of that kind of concept, else it is only taken for one."""
    named = entries_of(coded, codings.named[kind]) if is_its else ()
    entries = tuple([entry.name for entry in named])
    for code, name, known in names_of(coded, kind, codings):
        yield Unlisted(kind, "", code, name, "", is_its and known, entries)


def names_of(coded: object, kind: str, codings: Codings) -> tuple[Called, ...]:
    """How a CodeableConcept of a kind of resource is called, in no order that it has."""
    keys = keys_of(coded)
    table = codings.named[kind]
    known = [key for key in keys if entries_of(_one(key), table) or is_known(key)]
    told = objects_in(coded, "coding") if isinstance(coded, dict) else []
    text = (text_in(coded, "text") or "") if isinstance(coded, dict) else ""
    if text.casefold() in {(text_in(c, key) or "").casefold() for c in told for key in _SAID}:
        text = ""
    if len(told) < 2 and not (told and text):
        return (Called(keys[0][1] if keys else "", display(coded), bool(known)),)
    entries = _entries(known, table) if len(known) < len(keys) else frozenset[str]()
    found: dict[tuple[str, str], bool] = {}
    for coding in told:
        name = text_in(coding, "display") or text
        key = next(iter(keys_of({"coding": [coding]})), None)
        code = key[1] if key is not None else text_in(coding, "code") or ""
        is_its = bool(known)
        if known and key is not None and key not in known and key[0] in codings.systems:
            is_its = codings.same.is_said(name, entries)
        found[code, name or code] = is_its
    if text and any("display" in coding for coding in told):
        found[min(known or keys or [("", "")])[1], text] = bool(known)
    return _each_once(found)


_SAID = ("display", "code")


def _one(key: Key) -> object:
    return {"coding": [{"system": key[0], "code": key[1]}]}


def _entries(keys: Sequence[Key], table: Table[Concept]) -> frozenset[str]:
    """The entries that have some codes, those of the knowledge base whether used or not."""
    base = entries_by_code()
    found = {entry.name for key in keys for entry in entries_of(_one(key), table)}
    for system, code in keys:
        of = [code, *(code[:n].removesuffix(".") for n in range(len(code) - 1, 2, -1))]
        wider = (base.get((system, each)) for each in (of if system == ICD_10_CM else [code]))
        found.update(next(filter(None, wider), ()))
    return frozenset(found)


def _each_once(found: dict[tuple[str, str], bool]) -> tuple[Called, ...]:
    """Each name once, with the first of its codes; of those that are not known, if there are."""
    names: dict[str, Called] = {}
    for (code, name), known in sorted(found.items(), key=lambda each: (each[1], each[0])):
        names.setdefault(name.casefold(), Called(code, name, known))
    return tuple(sorted(names.values()))
