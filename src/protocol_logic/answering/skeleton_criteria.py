"""Eligibility and the criteria of a protocol as nodes: the skeleton of a whole justification, or of
a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from protocol_logic.answering.skeleton import (
    ELIGIBILITY,
    OUTCOMES,
    TRUTHS,
    VERDICTS,
    Case,
    Contradiction,
    Rules,
    Skeleton,
)
from protocol_logic.answering.skeleton_conditions import Conditions
from protocol_logic.compiling import core
from protocol_logic.reasoning.decision import CriterionDecision, Decision
from protocol_logic.reasoning.meaning import Meaning, both, opposite
from protocol_logic.reasoning.support import (
    Truth,
    View,
)


def skeleton_of(
    rules: Rules,
    view: View,
    criterion: core.Criterion,
    decided: CriterionDecision,
) -> Skeleton:
    """The skeleton of a criterion, as it was decided in a view."""
    builder = _Builder(rules, view)
    builder.criterion(criterion, decided)
    return builder.skeleton()


def part_skeleton(
    rules: Rules, view: View, criterion: core.Criterion, numbers: Iterable[int]
) -> Skeleton:
    """The skeleton of some conditions of a criterion's `all of`, by number from 0."""
    builder = _Builder(rules, view)
    builder.within = criterion.id
    assert isinstance(criterion.condition, core.All)
    parts = criterion.condition.parts
    truths = [builder.part_of(criterion, parts[number], number) for number in numbers]
    return replace(builder.skeleton(), truths=tuple(truths))


def spine(
    rules: Rules,
    criterion: core.Criterion,
    decided: CriterionDecision,
    truths: Mapping[int, Truth],
) -> Skeleton:
    """The skeleton of a criterion down to the conditions of its `all of`, whose truth is known."""
    builder = _Builder(rules, View({}, {}))
    builder.know(criterion, truths)
    builder.criterion(criterion, decided)
    return builder.skeleton()


def whole_skeleton(rules: Rules, view: View, decision: Decision) -> Skeleton:
    """The skeleton of all criteria and of eligibility at once."""
    builder = _Builder(rules, view)
    decided = {d.id: d for d in decision.criteria}
    builder.eligibility(decision)
    for criterion in rules.protocol.criteria:
        builder.criterion(criterion, decided[criterion.id])
    return builder.skeleton()


def head_of(rules: Rules, decision: Decision) -> Skeleton:
    """The skeleton of eligibility alone, where no criteria are decided together."""
    builder = _Builder(rules, View({}, {}))
    builder.eligibility(decision)
    return builder.skeleton()


