"""The cutter: values to the cells that they can lie in, exactly, whatever is known of them.

It knows the inputs of a patient and, for each finding, which of them can have several
alternatives; with those fixed it gives the cells, and what leaves more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from protocol_logic.compiling import core, formulas
from protocol_logic.compiling.plan import NOT_RECORDED, Finding
from protocol_logic.findings.formulas import compute
from protocol_logic.findings.inputs import Alternative, Blank, Number, usable
from protocol_logic.findings.keyed import Inputs
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import CellSet, Found, Opener
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.elements import REFERENCE_RANGE
from protocol_logic.records.facts import Fact, Limit


class Cutter(Inputs):
    """The inputs of one patient on one day, and the cells that findings have under them."""

    def __init__(self, protocol: core.Protocol, visible: Visible) -> None:
        super().__init__(protocol.vocabulary, visible)
        self.protocol = protocol
        self.numbers: dict[str, list[Interval]] = {}
        """Finding -> the numbers that it was cut from."""

    def _cut(self, finding: Finding, value: Interval) -> CellSet:
        self.numbers.setdefault(finding.id, []).append(value)
        return _inside(finding, value)

    def reads(self, finding: Finding) -> list[str]:
        """The inputs of a finding that can have more than one alternative for this patient."""
        if finding.kind == "derived":
            names = self._goes_into(finding)
            return [n for n in names if len(self.input(n).alternatives) > 1]
        names = [self.key(finding.entry, finding)]
        if finding.kind == "ratio":
            numbers = self.input(names[0]).alternatives
            limits = (x for n in numbers if isinstance(n, Number) for x in n.limits)
            sexed = any(x.sex for x in limits if x.end == finding.detail)
            names += [self.sex] if self.sex is not None and sexed else []
        return [n for n in names if len(self.input(n).alternatives) > 1]

    def _goes_into(self, finding: Finding) -> list[str]:
        """The inputs that a derived quantity can rest on for this patient."""
        derived = self.protocol.derived[finding.entry]
        names = [self.key(n, finding) for n in derived.inputs]
        reported = [self.key(derived.reported, finding)] if derived.reported else []
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
        findings = list(findings)
        for finding in findings:
            if finding.window is not None:  # which inputs are one is seen before they are cut
                self.reads(finding)
        for finding in findings:
            derived = self.protocol.derived.get(finding.entry)
            name = finding.entry if derived is None else derived.reported
            if finding.kind in ("number", "ratio", "derived") and name is not None:
                key = self.key(name, finding)
                found = self.input(key)
                if not any(
                    isinstance(n, Number) and not n.value.is_point for n in found.alternatives
                ):
                    continue
                pieces = [
                    piece for each in found.alternatives for piece in self._pieces(finding, each)
                ]
                self.inputs[key] = replace(found, alternatives=tuple(pieces))

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
            reported = self.protocol.derived[finding.entry].reported
            if reported is not None and key == self.key(reported, finding):
                return self._inputs_open(finding)
        if opener is not None and finding.kind == "ratio" and key != self.sex:
            if opener.element.partition(":")[0] in REFERENCE_RANGE.values():
                opener = replace(opener, element=_reference(finding))
        return () if opener is None else (opener,)

    def label(self, key: str) -> str:
        """The element that decides between the alternatives of an input."""
        opener = self.input(key).opener
        return self.element(key) if opener is None else opener.element

    def _inputs_open(self, finding: Finding) -> tuple[Opener, ...]:
        derived = self.protocol.derived[finding.entry]
        keys = (self.key(n, finding) for n in (*derived.inputs, *derived.fields))
        openers = (o for key in keys if (o := self.input(key).opener) is not None)
        return tuple(dict.fromkeys(openers))

    def facts(self, finding: Finding) -> list[Fact]:
        """The facts that a finding rests on."""
        if finding.kind == "derived":
            derived = self.protocol.derived[finding.entry]
            names = self._goes_into(finding) or [self.key(n, finding) for n in derived.inputs]
        else:
            names = [self.key(finding.entry, finding)]
        return [fact for n in dict.fromkeys(names) for fact in self.input(n).facts]

    def cells(self, finding: Finding, choice: Mapping[str, Alternative]) -> Found:
        """The cells of a finding when its uncertain inputs are fixed."""
        if finding.variant and self._is_missing(finding, choice):
            return Found(frozenset({NOT_RECORDED}))
        if finding.kind == "derived":
            return self._derived(finding, choice)
        key = self.key(finding.entry, finding)
        found = self.input(key)
        value = choice.get(key, found.alternatives[0])
        if finding.kind == "in_record":
            return Found(frozenset({"no" if value is Blank.NOTHING else "yes"}))
        if finding.kind == "recorded" and value is Blank.NOTHING:
            return Found(frozenset({NOT_RECORDED}))
        if isinstance(value, Blank):
            return Found(self._anything(finding), (found.opener,) if found.opener else ())
        if isinstance(value, str):
            return Found(frozenset(_named(finding, value)))
        if isinstance(value, int):
            return Found(self._cut(finding, Interval.point(Fraction(value))))
        if finding.kind == "ratio":
            return self._ratio(finding, value, choice)
        if value.relative:
            return Found(self._anything(finding), (found.opener,) if found.opener else ())
        cells = self._cut(finding, value.value)
        return Found(cells, self._imprecise(key, cells))

    def _is_missing(self, finding: Finding, choice: Mapping[str, Alternative]) -> bool:
        """Whether nothing is recorded of a value; of a derived quantity neither it nor all that it
        is made of."""
        derived = self.protocol.derived.get(finding.entry)
        if derived is None:
            return self._is_nothing(finding.entry, finding, choice)
        names = (*derived.inputs, *derived.fields)
        reported = derived.reported is None or self._is_nothing(derived.reported, finding, choice)
        return reported and any(self._is_nothing(name, finding, choice) for name in names)

    def _is_nothing(self, name: str, finding: Finding, choice: Mapping[str, Alternative]) -> bool:
        key = self.key(name, finding)
        if isinstance(self.voc.entries[name], voc.PatientField):
            return not self.input(key).facts  # its alternatives are then all its values
        return choice.get(key, self.input(key).alternatives[0]) is Blank.NOTHING

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

    def _imprecise(self, key: str, cells: CellSet) -> tuple[Opener, ...]:
        opener = self.input(key).opener
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
        reference, key = _reference(finding), self.key(finding.entry, finding)
        if not limits:
            opener = Opener(reference, "no_reference_range", number.resource)
            value = self.input(key).opener
            return Found(self._anything(finding), (opener, value) if value else (opener,))
        openers: list[Opener] = []
        by_limit = []
        for limit in limits:
            cells = self._cut(finding, number.value.scale(1 / limit.value))
            openers += self._imprecise(key, cells)
            by_limit.append(cells)
        if len(set(by_limit)) > 1:
            openers.append(Opener(reference, "conflicting", number.resource))
        return Found(frozenset().union(*by_limit), tuple(openers))

    def _derived(self, finding: Finding, choice: Mapping[str, Alternative]) -> Found:
        derived = self.protocol.derived[finding.entry]
        names = derived.inputs

        def value_of(name: str) -> Alternative:
            key = self.key(name, finding)
            return usable(choice[key] if key in choice else self.input(key).alternatives[0])

        blanks = {blank for n in names if isinstance(blank := value_of(n), Blank)}
        if blanks - {Blank.STALE}:
            return self._reported(finding, derived, choice)
        if blanks:
            return Found(self._anything(finding), self._inputs_open(finding))
        numbers = {n: _interval(value_of(n)) for n in names}
        value = compute(derived.formula, numbers, {f: str(value_of(f)) for f in derived.fields})
        cells = self._cut(finding, value)
        if len(cells) == 1:
            return Found(cells)
        if any(not number.is_point for number in numbers.values()):
            # With a range among the inputs, each input that is not certain can tip the result.
            return Found(cells, self._inputs_open(finding))
        # A root that lies nearer to a limit than its digits can tell.
        return Found(cells, (Opener(derived.element, "imprecise"),))

    def _reported(
        self,
        finding: Finding,
        derived: formulas.Derived,
        choice: Mapping[str, Alternative],
    ) -> Found:
        """Where an input is missing or unreadable, the reported value decides; what it leaves open
        is a gap of the inputs, which would settle it."""
        openers = self._inputs_open(finding)
        number: Alternative = Blank.NOTHING
        if derived.reported:
            key = self.key(derived.reported, finding)
            number = choice.get(key, self.input(key).alternatives[0])
        if not isinstance(number, Number):
            return Found(self._anything(finding), openers)
        cells = self._cut(finding, _interval(number))
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
