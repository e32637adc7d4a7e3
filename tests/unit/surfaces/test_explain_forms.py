"""A justification for other programs: DOT and GraphML say the same graph, whatever its texts."""

from __future__ import annotations

import html
import io
import re
from typing import Any

import networkx as nx
import pytest

from protocol_logic.answering.graphml import graphml
from protocol_logic.answering.justification import node_link
from protocol_logic.surfaces.explain_dot import dot
from protocol_logic.surfaces.terminal import all_visible, text_width, visible
from tests.justifications import HOSTILE, justification

SOME: dict[str, Any] = {"passing": 2, "failing": 1, "unclear": 1, "facts": 2}


def read_graphml(text: str) -> nx.DiGraph:
    return nx.read_graphml(io.BytesIO(text.encode("utf-8")))


@pytest.mark.parametrize("text", ["", HOSTILE])
def test_graphml_is_read_back_as_the_same_graph(text: str) -> None:
    graph = justification(**SOME, text=text)
    found = read_graphml(graphml(all_visible(node_link(graph))))
    assert sorted(found) == sorted(map(visible, graph))
    assert len(found.edges) == len(graph.edges)
    for node, data in graph.nodes(data=True):
        assert found.nodes[visible(node)]["label"] == visible(data["label"])
        assert found.nodes[visible(node)]["outcome"] == data["outcome"]
    fact = found.nodes["fact:Observation/o1-1:value_1"]
    # Lists are JSON texts; what is empty is not there.
    assert (fact["recorded"], fact["attested"], fact["closes"]) == ("1 g/L", "[]", False)
    assert "group" not in found.nodes["finding:value_1"]
    assert found.edges["finding:value_1", "fact:Observation/o1-1:value_1"]["role"] == "supports"


@pytest.mark.parametrize("text", ["", HOSTILE])
def test_dot_is_read_back_by_graphviz_as_the_same_graph(text: str) -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    graph = justification(**SOME, text=text)
    graph.add_node("ends\\", kind="gap", outcome="missing", label=f"{text}\\", op="gap")
    graph.add_edge("eligibility", "ends\\", role="missing", parts=["\\"])
    found = pygraphviz.AGraph(string=dot(graph))
    assert sorted(found.nodes()) == sorted(visible(n).replace("\\", "\\\\") for n in graph)
    assert len(found.edges()) == len(graph.edges)
    drawn = found.draw(format="svg", prog="dot").decode("utf-8")
    assert drawn.count('class="node') == len(graph)
    # In a tooltip a text stands whole, as it is: no escape of DOT or entity was read in it.
    titles = set(re.findall(r'xlink:title="([^"]*)"', drawn))
    plain = {" ".join(html.unescape(title).replace("\xa0", " ").split()) for title in titles}
    for _, data in graph.nodes(data=True):
        assert " ".join(visible(data["label"]).split()) in plain


def test_dot_holds_nothing_that_a_person_could_not_see_and_short_lines() -> None:
    text = dot(justification(**SOME, text=HOSTILE))
    assert not re.search("[^\\S\n ]|[\x00-\x09\x0b-\x1f\u202e\u2028]", text)
    labels = re.findall(r'\[label="((?:[^"\\]|\\.)*)"', text)
    lines = [line for label in labels for line in label.split("\\l")]
    assert len(labels) == len(justification(**SOME))
    assert max(text_width(line.replace("\\\\", "\\").replace("&amp;", "&")) for line in lines) <= 46


def test_each_role_and_verdict_has_a_look_that_is_no_colour() -> None:
    text = dot(justification(**SOME))
    assert {"arrowhead=tee", "style=dashed"} <= set(re.findall(r"\S+=\S+", text.replace('"', " ")))
    for sign in ("✓ c", "✗ c", "? c", "□ missing", "≡ open", "■ value"):
        assert sign in text


def test_texts_are_made_visible_in_all_of_the_data() -> None:
    assert all_visible({"a\n": ["\u202e", 1, None, True, {"b": "\\"}]}) == {
        "a\\n": ["\\u202e", 1, None, True, {"b": "\\"}]
    }
