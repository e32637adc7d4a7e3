"""How an audited condition follows from its parts, and the cells that findings may lie in.

Written by itself: nothing here comes from what makes justifications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.findings.rows import CellSet

Truth: TypeAlias = bool | None
Edges: TypeAlias = list[tuple[str, str, Truth]]
"""Part, child, and what the child says of its parent."""


class Cells:
    """The cells that findings may lie in, and rows of those that are read together."""

    def __init__(
        self, single: Mapping[str, CellSet], groups: Mapping[str, list[dict[str, CellSet]]]
    ) -> None:
        self.single = single
        self.groups = groups

    def of(self, finding: str) -> frozenset[str]:
        for rows in self.groups.values():
            if any(finding in row for row in rows):
                return frozenset(c for row in rows for c in row.get(finding, {""}))
        return self.single.get(finding, frozenset({""}))

    def suppose(self, finding: str, cell: str) -> Cells:
        for name, rows in self.groups.items():
            if any(finding in row for row in rows):
                kept = [
                    {**row, finding: frozenset({cell})} if finding in row else row
                    for row in rows
                    if cell in row.get(finding, {""})
                ]
                return Cells(self.single, {**self.groups, name: kept})
        return Cells({**self.single, finding: frozenset({cell})}, self.groups)


def same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def opposite(truth: Truth) -> Truth:
    return None if truth is None else not truth


def both(truths: Iterable[Truth]) -> Truth:
    found = set(truths)
    return False if False in found else None if None in found else True


def either(truths: Iterable[Truth]) -> Truth:
    found = set(truths)
    return True if True in found else None if None in found else False


def inside(cells: CellSet, wanted: Iterable[str]) -> Truth:
    found = {cell in set(wanted) for cell in cells}
    return found.pop() if len(found) == 1 else None


def compares(op: str, low: int, high: int, number: int) -> Truth:
    compare: dict[str, Callable[[int], bool]] = {
        "<": lambda n: n < number, "<=": lambda n: n <= number, ">": lambda n: n > number,
        ">=": lambda n: n >= number, "=": lambda n: n == number,
    }  # fmt: skip
    found = {compare[op](n) for n in range(low, high + 1)}
    return found.pop() if len(found) == 1 else None


def passes_by(criterion: core.Criterion, met: Truth) -> Truth:
    return met if criterion.polarity == "inclusion" else opposite(met)
