"""Answers of people, and what they are among the facts of a record.

An answer is a fact like any other, dated by its `when`: the newest decides, and different ones of
one day contradict each other. An answer about one resource takes the place of what that resource
says of the element. `answers_file.py` reads them. Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TypeAlias

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source
from protocol_logic.foundation.text import shown
from protocol_logic.records.facts import (
    Attested,
    ConditionStated,
    Done,
    End,
    Fact,
    Happened,
    Limit,
    Measured,
    PatientRecord,
    Qualified,
    Qualifiers,
    Reading,
    Therapy,
    place,
)
from protocol_logic.records.values import Intent

_MOST_TOLD = 3
_MOST_SOUGHT = 20

Said: TypeAlias = Reading | Limit | Intent
"""What an answer says: a reading of an entry, a limit of normal in its unit, or an intent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One row of an answers file, read.

    `entry`: the name of the entry of the fact that it makes, or whose results it gives a limit.
    `resource`: the one resource that it is about; then it says more of the facts of the entries
    `about`. `own_date`: the value itself dates the fact, on `date`.
    """

    line: int
    attested: Attested
    when: PartialDate
    said: Said
    entry: str
    resource: str | None
    about: frozenset[str]
    date: PartialDate | None
    own_date: bool

    @property
    def key(self) -> tuple[object, ...]:
        """What it answers, of which day."""
        kind: object = type(self.said) if isinstance(self.said, str) else None
        if isinstance(self.said, Limit):
            kind = self.said.end
        return (kind, self.entry, self.resource, self.when)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of a file by patient, in its order. `unanswered`: rows without a value."""

    file: Source
    by_patient: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    unanswered: int = 0

    def apply(self, record: PatientRecord, as_of: date) -> PatientRecord:
        """The record with the answers about its patient; those without effect are problems."""
        answers = self.by_patient.get(record.patient, ())
        if not answers:
            return record
        facts, problems = list(record.facts), list(record.problems)
        for answer in sorted(answers, key=lambda a: (a.when.first, a.line)):
            why = _use(answer, facts, as_of, self._place(answer))
            if why is not None:
                element = shown(answer.attested.element)
                problems.append(
                    Problem(
                        code="answer-not-used",
                        message=f"the answer to `{element}` has no effect: {why}",
                        resource=self._place(answer),
                        file=self.file.name,
                    )
                )
        return replace(
            record,
            facts=tuple(sorted(facts, key=place)),
            problems=tuple(Problems(problems).sorted()),
        )

    def _place(self, answer: Answer) -> str:
        return f"{Path(self.file.name).name}:{answer.line}"

    def unknown_patients(self, known: Collection[str]) -> Iterator[Problem]:
        """One problem for all patients who are none of the `known`, those of the run. Answers may
        be those of a cohort, of which the run has a part; that it has nobody is an error."""
        unknown = [patient for patient in self.by_patient if patient not in known]
        if not unknown:
            return
        told = [f"`{shown(patient)}`" for patient in unknown[:_MOST_TOLD]]
        rest = [f"{len(unknown) - _MOST_TOLD:,} more"] if len(unknown) > _MOST_TOLD else []
        names = " and ".join(filter(None, (", ".join((told + rest)[:-1]), (told + rest)[-1])))
        are = "is no patient" if len(unknown) == 1 else "are no patients"
        none = len(unknown) == len(self.by_patient)
        yield Problem(
            code="unknown-patient" if none else "other-patients",
            message=f"{names} {are} of this run",
            hint=self._slip(unknown, known),
            source=self.file,
            span=self.file.line_span(self.by_patient[unknown[0]][0].line),
        )

    def _slip(self, unknown: Collection[str], known: Collection[str]) -> str | None:
        """The first of the unknown patients who resembles somebody without answers."""
        without = [patient for patient in known if patient not in self.by_patient]
        # Searching for the nearest of many ids takes time.
        for patient in list(unknown)[:_MOST_SOUGHT] if without else ():
            meant = did_you_mean(patient, without)
            if meant is not None:
                return meant if len(unknown) == 1 else f"`{shown(patient)}`: {meant}"
        return None


def why_not_used(answer: Answer, record: PatientRecord, as_of: date) -> str | None:
    """Why an answer would have no effect on a record, in words; None: it has one."""
    return _use(answer, list(record.facts), as_of, "")


