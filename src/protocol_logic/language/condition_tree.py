"""Conditions in the text tree: what is asked of a patient, as an author wrote it."""

from __future__ import annotations

from typing import TypeAlias

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.language.nodes import Amount, Limit, Node, Text, Word


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
    """`within 28 days before first_dose`; `before` is None for the as-of date.

    `amount` None: `before first_dose`, at any time up to that day.
    """

    amount: Amount | None
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
