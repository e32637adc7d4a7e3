"""Computed quantities of many patients at once, as `Cutter` cuts them.

Who has several alternatives of an input leaves: the findings that read it move together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol_logic.compiling import formulas
from protocol_logic.compiling.plan import NOT_RECORDED, Finding
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns.cells import Openers, Read, anything, code
from protocol_logic.findings.columns.cutting import inside
from protocol_logic.findings.columns.formulas import Bounded, bounded, exact
from protocol_logic.findings.columns.numbers import numbers_of
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NEVER, NOBODY, Flags, Ints
from protocol_logic.findings.columns.values import ages_of, values_named
from protocol_logic.findings.formulas import compute
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.store.by_entry import HI_CLOSED, LO_CLOSED, NO_HI, NO_LO


@dataclass(slots=True)
class _Input:
    """An input by patient: a number (`has`) as numerators and denominators, nothing (`nothing`), or
    unreadable. `several`: who has not just one of these. `ranged`: of whom all that is known is
    where the number lies: from `number` to `high`, with the `ends` that a store has."""

    openers: Openers
    has: Flags
    nothing: Flags
    several: Flags
    left: Flags
    oldest: Ints
    number: tuple[Ints, Ints]
    ranged: Flags
    high: tuple[Ints, Ints]
    ends: Ints

    def interval(self, place: int) -> Interval:
        """The number of a patient."""
        low = exact(self.number, place)
        if not self.ranged[place]:
            return Interval.point(low)
        ends = int(self.ends[place])
        return Interval(
            None if ends & NO_LO else low,
            bool(ends & LO_CLOSED),
            None if ends & NO_HI else exact(self.high, place),
            bool(ends & HI_CLOSED),
        )


def read_derived(sources: Sources, finding: Finding, sex: str | None) -> tuple[Read, Flags, Flags]:
    """The cells of a computed quantity; in whom it reads a reported value that has several
    alternatives; and in whom the sex, which is not certain."""
    derived = sources.protocol.derived[finding.entry]
    size = sources.size
    inputs = {name: _input(sources, name, finding.window) for name in derived.inputs}
    fields = {name: values_named(sources, name) for name in derived.fields}
    has = np.logical_and.reduce([each.has for each in inputs.values()])
    several = np.logical_or.reduce([each.several for each in inputs.values()])
    left = several | np.logical_or.reduce([each.left for each in inputs.values()])
    chosen: dict[str, Flags] = {}
    no_fact = np.zeros(size, bool)
    asks = np.zeros(size, bool)
    ranged = has & np.logical_or.reduce([each.ranged for each in inputs.values()])
    openers = [each.openers for each in inputs.values()]
    for name, values in fields.items():
        runs = values.runs
        sure = runs.to_patients(values.one & ~values.left, False)
        if name == sex:
            asks |= has & ~sure
        else:
            left |= has & ~sure
        left |= runs.to_patients(values.left, False)
        for place, value in enumerate(values.values):
            its = values.possible == np.uint64(1 << place)
            chosen[f"{name} {value}"] = runs.to_patients(its, False) & sure
        reason = np.full(size, code("absent"), np.uint8)
        reason[runs.patients] = values.reason
        openers.append(
            Openers(_element(sources, name), reason, runs.to_patients(values.who, NOBODY))
        )
        no_fact |= ~runs.to_patients(np.ones(len(runs.starts), bool), False)
    read = Read.of(size, 0)
    mask, is_open = _computed(finding, derived, inputs, chosen, has & ~left & ~asks, ranged)
    read.mask = mask
    read.left = left
    reported = _reported(sources, finding, derived, read, ~has & ~left)
    unsure = ~has & reported.several if reported is not None else np.zeros(size, bool)
    if finding.variant:
        nothing = no_fact | np.logical_or.reduce([each.nothing for each in inputs.values()])
        missing = nothing & ~has
        read.left |= no_fact & has
        if reported is not None:
            absent = reported.nothing
            read.left |= missing & reported.several
            missing &= absent
        read.mask[missing] = np.uint64(1 << finding.cells.index(NOT_RECORDED))
    of_inputs = np.minimum.reduce([each.oldest for each in inputs.values()])
    read.oldest = of_inputs
    if reported is not None:
        read.oldest = np.where(has, of_inputs, reported.oldest)
    # With a range among the inputs, each of them can tip what is computed; else only a root.
    root = np.where(is_open & ~ranged, code("imprecise"), 0).astype(np.uint8)
    for each in openers:
        each.reason = np.where(has & ~ranged, np.uint8(0), each.reason)
    nobody = np.full(size, NOBODY, np.int32)
    read.openers = [*openers, Openers(derived.element, root, nobody)]
    return read, unsure, asks


def newer_reported(sources: Sources, finding: Finding) -> Flags:
    """Of whom a reported value may be newer than a result from which the quantity is computed."""
    derived = sources.protocol.derived[finding.entry]
    nobody = np.zeros(sources.size, bool)
    if derived.reported is None:
        return nobody
    runs = numbers_of(sources, derived.reported, finding.window).runs
    reported = runs.to_patients(runs.most(runs.rows["last"].astype(np.int64)), -NEVER)
    found = nobody
    for name in derived.inputs:
        if isinstance(sources.vocabulary.entries[name], voc.Quantity):
            its = numbers_of(sources, name, finding.window).runs
            first = its.least(its.rows["first"].astype(np.int64))
            found |= reported > its.to_patients(first, NEVER)
    return found


def _element(sources: Sources, name: str) -> str:
    entry = sources.vocabulary.entries[name]
    assert isinstance(entry, voc.Named)
    return entry.element


def _input(sources: Sources, name: str, window: Window | None) -> _Input:
    entry = sources.vocabulary.entries[name]
    size = sources.size
    if isinstance(entry, voc.Age):
        ages = ages_of(sources, entry)
        has = ages.known
        several = has & (ages.least != ages.most)
        reason = np.where(has & ~several, np.uint8(0), ages.reason)
        return _Input(
            Openers(entry.element, reason, ages.who.copy()),
            has, ages.reason == code("absent"), several, ages.left, np.full(size, NEVER, np.int64),
            (ages.least, np.ones(size, np.int64)), np.zeros(size, bool),
            (ages.least, np.ones(size, np.int64)), np.zeros(size, np.uint8),
        )  # fmt: skip
    numbers = numbers_of(sources, name, window)
    runs, rows = numbers.runs, numbers.runs.rows
    reason = np.full(size, code("absent"), np.uint8)
    reason[runs.patients] = numbers.reason
    first = {
        column: runs.to_patients(rows[column][runs.starts], without)
        for column, without in (("lo_n", 0), ("lo_d", 1), ("hi_n", 0), ("hi_d", 1), ("ends", 0))
    }
    ranged = numbers.ranged & (name not in sources.cut)
    return _Input(
        Openers(_element(sources, name), reason, runs.to_patients(numbers.who, NOBODY)),
        runs.to_patients(runs.any(numbers.counts), False),
        ~runs.to_patients(np.ones(len(runs.starts), bool), False),
        runs.to_patients(~numbers.one & ~ranged, False),
        runs.to_patients(numbers.left, False),
        runs.oldest(),
        (first["lo_n"], first["lo_d"]),
        runs.to_patients(ranged, False),
        (first["hi_n"], first["hi_d"]),
        first["ends"],
    )


def _computed(
    finding: Finding,
    derived: formulas.Derived,
    inputs: Mapping[str, _Input],
    chosen: Mapping[str, Flags],
    where: Flags,
    ranged: Flags,
) -> tuple[NDArray[np.uint64], Flags]:
    """The cells of those of whom all inputs are one number, or a range, and who has several of
    them."""
    mask = np.zeros(len(where), np.uint64)
    is_open = np.zeros(len(where), bool)
    at = np.flatnonzero(where)
    if not len(at):
        return mask, is_open
    values = {
        name: Bounded.of(each.number[0][at].astype(np.float64) / each.number[1][at])
        for name, each in inputs.items()
    }
    found = bounded(derived.formula, values, {key: its[at] for key, its in chosen.items()})
    value = np.broadcast_to(found.value, at.shape)
    near = ~np.isfinite(value) | ~np.isfinite(found.error) | ranged[at]
    cells = np.zeros(len(at), np.uint64)
    for place, (_, part) in enumerate(finding.parts):
        inside = np.ones(len(at), bool)
        for end, sign in ((part.lo, 1), (part.hi, -1)):
            if end is not None:
                inside &= sign * value > sign * float(end)
                near |= found.may_be(end)
        cells |= inside.astype(np.uint64) << np.uint64(place)
    mask[at] = cells
    for place in at[near].tolist():
        numbers = {name: each.interval(place) for name, each in inputs.items()}
        fields = dict(key.split(" ", 1) for key, its in chosen.items() if its[place])
        exactly = compute(derived.formula, numbers, fields)
        its = [part.intersects(exactly) for _, part in finding.parts]
        mask[place] = sum(1 << n for n, is_in in enumerate(its) if is_in)
        is_open[place] = sum(its) > 1
    return mask, is_open


@dataclass(slots=True)
class _Reported:
    """The reported value by patient: of whom there is none, and of whom several; its oldest."""

    nothing: Flags
    several: Flags
    oldest: Ints


def _reported(
    sources: Sources, finding: Finding, derived: formulas.Derived, read: Read, where: Flags
) -> _Reported | None:
    """Where an input is missing or unreadable, the reported value decides."""
    any_cell = np.uint64(anything(finding, None))
    if derived.reported is None:
        read.mask[where] = any_cell
        return None
    numbers = numbers_of(sources, derived.reported, finding.window)
    mask, left = _of_reported(sources, finding, derived.reported, any_cell)
    read.mask[where] = mask[where]
    read.left |= where & left
    runs = numbers.runs
    there = runs.to_patients(np.ones(len(runs.starts), bool), False)
    return _Reported(~there, runs.to_patients(~numbers.one, False), runs.oldest())


def _of_reported(
    sources: Sources, finding: Finding, reported: str, any_cell: Any
) -> tuple[NDArray[np.uint64], Flags]:
    """The cells of the reported value; all where there is none that can be read."""
    numbers = numbers_of(sources, reported, finding.window)
    runs, rows = numbers.runs, numbers.runs.rows
    low = Interval.at_least(0)
    of_any = np.uint64(sum(1 << n for n, (_, x) in enumerate(finding.parts) if x.intersects(low)))
    mask, unfit = inside(rows, [part for _, part in finding.parts])
    mask = np.where(rows["relative"], of_any, mask)
    its = runs.union(np.where(numbers.counts, mask, np.uint64(0)))
    its |= np.where(numbers.blank | numbers.no_fact, any_cell, np.uint64(0))
    left = numbers.left | runs.any(unfit & numbers.counts)
    return runs.to_patients(its, any_cell), runs.to_patients(left, False)
