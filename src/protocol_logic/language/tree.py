"""The text tree: what an author wrote, by statement, with a span on every node.

Names are still names and numbers still text; `compiling/` gives them meaning. Conditions are in
`condition_tree.py`, knowledge entries in `knowledge_tree.py`.
"""

from __future__ import annotations

from typing import TypeAlias

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.language.condition_tree import Condition
from protocol_logic.language.knowledge_tree import Change, Entry, Property
from protocol_logic.language.nodes import Amount, Node, Text, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading(Node):
    """`protocol NAME`, `knowledge NAME` or `policies NAME` with its header lines; or, of kind
    `examples`, `examples for NAME`."""

    kind: str
    name: Word
    texts: tuple[Text, ...]
    uses: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class System(Node):
    """`system loinc http://loinc.org`"""

    name: Word
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Node):
    """`policy labs within 28 days`"""

    target: Word
    within: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Node):
    """`parameter NAME` with its lines: a number that conditions call by its name."""

    name: Word
    texts: tuple[Text, ...]
    """`label`, `source` and `date`, in the order of writing"""
    values: tuple[Amount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Node):
    """`parameter NAME is 100 10*9/L`: the value that a site or a run gives to a parameter."""

    name: Word
    value: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing(Node):
    """`change hemoglobin treat cost 3 up`, or `obtain hemoglobin cost 2`."""

    name: Word
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(Node):
    """`extend creatinine` with lines `code` and `value`: what is added to a knowledge entry."""

    name: Word
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope(Node):
    """`scope NAME`: an arm, a cohort or a part of the protocol."""

    name: Word
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timepoint(Node):
    """`timepoint NAME`: a day of the trial at which windows end."""

    name: Word
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing(Node):
    """`missing counts as not met`"""

    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion(Node):
    """`include NAME` / `exclude NAME`: its `>` lines, its guards and its condition."""

    polarity: str
    """`inclusion` or `exclusion`"""
    name: Word
    scopes: tuple[Word, ...]
    at: Word | None
    quotes: tuple[Word, ...]
    missing: Missing | None
    applies: Condition | None
    excepted: Condition | None
    condition: Condition

    @property
    def sentence(self) -> str:
        """The protocol's own text: the quotes, a line each."""
        return "\n".join(quote.text for quote in self.quotes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Node):
    """`note NAME`: text of the protocol that asks nothing of a patient."""

    name: Word
    quotes: tuple[Word, ...]

    @property
    def sentence(self) -> str:
        """The protocol's own text: the quotes, a line each."""
        return "\n".join(quote.text for quote in self.quotes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Node):
    """`positive if her2_fish is positive`"""

    value: Word
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide(Node):
    """Cases of which the first whose condition holds gives the value."""

    cases: tuple[Case, ...]
    otherwise: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Addend(Node):
    """A part of a score: the points of the first case whose condition holds; `otherwise` None: 0.

    The value of a case is a number.
    """

    cases: tuple[Case, ...]
    otherwise: Word | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Node):
    """The sum of the points of all parts."""

    parts: tuple[Addend, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Node):
    """`define NAME`: a condition, or a value decided by cases; `score NAME`: a sum of points."""

    name: Word
    element: Word | None
    texts: tuple[Text, ...]
    values: tuple[Word, ...]
    body: Condition | Decide | Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Node):
    """`given hemoglobin is 88 g/L on 2026-01-03`: a name, and the rest of the line."""

    name: Word
    value: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(Node):
    """`expect organ_function not met`: of what, and the rest of the line.

    `quoted`: a condition as written, not a name.
    """

    about: Word
    quoted: bool
    outcome: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Node):
    """`example TITLE`, or `examples TITLE` with a table.

    `header`: the heads of the table's columns; `rows`: its cells.
    """

    title: str
    as_of: Word | None
    given: tuple[Given, ...]
    expect: tuple[Expect, ...]
    header: tuple[Word, ...] = ()
    rows: tuple[tuple[Word, ...], ...] = ()


Statement: TypeAlias = (
    Heading
    | System
    | Scope
    | Timepoint
    | Criterion
    | Note
    | Definition
    | Entry
    | Policy
    | Parameter
    | Setting
    | Changing
    | Extend
    | Example
)
