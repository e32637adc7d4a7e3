"""The text tree: what an author wrote, by statement, with a span on every node.

Names are still names and numbers still text; `compiling/` gives them meaning. Spans do not take
part in equality, so two texts that differ in layout alone give equal trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

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


# ---- conditions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf(Node):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Node):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOf(Node):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast(Node):
    number: Word
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    part: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Node):
    """`liver_metastasis`"""

    name: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class IsIn(Node):
    """`sex is female`, `stage in 3A, 3B`"""

    name: Word
    values: tuple[Word, ...]
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Node):
    """`her2_fish is recorded`, `her2_fish recorded as positive`; no values: anything recorded.

    `denied`: `her2_fish is not recorded`.
    """

    name: Word
    values: tuple[Word, ...] = ()
    denied: bool = False
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exception_(Node):
    """`, but <= 5 x ULN if liver_metastasis`"""

    limit: Limit
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Compares(Node):
    """`alt <= 2.5 x ULN, but <= 5 x ULN if liver_metastasis`

    `taken`: `highest`, `lowest`, `mean`, or empty where the latest value counts. The window is that
    of all limits.
    """

    name: Word
    limit: Limit
    exceptions: tuple[Exception_, ...] = ()
    window: Window | None = None
    taken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed(Node):
    """`breast_cancer confirmed by histology`"""

    name: Word
    by: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class InEffect(Node):
    """`gnrh_analogue in effect`"""

    name: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides(Node):
    """`oophorectomy on both sides`"""

    name: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Node):
    """`lines of chemotherapy with intent palliative <= 1`; `intent` is None for any."""

    name: Word
    intent: Word | None
    op: str
    number: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Node):
    """`within 28 days before first_dose`; `before` is None for the as-of date."""

    amount: Amount
    before: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualifier(Node):
    """`with severity moderate, severe`, `with grade >= 2`; `name` is None for `with intent`."""

    name: Word | None = None
    values: tuple[Word, ...] = ()
    op: str = ""
    number: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Node):
    """What an occurrence is of: `malignancy other than basal_cell_carcinoma`"""

    name: Word
    others: tuple[Word, ...] = ()
    qualifiers: tuple[Qualifier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurs(Node):
    """`chemotherapy within 28 days`, `history of chemotherapy` (no window: at any time)"""

    subject: Subject
    window: Window | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOf(Node):
    """`number of hospitalization within 12 months >= 2`; no window: at any time"""

    subject: Subject
    window: Window | None
    op: str
    number: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Now(Node):
    """`peripheral_neuropathy with severity severe`: present on the as-of date"""

    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy(Node):
    """`allergy to penicillin`"""

    name: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested(Node):
    """`attested informed_consent`"""

    name: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo(Node):
    """`todo`: a condition that nobody has written yet"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Node):
    """`judged "visceral crisis"`; `how` is `attested`, `judged` or `opaque`."""

    how: str
    statement: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Because(Node):
    """`judged "visceral crisis", because ...`: a line with the reason why a person is asked."""

    part: Condition
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Point(Node):
    """`12 months after end of adjuvant`; `offset` is None for the end itself."""

    offset: Amount | None
    edge: str
    """`start` or `end`"""
    of: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Course(Node):
    """`course of endocrine_therapy with intent adjuvant, called first`; `intent` None: any."""

    name: Word
    intent: Word | None
    called: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class When(Node):
    """`relapse from start of adjuvant to 12 months after end of adjuvant`; None: no such bound."""

    event: Word
    earliest: Point | None
    latest: Point | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasted(Node):
    """`adjuvant lasted >= 24 months at relapse`"""

    course: Word
    op: str
    amount: Amount
    event: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ThereIs(Node):
    course: Course
    clauses: tuple[When | Lasted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken(Node):
    """What stands in the place of a condition whose problem has been told."""


Condition: TypeAlias = (
    AllOf
    | AnyOf
    | NoneOf
    | AtLeast
    | Not
    | Named
    | IsIn
    | Recorded
    | Compares
    | Confirmed
    | InEffect
    | BothSides
    | Lines
    | Occurs
    | NumberOf
    | Now
    | Allergy
    | Attested
    | Todo
    | Asked
    | Because
    | ThereIs
    | Broken
)

# ---- statements ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Node):
    """`label hemoglobin`: a keyword and the free text after it."""

    key: str
    text: str


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
class Property(Node):
    """One line of a knowledge entry: its keyword and its parts, in order.

    `words`: names and values; `codes`, `amounts`, `meanings`, `sizes` as far as the keyword has
    them; `condition` for `denied by`, `formula` for `formula`; `text` for free text.
    """

    key: str
    words: tuple[Word, ...] = ()
    codes: tuple[CodeRef, ...] = ()
    amounts: tuple[Amount, ...] = ()
    meanings: tuple[CodeRef | Range, ...] = ()
    sizes: tuple[Size, ...] = ()
    condition: Condition | None = None
    formula: Formula | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Node):
    """`quantity hemoglobin element hgb` with its properties."""

    kind: str
    name: Word
    element: Word | None
    properties: tuple[Property, ...]


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
    | Example
)

# ---- formulas --------------------------------------------------------------------------------


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
