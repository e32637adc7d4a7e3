"""What fits a protocol: the cells of findings, and the concepts, that its criteria ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.pipeline import Compiled


@dataclass(frozen=True, slots=True)
class Fitting:
    """`cells`: finding -> those in which most of its tests are as the criteria want them.
    `concepts`: what a patient should rather have (True), or not."""

    cells: Mapping[str, frozenset[str]]
    concepts: Mapping[str, bool]


def fitting_of(compiled: Compiled) -> Fitting:
    """A test under `not`, or in an exclusion criterion, is wanted false; one that a criterion needs
    counts more than one of several that would do."""
    votes = _Votes(compiled.protocol, compiled.plan)
    for criterion in compiled.protocol.criteria:
        votes.count(criterion.condition, criterion.polarity == "inclusion", 1.0)
    return Fitting(
        {
            name: frozenset(c for c, votes in cells.items() if votes == max(cells.values()))
            for name, cells in votes.cells.items()
        },
        {name: votes > 0 for name, votes in votes.concepts.items() if votes},
    )


class _Votes:
    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.definitions = protocol.definitions
        self.plan = plan
        self.cells: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.concepts: dict[str, float] = defaultdict(float)

    def count(self, condition: core.Condition, wanted: bool, weight: float) -> None:
        match condition:
            case core.Not(part=part):
                self.count(part, not wanted, weight)
            case core.All(parts=parts) | core.Any(parts=parts) | core.AtLeast(parts=parts):
                needed = isinstance(condition, core.All) == wanted
                for part in parts:
                    self.count(part, wanted, weight if needed else weight / 2)
            case core.Scored():
                pass
            case core.Defined(name=name, value=value):
                body = self.definitions[name].body
                if isinstance(body, core.Decision):
                    for number, case in enumerate(body.cases, 1):  # the first that holds decides
                        its = weight / 2**number
                        self.count(case.condition, (case.value == value) == wanted, its)
                elif not isinstance(body, core.Score):
                    self.count(body, wanted, weight)
            case _:
                self._test(condition, wanted, weight)

    def _test(self, test: core.Test, wanted: bool, weight: float) -> None:
        if isinstance(test, core.LinesOf | core.NumberOf):
            self.concepts[test.concept] += weight if test.op.startswith(">") == wanted else -weight
        else:
            concept = getattr(test, "concept", None)
            if concept is not None:
                self.concepts[concept] += weight if wanted else -weight
        if test in self.plan.tests:
            name, true = self.plan.tests[test]
            for cell in self.plan.findings[name].cells:
                self.cells[name][cell] += weight * ((cell in true) == wanted)
