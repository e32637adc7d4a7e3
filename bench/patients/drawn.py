"""What is drawn of a patient: each becomes one resource, and one or more facts.

Numbers are decimal texts in the unit of the result, days are FHIR dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from protocol_logic.knowledge.vocabulary import (
    Code,
    Concept,
    Consent,
    History,
    Lesion,
    Quantity,
    Status,
)


@dataclass(frozen=True, slots=True)
class Person:
    """What the Patient says: `gender` and `birth` as written, None where it says nothing."""

    gender: str | None
    birth: str | None


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit of normal, in the unit of its result."""

    end: Literal["ULN", "LLN"]
    number: str
    sex: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """A measured number; without one there is a text that nobody can read."""

    entry: Quantity
    code: Code
    day: str
    number: str | None
    unit: str
    sign: str = ""
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Coded answers of one observation, with what they mean; without one, an unreadable text."""

    entry: Status
    code: Code
    day: str
    values: tuple[tuple[tuple[str, str], str], ...]


@dataclass(frozen=True, slots=True)
class Sized:
    """A measured lesion: sizes by axis, in the unit of the entry."""

    entry: Lesion
    day: str
    sizes: tuple[tuple[str, str | None], ...]
    site: str | None


@dataclass(frozen=True, slots=True)
class Stated:
    """A Condition or an AllergyIntolerance. `entries`: all that its code stands for.

    `said`: by what it says that it is of a severity, stage or site, a code. `clinical` of `?` is a
    code that nobody knows.
    """

    entries: tuple[Concept, ...]
    code: tuple[str, str]
    clinical: str
    verification: str
    onset: str
    recorded: str
    evidence: tuple[str, tuple[str, str]] | None
    said: tuple[tuple[str, tuple[str, str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """A MedicationStatement; without a start it may have begun any day."""

    entries: tuple[Concept, ...]
    code: tuple[str, str]
    status: str
    start: str | None
    end: str | None
    intent: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """A MedicationRequest."""

    entries: tuple[Concept, ...]
    code: tuple[str, str]
    day: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A Procedure; without a day it was some day."""

    entries: tuple[Concept, ...]
    code: tuple[str, str]
    day: str | None
    side: Literal["both", "left", "right"] | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that is complete."""

    entry: History
    code: Code
    day: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A Consent: `active` is signed, `inactive` refused, of a `draft` nobody knows."""

    entry: Consent
    day: str
    status: Literal["active", "inactive", "draft"]


@dataclass(frozen=True, slots=True)
class Noise:
    """A result that the protocol does not ask for."""

    code: tuple[str, str]
    day: str
    number: str


Drawn: TypeAlias = (
    Result | Answer | Sized | Stated | Course | Order | Operation | Listed | Signed | Noise
)

TYPES = {
    Result: "Observation", Answer: "Observation", Sized: "Observation", Noise: "Observation",
    Course: "MedicationStatement", Order: "MedicationRequest", Operation: "Procedure",
    Listed: "List", Signed: "Consent",
}  # fmt: skip


def type_of(drawn: Drawn) -> str:
    """The type of the resource that it becomes."""
    if isinstance(drawn, Stated):
        return "AllergyIntolerance" if drawn.entries[0].kind == "allergy" else "Condition"
    return TYPES[type(drawn)]


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient; the n-th of `drawn` has the id of the patient with `-n`."""

    id: str
    person: Person
    drawn: tuple[Drawn, ...]


UNREADABLE = "see report"
"""The text of a result that nobody can read."""
NO_DATE = "1950-13-01"
"""A birth date that is none."""
SIDES = {"both": "51440002", "left": "7771000", "right": "24028007"}
INTENTS = {
    "adjuvant": "373846009",
    "neoadjuvant": "373847000",
    "palliative": "363676003",
    "curative": "373808002",
}
