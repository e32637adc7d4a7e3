"""A file of examples beside a protocol: `examples for PROTOCOL`, and then examples alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.examples import Example, check_examples
from protocol_logic.compiling.library import Unit
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_ids, protocol_path
from protocol_logic.language import tree
from protocol_logic.language.nodes import Word

FindProtocol: TypeAlias = Callable[[str], Source | None]
"""The text of the protocol of a name, where a file of examples finds it."""

CheckProtocol: TypeAlias = Callable[[Source, Problems], core.Protocol | None]


def protocol_in_kb(name: str) -> Source | None:
    """The text of a protocol of the knowledge base."""
    path = protocol_path(name)
    if path is None:
        return None
    return Source(f"kb/protocols/{name}/{path.name}", path.read_text(encoding="utf-8"))


def are_examples(unit: Unit) -> bool:
    """Whether a file holds the examples of a protocol that stands beside it."""
    return unit.heading is not None and unit.heading.kind == "examples"


def examples_in(
    unit: Unit, problems: Problems, find: FindProtocol, check: CheckProtocol
) -> list[Example]:
    """The examples of a file, checked against the protocol that it names."""
    heading = unit.heading
    assert heading is not None
    name = heading.name
    source = find(name.text)
    if source is None:
        hint = did_you_mean(name.text, protocol_ids())
        _add(unit, problems, "unknown-name", f"there is no protocol `{name.text}`", name, hint)
        return []
    protocol = check(source, Problems())
    if protocol is None:
        message = f"protocol `{name.text}` has errors, so its examples cannot be read"
        _add(unit, problems, "bad-example", message, name, "check the protocol first")
        return []
    return examples_of(unit, protocol, problems)


def examples_of(unit: Unit, protocol: core.Protocol, problems: Problems) -> list[Example]:
    """The examples of a file about a protocol; anything else in it is misplaced."""
    for node in unit.statements:
        if isinstance(node, tree.Example) or node is unit.heading:
            continue
        word = Word(text="", span=node.span) if isinstance(node, tree.Policy) else node.name
        message = "a file of examples holds examples alone"
        hint = "what is not an example belongs to the protocol or to a knowledge file"
        _add(unit, problems, "misplaced", message, word, hint)
    return check_examples(protocol, unit.source, unit.statements, problems)


def _add(
    unit: Unit, problems: Problems, code: str, message: str, word: Word, hint: str | None
) -> None:
    problems.add(Problem(code=code, message=message, hint=hint, source=unit.source, span=word.span))
