"""A justification as one HTML page: the tree beside a picture, the protocol and the record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.justification import node_link
from protocol_logic.answering.why import sentence
from protocol_logic.surfaces.explain_tree import ExplainTree, Line, Places
from protocol_logic.surfaces.explain_words import outcome_word, tone
from protocol_logic.surfaces.picture import Picture, picture_of, pictures
from protocol_logic.surfaces.report import page, part

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.compiling import core
    from protocol_logic.surfaces.raw_records import Raw


@dataclass(frozen=True, slots=True)
class Text:
    """Lines with their anchors and numbers: of the protocol, or a definition that it uses."""

    title: str
    lines: list[tuple[Line, str]]


def resources_of(graph: Graph) -> list[str]:
    """The resources that facts and gaps of a graph name, in its order."""
    named = (data.get("resource") for _, data in graph.nodes(data=True))
    return list(dict.fromkeys(str(name) for name in named if name))


def explain_page(
    graph: Graph,
    protocol: core.Protocol,
    raw: Sequence[Raw],
    *,
    criterion: str | None = None,
) -> str:
    """The page of a graph; `criterion`: it holds this one only."""
    forcing = graph.graph.get("forcing")
    texts = _Texts(graph, protocol)
    number = {node: i for i, node in enumerate(graph)}
    anchors = {each.name: f"r{i}" for i, each in enumerate(raw)}
    places = Places(number, texts.line, anchors)
    whole = forcing is not None or criterion is not None
    tree = ExplainTree(graph, places, whole=whole)
    rows = tree.rows()
    about = graph.graph
    where = "eligibility" if criterion is None else f"criterion:{criterion}"
    root = graph.nodes[where]
    if forcing is not None:
        sets = f"{len(forcing)} sets of findings force" if len(forcing) > 1 else "These force"
        told = f"{sets} it, whatever all else is: {graph.graph['forced']}"
        if not forcing:
            told = f"Nothing forces an outcome: {graph.graph['forced']}"
    elif criterion is None:
        told = sentence(graph)
    else:
        told = f"{criterion} {outcome_word(root)}"
    drawn = pictures(graph)
    return page(
        "explain.html",
        style="explain.css",
        script="explain.js",
        about=about,
        title=protocol.title,
        sentence=told,
        tone=tone(root),
        rows=rows,
        sets=_sets(graph, number, forcing or []),
        others=tree.others(),
        jointly=graph.nodes["eligibility"].get("jointly", []),
        marks={row.line.anchor: row for row in rows if row.name and row.line is not None},
        verdicts=_counts(graph),
        texts=texts.texts(),
        raw=list(raw),
        anchors=anchors,
        pictures=drawn,
        island=island(graph, texts, anchors, drawn or ()),
    )


def fragment(graph: Graph, told: str, *, criterion: str | None = None) -> str:
    """The tree alone, to stand inside another page: it has no anchors and no script."""
    number = {node: i for i, node in enumerate(graph)}
    places = Places(number, lambda node, data: None, {})
    tree = ExplainTree(graph, places, whole=criterion is not None)
    return part(
        "fragment.html",
        about=graph.graph,
        sentence=told,
        rows=tree.rows(),
        others=tree.others(),
        jointly=graph.nodes["eligibility"].get("jointly", []),
    )


def island(
    graph: Graph, texts: _Texts, anchors: Mapping[str, str], drawn: Sequence[Picture]
) -> str:
    """What the page's script reads: the graph as `--format json` writes it, and where to go.

    JSON of letters that everybody can see, which neither ends nor begins an element of HTML.
    """
    lines = {
        str(i): line.anchor
        for i, (node, data) in enumerate(graph.nodes(data=True))
        if (line := texts.line(node, data)) is not None
    }
    data = {
        "graph": node_link(graph),
        "lines": lines,
        "records": anchors,
        "pictures": picture_of(drawn),
    }
    text = json.dumps(data, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _sets(
    graph: Graph, number: Mapping[str, int], forcing: list[list[str]]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The sets that force an outcome, where there are several: what all have, and what each has."""
    if len(forcing) < 2:
        return []
    common = [name for name in forcing[0] if all(name in names for names in forcing)]
    told = [("In each", common)] if common else []
    for i, names in enumerate(forcing, 1):
        told.append((f"{i} of {len(forcing)}", [name for name in names if name not in common]))
    return [(title, _links(graph, number, names)) for title, names in told]


def _links(graph: Graph, number: Mapping[str, int], names: Iterable[str]) -> list[tuple[str, str]]:
    """The findings of a set that forces an outcome: their labels and anchors."""
    wanted = set(names)
    return [
        (str(data["label"]), f"n{number[node]}")
        for node, data in graph.nodes(data=True)
        if data["kind"] == "finding"
        and (node.removeprefix("finding:") in wanted or data.get("group") in wanted)
    ]


def _counts(graph: Graph) -> dict[str, int]:
    found = {"fail": 0, "open": 0, "pass": 0}
    for _, data in graph.nodes(data=True):
        if data["kind"] == "criterion":
            found[data["verdict"]] += 1
    return found


class _Texts:
    """The protocol's text, and the definitions of other files that the graph has conditions of."""

    def __init__(self, graph: Graph, protocol: core.Protocol) -> None:
        self.protocol = protocol
        names = dict.fromkeys(filter(None, map(_definition_of, graph)))
        found = protocol.definitions
        self.others = {
            name: f"d{i}"
            for i, name in enumerate(names)
            if name in found and found[name].source is not protocol.source
        }

    def line(self, node: str, data: Mapping[str, Any]) -> Line | None:
        """Where a node stands in its text; None where it stands in none."""
        number = data.get("line")
        if not isinstance(number, int):
            return None
        name = _definition_of(node)
        prefix = "" if name is None or name not in self.others else self.others[name]
        return Line(f"{prefix}l{number}", number)

    def texts(self) -> list[Text]:
        """All texts with all lines, the protocol's first."""
        source = self.protocol.source
        numbers = range(1, len(source.starts) + (not source.text.endswith("\n")))
        found = [Text("", [(Line(f"l{n}", n), source.line_text(n)) for n in numbers])]
        for name, prefix in self.others.items():
            definition = self.protocol.definitions[name]
            first, last = (
                definition.source.line_column(offset)[0]
                for offset in (definition.span.start, max(definition.span.end - 1, 0))
            )
            lines = [
                (Line(f"{prefix}l{n}", n), definition.source.line_text(n))
                for n in range(first, last + 1)
            ]
            found.append(Text(f"{name}, as {definition.source.name} defines it", lines))
        return found


def _definition_of(node: str) -> str | None:
    """The definition that a node is, or is a part of."""
    kind, _, place = node.rpartition("|")[2].partition(":")
    if kind == "definition":
        return place
    if kind == "condition" and place.startswith("definition/"):
        return place.split("/")[1]
    return None
