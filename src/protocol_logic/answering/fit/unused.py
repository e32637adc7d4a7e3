"""Entries that read what stands in records and that the protocol does not use: beside a wanted
result that no record says, and in other files of the knowledge base.

Which of two entries a protocol means is for a person to say (an eGFR by one formula or another).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from protocol_logic.answering.fit.codes import Codes, Seen
from protocol_logic.answering.fit.likeness import suggestions
from protocol_logic.answering.fit.wanted import Wanted
from protocol_logic.compiling.formulas import Derived
from protocol_logic.knowledge.resources import knowledge_names, knowledge_path
from protocol_logic.records.codings import Key

_RESULTS = ("quantity", "status")
_ENTRY = re.compile(r"(?P<kind>[a-z]+) (?P<name>[a-z][a-z0-9_]*)(?: (?P<more>.*))?")
_CODE = re.compile(r"\s+(?:code )?(?P<system>[a-z0-9]+) (?P<code>\S+) \".*\"\s*")


class Reader(NamedTuple):
    """An entry that the protocol does not use, and the code by which it reads what is there."""

    name: str
    key: Key
    seen: Seen


def readers(
    wanted: Sequence[Wanted],
    codes: Codes,
    derived: Iterable[Derived],
    systems: frozenset[str],
) -> Mapping[str, Sequence[Reader]]:
    """For each wanted result the entries not in use that read a code which looks like it."""
    results = [w for w in wanted if w.kind in _RESULTS]
    computed = {d.reported: d.name for d in derived if d.reported is not None}
    found: dict[str, list[Reader]] = {}
    for name, alike in suggestions(results, codes.unused.items(), systems).items():
        for each in alike:
            key = (each.coded.system, each.coded.code)
            for reader in codes.read_by.get(key, ()) if each.likely else ():
                named = computed.get(reader, reader)
                found.setdefault(name, []).append(Reader(named, key, each.seen))
    return found


@cache
def entries_with(key: Key) -> tuple[str, ...]:
    """The entries of all knowledge files that have a code, as hints name them."""
    return tuple(dict.fromkeys(where for found, where in _codes() if found == key))


@cache
def _codes() -> tuple[tuple[Key, str], ...]:
    systems = dict(_systems())
    found = []
    for home, lines in _knowledge():
        name = ""
        for line in lines:
            if (entry := _ENTRY.fullmatch(line)) is not None:
                name = entry["name"]
            elif (code := _CODE.fullmatch(line)) is not None and code["system"] in systems:
                key = (systems[code["system"]], code["code"])
                found.append((key, f"`{name}` (in `{home}`)"))
    return tuple(found)


def _systems() -> Iterator[tuple[str, str]]:
    for _, lines in _knowledge():
        for line in lines:
            if (entry := _ENTRY.fullmatch(line)) is not None and entry["kind"] == "system":
                yield entry["name"], entry["more"]


def _knowledge() -> Iterator[tuple[str, list[str]]]:
    for home in knowledge_names():
        path = knowledge_path(home)
        if path is not None:
            yield home, path.read_text(encoding="utf-8").splitlines()
