"""Formulas of the checked protocol, and the quantities that are computed by them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.knowledge.vocabulary import Named


@dataclass(frozen=True, slots=True)
class Constant:
    value: Fraction


@dataclass(frozen=True, slots=True)
class Input:
    """A quantity or an age; `factor` turns its canonical unit into the formula's."""

    entry: str
    factor: Fraction


@dataclass(frozen=True, slots=True)
class Operation:
    """`op` is `+`, `-`, `*`, `/`, `^`, `min` or `max`."""

    op: str
    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Choice:
    """One formula for patients whose `field` has the value, another for all others."""

    field: str
    value: str
    then: Formula
    otherwise: Formula


Formula: TypeAlias = Constant | Input | Operation | Choice


def inputs_of(formula: Formula) -> Iterator[str]:
    """The entries that a formula reads, in order of writing, each once per place."""
    if isinstance(formula, Input):
        yield formula.entry
    elif isinstance(formula, Operation):
        yield from inputs_of(formula.left)
        yield from inputs_of(formula.right)
    elif isinstance(formula, Choice):
        yield from inputs_of(formula.then)
        yield from inputs_of(formula.otherwise)


def fields_of(formula: Formula) -> Iterator[str]:
    """The patient fields that decide between formulas, each once per place."""
    if isinstance(formula, Choice):
        yield formula.field
        yield from fields_of(formula.then)
        yield from fields_of(formula.otherwise)
    elif isinstance(formula, Operation):
        yield from fields_of(formula.left)
        yield from fields_of(formula.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Named):
    """A quantity computed from others.

    `inputs`: the quantities and ages of the formula; `fields`: the patient fields that it asks;
    each once. `reported`: the quantity used where an input is not usable.
    """

    unit: str
    formula: Formula
    inputs: tuple[str, ...]
    fields: tuple[str, ...]
    reported: str | None = None
