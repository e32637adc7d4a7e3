"""What every node of the text tree is made of: words, amounts, limits and free text, each with its
span.

Spans do not take part in equality, so two texts that differ in layout alone give equal trees.
"""

from __future__ import annotations

from dataclasses import field, fields

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.source import Span

NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything with a place in the text."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Node):
    """A name or a value as written."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount(Node):
    """A number with its unit, as written; `unit` is None where none stands.

    `parameter`: a name in its place. The number is empty until it is known what that stands for.
    """

    number: str
    unit: Word | None = None
    parameter: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Node):
    """`<= 1.5 x ULN` or `>= 90 g/L`; `per`: `ULN`, `LLN`, or empty where it is a plain number."""

    op: str
    amount: Amount
    per: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Node):
    """`label hemoglobin`: a keyword and the free text after it."""

    key: str
    text: str


_PARTS: dict[type, tuple[str, ...]] = {}


def parts_of(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node that can hold other nodes; none of what is no node."""
    if kind not in _PARTS:
        names = [each.name for each in fields(kind)] if issubclass(kind, Node) else []
        _PARTS[kind] = tuple(name for name in names if name != "span")
    return _PARTS[kind]


def names_parameter(node: object) -> bool:
    """Whether the name of a parameter stands in a node, or in one of several."""
    if isinstance(node, tuple):
        return any(names_parameter(part) for part in node)
    if isinstance(node, Amount) and node.parameter is not None:
        return True
    return any(names_parameter(getattr(node, name)) for name in parts_of(type(node)))
