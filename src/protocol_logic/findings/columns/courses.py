"""Courses and lines of therapy of many patients at once, as `findings/therapy.py` reads them.

Just of those of whom all days, ends and intents are known: then there is one reading, a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import numpy as np

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Courses, Finding
from protocol_logic.findings.columns.cells import REASONS, code, distinct
from protocol_logic.findings.columns.closing import (
    Closing,
    certain,
    closing_of,
    history_of,
    seen,
)
from protocol_logic.findings.columns.months import first_day_reaching, last_day_within
from protocol_logic.findings.columns.sources import Sources, number_of
from protocol_logic.findings.columns.tables import NEVER, Column, Flags, Ints, Looks, Why
from protocol_logic.findings.days import COURSE_GAP_DAYS
from protocol_logic.findings.rows import CellSet, Row, concept_group, look
from protocol_logic.findings.therapy import Signature
from protocol_logic.findings.variants import base_of
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Concept, Event
from protocol_logic.records.store.by_entry import INTENTS, KINDS, NO_DAY, STATES

_THERAPY, _CONDITION, _STATED = (1 + KINDS.index(x) for x in ("therapy", "condition", "stated"))
_PRESENT = 1 + STATES.index("present")
_FIRST = number_of(date(1900, 1, 1))
_MOST_BITS = 62


@dataclass(slots=True)
class _Days:
    """Periods or courses: of whom, from when to when, and the number of the intent."""

    patient: Ints
    start: Ints
    end: Ints
    intent: Ints

    def taken(self, where: Flags | Ints) -> _Days:
        return _Days(self.patient[where], self.start[where], self.end[where], self.intent[where])


def read_courses(
    sources: Sources,
    concept: str,
    courses: Courses | None,
    lines: Sequence[Finding],
    table: Looks,
) -> tuple[dict[str, Column], Flags] | None:
    """The columns of a class: of the group, and of the findings of its lines; and who left. None
    where this cannot tell anybody's."""
    if len({base_of(finding) for finding in lines}) < len(lines):
        return None
    return _Reader(sources, concept, courses, lines, table).read()


