"""Occurrences of many patients at once, of those of whom nothing is recorded of the subject.

Then lists alone decide; who has anything recorded leaves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.columns.cells import Openers, Read, code
from protocol_logic.findings.columns.closing import closing_of
from protocol_logic.findings.columns.seen import flags, seen
from protocol_logic.findings.columns.sources import Sources, day_of, number_of
from protocol_logic.findings.columns.tables import NEVER, Flags
from protocol_logic.findings.occurrences import Axis
from protocol_logic.foundation.interval import Interval
from protocol_logic.records.store.by_entry import KINDS

READ = {"last", "count", "present_as"}
_OCCURS = [1 + KINDS.index(kind) for kind in ("condition", "therapy", "done")]


def read_occurrences(sources: Sources, finding: Finding) -> Read:
    """Read `last`, `count` or `present_as`."""
    asked = finding.occurrence
    assert asked is not None
    below = sources.vocabulary.below
    left_out = {name for other in asked.subject.others for name in below(other)}
    doubting = tuple(kind for kind in below(finding.entry) if kind not in left_out)
    closing = closing_of(sources, finding.entry, () if finding.kind == "present_as" else doubting)
    read = Read.of(sources.size, 0)
    read.left = closing.left | _has_any(sources, finding, asked.subject.concept)
    closes = closing.closes
    if finding.kind == "present_as":
        read.left |= bool(finding.variant)
        every = np.ones(sources.size, bool)
        for kind in below(asked.subject.concept):
            if kind not in left_out:
                its = closing_of(sources, kind, ())
                every &= its.closes
                read.left |= its.left
        _, absent, unrecorded = (np.uint64(1 << place) for place in range(3))
        read.mask = np.where(every, absent, absent | unrecorded)
        is_open = ~every
    else:
        if finding.variant == "as_recorded":
            closes = closes | closing.unlisted
            read.left |= closing.unsure
        not_there, more = _cells(sources, finding)
        read.mask = np.where(closes, not_there, not_there | more)
        is_open = ~closes
    reason = np.where(closing.reason > 0, closing.reason, code("absent"))
    reason = np.where(is_open, reason, 0).astype(np.uint8)
    read.openers.append(Openers(finding.element, reason, closing.who))
    read.closing = closing.closes.copy()
    read.oldest = np.where(closing.closes, closing.dated, NEVER)
    return read


def _has_any(sources: Sources, finding: Finding, concept: str) -> Flags:
    found = np.zeros(sources.size, bool)
    for name in sources.vocabulary.below(concept):
        rows = seen(sources, name)
        counts = np.isin(rows["kind"], _OCCURS)
        if finding.kind == "present_as":
            counts = np.ones(len(rows["kind"]), bool)
        found |= flags(sources, rows, counts)
    return found


def _cells(sources: Sources, finding: Finding) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """By patient the cells of what never occurred, and of what may have occurred unrecorded."""
    asked = finding.occurrence
    assert asked is not None
    if finding.kind == "count":
        none, some = (
            sum(1 << n for n, (_, part) in enumerate(finding.parts) if part.intersects(value))
            for value in (Interval.point(0), Interval.at_least(0))
        )
        return np.full(sources.size, none, np.uint64), np.full(sources.size, some, np.uint64)
    end = sources.as_of
    if asked.before is not None and asked.before in sources.timepoints:
        end = np.full(sources.size, number_of(sources.timepoints[asked.before]), np.int64)
    days, at = np.unique(end, return_inverse=True)
    masks = []
    for day in map(day_of, days.tolist()):
        axis = Axis(finding, day)
        cells = (axis.never, axis.between(day.min, day))
        masks.append([sum(1 << finding.cells.index(cell) for cell in each) for each in cells])
    told = np.array(masks, np.uint64)[at]
    return told[:, 0], told[:, 1]
