"""The cutter: values to the cells that they can lie in, exactly, whatever is known of them.

It knows the inputs of a patient and, for each finding, which of them can have several
alternatives; with those fixed it gives the cells, and what leaves more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import values_of
from protocol_logic.compiling.plan import NOT_RECORDED, Finding
from protocol_logic.findings import inputs as inp
from protocol_logic.findings.formulas import compute
from protocol_logic.findings.inputs import Alternative, Blank, Input, Number
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import CellSet, Found, Opener
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.elements import REFERENCE_RANGE
from protocol_logic.records.facts import Fact, Limit


class Cutter:
    """The inputs of one patient on one day, and the cells that findings have under them."""

    def __init__(self, protocol: core.Protocol, visible: Visible) -> None:
        self.protocol = protocol
        self.visible = visible
        self.voc = protocol.vocabulary
        self.inputs: dict[str, Input] = {}
        fields = self.voc.of(voc.PatientField)
        self.sex = next((f.name for f in fields if f.field == "gender"), None)
        """The patient field whose values limits of normal speak of."""

    def input(self, name: str) -> Input:
        if name not in self.inputs:
            self.inputs[name] = self._read_input(name)
        return self.inputs[name]

    def _read_input(self, name: str) -> Input:
        entry = self.voc.entries[name]
        match entry:
            case voc.PatientField():
                return inp.field_input(self.visible, entry)
            case voc.Age():
                return inp.age_input(self.visible, entry)
            case voc.Quantity():
                return inp.number_input(self.visible, entry)
            case voc.Lesion():
                return inp.lesion_input(self.visible, entry)
            case _:
                return inp.status_input(self.visible, entry, values_of(entry))

    def reads(self, finding: Finding) -> list[str]:
        """The inputs of a finding that can have more than one alternative for this patient."""
        names = [finding.entry]
        if finding.kind == "ratio":
            numbers = self.input(finding.entry).alternatives
            limits = (x for n in numbers if isinstance(n, Number) for x in n.limits)
            sexed = any(x.sex for x in limits if x.end == finding.detail)
            names += [self.sex] if self.sex is not None and sexed else []
        elif finding.kind == "derived":
            names = self._goes_into(self.protocol.derived[finding.entry])
        return [n for n in names if len(self.input(n).alternatives) > 1]

    def _goes_into(self, derived: core.Derived) -> list[str]:
        """The inputs that a derived quantity can rest on for this patient."""
        names = list(derived.inputs)
        reported = [derived.reported] if derived.reported else []
        if any(self.input(n).gives_way for n in names):
            return reported
        gives_way = any(self.input(n).may_give_way for n in names)
        if all(self.input(n).has_value for n in names):
            names += derived.fields
        return names + reported if gives_way else names

    def split_censored(self, findings: Iterable[Finding]) -> None:
        """Cut interval readings where the plain tests of the same quantity cut them.

        Then each alternative lies in one cell of those tests, and another finding that reads the
        quantity moves jointly with them.
        """
        for finding in findings:
            if finding.kind in ("number", "ratio"):
                found = self.input(finding.entry)
                if not any(
                    isinstance(n, Number) and not n.value.is_point for n in found.alternatives
                ):
                    continue
                pieces = [
                    piece for each in found.alternatives for piece in self._pieces(finding, each)
                ]
                self.inputs[finding.entry] = replace(found, alternatives=tuple(pieces))

    def _pieces(self, finding: Finding, number: Alternative) -> Sequence[Alternative]:
        """The parts of a reading that the finding's cells cut it into; a point is one part."""
        if not isinstance(number, Number) or number.value.is_point:
            return (number,)
        if number.relative and finding.kind != "ratio":
            return (number,)
        pieces = [number.value]
        scales = [Fraction(1)]
        if finding.kind == "ratio":
            sexes = self.input(self.sex).alternatives if self.sex else ("",)
            scales = sorted({x.value for s in sexes for x in _limits(finding, number, str(s))})
        for scale in scales:
            pieces = [
                piece
                for part in pieces
                for cell in finding.ranges
                if (piece := part.intersection(cell.scale(scale))) is not None
            ]
        return [replace(number, value=piece) for piece in pieces]

    def openers_of(self, finding: Finding, key: str) -> Iterable[Opener]:
        """Why an input has several alternatives; for a reported value, the inputs that are not."""
        opener = self.input(key).opener
        if finding.kind == "derived":
            derived = self.protocol.derived[finding.entry]
            if key == derived.reported:
                return self._inputs_open(derived)
        if opener is not None and finding.kind == "ratio" and key == finding.entry:
            if opener.element.partition(":")[0] in REFERENCE_RANGE.values():
                opener = replace(opener, element=_reference(finding))
        return () if opener is None else (opener,)

    def label(self, key: str) -> str:
        """The element that decides between the alternatives of an input."""
        opener = self.input(key).opener
        return self.voc.entries[key].element if opener is None else opener.element

    def _inputs_open(self, derived: core.Derived) -> tuple[Opener, ...]:
        names = (*derived.inputs, *derived.fields)
        return tuple(o for n in names if (o := self.input(n).opener) is not None)

    def facts(self, finding: Finding) -> list[Fact]:
        names = [finding.entry]
        if finding.kind == "derived":
            derived = self.protocol.derived[finding.entry]
            names = self._goes_into(derived) or list(derived.inputs)
        return [fact for n in dict.fromkeys(names) for fact in self.input(n).facts]

    def cells(self, finding: Finding, choice: Mapping[str, Alternative]) -> Found:
        """The cells of a finding when its uncertain inputs are fixed."""
        if finding.variant and self._is_missing(finding, choice):
            return Found(frozenset({NOT_RECORDED}))
        if finding.kind == "derived":
            return self._derived(finding, choice)
        found = self.input(finding.entry)
        value = choice.get(finding.entry, found.alternatives[0])
        if finding.kind == "in_record":
            return Found(frozenset({"no" if value is Blank.NOTHING else "yes"}))
        if finding.kind == "recorded" and value is Blank.NOTHING:
            return Found(frozenset({NOT_RECORDED}))
        if isinstance(value, Blank):
            return Found(self._anything(finding), (found.opener,) if found.opener else ())
        if isinstance(value, str):
            return Found(frozenset(_named(finding, value)))
        if isinstance(value, int):
            return Found(_inside(finding, Interval.point(Fraction(value))))
        if finding.kind == "ratio":
            return self._ratio(finding, value, choice)
        if value.relative:
            return Found(self._anything(finding), (found.opener,) if found.opener else ())
        cells = _inside(finding, value.value)
        return Found(cells, self._imprecise(finding.entry, cells))

    def _is_missing(self, finding: Finding, choice: Mapping[str, Alternative]) -> bool:
        """Whether nothing is recorded of a value; of a derived quantity neither it nor all that it
        is made of."""
        derived = self.protocol.derived.get(finding.entry)
        if derived is None:
            return self._is_nothing(finding.entry, choice)
        names = (*derived.inputs, *derived.fields)
        reported = derived.reported is None or self._is_nothing(derived.reported, choice)
        return reported and any(self._is_nothing(name, choice) for name in names)

    def _is_nothing(self, name: str, choice: Mapping[str, Alternative]) -> bool:
        if isinstance(self.voc.entries[name], voc.PatientField):
            return not self.input(name).facts  # its alternatives are then all its values
        return choice.get(name, self.input(name).alternatives[0]) is Blank.NOTHING

    def _anything(self, finding: Finding) -> CellSet:
        """All cells that a value can lie in; a quantity or an age is not below zero."""
        if finding.kind == "derived":
            return frozenset(cell for cell, _ in finding.parts)
        if finding.kind not in ("number", "ratio", "age"):
            return frozenset(c for c in finding.cells if c != NOT_RECORDED)
        entry = self.voc.entries[finding.entry]
        plausible = entry.plausible if isinstance(entry, voc.Quantity) else None
        if plausible is not None and (plausible.lo is None or plausible.lo < 0):
            return frozenset(cell for cell, _ in finding.parts)
        return _inside(finding, Interval.at_least(0))

    def _imprecise(self, entry: str, cells: CellSet) -> tuple[Opener, ...]:
        opener = self.input(entry).opener
        return (opener,) if len(cells) > 1 and opener is not None else ()

    def _ratio(self, finding: Finding, number: Number, choice: Mapping[str, Alternative]) -> Found:
        sex = self.sex
        if sex is None:
            values: Sequence[Alternative] = ("",)
        elif sex in choice:
            values = (choice[sex],)
        else:
            values = self.input(sex).alternatives
        stated = [limit for s in values for limit in _limits(finding, number, str(s))]
        limits = [limit for limit in stated if limit.value > 0]
        reference = _reference(finding)
        if not limits:
            opener = Opener(reference, "no_reference_range", number.resource)
            value = self.input(finding.entry).opener
            return Found(self._anything(finding), (opener, value) if value else (opener,))
        openers: list[Opener] = []
        by_limit = []
        for limit in limits:
            cells = _inside(finding, number.value.scale(1 / limit.value))
            openers += self._imprecise(finding.entry, cells)
            by_limit.append(cells)
        if len(set(by_limit)) > 1:
            openers.append(Opener(reference, "conflicting", number.resource))
        return Found(frozenset().union(*by_limit), tuple(openers))

    def _derived(self, finding: Finding, choice: Mapping[str, Alternative]) -> Found:
        derived = self.protocol.derived[finding.entry]
        names = derived.inputs

        def value_of(name: str) -> Alternative:
            value = choice[name] if name in choice else self.input(name).alternatives[0]
            return inp.usable(value)

        blanks = {blank for n in names if isinstance(blank := value_of(n), Blank)}
        if blanks - {Blank.STALE}:
            return self._reported(finding, derived, choice)
        if blanks:
            return Found(self._anything(finding), self._inputs_open(derived))
        numbers = {n: _interval(value_of(n)) for n in names}
        value = compute(derived.formula, numbers, {f: str(value_of(f)) for f in derived.fields})
        cells = _inside(finding, value)
        if len(cells) == 1:
            return Found(cells)
        if any(not number.is_point for number in numbers.values()):
            # With a range among the inputs, each input that is not certain can tip the result.
            return Found(cells, self._inputs_open(derived))
        # A root that lies nearer to a limit than its digits can tell.
        return Found(cells, (Opener(derived.element, "imprecise"),))

    def _reported(
        self,
        finding: Finding,
        derived: core.Derived,
        choice: Mapping[str, Alternative],
    ) -> Found:
        """Where an input is missing or unreadable, the reported value decides; what it leaves open
        is a gap of the inputs, which would settle it."""
        openers = self._inputs_open(derived)
        number: Alternative = Blank.NOTHING
        if derived.reported:
            first = self.input(derived.reported).alternatives[0]
            number = choice.get(derived.reported, first)
        if not isinstance(number, Number):
            return Found(self._anything(finding), openers)
        cells = _inside(finding, _interval(number))
        return Found(cells, openers if len(cells) > 1 else ())


def _named(finding: Finding, value: str) -> Iterable[str]:
    for cell, members in zip(finding.cells, finding.values, strict=True):
        if value in members:
            yield cell


def _inside(finding: Finding, value: Interval) -> CellSet:
    """THE cutter: the cells that a number, exact or not, can lie in."""
    return frozenset(cell for cell, part in finding.parts if part.intersects(value))


def _limits(finding: Finding, number: Number, sex: str) -> list[Limit]:
    """The limits of normal that count for a sex: its own, else the general ones."""
    limits = [x for x in number.limits if x.end == finding.detail]
    return [x for x in limits if x.sex == sex] or [x for x in limits if x.sex is None]


def _reference(finding: Finding) -> str:
    """The element of the limit of normal of a ratio."""
    return f"{REFERENCE_RANGE['LLN' if finding.detail == 'LLN' else 'ULN']}:{finding.element}"


def _interval(value: Alternative) -> Interval:
    if isinstance(value, Number):
        return Interval.at_least(0) if value.relative else value.value
    assert isinstance(value, int)
    return Interval.point(Fraction(value))
