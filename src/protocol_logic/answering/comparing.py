"""Two justifications of one patient, before and after: what changed in outcome, criteria,
conditions, facts and gaps. Graphs are node-link data, as `explain --format json` writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Data: TypeAlias = Mapping[str, Any]
Nodes: TypeAlias = Mapping[str, Data]
Change: TypeAlias = dict[str, Any]
Values: TypeAlias = Mapping[str, str]
"""Parameter -> its value."""

_TOLD = ("resource", "date", "recorded", "read_as", "label", "range", "attested")
_ABOUT = ("as_of", "as_of_source", "source", "protocol", "policies", "parameters", "timepoints")


class NoJustification(ValueError):
    """Data that is no justification graph; the text says what is wrong."""


def nodes_of(data: Any) -> Nodes:
    """The nodes of a graph by id; raises `NoJustification`."""
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        raise NoJustification("it has no list of `nodes`")
    if not isinstance(data.get("graph"), dict) or "patient" not in data["graph"]:
        raise NoJustification("its `graph` does not say which patient it is about")
    found: dict[str, Data] = {}
    for node in data["nodes"]:
        wanted = ("id", "kind", "outcome", "label")
        if not isinstance(node, dict) or not all(isinstance(node.get(k), str) for k in wanted):
            raise NoJustification("a node lacks its `id`, `kind`, `outcome` or `label`")
        found[node["id"]] = node
    if "eligibility" not in found:
        raise NoJustification("it has no node `eligibility`")
    return found


def compared(before: Data, after: Data) -> Change:
    """What changed from one justification to another; lists are in the order of the later one.

    Each change of `criteria` and `conditions` says its `outcome` `before` and `after`, null where
    there is none. Conditions are those of the same criterion, or definition, with the same text.
    """
    old, new = nodes_of(before), nodes_of(after)
    about = [
        {"name": name, "before": before["graph"].get(name), "after": after["graph"].get(name)}
        for name in _ABOUT
        if before["graph"].get(name) != after["graph"].get(name)
    ]
    return {
        "patient": after["graph"]["patient"],
        "about": about,
        "eligibility": {
            "before": old["eligibility"]["outcome"],
            "after": new["eligibility"]["outcome"],
        },
        "criteria": _criteria(old, new),
        "conditions": _conditions(old, new, *_other_parameters(before["graph"], after["graph"])),
        "facts": _facts(old, new),
        "gaps": _gaps(old, new),
    }


def is_same(change: Data) -> bool:
    """Whether nothing changed but what the graphs say of themselves."""
    same = change["eligibility"]["before"] == change["eligibility"]["after"]
    lists = (change["criteria"], change["conditions"], change["facts"], change["gaps"])
    return same and not any(lists)


def _criteria(old: Nodes, new: Nodes) -> list[Change]:
    found = []
    for name in _union(_of_kind(new, "criterion"), _of_kind(old, "criterion")):
        before, after = old.get(name), new.get(name)
        told = ("outcome", "verdict", "applies", "label")
        if before is None or after is None or any(before.get(k) != after.get(k) for k in told):
            found.append(
                {
                    "id": name.partition(":")[2],
                    "before": _of(before, told),
                    "after": _of(after, told),
                }
            )
    return found


def _other_parameters(before: Data, after: Data) -> tuple[Values, Values]:
    """The values of those parameters that have another value than before."""
    old, new = (
        {each["name"]: each["value"] for each in graph.get("parameters") or ()}
        for graph in (before, after)
    )
    other = [name for name in old if name in new and old[name] != new[name]]
    return {name: old[name] for name in other}, {name: new[name] for name in other}


def _conditions(old: Nodes, new: Nodes, were: Values, are: Values) -> list[Change]:
    """Conditions of the patient's own record, not of cases, whose outcome changed."""
    before, after = _by_text(old, were), _by_text(new, are)
    found = []
    for key in _union(after, before):
        one, other = before.get(key), after.get(key)
        if (one or {}).get("outcome") != (other or {}).get("outcome"):
            owner, text, _ = key
            told = ("outcome", "value", "margin")
            found.append(
                {
                    "of": owner,
                    "text": text,
                    "op": (other or one or {}).get("op"),
                    "before": _of(one, told),
                    "after": _of(other, told),
                }
            )
    return found


def _by_text(nodes: Nodes, values: Values) -> dict[tuple[str, str, int], Data]:
    """Conditions by the criterion or definition they stand in, their text, and its number there.

    The text is without the values of some parameters.
    """
    found: dict[tuple[str, str, int], Data] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for name, node in nodes.items():
        if node["kind"] != "condition" or not name.startswith("condition:"):
            continue
        owner = "/".join(name.removeprefix("condition:").split("/")[:2])
        text = str(node.get("text", node["label"]))
        for parameter, value in values.items():
            text = text.replace(f"{parameter} ({value})", parameter)
        seen[owner, text] += 1
        found[owner, text, seen[owner, text]] = node
    return found


def _facts(old: Nodes, new: Nodes) -> list[Change]:
    """Facts that came, went, or say something else."""
    before, after = _of_kind(old, "fact"), _of_kind(new, "fact")
    return [
        {"id": name, "before": _of(before.get(name), _TOLD), "after": _of(after.get(name), _TOLD)}
        for name in _union(after, before)
        if _of(before.get(name), _TOLD) != _of(after.get(name), _TOLD)
    ]


def _gaps(old: Nodes, new: Nodes) -> list[Change]:
    """Gaps that were closed, or are new."""
    told = ("element", "reason", "resource", "label")
    before, after = _of_kind(old, "gap"), _of_kind(new, "gap")
    return [
        {"id": name, "before": _of(before.get(name), told), "after": _of(after.get(name), told)}
        for name in _union(after, before)
        if (name in before) != (name in after)
    ]


def _of_kind(nodes: Nodes, kind: str) -> dict[str, Data]:
    return {name: node for name, node in nodes.items() if node["kind"] == kind}


def _of(node: Data | None, keys: Iterable[str]) -> Change | None:
    return None if node is None else {key: node[key] for key in keys if key in node}


def _union(*groups: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(name for group in groups for name in group))
