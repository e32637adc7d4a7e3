"""Words and signs of the nodes of a justification, the same in every form of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.why import phrase
from protocol_logic.surfaces.table_layout import signs_for

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph

VERDICTS = {"pass": "passes", "fail": "fails", "open": "is open"}
_SIGNS = signs_for("utf-8")
_ELIGIBILITY = {"eligible": "pass", "ineligible": "fail", "undetermined": "open"}
_CONDITIONS = {"met": "●", "not_met": "○", "unknown": "◐", "known": "●"}
_LEAVES = {"finding": "≡", "fact": "■", "gap": "□", "assumption": "≈"}


def outcome_word(data: Mapping[str, Any]) -> str:
    """`fails`, `not met`, `missing`: the outcome of a node in words."""
    if data.get("op") == "case":
        return "this cannot be" if data["outcome"] == "impossible" else "case"
    if data["kind"] == "criterion":
        return VERDICTS[data["verdict"]] if data["applies"] else "does not apply"
    return str(data["outcome"]).replace("_", " ")


def tone(data: Mapping[str, Any]) -> str:
    """`pass`, `fail`, `open` or `none`: what a node says of eligibility by itself."""
    if data["kind"] == "criterion":
        return str(data["verdict"])
    if data["kind"] == "eligibility":
        return _ELIGIBILITY[data["outcome"]]
    return "open" if data["kind"] == "gap" else "none"


def sign(data: Mapping[str, Any]) -> str:
    """The sign of a node: those of tables for what passes or fails, else that of its kind."""
    if data["kind"] == "criterion" and not data["applies"]:
        return _SIGNS.vacuous
    if data["kind"] in ("criterion", "eligibility"):
        return {"pass": _SIGNS.passes, "fail": _SIGNS.fails, "open": _SIGNS.open}[tone(data)]
    return _LEAVES.get(data["kind"]) or _CONDITIONS.get(data["outcome"], "◐")


def name_of(node: str) -> str:
    """The name of a criterion, scope or definition in a node's id."""
    return node.rpartition("|")[2].partition(":")[2]


def said(graph: Graph, node: str, folded: bool) -> str:
    """A condition in words; where its parts stand below, only how they make it up."""
    data = graph.nodes[node]
    if "value" in data:
        return phrase(graph, node)
    if data["op"] == "criterion":
        return f"criterion {node.rpartition(':')[2]}"
    head, colon, _ = str(data["label"]).partition(":")
    if colon and head in ("all of", "any of", "none of") and not folded:
        return head
    if data["op"] == "decide":
        return f"{data['label']} is {' or '.join(data['values'])}"
    if data["op"] == "score":
        low, high = (sum(each[i] for each in data["points"]) for i in (0, 1))
        return f"{data['label']}: {low if low == high else f'{low} to {high}'} points"
    if data["op"] == "at_least":
        return str(data["label"]) if folded else f"at least {data['number']} of"
    near = f" (the nearest is {data['near']})" if "near" in data else ""
    return str(data["label"]).lstrip(", ") + near


def on_one_line(text: str) -> str:
    """A text with its line ends as blanks, as of a sentence that is quoted on several lines."""
    return " ".join(text.splitlines())


def provenance(data: Mapping[str, Any]) -> list[str]:
    """Where a fact comes from: the limits of normal it states, and who attested it."""
    told = [str(each) for each in data.get("range", [])]
    for answer in data.get("attested", []):
        told.append(f"attested by {answer['who']} on {answer['when']}, from {answer['source']}")
    return told
