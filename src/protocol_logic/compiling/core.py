"""The checked protocol: every name resolved, every number exact in its canonical unit.

What became true after `check.py`: each test names an entry of the vocabulary or a definition that
exists and is of the right kind; each limit is a Fraction in the entry's canonical unit; values are
among the entry's values; definitions do not rest on themselves. Sets are sorted tuples, so the
text form of a node is the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from typing import Literal, TypeAlias

from protocol_logic.compiling.changing import Said
from protocol_logic.compiling.formulas import Derived
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge.vocabulary import Timepoint, Vocabulary

INTENTS = ("adjuvant", "neoadjuvant", "palliative", "curative")
ANY_INTENT = "any"
"""What courses of all intents together have in the place of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A checked condition; `text` is the author's own text of it, in one line."""

    text: str = field(default="", compare=False, repr=False)
    span: Span = field(default=Span(0, 0), compare=False, repr=False)


Missing: TypeAlias = Literal["", "true", "false"]
Variant: TypeAlias = Literal["", "or_missing", "as_recorded", "or_unrecorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Node):
    """A test of what a record says of the patient.

    `missing`: what the test is where nothing is recorded that it could read; empty: open.
    """

    missing: Missing = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class All(Node):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Any(Node):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast(Node):
    number: int
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    part: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class HasValue(Reading):
    """The latest value of a status, patient field, consent or lesion entry is one of `values`.

    `window`: where the latest one is looked for; None: up to the day of judgement.
    """

    entry: str
    values: tuple[str, ...]
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAs(Node):
    """The record's latest statement is one of `values`; nothing recorded makes it false."""

    entry: str
    values: tuple[str, ...]
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Node):
    """Some fact of the entry counts on the as-of date, be it that nobody can read it.

    Of a condition, procedure or medication: of it or of a kind of it, whatever the fact says.
    """

    entry: str
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Reading):
    """A person answers yes to what is asked; `because`: why it is asked, where that is said."""

    entry: str
    because: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Within(Reading):
    """A number compares with a limit: of a quantity, an age in years or a derived quantity.

    `op` is `<=`, `<`, `>=` or `>`; `limit` in the canonical unit, or in multiples of the upper or
    lower limit of normal where `per` is `ULN` or `LLN`. `taken`: the `highest`, the `lowest` or the
    `mean` of what is recorded in the window, or empty for the latest.
    """

    entry: str
    op: str
    limit: Fraction
    per: str = ""
    window: Window | None = None
    taken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present(Reading):
    """The concept, or one that is a kind of it, is present."""

    concept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidenced(Reading):
    """A confirmed statement of the concept carries the evidence; never false, only unknown."""

    concept: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InEffect(Reading):
    """A medication of the class was started on or before the as-of date and has not ended."""

    concept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBothSides(Reading):
    """The procedure was done on both sides."""

    concept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesOf(Reading):
    """How many lines of the class with the intent (None: whatever it is): records that share a day
    are one line."""

    concept: str
    intent: str | None
    op: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo(Node):
    """A condition that nobody has written: the `number`th of the statement `home`; unknown."""

    home: str
    number: int


