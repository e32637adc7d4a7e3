"""What changed between two justifications, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from protocol_logic.surfaces.terminal import visible

_VERDICTS = {"pass": "passes", "fail": "fails", "open": "is open"}
_NONE = "not there"


def changes_text(change: Mapping[str, Any], now: str) -> Iterator[str]:
    """The lines that say what changed; `now`: the sentence of the later justification."""
    before, after = change["eligibility"]["before"], change["eligibility"]["after"]
    moved = f"{before} -> {after}" if before != after else f"{after}, as before"
    yield visible(f"{change['patient']}: {moved}")
    yield visible(f"now {now[0].lower()}{now[1:]}")
    yield from map(visible, about_text(change["about"]))
    yield from _part("criteria", [_criterion(each) for each in change["criteria"]])
    yield from _part("conditions", _conditions(change["conditions"]))
    yield from _part("facts", [line for each in change["facts"] for line in _fact(each)])
    yield from _part("gaps", [_gap(each) for each in change["gaps"]])


def _part(name: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield name
        for line in lines:
            yield visible(f"  {line}")


def about_text(each: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What the two justifications say of themselves, where it is not the same."""
    about = {one["name"]: (one["before"], one["after"]) for one in each}
    if "as_of" in about:
        yield "as of {} -> {}".format(*about["as_of"])
    if "protocol" in about:
        one, other = about["protocol"]
        names = [f"{each['id']} {each['version']}" for each in (one, other)]
        what = "text, knowledge or parameters" if "parameters" in about else "text or knowledge"
        changed = f"its {what} changed" if names[0] == names[1] else " -> ".join(names)
        yield f"protocol {names[1]}: {changed}" if names[0] == names[1] else f"protocol {changed}"
    for name, key, value in (("parameters", "name", "value"), ("timepoints", "id", "date")):
        if name in about:
            old, new = ({x[key]: x[value] for x in each or ()} for each in about[name])
            for each in dict.fromkeys([*new, *old]):
                if old.get(each) != new.get(each):
                    yield f"{name[:-1]} {each}: {old.get(each, _NONE)} -> {new.get(each, _NONE)}"
    if "policies" in about:
        was, now = map(_policies, about["policies"])
        yield f"policies {now}: their lines changed" if was == now else f"policies {was} -> {now}"
    if "source" in about:
        yield "source {} -> {}".format(*about["source"])


def _policies(each: Mapping[str, Any] | None) -> str:
    return "none" if each is None else f"{each['id']} {each['version'] or ''}".rstrip()


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
