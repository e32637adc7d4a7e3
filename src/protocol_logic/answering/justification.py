"""Why a patient is eligible or not: a graph from eligibility to the facts, for every outcome.

Patients who look alike to a criterion share its skeleton: its conditions, and what each does to its
conclusion. A patient's graph joins those of all criteria and adds what the findings rest on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import networkx as nx

from protocol_logic.answering.leaves import Leaves
from protocol_logic.answering.skeleton import TRUTHS, Graph, Rules, Skeleton
from protocol_logic.answering.skeleton_criteria import (
    head_of,
    part_skeleton,
    skeleton_of,
    spine,
    whole_skeleton,
)
from protocol_logic.compiling import core
from protocol_logic.compiling.lower import Program
from protocol_logic.compiling.plan import Part, Plan, Reach
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import Group, PatientFindings
from protocol_logic.findings.unlisted import passed_words
from protocol_logic.findings.unread import unread_words
from protocol_logic.reasoning.decision import CriterionDecision, Decision
from protocol_logic.reasoning.meaning import both
from protocol_logic.reasoning.support import View


class Justifier:
    """Explains decisions of one protocol; keeps the skeleton of every distinct row."""

    def __init__(self, protocol: core.Protocol, plan: Plan, program: Program) -> None:
        self.rules = Rules(protocol, plan, program)
        self.criteria = [_Whole(criterion, plan, protocol) for criterion in protocol.criteria]
        self._heads: dict[object, Skeleton] = {}

    def graph(self, found: PatientFindings, decision: Decision, about: Mapping[str, Any]) -> Graph:
        """The whole justification of one patient's decision; `about`: what it says of itself."""
        graph: Graph = nx.DiGraph(**about)
        support = self.support(found, decision)
        for each in support:
            graph.add_nodes_from(each.nodes)
            graph.add_edges_from(each.edges)
        leaves = Leaves(self.rules.words, found, graph)
        for each in support:
            for name, cells in each.findings:
                leaves.finding(name, cells)
            for name, rows in each.courses:
                leaves.courses(name, rows)
            for node, test, finding in each.compared:
                graph.nodes[node].update(leaves.comparison(test, finding))
        for criterion, passed in found.passed.items():
            graph.nodes[f"criterion:{criterion}"]["passed_over"] = passed_words(passed)
        for criterion in found.unread:
            graph.nodes[f"criterion:{criterion}"]["unread"] = unread_words(found.unread, criterion)
        return graph

    def support(self, found: PatientFindings, decision: Decision) -> list[Skeleton]:
        """What supports, defeats or leaves open each condition, for one patient's decision."""
        if not _decided_jointly(decision):
            decided = zip(self.criteria, decision.criteria, strict=True)
            parts = [part for reads, each in decided for part in self._parts(reads, found, each)]
            if not any(part.shared_cases for part in parts):
                return [self._head(decision), *parts]
        # Cases that go through several criteria, or that several criteria read.
        return [whole_skeleton(self.rules, View.of(found), decision)]

    def _parts(
        self, whole: _Whole, found: PatientFindings, decided: CriterionDecision
    ) -> list[Skeleton]:
        """The skeletons that make up one criterion."""
        if whole.parts:
            made = [self._part(whole.criterion, part, found) for part in whole.parts]
            truths = {
                number: truth
                for part, each in zip(whole.parts, made, strict=True)
                for number, truth in zip(part.numbers, each.truths, strict=True)
            }
            if both(truths.values()) is TRUTHS[decided.outcome]:
                key = tuple(truths.values())
                spines = whole.spines
                if key not in spines:
                    spines[key] = spine(self.rules, whole.criterion, decided, truths)
                return [spines[key], *made]
        look = whole.reads.key(found)
        known = whole.reads.known.get(look)
        if known is None:
            view, criterion = whole.reads.view(found), whole.criterion
            known = skeleton_of(self.rules, view, criterion, decided)
            whole.reads.known[look] = known
        return [known]

    def _part(self, criterion: core.Criterion, part: _Part, found: PatientFindings) -> Skeleton:
        key = part.reads.key(found)
        known = part.reads.known.get(key)
        if known is None:
            view = part.reads.view(found)
            known = part_skeleton(self.rules, view, criterion, part.numbers)
            part.reads.known[key] = known
        return known

    def _head(self, decision: Decision) -> Skeleton:
        key = (tuple([d.verdict for d in decision.criteria]), decision.eligibility,
               tuple([s.eligibility for s in decision.scopes]))  # fmt: skip
        known = self._heads.get(key)
        if known is None:
            known = self._heads[key] = head_of(self.rules, decision)
        return known


