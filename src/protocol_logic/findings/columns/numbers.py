"""Numbers and ratios of many patients at once, as `inputs.number_input` and `Cutter` read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol_logic.compiling.plan import Finding
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns.cells import (
    NO_REASON,
    Openers,
    Read,
    anything,
    code,
    many,
    nothing,
)
from protocol_logic.findings.columns.cutting import inside
from protocol_logic.findings.columns.runs import Runs
from protocol_logic.findings.columns.sources import LIMITS, Sources
from protocol_logic.findings.columns.tables import Flags, Ints
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.elements import REFERENCE_RANGE
from protocol_logic.records.store.by_entry import KINDS, NO_LO, SHAPES

_POINT, _INTERVAL, _WIDE = (1 + SHAPES.index(shape) for shape in ("point", "interval", "wide"))
_MEASURED = 1 + KINDS.index("measured")
_ENDS = ("lo_n", "lo_d", "hi_n", "hi_d", "ends")
_COLUMNS = ("shape", *_ENDS, "relative", "limits")


@dataclass(slots=True)
class Numbers:
    """The newest results of a quantity.

    `counts`: the rows that give a number. By run: `blank`, whether any other value may be it;
    `no_fact`, whether none may count; `one`, whether there is surely one number and no more;
    `reason` and `who`, why there is not just one; `left`, who cannot be told; `ranged`, whether one
    range is all that is known.
    """

    runs: Runs
    counts: Flags
    blank: Flags
    no_fact: Flags
    one: Flags
    reason: Ints
    who: Ints
    left: Flags
    ranged: Flags


def read_number(sources: Sources, finding: Finding) -> tuple[Read, Flags]:
    """The cells of a plain number, and of whom its input has several alternatives."""
    entry = sources.vocabulary.entries[finding.entry]
    numbers = numbers_of(sources, finding.entry, finding.window)
    any_cell = np.uint64(anything(finding, entry))
    mask, unfit = inside(numbers.runs.rows, finding.ranges)
    mask = np.where(numbers.runs.rows["relative"], any_cell, mask)
    return _read(sources, finding, numbers, mask, unfit, [])


def read_ratio(sources: Sources, finding: Finding, sex: Ints) -> tuple[Read, Flags, Flags]:
    """The same of a multiple of a limit of normal; and in whom it reads the sex, which is not
    certain. `sex`: by patient 1 for female, 2 for male, 0 for another one, -1 where not certain."""
    entry = sources.vocabulary.entries[finding.entry]
    numbers = numbers_of(sources, finding.entry, finding.window)
    runs, rows = numbers.runs, numbers.runs.rows
    end = finding.detail.lower()
    any_cell = np.uint64(anything(finding, entry))
    n, d = rows[f"{end}_n"], rows[f"{end}_d"]
    by_sex = (rows[f"{end}_f_d"] > 0) | (rows[f"{end}_m_d"] > 0)
    its = sex[rows["patient"]]
    for number, letter in ((1, "f"), (2, "m")):
        is_of = by_sex & (its == number)
        n = np.where(is_of, rows[f"{end}_{letter}_n"], n)
        d = np.where(is_of, rows[f"{end}_{letter}_d"], d)
    usable = (n > 0) & (d > 0)
    over = (np.where(usable, n, 1), np.where(usable, d, 1))
    mask, unfit = inside(rows, finding.ranges, over)
    mask = np.where(usable, mask, any_cell)
    without = numbers.counts & ~usable
    odd = (rows["odd"] & (1 if end == "uln" else 2)) != 0
    several = runs.lengths > 1
    left = runs.any(odd | (by_sex & (its == 0)))
    left |= several & (runs.any(without) | runs.any(rows["shape"] != _POINT))
    numbers = _of_ratio(numbers, left)
    found, at = runs.first(without)
    no_range = np.where(found, code("no_reference_range"), NO_REASON).astype(np.uint8)
    before = Openers(
        f"{REFERENCE_RANGE['LLN' if end == 'lln' else 'ULN']}:{finding.element}",
        runs.to_patients(no_range, NO_REASON),
        runs.to_patients(rows["resource"][at], -1),
    )
    read, more = _read(sources, finding, numbers, mask, unfit, [before])
    asks = runs.to_patients(runs.any(by_sex & (its < 0)), False)
    return read, more, asks


def _of_ratio(numbers: Numbers, left: Flags) -> Numbers:
    n = numbers
    left = n.left | left
    return Numbers(
        n.runs, n.counts, n.blank, n.no_fact, n.one, n.reason, n.who, left, n.ranged
    )  # fmt: skip


def _read(
    sources: Sources,
    finding: Finding,
    numbers: Numbers,
    mask: Ints,
    unfit: Flags,
    before: list[Openers],
) -> tuple[Read, Flags]:
    runs = numbers.runs
    entry = sources.vocabulary.entries[finding.entry]
    any_cell = np.uint64(anything(finding, entry))
    no_cell = np.uint64(nothing(finding, entry))
    none = np.uint64(0)
    its = runs.union(np.where(numbers.counts, mask, none))
    its |= np.where(numbers.blank, any_cell, none) | np.where(numbers.no_fact, no_cell, none)
    left = numbers.left | runs.any(unfit & numbers.counts)
    absent = np.full(sources.size, code("absent"), np.uint8)
    absent[runs.patients] = numbers.reason
    read = Read(
        runs.to_patients(its, no_cell),
        [*before, Openers(entry.element, absent, runs.to_patients(numbers.who, -1))],
        runs.oldest(),
        runs.to_patients(left, False),
    )
    # Of a limit that differs the element is another one; it keeps the finding open just in ratios.
    limits = runs.to_patients(_only_limits(numbers), False) & many(read.mask)
    if limits.any():
        last = read.openers[-1]
        if finding.kind == "ratio":
            of_limits = Openers(before[0].element, np.where(limits, last.reason, 0), last.who)
            last.reason = np.where(limits, 0, last.reason)
            read.openers.append(of_limits)
        else:
            read.left |= limits
    return read, runs.to_patients(~numbers.one, False)


def numbers_of(sources: Sources, entry: str, window: Window | None) -> Numbers:
    """The newest results of a quantity, in a window where one is given."""
    found: Numbers = sources.once(
        ("numbers", entry, window), lambda: _numbers_of(sources, entry, window)
    )
    return found


def _numbers_of(sources: Sources, entry: str, window: Window | None) -> Numbers:
    found = sources.vocabulary.entries[entry]
    assert isinstance(found, voc.Quantity)
    limits = LIMITS if entry in sources.ratios else ()
    runs = sources.newest(entry, (*_COLUMNS, *limits), window)
    rows = runs.rows
    unread = (rows["shape"] == 0) | (rows["kind"] != _MEASURED)
    until = np.minimum(rows["last"], runs.as_of)
    fresh = np.ones(len(unread), bool)
    stale, stale_at = np.zeros(len(runs.starts), bool), np.zeros(len(runs.starts), np.int64)
    first_days = sources.fresh_from(entry)
    if first_days is not None:
        since = first_days[rows["patient"]]
        fresh = until >= since
        stale, stale_at = runs.first(np.maximum(rows["first"], runs.spread(runs.floor)) < since)
    # On a day of which one result cannot be read, no other one decides.
    unread_fresh = unread & fresh
    blocked = runs.most(np.where(unread_fresh & runs.certain, rows["first"], -(10**9)))
    counts = fresh & ~unread & (runs.spread(blocked) < until)
    unreadable, unread_at = runs.first(unread_fresh)
    alike = runs.same("shape", *_ENDS, "relative")
    least, tied = _least(runs, counts)
    point = rows["shape"] == _POINT
    plain = runs.all(point & ~rows["relative"])
    differ = ~alike & (runs.lengths > 1)
    differing = alike & plain & (runs.lengths > 1) & ~runs.same("limits")
    at_least = rows["resource"][least]
    at_first = rows["resource"][runs.starts]
    reason = np.zeros(len(runs.starts), np.uint8)
    who = np.full(len(runs.starts), -1, np.int32)
    for where, why, its in (
        (runs.none_certain, "imprecise", at_first),
        (stale, "stale", rows["resource"][stale_at]),
        (unreadable, "unreadable", rows["resource"][unread_at]),
        (differ, "conflicting", at_least),
        (~plain, "imprecise", at_least),
        (differing, "conflicting", at_least),
    ):
        at = where & (reason == NO_REASON)
        reason[at] = code(why)  # type: ignore[arg-type]
        who[at] = its[at]
    blank = unreadable | stale
    one = (alike & plain & runs.same("limits") & ~blank & ~runs.none_certain) | (
        runs.all(unread) & ~stale & ~runs.none_certain
    )
    left = runs.any(rows["shape"] == _WIDE) | (tied & (runs.lengths > 1))
    is_range = runs.all((rows["shape"] == _INTERVAL) & ~rows["relative"] & counts)
    ranged = alike & is_range & runs.same("limits") & ~blank & ~runs.none_certain
    return Numbers(runs, counts, blank, runs.none_certain, one, reason, who, left, ranged)


def _only_limits(numbers: Numbers) -> Flags:
    """In which runs results differ in nothing but their limits of normal."""
    runs, rows = numbers.runs, numbers.runs.rows
    plain = runs.all((rows["shape"] == _POINT) & ~rows["relative"])
    alike = runs.same("shape", *_ENDS, "relative")
    differ: Flags = plain & alike & (runs.lengths > 1) & ~runs.same("limits")
    return differ & ~numbers.blank & ~numbers.no_fact


def _least(runs: Runs, counts: Flags) -> tuple[Ints, Flags]:
    """The row of the least number of each run, of those that count, and where two unlike ones are
    as near to each other as a float can tell."""
    rows = runs.rows
    value = rows["lo_n"].astype(np.float64) / rows["lo_d"]
    value = np.where((rows["ends"] & NO_LO) != 0, -1e18, value)
    value = np.where(counts, value, np.inf)
    floor = runs.least(value)
    at_floor = value == runs.spread(floor)
    _, at = runs.first(at_floor)
    unlike = np.zeros(len(value), bool)
    for name in ("lo_n", "lo_d", "ends"):
        unlike |= at_floor & (rows[name] != rows[name][runs.spread(at)])
    return at, runs.any(unlike & counts)
