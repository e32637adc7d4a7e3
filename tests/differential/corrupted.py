"""Justifications with one thing made wrong."""

from __future__ import annotations

import random
from typing import Any

KINDS = ("drop edge", "flip outcome", "change value", "swap facts", "change role", "drop node",
         "lead elsewhere", "add edge")  # fmt: skip
_ROLES = ("supports", "defeats", "missing")


def corrupted(rng: random.Random, wrong: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What was done to the graph, and the graph with it."""
    kind = rng.choice(KINDS)
    nodes, edges = wrong["nodes"], wrong["edges"]
    if kind == "drop edge":
        edges.pop(rng.randrange(len(edges)))
    elif kind == "flip outcome":
        node = rng.choice(nodes)
        others = {n["outcome"] for n in nodes if n["kind"] == node["kind"]} - {node["outcome"]}
        node["outcome"] = rng.choice(sorted(others) or ["unknown to all"])
    elif kind == "change value":
        node = rng.choice(nodes)
        key = rng.choice([key for key in node if key != "id"])
        node[key] = _other(node[key])
    elif kind == "swap facts":
        one, other = rng.sample([n for n in nodes if n["kind"] == "fact"], 2)
        one["id"], other["id"] = other["id"], one["id"]
    elif kind == "change role":
        edge = rng.choice(edges)
        edge["role"] = rng.choice([role for role in _ROLES if role != edge["role"]])
    elif kind == "drop node":
        nodes.pop(rng.randrange(len(nodes)))
    elif kind == "lead elsewhere":
        edge = rng.choice(edges)
        edge["target"] = rng.choice([n["id"] for n in nodes if n["id"] != edge["target"]])
    else:
        there = {(e["source"], e["target"]) for e in edges}
        ids = [n["id"] for n in nodes]
        new = next(p for p in iter(lambda: tuple(rng.sample(ids, 2)), None) if p not in there)
        edges.append({"role": "supports", "parts": ["0"], "source": new[0], "target": new[1]})
    return kind, wrong


def _other(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value.replace("9", "8") if "9" in value else f"{value} "
    assert isinstance(value, list)
    return value[:-1] if value else ["more"]
