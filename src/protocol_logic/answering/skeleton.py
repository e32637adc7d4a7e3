"""What a decision says of the conditions of a protocol: the part of a justification that all
patients share who look alike to it.

Nodes follow the protocol's own lines. Each condition has the literals of the program that decided
(`rules`), whose state it shares; one that its parts leave open and the program settles is explained
by cases. All parts stand in the graph, whichever way they point: `role` says what each does to its
conclusion. What findings rest on is each patient's own, and left to `leaves`.

Long, since one walk makes all kinds of nodes; their texts have modules of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import networkx as nx

from protocol_logic.answering.finding_words import FindingWords
from protocol_logic.compiling import core
from protocol_logic.compiling.clauses import said as said_by_author
from protocol_logic.compiling.lower import Program, literals_of
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import CellSet
from protocol_logic.foundation.source import Source
from protocol_logic.reasoning.criteria import domain_of
from protocol_logic.reasoning.decision import CriterionDecision, Decision
from protocol_logic.reasoning.ground import Ground, ground
from protocol_logic.reasoning.meaning import Meaning, both, either, opposite, within
from protocol_logic.reasoning.support import (
    Split,
    States,
    TooManyCases,
    Truth,
    Undecided,
    View,
    split,
)

Graph: TypeAlias = "nx.DiGraph[str]"
Rows: TypeAlias = tuple[Mapping[str, CellSet], ...]
OUTCOMES: Mapping[Truth, str] = {True: "met", False: "not_met", None: "unknown"}
TRUTHS = {"met": True, "not_met": False, "unknown": None}
_VERDICTS = {"pass": True, "fail": False, "open": None}
_ELIGIBILITY = {"eligible": True, "ineligible": False, "undetermined": None}


class Contradiction(RuntimeError):
    """The graph would say something else than the engine: a bug of ours, never of an author."""


class Rules:
    """The rules of one protocol, ground once for all findings of a kind."""

    def __init__(self, protocol: core.Protocol, plan: Plan, program: Program) -> None:
        self.protocol = protocol
        self.plan = plan
        self.program = program
        self.said = literals_of(protocol, plan)
        self.words = FindingWords(protocol, plan)
        self._ground: dict[frozenset[str], Ground] = {}

    def ground(self, view: View) -> Ground:
        """The rules over the cells that the findings can have, and the courses there are."""
        slots = {name for rows in view.groups.values() for row in rows for name in row}
        key = frozenset(slots - self.plan.findings.keys())
        if key not in self._ground:
            names = (*self.plan.findings, *sorted(key))
            cells = {name: frozenset[str]() for name in names}
            reach = self.plan.reach.values()
            each = {d for one in reach for d in domain_of(self.plan, one, cells)}
            self._ground[key] = ground(self.program, self.plan.reach, tuple(sorted(each)))
        return self._ground[key]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Nodes and edges that do not depend on the facts themselves, and what is to be added:

    `findings`, `courses`: those that it stands on, with what the record leaves of them; `compared`:
    nodes of limits and windows, whose value, margin and near misses are the patient's own.
    `shared_cases`: a condition of a definition, which others may read as well, rests on cases.
    `truths`: of the conditions that were asked for.
    """

    nodes: tuple[tuple[str, dict[str, Any]], ...]
    edges: tuple[tuple[str, str, dict[str, Any]], ...]
    findings: tuple[tuple[str, CellSet], ...]
    courses: tuple[tuple[str, Rows], ...]
    compared: tuple[tuple[str, core.Condition, str], ...]
    shared_cases: bool
    truths: tuple[Truth, ...] = ()


@dataclass(slots=True)
class _Case:
    """A view with the prefix of the nodes in it; `base`: what the record itself leaves."""

    prefix: str
    view: View
    meaning: Meaning
    states: States

    @property
    def base(self) -> bool:
        return not self.prefix


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


