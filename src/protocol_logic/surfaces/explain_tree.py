"""A justification as a tree of rows: each node told in full once, and named elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.why import criteria
from protocol_logic.surfaces.explain_words import (
    name_of,
    outcome_word,
    provenance,
    said,
    sign,
    tone,
)
from protocol_logic.surfaces.table_details import PASSED_OVER, UNREAD

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph

ROLES = {
    "met": "supports", "not_met": "defeats", "unknown": "missing", "known": "supports",
    "eligible": "supports", "ineligible": "defeats", "undetermined": "missing",
    "open": "missing",
}  # fmt: skip
"""Outcome of a node -> the role of what makes it so."""
PARTS = ("all", "any")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text in the page: its anchor and its number."""

    anchor: str
    number: int


@dataclass(slots=True)
class Row:
    """A node in the tree. `rest`: what a folded row says more; `home`: where links to the node
    lead; `again`: what it rests on is told there, and not here."""

    anchor: str
    kind: str
    tone: str
    sign: str
    word: str
    name: str
    text: str
    rest: str
    notes: list[str]
    line: Line | None
    resource: str | None
    raw: str | None
    decides: bool
    home: bool
    again: bool
    open: bool
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Places:
    """Where nodes lead to: their number, the line of a text, the anchor of a resource."""

    number: Mapping[str, int]
    line: Callable[[str, Mapping[str, Any]], Line | None]
    raw: Mapping[str, str]


def decides(graph: Graph, node: str, child: str) -> bool:
    """Whether a part makes its conclusion what it is."""
    data, edge = graph.nodes[node], graph.edges[node, child]
    if "by" in data and data["kind"] != "assumption":  # its cases do, and not its parts
        return any(part.partition(" ")[0] in ("case", "split", "program") for part in edge["parts"])
    role = ROLES.get(data["outcome"])
    return role is None or bool(edge["role"] == role)


class ExplainTree:
    """Makes the rows of a graph; `whole`: all of it is unfolded, whichever way it points."""

    def __init__(self, graph: Graph, places: Places, *, whole: bool = False) -> None:
        self.graph = graph
        self.places = places
        self.whole = whole
        self._home: dict[str, str] = {}
        self._find_homes()

    def rows(self) -> list[Row]:
        """The criteria, in the protocol's order."""
        return [self._row("eligibility", child, True) for child in criteria(self.graph)]

    def others(self) -> list[Row]:
        """What stands beside the criteria: the cases of what was decided together, and scopes."""
        nodes = self.graph.nodes
        found = [n for n in self.graph["eligibility"] if nodes[n]["kind"] != "criterion"]
        return [self._row("eligibility", child, True) for child in found]

    # ---- where each node is told -------------------------------------------------------------

    def _find_homes(self) -> None:
        """A shared node is told where a reader meets it first: below what fails or is open."""
        found = criteria(self.graph)
        passing = [n for n in found if self.graph.nodes[n]["verdict"] == "pass"]
        for node in found:
            self._home[node] = "eligibility"
        for first in (self._decisive, self.graph.__getitem__):
            for node in [n for n in found if n not in passing]:
                self._settle(node, first)
        self._settle("eligibility", self.graph.__getitem__)

    def _settle(self, root: str, children: Callable[[str], Any]) -> None:
        stack, seen = [root], {root}
        while stack:
            node = stack.pop()
            below = [child for child in children(node) if child not in seen]
            for child in below:
                self._home.setdefault(child, node)
            seen.update(below)
            stack.extend(reversed(below))

    def _decisive(self, node: str) -> Iterator[str]:
        return (child for child in self.graph[node] if decides(self.graph, node, child))

    # ---- rows --------------------------------------------------------------------------------

    def _row(self, parent: str, node: str, shown: bool) -> Row:
        data = self.graph.nodes[node]
        kind = data["kind"]
        criterion = kind == "criterion"
        # A criterion stands at the top, also where only scopes have it.
        deciding = criterion or decides(self.graph, parent, node)
        home = self._home[node] == parent
        again = not home and bool(self.graph[node])
        unfolded = shown and (deciding or self.whole)
        if criterion:
            unfolded = self.whole or data["verdict"] != "pass"
        below = list(self.graph[node])
        if kind == "eligibility":  # a scope: its criteria stand above
            below = [n for n in below if self.graph.nodes[n]["kind"] != "criterion"]
        text = said(self.graph, node, False) if kind == "condition" else str(data["label"])
        resource = data.get("resource")
        passed_over = [f"{PASSED_OVER}: {each}" for each in data.get("passed_over", ())]
        passed_over += [f"{UNREAD}: {each}" for each in data.get("unread", ())]
        return Row(
            anchor=f"n{self.places.number[node]}",
            kind=kind,
            tone=tone(data),
            sign=sign(data),
            word=outcome_word(data),
            name=name_of(node) if criterion else "",
            text=text,
            rest=str(data["label"]).removeprefix(text) if data.get("op") in PARTS else "",
            notes=[*provenance(data), *passed_over],
            line=self.places.line(node, data),
            resource=resource,
            raw=self.places.raw.get(resource or ""),
            decides=deciding,
            home=home,
            again=again,
            open=unfolded,
            rows=[] if again else [self._row(node, child, unfolded) for child in below],
        )
