"""The days after the as-of date on which findings may change if nothing new is recorded.

Every test of a date is a comparison of a day that the record gives with the day of judgement, or
with the first day of a window that ends there; so a finding can change only where one of these
comparisons does. The days are too many rather than too few: whoever needs those on which something
changes reads the findings on each and compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Courses, Finding, Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.days import plus, shifts_of
from protocol_logic.findings.read import concept_group
from protocol_logic.foundation.calendar import PartialDate, first_day_reaching, last_day_within
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import (
    Appointed,
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    Happened,
    Measured,
    Therapy,
    Unlisted,
)

HORIZON_YEARS = 100
"""Nothing is looked for later than so many years after the as-of date."""
OLDEST = 120
"""No formula is asked for the birthdays of anybody older, in years."""
CALENDAR_YEARS = 10
"""Windows in days and in months can pass each other for ever; that is looked for so long."""
MOST_SLACK = 12
"""More uncertain dates of one count than this are not tried one by one (`counting.py`)."""

Cause: TypeAlias = Literal["seen", "end", "abated", "window", "policy", "age", "time"]
"""What may change a finding: a fact is visible, or its period begins; a period ends; a condition
ends; a day leaves a window; evidence grows too old; an age; courses, time points and the like."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Why a finding, or a group of courses, may change on a day.

    `fact`: the one whose date `when` is compared, by its first or last day, `edge`; `window`: the
    window that it leaves, or the policy's; `number`: the age that is reached, in the unit of the
    entry, and `entry` that age.
    """

    finding: str
    cause: Cause
    fact: Fact | None = None
    when: PartialDate | None = None
    edge: date | None = None
    window: Window | None = None
    entry: str = ""
    number: int = 0


def turns_of(
    protocol: core.Protocol,
    plan: Plan,
    facts: Iterable[Fact],
    as_of: date,
    windows: Mapping[str, Window],
    timepoints: Mapping[str, date],
    unlisted: Iterable[Unlisted] = (),
) -> Mapping[date, Sequence[Turn]]:
    """The days after `as_of` on which a finding may change, in order, with what may change it.

    `windows`: entry -> how old its evidence may be; `timepoints`: days that the run gives;
    `unlisted`: what else the record states, which may keep lists from closing.
    """
    turns = _Turns(protocol, plan, list(facts), as_of, windows, timepoints)
    turns.look()
    turns.look_at(unlisted)
    return {day: tuple(turns.found[day]) for day in sorted(turns.found)}


class _Turns:
    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        facts: Sequence[Fact],
        as_of: date,
        policies: Mapping[str, Window],
        timepoints: Mapping[str, date],
    ) -> None:
        self.protocol, self.plan, self.as_of = protocol, plan, as_of
        self.vocabulary = protocol.vocabulary
        self.policies = policies
        self.last = date(min(as_of.year + HORIZON_YEARS, date.max.year - 1), 12, 31)
        self.facts: dict[str, list[Fact]] = {}
        for fact in facts:
            self.facts.setdefault(fact.entry, []).append(fact)
        self.points = {name: {day} for name, day in timepoints.items()}
        for fact in facts:
            if isinstance(fact.reading, Appointed):
                self.points.setdefault(fact.entry, set()).add(fact.reading.day)
        self.found: dict[date, dict[Turn, None]] = {}
        self._passing: dict[tuple[Window, Window], list[date]] = {}

    def look(self) -> None:
        for finding in self.plan.findings.values():
            if finding.kind == "age":
                self._age(finding)
            elif finding.kind != "lines":
                self._finding(finding)
        lines = [f.entry for f in self.plan.findings.values() if f.kind == "lines"]
        for concept in dict.fromkeys([*lines, *self.plan.courses]):
            self._courses(concept, self.plan.courses.get(concept))

    def look_at(self, unlisted: Iterable[Unlisted]) -> None:
        """From the day on of which something may be, no list closes what it may be."""
        days = {each.first for each in unlisted if each.keeps_open}
        names = (*self.plan.findings, *map(concept_group, self.plan.courses))
        for day in (day for day in days if day is not None and day > self.as_of):
            for name in names:
                self._note(day, Turn(name, "time"))

    def _note(self, day: date, turn: Turn) -> None:
        if self.as_of < day <= self.last:
            self.found.setdefault(day, {})[turn] = None

    # ---- findings of facts -----------------------------------------------------------------------

    def _finding(self, finding: Finding) -> None:
        windows = {finding.window} if finding.window is not None else set()
        if finding.occurrence is not None:
            windows |= set(finding.occurrence.windows)
        names = list(dict.fromkeys(self._entries(finding.entry)))
        facts = [fact for name in names for fact in self.facts.get(name, ())]
        slack = 0
        if finding.kind == "count":  # uncertain days push each other on by a day
            slack = min(_unsure(facts), MOST_SLACK)
        moving = [w for w in windows if w.unit != "ever"]
        for fact, window in self._doubting(finding.entry):
            for day, _, when in _edges(fact):
                self._edge(finding.id, fact, day, "seen", when, following=False)
                if window is not None:
                    turn = Turn(finding.id, "window", fact, when, day, window)
                    self._note(_leaves(window, day), turn)
        for fact in facts:
            for day, cause, when in _edges(fact):
                self._edge(finding.id, fact, day, cause, when, following=slack > 0)
                for window in moving:
                    for k in range(-slack, slack + 1):
                        turn = Turn(finding.id, "window", fact, when, day, window)
                        self._note(_leaves(window, plus(day, k)), turn)
        entries = self.vocabulary.entries
        derived = self.protocol.derived.get(finding.entry)
        inputs = derived.inputs if derived is not None else ()
        # A formula of which an input is never recorded as a number is not computed on any birthday.
        if all(self._is_number(n) for n in inputs if isinstance(entries.get(n), voc.Quantity)):
            for name in names:
                if isinstance(entries.get(name), voc.Age):
                    self._birthdays(finding, name)
        self._ends(finding, windows, names, slack)
        old = [self.policies[name] for name in names if name in self.policies]
        self._passings(finding.id, [*moving, *old] if moving else [])

    def _is_number(self, name: str) -> bool:
        readings = (fact.reading for fact in self.facts.get(name, ()))
        return any(isinstance(each, Measured) and each.value is not None for each in readings)

    def _doubting(self, name: str) -> Iterator[tuple[Fact, Window | None]]:
        """What may cast doubt on the absence of a concept or a kind of it, as long as it is in a
        window."""
        for below in self.vocabulary.below(name):
            entry = self.vocabulary.entries[below]
            for doubt in entry.doubts if isinstance(entry, voc.Concept) else ():
                window = Window(*doubt.within) if doubt.within is not None else None
                for other in self.vocabulary.below(doubt.entry):
                    yield from ((fact, window) for fact in self.facts.get(other, ()))

    def _edge(
        self, name: str, fact: Fact, day: date, cause: Cause, when: PartialDate, following: bool
    ) -> None:
        """A day of a fact comes, or is over, or the fact grows too old; `following`: the next day
        may count as well."""
        turn = Turn(name, cause, fact, when, day)
        other = Turn(name, "time")
        self._note(day, other if cause == "end" else turn)
        if cause == "end" or following:
            self._note(plus(day, 1), turn if cause == "end" else other)
        policy = self.policies.get(fact.entry)
        if policy is not None:
            self._note(_leaves(policy, day), Turn(name, "policy", fact, when, day, policy))

    def _entries(self, name: str) -> Iterator[str]:
        """All entries whose facts a finding of an entry may rest on."""
        derived = self.protocol.derived.get(name)
        if derived is not None:
            inner = (*derived.inputs, *derived.fields, derived.reported)
            for other in inner:
                if other is not None:
                    yield from self._entries(other)
            return
        yield name
        match self.vocabulary.entries.get(name):
            case voc.Age(of=of):
                yield of
            case voc.Lesion(counted=str() as counted):
                yield counted
            case voc.Event() as event:
                for concept in event.concepts:
                    yield from self.vocabulary.below(concept)
                yield from (other for other in (event.status, event.closed_by) if other)
            case voc.Concept():
                yield from self.vocabulary.above(name)
                for below in self.vocabulary.below(name):
                    yield below
                    yield from self.vocabulary.above(below)
                    entry = self.vocabulary.entries[below]
                    if isinstance(entry, voc.Concept) and entry.closed_by:
                        yield entry.closed_by

    def _ends(
        self, finding: Finding, windows: Iterable[Window], names: Sequence[str], slack: int
    ) -> None:
        """Windows that end on a time point: it comes, its day is said, and what is seen there
        grows too old."""
        before = {window.before for window in windows if window.before is not None}
        if finding.occurrence is not None and finding.occurrence.before is not None:
            before.add(finding.occurrence.before)
        turn = Turn(finding.id, "time")
        for point in before:
            for fact in self.facts.get(point, ()):
                for day, _, when in _edges(fact):
                    self._note(day, Turn(finding.id, "seen", fact, when, day))
            for day in self.points.get(point, ()):
                firsts = {w.first_day(day) for w in windows}
                for edge in (day, *firsts):
                    for k in range(-slack, slack + 2):
                        self._note(plus(edge, k), turn)
                    for name in names:
                        policy = self.policies.get(name)
                        if policy is not None:
                            self._note(_leaves(policy, edge), turn)

    def _passings(self, name: str, windows: Sequence[Window]) -> None:
        """The days on which the first day of one window passes, or meets, that of another."""
        for i, one in enumerate(windows):
            for other in windows[i + 1 :]:
                if one.unit == other.unit or one.days[1] < other.days[0]:
                    continue
                if other.days[1] < one.days[0]:
                    continue
                for day in self._passed(one, other):
                    self._note(day, Turn(name, "time", window=one))

    def _passed(self, one: Window, other: Window) -> list[date]:
        found = self._passing.get((one, other))
        if found is None:
            found, before, day = [], None, self.as_of
            while day.year <= self.as_of.year + CALENDAR_YEARS:
                first, second = one.first_day(day), other.first_day(day)
                order = (first > second) - (first < second)
                if before is not None and order != before:
                    found.append(day)
                before, day = order, plus(day, 1)
            self._passing[one, other] = found
        return found

    # ---- ages ------------------------------------------------------------------------------------

    def _age(self, finding: Finding) -> None:
        entry = self.vocabulary.entries[finding.entry]
        assert isinstance(entry, voc.Age)
        limits = {
            int(end) + more
            for _, part in finding.parts
            for end in (part.lo, part.hi)
            if end is not None
            for more in (0, 1)
        }
        self._births(finding.id, entry, sorted(limits))

    def _birthdays(self, finding: Finding, name: str) -> None:
        """Every age, where a formula reads it."""
        entry = self.vocabulary.entries[name]
        assert isinstance(entry, voc.Age)
        years = HORIZON_YEARS if entry.unit == "a" else CALENDAR_YEARS
        oldest = OLDEST if entry.unit == "a" else OLDEST * 366
        each = {"a": 1, "mo": 12}.get(entry.unit, 366)
        for fact in self.facts.get(entry.of, ()):
            if isinstance(fact.reading, Born):
                first = (self.as_of.year - fact.reading.date.last.year - 1) * each
                last = min(max(first, 0) + (years + 2) * each, max(oldest, first + 3) + 1)
                self._births(finding.id, entry, range(max(first, 0), last))

    def _births(self, name: str, entry: voc.Age, numbers: Iterable[int]) -> None:
        facts = self.facts.get(entry.of, ())
        numbers = list(numbers)
        for fact in facts:
            for day, cause, when in _edges(fact):
                if cause != "age":
                    self._edge(name, fact, day, cause, when, following=False)
                    continue
                self._edge(name, fact, day, "time", when, following=True)
                for number in numbers:
                    turn = Turn(name, "age", fact, when, day, entry=entry.name, number=number)
                    self._note(_reaches(entry, day, number), turn)

    # ---- courses ---------------------------------------------------------------------------------

    def _courses(self, concept: str, courses: Courses | None) -> None:
        """Courses and events: the days that `days.py` would try for uncertain dates."""
        name = concept_group(concept)
        patterns = courses.patterns if courses is not None else ()
        events = dict.fromkeys(pattern.event for pattern in patterns)
        about = dict.fromkeys(e for n in (concept, *events) for e in self._entries(n))
        by_role: dict[str, set[date]] = {"start": set(), "end": set(), "event": set()}
        dated: list[Fact] = []
        for fact in (fact for entry in about for fact in self.facts.get(entry, ())):
            listed = isinstance(fact.reading, Closed)
            dated += [] if listed else [fact]
            for day, cause, when in _edges(fact):
                self._edge(name, fact, day, cause, when, following=not listed)
                if isinstance(fact.reading, Therapy):
                    by_role["end" if cause == "end" else "start"].add(day)
                elif not listed:
                    by_role["event"].add(day)
        steps = min(_unsure(dated), MOST_SLACK)
        if patterns:
            self._close(by_role, patterns, steps + 1)
            reach = (-1, 0)  # a course that goes on ends on the next day
        else:  # periods that begin when others end push each other on by a day
            reach = (0, *range(1, steps + 1))
        for day in {day for days in by_role.values() for day in days}:
            for k in reach:
                self._note(plus(day, k), Turn(name, "time"))

    def _close(
        self, by_role: dict[str, set[date]], patterns: Sequence[core.Pattern], steps: int
    ) -> None:
        """Add the days that dates of each role reach by the shifts of some patterns."""
        shifts = shifts_of(patterns)
        fresh = {role: set(days) for role, days in by_role.items()}
        for _ in range(steps):
            reached: dict[str, set[date]] = {role: set() for role in by_role}
            for (one, other), moves in shifts.items():
                reached[other] |= {move(day) for day in fresh[one] for move in moves}
            fresh = {role: reached[role] - days for role, days in by_role.items()}
            for role, days in fresh.items():
                by_role[role] |= days


def _edges(fact: Fact) -> Iterator[tuple[date, Cause, PartialDate]]:
    """The first and the last day of every date of a fact, with what happens there."""
    dates: list[tuple[PartialDate | None, Cause]] = [(fact.date, "seen")]
    match fact.reading:
        case Therapy(start=start, end=end) | Done(start=start, end=end):
            dates += [(start, "seen"), (end, "end")]
        case ConditionStated(onset=onset, abated=abated):
            dates += [(onset, "seen"), (abated, "abated")]
        case Born(date=born):
            dates.append((born, "age"))
        case Happened(on=on):
            dates.append((on, "seen"))
        case _:
            pass
    yield from dict.fromkeys(
        (day, cause, when) for when, cause in dates if when for day in (when.first, when.last)
    )


def _unsure(facts: Iterable[Fact]) -> int:
    """How many dates of some facts may be one of several days."""
    number = 0
    for fact in facts:
        reading = fact.reading
        dates = [fact.date]
        if isinstance(reading, Therapy):
            dates = [reading.start, reading.end]
            number += (reading.start is None) + (reading.end is None)
        elif isinstance(reading, Done):
            dates = [reading.start, reading.end] if reading.start or reading.end else [fact.date]
        elif isinstance(reading, ConditionStated):
            dates.append(reading.onset)
        elif isinstance(reading, Happened):
            dates = [reading.on]
        number += sum(1 for when in dates if when is not None and not when.exact)
    return number


def _leaves(window: Window, day: date) -> date:
    """The first day on which the window that ends there does not hold a day any more."""
    if window.unit == "months":
        return plus(last_day_within(day, window.number), 1)
    return plus(day, window.number + 1) if window.unit == "days" else date.max


def _reaches(entry: voc.Age, birth: date, number: int) -> date:
    """The first day on which somebody of a birth date has an age."""
    if entry.unit == "d":
        return plus(birth, number)
    return first_day_reaching(birth, number * (12 if entry.unit == "a" else 1))