class _Reader:
    def __init__(
        self,
        sources: Sources,
        concept: str,
        courses: Courses | None,
        lines: Sequence[Finding],
        table: Looks,
    ) -> None:
        self.sources = sources
        self.concept = concept
        self.courses = courses
        self.lines = lines
        self.table = table
        self.patterns = courses.patterns if courses is not None else ()
        self.events = tuple(dict.fromkeys(pattern.event for pattern in self.patterns))
        self.closing: Closing = closing_of(sources, concept)
        self.left = self.closing.left.copy()
        self.oldest = np.full(sources.size, NEVER, np.int64)
        self.closed = np.zeros(sources.size, np.uint8)
        if any(finding.variant for finding in lines):
            self.left |= self.closing.unsure

    def read(self) -> tuple[dict[str, Column], Flags] | None:
        periods = self._periods()
        happened = {name: self._happenings(name) for name in self.events}
        for name in (self.concept, *self.events):
            closing = closing_of(self.sources, name)
            self.left |= closing.left
            self.oldest = np.minimum(self.oldest, closing.dated)
            history = history_of(self.sources.vocabulary, name)
            self.closed[closing.closes] = self.table.list_number(history)
        kept = ~self.left[periods.patient]
        periods = periods.taken(kept)
        signatures: list[tuple[int, Signature]] = []
        shapes = self._shapes(periods, happened, signatures)
        if shapes is None:
            return None
        counts = [self._lines(periods, finding) for finding in self.lines]
        return self._columns(shapes, counts, signatures), self.left

    # ---- what is recorded --------------------------------------------------------------------

    def _note(self, rows: Mapping[str, Ints], where: Flags) -> None:
        np.minimum.at(self.oldest, rows["patient"][where], rows["dated"][where])

    def _periods(self) -> _Days:
        """The periods of the class that have begun; who has an uncertain one leaves."""
        asked = {*(f.detail for f in self.lines), *(p.intent for p in self.patterns)}
        found = []
        for name in self.sources.vocabulary.below(self.concept):
            rows = seen(self.sources, name)
            where = rows["kind"] == _THERAPY
            self._note(rows, where)
            rows = {column: values[where] for column, values in rows.items()}
            patient, as_of = rows["patient"], self.sources.as_of[rows["patient"]]
            after = as_of + 1
            start, start_last = (np.minimum(rows[x], after) for x in ("start_first", "start_last"))
            ended = rows["end_first"] != NO_DAY
            end = np.where(ended, np.minimum(rows["end_first"], after), after)
            end_last = np.where(ended, np.minimum(rows["end_last"], after), after)
            before = end_last < start  # recorded as ending before it starts
            end, end_last = np.where(before, start, end), np.where(before, start, end_last)
            sure = (rows["start_first"] != NO_DAY) & (start == start_last) & (end == end_last)
            sure &= ended | rows["ongoing"]
            if asked - {"", None}:
                sure &= rows["intent"] > 0
            self.left[patient[~sure]] = True
            begun = start <= as_of
            found.append(_Days(patient, start, end, rows["intent"]).taken(begun))
        return _Days(
            *(
                np.concatenate([getattr(each, name) for each in found] or [np.zeros(0, np.int64)])
                for name in ("patient", "start", "end", "intent")
            )
        )

    def _happenings(self, name: str) -> tuple[Ints, Ints]:
        """Of whom an event is recorded, and its day; who has an uncertain one leaves."""
        event = self.sources.vocabulary.entries[name]
        assert isinstance(event, Event)
        patients, days = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        clinical = self.sources.shard.words("clinical")
        statuses = [number for number, status in clinical.items() if status in event.statuses]
        below = self.sources.vocabulary.below
        for kind in (kind for concept in event.concepts for kind in below(concept)):
            rows = seen(self.sources, kind)
            as_of = self.sources.as_of[rows["patient"]]
            first = rows["start_first"]
            where = (rows["kind"] == _CONDITION) & rows["confirmed"] & (rows["state"] == _PRESENT)
            where &= np.isin(rows["clinical"], statuses) & ((first == NO_DAY) | (first <= as_of))
            sure = (first != NO_DAY) & (np.minimum(rows["start_last"], as_of + 1) == first)
            self._event(rows, where, sure, first, patients, days)
        if event.status is not None:
            rows = seen(self.sources, event.status)
            as_of = self.sources.as_of[rows["patient"]]
            words = self.sources.shard.words("stated")
            just = [n for n, content in words.items() if content == event.value]
            among = [n for n, content in words.items() if event.value in content.split("\n")]
            where = (rows["kind"] == _STATED) & (
                (rows["stated"] == 0) | np.isin(rows["stated"], among)
            )
            sure = np.isin(rows["stated"], just) & certain(self.sources, rows)
            sure &= (rows["first"] != NO_DAY) & (rows["first"] == rows["last"])
            self._event(rows, where, sure, rows["first"], patients, days)
        return np.concatenate(patients), np.concatenate(days)

    def _event(
        self,
        rows: Mapping[str, Ints],
        where: Flags,
        sure: Flags,
        day: Ints,
        patients: list[Ints],
        days: list[Ints],
    ) -> None:
        # What else its resource states is evidence too, and may be older.
        self.left[rows["patient"][where & (~sure | rows["mixed"])]] = True
        self._note(rows, where)
        patients.append(rows["patient"][where & sure])
        days.append(day[where & sure])

    # ---- courses -----------------------------------------------------------------------------

    def _shapes(
        self,
        periods: _Days,
        happened: Mapping[str, tuple[Ints, Ints]],
        signatures: list[tuple[int, Signature]],
    ) -> Ints | None:
        """By patient the signatures of the courses, as bits; each is put into the list."""
        shapes = np.zeros(self.sources.size, np.int64)
        for intent in dict.fromkeys(pattern.intent for pattern in self.patterns):
            own = [pattern for pattern in self.patterns if pattern.intent == intent]
            sizes = [1 << len(pattern.clauses) for pattern in own]
            if len(own) + sum(sizes) > _MOST_BITS:
                return None
            courses = joined(_of_intent(periods, intent), COURSE_GAP_DAYS)
            found = np.zeros(len(courses.patient), np.int64)
            for place, pattern in enumerate(own):
                found |= self._room(pattern, courses).astype(np.int64) << place
                shift = len(own) + sum(sizes[:place])
                found |= self._pairs(pattern, courses, happened[pattern.event]) << shift
            known, at = np.unique(found, return_inverse=True)
            for number, bits in enumerate(known.tolist()):
                place = len(signatures)
                patients = courses.patient[at == number]
                if place < _MOST_BITS:
                    signatures.append((place, self._signature(intent, own, sizes, bits)))
                    shapes[patients] |= 1 << place
                else:
                    self.left[patients] = True
        return shapes

    def _room(self, pattern: core.Pattern, courses: _Days) -> Flags:
        """Whether some day up to the as-of date would satisfy all clauses with a course."""
        as_of = self.sources.as_of[courses.patient]
        low, high = np.full(len(as_of), _FIRST), as_of.copy()
        there = np.ones(len(as_of), bool)
        for clause in pattern.clauses:
            if isinstance(clause, core.Duration):
                reached = first_day_reaching(courses.start, clause.months)
                low = np.maximum(low, reached)
                there &= courses.end >= reached
                continue
            if clause.earliest is not None:
                low = np.maximum(low, _bound(courses, clause.earliest, latest=False))
            if clause.latest is not None:
                high = np.minimum(high, _bound(courses, clause.latest, latest=True))
        return there & (low <= high)

    def _pairs(self, pattern: core.Pattern, courses: _Days, event: tuple[Ints, Ints]) -> Ints:
        """By course a bit for each set of clauses that hold of it and one of the events."""
        patient, day = event
        first = np.searchsorted(courses.patient, patient, "left")
        count = np.searchsorted(courses.patient, patient, "right") - first
        which = np.repeat(np.arange(len(patient)), count)
        begin = np.repeat(np.cumsum(count) - count, count)
        at = np.repeat(first, count) + np.arange(len(which)) - begin
        both, days = courses.taken(at), day[which]
        holding = np.zeros(len(at), np.int64)
        for place, clause in enumerate(pattern.clauses):
            holding |= _holds(clause, both, days).astype(np.int64) << place
        found = np.zeros(len(courses.patient), np.int64)
        np.bitwise_or.at(found, at, np.int64(1) << holding)
        return found

    def _signature(
        self, intent: str | None, own: Sequence[core.Pattern], sizes: Sequence[int], bits: int
    ) -> Signature:
        assert self.courses is not None
        rooms, pairs = [], set()
        shift = len(own)
        for place, (pattern, size) in enumerate(zip(own, sizes, strict=True)):
            names = self.courses.names[pattern.name]
            if bits >> place & 1:
                rooms.append(names.room)
            for holding in range(size):
                if bits >> (shift + holding) & 1:
                    held = tuple(c for n, c in enumerate(names.clauses) if holding >> n & 1)
                    pairs.add((pattern.event, held))
            shift += size
        return Signature(intent or core.ANY_INTENT, tuple(sorted(rooms)), tuple(sorted(pairs)))

    # ---- lines -------------------------------------------------------------------------------

    def _lines(self, periods: _Days, finding: Finding) -> Ints:
        """By patient how many lines of an intent there are."""
        lines = joined(_of_intent(periods, finding.detail or None), 0)
        return np.bincount(lines.patient, minlength=self.sources.size)

    def _line_cells(
        self, numbers: Sequence[int], is_open: bool, unlisted: bool
    ) -> Iterator[tuple[str, CellSet]]:
        for finding, count in zip(self.lines, numbers, strict=True):
            number = Fraction(count)
            value = Interval.at_least(number) if is_open else Interval.point(number)
            if finding.variant and unlisted:
                if finding.variant == "or_unrecorded":
                    yield finding.id, frozenset(finding.cells[-1:])
                    continue
                value = Interval.point(number)
            yield (
                finding.id,
                frozenset(cell for cell, part in finding.parts if part.intersects(value)),
            )

    # ---- columns -----------------------------------------------------------------------------

    def _columns(
        self, shapes: Ints, counts: Sequence[Ints], signatures: Sequence[tuple[int, Signature]]
    ) -> dict[str, Column]:
        size = self.sources.size
        is_open = ~self.closing.closes
        unlisted = self.closing.unlisted
        reason = np.where(self.closing.reason > 0, self.closing.reason, code("not_closed"))
        if not self.lines:
            is_open, reason = np.zeros(size, bool), np.zeros(size, np.uint8)
        reason = np.where(is_open, reason, 0)
        parts = [shapes, *counts, is_open, unlisted, reason]
        keys = np.zeros(size, np.int64)
        for part in parts:
            known, its = distinct(part.astype(np.int64))
            keys = distinct(keys * len(known) + its)[1].astype(np.int64)
        known, first = np.unique(keys, return_index=True)
        looks, whys = np.zeros(len(known), np.int32), np.zeros(len(known), np.int32)
        for place, patient in enumerate(first.tolist()):
            slots = [s for n, s in signatures if int(shapes[patient]) >> n & 1]
            numbers = [int(each[patient]) for each in counts]
            cells = dict(self._line_cells(numbers, bool(is_open[patient]), bool(unlisted[patient])))
            for number, signature in enumerate(sorted(slots), 1):
                cells.update(signature.cells(self.concept, f"c{number}", number))
            row, why = Row(tuple(sorted(cells.items()))), self._why(int(reason[patient]))
            elements = [element for element, _ in why]
            inside = [f"{n} {e}" for n in sorted(f.id for f in self.lines) for e in elements]
            looks[place] = self.table.number(look((row,), (*elements, *inside)))
            whys[place] = self.table.why_number(why)
        group = Column.empty(size)
        group.look, group.why = looks[keys], whys[keys]
        columns = {concept_group(self.concept): group}
        for finding in self.lines:
            columns[finding.id] = Column.empty(size)
            columns[finding.id].why = group.why.copy()
        for column in columns.values():
            column.oldest, column.closing = self.oldest.copy(), self.closed.copy()
            if is_open.any():
                column.resource(0)[is_open] = self.closing.who[is_open]
        return columns

    def _why(self, reason: int) -> Why:
        if not reason:
            return ()
        entries = self.sources.vocabulary.entries
        found = entries[self.concept]
        assert isinstance(found, Concept)
        return ((entries[found.closed_by or self.concept].element, REASONS[reason - 1]),)


