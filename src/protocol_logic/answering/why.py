"""A justification in sentences: what decided, in the order of the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from protocol_logic.answering.skeleton import Graph

_OPPOSITE = {"at least": "below", "below": "at least", "at most": "above", "above": "at most"}
_ROLE = {"met": "supports", "not_met": "defeats", "unknown": "missing", "known": "supports"}
_HEADS = {"eligible": "Eligible", "ineligible": "Ineligible", "undetermined": "Undetermined"}


def sentence(graph: Graph) -> str:
    """One sentence: the outcome, its first reason, and how many more there are."""
    root = graph.nodes["eligibility"]
    head = _HEADS[root["outcome"]]
    if root["outcome"] == "eligible":
        number = sum(data["kind"] == "criterion" for _, data in graph.nodes(data=True))
        where = [graph.nodes[n]["label"].partition(":")[0] for n in graph["eligibility"]
                 if n.startswith("scope:") and graph.nodes[n]["outcome"] == "eligible"]  # fmt: skip
        if where:
            return f"{head}: for {', '.join(where)}, where every criterion passes"
        return f"{head}: every criterion passes ({number} of {number})"
    jointly = root.get("jointly")
    if jointly and root.get("by") == "program":
        return f"{head}: {' and '.join(jointly)} cannot pass together"
    if jointly:
        finding = graph.nodes[f"finding:{root['split']}"]["label"]
        return f"{head}: {' and '.join(jointly)} cannot pass together, whichever it is: {finding}"
    verdict = "fail" if root["outcome"] == "ineligible" else "open"
    found = [
        f"{node.partition(':')[2]}: {reason}"
        for node in criteria(graph, verdict)
        for reason in reasons(graph, node)
    ]
    if not found:
        return f"{head}: in each part of the protocol"
    more = len(found) - 1
    tail = (
        "" if not more else f", and {_NUMBERS.get(more, str(more))} more reason{'s' * (more > 1)}"
    )
    return f"{head}: {found[0]}{tail}"


_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven",
            8: "eight", 9: "nine"}  # fmt: skip


def with_why(row: Mapping[str, Any], graph: Graph) -> dict[str, Any]:
    """A row that says why: of the patient in one sentence, of each criterion that fails or is open
    all its reasons."""
    said = []
    for criterion in row["criteria"]:
        why = None
        if criterion["verdict"] != "pass":
            why = "; ".join(reasons(graph, f"criterion:{criterion['id']}"))
        said.append({**criterion, "why": why})
    return {**row, "why": sentence(graph), "criteria": said}


def criteria(graph: Graph, verdict: str | None = None) -> list[str]:
    """The criteria of the graph in the protocol's order; only those of a verdict, where given."""
    found = [n for n, data in graph.nodes(data=True) if data["kind"] == "criterion"]
    found.sort(key=lambda n: graph.nodes[n]["line"])
    return [n for n in found if verdict is None or graph.nodes[n]["verdict"] == verdict]


def reasons(graph: Graph, node: str) -> list[str]:
    """Why a node has its outcome: each last condition that makes it so, in words."""
    return list(dict.fromkeys(_reasons(graph, node)))


def _reasons(graph: Graph, node: str) -> Iterator[str]:
    data = graph.nodes[node]
    if data.get("by") == "cases":
        yield f"{phrase(graph, node)}, whichever it is: {_split_label(graph, node)}"
        return
    inner = _of_own_limit(graph, node, list(decisive(graph, node)))
    if data.get("op") in ("test", "present", "pattern", "score_is") or not inner:
        yield phrase(graph, node)
        return
    for child in inner:
        if graph.nodes[child].get("op") == "decide":
            yield phrase(graph, node)
            return
        yield from _reasons(graph, child)


def _of_own_limit(graph: Graph, node: str, inner: list[str]) -> list[str]:
    """Of a limit with an exception, `< 40 mg/dL, but < 50 mg/dL if sex is female`, only what makes
    it so by the limit that is the patient's, where that is known."""
    exception = next((child for child in graph[node] if _is_exception(graph, child)), None)
    if exception is None:
        return inner
    limit, condition = list(graph[exception])[:2]
    holds, outcome = graph.nodes[condition]["outcome"], graph.nodes[node]["outcome"]
    if holds == "not_met":  # that it does not hold is a reason, the limit that it has is none
        return [condition if child == exception else child for child in inner]
    if holds == "met" and outcome == "not_met":
        return [limit]
    return [exception] if holds == "met" and exception in inner else inner


