"""What the record of one patient says of one thing that is wanted: usable, or why not.

What is usable follows findings/: the newest facts decide, and one that cannot be read leaves the
element open whatever older ones say. Source: docs/fit.md and docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from protocol_logic.answering.fit.wanted import Wanted
from protocol_logic.compiling.conditions import values_of
from protocol_logic.compiling.windows import Window
from protocol_logic.findings import inputs
from protocol_logic.findings.latest import Visible, newest
from protocol_logic.findings.therapy import happenings
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import (
    Born,
    ConditionStated,
    Done,
    End,
    Fact,
    LesionSize,
    Measured,
    NotTaken,
    Ordered,
    PatientRecord,
    Therapy,
)

REASONS = {
    "unreadable-value": "cannot be read",
    "implausible-value": "implausible",
    "unknown-code": "coded value not known",
    "unreadable-date": "date cannot be read",
    "undated": "no date",
    "open-date": "its date is open",
    "conflict": "different values on the latest date",
    "uncertain": "neither present nor absent",
    "ended": "ended once, may have come again",
    "no-reference-range": "no usable limit of normal",
    "unconfirmed": "not confirmed",
    "no-side": "no side",
    "no-intent": "no intent",
    "no-qualifier": "not said",
    "ordered": "only ordered",
    "not-taken": "not taken",
    "foreign-subject": "about somebody else",
    "not-read": "has something that is not read",
    "not-usable": "status or missing value: does not count",
    "stale": "too old for the site",
    "later": "only after the as-of date",
}
"""Why what is recorded is not usable, with its words; where it is a problem, the problem's code."""

_SILENT = ("foreign-subject", "not-usable", "unreadable-date", "undated", "not-read")
"""The problems for which a resource makes no fact, in the order in which one is named."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a patient's record says of something: `reason` (a key of REASONS) is empty where it is
    usable. `visible`: some fact counts on the day. `newest`: the day of the newest usable fact."""

    reason: str = ""
    visible: bool = True
    newest: date | None = None


