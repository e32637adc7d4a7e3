"""What changed between two justifications, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from protocol_logic.surfaces.terminal import visible

_VERDICTS = {"pass": "passes", "fail": "fails", "open": "is open"}
_NONE = "not there"


def changes_text(change: Mapping[str, Any], now: str) -> Iterator[str]:
    """The lines that say what changed; `now`: the sentence of the later justification."""
    about = {each["name"]: (each["before"], each["after"]) for each in change["about"]}
    before, after = change["eligibility"]["before"], change["eligibility"]["after"]
    moved = f"{before} -> {after}" if before != after else f"{after}, as before"
    yield visible(f"{change['patient']}: {moved}")
    yield visible(f"now {now[0].lower()}{now[1:]}")
    yield from map(visible, _about(about))
    yield from _part("criteria", [_criterion(each) for each in change["criteria"]])
    yield from _part("conditions", _conditions(change["conditions"]))
    yield from _part("facts", [line for each in change["facts"] for line in _fact(each)])
    yield from _part("gaps", [_gap(each) for each in change["gaps"]])


def _part(name: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield name
        for line in lines:
            yield visible(f"  {line}")


def _about(about: Mapping[str, tuple[Any, Any]]) -> Iterator[str]:
    if "as_of" in about:
        yield "as of {} -> {}".format(*about["as_of"])
    if "protocol" in about:
        one, other = about["protocol"]
        names = [f"{each['id']} {each['version']}" for each in (one, other)]
        changed = "its text or knowledge changed" if names[0] == names[1] else " -> ".join(names)
        yield f"protocol {names[1]}: {changed}" if names[0] == names[1] else f"protocol {changed}"
    for name in ("policies", "parameters", "timepoints"):
        if name in about:
            yield f"the {name} are other than before"
    if "source" in about:
        yield "source {} -> {}".format(*about["source"])


def _criterion(each: Mapping[str, Any]) -> str:
    one, other = (_verdict(each[when]) for when in ("before", "after"))
    if one != other:
        return f"{each['id']}: {one} -> {other}"
    return f"{each['id']}: {other}, and its sentence or the way it applies changed"


def _verdict(node: Mapping[str, Any] | None) -> str:
    return _NONE if node is None else _VERDICTS.get(str(node.get("verdict")), "?")


def _conditions(each: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is made up of others changed as they did."""
    return [_condition(one) for one in each if one["op"] not in ("all", "any", "at_least")]


def _condition(each: Mapping[str, Any]) -> str:
    one, other = (_outcome(each[when]) for when in ("before", "after"))
    owner = each["of"].partition("/")[2]
    return f"{owner}: `{each['text']}`: {one} -> {other}"


def _outcome(node: Mapping[str, Any] | None) -> str:
    if node is None:
        return _NONE
    value = f" ({node['value']}, {node['margin']})" if "value" in node and "margin" in node else ""
    return f"{str(node['outcome']).replace('_', ' ')}{value}"


def _fact(each: Mapping[str, Any]) -> Iterator[str]:
    for sign, when in (("-", "before"), ("+", "after")):
        fact = each[when]
        if fact is not None:
            yield f"{sign} {fact['label']} [{fact.get('resource')}]"


def _gap(each: Mapping[str, Any]) -> str:
    closed = each["after"] is None
    gap = each["before"] if closed else each["after"]
    return f"{'closed' if closed else 'new'}: {gap['label']}"
