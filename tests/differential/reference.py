"""A slow second opinion: a protocol decided for a record by looking at every completion of it.

A completion settles all that a record leaves uncertain: which of two results of one day is right,
the day of a partial date, a number of an interval, what is not recorded. In each, every condition
is true or false by plain logic. A criterion is met (not met) if it is so in all completions, else
unknown.
Nothing is shared with the system under test but the checked protocol, the facts and the calendar.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import islice
from types import MappingProxyType
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.windows import Window
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import PatientRecord
from tests.differential.reference_chart import Chart, compare
from tests.differential.reference_days import TooLarge
from tests.differential.reference_occurrences import Occurrences
from tests.differential.reference_world import World, explore

Eligibility: TypeAlias = Literal["eligible", "ineligible", "undetermined"]

__all__ = ["MOST", "Outcome", "Result", "TooLarge", "evaluate"]

MOST = 200_000
"""Completions after which an evaluation is given up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`applies` is False when the criterion's `applies if` fails in all completions."""

    outcome: Literal["met", "not_met", "unknown"]
    applies: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of each criterion by id, and eligibility over all criteria at once; by scope,
    where there are any, over those that count for it."""

    criteria: Mapping[str, Outcome]
    eligibility: Eligibility
    scopes: Mapping[str, Eligibility]


class Completion(Occurrences):
    """A completion, in which conditions are true or false."""

    def holds(self, condition: core.Condition) -> bool:
        if isinstance(condition, core.All):
            return all(self.holds(part) for part in condition.parts)
        if isinstance(condition, core.Any):
            return any(self.holds(part) for part in condition.parts)
        if isinstance(condition, core.AtLeast):
            held = (None for part in condition.parts if self.holds(part))
            return len(list(islice(held, condition.number))) == condition.number
        if isinstance(condition, core.Not):
            return not self.holds(condition.part)
        return self.test(condition)

    def test(self, test: core.Test) -> bool:
        if isinstance(test, core.HasValue | core.Asked | core.Within) and test.missing:
            here = self.within_window(getattr(test, "window", None))
            if isinstance(test, core.Within) and test.taken:
                missing = not here.results(test)
            else:
                missing = here.is_missing(test.entry)
            if missing:
                return test.missing == "true"
        match test:
            case core.HasValue():
                return self.within_window(test.window).value(test.entry) in test.values
            case core.RecordedAs():
                return self.within_window(test.window).recorded(test.entry) in test.values
            case core.Recorded():
                return self.within_window(test.window).is_recorded(test.entry)
            case core.Asked():
                return self.value(test.entry) == "yes"
            case core.Within():
                return self.within_window(test.window).within(test)
            case core.Present():
                return self.present(test.concept, test.missing)
            case core.Evidenced():
                return self.evidenced(test)
            case core.InEffect():
                return self.in_effect(test.concept, test.missing)
            case core.OnBothSides():
                return self.on_both_sides(test.concept, test.missing)
            case core.LinesOf():
                return self.line_count(test)
            case core.Occurred():
                return self.occurred(test)
            case core.NumberOf():
                return self.number_of(test)
            case core.PresentAs():
                return self.present_as(test)
            case core.Pattern():
                return self.pattern(test)
            case core.Todo():
                return self.world.choose(("todo", test.home, test.number), [True, False])
            case core.Scored():
                return compare(Fraction(self.points(test.name)), test.op, Fraction(test.number))
            case core.Defined():
                return self.defined(test)

    def line_count(self, test: core.LinesOf) -> bool:
        limit = Fraction(test.number)
        if test.missing and not self.complete(test.concept) and self.unlisted(test.concept):
            recorded = compare(
                Fraction(self.recorded_lines(test.concept, test.intent)), test.op, limit
            )
            rising = test.op in (">", ">=")
            # What is unrecorded is taken to have happened only where that leads to what is wanted.
            return (recorded or rising) if test.missing == "true" else (recorded and rising)
        return compare(Fraction(self.lines(test.concept, test.intent)), test.op, limit)

    def is_missing(self, entry: str) -> bool:
        """Whether nothing is recorded of a value, or of what it is derived from."""
        derived = self.chart.protocol.derived.get(entry)
        if derived is not None:
            parts = (*derived.inputs, *derived.fields)
            told = derived.reported is not None and not self.is_missing(derived.reported)
            return not told and any(self.is_missing(part) for part in parts)
        found = self.chart.vocabulary.entries[entry]
        if isinstance(found, voc.Age | voc.PatientField):
            return not self.chart.facts(found.of if isinstance(found, voc.Age) else entry)
        return not self.is_recorded(entry)

    def defined(self, test: core.Defined) -> bool:
        body = self.chart.protocol.definitions[test.name].body
        if isinstance(body, core.Decision):
            key = ("decided", test.name)
            return self.world.once(key, lambda: self._decide(test.name, body)) == test.value
        assert not isinstance(body, core.Score)
        return self.holds(body)

    def points(self, name: str) -> int:
        """The sum of the points of a score."""
        score = self.chart.protocol.definitions[name].body
        assert isinstance(score, core.Score)
        return sum(
            next((points for points, case in part.cases if self.holds(case)), part.otherwise)
            for part in score.parts
        )

    def _decide(self, name: str, decision: core.Decision) -> str:
        for case in decision.cases:
            if self.holds(case.condition):
                value = case.value
                break
        else:
            value = decision.otherwise
        if value is None:
            return self.world.choose(("undecided", name), decision.values)
        return value

    def applies(self, criterion: core.Criterion) -> bool:
        return criterion.applies is None or self.holds(criterion.applies)

    def met(self, criterion: core.Criterion) -> bool:
        """What does not apply is met by an inclusion criterion, not by an exclusion criterion."""
        if not self.applies(criterion):
            return criterion.polarity == "inclusion"
        return self.holds(criterion.condition)

    def passed(self, criterion: core.Criterion) -> bool:
        return self.met(criterion) == (criterion.polarity == "inclusion")


@dataclass(slots=True)
class _Open:
    """A criterion that some completions pass and others fail, and what they differ in."""

    criterion: core.Criterion
    read: set[Hashable]


def evaluate(
    protocol: core.Protocol,
    record: PatientRecord,
    as_of: date,
    *,
    windows: Mapping[str, Window] = MappingProxyType({}),
    dates: Mapping[str, date] = MappingProxyType({}),
    each_alone: bool = False,
    most: int = MOST,
) -> Result:
    """Decide a protocol; raises TooLarge where there are more than `most` completions to look at.

    `windows`, `dates`, `each_alone`: see `Chart`.
    """
    chart = Chart(protocol, record, as_of, windows, each_alone, dates)

    outcomes: dict[str, Outcome] = {}
    passed: dict[str, set[bool]] = {}
    reads: dict[str, set[Hashable]] = {}
    for criterion in protocol.criteria:

        def look(world: World, criterion: core.Criterion = criterion) -> tuple[bool, bool]:
            here = Completion(chart, world)
            return here.met(criterion), here.applies(criterion)

        read: set[Hashable] = set()
        met: set[bool] = set()
        applies = False
        for (is_met, does_apply), world in explore(look, most):
            met.add(is_met)
            applies |= does_apply
            read |= world.read
        word: Literal["met", "not_met", "unknown"] = "met" if True in met else "not_met"
        outcomes[criterion.id] = Outcome("unknown" if len(met) == 2 else word, applies)
        passed[criterion.id] = {m == (criterion.polarity == "inclusion") for m in met}
        reads[criterion.id] = read

    def eligibility(criteria: list[core.Criterion]) -> Eligibility:
        if any(passed[c.id] == {False} for c in criteria):
            return "ineligible"
        still_open = [_Open(c, reads[c.id]) for c in criteria if len(passed[c.id]) == 2]
        for group in _groups(still_open):

            def together(world: World, group: list[_Open] = group) -> bool:
                here = Completion(chart, world)
                return all(here.passed(each.criterion) for each in group)

            if not any(result for result, _ in explore(together, most)):
                return "ineligible"
        return "undetermined" if still_open else "eligible"

    if not protocol.scopes:
        return Result(outcomes, eligibility(list(protocol.criteria)), {})
    scopes = {
        scope.id: eligibility(
            [c for c in protocol.criteria if not c.scopes or scope.id in c.scopes]
        )
        for scope in protocol.scopes
    }
    # One scope that takes the patient is enough; only all that refuse are a refusal.
    if "eligible" in scopes.values():
        return Result(outcomes, "eligible", scopes)
    refused = all(each == "ineligible" for each in scopes.values())
    return Result(outcomes, "ineligible" if refused else "undetermined", scopes)


def _groups(criteria: list[_Open]) -> list[list[_Open]]:
    """Criteria that hang together by what they read, each group by itself."""
    groups: list[tuple[list[_Open], set[Hashable]]] = []
    for each in criteria:
        joined, read = [each], set(each.read)
        for group in [g for g in groups if g[1] & read]:
            groups.remove(group)
            joined, read = group[0] + joined, group[1] | read
        groups.append((joined, read))
    return [group for group, _ in groups]