class _Builder:
    def __init__(self, rules: Rules, view: View) -> None:
        self.by = rules
        self.protocol = rules.protocol
        self.plan = rules.plan
        self.words = rules.words
        self.graph: Graph = nx.DiGraph()
        self.view = view
        self._rules: Ground | None = None
        self.base = self._case("", view)
        self.within = "eligibility"
        self.cases: dict[str, int] = {}
        self.findings: dict[str, CellSet] = {}
        self.courses: dict[str, Rows] = {}
        self.compared: list[tuple[str, core.Condition, str]] = []
        self.shared_cases = False
        self.given: dict[str, Truth] = {}

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

    @property
    def rules(self) -> Ground:
        if self._rules is None:
            self._rules = self.by.ground(self.view)
        return self._rules

    def skeleton(self) -> Skeleton:
        """What was built."""
        nodes = tuple((name, data) for name, data in self.graph.nodes(data=True) if data)
        edges = tuple(self.graph.edges(data=True))
        return Skeleton(
            nodes, edges, tuple(self.findings.items()), tuple(self.courses.items()),
            tuple(self.compared), self.shared_cases,
        )  # fmt: skip

    def _case(self, prefix: str, view: View) -> _Case:
        meaning = Meaning(self.protocol, self.plan, view)
        return _Case(prefix, view, meaning, States(self.rules, view))

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
            self._edge("eligibility", name, _ELIGIBILITY[said.eligibility], scope.id)
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
            verdict = _VERDICTS[decided[criterion.id].verdict]
            self._edge(name, f"criterion:{criterion.id}", verdict, criterion.id)
            verdicts.append(verdict)
        truth = both(verdicts)
        outcome = _ELIGIBILITY[self.graph.nodes[name]["outcome"]]
        if jointly:
            if truth is not None or outcome is not False:
                raise Contradiction(name)
            together = [c for c in self.protocol.criteria if c.id in jointly]
            self.graph.nodes[name]["jointly"] = list(jointly)

            def passes(view: View) -> Truth:
                meaning = Meaning(self.protocol, self.plan, view)
                return both(self._passes(c, self._met(c, meaning)) for c in together)

            self.within = name
            asked = [f"passes({c.id})" for c in together]
            found = self._split(asked, passes, False)
            self._by_cases(name, found, self.base, lambda case: self._joint_case(case, together))
        elif truth is not outcome:
            raise Contradiction(name)

    def _joint_case(
        self, case: _Case, together: list[core.Criterion]
    ) -> list[tuple[str, str, Truth]]:
        found = []
        for criterion in together:
            name, truth = self._criterion_in(criterion, case)
            found.append((name, criterion.id, self._passes(criterion, truth)))
        return found

    @staticmethod
    def _passes(criterion: core.Criterion, met: Truth) -> Truth:
        return met if criterion.polarity == "inclusion" else opposite(met)

    @staticmethod
    def _met(criterion: core.Criterion, meaning: Meaning) -> Truth:
        applies = True if criterion.applies is None else meaning.truth(criterion.applies)
        held = both([applies, meaning.truth(criterion.condition)])
        return either([held, opposite(applies)]) if criterion.polarity == "inclusion" else held

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
            return self._met(criterion, Meaning(self.protocol, self.plan, view))

        found = self._split([f"met({criterion.id})"], met, outcome)

        def inside(case: _Case) -> list[tuple[str, str, Truth]]:
            copy, truth = self._criterion_in(criterion, case)
            return [(copy, "again", truth)]

        self._by_cases(name, found, self.base, inside)

    def _criterion_in(self, criterion: core.Criterion, case: _Case) -> tuple[str, Truth]:
        """A criterion in a case: a condition there, since it is no outcome of the patient."""
        name = f"{case.prefix}criterion:{criterion.id}"
        parts = [("applies", criterion.applies), ("condition", criterion.condition)]
        for part, condition in parts:
            if condition is not None:
                source = self.protocol.source
                place = f"criterion/{criterion.id}/{part}"
                child, truth = self._condition(condition, place, source, case)
                self._edge(name, child, truth, part)
        met = self._met(criterion, case.meaning)
        self._node(
            name, "condition", OUTCOMES[met], op="criterion", label=criterion.sentence,
            polarity=criterion.polarity, rules=[f"met({criterion.id})"],
            line=self.protocol.source.line_column(criterion.span.start)[0],
        )  # fmt: skip
        return name, met

    # ---- cases -------------------------------------------------------------------------------

    def _split(self, asked: list[str], goal: Any, expected: bool) -> Split | None:
        """The cases that settle a question; None where they are too many to show."""

        def impossible(view: View) -> bool:
            return Meaning(self.protocol, self.plan, view).impossible() is not None

        try:
            return split(self.rules, self.base.view, asked, goal, impossible, expected)
        except TooManyCases:
            return None
        except Undecided:
            raise Contradiction(f"cases of {', '.join(asked)}") from None

    def _by_cases(self, name: str, found: Split | None, case: _Case, inside: Any) -> None:
        """Hang the cases of a split under a node, each with what settles it there."""
        if found is None:
            # Said openly: such a node cannot be checked, and a check refuses it.
            self.graph.nodes[name]["by"] = "program"
            node = f"assumption:cases_of:{name}"
            label = "the program decided this by more cases than can be shown"
            self._node(node, "assumption", "supposed", op="too_many_cases", label=label)
            self._edge(name, node, None, "program")
            return
        self.graph.nodes[name]["by"] = "cases"
        self.graph.nodes[name]["split"] = found.finding
        finding = self._finding(found.finding, case)
        self._edge(name, finding, None, "split")
        for cell, then in found.cases:
            number = self.cases[self.within] = self.cases.get(self.within, 0) + 1
            prefix = f"case:{self.within}:{number}|"
            view = case.view.suppose(found.finding, cell)
            inner = self._case(prefix, view)
            node = prefix[:-1]
            words = self.words.said(found.finding, [cell])
            self._node(
                node, "assumption", "impossible" if then is None else "supposed", op="case",
                label=f"suppose {words}", finding=found.finding, cell=cell,
            )  # fmt: skip
            self._edge(name, node, None, f"case {cell}")
            if isinstance(then, Split):
                self._by_cases(node, then, inner, inside)
            elif then is not None:
                for child, part, truth in inside(inner):
                    self._edge(node, child, truth, part)
            else:
                self._impossible(node, inner)

    def _impossible(self, node: str, case: _Case) -> None:
        """Why a case cannot be: a denial holds, and what it denies is there unrecorded."""
        why = case.meaning.impossible()
        assert why is not None
        concept, kind = why
        self._edge(node, self._denied(concept, case)[0], False, f"denied {concept}")
        self._edge(node, self._finding(kind, case), False, f"unrecorded {kind}")

    # ---- conditions --------------------------------------------------------------------------

    def _condition(
        self, condition: core.Condition, place: str, source: Source | None, case: _Case
    ) -> tuple[str, Truth]:
        name = f"{case.prefix}condition:{place}"
        if name in self.given:
            return name, self.given[name]
        if name in self.graph and "outcome" in self.graph.nodes[name]:
            return name, TRUTHS[self.graph.nodes[name]["outcome"]]
        data: dict[str, Any] = {}
        match condition:
            case core.All(parts=parts) | core.Any(parts=parts) | core.AtLeast(parts=parts):
                op = {core.All: "all", core.Any: "any"}.get(type(condition), "at_least")
                if isinstance(condition, core.AtLeast):
                    data["number"] = condition.number
                for i, part in enumerate(parts):
                    self._part(name, part, f"{place}/{i}", source, case, str(i))
            case core.Not(part=part):
                op = "not"
                child, truth = self._condition(part, f"{place}/0", source, case)
                self._edge(name, child, opposite(truth), "0")
            case core.Defined(name=defined):
                op = "score_is" if isinstance(condition, core.Scored) else "definition"
                child, truth = self._definition(defined, case)
                if op == "score_is" or condition.value is not None:
                    truth = case.meaning.truth(condition)
                self._edge(name, child, truth, "definition")
            case core.Present():
                op = "present"
                self._present(name, condition, case)
            case core.Pattern():
                op = "pattern"
                child = self._courses(condition.concept, case)
                self._edge(name, child, case.meaning.truth(condition), "finding")
            case _:
                op = "test"
                finding, cells = self.plan.tests[condition]
                data = {"finding": finding, "cells": list(cells)}
                child = self._finding(finding, case)
                self._edge(name, child, case.meaning.truth(condition), "finding")
                if isinstance(condition, core.Within):
                    data.update(self.words.limit(condition, finding))
                if isinstance(condition, core.Within) or getattr(condition, "window", None):
                    self.compared.append((name, condition, finding))
        truth = case.meaning.truth(condition)
        rules = self.by.said.get(id(condition), ())
        settled, found = False, None
        if rules and not self.given:
            settled, found = self._settled(condition, rules, truth, case)
        if settled:
            truth = case.meaning.settled[id(condition)]
        self._node(
            name, "condition", OUTCOMES[truth], op=op, rules=list(rules),
            **place_of(condition, source), **data,
        )  # fmt: skip
        if settled:
            self.shared_cases |= not place.startswith("criterion/")

            def inside(inner: _Case) -> list[tuple[str, str, Truth]]:
                copy, truth = self._condition(condition, place, source, inner)
                return [(copy, "again", truth)]

            self._by_cases(name, found, case, inside)
        return name, truth

    def _part(
        self,
        parent: str,
        part: core.Condition,
        place: str,
        source: Source | None,
        case: _Case,
        position: str,
    ) -> None:
        child, truth = self._condition(part, place, source, case)
        self._edge(parent, child, truth, position)

    def _settled(
        self, condition: core.Condition, rules: tuple[str, ...], truth: Truth, case: _Case
    ) -> tuple[bool, Split | None]:
        """Whether the program decides a condition that its parts leave open, and by which cases."""
        decided = case.states.all(rules)
        if decided is None or decided is truth:
            return False, None
        if truth is not None:
            raise Contradiction(f"{', '.join(rules)}: {decided}, and {truth} by its parts")
        if not case.base:
            return False, None

        def goal(view: View) -> Truth:
            return Meaning(self.protocol, self.plan, view).truth(condition)

        found = self._split(list(rules), goal, decided)
        case.meaning.settled[id(condition)] = decided
        return True, found

    def _present(self, name: str, test: core.Present, case: _Case) -> None:
        variant = core.variant_of(test)
        for kind, finding in case.meaning.kinds(test).items():
            cells = case.meaning.kind_cells(kind, finding, variant)
            truth = within(cells, ("present", "unrecorded"))
            self._edge(name, self._finding(finding, case), truth, f"kind {kind}")
            if "unrecorded" in case.view.cells(finding):
                for denier in case.meaning.deniers_of(kind, variant):
                    denial, denied = self._denied(denier, case)
                    self._edge(name, denial, opposite(denied), f"denied {denier}")

    def _denied(self, concept: str, case: _Case) -> tuple[str, Truth]:
        name = f"{case.prefix}denied:{concept}"
        if name not in self.graph:
            self.graph.add_node(name)
            condition = self.protocol.denials[concept]
            child, truth = self._condition(condition, f"denial/{concept}", None, case)
            self._edge(name, child, truth, "condition")
            for kind in self.protocol.vocabulary.below(concept):
                if kind in self.plan.findings:
                    stated = "present" in case.view.cells(kind)
                    known = len(case.view.cells(kind)) == 1 or not stated
                    truth = not stated if known else None
                    self._edge(name, self._finding(kind, case), truth, f"stated {kind}")
            self._node(
                name, "condition", OUTCOMES[case.meaning.denied(concept)], op="denied",
                label=f"kinds of {concept} that nobody mentions are absent",
                rules=[f"denied({concept})"],
            )  # fmt: skip
        return name, case.meaning.denied(concept)

    # ---- definitions -------------------------------------------------------------------------

    def _definition(self, defined: str, case: _Case) -> tuple[str, Truth]:
        """The node of a definition, and its truth where it is a condition."""
        name = f"{case.prefix}definition:{defined}"
        definition = self.protocol.definitions[defined]
        body, source = definition.body, definition.source
        place = f"definition/{defined}"
        if isinstance(body, core.Decision | core.Score):
            if name not in self.graph:
                self.graph.add_node(name)
                if isinstance(body, core.Decision):
                    data = self._decision(name, body, place, definition, case)
                else:
                    data = self._score(name, body, place, source, case)
                self._node(name, "condition", label=definition.label, **data)
            return name, None
        child, truth = self._condition(body, place, source, case)
        self._edge(name, child, truth, "body")
        line = source.line_column(definition.span.start)[0]
        self._node(
            name, "condition", OUTCOMES[truth], op="definition_body", label=definition.label,
            line=line, rules=[f"holds({defined})"],
        )  # fmt: skip
        return name, truth

    def _decision(
        self, name: str, body: core.Decision, place: str, definition: core.Definition, case: _Case
    ) -> dict[str, Any]:
        for i, each in enumerate(body.cases):
            self._part(name, each.condition, f"{place}/{i}", definition.source, case, str(i))
        undetermined = f"{definition.name}_if_undetermined"
        if undetermined in self.plan.findings:
            self._edge(name, self._finding(undetermined, case), None, "undetermined")
        values = case.meaning.values(definition.name)
        return {
            "outcome": "known" if len(values) == 1 else "unknown", "op": "decide",
            "values": sorted(values), "cases": [each.value for each in body.cases],
            "otherwise": body.otherwise,
        }  # fmt: skip

    def _score(
        self, name: str, body: core.Score, place: str, source: Source | None, case: _Case
    ) -> dict[str, Any]:
        for n, part in enumerate(body.parts):
            for i, (_, condition) in enumerate(part.cases):
                self._part(name, condition, f"{place}/{n}/{i}", source, case, f"{n}/{i}")
        ranges = case.meaning.points(name.rpartition(":")[2])
        known = all(low == high for low, high in ranges)
        return {
            "outcome": "known" if known else "unknown", "op": "score",
            "points": [list(each) for each in ranges],
            "cases": [[p for p, _ in part.cases] for part in body.parts],
        }  # fmt: skip

    # ---- findings ----------------------------------------------------------------------------

    def _finding(self, finding: str, case: _Case) -> str:
        base, known = f"finding:{finding}", self.base.view.cells(finding)
        self.findings[finding] = known
        cells = case.view.cells(finding)
        if case.base or cells == known:
            return base
        name = f"{case.prefix}finding:{finding}"
        if name not in self.graph:
            words = self.words.said(finding, cells)
            outcome = "known" if len(cells) == 1 else "open"
            self._node(name, "finding", outcome, op="supposed", label=words, cells=sorted(cells))
            self._edge(name, base, None, "record")
        return name

    def _courses(self, concept: str, case: _Case) -> str:
        group = concept_group(concept)
        base, known = f"finding:{group}", self.base.view.rows(group)
        self.courses[group] = known
        rows = case.view.rows(group)
        if case.base or rows == known:
            return base
        name = f"{case.prefix}finding:{group}"
        if name not in self.graph:
            self._node(
                name, "finding", "known" if len(rows) == 1 else "open", op="supposed",
                label=f"courses of {concept}: {len(rows)} readings", readings=len(rows),
            )  # fmt: skip
            self._edge(name, base, None, "record")
        return name

    # ---- the graph itself --------------------------------------------------------------------

    def _node(self, name: str, kind: str, outcome: str, **data: Any) -> None:
        self.graph.add_node(name, kind=kind, outcome=outcome, **data)

    def _edge(self, parent: str, child: str, truth: Truth, part: str) -> None:
        """`truth`: what the child says of its parent; `part`: which part of it the child is."""
        role = {True: "supports", False: "defeats", None: "missing"}[truth]
        if self.graph.has_edge(parent, child):
            parts = self.graph.edges[parent, child]["parts"]
            if part not in parts:
                parts.append(part)
            return
        self.graph.add_edge(parent, child, role=role, parts=[part])


def _place_in(criterion: core.Criterion, number: int) -> str:
    return f"criterion/{criterion.id}/condition/{number}"


def place_of(condition: core.Condition, source: Source | None) -> dict[str, Any]:
    """The author's text of a condition, and where it stands in its file, where that is known."""
    if source is None:
        return {"label": condition.text, "text": condition.text}
    return {
        "label": said_by_author(source, condition), "text": condition.text,
        "line": source.line_column(condition.span.start)[0],
        "span": [condition.span.start, condition.span.end],
    }  # fmt: skip
