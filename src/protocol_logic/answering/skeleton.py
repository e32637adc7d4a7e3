"""What a decision says of the conditions of a protocol: the part of a justification that all
patients share who look alike to it.

Nodes follow the protocol's own lines. Each condition has the literals of the program that decided
(`rules`), whose state it shares; one that its parts leave open and the program settles is explained
by cases. All parts stand in the graph, whichever way they point: `role` says what each does to its
conclusion. What findings rest on is each patient's own, and left to `leaves`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import networkx as nx

from protocol_logic.answering.finding_words import FindingWords
from protocol_logic.compiling import core
from protocol_logic.compiling.lower import Program, literals_of
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import CellSet
from protocol_logic.reasoning.criteria import domain_of
from protocol_logic.reasoning.ground import Ground, ground
from protocol_logic.reasoning.meaning import Meaning
from protocol_logic.reasoning.support import (
    States,
    Truth,
    View,
)

Graph: TypeAlias = "nx.DiGraph[str]"
Rows: TypeAlias = tuple[Mapping[str, CellSet], ...]
OUTCOMES: Mapping[Truth, str] = {True: "met", False: "not_met", None: "unknown"}
TRUTHS = {"met": True, "not_met": False, "unknown": None}
VERDICTS = {"pass": True, "fail": False, "open": None}
ELIGIBILITY = {"eligible": True, "ineligible": False, "undetermined": None}


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
class Case:
    """A view with the prefix of the nodes in it; `base`: what the record itself leaves."""

    prefix: str
    view: View
    meaning: Meaning
    states: States

    @property
    def base(self) -> bool:
        return not self.prefix


class Nodes:
    """A graph in the making, with the findings that it will stand on."""

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

    def _case(self, prefix: str, view: View) -> Case:
        meaning = Meaning(self.protocol, self.plan, view)
        return Case(prefix, view, meaning, States(self.rules, view))

    # ---- findings ----------------------------------------------------------------------------

    def _finding(self, finding: str, case: Case) -> str:
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

    def _courses(self, concept: str, case: Case) -> str:
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
