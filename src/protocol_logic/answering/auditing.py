"""An independent check of a justification: plain Python, without clingo and without `reasoning`.

A graph is accepted only if each step follows from its children by the operator's meaning, each
condition is the protocol's own with all its parts, and each leaf is a fact of the record, which is
read again, or a gap or an assumption that the record leaves. What stands in the graph and follows
from nothing is told. What the facts of the record come to (`findings/`) is read by the same code as
for the decision, so a wrong reading of a fact passes.

Long, since the meaning of every operator stands in one place, to be read beside docs/semantics.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from protocol_logic.answering.audited_leaves import AuditedLeaves
from protocol_logic.answering.audited_truth import (
    Cells,
    Edges,
    Truth,
    both,
    compares,
    either,
    inside,
    opposite,
    passes_by,
    same,
)
from protocol_logic.compiling import core
from protocol_logic.compiling.cells import variant_id
from protocol_logic.compiling.clauses import said
from protocol_logic.compiling.lower import literals_of
from protocol_logic.compiling.plan import Plan, slug
from protocol_logic.compiling.planner import deniers
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.findings.unlisted import passed_words
from protocol_logic.findings.unread import unread_words
from protocol_logic.foundation.source import Source
from protocol_logic.records.facts import PatientRecord

_MET = {"met": True, "not_met": False, "unknown": None}
_VERDICT = {"pass": True, "fail": False, "open": None}
_ELIGIBLE = {"eligible": True, "ineligible": False, "undetermined": None}
_ROLES = {True: "supports", False: "defeats", None: "missing"}
_CASE = re.compile(r"case:[a-z_0-9:]+:[0-9]+")


def audit(
    data: Mapping[str, Any],
    protocol: core.Protocol,
    plan: Plan,
    record: PatientRecord,
    found: PatientFindings,
    about: Mapping[str, Any],
) -> list[str]:
    """What is wrong with a graph as node-link data; empty where it is accepted.

    `record`, `found`: the patient's record and its findings, read again from the source. `about`:
    what the graph says of itself: whom it is about, on which day, by which protocol.
    """
    try:
        auditor = _Auditor(data, protocol, plan, record, found)
        if data["graph"] != about:
            auditor.wrong("graph", f"it is about {data['graph']}, and should be about {about}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"this is no justification: {type(error).__name__} {error}"]
    try:
        auditor.whole()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        auditor.wrong("eligibility", f"it cannot be followed: {type(error).__name__} {error}")
    return auditor.problems


class _Auditor:
    def __init__(
        self,
        data: Mapping[str, Any],
        protocol: core.Protocol,
        plan: Plan,
        record: PatientRecord,
        found: PatientFindings,
    ) -> None:
        self.passed, self.unread = found.passed, found.unread
        self.protocol, self.plan = protocol, plan
        self.problems: list[str] = []
        self.nodes: dict[str, dict[str, Any]] = {}
        for node in data["nodes"]:
            attributes = dict(node)
            name = attributes.pop("id")
            if name in self.nodes:
                self.wrong(name, "it stands there twice")
            self.nodes[name] = attributes
        self.edges: dict[str, dict[str, tuple[str, list[str]]]] = {n: {} for n in self.nodes}
        for edge in data["edges"]:
            if edge["source"] not in self.nodes or edge["target"] not in self.nodes:
                self.wrong(edge["source"], f"its edge leads to no node `{edge['target']}`")
            elif edge["target"] in self.edges[edge["source"]]:
                self.wrong(edge["source"], f"two edges lead to `{edge['target']}`")
            else:
                self.edges[edge["source"]][edge["target"]] = (edge["role"], list(edge["parts"]))
        groups = {
            g.name: [dict(cells) for cells in {r.cells: 0 for r in g.rows}] for g in found.groups
        }
        self.record = Cells(found.single, groups)
        self.rules = literals_of(protocol, plan)
        self.done: dict[str, Truth] = {}
        self.seen: set[str] = set()
        self.leaves = AuditedLeaves(self, plan, protocol, record, found)

    def wrong(self, node: str, what: str) -> None:
        self.problems.append(f"{node}: {what}")

    # ---- what stands in the graph ------------------------------------------------------------

    def node(
        self, name: str, expected: Mapping[str, Any], free: Iterable[str] = ()
    ) -> dict[str, Any]:
        """A node with just these attributes; those in `free` are judged elsewhere."""
        if name not in self.nodes:
            self.wrong(name, "it is missing")
            return {}
        self.seen.add(name)
        found = self.nodes[name]
        for key in sorted({*expected, *found} - {*free}):
            if key not in found or key not in expected or not same(found[key], expected[key]):
                self.wrong(
                    name, f"its {key} is `{found.get(key)}`, and should be `{expected.get(key)}`"
                )
        return found

    def children(self, name: str, expected: Iterable[tuple[str, str, Truth]]) -> None:
        """Just these edges: (part, child, what the child says of its parent)."""
        wanted: dict[str, tuple[str, list[str]]] = {}
        for part, child, truth in expected:
            _, parts = wanted.setdefault(child, (_ROLES[truth], []))
            if part not in parts:
                parts.append(part)
        found = self.edges.get(name, {})
        for child in sorted({*wanted, *found}):
            if child not in found:
                self.wrong(name, f"nothing leads to `{child}`")
            elif child not in wanted:
                self.wrong(name, f"`{child}` is no part of it")
            elif found[child] != wanted[child]:
                self.wrong(name, f"`{child}` is said to be {found[child]}, and is {wanted[child]}")

    # ---- eligibility and criteria ------------------------------------------------------------

    def whole(self) -> None:
        p = self.protocol
        root = self.nodes["eligibility"]
        passes = {c.id: self.criterion(c) for c in p.criteria}
        if p.scopes:
            edges = []
            for scope in p.scopes:
                name = f"scope:{scope.id}"
                counting = [c for c in p.criteria if not c.scopes or scope.id in c.scopes]
                said = self.all_pass(name, counting, passes, f"{scope.label}: ", [], "criteria")
                edges.append((scope.id, name, said))
            truths = [truth for _, _, truth in edges]
            truth = True if True in truths else False if set(truths) == {False} else None
            outcome = root.get("outcome")
            label = f"the patient is {outcome}"
            self.node(
                "eligibility", {"kind": "eligibility", "op": "scopes", "label": label}, ["outcome"]
            )
            self.follows("eligibility", _ELIGIBLE.get(str(outcome), "?"), truth)
            self.children("eligibility", edges)
        else:
            self.all_pass("eligibility", list(p.criteria), passes, "", [], "criteria")
        for name in self.nodes:
            if name not in self.seen:
                self.wrong(name, "nothing in the graph rests on it")

    def all_pass(
        self,
        name: str,
        criteria: list[core.Criterion],
        passes: Mapping[str, Truth],
        before: str,
        edges: Edges,
        op: str,
    ) -> Truth:
        """Eligibility: no criterion fails, one by one or together."""
        node = self.nodes.get(name, {})
        outcome = str(node.get("outcome"))
        stated = _ELIGIBLE.get(outcome)
        label = f"{before}the patient is {outcome}"
        self.node(
            name, {"kind": "eligibility", "op": op, "label": label},
            ["outcome", "by", "split", "jointly"],
        )  # fmt: skip
        edges = [*edges, *((c.id, f"criterion:{c.id}", passes[c.id]) for c in criteria)]
        truth = both(passes[c.id] for c in criteria)
        if node.get("by") == "cases" and truth is None:
            together = [c for c in criteria if c.id in node.get("jointly", ())]

            def settled(prefix: str, cells: Cells) -> tuple[Truth, Edges]:
                found = [(c, self.criterion_in(c, prefix, cells)) for c in together]
                said = [(c.id, f"{prefix}criterion:{c.id}", passes_by(c, met)) for c, met in found]
                return both(each for _, _, each in said), said

            edges += self.cases(name, "", self.record, False, settled)
            truth = False
        elif {"by", "split", "jointly"} & node.keys():
            self.wrong(name, "it needs no cases")
        self.follows(name, stated if outcome in _ELIGIBLE else "?", truth)
        self.children(name, edges)
        return truth

    def criterion(self, criterion: core.Criterion) -> Truth:
        """Whether a criterion passes."""
        name = f"criterion:{criterion.id}"
        node = self.nodes.get(name, {})
        met = self.criterion_in(criterion, "", self.record)
        verdict = passes_by(criterion, met)
        self.follows(name, _VERDICT.get(str(node.get("verdict")), "?"), verdict)
        applies = node.get("applies")
        child = f"condition:criterion/{criterion.id}/applies"
        never = criterion.applies is not None and self.done.get(child) is False
        if applies is not (not never) and not (node.get("by") == "cases" and never is False):
            self.wrong(name, f"its applies is `{applies}`")
        return verdict

    def criterion_in(self, criterion: core.Criterion, prefix: str, cells: Cells) -> Truth:
        name = f"{prefix}criterion:{criterion.id}"
        source = self.protocol.source
        truths: dict[str, Truth] = {"applies": True}
        edges = []
        for part, condition in (("applies", criterion.applies), ("condition", criterion.condition)):
            if condition is not None:
                place = f"criterion/{criterion.id}/{part}"
                truths[part] = self.condition(condition, place, source, prefix, cells)
                edges.append((part, f"{prefix}condition:{place}", truths[part]))
        met = both(truths.values())
        if criterion.polarity == "inclusion":
            met = either([met, opposite(truths["applies"])])
        expected = {
            "kind": "condition" if prefix else "criterion", "op": "criterion",
            "label": criterion.sentence, "polarity": criterion.polarity,
            "rules": [f"met({criterion.id})"], "line": source.line_column(criterion.span.start)[0],
        }  # fmt: skip
        passed = () if prefix else self.passed.get(criterion.id, ())
        if passed:
            expected["passed_over"] = passed_words(passed)
        if not prefix and criterion.id in self.unread:
            expected["unread"] = unread_words(self.unread, criterion.id)
        free = ["outcome", "by", "split", *(() if prefix else ("verdict", "applies"))]
        node = self.node(name, expected, free)

        def again(inner: str, view: Cells) -> tuple[Truth, Edges]:
            truth = self.criterion_in(criterion, inner, view)
            return truth, [("again", f"{inner}criterion:{criterion.id}", truth)]

        return self.outcome(name, node, met, edges, prefix, cells, again)

    def outcome(
        self,
        name: str,
        node: Mapping[str, Any],
        truth: Truth,
        edges: Edges,
        prefix: str,
        cells: Cells,
        again: Callable[[str, Cells], tuple[Truth, Edges]],
    ) -> Truth:
        """The outcome that a node states, where it follows from its parts or from cases."""
        stated = _MET.get(str(node.get("outcome")), "?")
        if node.get("by") == "cases" and truth is None and isinstance(stated, bool):
            edges = [*edges, *self.cases(name, prefix, cells, stated, again)]
            truth = stated
        elif node.get("by") == "program":
            self.wrong(name, "it rests on more cases than are shown, so it cannot be checked")
        elif {"by", "split"} & node.keys():
            self.wrong(name, "it needs no cases")
        self.follows(name, stated, truth)
        self.children(name, edges)
        return truth

    def follows(self, name: str, stated: Truth | str, truth: Truth) -> None:
        if stated is not truth:
            self.wrong(name, f"what it states does not follow from its parts ({truth})")

    # ---- cases -------------------------------------------------------------------------------

    def cases(
        self,
        name: str,
        prefix: str,
        cells: Cells,
        expected: bool,
        settled: Callable[[str, Cells], tuple[Truth, Edges]],
    ) -> Edges:
        """Cases of a finding: all that it may lie in, each settled as expected, or impossible."""
        finding = str(self.nodes[name]["split"])
        edges: Edges = [("split", self.leaves.finding(finding, prefix, cells), None)]
        by_part = {p: child for child, (_, parts) in self.edges[name].items() for p in parts}
        for cell in sorted(cells.of(finding)):
            part = f"case {cell}"
            child = by_part.get(part, "")
            if not _CASE.fullmatch(child) or child in self.seen:
                self.wrong(name, f"there is no case in which `{finding}` is `{cell}`")
                continue
            edges.append((part, child, None))
            view = cells.suppose(finding, cell)
            words = f"suppose {self.leaves.words(finding, [cell])}"
            node = self.node(
                child,
                {
                    "kind": "assumption",
                    "op": "case",
                    "label": words,
                    "finding": finding,
                    "cell": cell,
                },
                ["outcome", "by", "split"],
            )
            inner = f"{child}|"
            if node.get("outcome") == "impossible":
                self.children(child, self.impossible(child, inner, view))
                continue
            if node.get("outcome") != "supposed":
                self.wrong(child, f"its outcome is `{node.get('outcome')}`")
            if node.get("by") == "cases":
                self.children(child, self.cases(child, inner, view, expected, settled))
                continue
            truth, under = settled(inner, view)
            if truth is not expected:
                self.wrong(child, f"it does not make its conclusion {expected}")
            self.children(child, under)
        return edges

    def impossible(self, name: str, prefix: str, cells: Cells) -> Edges:
        """Why there is no such case: a denied kind of condition is there unrecorded."""
        parts = [p for _, each in self.edges[name].values() for p in each]
        concept = next((p[7:] for p in parts if p.startswith("denied ")), "")
        kind = next((p[11:] for p in parts if p.startswith("unrecorded ")), "")
        if concept not in self.protocol.denials or kind not in self.protocol.vocabulary.below(
            concept
        ):
            self.wrong(name, "nothing says why it is impossible")
            return []
        if self.denied(concept, prefix, cells) is not True or cells.of(kind) != {"unrecorded"}:
            self.wrong(name, "it is possible")
        finding = self.leaves.finding(kind, prefix, cells)
        return [(f"denied {concept}", f"{prefix}denied:{concept}", False),
                (f"unrecorded {kind}", finding, False)]  # fmt: skip

    # ---- conditions --------------------------------------------------------------------------

    def condition(
        self,
        condition: core.Condition,
        place: str,
        source: Source | None,
        prefix: str,
        cells: Cells,
    ) -> Truth:
        name = f"{prefix}condition:{place}"
        if name in self.done:
            return self.done[name]
        expected: dict[str, Any] = {
            "kind": "condition", "text": condition.text,
            "label": condition.text if source is None else said(source, condition),
            "rules": list(self.rules.get(id(condition), ())),
        }  # fmt: skip
        if source is not None:
            expected["line"] = source.line_column(condition.span.start)[0]
            expected["span"] = [condition.span.start, condition.span.end]
        truth, edges, more = self.operator(condition, place, source, prefix, cells)
        node = self.node(name, {**expected, **more}, ["outcome", "by", "split"])

        def again(inner: str, view: Cells) -> tuple[Truth, Edges]:
            found = self.condition(condition, place, source, inner, view)
            return found, [("again", f"{inner}condition:{place}", found)]

        self.done[name] = self.outcome(name, node, truth, edges, prefix, cells, again)
        return self.done[name]

    def operator(
        self,
        condition: core.Condition,
        place: str,
        source: Source | None,
        prefix: str,
        cells: Cells,
    ) -> tuple[Truth, Edges, dict[str, Any]]:
        """What a condition is by its parts, its edges, and what else its node says."""
        parts = core.parts_of(condition)
        truths = [
            self.condition(each, f"{place}/{i}", source, prefix, cells)
            for i, each in enumerate(parts)
        ]
        edges = [(str(i), f"{prefix}condition:{place}/{i}", t) for i, t in enumerate(truths)]
        match condition:
            case core.All():
                return both(truths), edges, {"op": "all"}
            case core.Any():
                return either(truths), edges, {"op": "any"}
            case core.AtLeast(number=number):
                sure, may = truths.count(True), truths.count(True) + truths.count(None)
                truth = True if sure >= number else False if may < number else None
                return truth, edges, {"op": "at_least", "number": number}
            case core.Not():
                [truth] = truths
                return opposite(truth), [("0", edges[0][1], opposite(truth))], {"op": "not"}
            case core.Scored(name=name, op=op, number=number):
                self.definition(name, prefix, cells)
                ranges = self.nodes[f"{prefix}definition:{name}"]["points"]
                low, high = sum(a for a, _ in ranges), sum(b for _, b in ranges)
                truth = compares(op, low, high, number)
                return (
                    truth,
                    [("definition", f"{prefix}definition:{name}", truth)],
                    {"op": "score_is"},
                )
            case core.Defined(name=name, value=value):
                truth = self.definition(name, prefix, cells)
                if value is not None:
                    values = self.nodes[f"{prefix}definition:{name}"]["values"]
                    truth = inside(frozenset(values), [value])
                return (
                    truth,
                    [("definition", f"{prefix}definition:{name}", truth)],
                    {"op": "definition"},
                )
            case core.Present():
                return (*self.present(condition, prefix, cells), {"op": "present"})
            case core.Pattern():
                child = self.leaves.courses(condition.concept, prefix, cells)
                truth = self.leaves.pattern(condition, cells)
                return truth, [("finding", child, truth)], {"op": "pattern"}
        finding, wanted = self.plan.tests[condition]
        truth = inside(cells.of(finding), wanted)
        more = {"op": "test", "finding": finding, "cells": list(wanted)}
        more.update(self.leaves.comparison(condition, finding))
        return truth, [("finding", self.leaves.finding(finding, prefix, cells), truth)], more

    def present(self, test: core.Present, prefix: str, cells: Cells) -> tuple[Truth, Edges]:
        """A kind is stated, or may be there unrecorded where nothing denies it."""
        variant = core.variant_of(test)
        edges: Edges = []
        truths: list[Truth] = []
        for kind in self.protocol.vocabulary.below(test.concept):
            finding = variant_id(kind, variant)
            if finding not in self.plan.findings:
                continue
            allowed = cells.of(finding)
            worlds: set[Truth] = {cell == "present" for cell in allowed if cell != "unrecorded"}
            if "unrecorded" in allowed:
                if variant:
                    by = list(deniers(self.protocol, kind))
                else:
                    by = [
                        d
                        for d in self.protocol.denials
                        if kind in self.protocol.vocabulary.below(d)
                    ]
                denied = [self.denied(d, prefix, cells) for d in by]
                edges += [
                    (f"denied {d}", f"{prefix}denied:{d}", opposite(t))
                    for d, t in zip(by, denied, strict=True)
                ]
                unless = either(denied)
                # Unrecorded and denied: absent where missing data count as present, else nowhere.
                if unless is True:
                    worlds |= {False} if variant or not worlds else set()
                else:
                    worlds |= {True, False} if variant and unless is None else {True}
            truth = worlds.pop() if len(worlds) == 1 else None
            truths.append(truth)
            edges.append((f"kind {kind}", self.leaves.finding(finding, prefix, cells), truth))
        return either(truths), edges

    def denied(self, concept: str, prefix: str, cells: Cells) -> Truth:
        name = f"{prefix}denied:{concept}"
        if name in self.done:
            return self.done[name]
        condition = self.protocol.denials[concept]
        place = f"denial/{concept}"
        truth = self.condition(condition, place, None, prefix, cells)
        edges = [("condition", f"{prefix}condition:{place}", truth)]
        unstated: list[Truth] = []
        for kind in self.protocol.vocabulary.below(concept):
            if kind in self.plan.findings:
                said_so = opposite(inside(cells.of(kind), ["present"]))
                unstated.append(said_so)
                edges.append((f"stated {kind}", self.leaves.finding(kind, prefix, cells), said_so))
        expected = {
            "kind": "condition", "op": "denied", "rules": [f"denied({concept})"],
            "label": f"kinds of {concept} that nobody mentions are absent",
        }  # fmt: skip
        node = self.node(name, expected, ["outcome"])
        truth = both([truth, *unstated])
        self.follows(name, _MET.get(str(node.get("outcome")), "?"), truth)
        self.children(name, edges)
        self.done[name] = truth
        return truth

    # ---- definitions -------------------------------------------------------------------------

    def definition(self, defined: str, prefix: str, cells: Cells) -> Truth:
        name = f"{prefix}definition:{defined}"
        if name in self.done:
            return self.done[name]
        definition = self.protocol.definitions[defined]
        body, source, place = definition.body, definition.source, f"definition/{defined}"
        truth: Truth = None
        if isinstance(body, core.Decision):
            self.decision(name, definition, body, place, prefix, cells)
        elif isinstance(body, core.Score):
            self.score(name, definition, body, place, prefix, cells)
        else:
            truth = self.condition(body, place, source, prefix, cells)
            line = source.line_column(definition.span.start)[0]
            expected = {
                "kind": "condition", "op": "definition_body", "label": definition.label,
                "line": line, "rules": [f"holds({defined})"],
            }  # fmt: skip
            node = self.node(name, expected, ["outcome"])
            self.follows(name, _MET.get(str(node.get("outcome")), "?"), truth)
            self.children(name, [("body", f"{prefix}condition:{place}", truth)])
        self.done[name] = truth
        return truth

    def decision(
        self,
        name: str,
        definition: core.Definition,
        body: core.Decision,
        place: str,
        prefix: str,
        cells: Cells,
    ) -> None:
        edges = []
        open_cells = cells.of(f"{definition.name}_if_undetermined")
        undetermined = {value for value in body.values if slug(value) in open_cells}
        values: set[str] = set()
        going = True
        for i, case in enumerate(body.cases):
            truth = self.condition(case.condition, f"{place}/{i}", definition.source, prefix, cells)
            edges.append((str(i), f"{prefix}condition:{place}/{i}", truth))
            if going and truth is not False:
                values |= undetermined if case.value is None else {case.value}
            going = going and truth is not True
        if going:
            values |= undetermined if body.otherwise is None else {body.otherwise}
        finding = f"{definition.name}_if_undetermined"
        if finding in self.plan.findings:
            edges.append(("undetermined", self.leaves.finding(finding, prefix, cells), None))
        expected = {
            "kind": "condition", "op": "decide", "label": definition.label,
            "values": sorted(values), "cases": [c.value for c in body.cases],
            "otherwise": body.otherwise, "outcome": "known" if len(values) == 1 else "unknown",
        }  # fmt: skip
        self.node(name, expected)
        self.children(name, edges)

    def score(
        self,
        name: str,
        definition: core.Definition,
        body: core.Score,
        place: str,
        prefix: str,
        cells: Cells,
    ) -> None:
        edges, ranges = [], []
        for n, part in enumerate(body.parts):
            points, going = set[int](), True
            for i, (number, condition) in enumerate(part.cases):
                where = f"{place}/{n}/{i}"
                truth = self.condition(condition, where, definition.source, prefix, cells)
                edges.append((f"{n}/{i}", f"{prefix}condition:{where}", truth))
                if going and truth is not False:
                    points.add(number)
                going = going and truth is not True
            if going:
                points.add(part.otherwise)
            ranges.append([min(points), max(points)])
        expected = {
            "kind": "condition", "op": "score", "label": definition.label, "points": ranges,
            "cases": [[p for p, _ in part.cases] for part in body.parts],
            "outcome": "known" if all(a == b for a, b in ranges) else "unknown",
        }  # fmt: skip
        self.node(name, expected)
        self.children(name, edges)