@dataclass(frozen=True, slots=True)
class Qualifier:
    """What more a record says of an occurrence: one of the values; `intent` is what therapy is for.

    The values are in the order of the qualifier's own.
    """

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an occurrence is of: records of a concept and its kinds, but for `others` and theirs,
    that have a value of each qualifier. Others and qualifiers are sorted."""

    concept: str
    others: tuple[str, ...] = ()
    qualifiers: tuple[Qualifier, ...] = ()

    @property
    def words(self) -> str:
        """The subject in words, for names."""
        parts = [self.concept]
        if self.others:
            parts.append(f"other than {' or '.join(self.others)}")
        parts += [f"with {q.name} {' or '.join(q.values)}" for q in self.qualifiers]
        return " ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfSubject(Reading):
    """A test of the occurrences of a subject."""

    subject: Subject

    @property
    def concept(self) -> str:
        return self.subject.concept


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurred(OfSubject):
    """The subject occurred in the window; None: at any time up to the day of judgement."""

    window: Window | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOf(OfSubject):
    """How often the subject occurred in the window (None: up to the day of judgement); occurrences
    that share a day are one."""

    window: Window | None
    op: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentAs(OfSubject):
    """A condition is present as the subject says."""


@dataclass(frozen=True, slots=True)
class Instant:
    """`months` after the `start` or `end` of the course."""

    edge: str
    months: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The event lies on or after `earliest` and on or before `latest` (None: no such bound)."""

    text: str = field(compare=False, repr=False)
    earliest: Instant | None
    latest: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """From the course's start to its end or the event, whichever is first: at least `months`."""

    text: str = field(compare=False, repr=False)
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(Reading):
    """There is a course of `concept` with `intent` (None: whatever it is) and an `event` for which
    all clauses hold."""

    name: str
    concept: str
    intent: str | None
    event: str
    clauses: tuple[Timing | Duration, ...]
    called: str = field(default="", compare=False, repr=False)
    course_text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined(Node):
    """A definition holds (`value` None), or decides `value`."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored(Defined):
    """The points of a score, a definition, compare with a number."""

    op: str
    number: int


Test: TypeAlias = (
    HasValue
    | RecordedAs
    | Recorded
    | Asked
    | Within
    | Present
    | Evidenced
    | InEffect
    | OnBothSides
    | LinesOf
    | Todo
    | Occurred
    | NumberOf
    | PresentAs
    | Pattern
    | Defined
    | Scored
)
Condition: TypeAlias = All | Any | AtLeast | Not | Test


def variant_of(test: Test) -> Variant:
    """How a finding is read for a test that says what missing data count as.

    `or_missing`: a value, of which it counts that there is none. Of what may have happened without
    a record: `as_recorded`, it did not, and `or_unrecorded`, it did.
    """
    if not isinstance(test, Reading) or not test.missing:
        return ""
    if isinstance(test, HasValue | Asked | Within):
        return "or_missing"
    # What is unrecorded makes all others true, but for a limit from above.
    raises = not isinstance(test, LinesOf | NumberOf) or test.op.startswith(">")
    return "or_unrecorded" if (test.missing == "true") == raises else "as_recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of a decision; `value` None: unknown."""

    value: str | None
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The first case whose condition holds gives the value; None: unknown, any of `values`."""

    values: tuple[str, ...]
    cases: tuple[Case, ...]
    otherwise: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addend:
    """A part of a score: the points of the first case whose condition holds, else `otherwise`."""

    cases: tuple[tuple[int, Condition], ...]
    otherwise: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The sum of the points of all parts."""

    parts: tuple[Addend, ...]


Body: TypeAlias = Condition | Decision | Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """`element`: the id under which gaps inside it are reported; None: under their own."""

    name: str
    element: str | None
    label: str
    body: Body
    source: Source = field(compare=False, repr=False)
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """An arm, a cohort or a part of the protocol; a patient is eligible for it or not."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One rule of entry, with the protocol's own sentence; `scopes` empty: for all of them.

    `missing`: what the criterion says that missing data count as, if it does.
    """

    id: str
    polarity: str
    sentence: str
    applies: Condition | None
    condition: Condition
    scopes: tuple[str, ...] = ()
    missing: Literal["met", "not met"] | None = None
    span: Span = field(compare=False, repr=False)


Origin: TypeAlias = Literal["protocol", "site", "run"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number with a name, who gives it its value, and the protocol's own value.

    Values are as written. The conditions have them as numbers, so nothing that decides reads this.
    """

    name: str
    value: str
    origin: Origin
    default: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A checked protocol with all that it can refer to.

    `denials`: concept -> condition under which what nobody mentions of it is absent. `homes`:
    entry -> the knowledge file that declares it; those of the protocol itself have none.
    `changes`: what the files say of how entries can change, the knowledge base first.
    """

    id: str
    version: str
    title: str
    registry: str
    criteria: tuple[Criterion, ...]
    definitions: Mapping[str, Definition]
    derived: Mapping[str, Derived]
    denials: Mapping[str, Condition]
    vocabulary: Vocabulary
    source: Source = field(compare=False, repr=False)
    homes: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    scopes: tuple[Scope, ...] = ()
    timepoints: tuple[Timepoint, ...] = ()
    changes: tuple[Said, ...] = field(default=(), compare=False, repr=False)
    reach: dict[str, frozenset[str]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    """What `reach.reached` found, under one key."""


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """The conditions directly inside one."""
    if isinstance(condition, All | Any | AtLeast):
        return condition.parts
    if isinstance(condition, Not):
        return (condition.part,)
    return ()


def tests_in(condition: Condition) -> Iterator[Test]:
    """All tests of a condition, in order, definitions not opened."""
    if isinstance(condition, All | Any | AtLeast | Not):
        for part in parts_of(condition):
            yield from tests_in(part)
    else:
        yield condition


def conditions_in(body: Body) -> tuple[Condition, ...]:
    """The conditions of a definition's body."""
    if isinstance(body, Score):
        return tuple(condition for part in body.parts for _, condition in part.cases)
    return tuple(case.condition for case in body.cases) if isinstance(body, Decision) else (body,)
