"""Facts: what a record states, read exactly, each with its provenance.

A fact belongs to one vocabulary entry. Which facts count on an as-of date, which is newest and
what several of them allow together is the business of findings/.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal, TypeAlias

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problem


@dataclass(frozen=True, slots=True)
class Limit:
    """An upper limit of normal in the quantity's canonical unit, for one sex or for all (None)."""

    sex: str | None
    value: Fraction
    recorded: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A number in the canonical unit; None when it cannot be interpreted.

    `limits` are all upper limits of normal that the result states; empty when none is usable.
    """

    value: Interval | None
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Stated:
    """The named values that the statement allows; None when it cannot be interpreted."""

    values: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class ConditionStated:
    """A statement about a condition.

    `state`: present, absent, or unknown (provisional and the like). `clinical`: clinicalStatus
    code. `evidence`: names of the concept's evidence that the statement carries.
    """

    state: Literal["present", "absent", "unknown"]
    clinical: str | None = None
    confirmed: bool = False
    """verificationStatus is `confirmed` (or not given)."""
    onset: PartialDate | None = None
    evidence: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Therapy:
    """A course of a medication.

    `ongoing`: it has no end and its status says that it goes on. Without an end and not ongoing,
    it ended on some unknown day from its start to the as-of date. `intent`: None = not recorded.
    """

    start: PartialDate | None
    end: PartialDate | None
    ongoing: bool
    intent: Literal["adjuvant", "neoadjuvant", "palliative", "curative"] | None


@dataclass(frozen=True, slots=True)
class Done:
    """A procedure that was done, on which side: None = not recorded."""

    side: Literal["both", "left", "right"] | None


@dataclass(frozen=True, slots=True)
class LesionSize:
    """A measured lesion: (axis, size in the canonical unit; None = unreadable) pairs.

    `site`, `method`: a name of the lesion entry, `other`, or None when not recorded.
    """

    sizes: tuple[tuple[str, Interval | None], ...]
    site: str | None
    method: str | None


@dataclass(frozen=True, slots=True)
class Closed:
    """A snapshot list: what it lists is complete on its date."""


@dataclass(frozen=True, slots=True)
class Born:
    """A birth date, possibly partial."""

    date: PartialDate


Reading: TypeAlias = (
    Measured | Stated | ConditionStated | Therapy | Done | LesionSize | Closed | Born
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One statement of a record.

    `entry`: name of the vocabulary entry. `resource`: `Type/id`. `date`: the day that decides
    whether it counts and which fact is newest; None only for Patient fields and for therapies
    without a start. `recorded`: the value as the record has it.
    """

    entry: str
    resource: str
    date: PartialDate | None
    recorded: str
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecord:
    """All facts of one patient, ordered by resource, and what was wrong with the record.

    `index_date`: the date part of the Bundle's timestamp as written, or None. `ignored`: resource
    type -> how many resources held nothing that the knowledge base reads.
    """

    patient: str
    source: str
    index_date: date | None
    facts: tuple[Fact, ...]
    problems: tuple[Problem, ...] = ()
    ignored: tuple[tuple[str, int], ...] = ()
