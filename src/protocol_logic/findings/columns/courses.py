"""Courses and lines of therapy of many patients at once, as `findings/therapy.py` reads them.

Just of those of whom all days and ends are known. Each completion of a patient is read as if it
were a patient: one for whom all intents are stated, else one for each choice of intents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Courses, Finding
from protocol_logic.findings.columns.cells import REASONS, code, distinct
from protocol_logic.findings.columns.closing import Closing, closing_of, history_of
from protocol_logic.findings.columns.completions import Completions, Days
from protocol_logic.findings.columns.months import first_day_reaching, last_day_within
from protocol_logic.findings.columns.seen import certain, seen
from protocol_logic.findings.columns.sources import Sources, number_of
from protocol_logic.findings.columns.tables import NEVER, Column, Flags, Ints, Looks, Why
from protocol_logic.findings.days import COURSE_GAP_DAYS
from protocol_logic.findings.rows import CellSet, Row, concept_group, look, without_values
from protocol_logic.findings.therapy import Labels, Signature, merged, moving as moving_elements
from protocol_logic.findings.variants import base_of
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Concept, Event
from protocol_logic.records.store.by_entry import INTENTS, KINDS, NO_DAY, STATES

_THERAPY, _CONDITION, _STATED = (1 + KINDS.index(x) for x in ("therapy", "condition", "stated"))
_PRESENT = 1 + STATES.index("present")
_FIRST = number_of(date(1900, 1, 1))
_MOST_BITS = 62

_Completion: TypeAlias = tuple[list[Signature], list[int]]
"""The signatures of the courses, and by finding the number of lines."""


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
        its = self.completions = Completions(periods, self.left, self._intents())
        begun = its.periods.start <= its.to_completions(self.sources.as_of)[its.periods.patient]
        periods = its.periods.taken(begun)
        signatures: list[tuple[int, Signature]] = []
        shapes = self._shapes(periods, happened, signatures)
        if shapes is None:
            return None
        counts = [self._lines(periods, finding) for finding in self.lines]
        return self._columns(shapes, counts, signatures), self.left

    # ---- what is recorded --------------------------------------------------------------------

    def _note(self, rows: Mapping[str, Ints], where: Flags) -> None:
        np.minimum.at(self.oldest, rows["patient"][where], rows["dated"][where])

    def _intents(self) -> list[int]:
        """The numbers of the intents that a period without one may have; those of which nothing is
        asked are alike."""
        asked = {*(f.detail for f in self.lines), *(p.intent for p in self.patterns)}
        its = [n for n, intent in enumerate(INTENTS, 1) if intent in asked]
        others = [n for n, intent in enumerate(INTENTS, 1) if intent not in asked]
        return [*its, *others[:1]]

    def _periods(self) -> Days:
        """The periods of the class; who has one of uncertain days leaves."""
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
            self.left[patient[~sure]] = True
            found.append(Days(patient, start, end, rows["intent"], rows["resource"]))
        return Days.of(found)

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
        periods: Days,
        happened: Mapping[str, tuple[Ints, Ints]],
        signatures: list[tuple[int, Signature]],
    ) -> Ints | None:
        """By completion the signatures of the courses, as bits; each is put into the list."""
        shapes = np.zeros(self.completions.size, np.int64)
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
                events = self.completions.events(*happened[pattern.event])
                found |= self._pairs(pattern, courses, events) << shift
            known, at = np.unique(found, return_inverse=True)
            for number, bits in enumerate(known.tolist()):
                place = len(signatures)
                patients = courses.patient[at == number]
                if place < _MOST_BITS:
                    signatures.append((place, self._signature(intent, own, sizes, bits)))
                    shapes[patients] |= 1 << place
                else:
                    self.left[self.completions.of[patients]] = True
        return shapes

    def _room(self, pattern: core.Pattern, courses: Days) -> Flags:
        """Whether some day up to the as-of date would satisfy all clauses with a course."""
        as_of = self.completions.to_completions(self.sources.as_of)[courses.patient]
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

    def _pairs(self, pattern: core.Pattern, courses: Days, event: tuple[Ints, Ints]) -> Ints:
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

    def _lines(self, periods: Days, finding: Finding) -> Ints:
        """By completion how many lines of an intent there are."""
        lines = joined(_of_intent(periods, finding.detail or None), 0)
        return np.bincount(lines.patient, minlength=self.completions.size)

    # ---- columns -----------------------------------------------------------------------------

    def _columns(
        self, shapes: Ints, counts: Sequence[Ints], signatures: Sequence[tuple[int, Signature]]
    ) -> dict[str, Column]:
        size, its = self.sources.size, self.completions
        is_open, unlisted = ~self.closing.closes, self.closing.unlisted
        reason = np.where(self.closing.reason > 0, self.closing.reason, code("not_closed"))
        if not self.lines:
            is_open = np.zeros(size, bool)
        reason = np.where(is_open, reason, 0)
        patients, place, resource = its.openers()
        intents = np.bincount(patients, minlength=size)
        keys = _together(
            [its.sequences(_together([shapes, *counts])), intents, is_open, unlisted, reason]
        )
        known, first = np.unique(keys, return_index=True)
        names = [concept_group(self.concept), *(finding.id for finding in self.lines)]
        looks = np.zeros(len(known), np.int32)
        whys = {name: np.zeros(len(known), np.int32) for name in names}
        asking = {name: np.zeros(len(known), bool) for name in names}
        for key, patient in enumerate(first.tolist()):
            begin = int(its.first[patient])
            completions = [
                (
                    [signature for n, signature in signatures if int(shapes[each]) >> n & 1],
                    [int(numbers[each]) for numbers in counts],
                )
                for each in range(begin, begin + int(its.many[patient]))
            ]
            rows, moved = self._rows(completions, bool(is_open[patient]), bool(unlisted[patient]))
            why = self._why(int(reason[patient]))
            also: Why = (("treatment_intent", "absent"),) * int(intents[patient])
            elements: dict[str, dict[str, None]] = {}
            for name in names:
                asking[name][key] = name == names[0] or name in moved
                said = (*why, *also) if asking[name][key] else why
                whys[name][key] = self.table.why_number(said)
                elements[name] = dict.fromkeys(element for element, _ in said)
            inside = [f"{name} {e}" for name in sorted(names[1:]) for e in elements[name]]
            looks[key] = self.table.number(look(rows, (*elements[names[0]], *inside)))
        columns = {name: Column.empty(size) for name in names}
        columns[names[0]].look = looks[keys]
        place = place + is_open[patients]
        for name, column in columns.items():
            column.why = whys[name][keys]
            column.oldest, column.closing = self.oldest.copy(), self.closed.copy()
            if is_open.any():
                column.resource(0)[is_open] = self.closing.who[is_open]
            asks = asking[name][keys][patients]
            for each in np.unique(place[asks]).tolist():
                at = asks & (place == each)
                column.resource(each)[patients[at]] = resource[at]
        return columns

    def _rows(
        self, completions: Sequence[_Completion], is_open: bool, unlisted: bool
    ) -> tuple[tuple[Row, ...], frozenset[str]]:
        """The rows of a patient, and the lines of which the intents move the number."""
        rows = []
        moving = {finding.id: dict[Labels, tuple[Fraction, bool]]() for finding in self.lines}
        for place, (slots, counts) in enumerate(completions):
            labels = (("treatment_intent", str(place)),) if len(completions) > 1 else ()
            cells: dict[str, CellSet] = {}
            for finding, count in zip(self.lines, counts, strict=True):
                number = Fraction(count)
                value = Interval.at_least(number) if is_open else Interval.point(number)
                if finding.variant and unlisted:
                    if finding.variant == "or_unrecorded":
                        cells[finding.id] = frozenset(finding.cells[-1:])
                        continue
                    value = Interval.point(number)
                its = frozenset(cell for cell, part in finding.parts if part.intersects(value))
                cells[finding.id] = its
                moving[finding.id][labels] = number, len(its) > 1
            for slot, signature in enumerate(sorted(slots), 1):
                cells.update(signature.cells(self.concept, f"c{slot}", slot))
            rows.append(Row(tuple(sorted(cells.items())), labels))
        moved = [name for name, numbers in moving.items() if is_open and moving_elements(numbers)]
        return without_values(merged(rows)), frozenset(moved)

    def _why(self, reason: int) -> Why:
        if not reason:
            return ()
        entries = self.sources.vocabulary.entries
        found = entries[self.concept]
        assert isinstance(found, Concept)
        return ((entries[found.closed_by or self.concept].element, REASONS[reason - 1]),)


def _together(parts: Sequence[Ints]) -> Ints:
    """A number for what is the same in all parts, from 0 and without gaps."""
    keys = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        known, its = distinct(part.astype(np.int64))
        keys = distinct(keys * len(known) + its)[1].astype(np.int64)
    return keys


def _of_intent(periods: Days, intent: str | None) -> Days:
    """The periods of one intent; of all where there is none."""
    if not intent:
        return periods
    return periods.taken(periods.intent == 1 + INTENTS.index(intent))


def joined(periods: Days, gap_days: int) -> Days:
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
    found = its.taken(at)
    found.end = np.maximum.reduceat(its.end, at)
    return found


def _bound(courses: Days, instant: core.Instant, *, latest: bool) -> Ints:
    """The first day that an instant allows, or the last one."""
    edge = courses.start if instant.edge == "start" else courses.end
    if not instant.months:
        return edge
    return (last_day_within if latest else first_day_reaching)(edge, instant.months)


def _holds(clause: core.Timing | core.Duration, courses: Days, day: Ints) -> Flags:
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
