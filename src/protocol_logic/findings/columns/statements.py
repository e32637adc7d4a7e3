"""Statements about concepts of many patients at once, as `findings/statements.py` reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.columns.cells import Openers, Read, code
from protocol_logic.findings.columns.closing import Closing, closing_of
from protocol_logic.findings.columns.doubts import doubted_of
from protocol_logic.findings.columns.occurrences import READ as OCCURRENCES, read_occurrences
from protocol_logic.findings.columns.runs import Runs
from protocol_logic.findings.columns.seen import (
    STATEMENT,
    certain,
    first_of,
    flags,
    seen,
    state_now,
)
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NEVER, NOBODY, Flags, Ints
from protocol_logic.findings.rows import Reason
from protocol_logic.findings.statements import HAPPENED
from protocol_logic.foundation.operators import OPERATORS
from protocol_logic.knowledge.vocabulary import Concept, Event
from protocol_logic.records.store.by_entry import KINDS, NO_DAY, SIDES
from protocol_logic.records.store.shards import Table

_CONDITION, _THERAPY, _DONE = (1 + KINDS.index(x) for x in ("condition", "therapy", "done"))
_BOTH, _LEFT, _RIGHT = (1 + SIDES.index(side) for side in ("both", "left", "right"))

READ = {"presence", "evidence", "in_effect", "both_sides", "unrecorded", "in_record"} | OCCURRENCES
"""The kinds that `read_statement` reads; and what is open for everybody."""
OPEN = {"undetermined", "todo"}


def read_statement(sources: Sources, finding: Finding) -> Read:
    """Read a finding that shares no input with another."""
    match finding.kind:
        case "presence":
            read = _presence(sources, finding)
        case "evidence":
            read = _evidence(sources, finding)
        case "in_effect":
            read = _in_effect(sources, finding)
        case "both_sides":
            read = _both_sides(sources, finding)
        case "in_record":
            read = _in_record(sources, finding)
        case kind if kind in OCCURRENCES:
            read = read_occurrences(sources, finding)
        case "unrecorded":
            read = _unrecorded(sources, finding)
        case _:
            read = Read.of(sources.size, (1 << len(finding.cells)) - 1)
            read.openers.append(_absent(sources, finding))
    if finding.variant == "or_unrecorded" and finding.kind in HAPPENED:
        closing = closing_of(sources, finding.entry)
        by_list = finding.kind != "evidence"
        happened = closing.unlisted if by_list else closing.unlisted_but
        cells = list(range(len(finding.cells)))
        read.mask[happened] = 1 << cells[HAPPENED[finding.kind]]
        read.oldest[happened] = NEVER
        if read.closing is not None:
            read.closing[happened] = False
        read.left |= closing.unsure
    return read


def _cells(finding: Finding, *cells: str) -> np.uint64:
    return np.uint64(sum(1 << finding.cells.index(cell) for cell in cells))


def _absent(sources: Sources, finding: Finding) -> Openers:
    reason = np.full(sources.size, code("absent"), np.uint8)
    return Openers(finding.element, reason, np.full(sources.size, NOBODY, np.int32))


def _not_closed(finding: Finding, closing: Closing, reason: Ints) -> Openers:
    """What nothing closes; `reason`: by patient why, where nothing else is to blame."""
    return Openers(
        finding.element, np.where(closing.reason > 0, closing.reason, reason), closing.who
    )


def _presence(sources: Sources, finding: Finding) -> Read:
    entry = sources.vocabulary.entries[finding.entry]
    closing = closing_of(sources, finding.entry, ())
    facts = sources.facts(finding.entry, STATEMENT)
    runs = Runs(facts, sources.as_of)
    rows = runs.rows
    state = state_now(sources, rows)
    states = runs.union(np.uint8(1) << (state.astype(np.uint8) - np.uint8(1)))
    left = runs.any((rows["kind"] != _CONDITION) | rows["past"] | (rows["state"] == 0))
    if getattr(entry, "recurs", False):  # that it ended may deny nothing
        left |= (states & 2) != 0
    doubted = doubted_of(sources, finding.entry)  # nor may what is older than a doubt
    left |= ((states & 2) != 0) & (doubted.sure | doubted.unsure)[runs.patients]
    # What the latest do not say may be present still, where statements name different things.
    left |= (states != 1) & _differ(facts, sources.size)[runs.patients]
    if finding.variant:
        left |= runs.none_certain
    present, absent = _cells(finding, "present"), _cells(finding, "absent")
    unrecorded = _cells(finding, "unrecorded")
    mask = np.where(states == 1, present, np.where(states == 2, absent, present | absent))
    mask = np.where(runs.none_certain, present | absent | unrecorded, mask)
    several = (states & (states - np.uint8(1))) != 0
    reason = np.where(several & ~runs.none_certain, code("conflicting"), code("imprecise"))
    # Of whom nothing is stated, lists decide.
    its = np.where(closing.closes, absent, absent | unrecorded)
    read = Read.of(sources.size, 0)
    if finding.variant:
        unsaid = absent if finding.variant == "as_recorded" else unrecorded
        its = np.where(~closing.closes & closing.unlisted, unsaid, its)
        read.left |= closing.unsure
    unstated = np.ones(sources.size, bool)
    unstated[runs.patients] = False
    its[runs.patients] = mask
    read.mask = its
    read.left |= (closing.left & unstated) | _to_a_class(sources, finding)
    read.left[runs.patients] |= left
    openers = _not_closed(finding, closing, np.full(sources.size, code("absent"), np.uint8))
    openers.reason[runs.patients] = reason
    openers.who = openers.who.copy()
    openers.who[runs.patients] = rows["resource"][runs.starts]
    read.openers.append(openers)
    read.closing = closing.closes & unstated
    read.oldest = np.where(unstated, closing.dated, runs.oldest())
    return read


def _differ(facts: Table, size: int) -> Flags:
    """Who has facts with different code elements."""
    found = np.zeros(size, bool)
    patient, about = facts["patient"], facts["about"]
    found[patient[1:][(patient[1:] == patient[:-1]) & (about[1:] != about[:-1])]] = True
    return found


def _to_a_class(sources: Sources, finding: Finding) -> Flags:
    """Who has something stated of an allergy to a class of a medication."""
    entry = sources.vocabulary.entries[finding.entry]
    found = np.zeros(sources.size, bool)
    if isinstance(entry, Concept) and entry.kind == "allergy":
        for name in sources.vocabulary.above(finding.entry):
            found[seen(sources, name)["patient"]] = True
    return found


@dataclass(slots=True)
class _Facts:
    """By patient the facts that a finding rests on, of several entries one after the other."""

    any: Flags
    who: Ints
    oldest: Ints

    @classmethod
    def none(cls, size: int) -> _Facts:
        return cls(
            np.zeros(size, bool), np.full(size, NOBODY, np.int32), np.full(size, NEVER, np.int64)
        )

    def add(self, sources: Sources, rows: dict[str, NDArray[np.int64]], where: Flags) -> None:
        """Add rows of the next entry; `who` is of the first row of all."""
        has = flags(sources, rows, where)
        new = has & ~self.any
        self.who[new] = first_of(sources, rows, where, "resource", NOBODY)[new]
        self.any |= has
        np.minimum.at(self.oldest, rows["patient"][where], rows["dated"][where])


def _evidence(sources: Sources, finding: Finding) -> Read:
    facts, sure = _Facts.none(sources.size), np.zeros(sources.size, bool)
    words = sources.shard.words("evidence")
    its = [number for number, content in words.items() if finding.detail in content.split("\n")]
    for name in sources.vocabulary.below(finding.entry):
        rows = seen(sources, name)
        where = (rows["kind"] == _CONDITION) & rows["confirmed"] & np.isin(rows["evidence"], its)
        facts.add(sources, rows, where)
        sure |= flags(sources, rows, where & certain(sources, rows))
    yes = _cells(finding, *OPERATORS["confirmed by"].true)
    every = np.uint64((1 << len(finding.cells)) - 1)
    read = Read.of(sources.size, 0)
    read.mask = np.where(sure, yes, every)
    if finding.variant == "as_recorded":
        closing = closing_of(sources, finding.entry)
        denied = ~facts.any & closing.unlisted_but
        read.mask = np.where(denied, _cells(finding, "not_confirmed"), read.mask)
        read.left |= closing.unsure
    read.openers.append(_absent(sources, finding))
    read.oldest = facts.oldest
    return read


def _in_effect(sources: Sources, finding: Finding) -> Read:
    facts = _Facts.none(sources.size)
    sure, maybe = np.zeros(sources.size, bool), np.zeros(sources.size, bool)
    who = np.full(sources.size, NOBODY, np.int32)
    for name in sources.vocabulary.below(finding.entry):
        rows = seen(sources, name)
        is_course = rows["kind"] == _THERAPY
        facts.add(sources, rows, is_course)
        as_of = sources.as_of[rows["patient"]]
        no_start, no_end = rows["start_first"] == NO_DAY, rows["end_first"] == NO_DAY
        goes_on = is_course & (~no_end | rows["ongoing"])
        begun = no_start | (rows["start_last"] <= as_of)
        is_sure = begun & (no_end | (rows["end_first"] >= as_of))
        may_be = goes_on & ~is_sure & (no_end | (rows["end_last"] >= as_of))
        sure |= flags(sources, rows, goes_on & is_sure)
        maybe |= flags(sources, rows, may_be)
        who[rows["patient"][may_be]] = rows["resource"][may_be]  # the last stays
    return _open_world(sources, finding, sure, maybe, who, facts)


def _both_sides(sources: Sources, finding: Finding) -> Read:
    facts = _Facts.none(sources.size)
    size = sources.size
    sure = {side: np.zeros(size, bool) for side in (0, _BOTH, _LEFT, _RIGHT)}
    may = {side: np.zeros(size, bool) for side in (0, _BOTH, _LEFT, _RIGHT)}
    for name in sources.vocabulary.below(finding.entry):
        rows = seen(sources, name)
        is_done = rows["kind"] == _DONE
        facts.add(sources, rows, is_done)
        counts = is_done & rows["known"] & certain(sources, rows)
        for side in sure:
            sure[side] |= flags(sources, rows, counts & (rows["side"] == side))
            may[side] |= flags(sources, rows, is_done & (rows["side"] == side))
    is_sure = sure[_BOTH] | (sure[_LEFT] & sure[_RIGHT])
    may_be = may[0] | may[_BOTH] | (may[_LEFT] & may[_RIGHT])
    return _open_world(sources, finding, is_sure, may_be, facts.who, facts)


def _open_world(
    sources: Sources, finding: Finding, sure: Flags, maybe: Flags, who: Ints, facts: _Facts
) -> Read:
    """Yes, no, or yes without a record, where no list closes it."""
    closing = closing_of(sources, finding.entry)
    yes, no, unrecorded = (np.uint64(1 << place) for place in range(3))
    zero = np.uint64(0)
    closes = closing.closes
    if finding.variant == "as_recorded":
        closes = closes | closing.unlisted
    mask = no | np.where(maybe, yes, zero) | np.where(closes, zero, unrecorded)
    read = Read.of(sources.size, 0)
    read.mask = np.where(sure, yes, mask)
    read.left = closing.left & ~sure
    if finding.variant == "as_recorded":
        read.left = read.left | closing.unsure
    imprecise = np.where(maybe, code("imprecise"), 0).astype(np.uint8)
    reason = np.where(facts.any, code("not_closed"), code("absent")).astype(np.uint8)
    unclosed = _not_closed(finding, closing, reason)
    unclosed.reason = np.where(closes, np.uint8(0), unclosed.reason)
    read.openers += [Openers(finding.element, imprecise, who), unclosed]
    read.closing = closing.closes & ~sure
    read.oldest = np.where(read.closing, np.minimum(facts.oldest, closing.dated), facts.oldest)
    return read


def _in_record(sources: Sources, finding: Finding) -> Read:
    """Whether anything is recorded of a concept or its kinds, or a list of a history."""
    is_concept = isinstance(sources.vocabulary.entries[finding.entry], Concept)
    names = sources.vocabulary.below(finding.entry) if is_concept else (finding.entry,)
    facts, sure = _Facts.none(sources.size), np.zeros(sources.size, bool)
    for name in names:
        rows = seen(sources, name)
        facts.add(sources, rows, np.ones(len(rows["patient"]), bool))
        sure |= flags(sources, rows, certain(sources, rows))
    yes, no = _cells(finding, "yes"), _cells(finding, "no")
    read = Read.of(sources.size, 0)
    read.mask = np.where(sure, yes, np.where(facts.any, yes | no, no))
    reason = np.full(sources.size, code("imprecise"), np.uint8)
    read.openers.append(Openers(finding.element, reason, facts.who))
    read.oldest = facts.oldest
    read.closing = facts.any.copy() if not is_concept else None
    return read


def _unrecorded(sources: Sources, finding: Finding) -> Read:
    """Whether there may be more of a therapy or event than the record says."""
    closing = closing_of(sources, finding.entry)
    is_event = isinstance(sources.vocabulary.entries[finding.entry], Event)
    why: Reason = "absent" if is_event else "not_closed"
    closes = closing.closes
    read = Read.of(sources.size, 0)
    if finding.variant == "as_recorded":
        closes = closes | closing.unlisted
        read.left |= closing.unsure
    every = np.uint64((1 << len(finding.cells)) - 1)
    read.mask = np.where(closes, _cells(finding, "none"), every)
    read.left |= closing.left
    reason = np.full(sources.size, code(why), np.uint8)
    read.openers.append(_not_closed(finding, closing, reason))
    read.oldest, read.closing = closing.dated, closing.closes.copy()
    return read
