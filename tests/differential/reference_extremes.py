"""The highest, the lowest and the mean of all results of a window, in one completion.

What is uncertain of a result is chosen for each of them apart from all other tests: of which day it
is, what number it has, whether its limit of normal counts.
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction

from protocol_logic.compiling import core
from protocol_logic.records.facts import Fact, Measured
from tests.differential.reference_chart import ANY_NUMBER, Limit, samples
from tests.differential.reference_days import NOT_BEFORE, Day, on
from tests.differential.reference_numbers import Numbers


class Extremes(Numbers):
    """The extremes of a completion."""

    def extreme(self, test: core.Within) -> Fraction:
        numbers = self.results(test)
        if not numbers:
            return self.world.choose(("no", _key(test)), samples(ANY_NUMBER, self._limits(test)))
        match test.taken:
            case "highest":
                return max(numbers)
            case "lowest":
                return min(numbers)
            case _:
                return sum(numbers, Fraction(0)) / len(numbers)

    def results(self, test: core.Within) -> list[Fraction]:
        """What the results that count are worth."""
        return self.world.once(("results", _key(test)), lambda: self._results(test))

    def _results(self, test: core.Within) -> list[Fraction]:
        key, limits = _key(test), self._limits(test)
        once = {(f.date, f.reading): (n, f) for n, f in reversed(self.chart.facts(test.entry))}
        numbers = [
            self._worth(test, (key, number), fact, limits)
            for number, fact in once.values()
            if self._counts((key, number), fact)
        ]
        # A newest result that the site takes for too old leaves room for a newer one.
        if self.too_old(self.latest(test.entry)):
            more = self.world.choose(("newer", key), [None, *samples(ANY_NUMBER, limits)])
            numbers += [] if more is None else [more]
        return numbers

    def _limits(self, test: core.Within) -> list[Limit]:
        """All limits that are compared with the same."""
        return [(w.op, w.limit) for w in self.chart.withins if _key(w) == _key(test)]

    def _counts(self, key: Hashable, fact: Fact) -> bool:
        assert fact.date is not None
        day = Day(("extreme", key), fact.date.first, fact.date.last)
        if not self.world.far(NOT_BEFORE, day, on(self.chart.last_of(self.window))):
            return False
        return self.world.far(NOT_BEFORE, on(self.chart.first_of(self.window)), day)

    def _worth(self, test: core.Within, key: Hashable, fact: Fact, limits: list[Limit]) -> Fraction:
        reading = fact.reading
        anything = [*samples(ANY_NUMBER, limits), Fraction(0), Fraction(10**12)]
        if not isinstance(reading, Measured) or reading.value is None:
            return self.world.choose(("worth", key), anything)
        value = reading.value
        if not test.per:
            if reading.relative:
                return self.world.choose(("worth", key), anything)
        else:
            limit = self._limit(test.per, key, reading)
            if limit is None:
                return self.world.choose(("worth", key), anything)
            value = value.scale(1 / limit)
        near = [end for end in (value.lo, value.hi) if end is not None]
        tiny = Fraction(1, 10**9)
        ends = [x for end in near for x in (end - tiny, end, end + tiny)]
        ends += [10**12 * Fraction(1)] if value.hi is None else []
        inside = [x for x in ends if value.contains(x)]
        options = list(dict.fromkeys([*samples(value, limits), *inside]))
        return self.world.choose(("worth", key), options[:1] if value.is_point else options)

    def _limit(self, per: str, key: Hashable, reading: Measured) -> Fraction | None:
        """A limit of normal, any that may count for a sex that the patient may have."""
        limits = [x for x in reading.limits if x.value > 0 and x.end == per]
        gender = self.chart.gender
        sexes = {
            s for _, f in self.chart.facts(gender) for s in getattr(f.reading, "values", None) or ()
        }
        found: set[Fraction] = set()
        for sex in sexes or self.chart.values(gender):
            own = [x.value for x in limits if x.sex == sex]
            found |= set(own or [x.value for x in limits if x.sex is None])
        return self.world.choose(("limit", key), sorted(found)) if found else None


def _key(test: core.Within) -> Hashable:
    return (test.taken, test.entry, test.per, test.window)