def _of_intent(periods: _Days, intent: str | None) -> _Days:
    """The periods of one intent; of all where there is none."""
    if not intent:
        return periods
    return periods.taken(periods.intent == 1 + INTENTS.index(intent))


def joined(periods: _Days, gap_days: int) -> _Days:
    """Periods joined while the next starts at most so many days after the latest end."""
    order = np.lexsort((periods.end, periods.start, periods.patient))
    its = periods.taken(order)
    if not len(order):
        return its
    new = np.ones(len(order), bool)
    new[1:] = its.patient[1:] != its.patient[:-1]
    # The latest end before, in each patient: ends are lifted apart by patient for one pass.
    lift = (np.cumsum(new) - 1) * np.int64(2**40)
    latest = np.maximum.accumulate(its.end + lift)
    begins = new.copy()
    begins[1:] |= its.start[1:] + lift[1:] - latest[:-1] > gap_days
    at = np.flatnonzero(begins)
    return _Days(its.patient[at], its.start[at], np.maximum.reduceat(its.end, at), its.intent[at])


def _bound(courses: _Days, instant: core.Instant, *, latest: bool) -> Ints:
    """The first day that an instant allows, or the last one."""
    edge = courses.start if instant.edge == "start" else courses.end
    if not instant.months:
        return edge
    return (last_day_within if latest else first_day_reaching)(edge, instant.months)


def _holds(clause: core.Timing | core.Duration, courses: _Days, day: Ints) -> Flags:
    if isinstance(clause, core.Duration):
        reached = first_day_reaching(courses.start, clause.months)
        long_enough: Flags = np.minimum(courses.end, day) >= reached
        return long_enough
    held = np.ones(len(day), bool)
    if clause.earliest is not None:
        held &= day >= _bound(courses, clause.earliest, latest=False)
    if clause.latest is not None:
        held &= day <= _bound(courses, clause.latest, latest=True)
    return held
