"""Findings have names in words; two things that would have one name are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from protocol_logic.compiling import core
from protocol_logic.compiling.cells import finding_id
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source

_ASKED = {"text", "span", "op", "number", "limit", "values", "window"}
"""Fields in which tests of one finding may differ."""


def report_collisions(protocol: core.Protocol, problems: Problems) -> None:
    """Report tests whose finding has the name of an entry, or of the finding of something else."""
    named: dict[str, object] = {
        name: ("entry", name) for name in (*protocol.vocabulary.entries, *protocol.derived)
    }
    for condition, source in _conditions(protocol):
        for test in core.tests_in(condition):
            name = finding_id(test)
            what = _read_by(test)
            if name is None or "(" in name:
                continue  # `recorded(platelets)` is no name in words
            if named.setdefault(name, what) != what:
                message = f"`{test.text}` is called `{name}` in the rules, and so is something else"
                problems.add(
                    Problem(
                        code="duplicate-name",
                        message=message,
                        source=source,
                        span=test.span,
                        hint="give the entry another name",
                    )
                )


def _conditions(protocol: core.Protocol) -> Iterator[tuple[core.Condition, Source]]:
    for criterion in protocol.criteria:
        if criterion.applies is not None:
            yield criterion.applies, protocol.source
        yield criterion.condition, protocol.source
    for definition in protocol.definitions.values():
        for condition in core.conditions_in(definition.body):
            yield condition, definition.source


def _read_by(test: core.Test) -> object:
    """What a test reads, whatever it asks of it."""
    if isinstance(test, core.HasValue) or (isinstance(test, core.Within) and not test.per):
        return ("entry", test.entry)
    said = tuple(getattr(test, f.name) for f in fields(test) if f.name not in _ASKED)
    window = getattr(test, "window", None)
    return (type(test).__name__, *said, window.before if window is not None else None)
