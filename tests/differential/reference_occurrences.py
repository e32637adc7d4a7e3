"""Occurrences in one completion: whether a subject occurred in a window, or at any time.

Each subject has its own days: what is uncertain is not shared with other tests of the same record.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import date
from fractions import Fraction
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import ConditionStated, Done, Fact, Therapy
from tests.differential.reference_chart import compare
from tests.differential.reference_days import NOT_BEFORE, Day, Far, on
from tests.differential.reference_statements import (
    of_now,
    own_of_things,
    things_named,
    without_followed,
)
from tests.differential.reference_therapy import Therapies

Tag: TypeAlias = tuple[Hashable, ...]
"""What the uncertain things of one finding are called by."""

LATER = on(date.max)


class Occurrences(Therapies):
    """The occurrences of a completion."""

    def occurred(self, test: core.Occurred) -> bool:
        window = test.window
        for period in self._occurrences(test.subject, ("last",)):
            if window is None or self._lies_in(window, period):
                return True
        if self.complete(test.concept, test.subject.others):
            return False
        if test.missing and self.unlisted(test.concept):
            return test.missing == "true"
        if not self.world.choose(("unrecorded occurrence", test.subject), [True, False]):
            return False
        day = self.chart.any_day(("unrecorded occurrence", test.subject), self._end(window))
        return window is None or self._lies_in(window, (day, day))

    def _end(self, window: Window | None) -> date:
        """The day at which a window ends."""
        before = window.before if window is not None else None
        return self.chart.dates.get(before, self.chart.as_of) if before else self.chart.as_of

    def _lies_in(self, window: Window, period: tuple[Day, Day]) -> bool:
        """Whether some day of a period lies in a window."""
        far = Far("passed", window.number)
        if window.unit == "days":
            far = Far("days", window.number + 1)
        last = on(self._end(window))
        start, end = period
        if window.unit == "ever":
            return not self.world.far(Far("days", 1), last, start)
        return not self.world.far(far, end, last) and not self.world.far(
            Far("days", 1), last, start
        )

    # ---- numbers -----------------------------------------------------------------------------

    def number_of(self, test: core.NumberOf) -> bool:
        limit, tag = Fraction(test.number), (test.subject, test.window)
        complete = self.complete(test.concept, test.subject.others)
        if test.missing and not complete and self.unlisted(test.concept):
            recorded = compare(Fraction(self._recorded_count(*tag)), test.op, limit)
            rising = test.op in (">", ">=")
            return (recorded or rising) if test.missing == "true" else (recorded and rising)
        return compare(Fraction(self._count(*tag)), test.op, limit)

    def _recorded_count(self, subject: core.Subject, window: Window | None) -> int:
        def count() -> int:
            tag = ("number", subject, window)
            groups: list[list[tuple[Day, Day]]] = []
            for period in self._occurrences(subject, tag):
                touched = [g for g in groups if any(self._share(period, p) for p in g)]
                groups = [g for g in groups if g not in touched]
                groups.append([period, *(p for g in touched for p in g)])
            inside = [
                group
                for group in groups
                if window is None or any(self._lies_in(window, period) for period in group)
            ]
            return len(inside)

        return self.world.once(("number of", subject, window), count)

    def _count(self, subject: core.Subject, window: Window | None) -> int:
        recorded = self._recorded_count(subject, window)
        if self.complete(subject.concept, subject.others):
            return recorded
        most = max(
            t.number
            for t in self.chart.tests
            if isinstance(t, core.NumberOf) and (t.subject, t.window) == (subject, window)
        )
        tag = ("unrecorded", "number", subject, window)
        return recorded + self.world.choose(tag, range(most + 2))

    # ---- conditions as one says --------------------------------------------------------------

    def present_as(self, test: core.PresentAs) -> bool:
        below = self.chart.vocabulary.below
        left_out = {name for other in test.subject.others for name in below(other)}
        kinds = [kind for kind in below(test.concept) if kind not in left_out]
        return any(self._present_as(test.subject, kind, test.missing) for kind in kinds)

    def _present_as(self, subject: core.Subject, kind: str, missing: str) -> bool:
        def read() -> bool | None:
            said = self._of_kind(subject, kind)

            def day(number: int, fact: Fact) -> Day:
                assert fact.date is not None
                return Day(("now", subject, number), fact.date.first, fact.date.last)

            def not_after(one: Day, other: Day) -> bool:
                return self.world.far(NOT_BEFORE, one, other)

            def latest(of: list[tuple[int, Fact]]) -> list[tuple[int, Fact]]:
                found = [x for x in of if all(not_after(day(*y), day(*x)) for y in of)]
                return without_followed(found)

            def says(number: int, fact: Fact) -> bool | None:
                assert isinstance(fact.reading, ConditionStated)
                can = sorted(self.may_say(kind, fact.reading), key=str)
                is_there = self.world.choose(("state", subject, number), can)
                if is_there is None:
                    return None
                others = [q for q in subject.qualifiers if not self._is_site(q)]
                tag = ("now", subject)
                as_said = all(self._has(subject, q, number, fact, tag) for q in others)
                return is_there and as_said

            seen = of_now([each for each in said if not_after(day(*each), self.chart.today)])
            things = things_named(seen)
            newest = latest(seen)
            if len(things) > 1:
                chosen = []
                for thing in things:
                    key = ("statement", subject, kind, *(number for number, _ in thing))
                    chosen.append(self.world.choose(key, latest(thing)))
                told = [says(*one) for one in chosen]
                if any(told):
                    return True
                newest = [one for one in newest if one in chosen]
            for itself, thing in own_of_things(seen):
                if any(says(*one) for one in latest(itself)):
                    key = ("hidden", subject, kind, *(number for number, _ in itself))
                    hidden = not any(says(*one) for one in latest(thing))
                    if hidden and self.world.choose(key, [True, False]):
                        return True
            if not newest:
                return None
            return says(*self.world.choose(("statement", subject, kind), newest))

        said = self.world.once(("present as", subject, kind), read)
        if said is not None:
            return said
        if self.complete(kind, alone=True):
            return False
        if missing and self.unlisted(kind):
            return missing == "true"
        return self.world.choose(("unmentioned", subject, kind), [True, False])

    # ---- records of a subject ----------------------------------------------------------------

    def _of_subject(self, subject: core.Subject, tag: Tag) -> list[tuple[int, Fact]]:
        """The facts that are of a subject in this completion."""
        below = self.chart.vocabulary.below
        facts = self.chart.facts(*below(subject.concept))
        return [
            (number, fact)
            for number, fact in facts
            if not any(self._is_other(subject, other, fact, facts, tag) for other in subject.others)
            and all(self._has(subject, q, number, fact, tag) for q in subject.qualifiers)
        ]

    def _of_kind(self, subject: core.Subject, kind: str) -> list[tuple[int, Fact]]:
        """The statements about a kind that can decide about it: all but those of other sites."""
        sites = [q for q in subject.qualifiers if self._is_site(q)]
        there = core.Subject(subject.concept, subject.others, tuple(sites))
        return [
            (number, fact)
            for number, fact in self._of_subject(there, ("now", subject))
            if fact.entry == kind and isinstance(fact.reading, ConditionStated)
        ]

    def _is_site(self, qualifier: core.Qualifier) -> bool:
        entry = self.chart.vocabulary.entries.get(qualifier.name)
        return isinstance(entry, voc.Qualifier) and entry.of == "site"

    def _is_other(
        self,
        subject: core.Subject,
        other: str,
        fact: Fact,
        facts: list[tuple[int, Fact]],
        tag: Tag,
    ) -> bool:
        """Whether a resource is about a kind that is left out."""
        below = self.chart.vocabulary.below
        recorded = {f.entry for _, f in facts if f.resource == fact.resource}
        if any(recorded & set(below(each)) for each in subject.others):
            return True
        if any(other not in below(kind) for kind in recorded):
            return False
        return self.world.choose(("is", other, fact.resource, *tag), [True, False])

    def _has(
        self, subject: core.Subject, qualifier: core.Qualifier, number: int, fact: Fact, tag: Tag
    ) -> bool:
        possible: set[str | None] = {None}
        if isinstance(fact.reading, Therapy):
            possible = {fact.reading.intent}
        elif isinstance(fact.reading, ConditionStated | Done):
            for name, values in fact.reading.qualifiers:
                possible = {*values} if name == qualifier.name else possible
        else:
            return False
        if possible & set(qualifier.values):
            return True
        if None not in possible:
            return False
        return self.world.choose(("has", subject, qualifier, number, *tag), [True, False])

    def _occurrences(self, subject: core.Subject, tag: Tag) -> list[tuple[Day, Day]]:
        """First and last day of each recorded occurrence that began up to the as-of date."""

        def find() -> list[tuple[Day, Day]]:
            return [
                days
                for number, fact in self._of_subject(subject, tag)
                for days in self._days((*tag, subject), number, fact)
            ]

        return self.world.once(("occurrences", *tag, subject), find)

    def _days(self, tag: Tag, number: int, fact: Fact) -> Iterator[tuple[Day, Day]]:
        reading, today = fact.reading, self.chart.today

        def day(name: str, when: PartialDate | None) -> Day:
            key = (name, *tag, number)
            return self.chart.any_day(key) if when is None else Day(key, when.first, when.last)

        def not_after(one: Day, other: Day) -> bool:
            return self.world.far(NOT_BEFORE, one, other)

        if isinstance(reading, ConditionStated):
            here = reading.confirmed or reading.state == "present"
            unsure = ("is there", *tag, number)
            if not here and reading.state == "unknown":
                here = self.world.choose(unsure, [True, False])
            said = day("said", fact.date)
            onset = said
            if reading.onset is not None:
                onset = day("onset", reading.onset)
                self.world.suppose(NOT_BEFORE, onset, said)
            if here and not_after(said, today) and not_after(onset, today):
                yield onset, onset
            return
        if isinstance(reading, Therapy):
            start, end, ongoing = reading.start, reading.end, reading.ongoing
        elif isinstance(reading, Done):
            start, end, ongoing = reading.start, reading.end, False
            if not reading.known:
                if not self.world.choose(("is there", *tag, number), [True, False]):
                    return
            if start is None and end is None:
                when = day("done", fact.date)
                if not_after(when, today):
                    yield when, when
                return
        else:
            return
        began = day("start", start)
        if end is not None:
            ended = day("end", end)
            self.world.suppose(NOT_BEFORE, began, ended)
        elif ongoing:
            ended = LATER
        else:
            first = min(began.first, self.chart.as_of)
            ended = Day(("end", *tag, number), first, self.chart.as_of)
            self.world.suppose(NOT_BEFORE, began, ended)
        if not_after(began, today):
            yield began, ended
