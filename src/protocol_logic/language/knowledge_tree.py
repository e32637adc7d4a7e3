"""Knowledge entries in the text tree: their properties, codes and formulas, as written."""

from __future__ import annotations

from typing import TypeAlias

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.language.condition_tree import Condition
from protocol_logic.language.nodes import Amount, Node, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRef(Node):
    """`loinc 718-7 "Hemoglobin in blood"`"""

    system: Word
    code: Word
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Node):
    """`>= 1 %` as a meaning of a value."""

    op: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Size(Node):
    """`longest >= 10 mm`, or `never` (axis None)."""

    axis: Word | None
    op: str = ""
    limit: Amount | None
    attribute: str | None = None
    value: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Node):
    """`treat cost 3 up` after `change`, or `cost 2` or `never` after `obtain`.

    `direction`: `up`, `down` or a value.
    """

    obtains: bool
    kind: Word | None = None
    cost: Word | None = None
    direction: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Property(Node):
    """One line of a knowledge entry: its keyword and its parts, in order.

    `words`: names and values; `codes`, `amounts`, `meanings`, `sizes` as far as the keyword has
    them; `condition` for `denied by` and `doubted by`, `formula` for `formula`, `change` for
    `change` and `obtain`; `text` for free text.
    """

    key: str
    words: tuple[Word, ...] = ()
    codes: tuple[CodeRef, ...] = ()
    amounts: tuple[Amount, ...] = ()
    meanings: tuple[CodeRef | Range, ...] = ()
    sizes: tuple[Size, ...] = ()
    condition: Condition | None = None
    formula: Formula | None = None
    change: Change | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Node):
    """`quantity hemoglobin element hgb` with its properties."""

    kind: str
    name: Word
    element: Word | None
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Node):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Node):
    """`body_weight in kg`"""

    name: Word
    unit: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    op: str
    """`+`, `-`, `*`, `/`, `^`, `min` or `max`"""
    left: Formula
    right: Formula


Formula: TypeAlias = Number | Input | Binary
