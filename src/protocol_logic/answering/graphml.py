"""A justification as GraphML, which other programs for graphs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import networkx as nx


def graphml(data: Mapping[str, Any]) -> str:
    """The GraphML text of node-link data.

    An attribute of GraphML is one word, number or truth value: lists and objects become JSON text,
    and what is empty (null) is left out. `data` holds nothing that XML cannot.
    """
    graph = nx.node_link_graph(data, edges="edges")
    for attributes in (
        graph.graph,
        *(each for _, each in graph.nodes(data=True)),
        *(each for *_, each in graph.edges(data=True)),
    ):
        flat = {name: _flat(value) for name, value in attributes.items() if value is not None}
        attributes.clear()
        attributes.update(flat)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + "\n".join(nx.generate_graphml(graph)) + "\n"


def _flat(value: object) -> object:
    if isinstance(value, str | int):
        return value
    return json.dumps(value, ensure_ascii=False)