# ---- using an answer -----------------------------------------------------------------------------


def _use(answer: Answer, facts: list[Fact], as_of: date, name: str) -> str | None:
    """Add the answer to the facts; why it has no effect where it has none."""
    if answer.when.first > as_of:
        return f"it is dated {answer.when.text}, after the as-of date"
    if isinstance(answer.said, Limit):
        found, why = _without_limit(answer, answer.said.end, facts, as_of)
    elif answer.resource is None:
        facts.append(_fact(answer, answer.said, name))
        return None
    else:
        found = [i for i, fact in enumerate(facts) if _is_about(answer, fact)]
        why = f"`{shown(answer.resource)}` says nothing of it in the record"
    for index in found:
        facts[index] = _more(facts[index], answer)
    return None if found else why


def _fact(answer: Answer, said: Reading | Intent, name: str) -> Fact:
    assert not isinstance(said, str)  # an intent is that of a resource
    return Fact(
        entry=answer.entry,
        resource=name,
        date=answer.date,
        recorded=answer.attested.value,
        reading=said,
        attested=(answer.attested,),
    )


def _is_about(answer: Answer, fact: Fact) -> bool:
    if fact.resource != answer.resource:
        return False
    if isinstance(answer.said, str):
        return isinstance(fact.reading, Therapy)
    return fact.entry in answer.about


def _without_limit(
    answer: Answer, end: End, facts: list[Fact], as_of: date
) -> tuple[list[int], str]:
    """The results that get the limit: the one that is named, or the newest without one."""
    results = {
        i: fact.date.first
        for i, fact in enumerate(facts)
        if fact.entry == answer.entry and isinstance(fact.reading, Measured) and fact.date
    }
    if answer.resource is not None:
        why = f"`{shown(answer.resource)}` is no result of it in the record"
        return [i for i in results if facts[i].resource == answer.resource], why
    last = min(as_of, answer.when.last)
    seen = {i: day for i, day in results.items() if day <= last}
    if not seen:
        return [], f"there is no result of it until {answer.when.text}"
    newest = max(seen.values())
    found = [i for i in seen if (day := facts[i].date) is not None and day.last >= newest]
    why = "the newest result states a limit; to say another, name the result after a colon"
    return [i for i in found if not _has_limit(facts[i], end)], why


def _has_limit(fact: Fact, end: End) -> bool:
    limits = fact.reading.limits if isinstance(fact.reading, Measured) else ()
    return any(limit.sex is None and limit.value > 0 and limit.end == end for limit in limits)


def _more(fact: Fact, answer: Answer) -> Fact:
    """The fact of a resource with what the answer says of it."""
    said, old = answer.said, fact.reading
    reading: Reading
    match said, old:
        case Limit(), Measured():
            limit = replace(said, recorded=answer.attested.value)
            kept = (x for x in old.limits if x.end != said.end or (x.sex and not answer.resource))
            reading = replace(old, limits=(*kept, limit))
        case str(), Therapy():
            reading = replace(old, intent=said)
        case Happened(), ConditionStated():
            reading = replace(old, onset=said.on)
        case Therapy(), Therapy():
            reading = replace(said, intent=said.intent or old.intent)
        case Measured(), Measured():
            reading = said if said.limits else replace(said, limits=old.limits)
        case ConditionStated(), ConditionStated():
            reading = replace(
                old,
                state=said.state,
                confirmed=said.state == "present",
                evidence=old.evidence | said.evidence,
                qualifiers=_both(old.qualifiers, said.qualifiers),
                abated=None,
            )
        case Qualified(), ConditionStated() | Done():
            more: Qualifiers = ((said.name, frozenset({said.value})),)
            reading = replace(old, qualifiers=_both(old.qualifiers, more))
        case Done(), Done():
            qualifiers = _both(old.qualifiers, said.qualifiers)
            reading = replace(old, side=said.side or old.side, known=True, qualifiers=qualifiers)
        case ((Limit() | str()), _):
            raise AssertionError(said, old)
        case _:
            reading = said
    return replace(
        fact,
        date=answer.date if answer.own_date else fact.date,
        reading=reading,
        attested=(*fact.attested, answer.attested),
    )


def _both(old: Qualifiers, said: Qualifiers) -> Qualifiers:
    """The qualifiers of a record, with those that are said in the place of its own."""
    return tuple((dict(old) | dict(said)).items())
