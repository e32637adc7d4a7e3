"""Readings of one finding for tests that say what missing data count as, and for those that do not.

They read the same facts, so what is uncertain of these is the same in all: a row for each cell in
which the finding can lie by what is recorded alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import CellSet, Found, Group, Row
from protocol_logic.findings.statements import read_statement

_ALSO = {
    "absent": "unrecorded",
    "not_in_effect": "unrecorded",
    "not_both": "unrecorded",
    "not_confirmed": "confirmed",
}
"""Cell by what is recorded -> the one in which the finding lies if more happened."""


def base_of(finding: Finding) -> str:
    """The finding that a variant is read beside."""
    prefix = f"{finding.variant}("
    return finding.id[len(prefix) : -1] if finding.id.startswith(prefix) else finding.id


def joined(visible: Visible, base: str, read: Sequence[tuple[Finding, Found]]) -> Group | None:
    """The joint readings of a finding and its variants; None where they share nothing open."""
    if sum(len(found.cells) > 1 for _, found in read) < 2:
        return None
    first, seen = read[0]
    if not _may_be_missing(visible, first):  # then all read the same
        alike = [(f.id, {cell: frozenset({cell}) for cell in seen.cells}) for f, _ in read]
        return _group(base, first, alike)
    alone = read_statement(visible, replace(first, variant="as_recorded")).cells
    if len(alone) == 1:
        return None
    return _group(
        base,
        first,
        [(f.id, {c: _with(f, c) & found.cells or found.cells for c in alone}) for f, found in read],
    )


def _may_be_missing(visible: Visible, finding: Finding) -> bool:
    """Whether something that the finding asks about is taken to be missing."""
    if finding.kind == "present_as":
        return any(map(visible.unlisted, visible.vocabulary.below(finding.entry)))
    return visible.unlisted(finding.entry, by_list=finding.kind != "evidence")


def split(visible: Visible, findings: Sequence[Finding], rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Rows in which findings that are read in several ways, and leave the same open, have one cell
    each: those of one that nothing takes to be missing."""
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        if not visible.unlisted(finding.entry):
            alike.setdefault(base_of(finding), []).append(finding)
    for each in alike.values():
        if len(each) > 1:
            rows = tuple(part for row in rows for part in _split(visible, each, row))
    return rows


def _split(visible: Visible, alike: Sequence[Finding], row: Row) -> Iterator[Row]:
    cells = dict(row.cells)[alike[0].id]
    if len(cells) == 1:
        yield row
        return
    element = visible.history_of(alike[0].entry)
    for cell in sorted(cells):
        settled = {finding.id: frozenset({cell}) for finding in alike}
        yield Row(
            tuple((name, settled.get(name, each)) for name, each in row.cells),
            (*row.labels, (element, cell)),
        )


def _group(base: str, first: Finding, of: Sequence[tuple[str, dict[str, CellSet]]]) -> Group:
    """A row for each cell by what is recorded, with what each finding can be then."""
    rows = tuple(
        Row(tuple((name, cells[cell]) for name, cells in of), ((first.element, cell),))
        for cell in first.cells
        if cell in of[0][1]
    )
    return Group(f"variants_of_{base}", rows)


def _with(finding: Finding, cell: str) -> CellSet:
    """The cells in which a finding can lie that lies in one by what is recorded."""
    if finding.variant == "as_recorded":
        return frozenset({cell})
    if finding.kind == "count":
        return frozenset(finding.cells[finding.cells.index(cell) :])
    if finding.occurrence is None or not finding.occurrence.inside:
        return frozenset({cell, _ALSO.get(cell, cell)})
    inside = dict(zip(finding.cells, finding.occurrence.inside, strict=True))
    return frozenset(
        other
        for other, held in inside.items()
        if any(_not_before(b, a) for a in inside[cell] for b in held)
    )


def _not_before(one: frozenset[object] | None, other: frozenset[object] | None) -> bool:
    """Whether a day in the windows `one` can be that of the other, or a later one."""
    return other is None or (one is not None and one >= other)
