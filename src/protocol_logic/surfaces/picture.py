"""Pictures of a justification, laid out by Graphviz: what decides, and each criterion in full.

A picture stays as small as can be read: what passes is folded into one box, a node shows so many of
its reasons, and boxes say how many more there are. The tree has all of them. Graphviz is given
numbers and sizes, and no text of a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.why import criteria
from protocol_logic.surfaces.explain_dot import lines_of
from protocol_logic.surfaces.explain_tree import decides
from protocol_logic.surfaces.explain_words import name_of, on_one_line, outcome_word, tone
from protocol_logic.surfaces.terminal import count, text_width

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph

_COLUMN, _BOLD, _LINE = 7.1, 7.9, 15
_MARGIN_X, _MARGIN_Y = 8, 6
_FAN = 8
"""How many reasons of a node are shown."""
_MOST = 70
"""How many boxes a picture has, about."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node in a picture. `node`: its number; `folded`: its reasons have a picture of their own;
    `more`: it stands for further reasons of the node."""

    node: int
    kind: str
    tone: str
    label: str
    lines: list[str]
    width: float
    folded: bool = False
    more: bool = False
    x: float = 0
    y: float = 0

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 2 * _MARGIN_Y

    def baselines(self) -> Iterator[tuple[float, float, str]]:
        """Where each line of text begins."""
        for i, line in enumerate(self.lines):
            yield self.x + _MARGIN_X, round(self.y + _MARGIN_Y + _LINE * (i + 0.75), 1), line


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge: its path in SVG."""

    role: str
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes and arrows with their places."""

    id: str
    title: str
    width: float
    height: float
    boxes: list[Box]
    arrows: list[Arrow]


def pictures(graph: Graph) -> list[Picture] | None:
    """The pictures of a graph, what decides first; None where Graphviz is not installed."""
    try:
        import pygraphviz
    except ImportError:
        return None
    return [
        _laid_out(pygraphviz, graph, f"p{i}", title, chosen)
        for i, (title, chosen) in enumerate(_choose(graph))
    ]


# ---- what is shown -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Chosen:
    """The nodes of a picture in order, their edges, and how many reasons of a node are left out."""

    nodes: dict[str, None] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)
    more: dict[str, int] = field(default_factory=dict)
    folded: set[str] = field(default_factory=set)

    def add(self, root: str, children: Callable[[str], Iterable[str]], most: int) -> None:
        """Add a node with what is below it, as long as there is room."""
        self.nodes[root] = None
        queue, queued = [root], {root}
        for node in queue:
            below = list(children(node))
            room = max(0, min(_FAN, most - len(self.nodes)))
            kept = [c for i, c in enumerate(below) if i < room or c in self.nodes]
            for child in kept:
                self.edges[node, child] = None
                self.nodes[child] = None
                if child not in queued:
                    queued.add(child)
                    queue.append(child)
            if len(kept) < len(below):
                self.more[node] = len(below) - len(kept)


def _choose(graph: Graph) -> Iterator[tuple[str, _Chosen]]:
    def decisive(node: str) -> Iterator[str]:
        return (child for child in graph[node] if decides(graph, node, child))

    found = criteria(graph)
    if len(found) > 1:
        yield "What decides", _what_decides(graph, found, decisive)
    for criterion in found:
        chosen = _Chosen()
        # Where not everything has room, what decides goes first.
        for children in (decisive, graph.__getitem__):
            chosen.more.clear()
            chosen.add(criterion, children, _MOST)
        yield f"{name_of(criterion)} {outcome_word(graph.nodes[criterion])}", chosen


def _what_decides(
    graph: Graph, found: list[str], decisive: Callable[[str], Iterable[str]]
) -> _Chosen:
    chosen = _Chosen(nodes={"eligibility": None})
    verdicts = {n: graph.nodes[n]["verdict"] for n in found}
    first = sorted((n for n in found if verdicts[n] != "pass"), key=lambda n: verdicts[n] == "open")
    passing = [n for n in found if verdicts[n] == "pass"]
    shown = {*first[: 2 * _FAN], *passing[:12]}
    chosen.folded |= shown

    def below(node: str) -> list[str]:
        if graph.nodes[node]["kind"] == "eligibility":  # its criteria stand there already
            return [n for n in decisive(node) if graph.nodes[n]["kind"] != "criterion"]
        return [] if node in chosen.folded else list(decisive(node))

    # Criteria stand below the patient's eligibility, or below that of each scope.
    for parent in ["eligibility", *(n for n in graph["eligibility"] if n.startswith("scope:"))]:
        counting = [n for n in found if n in graph[parent]]
        for node in (n for n in counting if n in shown):
            chosen.edges[parent, node] = None
            chosen.nodes[node] = None
        left_out = sum(n not in shown for n in counting)
        if left_out:
            chosen.more[parent] = left_out
    for node in graph["eligibility"]:
        if graph.nodes[node]["kind"] != "criterion":
            chosen.edges["eligibility", node] = None
            chosen.add(node, below, _MOST)
    for node in first:
        if node in shown and len(chosen.nodes) < _MOST:
            chosen.folded.discard(node)
            chosen.add(node, below, _MOST + _FAN)
    return chosen


# ---- where it stands -----------------------------------------------------------------------------


def _boxes(graph: Graph, chosen: _Chosen) -> dict[str, Box]:
    number = {node: i for i, node in enumerate(graph)}
    texts = {node: lines_of(graph, node) for node in chosen.nodes}
    for node in chosen.folded & texts.keys():
        texts[node][-1] += " ▸"
    named = [line for n, lines in texts.items() if graph.nodes[n]["kind"] == "criterion"
             for line in lines]  # fmt: skip
    widest = _width(named, _BOLD) if named else 0
    found = {}
    for node, lines in texts.items():
        data = graph.nodes[node]
        folded = node in chosen.folded
        kind = str(data["kind"])
        told = f"{outcome_word(data)}: {on_one_line(data['label'])}"
        if kind == "criterion":
            told = f"{name_of(node)} {told}"
        # Those of one rank, most of all, begin and end at the same places.
        width = widest if kind == "criterion" else _width(lines, _COLUMN)
        found[node] = Box(number[node], kind, tone(data), told, lines, width, folded)
    for node, left_out in chosen.more.items():
        words = f"and {count(left_out, 'criterion', 'criteria')} more" \
            if graph.nodes[node]["kind"] == "eligibility" else f"and {left_out:,} more"  # fmt: skip
        told, width = f"{words}: see the tree", _width([words], _COLUMN)
        found[f"{node} more"] = Box(number[node], "more", "none", told, [words], width, more=True)
    return found


def _width(lines: Iterable[str], column: float) -> float:
    return round(max(map(text_width, lines)) * column + 2 * _MARGIN_X, 1)


def _laid_out(pygraphviz: Any, graph: Graph, name: str, title: str, chosen: _Chosen) -> Picture:
    boxes = _boxes(graph, chosen)
    numbers = {node: f"b{i}" for i, node in enumerate(boxes)}
    edges: list[tuple[str, str, str]] = [
        (parent, child, str(graph.edges[parent, child]["role"])) for parent, child in chosen.edges
    ]
    edges += [(node, f"{node} more", "more") for node in chosen.more]
    fan = max((sum(edge[0] == node for edge in edges) for node in boxes), default=0)
    ranksep = 0.55 if fan <= _FAN else 1
    text = [f"digraph {{ rankdir=LR ranksep={ranksep} nodesep=0.11 ordering=out",
            "edge [tailport=e headport=w]",
            'node [shape=box fixedsize=true label=""]']  # fmt: skip
    for node, box in boxes.items():
        text.append(f"{numbers[node]} [width={box.width / 72:.4f} height={box.height / 72:.4f}]")
    text += [f"{numbers[parent]} -> {numbers[child]}" for parent, child, _ in edges]
    drawn = pygraphviz.AGraph(string="\n".join([*text, "}"]))
    drawn.layout(prog="dot")
    _, _, width, height = map(float, drawn.graph_attr["bb"].split(","))
    placed = [
        _at(box, drawn.get_node(numbers[node]).attr["pos"], height) for node, box in boxes.items()
    ]
    arrows = [
        Arrow(role, _path(drawn.get_edge(numbers[p], numbers[c]).attr["pos"], height))
        for p, c, role in edges
    ]
    return Picture(name, title, round(width + 8, 1), round(height + 8, 1), placed, arrows)


def _at(box: Box, position: str, height: float) -> Box:
    x, y = map(float, position.split(","))
    return replace(
        box, x=round(x - box.width / 2 + 4, 1), y=round(height - y - box.height / 2 + 4, 1)
    )


def _path(position: str, height: float) -> str:
    """The path of an edge: Graphviz gives its end, then its start and points of Bézier curves."""
    words = position.split()
    ends = [word[2:] for word in words if word.startswith("e,")]
    points = [_point(word, height) for word in words if word[:2] not in ("e,", "s,")]
    curves = f"M{points[0]}C{' '.join(points[1:])}"
    return f"{curves}L{_point(ends[0], height)}" if ends else curves


def _point(text: str, height: float) -> str:
    x, y = map(float, text.split(","))
    return f"{x + 4:.1f},{height - y + 4:.1f}"


def picture_of(drawn: Iterable[Picture]) -> Mapping[int, str]:
    """Node -> the picture in which it is best seen: the last one, for a criterion has its own."""
    return {box.node: each.id for each in drawn for box in each.boxes if not box.more}