class Patient:
    """The record of one patient on one day.

    `as_of` None: the day is not known, and every fact counts. `silent`: (entry, resource) of
    resources that speak of an entry and made no fact of it. `windows`: entry -> how old its
    evidence may be.
    """

    def __init__(
        self,
        record: PatientRecord,
        as_of: date | None,
        vocabulary: voc.Vocabulary,
        silent: Iterable[tuple[str, str]],
        windows: Mapping[str, Window],
    ) -> None:
        self.vocabulary = vocabulary
        fresh_from = {}
        if as_of is not None:
            fresh_from = {name: window.first_day(as_of) for name, window in windows.items()}
        self.visible = Visible(record, as_of or date.max, vocabulary, fresh_from)
        self._hidden: dict[str, list[Fact]] = {}
        for fact in record.facts:
            later = fact.date is not None and fact.date.first > self.visible.as_of
            if later or isinstance(fact.reading, NotTaken):
                self._hidden.setdefault(fact.entry, []).append(fact)
        self._silent: dict[str, list[str]] = {}
        for entry, resource in silent:
            self._silent.setdefault(entry, []).append(resource)
        self._problems: dict[str, set[str]] = {}
        for problem in record.problems:
            self._problems.setdefault(problem.resource or "", set()).add(problem.code)

    def standing(self, wanted: Wanted) -> Standing | None:
        """What the record says of it; None where it says nothing."""
        if isinstance(wanted.entry, voc.Event):
            return self._event(wanted.entry)
        if isinstance(wanted.entry, voc.Concept):
            facts = self.visible.below(wanted.entry.name)
            return self._part(wanted, facts) if wanted.part else self._concept(wanted.entry)
        if wanted.part:
            return self._part(wanted, self.visible.of(wanted.entry.name))
        return self._own(wanted.entry)

    def _concept(self, concept: voc.Concept) -> Standing | None:
        """What is recorded of a concept and its kinds: a kind that is there makes it usable."""
        own = self._own(concept)
        kinds = (self._kind(name) for name in self.vocabulary.below(concept.name))
        found = [s for s in (own, *kinds) if s is not None]
        usable = [s.newest for s in found if not s.reason]
        if usable:
            days = [day for day in usable if day is not None]
            return Standing(newest=max(days) if len(days) == len(usable) else None)
        return next((s for s in found if s.visible), found[0] if found else None)

    def _kind(self, name: str) -> Standing | None:
        """What a kind says of that of which it is one: that it is absent leaves the other open."""
        standing = self._own(self.vocabulary.entries[name])
        if standing is None or standing.reason:
            return standing
        latest = newest(self.visible.of(name), self.visible.as_of)
        stated = [f.reading for f in latest if isinstance(f.reading, ConditionStated)]
        absent = stated and all(r.state_on(self.visible.as_of) == "absent" for r in stated)
        return Standing("uncertain") if absent else standing

    def _own(self, entry: voc.Entry) -> Standing | None:
        """What is recorded of an entry itself."""
        facts = self.visible.of(entry.name)
        if not facts:
            return self._nothing(entry.name)
        stale = self.visible.stale(newest(facts, self.visible.as_of))
        reason = "stale" if stale is not None else self._reason(entry, facts)
        if not reason and self.visible.may_be_none(facts):
            reason = "open-date"
        return Standing(reason, newest=None if reason else _day(facts, self.visible.as_of))

    def _nothing(self, entry: str) -> Standing | None:
        """What is recorded of an entry of which no fact counts."""
        hidden = self._hidden.get(entry, ())
        if hidden:
            taken = any(not isinstance(f.reading, NotTaken) for f in hidden)
            return Standing("later" if taken else "not-taken", visible=False)
        codes = {c for name in self._silent.get(entry, ()) for c in self._problems.get(name, ())}
        reason = next((code for code in _SILENT if code in codes), None)
        return Standing(reason, visible=False) if reason is not None else None

    def _reason(self, entry: voc.Entry, facts: Sequence[Fact]) -> str:
        match entry:
            case voc.PatientField():
                return self._field(entry, facts)
            case voc.Quantity():
                return self._opened(inputs.number_input(self.visible, entry))
            case voc.Lesion():
                return self._lesion(entry)
            case voc.Consent():
                reason = self._opened(inputs.status_input(self.visible, entry, values_of(entry)))
                return "uncertain" if reason == "unreadable-value" else reason
            case voc.Status():
                return self._opened(inputs.status_input(self.visible, entry, values_of(entry)))
            case voc.Concept(kind="condition" | "allergy"):
                return self._condition(entry, facts)
            case voc.Concept(kind="medication"):
                return _medication(facts)
            case _:
                return ""

    def _field(self, entry: voc.PatientField, facts: Sequence[Fact]) -> str:
        births = [f.reading.date for f in facts if isinstance(f.reading, Born)]
        if births:
            first, last = max(d.first for d in births), min(d.last for d in births)
            return "conflict" if first > last else "" if first <= self.visible.as_of else "later"
        return self._opened(inputs.field_input(self.visible, entry))

    def _opened(self, found: inputs.Input) -> str:
        """Why an input has not just one value; a range of values is usable."""
        opener = found.opener
        if opener is None or opener.reason == "imprecise":
            return ""
        if opener.reason == "conflicting":
            return "conflict"
        return self._unreadable(found.facts) or "unreadable-value"

    def _lesion(self, entry: voc.Lesion) -> str:
        found = inputs.lesion_input(self.visible, entry)
        readings = [f.reading for f in found.facts]
        sizes = [size for r in readings if isinstance(r, LesionSize) for _, size in r.sizes]
        if found.opener is not None and None in sizes:
            return self._unreadable(found.facts) or "unreadable-value"
        return self._opened(found)

    def _unreadable(self, facts: Iterable[Fact]) -> str | None:
        """The problem for which a value of these facts is not known."""
        codes = {code for f in facts for code in self._problems.get(f.resource, ())}
        named = ("implausible-value", "unknown-code", "unreadable-value", "not-read")
        return next((code for code in named if code in codes), None)

    def _condition(self, entry: voc.Concept, facts: Sequence[Fact]) -> str:
        latest = newest(facts, self.visible.as_of)
        states = self.visible.states(latest)
        if len(states) > 1:
            return "conflict"
        if states == {"ended"}:
            return "" if self.visible.closed(entry.name) is not None else "ended"
        return (self._unreadable(latest) or "uncertain") if states == {"unknown"} else ""

    # ---- parts of facts --------------------------------------------------------------------------

    def _part(self, wanted: Wanted, facts: Sequence[Fact]) -> Standing | None:
        entry = wanted.entry
        if wanted.part in ("upper limit", "lower limit") and isinstance(entry, voc.Quantity):
            return self._limit(entry, facts, "LLN" if wanted.part == "lower limit" else "ULN")
        if wanted.part == "evidence":
            shown = [f for f in facts if _carries(f, wanted.detail)]
            if not shown:
                return None
            confirmed = [f for f in shown if _is_confirmed(f)]
            if not confirmed:
                return Standing("unconfirmed")
            return Standing("open-date" if self.visible.may_be_none(confirmed) else "")
        if wanted.part == "side":
            done = [f.reading for f in facts if isinstance(f.reading, Done)]
            return Standing("" if any(r.side for r in done) else "no-side") if done else None
        if wanted.part == "qualifier":
            stated = [f.reading for f in facts if isinstance(f.reading, ConditionStated | Done)]
            said = any(
                name == wanted.detail and values != {None}
                for reading in stated
                for name, values in reading.qualifiers
            )
            return Standing("" if said else "no-qualifier") if stated else None
        taken = [f.reading for f in facts if isinstance(f.reading, Therapy)]
        return Standing("" if any(r.intent for r in taken) else "no-intent") if taken else None

    def _limit(self, entry: voc.Quantity, facts: Sequence[Fact], end: End) -> Standing | None:
        """Whether the newest results state a limit for the patient's sex, or for all."""
        if not facts:
            return None
        latest = self.visible.newest(entry.name)
        sexes = {
            value
            for field in self.vocabulary.of(voc.PatientField)
            if field.field == "gender"
            for value in inputs.field_input(self.visible, field).alternatives
        }
        limits = [x for f in latest if isinstance(f.reading, Measured) for x in f.reading.limits]
        usable = any(
            x.end == end and x.value > 0 and (x.sex is None or x.sex in sexes) for x in limits
        )
        return Standing("" if usable else "no-reference-range")

    def _event(self, event: voc.Event) -> Standing | None:
        found = list(happenings(self.visible, event.name))
        if not found:
            return None
        days = [h.day.last for h in found if h.sure and h.day.certain]
        if not days:
            return Standing("undated" if any(h.sure for h in found) else "unreadable-value")
        return Standing(newest=max(days))


def _medication(facts: Sequence[Fact]) -> str:
    taken = [f.reading for f in facts if isinstance(f.reading, Therapy)]
    if any(therapy.start is not None for therapy in taken):
        return ""
    return "undated" if taken else "ordered" if _any_ordered(facts) else "not-taken"


def _any_ordered(facts: Sequence[Fact]) -> bool:
    return any(isinstance(f.reading, Ordered) for f in facts)


def _carries(fact: Fact, evidence: str) -> bool:
    return isinstance(fact.reading, ConditionStated) and evidence in fact.reading.evidence


def _is_confirmed(fact: Fact) -> bool:
    return isinstance(fact.reading, ConditionStated) and fact.reading.confirmed


def _day(facts: Sequence[Fact], as_of: date) -> date | None:
    """The day of the newest fact, where it is known to the day."""
    dates = [fact.date for fact in newest(facts, as_of) if fact.date is not None]
    return max((d.last for d in dates), default=None) if all(d.exact for d in dates) else None
