"""The checked knowledge base: what a record can hold, by name, with codes, units and closings.

Built by compiling/ from `.elig` knowledge files; read by records/ (which code is which element),
by compiling/ (types and units) and by findings/ (how the facts of an element are reduced).
Every number is an exact Fraction in the entry's canonical unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from typing import Literal, TypeAlias, TypeVar

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.interval import Interval


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a terminology; `system` is its URL."""

    system: str
    code: str
    display: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.system, self.code)


@dataclass(frozen=True, slots=True)
class Unlike:
    """A code that is easily taken for one of an entry, and why it is none.

    `near`: it is of the same thing, measured otherwise, so that a newer one is told beside what
    counts.
    """

    code: Code
    why: str
    near: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What every entry has.

    `name` is how authors call it; `element` is the id under which a gap is reported; `unlike` are
    codes that may be taken for it, which records are told of. `also`: other words for it; no
    verdict rests on them, so they move no digest.
    """

    name: str
    element: str
    label: str
    unlike: tuple[Unlike, ...] = ()
    also: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientField(Named):
    """A field of the Patient resource: `gender` (a value) or `birthDate` (a date)."""

    field: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Age(Named):
    """Completed years (`unit` is `a`), months (`mo`) or days (`d`) from a birth date to the
    as-of date."""

    of: str
    unit: str = "a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity(Named):
    """An observation with a number.

    `accepts`: UCUM code -> factor that turns a value in it into `unit`; only these are readable.
    `coded`: coded answers and the number each stands for. `attested`: boolean observations whose
    true means that the number lies in the interval (false: outside it, at or above zero).
    `usual`: where the limits of trials lie; one outside it has probably another unit.
    `unit` is `1` for scores and counts. `whole`: whether only whole numbers occur; no verdict rests
    on it, so it moves no digest.
    """

    codes: tuple[Code, ...]
    unit: str
    accepts: Mapping[str, Fraction]
    plausible: Interval | None = None
    usual: Interval | None = None
    coded: Mapping[tuple[str, str], Fraction] = field(default_factory=dict)
    attested: Mapping[tuple[str, str], Interval] = field(default_factory=dict)
    whole: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Named):
    """An observation with one of a few named values.

    `meanings`: coded answer -> value. `ranges`: for a numeric answer in `unit`, interval -> value.
    """

    codes: tuple[Code, ...]
    values: tuple[str, ...]
    meanings: Mapping[tuple[str, str], str]
    unit: str | None = None
    ranges: tuple[tuple[Interval, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What a record may say by another entry, so that no list of it says that a concept is not.

    `values` and `numbers`: those of the entry that say it, of numbers in its canonical unit; where
    there are neither, all that is recorded of it does. `latest`: only what is said last counts.
    `within`: a number of `days` or `months` up to the day of judgement.
    """

    entry: str
    values: tuple[str, ...] = ()
    numbers: Interval | None = None
    latest: bool = False
    within: tuple[int, Literal["days", "months"]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept(Named):
    """A clinical idea that a record states or not: a condition, a procedure or a medication.

    `kind`: `condition`, `procedure` or `medication`; or `allergy`, to a medication. `parents`:
    concepts it is a kind of. `closed_by`: the list that, when recorded, closes it. `evidence`:
    name -> codes of `Condition.evidence` that confirm it. `past`: codes that say that it was, on
    some day before (`history code`). `shared`: those of `codes` that another concept may have too.
    `recurs`: it, or a class of it, comes again, so that a statement that it ended denies nothing.
    `doubts`: what keeps lists from saying that it is not there.
    """

    kind: str
    codes: tuple[Code, ...]
    parents: tuple[str, ...] = ()
    closed_by: str | None = None
    evidence: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    past: tuple[Code, ...] = ()
    shared: tuple[Code, ...] = ()
    recurs: bool = False
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Named):
    """Something dated that happens to a patient, read from other entries.

    Either the conditions `concepts` (and all below them) with a clinical status in `statuses`,
    dated by their onset; or the status entry `status` having `value`, dated by its observation.
    """

    concepts: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    status: str | None = None
    value: str | None = None
    closed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualifier(Named):
    """What more a record of a condition or procedure says, with one of a few named values.

    `of`: the element that says it, one of QUALIFIED. `meanings`: code -> value.
    """

    of: str
    values: tuple[str, ...]
    meanings: Mapping[tuple[str, str], str]


