"""Facts: what a record states, read exactly, each with its provenance.

A fact belongs to one vocabulary entry. Which facts count on an as-of date, which is newest and
what several of them allow together is the business of findings/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problem

End: TypeAlias = Literal["ULN", "LLN"]
"""An end of the normal range: the upper or the lower limit of normal."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of normal in the quantity's canonical unit, for one sex or for all (None).

    `end`: the upper one (`ULN`) or the lower one (`LLN`).
    """

    sex: str | None
    value: Fraction
    recorded: str
    end: End = "ULN"


@dataclass(frozen=True, slots=True)
class Measured:
    """A number in the canonical unit; None when it cannot be interpreted.

    `limits` are all limits of normal that the result states; empty when none is usable.
    `relative`: only the multiple of one limit is told, `value`, and `limits` is just 1 for it.
    """

    value: Interval | None
    limits: tuple[Limit, ...] = ()
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Stated:
    """The named values that the statement allows; None when it cannot be interpreted."""

    values: frozenset[str] | None


Qualifiers: TypeAlias = tuple[tuple[str, frozenset[str | None]], ...]
"""For each qualifier of which something is recorded its values; None among them: one that cannot
be read."""


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
    abated: PartialDate | None = None
    """The day on which the condition ended; `state` holds before it, `after` from then on."""
    after: Literal["absent", "unknown"] = "absent"
    qualifiers: Qualifiers = ()
    past: bool = False
    """It says that the condition was, on some day up to `onset`, and nothing of later days."""
    codes: frozenset[tuple[str, str]] = frozenset()
    """System and code by which a Condition names what it is about; none: it as a whole."""

    def state_on(self, day: date) -> Literal["present", "absent", "unknown"]:
        """What the statement says of a day."""
        if self.abated is None or day < self.abated.first:
            return self.state
        return self.after if day >= self.abated.last else "unknown"

    def has_ended(self, day: date) -> bool:
        """Whether it says of a day that the condition was and is over, not that there was none."""
        ended = self.confirmed and (self.clinical is not None or self.abated is not None)
        return ended and self.state_on(day) == "absent"

    def is_of_another(self, other: ConditionStated) -> bool:
        """Whether two statements name different things, so that neither is news of the other: they
        have no code in common, and different ones of one code system."""
        ours, theirs = self.codes, other.codes
        if not ours.isdisjoint(theirs):
            return False
        return not {system for system, _ in ours}.isdisjoint(system for system, _ in theirs)


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
class Ordered:
    """A medication that was ordered or handed out: whether it was taken is not recorded.

    `known`: that it is an order; else it is something of which nothing more can be known.
    """

    known: bool = True


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A medication that was ordered or recorded, and that the patient did not take."""


@dataclass(frozen=True, slots=True)
class Done:
    """A procedure that was done, on which side: None = not recorded.

    `known`: that it was done at all; else it may have been. `start`, `end`: those of its period, as
    far as they are recorded; both None where it was done on one day, that of the fact.
    """

    side: Literal["both", "left", "right"] | None
    start: PartialDate | None = None
    end: PartialDate | None = None
    qualifiers: Qualifiers = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class Qualified:
    """A value of a qualifier that a person gives of one record: `name` is the qualifier's."""

    name: str
    value: str


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
    """What it is of is complete on its date.

    `listed`: so says a list of the record, which closes only what can be known of the record; else
    a person does, or whoever supposes it.
    """

    listed: bool = False


@dataclass(frozen=True, slots=True)
class Born:
    """A birth date, possibly partial."""

    date: PartialDate


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of which a person says when it happened."""

    on: PartialDate


@dataclass(frozen=True, slots=True)
class Appointed:
    """The day of a time point of the trial for this patient."""

    day: date


Reading: TypeAlias = (
    Measured
    | Stated
    | ConditionStated
    | Therapy
    | Ordered
    | NotTaken
    | Done
    | Qualified
    | LesionSize
    | Closed
    | Born
    | Happened
    | Appointed
)


@dataclass(frozen=True, slots=True)
class Attested:
    """What a person answered: the element and value as asked and given, who said so, when, and
    what they had it from."""

    element: str
    value: str
    who: str
    when: str
    source: str


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
    attested: tuple[Attested, ...] = ()
    """The answers that it comes from, or that say more of what the record states."""


class Unlisted(NamedTuple):
    """A resource that states something coded, whether an entry has its code or not, by one of the
    names that it has.

    `kind`: the kind of concept that it is of; `code`: a code of it, `name` what the record calls
    it; `day`: its first day as written, or empty; `known`: what the name says stands in the
    knowledge base; `entries`: those that have a code of it; `like`: the entry that it resembles, if
    any; `status`: one for which it does not count, though it may have happened; `target`: to what
    the item of a list refers that it stands for, if any.
    """

    kind: str
    resource: str
    code: str
    name: str
    day: str
    known: bool = False
    entries: tuple[str, ...] = ()
    like: str = ""
    status: str = ""
    target: str = ""

    @property
    def keeps_open(self) -> bool:
        """Whether it may be anything of its kind, so that no list of the record closes that."""
        return not self.known and not self.status

    def is_seen(self, day: date) -> bool:
        """Whether it may be of that day or an earlier one."""
        when = self.first
        return when is None or when <= day

    @property
    def first(self) -> date | None:
        """Its first day; None where none is written that can be read."""
        return first_day(self.day)


@lru_cache(maxsize=20_000)
def first_day(text: str) -> date | None:
    """The first day of a date as written; None where none is that can be read."""
    try:
        return PartialDate.parse(text).first
    except ValueError:
        return None


class Unread(NamedTuple):
    """A result that does not count, and resembles entries or is of them: its first `code`, or
    nothing; what the record calls it; `day`, its first day as written, or empty; `why` it does not
    count: empty for a mere resemblance. `unusable`: it is a result of the entries that cannot be
    used, and so is none."""

    resource: str
    code: str
    name: str
    day: str
    entries: tuple[str, ...]
    why: str = ""
    unusable: bool = False

    @property
    def date(self) -> PartialDate:
        """The days that it may be of."""
        return _days(self.day)


class Mentioned(NamedTuple):
    """An entry that a resource names where it is not read as that, with its first day as written,
    or empty."""

    entry: str
    resource: str
    day: str = ""

    @property
    def date(self) -> PartialDate:
        """The days that it may be of."""
        return _days(self.day)


def _days(text: str) -> PartialDate:
    try:
        return PartialDate.parse(text)
    except ValueError:
        return PartialDate.between(None, None)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the resources of one type: `total` is the sum of the other three.

    `facts`: resources that made a fact. `problems`: those that made none, and are reported.
    `irrelevant`: those that hold nothing that the knowledge base reads. `type` is `(none)` for
    entries of a bundle that hold no resource.
    """

    type: str
    facts: int = 0
    irrelevant: int = 0
    problems: int = 0

    @property
    def total(self) -> int:
        return self.facts + self.irrelevant + self.problems


