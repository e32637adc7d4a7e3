"""What is read of a finding: masks of its cells and what keeps it open, and the column of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from protocol_logic.compiling.plan import NOT_RECORDED, Finding
from protocol_logic.findings.columns.tables import NEVER, Column, Flags, Ints, Looks, Why
from protocol_logic.findings.rows import Reason, look
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc

REASONS: tuple[Reason, ...] = get_args(Reason)
NO_REASON = 0
MOST_CELLS = 40
_SMALL = 2**20


def code(reason: Reason) -> int:
    """The number of a reason, from 1."""
    return 1 + REASONS.index(reason)


@dataclass(slots=True)
class Openers:
    """By patient the opener of an element: number of its reason, 0 for none, and its resource."""

    element: str
    reason: Ints
    who: Ints

    @classmethod
    def none(cls, element: str, size: int) -> Openers:
        return cls(element, np.zeros(size, np.uint8), np.full(size, -1, np.int32))


@dataclass(slots=True)
class Read:
    """A finding of all patients of a shard: bit i of `mask` is its cell i.

    `openers`: in order; they count where more than one cell is left. `left`: of whom it cannot be
    told. `closing`: of whom a list that closes is among the evidence; None: of nobody.
    """

    mask: NDArray[np.uint64]
    openers: list[Openers]
    oldest: Ints
    left: Flags
    closing: Flags | None = None

    @classmethod
    def of(cls, size: int, mask: int) -> Read:
        """The same cells for all, without evidence."""
        return cls(
            np.full(size, mask, np.uint64),
            [],
            np.full(size, NEVER, np.int64),
            np.zeros(size, bool),
        )


def many(mask: NDArray[np.uint64]) -> Flags:
    """Where there is more than one cell."""
    found: Flags = (mask & (mask - np.uint64(1))) != 0
    return found


def bits(cells: Sequence[bool]) -> int:
    """A mask with these cells."""
    return sum(1 << place for place, is_in in enumerate(cells) if is_in)


def anything(finding: Finding, entry: voc.Entry | None) -> int:
    """All cells that a value can lie in, as `Cutter._anything` has them."""
    if finding.kind not in ("number", "ratio", "age", "derived"):
        return bits([cell != NOT_RECORDED for cell in finding.cells])
    parts = [part for _, part in finding.parts]
    plausible = entry.plausible if isinstance(entry, voc.Quantity) else None
    below = plausible is not None and (plausible.lo is None or plausible.lo < 0)
    if finding.kind == "derived" or below:
        return bits([True] * len(parts))
    return bits([part.intersects(Interval.at_least(0)) for part in parts])


def nothing(finding: Finding, entry: voc.Entry | None) -> int:
    """The cells of a value of which nothing is recorded."""
    if finding.kind == "in_record":
        return 1 << finding.cells.index("no")
    if finding.kind == "recorded" or finding.variant:
        return 1 << finding.cells.index(NOT_RECORDED)
    return anything(finding, entry)


def column_of(finding: Finding, read: Read, table: Looks, history: str | None = None) -> Column:
    """The column of a finding; who has no cell at all is among those who left. `history`: the list
    that may close it."""
    size = len(read.mask)
    read.left |= read.mask == 0
    column = Column.empty(size)
    column.oldest = read.oldest
    if read.closing is not None:
        column.closing[read.closing] = table.list_number(history)
    is_open = many(read.mask) & ~read.left
    mask = np.where(read.left, np.uint64(1), read.mask)
    layers = [_Layer(each, np.where(is_open, each.reason, 0)) for each in read.openers]
    layers = [layer for layer in layers if layer.reason.any()]
    for place, layer in enumerate(layers):
        for before in layers[:place]:
            if before.of.element == layer.of.element:
                same = (before.reason == layer.reason) & (before.of.who == layer.of.who)
                layer.reason = np.where(same, 0, layer.reason)
    keys = mask.astype(np.int64)
    base = 1 << len(finding.cells)
    for place, layer in enumerate(layers):
        keys = keys + layer.reason.astype(np.int64) * (base << (4 * place))
    known, at = distinct(keys)
    looks, whys = np.zeros(len(known), np.int32), np.zeros(len(known), np.int32)
    for number, key in enumerate(known.tolist()):
        cells = frozenset(c for place, c in enumerate(finding.cells) if key >> place & 1)
        rest, why = key // base, []
        for layer in layers:
            if rest & 15:
                why.append((layer.of.element, REASONS[(rest & 15) - 1]))
            rest >>= 4
        told: Why = tuple(why)
        looks[number] = table.number(look(cells, tuple(dict.fromkeys(e for e, _ in told))))
        whys[number] = table.why_number(told)
    column.look, column.why = looks[at], whys[at]
    _name(column, layers)
    return column


@dataclass(slots=True)
class _Layer:
    of: Openers
    reason: Ints = field(repr=False)


def _name(column: Column, layers: Sequence[_Layer]) -> None:
    """Put the resource of each opener where it stands among those of its patient."""
    before = np.zeros(len(column.look), np.int64)
    for layer in layers:
        its = layer.reason > 0
        for place in np.unique(before[its]).tolist():
            at = its & (before == place)
            column.resource(place)[at] = layer.of.who[at]
        before += its


def distinct(keys: Ints) -> tuple[Ints, NDArray[Any]]:
    """The distinct keys, none below 0, and for each key its place among them."""
    if not len(keys):
        return keys, keys
    most = int(keys.max())
    if most >= _SMALL:
        known, at = np.unique(keys, return_inverse=True)
        return known, at
    known = np.flatnonzero(np.bincount(keys, minlength=most + 1))
    places = np.zeros(most + 1, np.int32)
    places[known] = np.arange(len(known), dtype=np.int32)
    return known, places[keys]
