"""Where a derived quantity reaches its limits, told on one of its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cached_property

from protocol_logic.answering.what_if.examples import example_of
from protocol_logic.answering.what_if.lever_concepts import ConceptLevers
from protocol_logic.answering.what_if.levers import Because, Cut, Unit
from protocol_logic.answering.what_if.limits import solved
from protocol_logic.compiling.formulas import Derived
from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.inputs import Input, Number
from protocol_logic.findings.rows import CellSet
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.foundation.units import zero_of
from protocol_logic.knowledge import vocabulary as voc


class DerivedLimits(ConceptLevers):
    """The limits of the inputs of one patient on one day."""

    def _is_recorded(self, name: str, readers: Iterable[Finding]) -> bool:
        """Whether something usable is recorded: all that reads it is decided."""
        entry = self.voc.entries[name]
        if isinstance(entry, voc.Concept | voc.History | voc.Event):
            return bool(self.visible.of(name))
        found = self.cutter.input(name)
        if not found.has_value or (isinstance(entry, voc.PatientField) and not found.facts):
            return False
        own = [f for f in readers if f.kind in ("number", "ratio", "value", "age")]
        return all(self._decided(f) for f in own) and (bool(own) or found.opener is None)

    def _decided(self, finding: Finding) -> bool:
        """Whether a finding lies in one cell, in every row of its group."""
        return len(self._cells.get(finding.id, ())) == 1

    @cached_property
    def _cells(self) -> dict[str, CellSet]:
        """The cells of each finding, over all rows of its group."""
        cells = dict(self.found.single)
        for group in self.found.groups:
            for row in group.rows:
                for name, each in row.cells:
                    cells[name] = cells[name] | each if name in cells else each
        return cells

    def _solved(
        self,
        entry: voc.Quantity,
        derived: Derived,
        finding: Finding,
        unit: Unit,
        because: dict[Because, None],
    ) -> Iterator[Cut]:
        """Where a derived quantity reaches its limits, the other inputs being as they are."""
        values, words = {}, []
        missing = self._missing(entry, derived)
        if missing and self._is_recorded(entry.name, ()):
            return
        examples = {name: self._example(name) for name in (entry.name, *missing)}
        if missing:
            yield from self._of_examples(entry, derived, finding, examples)
        for name in derived.inputs:
            if name == entry.name:
                continue
            known = self._known(name)
            value = examples.get(name) if known is None else known
            if value is None:
                return
            values[name] = value
            words.append(self._amount(name, value) + (" (an example)" if known is None else ""))
        fields = {}
        for name in derived.fields:
            alternatives = self.cutter.input(name).alternatives
            if len(alternatives) != 1:
                return
            fields[name] = str(alternatives[0])
        within = entry.plausible or Interval.at_least(0)
        for edge in finding.ranges:
            if edge.lo is None:
                continue
            found = solved(
                derived.formula, entry.name, values, fields, edge.lo, within, unit.factor
            )
            if found is None:
                continue
            cuts = (Cut(found.low, True, True), Cut(found.high, False, True))
            if found.exact:
                cuts = (Cut(found.low, edge.lo_closed != found.rises),) * 2
            at = (f" at {' and '.join(words)}" if words else "") + (
                "" if found.exact else ", rounded to the safe side"
            )
            for cut, ends in zip(cuts, (True, False), strict=True):
                needs = f"{_limit(derived, edge, found.rises != ends)} needs {entry.name}"
                sign = ("<=" if cut.above else "<") if ends else (">" if cut.above else ">=")
                told = f"{needs} {sign} {unit.text(cut.value)}{at}"
                because[Because(cut, ends, told)] = None
            yield from dict.fromkeys(cuts)

    def _known(self, name: str) -> Fraction | None:
        """The one number that is known of an input."""
        alternatives = self.cutter.input(name).alternatives
        return _point(alternatives[0]) if len(alternatives) == 1 else None

    def _missing(self, entry: voc.Quantity, derived: Derived) -> list[str]:
        """The other inputs of which no one number is known."""
        others = [name for name in derived.inputs if name != entry.name]
        return [name for name in others if self._known(name) is None]

    def _example(self, name: str) -> Fraction | None:
        """What stands for an input of which nothing is known, where another needs its value."""
        return None if self._is_recorded(name, ()) else example_of(name, self.sex())

    def sex(self) -> str:
        """The sex of the patient; empty where it is not certain."""
        sexes = self.cutter.input(self.cutter.sex).alternatives if self.cutter.sex else ()
        return str(sexes[0]) if len(sexes) == 1 else ""

    def _of_examples(
        self,
        entry: voc.Quantity,
        derived: Derived,
        finding: Finding,
        examples: Mapping[str, Fraction | None],
    ) -> Iterator[Cut]:
        """The example of an input, where another has a limit at it; says that several inputs are
        missing, of which none has a limit by itself."""
        without = [name for name, value in examples.items() if value is None]
        solvable = [
            name
            for name in examples
            if isinstance(self.voc.entries[name], voc.Quantity) and set(without) <= {name}
        ]
        own = examples[entry.name]
        if own is not None and any(name != entry.name for name in solvable):
            yield Cut(own, False)
        *names, last = (f"`{name}`" for name in derived.inputs if name in examples)
        note = f"`{derived.name}` needs {', '.join(names)} and {last}, none of which is known: "
        note += (
            "limits are given for an example, and others do as well"
            if solvable
            else "there is no one limit for each"
        )
        self.notes.setdefault(finding.id, {})[note] = None

    def _amount(self, name: str, value: Fraction) -> str:
        entry = self.voc.entries[name]
        if isinstance(entry, voc.Age):
            words = {"a": "years", "mo": "months", "d": "days"}[entry.unit]
            return f"{decimal_text(value)} {words}"
        assert isinstance(entry, voc.Quantity)
        return f"{name} {unit_of(entry, self.cutter.input(name), [value]).text(value)}"


def unit_of(entry: voc.Quantity, now: Input, values: Iterable[Fraction] = ()) -> Unit:
    """The unit in which a quantity is written: that of its result, or the entry's own where values
    have no end in it."""
    units = [
        Unit(code, entry.accepts[code])
        for fact in now.facts
        for code in fact.recorded.replace(",", " ").split()
        if code in entry.accepts and not zero_of(code)
    ]
    units.append(Unit(entry.unit))
    numbers = list(values)
    ending = (u for u in units if not any("/" in u.text(v).removesuffix(u.after) for v in numbers))
    return next(ending, units[0])


def _limit(derived: Derived, edge: Interval, reached: bool) -> str:
    """That a derived quantity reaches a limit, or that it does not."""
    assert edge.lo is not None
    sign = (">=" if edge.lo_closed else ">") if reached else ("<" if edge.lo_closed else "<=")
    unit = "" if derived.unit == "1" else f" {derived.unit}"
    return f"{derived.name} {sign} {decimal_text(edge.lo)}{unit}"


def _point(value: object) -> Fraction | None:
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, Number) and value.value.is_point and not value.relative:
        return value.value.lo
    return None
