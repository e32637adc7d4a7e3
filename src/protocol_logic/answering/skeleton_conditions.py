"""The conditions of a protocol as nodes, with what makes them true, false or open, case by case."""

from __future__ import annotations

from typing import Any

from protocol_logic.answering.skeleton import (
    OUTCOMES,
    TRUTHS,
    Case,
    Contradiction,
    Nodes,
)
from protocol_logic.compiling import core
from protocol_logic.compiling.clauses import said as said_by_author
from protocol_logic.foundation.source import Source
from protocol_logic.reasoning.meaning import Meaning, opposite, within
from protocol_logic.reasoning.support import (
    Split,
    TooManyCases,
    Truth,
    Undecided,
    View,
    split,
)


class Conditions(Nodes):
    """Conditions, definitions and cases."""

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

    def _by_cases(self, name: str, found: Split | None, case: Case, inside: Any) -> None:
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

    def _impossible(self, node: str, case: Case) -> None:
        """Why a case cannot be: a denial holds, and what it denies is there unrecorded."""
        why = case.meaning.impossible()
        assert why is not None
        concept, kind = why
        self._edge(node, self._denied(concept, case)[0], False, f"denied {concept}")
        self._edge(node, self._finding(kind, case), False, f"unrecorded {kind}")

    # ---- conditions --------------------------------------------------------------------------

    def _condition(
        self, condition: core.Condition, place: str, source: Source | None, case: Case
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

            def inside(inner: Case) -> list[tuple[str, str, Truth]]:
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
        case: Case,
        position: str,
    ) -> None:
        child, truth = self._condition(part, place, source, case)
        self._edge(parent, child, truth, position)

    def _settled(
        self, condition: core.Condition, rules: tuple[str, ...], truth: Truth, case: Case
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

    def _present(self, name: str, test: core.Present, case: Case) -> None:
        variant = core.variant_of(test)
        for kind, finding in case.meaning.kinds(test).items():
            cells = case.meaning.kind_cells(kind, finding, variant)
            truth = within(cells, ("present", "unrecorded"))
            self._edge(name, self._finding(finding, case), truth, f"kind {kind}")
            if "unrecorded" in case.view.cells(finding):
                for denier in case.meaning.deniers_of(kind, variant):
                    denial, denied = self._denied(denier, case)
                    self._edge(name, denial, opposite(denied), f"denied {denier}")

    def _denied(self, concept: str, case: Case) -> tuple[str, Truth]:
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

    def _definition(self, defined: str, case: Case) -> tuple[str, Truth]:
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
        self, name: str, body: core.Decision, place: str, definition: core.Definition, case: Case
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
        self, name: str, body: core.Score, place: str, source: Source | None, case: Case
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


def place_of(condition: core.Condition, source: Source | None) -> dict[str, Any]:
    """The author's text of a condition, and where it stands in its file, where that is known."""
    if source is None:
        return {"label": condition.text, "text": condition.text}
    return {
        "label": said_by_author(source, condition), "text": condition.text,
        "line": source.line_column(condition.span.start)[0],
        "span": [condition.span.start, condition.span.end],
    }  # fmt: skip