class _Builder(Conditions):
    def know(self, criterion: core.Criterion, truths: Mapping[int, Truth]) -> None:
        """Take the conditions of a criterion's `all of` as known, and build nothing of them."""
        assert isinstance(criterion.condition, core.All)
        for number, truth in truths.items():
            self.given[f"condition:{_place_in(criterion, number)}"] = truth
            self.base.meaning.settled[id(criterion.condition.parts[number])] = truth

    def part_of(self, criterion: core.Criterion, condition: core.Condition, number: int) -> Truth:
        """One condition of a criterion's `all of`."""
        place = _place_in(criterion, number)
        return self._condition(condition, place, self.protocol.source, self.base)[1]

    # ---- eligibility and criteria ------------------------------------------------------------

    def eligibility(self, decision: Decision) -> None:
        """The patient, of the whole protocol and of each scope."""
        decided = {d.id: d for d in decision.criteria}
        outcome = decision.eligibility
        op = "scopes" if decision.scopes else "criteria"
        label = f"the patient is {outcome}"
        self._node("eligibility", "eligibility", outcome, op=op, label=label)
        for scope, said in zip(self.protocol.scopes, decision.scopes, strict=True):
            name = f"scope:{scope.id}"
            self._node(
                name, "eligibility", said.eligibility, op="criteria",
                label=f"{scope.label}: the patient is {said.eligibility}",
            )  # fmt: skip
            self._edge("eligibility", name, ELIGIBILITY[said.eligibility], scope.id)
            counting = [c for c in self.protocol.criteria if not c.scopes or scope.id in c.scopes]
            self._all_pass(name, counting, decided, said.decided_jointly)
        if not decision.scopes:
            criteria = self.protocol.criteria
            self._all_pass("eligibility", criteria, decided, decision.decided_jointly)

    def _all_pass(
        self,
        name: str,
        criteria: Iterable[core.Criterion],
        decided: Mapping[str, CriterionDecision],
        jointly: tuple[str, ...],
    ) -> None:
        verdicts = []
        for criterion in criteria:
            verdict = VERDICTS[decided[criterion.id].verdict]
            self._edge(name, f"criterion:{criterion.id}", verdict, criterion.id)
            verdicts.append(verdict)
        truth = both(verdicts)
        outcome = ELIGIBILITY[self.graph.nodes[name]["outcome"]]
        if jointly:
            if truth is not None or outcome is not False:
                raise Contradiction(name)
            together = [c for c in self.protocol.criteria if c.id in jointly]
            self.graph.nodes[name]["jointly"] = list(jointly)

            def passes(view: View) -> Truth:
                meaning = Meaning(self.protocol, self.plan, view)
                return both(map(meaning.passes, together))

            self.within = name
            asked = [f"passes({c.id})" for c in together]
            found = self._split(asked, passes, False)
            self._by_cases(name, found, self.base, lambda case: self._joint_case(case, together))
        elif truth is not outcome:
            raise Contradiction(name)

    def _joint_case(
        self, case: Case, together: list[core.Criterion]
    ) -> list[tuple[str, str, Truth]]:
        found = []
        for criterion in together:
            name, truth = self._criterion_in(criterion, case)
            passes = truth if criterion.polarity == "inclusion" else opposite(truth)
            found.append((name, criterion.id, passes))
        return found

    def criterion(self, criterion: core.Criterion, decided: CriterionDecision) -> None:
        """A criterion with all that it rests on."""
        self.within = criterion.id
        name, truth = self._criterion_in(criterion, self.base)
        outcome = TRUTHS[decided.outcome]
        node = self.graph.nodes[name]
        node.update(
            kind="criterion", label=criterion.sentence, outcome=decided.outcome,
            verdict=decided.verdict, applies=decided.applies,
        )  # fmt: skip
        if truth is outcome:
            return
        if truth is not None:
            raise Contradiction(name)
        assert outcome is not None

        def met(view: View) -> Truth:
            return Meaning(self.protocol, self.plan, view).met(criterion)

        found = self._split([f"met({criterion.id})"], met, outcome)

        def inside(case: Case) -> list[tuple[str, str, Truth]]:
            copy, truth = self._criterion_in(criterion, case)
            return [(copy, "again", truth)]

        self._by_cases(name, found, self.base, inside)

    def _criterion_in(self, criterion: core.Criterion, case: Case) -> tuple[str, Truth]:
        """A criterion in a case: a condition there, since it is no outcome of the patient."""
        name = f"{case.prefix}criterion:{criterion.id}"
        parts = [("applies", criterion.applies), ("condition", criterion.condition)]
        for part, condition in parts:
            if condition is not None:
                source = self.protocol.source
                place = f"criterion/{criterion.id}/{part}"
                child, truth = self._condition(condition, place, source, case)
                self._edge(name, child, truth, part)
        met = case.meaning.met(criterion)
        self._node(
            name, "condition", OUTCOMES[met], op="criterion", label=criterion.sentence,
            polarity=criterion.polarity, rules=[f"met({criterion.id})"],
            line=self.protocol.source.line_column(criterion.span.start)[0],
        )  # fmt: skip
        return name, met


def _place_in(criterion: core.Criterion, number: int) -> str:
    return f"criterion/{criterion.id}/condition/{number}"
