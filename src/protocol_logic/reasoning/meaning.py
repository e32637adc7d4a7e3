"""What the conditions of a protocol are in a view, from their parts, by the operators' meanings.

A condition is true, false or open (None) as its parts are. Where the program decides more, a
justification needs cases; see `support.split`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol_logic.compiling import core
from protocol_logic.compiling.cells import variant_id
from protocol_logic.compiling.plan import Plan, slug
from protocol_logic.compiling.planner import deniers
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import CellSet
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.reasoning.support import Truth, View

Range = tuple[int, int]


def both(truths: Iterable[Truth]) -> Truth:
    """All hold."""
    said = list(truths)
    return False if False in said else None if None in said else True


def either(truths: Iterable[Truth]) -> Truth:
    """One holds."""
    said = list(truths)
    return True if True in said else None if None in said else False


def at_least(number: int, truths: Iterable[Truth]) -> Truth:
    """So many hold."""
    said = list(truths)
    if sum(truth is True for truth in said) >= number:
        return True
    return None if sum(truth is not False for truth in said) >= number else False


def opposite(truth: Truth) -> Truth:
    return None if truth is None else not truth


def within(cells: CellSet, wanted: Iterable[str]) -> Truth:
    """A finding lies in one of the wanted cells."""
    kept = cells.intersection(wanted)
    return False if not kept else True if kept == cells else None


def compared(op: str, low: int, high: int, number: int) -> Truth:
    """A whole number from low to high compares with another."""
    said = {_compare(op, each, number) for each in (low, number - 1, number, number + 1, high)
            if low <= each <= high}  # fmt: skip
    return said.pop() if len(said) == 1 else None


def _compare(op: str, one: int, other: int) -> bool:
    assert op in COMPARISONS
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other,
            "=": one == other}[op]  # fmt: skip


class Meaning:
    """The conditions of a protocol in one view."""

    def __init__(self, protocol: core.Protocol, plan: Plan, view: View) -> None:
        self.protocol = protocol
        self.plan = plan
        self.view = view
        self.settled: dict[int, Truth] = {}
        """`id` of conditions that cases have settled, or that are known otherwise."""
        self._values: dict[str, frozenset[str]] = {}

    def truth(self, condition: core.Condition) -> Truth:
        """What a condition is."""
        if id(condition) in self.settled:
            return self.settled[id(condition)]
        match condition:
            case core.All(parts=parts):
                return both(map(self.truth, parts))
            case core.Any(parts=parts):
                return either(map(self.truth, parts))
            case core.AtLeast(number=number, parts=parts):
                return at_least(number, map(self.truth, parts))
            case core.Not(part=part):
                return opposite(self.truth(part))
            case core.Scored(name=name, op=op, number=number):
                ranges = self.points(name)
                return compared(op, sum(a for a, _ in ranges), sum(b for _, b in ranges), number)
            case core.Defined(name=name, value=value):
                body = self.protocol.definitions[name].body
                if value is None:
                    assert not isinstance(body, core.Decision | core.Score)
                    return self.truth(body)
                return within(self.values(name), [value])
            case core.Present():
                return self.present(condition)
            case core.Pattern():
                return self.pattern(condition)
        finding, cells = self.plan.tests[condition]
        return within(self.view.cells(finding), cells)

    def met(self, criterion: core.Criterion) -> Truth:
        """The statement of a criterion describes the patient."""
        applies = True if criterion.applies is None else self.truth(criterion.applies)
        held = both([applies, self.truth(criterion.condition)])
        return either([held, opposite(applies)]) if criterion.polarity == "inclusion" else held

    def passes(self, criterion: core.Criterion) -> Truth:
        """A criterion does not stand in the way."""
        met = self.met(criterion)
        return met if criterion.polarity == "inclusion" else opposite(met)

    def values(self, name: str) -> frozenset[str]:
        """The values that a decision can give."""
        if name not in self._values:
            decision = self.protocol.definitions[name].body
            assert isinstance(decision, core.Decision)
            cells = self.view.cells(f"{name}_if_undetermined")
            undetermined = {value for value in decision.values if slug(value) in cells}
            found: set[str] = set()
            for case in decision.cases:
                truth = self.truth(case.condition)
                if truth is not False:
                    found |= undetermined if case.value is None else {case.value}
                if truth is True:
                    break
            else:
                found |= undetermined if decision.otherwise is None else {decision.otherwise}
            self._values[name] = frozenset(found)
        return self._values[name]

    def points(self, name: str) -> list[Range]:
        """The least and the most points of each part of a score."""
        score = self.protocol.definitions[name].body
        assert isinstance(score, core.Score)
        return [self._points(part) for part in score.parts]

    def _points(self, part: core.Addend) -> Range:
        found: set[int] = set()
        for points, condition in part.cases:
            truth = self.truth(condition)
            if truth is not False:
                found.add(points)
            if truth is True:
                break
        else:
            found.add(part.otherwise)
        return min(found), max(found)

    # ---- conditions that a record need not mention -------------------------------------------

    def kinds(self, test: core.Present) -> dict[str, str]:
        """Each kind of a concept -> the finding that is read of it."""
        variant = core.variant_of(test)
        names = {k: variant_id(k, variant) for k in self.protocol.vocabulary.below(test.concept)}
        return {kind: name for kind, name in names.items() if name in self.plan.findings}

    def present(self, test: core.Present) -> Truth:
        """Some kind of the concept is present."""
        variant = core.variant_of(test)
        return either(
            within(self.kind_cells(kind, finding, variant), ("present", "unrecorded"))
            for kind, finding in self.kinds(test).items()
        )

    def kind_cells(self, kind: str, finding: str, variant: core.Variant) -> CellSet:
        """The cells of one kind, where what is denied is not there unrecorded."""
        cells = self.view.cells(finding)
        if "unrecorded" not in cells:
            return cells
        denied = either(map(self.denied, self.deniers_of(kind, variant)))
        if denied is True:
            return cells - {"unrecorded"} | (
                {"absent"} if variant or cells == {"unrecorded"} else set()
            )
        return cells | {"absent"} if variant and denied is None else cells

    def deniers_of(self, kind: str, variant: core.Variant) -> list[str]:
        """The concepts with a denial that makes an unmentioned kind absent."""
        if variant:
            return list(deniers(self.protocol, kind))
        below = self.protocol.vocabulary.below
        return [name for name in self.protocol.denials if kind in below(name)]

    def denied(self, concept: str) -> Truth:
        """The denial of a concept holds, and nothing of it is stated."""
        return both([self.truth(self.protocol.denials[concept]), opposite(self.stated(concept))])

    def stated(self, concept: str) -> Truth:
        kinds = self.protocol.vocabulary.below(concept)
        read = [kind for kind in kinds if kind in self.plan.findings]
        return either(within(self.view.cells(kind), ["present"]) for kind in read)

    def impossible(self) -> tuple[str, str] | None:
        """A concept that is denied, and a kind of it that is there unrecorded: no such scenario."""
        for concept in self.protocol.denials:
            kinds = self.protocol.vocabulary.below(concept)
            there = [k for k in kinds if self.view.cells(k) == {"unrecorded"}]
            if there and self.denied(concept) is True:
                return concept, there[0]
        return None

    # ---- courses -----------------------------------------------------------------------------

    def pattern(self, pattern: core.Pattern) -> Truth:
        """A course and an event fit in every reading, in none, or in some."""
        rows = self.view.rows(concept_group(pattern.concept))
        said = {self._fits(pattern, row) for row in rows} or {None}
        return said.pop() if len(said) == 1 else None

    def _fits(self, pattern: core.Pattern, row: Mapping[str, CellSet]) -> Truth:
        names = self.plan.courses[pattern.concept].names[pattern.name]

        def lies(finding: str, cell: str) -> Truth:
            return within(row.get(finding) or self.view.cells(finding), [cell])

        prefix = f"course({pattern.concept},"
        courses = [name[len(prefix) : -1] for name in row if name.startswith(prefix)]
        prefix = f"event({pattern.event},"
        events = [name[len(prefix) : -1] for name in row if name.startswith(prefix)]
        fits = [lies(names.unrecorded_course, "some")]
        for course in courses:
            chosen = lies(f"course({pattern.concept},{course})", pattern.intent or core.ANY_INTENT)
            room = lies(f"{names.room}({course})", "yes")
            fits.append(both([chosen, room, lies(names.unrecorded_event, "some")]))
            for event in events:
                recorded = lies(f"event({pattern.event},{event})", "recorded")
                pair = f"({course},{event})"
                clauses = [lies(f"{clause}{pair}", "yes") for clause in names.clauses]
                fits.append(both([chosen, recorded, *clauses]))
        return either(fits)
