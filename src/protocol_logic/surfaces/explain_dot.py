"""A justification in the DOT language of Graphviz, and what its nodes look like in a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from protocol_logic.surfaces.explain_words import name_of, outcome_word, said, sign, tone
from protocol_logic.surfaces.terminal import cut, visible

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph

COLUMNS = 34
"""The most columns of a line in a node."""
_LINES = 5
_FILLS = {"pass": "#e3f4e6", "fail": "#fde7e5", "open": "#fff3d1", "none": "#ffffff"}
_STYLES = {
    "eligibility": "filled,rounded,bold",
    "criterion": "filled,rounded,bold",
    "gap": "filled,dashed",
    "assumption": "filled,dotted",
}
_EDGES = {
    "supports": 'color="#3b6e45"',
    "defeats": 'color="#b3261e" style=bold arrowhead=tee',
    "missing": 'color="#8a6100" style=dashed arrowhead=empty',
}


def dot(graph: Graph) -> str:
    """The text for `dot`: from left to right, conclusions before reasons."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    about = graph.graph
    yield "digraph justification {"
    yield "  rankdir=LR ranksep=0.5 nodesep=0.12"
    title = f"{about['patient']} on {about['as_of']}, {about['protocol']['id']}"
    yield f"  label={_label(visible(title))} labelloc=t"
    yield '  node [shape=box fontname="sans-serif" fontsize=11 margin="0.12,0.06"]'
    for node, data in graph.nodes(data=True):
        label = "\\l".join(map(_escaped, lines_of(graph, node))) + "\\l"
        style = _STYLES.get(data["kind"], "filled")
        yield (
            f'  {_id(node)} [label="{label}" tooltip={_tooltip(data["label"])} '
            f'shape={"note" if data["kind"] == "fact" else "box"} style="{style}" '
            f'fillcolor="{_FILLS[tone(data)]}" class="{_class(data)}"]'
        )
    for parent, child, data in graph.edges(data=True):
        told = f"{data['role']}: {', '.join(data['parts'])}"
        look = _EDGES.get(data["role"], "")
        yield (
            f"  {_id(parent)} -> {_id(child)} "
            f"[{look} class={_label(visible(data['role']))} tooltip={_tooltip(told)}]"
        )
    yield "}"


def lines_of(graph: Graph, node: str) -> list[str]:
    """What stands in a node: its sign and outcome, and its text, cut where it is long."""
    data = graph.nodes[node]
    head = f"{sign(data)} {outcome_word(data)}"
    if data["kind"] == "criterion":
        return wrapped(f"{sign(data)} {name_of(node)} {outcome_word(data)}", 2)
    if data["kind"] in ("eligibility", "fact") or head.endswith(" case"):
        return wrapped(f"{sign(data)} {data['label']}", _LINES)
    text = said(graph, node, False) if data["kind"] == "condition" else str(data["label"])
    return [head, *wrapped(text, _LINES)]


def wrapped(text: str, most: int) -> list[str]:
    """A text on at most so many lines."""
    lines = wrap(visible(text), COLUMNS) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], cut(f"{lines[most - 1]} {lines[most]}", COLUMNS)]
    return lines


def _class(data: Mapping[str, Any]) -> str:
    words = (str(data["kind"]), str(data["outcome"]), tone(data))
    return " ".join(re.sub("[^a-z_]", "", word) for word in words)


def _id(node: str) -> str:
    """A quoted id. A backslash is doubled, so that none of them ends the text before its end."""
    return '"' + visible(node).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    """A text in a label: `\\n`, `\\N` and `&lt;` would be read as something else."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _tooltip(text: str) -> str:
    """A backslash is doubled twice, since Graphviz fills in `\\N` and the like in two rounds."""
    return _label(visible(text).replace("\\", "\\\\"))


def _label(text: str) -> str:
    return f'"{_escaped(text)}"'
