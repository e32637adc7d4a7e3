"""Named values and ages of many patients at once, as `findings/inputs.py` reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from protocol_logic.compiling.conditions import values_of
from protocol_logic.compiling.plan import Finding
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns.cells import Openers, Read, anything, code, nothing
from protocol_logic.findings.columns.lesions import lesion_values
from protocol_logic.findings.columns.months import ages
from protocol_logic.findings.columns.numbers import numbers_of
from protocol_logic.findings.columns.runs import Runs
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NEVER, Flags, Ints
from protocol_logic.findings.columns.values_read import Values
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.store.by_entry import KINDS, NO_DAY

_STATED, _BORN = 1 + KINDS.index("stated"), 1 + KINDS.index("born")


def read_value(sources: Sources, finding: Finding) -> tuple[Read, Flags]:
    """The cells of a named value, and of whom its input has several alternatives."""
    entry = sources.vocabulary.entries[finding.entry]
    assert isinstance(entry, voc.Named)
    values = values_named(sources, finding.entry, finding.window)
    is_field = isinstance(entry, voc.PatientField)
    masks = [0] * len(values.values)
    for place, members in enumerate(finding.values):
        for member in members:
            if member in values.values:
                masks[values.values.index(member)] |= 1 << place
    mask = np.zeros(len(values.possible), np.uint64)
    for number, its in enumerate(masks):
        has = (values.possible >> np.uint64(number)) & np.uint64(1)
        mask |= has * np.uint64(its)
    no_cell = nothing(finding, entry)
    if is_field and not finding.variant:
        no_cell = anything(finding, entry)
    mask |= np.where(values.no_fact, np.uint64(no_cell), np.uint64(0))
    several = values.runs.to_patients(~values.one, is_field and len(values.values) > 1)
    return _put(sources, values, entry.element, mask, no_cell), several


def read_in_record(sources: Sources, finding: Finding) -> tuple[Read, Flags]:
    """Whether anything is recorded of what others read the value of."""
    entry = sources.vocabulary.entries[finding.entry]
    yes, no = (1 << finding.cells.index(cell) for cell in ("yes", "no"))
    if isinstance(entry, voc.Quantity):
        numbers = numbers_of(sources, finding.entry, finding.window)
        values = Values(
            numbers.runs, (), numbers.reason, numbers.no_fact, numbers.one,
            numbers.reason, numbers.who, numbers.left, numbers.blank,
        )  # fmt: skip
    else:
        values = values_named(sources, finding.entry, finding.window)
    mask = np.full(len(values.runs.starts), yes, np.uint64)
    mask |= np.where(values.no_fact, np.uint64(no), np.uint64(0))
    several = values.runs.to_patients(~values.one, False)
    return _put(sources, values, entry.element, mask, no), several


def _put(sources: Sources, values: Values, element: str, mask: Ints, no_cell: int) -> Read:
    runs = values.runs
    reason = np.full(sources.size, code("absent"), np.uint8)
    reason[runs.patients] = values.reason
    return Read(
        runs.to_patients(mask, no_cell),
        [Openers(element, reason, runs.to_patients(values.who, -1))],
        runs.oldest(),
        runs.to_patients(values.left, False),
    )


def values_named(sources: Sources, entry: str, window: Window | None = None) -> Values:
    """The statements of a named value that count, in a window where one is given."""
    found: Values = sources.once(
        ("values", entry, window), lambda: _values_named(sources, entry, window)
    )
    return found


def _values_named(sources: Sources, entry: str, window: Window | None) -> Values:
    found = sources.vocabulary.entries[entry]
    if isinstance(found, voc.Lesion):
        return lesion_values(sources, found)
    assert isinstance(found, voc.Named)
    values = values_of(found)
    is_field = isinstance(found, voc.PatientField)
    runs = _of_field(sources, entry) if is_field else sources.newest(entry, ["stated"], window)
    rows = runs.rows
    said = _possible(values, sources.shard.words("stated"))[rows["stated"]]
    unread = (rows["kind"] == _STATED) & (rows["stated"] == 0)
    unreadable, unread_at = runs.first(unread)
    stale, stale_at = np.zeros(len(runs.starts), bool), np.zeros(len(runs.starts), np.int64)
    first_days = None if is_field else sources.fresh_from(entry)
    if first_days is not None:
        since = first_days[rows["patient"]]
        stale, stale_at = runs.first(np.maximum(rows["first"], runs.spread(runs.floor)) < since)
    possible = runs.union(said)
    left = runs.any(rows["kind"] != _STATED)
    every = np.uint64((1 << len(values)) - 1)
    none_certain = np.zeros(len(runs.starts), bool) if is_field else runs.none_certain
    if is_field:
        possible = np.where(possible == 0, every, possible)
        unreadable = possible != possible
        nothing_said = runs.union(said) == 0
    else:
        left |= possible == 0
        left &= ~unreadable & ~stale
        possible = np.where(unreadable | stale, every, possible)
        nothing_said = unreadable != unreadable
    left |= runs.any(rows["kind"] != _STATED)
    several = (possible & (possible - np.uint64(1))) != 0
    reason = np.zeros(len(runs.starts), np.uint8)
    who = np.full(len(runs.starts), -1, np.int32)
    first = rows["resource"][runs.starts]
    nobody = np.full(len(first), -1, np.int32)
    for where, why, its in (
        (nothing_said, "absent", nobody),
        (none_certain, "imprecise", first),
        (stale, "stale", rows["resource"][stale_at]),
        (unreadable, "unreadable", rows["resource"][unread_at]),
        (several & (runs.lengths > 1), "conflicting", first),
        (several, "imprecise", first),
    ):
        at = where & (reason == 0)
        reason[at] = code(why)  # type: ignore[arg-type]
        who[at] = its[at]
    one = ~several & ~none_certain & ~unreadable & ~stale
    as_listed = nothing_said if is_field else unreadable | stale
    return Values(runs, values, possible, none_certain, one, reason, who, left, as_listed)


def _of_field(sources: Sources, entry: str) -> Runs:
    """All statements of a patient field: they have no date."""
    table = dict(sources.facts(entry, ["stated"]))
    dated = table["first"] != NO_DAY
    table["first"] = np.where(dated, table["first"], sources.as_of[table["patient"]])
    table["last"] = np.where(dated, table["last"], table["first"])
    runs = Runs(table, sources.as_of)
    if dated.any():
        runs.rows["kind"] = np.zeros_like(runs.rows["kind"])  # they would have to be newest
    return runs


def _possible(values: tuple[str, ...], words: Mapping[int, str]) -> Ints:
    """Number of a text -> the values that it allows, as bits."""
    found = np.zeros(1 + max(words, default=0), np.uint64)
    for number, content in words.items():
        its = content.split("\n")
        found[number] = sum(1 << place for place, value in enumerate(values) if value in its)
    return found


# ---- ages ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Ages:
    """By patient the least and the most age; `known`: whether there is a birth date.

    `reason` and `who`: why there is not just one; `left`: who cannot be told."""

    least: Ints
    most: Ints
    known: Flags
    reason: Ints
    who: Ints
    left: Flags


def ages_of(sources: Sources, entry: voc.Age) -> Ages:
    """The ages on the day of judgement."""
    found: Ages = sources.once(("ages", entry.name), lambda: _ages_of(sources, entry))
    return found


def _ages_of(sources: Sources, entry: voc.Age) -> Ages:
    rows = sources.facts(entry.of, ["start_first", "start_last"])
    patient, size = rows["patient"], sources.size
    born = rows["kind"] == _BORN
    at = patient[born]
    first, last = rows["start_first"][born], rows["start_last"][born]
    until = sources.as_of[at]
    count = np.bincount(at, minlength=size)
    found = Ages(
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        count > 0,
        np.full(size, code("absent"), np.uint8),
        np.full(size, -1, np.int32),
        count > 1,
    )
    found.left[at[first > until]] = True
    found.left[patient[rows["first"] != NO_DAY]] = True  # they would have to be seen
    start = np.minimum(first, until)
    found.least[at] = ages(entry.unit, np.minimum(last, until), until)
    found.most[at] = ages(entry.unit, start, until)
    found.who[patient[::-1]] = rows["resource"][::-1]  # the first of each
    found.reason[patient] = code("unreadable")
    found.reason[at] = code("imprecise")
    return found


def read_age(sources: Sources, finding: Finding) -> tuple[Read, Flags]:
    """The cells of an age, and of whom it has several."""
    entry = sources.vocabulary.entries[finding.entry]
    assert isinstance(entry, voc.Age)
    found = ages_of(sources, entry)
    any_cell, no_cell = anything(finding, entry), nothing(finding, entry)
    is_absent = found.reason == code("absent")
    mask = np.where(is_absent, np.uint64(no_cell), np.uint64(any_cell))
    its = np.zeros(sources.size, np.uint64)
    for place, (low, high) in enumerate(_whole(part for _, part in finding.parts)):
        meets = (found.most >= low) & (found.least <= high)
        its |= meets.astype(np.uint64) << np.uint64(place)
    mask = np.where(found.known, its, mask)
    openers = [Openers(entry.element, found.reason, found.who)]
    oldest = np.full(sources.size, NEVER, np.int64)
    return Read(mask, openers, oldest, found.left.copy()), found.known & (found.least != found.most)


def _whole(parts: Iterable[Interval]) -> Iterable[tuple[int, int]]:
    """The least and the most whole number of each interval."""
    for part in parts:
        low, high = -(10**9), 10**9
        if part.lo is not None:
            low = ceil(part.lo)
            low += low == part.lo and not part.lo_closed
        if part.hi is not None:
            high = floor(part.hi)
            high -= high == part.hi and not part.hi_closed
        yield low, high
