"""Courses and lines of therapy: all joint readings of one medication class, as rows.

Uncertain dates, ends and intents are enumerated, dates by the days of `days.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import date
from fractions import Fraction
from itertools import product
from math import prod
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Courses, Finding
from protocol_logic.findings.days import COURSE_GAP_DAYS, Dated, Day, candidates, plus
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import CellSet, Opener, Row
from protocol_logic.foundation.calendar import (
    PartialDate,
    anniversary_reached,
    on_or_before_anniversary,
)
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Event
from protocol_logic.records.facts import ConditionStated, Fact, Happened, Stated, Therapy

MOST_ROWS = 20_000
_YES: CellSet = frozenset({"yes"})
_FIRST = date(1900, 1, 1)
"""No therapy or event of a living patient is earlier."""


Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of one class, what keeps them apart, and the facts they rest on.

    `counted`: lines finding -> the elements on which its number depends beside an open history.
    """

    rows: tuple[Row, ...]
    openers: tuple[Opener, ...]
    facts: tuple[Fact, ...]
    widened: bool = False
    counted: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Period:
    """One therapy record: its start, its end (the day after the as-of date: none yet), intents."""

    start: Day
    end: Day
    intents: tuple[str, ...]
    resource: str


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a record; `sure` is False when its value cannot be read."""

    event: str
    day: Day
    sure: bool
    resource: str


def read_therapy(
    visible: Visible, concept: str, courses: Courses | None, lines: Sequence[Finding]
) -> Reading:
    """All joint readings of the therapies of a class and the events that its patterns name."""
    facts = [f for f in visible.below(concept) if isinstance(f.reading, Therapy)]
    patterns = courses.patterns if courses is not None else ()
    asked = {i for i in (*(f.detail for f in lines), *(p.intent for p in patterns)) if i}
    periods = [p for f in facts if (p := _period(f, visible.as_of, asked)) is not None]
    events: list[Happening] = []
    asked_events = dict.fromkeys(p.event for p in patterns)
    for name in asked_events:
        events.extend(happenings(visible, name))
    shapes = _Shapes(visible, concept, courses, lines, periods, events)
    resources = {h.resource for h in events}
    held = visible.all() if resources else ()
    below = visible.vocabulary.below
    closing = [visible.closed(name, below(name)) for name in (concept, *asked_events)]
    used = dict.fromkeys(
        [
            *facts,
            *(f for f in held if f.resource in resources),
            *(fact for fact in closing if fact is not None),
            *(visible.orders_answered(concept) if closing[0] is not None else ()),
        ]
    )
    rows, openers = shapes.rows()
    return Reading(rows, openers, tuple(used), shapes.too_many, shapes.counted())


def _period(fact: Fact, as_of: date, asked: set[str]) -> _Period | None:
    therapy = fact.reading
    assert isinstance(therapy, Therapy)
    start = _range(therapy.start, as_of)
    if therapy.end is not None:
        end = _range(therapy.end, as_of)
    elif therapy.ongoing:
        end = Day(plus(as_of, 1), plus(as_of, 1))  # not yet: later than every event
    else:
        end = Day(start.first, as_of)
    if therapy.start is None:  # known only by its end: it started at some time before
        start = Day(_FIRST, end.last)
    if end.last < start.first:  # recorded as ending before it starts: it lasted no day
        end = start
    if therapy.intent is not None:
        intents: tuple[str, ...] = (therapy.intent,)
    else:
        # Intents that nothing asks about are alike.
        others = [i for i in core.INTENTS if i not in asked]
        intents = (*(i for i in core.INTENTS if i in asked), *others[:1])
    return _Period(start, end, intents, fact.resource)


def _range(when: PartialDate | None, as_of: date) -> Day:
    if when is None:
        return Day(_FIRST, as_of)
    # One day after the as-of date stands for all later ones: the fact then does not count.
    return Day(min(when.first, plus(as_of, 1)), min(when.last, plus(as_of, 1)))


def happenings(visible: Visible, name: str) -> Iterator[Happening]:
    event = visible.vocabulary.entries[name]
    assert isinstance(event, Event)
    for concept in event.concepts:
        for fact in visible.below(concept):
            stated = fact.reading
            if (
                isinstance(stated, ConditionStated)
                and stated.confirmed
                and stated.state == "present"
                and stated.clinical in event.statuses
                and (stated.onset is None or stated.onset.first <= visible.as_of)
            ):
                yield Happening(name, _range(stated.onset, visible.as_of), True, fact.resource)
    for fact in visible.of(name):
        said = fact.reading
        if isinstance(said, Happened) and said.on.first <= visible.as_of:
            yield Happening(name, _range(said.on, visible.as_of), True, fact.resource)
    for fact in visible.of(event.status) if event.status else ():
        if isinstance(fact.reading, Stated):
            values = fact.reading.values
            if values is None or event.value in values:
                sure = values is not None and len(values) == 1
                yield Happening(name, _range(fact.date, visible.as_of), sure, fact.resource)


# ---- rows ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Course:
    intent: str
    start: date
    end: date


class _Shapes:
    """Enumerates the completions of one class and turns each into a row."""

    def __init__(
        self,
        visible: Visible,
        concept: str,
        courses: Courses | None,
        lines: Sequence[Finding],
        periods: list[_Period],
        events: list[Happening],
    ) -> None:
        self.visible = visible
        self.as_of = visible.as_of
        self.concept = concept
        self.courses = courses
        self.lines = lines
        self.periods = periods
        self.events = events
        self.patterns = courses.patterns if courses is not None else ()
        self.open = visible.closed(concept, visible.vocabulary.below(concept)) is None
        self.too_many = False
        self.element = visible.vocabulary.entries[concept].element
        self.numbers: dict[str, dict[Labels, tuple[Fraction, bool]]] = {}
        """Lines finding -> how many lines are recorded and whether it is open, by all labels."""
        self.rooms: dict[tuple[str, date, date], bool] = {}
        """Whether a course leaves room: most completions have the same courses."""

    def rows(self) -> tuple[tuple[Row, ...], tuple[Opener, ...]]:
        """All rows, and what keeps them apart."""
        unlisted = [self.visible.unlisted(f.entry) for f in self.lines if f.variant]
        key = (
            self.concept, tuple(f.id for f in self.lines), tuple(self.periods), tuple(self.events),
            self.as_of, self.open and bool(self.lines), tuple(unlisted), self.courses is None,
        )  # fmt: skip
        if key not in self.visible.known:
            self.visible.known[key] = self._rows(), self.too_many, self.numbers
        rows, self.too_many, self.numbers = self.visible.known[key]
        return rows, self._openers()

    def _rows(self) -> tuple[Row, ...]:
        dates = [
            *(d for p in self.periods for d in (Dated("start", p.start), Dated("end", p.end))),
            *(Dated("event", e.day) for e in self.events),
        ]
        days = candidates(dates, self.as_of, self.patterns)
        intents = [p.intents for p in self.periods]
        happens = [(True,) if e.sure else (True, False) for e in self.events]
        size = prod(len(c) for c in (*days, *intents, *happens))
        if size > MOST_ROWS:
            self.too_many = True
            return self._all_rows()
        rows: dict[Row, None] = {}
        for chosen_days in product(*days):
            for chosen_intents in product(*intents):
                for chosen_events in product(*happens):
                    row = self._row(chosen_days, chosen_intents, chosen_events)
                    if row is not None:
                        rows.setdefault(row)
        return merged(list(rows))

    def _openers(self) -> tuple[Opener, ...]:
        openers: list[Opener] = []
        if self.open and self.lines:
            history = self.visible.history_of(self.concept)
            openers.append(Opener(history, *self.visible.not_closed(self.concept, "not_closed")))
        for period in self.periods:
            if len(period.intents) > 1:
                openers.append(Opener("treatment_intent", "absent", period.resource))
            if not (period.start.certain and period.end.certain):
                openers.append(Opener(self.element, "imprecise", period.resource))
        for event in self.events:
            element = self.visible.vocabulary.entries[event.event].element
            if not event.sure:
                openers.append(Opener(element, "unreadable", event.resource))
            elif not event.day.certain:
                openers.append(Opener(element, "imprecise", event.resource))
        return tuple(openers)

    def _row(
        self, days: tuple[date, ...], intents: tuple[str, ...], happens: tuple[bool, ...]
    ) -> Row | None:
        count = len(self.periods)
        pairs = list(zip(days[0 : 2 * count : 2], days[1 : 2 * count : 2], strict=True))
        if any(end < start for start, end in pairs if start <= self.as_of):
            return None  # no such completion: nothing ends before it starts
        periods = [
            _Course(intent, start, end)
            for intent, (start, end) in zip(intents, pairs, strict=True)
            if start <= self.as_of
        ]
        events = [
            (event.event, day)
            for event, day, happened in zip(self.events, days[2 * count :], happens, strict=True)
            if happened and day <= self.as_of
        ]
        labels = self._labels(days, intents, happens)
        cells = dict(self._line_cells(periods, labels))
        cells.update(self._course_cells(periods, events))
        return Row(tuple(sorted(cells.items())), labels)

    def counted(self) -> Mapping[str, frozenset[str]]:
        """Lines finding -> the elements on which it depends how many lines are recorded.

        With an open history each of them can decide on which side of a limit the number comes to
        lie, though the record allows both sides whatever it is.
        """
        if not self.open:
            return {}
        return {finding: moving(numbers) for finding, numbers in self.numbers.items()}

    def _labels(
        self, days: tuple[date, ...], intents: tuple[str, ...], happens: tuple[bool, ...]
    ) -> tuple[tuple[str, str], ...]:
        """Which value each uncertain element has in this completion."""
        count = 2 * len(self.periods)
        labels: dict[str, list[str]] = {}
        for period, intent in zip(self.periods, intents, strict=True):
            if len(period.intents) > 1:
                labels.setdefault("treatment_intent", []).append(intent)
        for i, day in enumerate(days[:count]):
            period = self.periods[i // 2]
            if not (period.end if i % 2 else period.start).certain:
                labels.setdefault(self.element, []).append(day.isoformat())
        for event, day, happened in zip(self.events, days[count:], happens, strict=True):
            if not event.day.certain or not event.sure:
                element = self.visible.vocabulary.entries[event.event].element
                labels.setdefault(element, []).append(day.isoformat() if happened else "no")
        return tuple((element, " ".join(values)) for element, values in labels.items())

    def _line_cells(self, periods: list[_Course], labels: Labels) -> Iterator[tuple[str, CellSet]]:
        for finding in self.lines:
            number = Fraction(_lines(_of_intent(periods, finding.detail)))
            # What is unrecorded can only raise the number.
            value = Interval.at_least(number) if self.open else Interval.point(number)
            if finding.variant and self.visible.unlisted(finding.entry):
                if finding.variant == "or_unrecorded":
                    yield finding.id, frozenset(finding.cells[-1:])
                    continue
                value = Interval.point(number)
            cells = frozenset(
                cell
                for cell, part in zip(finding.cells, finding.ranges, strict=True)
                if part.intersects(value)
            )
            self.numbers.setdefault(finding.id, {})[labels] = (number, len(cells) > 1)
            yield finding.id, cells

    def _course_cells(
        self, periods: list[_Course], events: list[tuple[str, date]]
    ) -> Iterator[tuple[str, CellSet]]:
        """Atoms of the courses and events that a pattern asks about; slots are numbered anew."""
        if self.courses is None:
            return
        asked = dict.fromkeys(p.intent for p in self.courses.patterns)
        slots: dict[Signature, None] = {}
        for intent in asked:
            for course in _courses(_of_intent(periods, intent)):
                slots.setdefault(self._signature(intent, course, events))
        # INVARIANT: equal signatures say the same, so one slot stands for all courses like it.
        for number, signature in enumerate(sorted(slots), 1):
            yield from signature.cells(self.concept, f"c{number}", number)

    def _signature(
        self, intent: str | None, course: _Course, events: list[tuple[str, date]]
    ) -> Signature:
        assert self.courses is not None
        rooms, pairs = [], []
        for pattern in self.courses.patterns:
            if pattern.intent != intent:
                continue
            names = self.courses.names[pattern.name]
            key = (pattern.name, course.start, course.end)
            if key not in self.rooms:
                self.rooms[key] = self._leaves_room(pattern, course)
            if self.rooms[key]:
                rooms.append(names.room)
            for event, day in events:
                if event == pattern.event:
                    holding = tuple(
                        name
                        for name, clause in zip(names.clauses, pattern.clauses, strict=True)
                        if _holds(clause, course, day)
                    )
                    pairs.append((event, holding))
        return Signature(intent or core.ANY_INTENT, tuple(sorted(rooms)), tuple(sorted(set(pairs))))

    def _leaves_room(self, pattern: core.Pattern, course: _Course) -> bool:
        """Whether some day up to the as-of date would satisfy all clauses with this course."""
        dates = [
            Dated("start", Day(course.start, course.start)),
            Dated("end", Day(course.end, course.end)),
            Dated("event", Day(_FIRST, self.as_of)),
        ]
        days = candidates(dates, self.as_of, self.patterns)[-1]
        return any(all(_holds(c, course, day) for c in pattern.clauses) for day in days)

    def _all_rows(self) -> tuple[Row, ...]:
        """Too many completions: every combination of outcomes is left possible."""
        options: list[list[dict[str, CellSet]]] = []
        for finding in self.lines:
            options.append([{finding.id: frozenset({cell})} for cell in finding.cells])
        for number, pattern in enumerate(self.patterns, 1):
            assert self.courses is not None
            names = self.courses.names[pattern.name]
            intent = pattern.intent or core.ANY_INTENT
            full = Signature(intent, (), ((pattern.event, names.clauses),))
            options.append([{}, dict(full.cells(self.concept, f"c{number}", number))])
        element = self.element
        rows = []
        for index, choice in enumerate(product(*options)):
            cells: dict[str, CellSet] = {}
            for part in choice:
                cells.update(part)
            rows.append(Row(tuple(sorted(cells.items())), ((element, str(index)),)))
        return tuple(rows)


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """What a course is to the patterns: its intent, for which it leaves room, and its pairs."""

    intent: str
    rooms: tuple[str, ...]
    pairs: tuple[tuple[str, tuple[str, ...]], ...]

    def cells(self, concept: str, slot: str, number: int) -> Iterator[tuple[str, CellSet]]:
        yield f"course({concept},{slot})", frozenset({self.intent})
        for room in self.rooms:
            yield f"{room}({slot})", _YES
        for index, (event, holding) in enumerate(self.pairs, 1):
            other = f"e{number}_{index}"
            yield f"event({event},{other})", frozenset({"recorded"})
            for clause in holding:
                yield f"{clause}({slot},{other})", _YES


def merged(rows: list[Row]) -> tuple[Row, ...]:
    """Values of an element that make no difference, whatever the others are, become one."""
    for place in range(len(rows[0].labels) if rows else 0):
        seen: dict[str, dict[tuple[tuple[str, str], ...], object]] = {}
        for row in rows:
            rest = row.labels[:place] + row.labels[place + 1 :]
            seen.setdefault(row.labels[place][1], {})[rest] = row.cells
        first: dict[object, str] = {}
        alike = {
            value: first.setdefault(frozenset(others.items()), value)
            for value, others in seen.items()
        }
        rows = [row for row in rows if alike[row.labels[place][1]] == row.labels[place][1]]
    return tuple(rows)


def moving(numbers: Mapping[Labels, tuple[Fraction, bool]]) -> frozenset[str]:
    """The elements of which two values, all others being the same, give two numbers.

    The lower one must leave the finding open: then some unrecorded lines bring it just to a limit.
    """
    moving: set[str] = set()
    for place, (element, _) in enumerate(next(iter(numbers), ())):
        highest: dict[Labels, Fraction] = {}
        for labels, (number, _) in numbers.items():
            rest = labels[:place] + labels[place + 1 :]
            highest[rest] = max(number, highest.get(rest, number))
        for labels, (number, is_open) in numbers.items():
            if is_open and number < highest[labels[:place] + labels[place + 1 :]]:
                moving.add(element)
    return frozenset(moving)


def _holds(clause: core.Timing | core.Duration, course: _Course, event: date) -> bool:
    if isinstance(clause, core.Duration):
        return anniversary_reached(course.start, clause.months, min(course.end, event))
    edges: Mapping[str, date] = {"start": course.start, "end": course.end}
    earliest, latest = clause.earliest, clause.latest
    if earliest is not None:
        edge = edges[earliest.edge]
        if earliest.months and not anniversary_reached(edge, earliest.months, event):
            return False
        if not earliest.months and event < edge:
            return False
    if latest is not None:
        edge = edges[latest.edge]
        if latest.months and event > edge:
            return on_or_before_anniversary(edge, latest.months, event)
        return bool(latest.months) or event <= edge
    return True


def _of_intent(periods: Iterable[_Course], intent: str | None) -> list[_Course]:
    """The periods of one intent; of all where there is none."""
    return [period for period in periods if not intent or period.intent == intent]


def _courses(periods: Iterable[_Course]) -> list[_Course]:
    """Periods of one intent joined while the next starts at most 28 days after the latest end."""
    return _joined(periods, COURSE_GAP_DAYS)


def _lines(periods: Iterable[_Course]) -> int:
    """Lines of therapy: periods that share a day belong together, transitively."""
    return len(_joined(periods, 0))


def _joined(periods: Iterable[_Course], gap_days: int) -> list[_Course]:
    joined: list[_Course] = []
    for period in sorted(periods, key=lambda p: (p.start, p.end)):
        last = joined[-1] if joined else None
        if last is not None and (period.start - last.end).days <= gap_days:
            joined[-1] = _Course(last.intent, last.start, max(last.end, period.end))
        else:
            joined.append(period)
    return joined