QUALIFIED = {
    "severity": ("condition",),
    "stage": ("condition",),
    "site": ("condition", "procedure"),
}
"""What a qualifier can be of -> the kinds of concept whose records say it."""


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """`axis` at least `at_least` (canonical unit) makes a lesion measurable; None: never.

    Holds where `attribute` (`site` or `method`) has `value`; the last limit has no condition.
    """

    axis: str | None
    at_least: Fraction | None
    attribute: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion(Named):
    """Measured lesions and an attested count of measurable ones, read on their latest common date.

    `axes`: name -> component codes. `sites`, `methods`: name -> codes. `limits`: first that
    applies decides; the last applies always. `counted`: quantity entry of the attested count.
    """

    codes: tuple[Code, ...]
    unit: str
    accepts: Mapping[str, Fraction]
    axes: Mapping[str, tuple[Code, ...]]
    sites: Mapping[str, tuple[Code, ...]]
    methods: Mapping[str, tuple[Code, ...]]
    limits: tuple[SizeLimit, ...]
    counted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Named):
    """A Consent resource of one scope; its values are `signed` and `refused`."""

    scope: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Named):
    """A snapshot List that closes what it lists.

    `of`: `allergies` where it closes the allergies to all medications.
    """

    codes: tuple[Code, ...]
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Named):
    """What a person says yes or no to; `label` is the statement.

    `how`: `attested`, a fact that somebody reports; `judged`, somebody's judgement; `opaque`, a
    sentence that the language cannot say. No record holds it, only an answer.
    """

    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class Timepoint(Named):
    """A day of the trial at which windows end; the run gives it, or an answer about a patient."""


How: TypeAlias = Literal["attested", "judged", "opaque"]
ASKED_VALUES = ("yes", "no")

Entry: TypeAlias = (
    PatientField
    | Age
    | Quantity
    | Status
    | Concept
    | Event
    | Lesion
    | Consent
    | History
    | Qualifier
    | Asked
    | Timepoint
)
_E = TypeVar("_E", bound=Named)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All entries by name, in the order they were declared."""

    entries: Mapping[str, Entry]
    _below: dict[str, tuple[str, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    spoken: dict[str, object] = field(default_factory=dict, init=False, compare=False, repr=False)
    """How concepts are spoken of, as worked out by `likeness`."""

    _above: dict[str, tuple[str, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _kinds: dict[str, list[str]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    """Concept -> those that say that they are a kind of it."""

    def of(self, kind: type[_E]) -> Iterator[_E]:
        """The entries of one kind, in order."""
        return (e for e in self.entries.values() if isinstance(e, kind))

    def above(self, concept: str) -> tuple[str, ...]:
        """All that a concept is a kind of, in order."""
        known = self._above.get(concept)
        if known is not None:
            return known
        found: set[str] = set()
        queue = [concept]
        while queue:
            entry = self.entries.get(queue.pop())
            parents = entry.parents if isinstance(entry, Concept) else ()
            queue += [parent for parent in parents if parent not in found]
            found.update(parents)
        self._above[concept] = tuple(name for name in self.entries if name in found)
        return self._above[concept]

    def doubting(self, concept: str) -> Iterator[str]:
        """The entries by which the absence of a concept, or of a kind of it, is doubted."""
        for name in self.below(concept):
            entry = self.entries[name]
            for doubt in entry.doubts if isinstance(entry, Concept) else ():
                yield from self.below(doubt.entry)

    def below(self, concept: str) -> tuple[str, ...]:
        """The concept and all that are a kind of it, in order."""
        known = self._below.get(concept)
        if known is not None:
            return known
        if not self._kinds:
            self._kinds[""] = []  # so that it is not looked for again where there are none
            for entry in self.of(Concept):
                for parent in entry.parents:
                    self._kinds.setdefault(parent, []).append(entry.name)
        found = {concept}
        queue = [concept]
        while queue:
            below = [name for name in self._kinds.get(queue.pop(), ()) if name not in found]
            found.update(below)
            queue += below
        names = self.entries if len(found) > 1 else {concept} & self.entries.keys()
        self._below[concept] = tuple(name for name in names if name in found)
        return self._below[concept]
