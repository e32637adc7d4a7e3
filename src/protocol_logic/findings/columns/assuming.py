"""Patients of whom a value that many findings read is not certain: told by what the findings are
under each of its values.

Who looks alike under each value, and of whose value as much is known, has the same group of
findings. So one of them is read one by one, and the others take what that gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NO_LOOK, NOBODY, Column, Flags, Ints, Looks, Part
from protocol_logic.findings.columns.values_read import Values
from protocol_logic.findings.rows import Reason
from protocol_logic.records.store.by_entry import KINDS, NEVER, NO_DAY
from protocol_logic.records.store.shards import Shard, Table

_STATED = 1 + KINDS.index("stated")
_ALWAYS = {"kind": _STATED, "first": NO_DAY, "last": NO_DAY, "dated": NEVER}
"""What a value that is assumed has in columns where that is not 0."""


class Some(Shard):
    """Some patients of a shard; at the places that `places` give."""

    def __init__(self, shard: Shard, places: Ints) -> None:
        self._shard = shard
        self._at = places
        self._mapped = np.full(shard.size, -1, np.int32)
        self._mapped[places] = np.arange(len(places), dtype=np.int32)

    @property
    def size(self) -> int:
        """How many patients there are."""
        return len(self._at)

    def facts(self, entry: str, columns: Sequence[str], beside: Iterable[str] = ()) -> Table:
        """The facts of an entry, as those of a shard."""
        found = self._shard.facts(entry, columns, beside)
        patient = self._mapped[found["patient"]]
        its = patient >= 0
        return {**{name: each[its] for name, each in found.items()}, "patient": patient[its]}

    def words(self, kind: str) -> Mapping[int, str]:
        """The texts of a kind."""
        return self._shard.words(kind)

    def words_of(self, numbers: Ints) -> Mapping[int, str]:
        """The texts of some numbers."""
        return self._shard.words_of(numbers)

    def unread(self, kind: str) -> Ints:
        """Of whom there is something that may be anything of a kind."""
        found: Ints = self._shard.unread(kind)[self._at]
        return found

    def mentioned(self) -> Mapping[str, Ints]:
        """Entry -> whom a resource may name where it is not read as that."""
        return {name: each[self._at] for name, each in self._shard.mentioned().items()}


class Assumed(Some):
    """The same, of whom one value is assumed."""

    def __init__(self, shard: Shard, places: Ints, entry: str, value: str) -> None:
        super().__init__(shard, places)
        self._entry = entry
        known = shard.words("stated")
        self._word = 1 + max(known, default=0)
        self._stated = {**known, self._word: value}

    def facts(self, entry: str, columns: Sequence[str], beside: Iterable[str] = ()) -> Table:
        """The facts of an entry, as those of a shard."""
        found = super().facts(entry, columns, beside)
        if entry != self._entry:
            return found
        table = {name: np.zeros(self.size, each.dtype) for name, each in found.items()}
        table["patient"] = np.arange(self.size, dtype=np.int32)
        for name, each in {**_ALWAYS, "stated": self._word}.items():
            if name in table:
                table[name] = np.full(self.size, each)
        return table

    def words(self, kind: str) -> Mapping[int, str]:
        """The texts of a kind, with the value that is assumed."""
        return self._stated if kind == "stated" else super().words(kind)


@dataclass(slots=True)
class Alike:
    """Patients of a part that left, by place in the shard.

    `number`: of all who look alike, in `Looks.alike`; -1 for who is to be read alone. `oldest`: by
    finding the oldest evidence. `who`: by element and reason of an opener the resource.
    """

    number: Ints
    oldest: dict[str, Ints]
    who: dict[tuple[str, Reason], Ints]


Reading: TypeAlias = Callable[[Sources], tuple[Sequence[Part], dict[str, Column]]]
"""Reads some findings: their parts, and their columns."""


def alike_under(
    sources: Sources,
    names: frozenset[str],
    where: Flags,
    entry: str,
    values: Values,
    asks: Mapping[str, Flags],
    read: Reading,
    table: Looks,
) -> Alike:
    """Who of some patients look alike under each value of an entry. `asks`: by finding in whom it
    reads the value; `read`: the part under one of them, with the columns of its findings."""
    places = np.flatnonzero(where)
    keys = _of_value(sources, values, places)
    keys += [asks[name][places].astype(np.int64) for name in sorted(names) if name in asks]
    under = (Assumed(sources.shard, places, entry, value) for value in values.values)
    found = Alike(np.full(sources.size, -1, np.int64), {}, {})
    alone = np.zeros(len(places), bool)
    number_alike(sources, names, places, under, keys, read, table, found, alone)
    return found


def number_alike(
    sources: Sources,
    names: frozenset[str],
    places: Ints,
    under: Iterable[Shard],
    keys: list[Ints],
    read: Reading,
    table: Looks,
    found: Alike,
    alone: Flags,
) -> None:
    """Number patients who look alike in some findings under each of several things, and have the
    same `keys`; not those that are `alone`."""
    size, alone = sources.size, alone.copy()
    for shard in under:
        parts, columns = read(sources.some(shard, places))
        for part in parts:
            alone |= part.left
        for name, column in sorted(columns.items()):
            if name not in names:
                alone |= column.look != NO_LOOK
                continue
            keys += [column.look.astype(np.int64), column.why.astype(np.int64)]
            # What a finding rests on is what it rests on under any of them.
            oldest = found.oldest.setdefault(name, np.full(size, NEVER, np.int64))
            oldest[places] = np.minimum(oldest[places], column.oldest)
            alone |= column.closing > 0
            for number in np.unique(column.why).tolist():
                has = column.why == number
                for n, said in enumerate(table.whys[number]):
                    who = column.who[n] if n < len(column.who) else np.full(len(has), NOBODY)
                    alone |= note(found.who, said, who, has, places, size)
    of = f"{len(keys)} {','.join(sorted(names))}".encode()
    rows = np.stack(keys, axis=1)
    for n in np.flatnonzero(~alone).tolist():
        key = of + rows[n].tobytes()
        found.number[places[n]] = table.alike.setdefault(key, len(table.alike))


def _of_value(sources: Sources, values: Values, places: Ints) -> list[Ints]:
    """What is known of the value of some patients, and why no more."""
    runs = values.runs
    every = (1 << len(values.values)) - 1
    return [
        runs.to_patients(each, without)[places].astype(np.int64)
        for each, without in (
            (values.possible, every),
            (values.no_fact, False),
            (values.reason, 0),
            (values.as_listed, True),
            (values.who != NOBODY, False),
        )
    ]


def note(
    known: dict[tuple[str, Reason], Ints],
    said: tuple[str, Reason],
    who: Ints,
    has: Flags,
    places: Ints,
    size: int,
) -> Flags:
    """Note the resources of an opener; where another was noted."""
    noted = known.setdefault(said, np.full(size, _NOT_YET, np.int64))
    at = places[has]
    differs = np.zeros(len(has), bool)
    differs[has] = (noted[at] != _NOT_YET) & (noted[at] != who[has])
    noted[at] = who[has]
    return differs


_NOT_YET = -3_000_000_000
