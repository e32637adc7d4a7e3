"""Therapies in one completion: in effect, lines, courses, and events after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from protocol_logic.compiling import core
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import ConditionStated, Fact, Stated, Therapy
from tests.differential.reference_days import NOT_BEFORE, Day, Far, on
from tests.differential.reference_extremes import Extremes

GOES_ON = on(date.max)
"""The end of a therapy that has none yet."""
GAP = 28
"""Days after an end at which the next therapy still belongs to the same course."""


@dataclass(frozen=True, slots=True)
class Course:
    """Therapies that follow one another: the first one's start and the ends of all."""

    start: Day
    ends: tuple[Day, ...]


class Therapies(Extremes):
    """The therapies of a completion."""

    # ---- dates -------------------------------------------------------------------------------

    def _therapies(self, concept: str) -> list[tuple[int, Therapy]]:
        facts = self.chart.facts(*self.chart.vocabulary.below(concept))
        return [(n, fact.reading) for n, fact in facts if isinstance(fact.reading, Therapy)]

    def _dates(self, number: int, therapy: Therapy) -> tuple[Day, Day | None] | None:
        """Start and end (None: it has ended on an unknown day); None if not started yet."""

        def read() -> tuple[Day, Day | None] | None:
            start = self.chart.any_day(("start", number))
            if therapy.start is not None:
                start = Day(("start", number), therapy.start.first, therapy.start.last)
            end = GOES_ON if therapy.ongoing else None
            if therapy.end is not None:
                end = Day(("end", number), therapy.end.first, therapy.end.last)
                self.world.suppose(NOT_BEFORE, start, end)
            if not self.world.far(NOT_BEFORE, start, self.chart.today):
                return None
            return start, end

        return self.world.once(("dates", number), read)

    def _period(self, number: int, therapy: Therapy) -> tuple[Day, Day] | None:
        """Start and end, the end being some day where it is unknown."""

        def read() -> tuple[Day, Day] | None:
            dates = self._dates(number, therapy)
            if dates is None:
                return None
            start, end = dates
            if end is None:
                end = Day(("end", number), min(start.first, self.chart.as_of), self.chart.as_of)
                self.world.suppose(NOT_BEFORE, start, end)
            return start, end

        return self.world.once(("period", number), read)

    def _periods(self, concept: str, intent: str | None) -> list[tuple[Day, Day]]:
        """The therapies of a class with the intent (None: any) that have been started."""
        found = []
        for number, therapy in self._therapies(concept):
            possible = [therapy.intent] if therapy.intent else self.chart.intents
            period = self._period(number, therapy)
            if period and (
                intent is None or self.world.choose(("intent", number), possible) == intent
            ):
                found.append(period)
        return found

    # ---- in effect, lines --------------------------------------------------------------------

    def in_effect(self, concept: str, missing: str = "") -> bool:
        for number, therapy in self._therapies(concept):
            dates = self._dates(number, therapy)
            if dates is not None and dates[1] is not None:
                if self.world.far(NOT_BEFORE, self.chart.today, dates[1]):
                    return True
        if self.complete(concept):
            return False
        if missing and self.unlisted(concept):
            return missing == "true"
        return self.world.choose(("unrecorded in effect", concept), [True, False])

    def recorded_lines(self, concept: str, intent: str | None) -> int:
        def count() -> int:
            lines: list[list[tuple[Day, Day]]] = []
            for period in self._periods(concept, intent):
                touched = [line for line in lines if any(self._share(period, p) for p in line)]
                lines = [line for line in lines if line not in touched]
                lines.append([period, *(p for line in touched for p in line)])
            return len(lines)

        return self.world.once(("lines", concept, intent), count)

    def lines(self, concept: str, intent: str | None) -> int:
        lines = self.recorded_lines(concept, intent)
        if self.complete(concept):
            return lines
        most = self.chart.most_lines(concept, intent)
        return lines + self.world.choose(("unrecorded lines", concept, intent), range(most + 2))

    def _share(self, one: tuple[Day, Day], other: tuple[Day, Day]) -> bool:
        """Whether two periods have a day in common."""
        far = self.world.far
        return far(NOT_BEFORE, one[0], other[1]) and far(NOT_BEFORE, other[0], one[1])

    # ---- courses and events ------------------------------------------------------------------

    def _courses(self, concept: str, intent: str | None) -> list[Course]:
        def find() -> list[Course]:
            ordered: list[tuple[Day, Day]] = []
            for period in sorted(self._periods(concept, intent), key=lambda p: p[0].first):
                place = len(ordered)
                while place and not self.world.far(NOT_BEFORE, ordered[place - 1][0], period[0]):
                    place -= 1
                ordered.insert(place, period)
            courses: list[Course] = []
            near = Far("days", -GAP)
            for start, end in ordered:
                last = courses[-1] if courses else None
                if last and any(self.world.far(near, start, before) for before in last.ends):
                    courses[-1] = Course(last.start, (*last.ends, end))
                else:
                    courses.append(Course(start, (end,)))
            return courses

        return self.world.once(("courses", concept, intent), find)

    def _events(self, event: voc.Event) -> list[Day]:
        """The days of the recorded events up to the as-of date."""

        def find() -> list[Day]:
            if event.status is not None:
                return [
                    self.chart.day(number, fact)
                    for number, fact in self.visible(event.status)
                    if isinstance(fact.reading, Stated) and self.stated(number, fact) == event.value
                ]
            names = [n for c in event.concepts for n in self.chart.vocabulary.below(c)]
            days = [
                self._onset(number, fact)
                for number, fact in self.visible(*names)
                if _is_event(fact, event)
            ]
            return [day for day in days if self.world.far(NOT_BEFORE, day, self.chart.today)]

        return self.world.once(("events", event.name), find)

    def _onset(self, number: int, fact: Fact) -> Day:
        assert isinstance(fact.reading, ConditionStated)
        onset = fact.reading.onset
        if onset is None:
            return self.chart.any_day(("onset", number))
        return Day(("onset", number), onset.first, onset.last)

    # ---- patterns ----------------------------------------------------------------------------

    def pattern(self, test: core.Pattern) -> bool:
        return self.world.once(("pattern", test), lambda: self._pattern(test))

    def _pattern(self, test: core.Pattern) -> bool:
        event = self.chart.vocabulary.entries[test.event]
        assert isinstance(event, voc.Event)
        courses = self._courses(test.concept, test.intent)
        for course in courses:
            if any(self._fits(test, course, day) for day in self._events(event)):
                return True
        alone = (test.name,) if self.chart.each_alone else ()

        def unrecorded(what: str, entry: str) -> bool:
            if test.missing and self.unlisted(entry):
                return test.missing == "true"
            return self.world.choose((what, entry, *alone), [True, False])

        if not self.complete(test.concept) and unrecorded("unrecorded course", test.concept):
            return True
        if not courses or self.closed(event.name, event.closed_by):
            return False
        if not unrecorded("unrecorded event", test.event):
            return False
        return any(self._leaves_room(test, course) for course in courses)

    def _fits(self, test: core.Pattern, course: Course, day: Day) -> bool:
        return all(
            self._lasted(clause.months, course, day)
            if isinstance(clause, core.Duration)
            else self._in_time(clause, course, day)
            for clause in test.clauses
        )

    def _lasted(self, months: int, course: Course, day: Day) -> bool:
        far = Far("reached", months)
        return self.world.far(far, course.start, day) and any(
            self.world.far(far, course.start, end) for end in course.ends
        )

    def _in_time(self, clause: core.Timing, course: Course, day: Day) -> bool:
        """The end of a course is the latest of its ends."""
        earliest, latest = clause.earliest, clause.latest
        if earliest is not None:
            far = Far("reached", earliest.months)
            edges = (course.start,) if earliest.edge == "start" else course.ends
            if not all(self.world.far(far, edge, day) for edge in edges):
                return False
        if latest is not None:
            far = Far("passed", latest.months)
            edges = (course.start,) if latest.edge == "start" else course.ends
            if all(self.world.far(far, edge, day) for edge in edges):
                return False
        return True

    def _leaves_room(self, test: core.Pattern, course: Course) -> bool:
        """Whether an event on some day up to the as-of date would fit: from each of the days that
        it may not precede, one can get to each of those that it may not follow."""
        earliest: list[tuple[int, tuple[Day, ...]]] = []
        latest: list[tuple[int, tuple[Day, ...]]] = [(0, (self.chart.today,))]
        edges = {"start": (course.start,), "end": course.ends}
        for clause in test.clauses:
            if isinstance(clause, core.Duration):
                earliest.append((clause.months, edges["start"]))
                far = Far("reached", clause.months)
                if not any(self.world.far(far, course.start, end) for end in course.ends):
                    return False
                continue
            if clause.earliest is not None:
                earliest.append((clause.earliest.months, edges[clause.earliest.edge]))
            if clause.latest is not None:
                latest.append((clause.latest.months, edges[clause.latest.edge]))
        return all(
            any(self.world.far(Far("room", after, within), one, other) for other in others)
            for after, ones in earliest
            for one in ones
            for within, others in latest
        )


def _is_event(fact: Fact, event: voc.Event) -> bool:
    reading = fact.reading
    return (
        isinstance(reading, ConditionStated)
        and reading.state == "present"
        and reading.confirmed
        and reading.clinical in event.statuses
    )