def _is_exception(graph: Graph, node: str) -> bool:
    data = graph.nodes[node]
    return data.get("op") == "all" and str(data["label"]).lstrip(", ").startswith("but ")


def _split_label(graph: Graph, node: str) -> str:
    data = graph.nodes[node]
    children = (n for n in graph[node] if "split" in graph.edges[node, n]["parts"])
    return next((str(graph.nodes[n]["label"]) for n in children), str(data["split"]))


def decisive(graph: Graph, node: str) -> Iterator[str]:
    """The conditions below a node that make it what it is."""
    data = graph.nodes[node]
    role = _ROLE.get(data["outcome"], "supports")
    never = graph.nodes[node].get("op") == "criterion" and _is_vacuous(graph, node)
    for child in graph[node]:
        if graph.nodes[child]["kind"] != "condition":
            continue
        edge = graph.edges[node, child]
        if never:
            if "applies" in edge["parts"]:
                yield child
        elif edge["role"] == role:
            yield child


def _is_vacuous(graph: Graph, node: str) -> bool:
    return any("applies" in graph.edges[node, child]["parts"]
               and graph.nodes[child]["outcome"] == "not_met" for child in graph[node])  # fmt: skip


def phrase(graph: Graph, node: str) -> str:
    """A condition with what it rests on: `hemoglobin 88 g/L, 2026-01-03 is below 90 g/L`."""
    data = graph.nodes[node]
    limit, value = data.get("limit"), data.get("value")
    # A list that closes what others state is left to the tree.
    facts = _below(graph, node, "fact", closing=False) or _below(graph, node, "fact")
    if value is not None and facts and data["outcome"] != "unknown":
        verb = limit if data["outcome"] == "met" else _other_side(str(limit))
        if data.get("computed"):
            name = data["finding"].replace("_", " ")
            return f"{name} {value} is {verb} ({data['margin']}), from {'; '.join(facts)}"
        ratio = "" if f"{value}" in facts[0] else f", that is {value},"
        return f"{facts[0]}{ratio} is {verb} ({data['margin']})"
    holds = {"met": "holds", "not_met": "does not hold", "unknown": "is open"}[data["outcome"]]
    told = f"`{data['label']}` {holds}"
    if data.get("op") == "present":
        rests = _rests_of_kinds(graph, node, data["outcome"])
    elif data["outcome"] == "unknown":
        rests = _below(graph, node, "gap") or _below(graph, node, "assumption") or facts
    else:
        rests = facts or _below(graph, node, "assumption")
    told += f": {'; '.join(rests[:4])}{' ...' * (len(rests) > 4)}" if rests else ""
    return f"{told}; the nearest is {data['near']}" if "near" in data else told


def _rests_of_kinds(graph: Graph, node: str, outcome: str) -> list[str]:
    """What a condition rests on: what is stated of its kinds, else what denies them all."""
    wanted = ("gap",) if outcome == "unknown" else ("fact",)
    role = _ROLE[outcome]
    kinds = [child for child in graph[node] if graph.nodes[child]["kind"] == "finding"
             and graph.edges[node, child]["role"] == role]  # fmt: skip
    denials = [child for child in graph[node] if graph.nodes[child].get("op") == "denied"
               and graph.edges[node, child]["role"] == role]  # fmt: skip
    for kind in (*wanted, "assumption"):
        for nodes in (kinds, denials):
            found = [label for child in nodes for label in _below(graph, child, kind)]
            if found:
                return list(dict.fromkeys(found))
    return []


def _other_side(limit: str) -> str:
    for words, other in _OPPOSITE.items():
        if limit.startswith(f"{words} "):
            return f"{other}{limit.removeprefix(words)}"
    return f"not {limit}"


def _below(graph: Graph, node: str, kind: str, closing: bool = True) -> list[str]:
    """Labels of the leaves of a kind that stand below a node, in order of the graph; `closing`:
    with the lists that close what they do not hold."""
    found: dict[str, None] = {}
    queue, seen = [node], {node}
    while queue:
        data: Mapping[str, Any] = graph.nodes[queue[0]]
        wanted = data["kind"] == kind and data.get("op") != "case"
        if wanted and (closing or not data.get("closes")):
            found[data["label"]] = None
        for child in graph[queue.pop(0)]:
            if child not in seen:
                seen.add(child)
                queue.append(child)
    return list(found)