def total_of(accounts: Iterable[Account], kind: str = "all") -> Account:
    """Accounts of several types as one."""
    each = list(accounts)
    return Account(
        kind,
        facts=sum(account.facts for account in each),
        irrelevant=sum(account.irrelevant for account in each),
        problems=sum(account.problems for account in each),
    )


def added(accounts: Iterable[Iterable[Account]]) -> tuple[Account, ...]:
    """Accounts of several records as one, by type."""
    by_type: dict[str, list[Account]] = {}
    for account in (account for each in accounts for account in each):
        by_type.setdefault(account.type, []).append(account)
    return tuple(total_of(each, kind) for kind, each in sorted(by_type.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecord:
    """All facts of one patient, ordered by resource, and what was wrong with the record.

    `index_date`: the day of judgement that the record itself names (the date part of the Bundle's
    timestamp as written), or None; `index_source`: what names it. `accounting`: what became of its
    resources, by type. `unclear`: the kinds of concept (`medication`) of which it holds something
    that cannot be known. `unlisted`: what it states of concepts, by whatever code. `unread`:
    results that do not count, but are of an entry or resemble it. `mentioned`: entries that it
    names where they are not read.
    """

    patient: str
    source: str
    index_date: date | None
    facts: tuple[Fact, ...]
    index_source: Literal["bundle", "index"] = "bundle"
    problems: tuple[Problem, ...] = ()
    accounting: tuple[Account, ...] = ()
    unclear: frozenset[str] = frozenset()
    unlisted: tuple[Unlisted, ...] = ()
    unread: tuple[Unread, ...] = ()
    mentioned: tuple[Mentioned, ...] = ()


def place(fact: Fact) -> tuple[str, str, str, str]:
    """Where a fact stands among those of a record: by resource, then entry, date and text."""
    return (fact.resource, fact.entry, fact.date.text if fact.date else "", fact.recorded)


def past(fact: Fact) -> Fact:
    """A fact about a condition or a procedure as that of a code that says that it was: on some day
    up to the one on which that was recorded."""
    before = PartialDate.between(None, fact.date)
    reading = fact.reading
    if isinstance(reading, Done):
        return replace(fact, date=before, reading=replace(reading, start=None, end=None))
    if not isinstance(reading, ConditionStated):
        return fact
    # What is over was all the same; what is refuted was not.
    sure = reading.confirmed or reading.state == "present"
    never = reading.state == "absent" and not sure
    was = ConditionStated(
        "absent" if never else "unknown",
        confirmed=sure,
        onset=before,
        evidence=reading.evidence,
        qualifiers=reading.qualifiers,
        past=True,
        codes=reading.codes,
    )
    return replace(fact, reading=was)


def doubtful(fact: Fact) -> Fact | None:
    """The fact as far as it holds when something unknown may change the meaning of its resource.

    None where nothing is left: a list that may not be complete closes nothing.
    """
    reading = fact.reading
    match reading:
        case Measured():
            return replace(fact, reading=Measured(None))
        case Stated():
            return replace(fact, reading=Stated(None))
        case ConditionStated():
            unknown = ConditionStated(
                "unknown", onset=reading.onset, past=reading.past, codes=reading.codes
            )
            return replace(fact, reading=unknown)
        case LesionSize():
            sizes = tuple((axis, None) for axis, _ in reading.sizes)
            return replace(fact, reading=LesionSize(sizes, None, None))
        case Therapy() | Ordered():
            return replace(fact, reading=Ordered(known=False))
        case Done():
            any_day = PartialDate.between(None, None)
            return replace(fact, date=any_day, reading=Done(reading.side))
        case _:
            return None
