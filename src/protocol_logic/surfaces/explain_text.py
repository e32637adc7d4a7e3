"""A justification as text: a sentence, a tree, or all nodes and edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.why import criteria, reasons, sentence
from protocol_logic.surfaces.digits import rounded
from protocol_logic.surfaces.explain_words import VERDICTS, on_one_line, provenance, said
from protocol_logic.surfaces.table_details import PASSED_OVER, UNREAD
from protocol_logic.surfaces.table_layout import signs_for
from protocol_logic.surfaces.terminal import Paint, visible

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph

_COLOURS = {"pass": "green", "fail": "red", "open": "yellow"}


class ExplainText:
    """Draws one justification; `criterion`: the only one in it, drawn in full.

    A graph that says what is `forcing` holds nothing else.
    """

    def __init__(self, graph: Graph, *, criterion: str | None, colour: bool, encoding: str) -> None:
        self.graph = graph
        self.criterion = criterion
        self.paint = Paint(colour)
        self.signs = signs_for(encoding)
        self._told: set[str] = set()

    def lines(self, depth: str) -> Iterator[str]:
        """The lines of a depth."""
        if depth == "graph":
            yield from self._graph()
        elif depth == "sentence":
            yield from map(rounded, self._sentences())
        else:
            yield from map(rounded, self._tree())

    def _sentences(self) -> Iterator[str]:
        if self.criterion is None:
            yield visible(sentence(self.graph))
            for node in criteria(self.graph):
                yield from self._passed_over(node, f"{node.partition(':')[2]}: ")
            return
        node = f"criterion:{self.criterion}"
        verdict = self.graph.nodes[node]["verdict"]
        yield visible(
            f"{self.criterion} {VERDICTS[verdict]}: {'; '.join(reasons(self.graph, node))}"
        )
        yield from self._passed_over(node, "")

    def _tree(self) -> Iterator[str]:
        if "forcing" in self.graph.graph:
            yield from self._forcing(self.graph.graph)
            return
        about = self.graph.graph
        p = about["protocol"]
        called = f"{p['id']} {p['version']}".rstrip()
        yield visible(f"{about['patient']} on {about['as_of']}, {called}")
        if self.criterion is None:
            yield visible(sentence(self.graph))
        for node in criteria(self.graph):
            data = self.graph.nodes[node]
            verdict = data["verdict"]
            sign = self.paint(self._sign(verdict), _COLOURS[verdict])
            name = node.partition(":")[2]
            yield f"{sign} {name} {VERDICTS[verdict]} (line {data['line']})"
            yield from self._passed_over(node, "    ")
            if verdict != "pass" or self.criterion is not None:
                yield f"    {visible(on_one_line(data['label']))}"
                yield from self._below(node, 2)
        yield from self._jointly()

    def _passed_over(self, node: str, lead: str) -> Iterator[str]:
        """What resembles a class that a complete list makes absent for a criterion."""
        for words in self.graph.nodes[node].get("passed_over", ()):
            yield visible(f"{lead}{PASSED_OVER}: {words}")
        for words in self.graph.nodes[node].get("unread", ()):
            yield visible(f"{lead}{UNREAD}: {words}")

    def _forcing(self, about: Mapping[str, Any]) -> Iterator[str]:
        """The findings that force what is decided, with what they rest on."""
        sets, complete, decided = about["forcing"], about["complete"], about["forced"]
        if not sets:
            yield f"nothing forces an outcome: {decided}"
        for number, names in enumerate(sets, 1):
            if len(sets) == 1:
                only = " (no other findings do)" if complete else ""
                yield f"these force it, whatever all else is: {decided}{only}"
            else:
                yield f"{number} of {len(sets)}: these force it, whatever all else is: {decided}"
            for name in names:
                for node in self._nodes_of(name):
                    yield from self._node(node, 1)
        if sets and not complete and len(sets) > 1:
            yield f"there are more than these {len(sets):,}"

    def _nodes_of(self, name: str) -> list[str]:
        """The nodes of a finding, or of those that are read together under this name."""
        return [
            node for node, data in self.graph.nodes(data=True)
            if data["kind"] == "finding" and data["op"] != "supposed"
            and name in (node.removeprefix("finding:"), data.get("group"))
        ]  # fmt: skip

    def _sign(self, verdict: str) -> str:
        return {"pass": self.signs.passes, "fail": self.signs.fails, "open": self.signs.open}[
            verdict
        ]

    def _jointly(self) -> Iterator[str]:
        for name in ("eligibility", *(n for n in self.graph["eligibility"] if n[:6] == "scope:")):
            data = self.graph.nodes[name]
            if data.get("by") == "cases":
                yield visible(f"not met together: {', '.join(data['jointly'])}")
                yield from self._cases(name, 1)

    def _cases(self, node: str, depth: int) -> Iterator[str]:
        for child in self.graph[node]:
            data = self.graph.nodes[child]
            if data.get("op") != "case":
                continue
            lead = "  " * depth
            yield visible(f"{lead}{data['label']}" + (
                ": this cannot be" if data["outcome"] == "impossible" else ""))  # fmt: skip
            if data.get("by") == "cases":
                yield from self._cases(child, depth + 1)
                continue
            for inner in self.graph[child]:
                if self.graph.edges[child, inner]["role"] == "defeats":
                    yield from self._node(inner, depth + 1)

    def _whatever_applies(self, node: str) -> str | None:
        """The condition of a criterion that makes it what it is, whether or not it applies."""
        data = self.graph.nodes[node]
        decided = {"inclusion": "met", "exclusion": "not_met"}.get(data.get("polarity", ""))
        if data["outcome"] != decided:
            return None
        for child in self.graph[node]:
            if "condition" in self.graph.edges[node, child]["parts"]:
                if self.graph.nodes[child]["outcome"] == decided:
                    return str(child)
        return None

    def _below(self, node: str, depth: int) -> Iterator[str]:
        if self.graph.nodes[node].get("by") == "cases":
            enough = self._whatever_applies(node)
            if enough is not None:
                yield from self._node(enough, depth)
            else:
                yield from self._cases(node, depth)
            return
        # Parts that do not make it what it is are named and not opened.
        role = {"met": "supports", "not_met": "defeats", "unknown": "missing"}.get(
            self.graph.nodes[node]["outcome"]
        )
        for child in self.graph[node]:
            decides = role in (None, self.graph.edges[node, child]["role"])
            folded = not decides and self.criterion is None
            yield from self._node(child, depth, folded)

    def _node(self, node: str, depth: int, folded: bool = False) -> Iterator[str]:
        """A node with what it rests on, unless it is folded; what was told before is only named."""
        data = self.graph.nodes[node]
        lead = "  " * depth
        if data["kind"] != "condition":
            again = " (as above)" if node in self._told and self.graph[node] else ""
            yield visible(f"{lead}{data['kind']}: {data['label']}{again}{self._where(data)}")
            if not again:
                self._told.add(node)
                yield from self._below(node, depth + 1)
            return
        outcome = data["outcome"].replace("_", " ")
        if node in self._told:
            yield visible(f"{lead}{outcome}: {data['label']} (as above)")
            return
        if not folded:
            self._told.add(node)
        yield visible(f"{lead}{outcome}: {said(self.graph, node, folded)}")
        if not folded:
            yield from self._below(node, depth + 1)

    @staticmethod
    def _where(data: Mapping[str, Any]) -> str:
        told = [str(data["resource"])] if data.get("resource") else []
        told += provenance(data)
        return f" [{'; '.join(told)}]" if told else ""

    def _graph(self) -> Iterator[str]:
        for node, data in self.graph.nodes(data=True):
            label = on_one_line(data["label"])
            yield visible(f"{node}: {data['kind']}, {data['outcome']}: {label}")
            for child in self.graph[node]:
                edge = self.graph.edges[node, child]
                yield visible(f"  {edge['role']} {child} ({', '.join(edge['parts'])})")
