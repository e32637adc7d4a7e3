"""Definitions of the text tree to checked ones: a condition, a value by cases, or a score."""

from __future__ import annotations

from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import Conditions
from protocol_logic.foundation.source import Source
from protocol_logic.language import tree
from protocol_logic.language.nodes import Word

MOST_POINTS = 1000
"""The most points of one part, so that no sum of a readable file is too large for clingo."""


def definition_of(
    conditions: Conditions, node: tree.Definition, source: Source
) -> core.Definition | None:
    """A checked definition; None where a problem stands in the way."""
    conditions.begin(node.name.text, source)
    label = next((t.text for t in node.texts if t.key == "label"), None)
    body: core.Body | None
    if isinstance(node.body, tree.Decide):
        body = _decision(conditions, node, node.body)
    elif isinstance(node.body, tree.Score):
        body = _score(conditions, node.body)
    else:
        body = conditions.condition(node.body)
    if body is None:
        return None
    return core.Definition(
        name=node.name.text,
        element=node.element.text if node.element else None,
        label=label or node.name.text.replace("_", " "),
        body=body,
        source=source,
        span=node.span,
    )


def _decision(
    conditions: Conditions, node: tree.Definition, body: tree.Decide
) -> core.Decision | None:
    values = tuple(w.text for w in node.values)
    if not values:
        message = f"`{node.name.text}` decides by cases but does not say which values it has"
        conditions.problem("missing-property", message, node.name.span, "add a `values` line")
        return None

    def value(word: Word) -> str | None:
        if word.text == "unknown":
            return None
        if word.text not in values:
            conditions.unknown_value(node.name.text, word, values)
        return word.text

    cases = []
    for case in body.cases:
        condition = conditions.condition(case.condition)
        if condition is not None:
            cases.append(core.Case(value=value(case.value), condition=condition))
    return core.Decision(values=values, cases=tuple(cases), otherwise=value(body.otherwise))


def _score(conditions: Conditions, body: tree.Score) -> core.Score | None:
    parts: list[core.Addend] = []
    complete = True
    for part in body.parts:
        cases: list[tuple[int, core.Condition]] = []
        for case in part.cases:
            points, condition = (
                _points(conditions, case.value),
                conditions.condition(case.condition),
            )
            if points is None or condition is None:
                complete = False
            else:
                cases.append((points, condition))
        otherwise = _points(conditions, part.otherwise) if part.otherwise is not None else 0
        parts.append(core.Addend(cases=tuple(cases), otherwise=otherwise or 0))
        complete = complete and otherwise is not None
    return core.Score(parts=tuple(parts)) if complete else None


def _points(conditions: Conditions, word: Word) -> int | None:
    if word.text.isdigit() and int(word.text) <= MOST_POINTS:
        return int(word.text)
    message = f"points are a whole number up to {MOST_POINTS}, not {word.text}"
    conditions.problem("unknown-value", message, word.span)
    return None
