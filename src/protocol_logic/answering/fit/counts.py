"""Counts of what is met in records, in bounded memory and whatever the order of the records."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """A table of at most `most` keys: those of the smallest hashes, so the same ones in any order.

    A key that is kept at the end was kept from its first time on, so what it counts is complete.
    """

    def __init__(self, most: int, make: Callable[[], V]) -> None:
        self._most = most
        self._make = make
        self._kept: dict[K, V] = {}
        self._worst: list[tuple[int, K]] = []
        self.full = False
        """Whether there were keys that are not kept."""

    def at(self, key: K) -> V | None:
        """What is kept under a key; None where it is one too many."""
        found = self._kept.get(key)
        if found is not None:
            return found
        rank = -_hash(key)
        if len(self._kept) < self._most:
            heapq.heappush(self._worst, (rank, key))
        else:
            self.full = True
            if rank < self._worst[0][0]:
                return None
            del self._kept[heapq.heapreplace(self._worst, (rank, key))[1]]
        made = self._make()
        self._kept[key] = made
        return made

    def items(self) -> Iterator[tuple[K, V]]:
        """All that is kept."""
        return iter(self._kept.items())

    def __len__(self) -> int:
        return len(self._kept)


def _hash(key: object) -> int:
    # `hash` differs from run to run.
    data = repr(key).encode("utf-8", "backslashreplace")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


class Tally(Generic[K]):
    """How often each of at most `most` keys was met."""

    def __init__(self, most: int) -> None:
        self._counts: Bounded[K, list[int]] = Bounded(most, lambda: [0])
        self.total = 0

    def add(self, key: K) -> None:
        """Met once more."""
        self.total += 1
        count = self._counts.at(key)
        if count is not None:
            count[0] += 1

    @property
    def full(self) -> bool:
        """Whether there were keys that are not kept."""
        return self._counts.full

    def counts(self) -> dict[K, int]:
        """The counts by key, largest first, then by the text of the key."""
        found = [(key, count[0]) for key, count in self._counts.items()]
        return dict(sorted(found, key=lambda item: (-item[1], repr(item[0]))))
