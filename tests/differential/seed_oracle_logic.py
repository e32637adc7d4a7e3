"""Supervaluation by enumeration: which truth values do the completions give, which elements matter?

A completion is one choice for each uncertain element. ``Table`` holds the outcomes of all
completions of one criterion. ``Conjunction`` does the same for a conjunction of parts without
listing the product of their completions: parts share only the elements named in SHARED, all else is
seen part by part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

BOTH = frozenset([True, False])
SHARED = ("gender", "birth_date", "liver_metastasis")
Choice = tuple[Hashable, ...]


class Verdict(NamedTuple):
    """The truth values that completions give a criterion, and the elements that matter."""

    possible: frozenset[bool]
    gaps: frozenset[str]


class Table:
    """Outcomes of completions, each named by one choice per element."""

    def __init__(self, *elements: str) -> None:
        self.elements = elements
        self.outcomes: set[bool] = set()
        self.groups: dict[tuple[int, Choice, Choice], set[bool]] = defaultdict(set)

    def add(self, outcome: bool, *choice: Hashable) -> None:
        self.outcomes.add(outcome)
        for i in range(len(self.elements)):
            self.groups[i, choice[:i], choice[i + 1 :]].add(outcome)

    def verdict(self) -> Verdict:
        """An element matters when two completions that differ only in it differ in outcome."""
        gaps = {self.elements[i] for (i, _, _), found in self.groups.items() if found == BOTH}
        return Verdict(frozenset(self.outcomes), frozenset(gaps))


@dataclass(frozen=True)
class Factor:
    """One conjunct: for each allowed choice of its elements, whether it holds.

    ``ids`` names what decides an element that is not one of the record's own (a clearance).
    """

    names: tuple[str, ...]
    rows: Mapping[Choice, bool]
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, values: Iterable[bool]) -> Factor:
        return cls((name,), {(value,): value for value in values})


class Conjunction:
    """A criterion as a conjunction of factors."""

    def __init__(self, factors: list[Factor]) -> None:
        self.factors = factors
        self.shared = [n for n in SHARED if any(n in f.names for f in factors)]
        self.tables = [self._by_shared(f) for f in factors]
        domains: dict[str, set[Hashable]] = {name: set() for name in self.shared}
        for factor in factors:
            for row in factor.rows:
                for name, value in zip(factor.names, row, strict=True):
                    if name in domains:
                        domains[name].add(value)
        self.worlds = list(product(*(sorted(domains[n], key=repr) for n in self.shared)))

    def _by_shared(self, factor: Factor) -> dict[Choice, dict[Choice, bool]]:
        """shared choice -> local choice -> outcome."""
        places = [factor.names.index(n) for n in self.shared if n in factor.names]
        local = [i for i, n in enumerate(factor.names) if n not in SHARED]
        table: dict[Choice, dict[Choice, bool]] = {}
        for row, outcome in factor.rows.items():
            inner = table.setdefault(tuple(row[i] for i in places), {})
            inner[tuple(row[i] for i in local)] = outcome
        return table

    def at(self, index: int, world: Choice) -> dict[Choice, bool]:
        """The local choices of one factor in one world (a choice of the shared elements)."""
        names = self.factors[index].names
        key = tuple(v for n, v in zip(self.shared, world, strict=True) if n in names)
        return self.tables[index][key]

    def can_hold(self, **known: Hashable) -> bool:
        """Whether some completion with these shared choices makes the criterion true."""
        for world in self.worlds:
            chosen = dict(zip(self.shared, world, strict=True))
            if all(known.get(n, v) == v for n, v in chosen.items()) and self._holds(world):
                return True
        return False

    def _holds(self, world: Choice, without: int = -1) -> bool:
        indices = (i for i in range(len(self.factors)) if i != without)
        return all(any(self.at(i, world).values()) for i in indices)

    def verdict(self) -> Verdict:
        possible: set[bool] = set()
        gaps: set[str] = set()
        for world in self.worlds:
            if self._holds(world):
                possible.add(True)
            if any(not all(self.at(i, world).values()) for i in range(len(self.factors))):
                possible.add(False)
            for i, factor in enumerate(self.factors):
                if self._holds(world, without=i):
                    gaps |= self._local_gaps(factor, self.at(i, world))
                    gaps |= self._shared_gaps(i, world)
        return Verdict(frozenset(possible), frozenset(gaps))

    def _local_gaps(self, factor: Factor, rows: dict[Choice, bool]) -> set[str]:
        """Elements of one factor that change it while all other factors hold."""
        names = [n for n in factor.names if n not in SHARED]
        gaps: set[str] = set()
        if len(set(rows.values())) < 2:
            return gaps
        for i, name in enumerate(names):
            groups: dict[Choice, set[bool]] = {}
            for row, outcome in rows.items():
                groups.setdefault(row[:i] + row[i + 1 :], set()).add(outcome)
            if any(found == BOTH for found in groups.values()):
                gaps |= factor.ids.get(name, frozenset([name]))
        return gaps

    def _shared_gaps(self, index: int, world: Choice) -> set[str]:
        """Shared elements whose change alone makes this factor false in a true completion."""
        gaps: set[str] = set()
        here = self.at(index, world)
        for other in self.worlds:
            changed = [n for n, a, b in zip(self.shared, world, other, strict=True) if a != b]
            if len(changed) == 1 and changed[0] in self.factors[index].names:
                there = self.at(index, other)
                if any(held and there.get(row) is False for row, held in here.items()):
                    gaps.add(changed[0])
        return gaps
