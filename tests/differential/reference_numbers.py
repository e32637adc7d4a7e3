"""Numbers in one completion: quantities, multiples of a limit of normal, ages, derived quantities.

An uncertain number is replaced by one number of each cell: of each set of numbers that no test can
tell apart. Where it goes into a derived quantity, the cells are also cut where that passes a limit,
with the other inputs as they are or, while unchosen, at each end of their own cells. The formula is
monotone in each input, so what the others can still do changes only there.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from fractions import Fraction
from itertools import product

from protocol_logic.compiling import core, formulas
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import Measured
from tests.differential.reference_chart import ANY_NUMBER, compare, samples
from tests.differential.reference_formulas import calculate, for_everyone, for_patient, where
from tests.differential.reference_statements import Statements


class Numbers(Statements):
    """The numbers of a completion."""

    def within(self, test: core.Within) -> bool:
        entry = self.chart.vocabulary.entries.get(test.entry)
        if test.taken:
            return compare(self.extreme(test), test.op, test.limit)
        if isinstance(entry, voc.Age):
            number = Fraction(self.age(entry))
        elif entry is None:
            number = self.derived(self.chart.protocol.derived[test.entry])
        else:
            number = self.ratio(test.entry, test.per) if test.per else self.number(test.entry)
        return compare(number, test.op, test.limit)

    @abstractmethod
    def extreme(self, test: core.Within) -> Fraction:
        """The highest, the lowest or the mean of all results in the window."""

    # ---- measured ----------------------------------------------------------------------------

    def measured(self, entry: str) -> Measured | None:
        """The newest result; None when nothing is recorded, or one of the newest is unreadable or
        too old."""

        def read() -> Measured | None:
            facts = self.latest(entry)
            readings = [fact.reading for _, fact in facts if isinstance(fact.reading, Measured)]
            if not readings or any(reading.value is None for reading in readings):
                return None
            if self.too_old(facts):
                return None
            which = ("result", entry, self.scope(entry))
            return self.world.choose(which, list(dict.fromkeys(readings)))

        return self.world.once(("measured", entry, self.window), read)

    def number(self, entry: str) -> Fraction:
        reading = self.measured(entry)
        if reading is None or reading.value is None or reading.relative:
            limits = self.chart.limits_of(entry, Measured(None))
            key = ("number", entry, self.window)
            return self.world.choose(key, samples(ANY_NUMBER, limits))
        value, scope = reading.value, self.scope(entry)

        def choose() -> Fraction:
            return self.world.choose(("number", entry, scope), self._cells(entry, reading, value))

        return self.world.once(("number of", entry, scope), choose)

    def _cells(self, entry: str, reading: Measured, value: Interval) -> list[Fraction]:
        limits = self.chart.limits_of(entry, reading)
        derived = [] if value.is_point else self.chart.derived_from(entry)
        for quantity in derived:
            for cut in self._cuts(quantity, entry):
                limits += [("<=", cut), ("<", cut)]
        if derived and value.lo == 0:
            # Nobody weighs nothing: zero, where it is but the end of an interval, is no input.
            value = Interval(value.lo, False, value.hi, value.hi_closed)
        return samples(value, limits)

    def ratio(self, entry: str, per: str) -> Fraction:
        """The value in multiples of a limit of normal of the same result."""
        reading = self.measured(entry)
        limit = None if reading is None else self.limit_of_normal(entry, per, reading)
        if limit is None:
            limits = self.chart.ratio_limits(entry, per)
            key = ("ratio", entry, per, self.window)
            return self.world.choose(key, samples(ANY_NUMBER, limits))
        if reading is not None and reading.relative:
            assert reading.value is not None
            multiples = samples(reading.value, self.chart.ratio_limits(entry, per))
            return self.world.choose(("multiple", entry, per, self.scope(entry)), multiples)
        return self.number(entry) / limit

    def limit_of_normal(self, entry: str, per: str, reading: Measured) -> Fraction | None:
        limits = [limit for limit in reading.limits if limit.value > 0 and limit.end == per]
        own = []
        if any(limit.sex is not None for limit in limits):
            sex = self.value(self.chart.gender)
            own = [limit for limit in limits if limit.sex == sex]
        usable = own or [limit for limit in limits if limit.sex is None]
        values = sorted({limit.value for limit in usable})
        key = ("limit", entry, per, self.scope(entry))
        return self.world.choose(key, values) if values else None

    def count(self, entry: str) -> Fraction:
        return self.number(entry)

    # ---- age ---------------------------------------------------------------------------------

    def age(self, entry: voc.Age) -> int:
        ages = self.chart.ages(entry.of, entry.unit)
        if not ages:
            same = [e for e in self.chart.vocabulary.of(voc.Age) if e.unit == entry.unit]
            names = [e.name for e in same if e.of == entry.of]
            limits = [limit for name in names for limit in self.chart.limits(name)]
            near = {int(limit) + step for _, limit in limits for step in (-1, 0, 1, 2)}
            found = {tuple(compare(Fraction(a), *limit) for limit in limits): a for a in near}
            ages = sorted(found.values())
        return self.world.choose(("age", entry.of, entry.unit), ages)

    # ---- derived -----------------------------------------------------------------------------

    def derived(self, quantity: formulas.Derived) -> Fraction:
        key = ("derived", quantity.name, self.window)
        return self.world.once(key, lambda: self._derived(quantity))

    def _derived(self, quantity: formulas.Derived) -> Fraction:
        inputs = list(dict.fromkeys(formulas.inputs_of(quantity.formula)))
        if all(self._usable(name) for name in inputs):
            values = {name: self._input(name) for name in inputs}
            formula = for_patient(quantity.formula, self.value)
            try:
                return calculate(formula, values)
            except ZeroDivisionError:
                pass
        elif all(self._usable(name) or self.too_old(self.latest(name)) for name in inputs):
            pass  # what is too old leaves it open, whatever is reported
        elif quantity.reported is not None and self.newest(quantity.reported):
            return self.number(quantity.reported)
        limits = self.chart.limits(quantity.name)
        key = ("derived", quantity.name, self.window, "any")
        return self.world.choose(key, samples(ANY_NUMBER, limits))

    def _usable(self, name: str) -> bool:
        entry = self.chart.vocabulary.entries[name]
        if isinstance(entry, voc.Age):
            return bool(self.chart.ages(entry.of, entry.unit))
        reading = self.measured(name)
        return reading is not None and not reading.relative

    def _input(self, name: str) -> Fraction:
        entry = self.chart.vocabulary.entries[name]
        return Fraction(self.age(entry)) if isinstance(entry, voc.Age) else self.number(name)

    def _cuts(self, quantity: formulas.Derived, entry: str) -> Iterable[Fraction]:
        """Where the derived quantity passes one of its limits."""
        others = [n for n in dict.fromkeys(formulas.inputs_of(quantity.formula)) if n != entry]
        limits = list(dict.fromkeys(limit for _, limit in self.chart.limits(quantity.name)))
        cases = for_everyone(quantity.formula, self.chart.values)
        for choice in product(*(self._ends(name) for name in others)):
            values = dict(zip(others, choice, strict=True))
            for formula, limit in product(cases, limits):
                yield from where(formula, entry, limit, values, self._far_ends(entry))

    def _far_ends(self, entry: str) -> tuple[Fraction, Fraction]:
        """Two numbers between which all lie that matter of an uncertain quantity."""
        edges = [edge for edge in self.chart.edges(entry) if edge > 0] or [Fraction(1)]
        return min(edges) / 1000, max(edges) * 1000

    def _ends(self, name: str) -> list[Fraction]:
        """The number that is chosen already, or all that can turn out to be an end of a cell."""
        entry = self.chart.vocabulary.entries[name]
        if isinstance(entry, voc.Age):
            return [Fraction(age) for age in self.chart.ages(entry.of, entry.unit)]
        if self.world.knows(("number of", name, self.scope(name))):
            return [self.number(name)]
        return self.chart.edges(name)
