"""Measured lesions of many patients at once, as `inputs.lesion_input` reads them."""

from __future__ import annotations

import numpy as np

from protocol_logic.compiling.conditions import LESION_VALUES
from protocol_logic.findings.columns.cells import code
from protocol_logic.findings.columns.cutting import inside
from protocol_logic.findings.columns.runs import Runs
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import Flags, Ints
from protocol_logic.findings.columns.values_read import Values
from protocol_logic.findings.inputs import is_read, lesion_value, measurable
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Lesion
from protocol_logic.records.store.by_entry import KINDS, SHAPES
from protocol_logic.records.store.rows import lesion_of

_MEASURED, _LESION = 1 + KINDS.index("measured"), 1 + KINDS.index("lesion")
_WIDE = 1 + SHAPES.index("wide")
_COLUMNS = (
    "shape", "lo_n", "lo_d", "hi_n", "hi_d", "ends", "relative", "sizes", "site", "method",
)  # fmt: skip
_MAY_BE, _MAY_NOT, _UNREAD = 1, 2, 4


def lesion_values(sources: Sources, entry: Lesion) -> Values:
    """What the latest day with any lesion or count says."""
    runs = _runs(sources, entry)
    rows = runs.rows
    first = rows["resource"][runs.starts]
    stale, stale_at = _stale(sources, entry, runs)
    exact = rows["first"] == rows["last"]
    one_day = runs.same("first", "last") & ((runs.lengths == 1) | runs.all(exact))
    possible, unread = _possible(sources, entry, runs)
    unreadable, unread_at = runs.first(unread)
    left = runs.any((rows["kind"] != _MEASURED) & (rows["kind"] != _LESION))
    left |= runs.any(rows["shape"] == _WIDE)
    every = np.uint64((1 << len(LESION_VALUES)) - 1)
    unsure = runs.none_certain | stale | ~one_day
    possible = np.where(unsure, every, possible)
    several = (possible & (possible - np.uint64(1))) != 0
    reason = np.zeros(len(runs.starts), np.uint8)
    who = np.full(len(runs.starts), -1, np.int32)
    for where, why, its in (
        (runs.none_certain, "imprecise", first),
        (stale, "stale", rows["resource"][stale_at]),
        (~one_day, "imprecise", first),
        (several & unreadable, "unreadable", rows["resource"][unread_at]),
        (several & (runs.lengths > 1), "conflicting", first),
        (several, "imprecise", first),
    ):
        at = where & (reason == 0)
        reason[at] = code(why)  # type: ignore[arg-type]
        who[at] = its[at]
    one = ~several & ~runs.none_certain
    return Values(runs, LESION_VALUES, possible, runs.none_certain, one, reason, who, left, unsure)


def _runs(sources: Sources, entry: Lesion) -> Runs:
    """The lesions and the counts of the latest day, lesions first."""
    tables = [dict(sources.facts(entry.name, _COLUMNS))]
    if entry.counted:
        tables.append(dict(sources.facts(entry.counted, _COLUMNS)))
    for number, table in enumerate(tables):
        table["of"] = np.full(len(table["patient"]), number, np.int8)
    table = {name: np.concatenate([each[name] for each in tables]) for name in tables[0]}
    order = np.lexsort((table["place"], table["of"], table["patient"]))
    rows = {name: column[order] for name, column in table.items()}
    return Runs(rows, sources.as_of, by_time=False)


def _stale(sources: Sources, entry: Lesion, runs: Runs) -> tuple[Flags, Ints]:
    is_stale = np.zeros(len(runs.rows["patient"]), bool)
    begin = np.maximum(runs.rows["first"], runs.spread(runs.floor))
    for number, name in enumerate((entry.name, entry.counted)):
        first_days = sources.fresh_from(name) if name else None
        if first_days is not None:
            its = runs.rows["of"] == number
            is_stale |= its & (begin < first_days[runs.rows["patient"]])
    return runs.first(is_stale)


def _possible(sources: Sources, entry: Lesion, runs: Runs) -> tuple[Ints, Flags]:
    """By run the values that are possible, as bits; and the rows that cannot be read."""
    rows = runs.rows
    is_lesion = rows["kind"] == _LESION
    verdicts = _verdicts(sources, entry, rows, is_lesion)
    may_be = runs.any((verdicts & _MAY_BE) != 0)
    may_not = runs.all(~is_lesion | ((verdicts & _MAY_NOT) != 0))
    is_count = ~is_lesion
    read = (rows["shape"] > 0) & ~rows["relative"]
    zero = Interval.point(0)
    mask, _ = inside(rows, [Interval.at_least(1), zero])
    some = runs.any(is_count & (~read | ((mask & np.uint64(1)) != 0)))
    none = runs.any(is_count & (~read | ((mask & np.uint64(2)) != 0)))
    uncounted = ~some & ~none
    found = np.zeros(len(runs.starts), np.uint64)
    for is_measurable, can in ((True, may_be), (False, may_not)):
        for counted, told in ((True, some), (False, none), (None, uncounted)):
            place = LESION_VALUES.index(lesion_value(is_measurable, counted))
            found |= np.where(can & told, np.uint64(1 << place), np.uint64(0))
    unread = ((verdicts & _UNREAD) != 0) | (is_count & (rows["shape"] == 0))
    return found, unread


def _verdicts(sources: Sources, entry: Lesion, rows: dict[str, Ints], where: Flags) -> Ints:
    """Whether each lesion may be measurable, may not be, and cannot be read, as bits."""
    found = np.zeros(len(where), np.uint8)
    its = np.stack([rows[name][where] for name in ("sizes", "site", "method")], axis=1)
    if not len(its):
        return found
    known, at = np.unique(its, axis=0, return_inverse=True)
    texts = {
        name: sources.shard.words_of(np.unique(known[:, place]))
        for place, name in enumerate(("sizes", "site", "method"))
    }
    told = np.zeros(len(known), np.uint8)
    for place, (sizes, site, method) in enumerate(known.tolist()):
        lesion = lesion_of(
            texts["sizes"][sizes], texts["site"].get(site), texts["method"].get(method)
        )
        each = set(measurable(lesion, entry))
        told[place] = (
            _MAY_BE * (True in each) + _MAY_NOT * (False in each) + _UNREAD * (not is_read(lesion))
        )
    found[where] = told[at.reshape(-1)]
    return found