class _Reads:
    """The findings and groups that are read for something, and skeletons by what they look like."""

    def __init__(self, reach: Reach, plan: Plan, protocol: core.Protocol) -> None:
        lines = [plan.findings[n].entry for n in reach.findings if plan.findings[n].kind == "lines"]
        self.findings = tuple(reach.findings)
        self.groups = tuple(dict.fromkeys(map(concept_group, (*reach.courses, *lines))))
        self.known: dict[object, Skeleton] = {}

    def key(self, found: PatientFindings) -> object:
        """What a patient looks like here."""
        groups = [g.name for g in found.groups if g.name in self.groups or self._touches(g)]
        single = tuple(map(found.single.get, self.findings))
        return (single, tuple([found.looks[name] for name in groups]))

    def view(self, found: PatientFindings) -> View:
        """The findings of a patient that are read; of a group their joint rows."""
        single = {n: found.single[n] for n in self.findings if n in found.single}
        groups = {}
        for group in found.groups:
            whole = group.name in self.groups
            if whole or self._touches(group):
                rows = ({n: c for n, c in row.cells if whole or n in self.findings}
                        for row in group.rows)  # fmt: skip
                groups[group.name] = tuple(
                    dict(row) for row in dict.fromkeys(tuple(row.items()) for row in rows)
                )
        return View(single, groups)

    def _touches(self, group: Group) -> bool:
        return not group.findings.isdisjoint(self.findings)


class _Part:
    """Conditions of a criterion's `all of` that share no finding with others."""

    def __init__(self, part: Part, plan: Plan, protocol: core.Protocol) -> None:
        self.numbers = part.conditions
        self.reads = _Reads(part.reach, plan, protocol)


class _Whole:
    """A criterion, with its parts where it has any."""

    def __init__(self, criterion: core.Criterion, plan: Plan, protocol: core.Protocol) -> None:
        self.criterion = criterion
        reach = plan.reach[criterion.id]
        self.reads = _Reads(reach, plan, protocol)
        self.parts = [_Part(part, plan, protocol) for part in reach.parts]
        self.spines: dict[object, Skeleton] = {}


def _decided_jointly(decision: Decision) -> bool:
    return bool(decision.decided_jointly or any(s.decided_jointly for s in decision.scopes))


def node_link(graph: Graph) -> dict[str, Any]:
    """The graph as networkx node-link data, ready for JSON."""
    data: dict[str, Any] = nx.node_link_data(graph, edges="edges")
    return data


def only_findings(graph: Graph, names: Iterable[str]) -> Graph:
    """What rests on some findings, and what they rest on; the names of groups stand for all."""
    wanted = set(names)
    chosen = [
        node for node, data in graph.nodes(data=True)
        if node.removeprefix("finding:") in wanted or data.get("group") in wanted
    ]  # fmt: skip
    kept = {"eligibility", *chosen}
    if not chosen:
        kept.update(n for n, data in graph.nodes(data=True) if data["kind"] == "criterion")
    for node in chosen:
        kept |= nx.ancestors(graph, node) | nx.descendants(graph, node)
    return _only(graph, kept)


def subgraph(graph: Graph, criterion: str) -> Graph:
    """What one criterion rests on, below eligibility."""
    node = f"criterion:{criterion}"
    kept = {"eligibility", node, *nx.descendants(graph, node)}
    kept |= {n for n in graph.predecessors(node) if graph.nodes[n]["kind"] == "eligibility"}
    found = _only(graph, kept)
    others = [e for e in found.edges if e[0] != node and e[1].startswith("criterion:")]
    found.remove_edges_from(e for e in others if e[1] != node)
    return found


def _only(graph: Graph, kept: Collection[str]) -> Graph:
    """Some nodes of a graph, in its order: `subgraph` of networkx gives them in that of a set."""
    found: Graph = graph.copy()
    found.remove_nodes_from([node for node in graph if node not in kept])
    return found
