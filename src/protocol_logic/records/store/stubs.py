"""What the code elements of a store say of whoever has them, worked out once for a protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol_logic.records.facts import Unlisted

if TYPE_CHECKING:
    from protocol_logic.records.store.gathering import Said
    from protocol_logic.records.store.reading import Gatherer
    from protocol_logic.records.store.shards import Array

ROUGH, UNREAD, OPEN = 1, 2, 4
"""Bits: what is told of it takes the whole record; where a list closes something, so does the
verdict; and in any case."""


@dataclass(frozen=True, slots=True)
class Stubs:
    """`bits`: by the number of code elements, the last for none at all. `suspects`: what may be
    told beside a list that closes `classes`, without resources and days, by that number. `lists`:
    the entries of lists."""

    bits: Array
    suspects: dict[int, tuple[Unlisted, ...]]
    classes: frozenset[str]
    lists: tuple[str, ...]


def stubs_of(
    gatherer: Gatherer,
    classes_of: Callable[[Unlisted], frozenset[str]],
    is_open: Callable[[Unlisted], bool],
) -> Stubs:
    """What the code elements of a store say. `classes_of`: beside a list that closes which classes
    something may be told that a record states by a code that an entry has; `is_open`: whether, by
    a code that no entry has, it leaves open if something is recorded."""
    import numpy as np

    bits = np.zeros(max(gatherer.abouts, default=-1) + 2, np.int64)
    suspects: dict[int, tuple[Unlisted, ...]] = {}
    classes: set[str] = set()
    for about, (kind, content) in gatherer.abouts.items():
        said = gatherer.chosen.said(kind, None, content)
        if said.unlike or said.unmapped or said.beside or said.known:
            bits[about] |= ROUGH
        if said.alike:
            bits[about] |= OPEN
        if said.concept is not None and not said.stands:
            bits[about] |= UNREAD
        noted = list(_noted(said))
        for each in noted:
            if not each.known:
                bits[about] |= UNREAD | (OPEN if is_open(each) else 0)
        found = [(each, classes_of(each)) for each in noted if each.known]
        its = tuple([each for each, of in found if of])
        if its:
            suspects[about] = its
            classes.update(*(of for _, of in found))
    numbers = gatherer.numbers
    lists = [name for name in gatherer.codings.closed if numbers.get(name, -1) >= 0]
    return Stubs(bits, suspects, frozenset(classes), tuple(lists))


def _noted(said: Said) -> Iterator[Unlisted]:
    """What a record notes of concepts by some code elements, if it is stated."""
    kinds = [said.concept]
    if not said.parts and said.unlike:
        kinds = [kind or None for kind, _ in said.unlike]
    elif not said.parts and said.unmapped is not None:
        kinds = []
    for kind in kinds:
        if kind is not None:
            is_its = kind == said.concept
            entries = said.entries if is_its else ()
            for code, name, known in said.names:
                yield Unlisted(kind, "", code, name, "", known and is_its, entries)
    for kind in said.closing:
        yield from (Unlisted(kind, "", "", name, "") for name, _ in said.items)
