"""Occurrences in one completion: whether a subject occurred in a window, or at any time.

Each subject has its own days: what is uncertain is not shared with other tests of the same record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from protocol_logic.compiling import core
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.records.facts import ConditionStated, Done, Fact, Therapy
from tests.differential.reference_days import NOT_BEFORE, Day, Far, on
from tests.differential.reference_therapy import Therapies

LATER = on(date.max)


class Occurrences(Therapies):
    """The occurrences of a completion."""

    def occurred(self, test: core.Occurred) -> bool:
        window = test.window
        for _, end in self._occurrences(test.subject):
            if window is None or not self._too_long_ago(window, end):
                return True
        if self.complete(test.concept):
            return False
        if not self.world.choose(("unrecorded occurrence", test.subject), [True, False]):
            return False
        day = self.chart.any_day(("unrecorded occurrence", test.subject))
        return window is None or not self._too_long_ago(window, day)

    def _too_long_ago(self, window: Window, day: Day) -> bool:
        far = Far("passed", window.number)
        if window.unit == "days":
            far = Far("days", window.number + 1)
        return self.world.far(far, day, self.chart.today)

    def _occurrences(self, subject: core.Subject) -> list[tuple[Day, Day]]:
        """First and last day of each recorded occurrence that began up to the as-of date."""

        def find() -> list[tuple[Day, Day]]:
            facts = self.chart.facts(*self.chart.vocabulary.below(subject.concept))
            return [days for n, fact in facts for days in self._days(subject, n, fact)]

        return self.world.once(("occurrences", subject), find)

    def _days(self, subject: core.Subject, number: int, fact: Fact) -> Iterator[tuple[Day, Day]]:
        reading, today = fact.reading, self.chart.today

        def day(name: str, when: PartialDate | None) -> Day:
            key = (name, subject, number)
            return self.chart.any_day(key) if when is None else Day(key, when.first, when.last)

        def not_after(one: Day, other: Day) -> bool:
            return self.world.far(NOT_BEFORE, one, other)

        if isinstance(reading, ConditionStated):
            here = reading.confirmed or reading.state == "present"
            unsure = ("is there", subject, number)
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
            ended = Day(("end", subject, number), first, self.chart.as_of)
            self.world.suppose(NOT_BEFORE, began, ended)
        if not_after(began, today):
            yield began, ended
