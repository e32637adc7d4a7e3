"""The clauses of a protocol: its atomic conditions, each with the states that it can be in.

A clause belongs to a criterion, or to a definition of the protocol's own file, which is opened
where it stands. A definition of a knowledge file is atomic: it is tested where it is at home. What
a person is asked, and what is still to be written, is no clause: nothing computes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.deciding import Deciding
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge import vocabulary as voc

State: TypeAlias = Literal["met", "not_met", "unknown"]
STATES: tuple[State, ...] = ("met", "not_met", "unknown")
_MISSING = {"": "", "true": ", or not recorded", "false": ", and recorded"}


@dataclass(frozen=True, slots=True)
class Clause:
    """One atomic condition.

    `owner`: the criterion or definition that it stands in; `criteria`: those that rest on it, in
    order. `text`: the author's own, by itself. `states`: those that some record brings about.
    """

    owner: str
    text: str
    test: core.Test
    states: tuple[State, ...]
    criteria: tuple[str, ...] = field(repr=False)
    span: Span = field(compare=False, repr=False)


def clauses_of(protocol: core.Protocol) -> list[Clause]:
    """All clauses, of criteria in order, then of the file's definitions that they rest on."""
    reach = {
        c.id: definitions_below(protocol, [p for p in (c.applies, c.condition) if p is not None])
        for c in protocol.criteria
    }
    found: list[Clause] = []
    for criterion in protocol.criteria:
        conditions = [c for c in (criterion.applies, criterion.condition) if c is not None]
        found += _clauses(protocol, criterion.id, conditions, (criterion.id,))
    for name, definition in protocol.definitions.items():
        users = tuple(c for c, names in reach.items() if name in names)
        if users and is_own(protocol, name):
            found += _clauses(protocol, name, core.conditions_in(definition.body), users)
    return found


def is_own(protocol: core.Protocol, definition: str) -> bool:
    """Whether a definition stands in the protocol's own file."""
    found = protocol.definitions.get(definition)
    return found is not None and found.source == protocol.source


def said(source: Source, node: core.Condition) -> str:
    """The author's text of a condition by itself, also where others stand in its line."""
    match node:
        case core.Within(entry=entry, window=window, taken=taken):
            limit = " ".join(source.text[node.span.start : node.span.end].split())
            words = window.all_words if window is not None else ""
            text = " ".join(filter(None, [taken, entry, limit, words]))
            return f"{text}{_MISSING[node.missing]}"
        case core.Scored(name=name):
            return f"{name} {' '.join(source.text[node.span.start : node.span.end].split())}"
        case core.Defined(name=name, value=value):
            return name if value is None else f"{name} is {value}"
        case core.Pattern(course_text=course, clauses=clauses):
            return "there is " + "; ".join([course, *(clause.text for clause in clauses)])
        case _:
            return node.text


def quoted(protocol: core.Protocol) -> dict[str, core.Condition]:
    """All conditions that the file says, by their text: those alone, and those of whole lines."""
    alone: dict[str, core.Condition] = {}
    lines: dict[str, core.Condition] = {}
    bodies: list[core.Condition] = []
    for criterion in protocol.criteria:
        bodies += [c for c in (criterion.applies, criterion.condition) if c is not None]
    for name, definition in protocol.definitions.items():
        if is_own(protocol, name):
            bodies += core.conditions_in(definition.body)
    for node in (node for body in bodies for node in _nodes(body)):
        alone.setdefault(said(protocol.source, node), node)
        lines.setdefault(node.text, node)
    return {**lines, **alone}


def asked_by_themselves(
    protocol: core.Protocol, conditions: Iterable[core.Condition]
) -> tuple[core.Protocol, dict[core.Condition, str]]:
    """The protocol with one criterion for each condition in place of its own, and their ids."""
    stem = "clause"
    while any(name.startswith(f"{stem}_") for name in protocol.definitions):
        stem += "_"
    ids = {each: f"{stem}_{number}" for number, each in enumerate(conditions, 1)}
    criteria = tuple(
        core.Criterion(
            id=name,
            polarity="inclusion",
            sentence=said(protocol.source, condition),
            applies=None,
            condition=condition,
            span=condition.span,
        )
        for condition, name in ids.items()
    )
    return replace(protocol, criteria=criteria), ids


def _clauses(
    protocol: core.Protocol,
    owner: str,
    conditions: list[core.Condition] | tuple[core.Condition, ...],
    criteria: tuple[str, ...],
) -> Iterator[Clause]:
    tests = dict.fromkeys(t for c in conditions for t in core.tests_in(c))
    for test in tests:
        if not _is_opened(protocol, test) and not isinstance(test, core.Todo | core.Asked):
            text, states = said(protocol.source, test), states_of(protocol, test)
            yield Clause(owner, text, test, states, criteria, test.span)


def _is_opened(protocol: core.Protocol, test: core.Test) -> bool:
    """Whether the clauses of a definition stand for a test; the limit of a score is one itself."""
    if isinstance(test, core.Scored) or not isinstance(test, core.Defined):
        return False
    return is_own(protocol, test.name)


def _nodes(condition: core.Condition) -> Iterator[core.Condition]:
    yield condition
    for part in core.parts_of(condition):
        yield from _nodes(part)


def definitions_below(protocol: core.Protocol, conditions: Iterable[core.Condition]) -> set[str]:
    """The definitions that conditions rest on."""
    found: set[str] = set()
    queue = list(conditions)
    while queue:
        for test in core.tests_in(queue.pop()):
            if isinstance(test, core.Defined) and test.name not in found:
                found.add(test.name)
                queue += core.conditions_in(protocol.definitions[test.name].body)
    return found


# ---- states --------------------------------------------------------------------------------------


def states_of(protocol: core.Protocol, condition: core.Condition) -> tuple[State, ...]:
    """The states in which some record can bring a condition.

    What a record can never bring about is left out: nobody can be asked to show it.
    """
    deciding = Deciding(protocol)
    can = {
        "met": deciding.can(condition, True),
        "not_met": deciding.can(condition, False),
        "unknown": _can_be_unknown(protocol, condition),
    }
    return tuple(state for state in STATES if can[state])


def _can_be_unknown(protocol: core.Protocol, condition: core.Condition) -> bool:
    """Whether a record can leave a condition open; what is recorded is known but for odd dates."""
    for test in core.tests_in(condition):
        match test:
            case core.Recorded():
                continue
            case core.Evidenced(missing=missing) if missing:
                continue
            case core.RecordedAs(entry=name, values=values):
                # Any value of the entry: that it is recorded at all.
                entry = protocol.vocabulary.entries[name]
                if isinstance(entry, voc.Status) and set(values) >= set(entry.values):
                    continue
        return True
    return False
