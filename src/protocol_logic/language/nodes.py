"""What every node of the text tree is made of: words, amounts, limits and free text, each with its
span.

Spans do not take part in equality, so two texts that differ in layout alone give equal trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
