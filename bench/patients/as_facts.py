"""A drawn patient as the record that reading its FHIR gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.units import zero_of
from protocol_logic.knowledge.vocabulary import Named, Quantity
from protocol_logic.records.codings import Codings, entries_of, is_known
from protocol_logic.records.facts import (
    Account,
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    LesionSize,
    Limit,
    Measured,
    Mentioned,
    Ordered,
    PatientRecord,
    Qualifiers,
    Reading,
    Stated as StatedValue,
    Therapy,
    Unlisted,
    Unread,
    place,
)
from protocol_logic.records.mentioned import keys_in, mentions
from protocol_logic.records.unread import alike, told

from .as_fhir import resource_of
from .drawn import (
    NO_DATE,
    UNREADABLE,
    Answer,
    Course,
    Drawn,
    Listed,
    Noise,
    Operation,
    Order,
    Patient,
    Person,
    Result,
    Signed,
    Sized,
    Stated,
    type_of,
)

_STATES = {"active": "present", "recurrence": "present", "relapse": "present", "resolved": "absent"}


def record_of(patient: Patient, as_of: date, codings: Codings, source: str) -> PatientRecord:
    """The record, with its facts in order, its problems and its accounting."""
    found = _Record(patient, as_of, codings, source)
    return found.record()


class _Record:
    def __init__(self, patient: Patient, as_of: date, codings: Codings, source: str) -> None:
        self.patient = patient
        self.as_of = as_of
        self.codings = codings
        self.source = source
        self.facts: list[Fact] = []
        self.problems: list[Problem] = []
        self.unlisted: list[Unlisted] = []
        self.unread: list[Unread] = []
        self.mentioned: list[Mentioned] = []
        self.name = ""

    def record(self) -> PatientRecord:
        counts: dict[str, Counter[str]] = {}
        for number, drawn in enumerate((self.patient.person, *self.patient.drawn)):
            kind = "Patient" if isinstance(drawn, Person) else type_of(drawn)
            self.name = f"{kind}/{self.patient.id}" + (f"-{number - 1}" if number else "")
            facts, problems = len(self.facts), len(self.problems)
            self._read(drawn)
            if isinstance(drawn, Stated | Course | Order | Operation):
                self.unlisted.append(self._listed(drawn))
            elif isinstance(drawn, Result | Answer):
                self._note(drawn)
            outcome = "irrelevant"
            if len(self.facts) > facts:
                outcome = "facts"
            elif len(self.problems) > problems:
                outcome = "problems"
            counts.setdefault(kind, Counter())[outcome] += 1
        return PatientRecord(
            patient=self.patient.id,
            source=self.source,
            index_date=self.as_of,
            facts=tuple(sorted(self.facts, key=place)),
            problems=tuple(
                sorted(self.problems, key=lambda p: (p.resource or "", p.code, p.message))
            ),
            accounting=tuple(
                Account(kind, each["facts"], each["irrelevant"], each["problems"])
                for kind, each in sorted(counts.items())
            ),
            unlisted=tuple(sorted(self.unlisted)),
            unread=tuple(sorted(self.unread)),
            mentioned=tuple(sorted(self.mentioned)),
        )

    def _note(self, drawn: Result | Answer) -> None:
        """What is noted of a result beside the value that it is of."""
        json = {"resourceType": "Observation", "status": "final"} | resource_of(drawn)
        for each in alike(tuple(told(json)), self.codings):
            found = Unread(self.name, each.code, each.name, drawn.day, each.entries, each.why)
            self.unread.append(found._replace(unusable=each.unusable))
        for name in mentions("Observation", keys_in(json), self.codings):
            self.mentioned.append(Mentioned(name, self.name, drawn.day))

    def _listed(self, drawn: Stated | Course | Order | Operation) -> Unlisted:
        """What is noted of every resource that states something coded."""
        kind = drawn.entries[0].kind
        day = drawn.recorded if isinstance(drawn, Stated) else None
        if isinstance(drawn, Order | Operation):
            day = drawn.day
        elif isinstance(drawn, Course):
            day = drawn.start
        coded = {"coding": [dict(zip(("system", "code"), drawn.code, strict=True))]}
        entries = tuple(entry.name for entry in entries_of(coded, self.codings.named[kind]))
        known, code = bool(entries) or is_known(drawn.code), drawn.code[1]
        return Unlisted(kind, self.name, code, code, day or "", known, entries)

    def _fact(self, entry: Named, day: str | None, recorded: str, reading: Reading) -> None:
        self.facts.append(
            Fact(
                entry=entry.name,
                resource=self.name,
                date=PartialDate.parse(day) if day is not None else None,
                recorded=recorded,
                reading=reading,
            )
        )

    def _problem(self, code: str, message: str, hint: str | None = None) -> None:
        self.problems.append(
            Problem(code=code, message=message, hint=hint, resource=self.name, file=self.source)
        )

    def _read(self, drawn: Person | Drawn) -> None:
        match drawn:
            case Person():
                self._person(drawn)
            case Result():
                self._result(drawn)
            case Answer(entry=entry, day=day, values=values):
                text = values[0][0][1] if values else UNREADABLE
                if not values:
                    self._unreadable(entry)
                named = frozenset(value for _, value in values)
                self._fact(entry, day, text, StatedValue(named or None))
            case Sized():
                self._sized(drawn)
            case Stated():
                self._stated(drawn)
            case Course():
                self._course(drawn)
            case Order(entries=entries, code=code, day=day):
                for ordered in entries:
                    self._fact(ordered, day, f"{code[1]}, active", Ordered())
            case Operation():
                self._operation(drawn)
            case Listed(entry=entry, code=code, day=day):
                self._fact(entry, day, code.code, Closed(listed=True))
            case Signed(entry=entry, day=day, status=status):
                said = {"active": "signed", "inactive": "refused"}.get(status)
                self._fact(entry, day, status, StatedValue(frozenset({said}) if said else None))
            case Noise():
                pass

    def _unreadable(self, entry: Named) -> None:
        message = f"`{entry.name}`: its value cannot be read: `valueString`"
        self._problem("unreadable-value", message)

    def _person(self, person: Person) -> None:
        for entry in self.codings.fields.get("gender", ()) if person.gender else ():
            known = person.gender in entry.values and person.gender is not None
            values = frozenset({person.gender or ""}) if known else None
            self._fact(entry, None, person.gender or "", StatedValue(values))
        if person.birth == NO_DATE:
            self._problem(
                "unreadable-date",
                f"`birthDate` is `{NO_DATE}`, which is not a date",
                "dates are written YYYY-MM-DD, with or without a time",
            )
        for entry in self.codings.fields.get("birthDate", ()) if person.birth else ():
            text = person.birth or ""
            born: Reading = StatedValue(None)
            if text != NO_DATE:
                born = Born(PartialDate.parse(text))
            self._fact(entry, None, text, born)

    def _result(self, result: Result) -> None:
        entry = result.entry
        if result.number is None:
            self._unreadable(entry)
            self._fact(entry, result.day, UNREADABLE, Measured(None))
            return

        def canonical(text: str) -> Fraction:
            return (Fraction(text) - zero_of(result.unit)) * entry.accepts[result.unit]

        value = canonical(result.number)
        negative = entry.plausible is not None and (entry.plausible.lo or 0) < 0
        number = {
            "": Interval.point,
            "<": Interval.below,
            "<=": Interval.at_most,
            ">": Interval.above,
            ">=": Interval.at_least,
        }[result.sign](value)
        if result.sign.startswith("<") and not negative:
            number = number.intersection(Interval.at_least(0)) or number
        limits = tuple(
            Limit(bound.sex, canonical(bound.number), f"{bound.number} {result.unit}", bound.end)
            for bound in result.bounds
        )
        recorded = f"{result.sign} {result.number} {result.unit}".strip()
        self._fact(entry, result.day, recorded, Measured(number, limits))

    def _sized(self, sized: Sized) -> None:
        entry = sized.entry
        sizes = tuple((a, Interval.point(Fraction(s)) if s else None) for a, s in sized.sizes)
        for axis, size in sized.sizes:
            if size is None:
                message = f"`{entry.name} {axis}`: its value cannot be read: `valueString`"
                self._problem("unreadable-value", message)
        texts = [f"{a} {f'{s} {entry.unit}' if s else UNREADABLE}" for a, s in sized.sizes]
        self._fact(entry, sized.day, ", ".join(texts), LesionSize(sizes, sized.site, None))
        for axis, size in sized.sizes:  # which may be a result of its own, too
            code = entry.axes[axis][0]
            for other in self.codings.observations.get(code.key, ()):
                if isinstance(other, Quantity):
                    self._result(Result(other, code, sized.day, size, entry.unit))

    def _stated(self, stated: Stated) -> None:
        state = _STATES.get(stated.clinical, "unknown")
        confirmed = stated.verification == "confirmed"
        if confirmed and state == "unknown":
            self._problem("unknown-code", "clinicalStatus has no code that is known here")
        for entry in stated.entries:
            evidence = frozenset[str]()
            if stated.evidence is not None and stated.evidence[0] in entry.evidence:
                evidence = frozenset({stated.evidence[0]})
            reading = ConditionStated(
                state if confirmed else "unknown",  # type: ignore[arg-type]
                stated.clinical,
                confirmed=confirmed,
                onset=PartialDate.parse(stated.onset),
                evidence=evidence,
                after="unknown" if confirmed and state == "unknown" else "absent",
                qualifiers=self._qualifiers(stated.said),
                codes=frozenset({stated.code}),
            )
            recorded = f"{stated.code[1]}, {stated.verification}, {stated.clinical}"
            self._fact(entry, stated.recorded, recorded, reading)

    def _qualifiers(self, said: Sequence[tuple[str, tuple[str, str]]]) -> Qualifiers:
        keys = dict(said)
        return tuple(
            (each.name, frozenset({each.meanings.get(keys[of])}))
            for of, qualifiers in self.codings.qualifiers.items()
            if of in keys
            for each in qualifiers
        )

    def _course(self, course: Course) -> None:
        start = PartialDate.parse(course.start) if course.start else None
        end = PartialDate.parse(course.end) if course.end else None
        ongoing = end is None and course.status == "active"
        for entry in course.entries:
            if start is None:
                message = f"`{entry.name}` has no readable start and may have begun any day"
                self._problem("undated", message)
            span = f"{course.start or '?'} to {course.end or '?'}"
            therapy = Therapy(start, end, ongoing, course.intent)  # type: ignore[arg-type]
            recorded = f"{course.code[1]}, {course.status}, {span}"
            self._fact(entry, course.start, recorded, therapy)

    def _operation(self, operation: Operation) -> None:
        if operation.day is None:
            message = "no `performedDateTime` or `performedPeriod` or `performedAge`"
            self._problem("undated", message)
        any_day = PartialDate.between(None, None)
        sites = self.codings.qualifiers.get("site", ()) if operation.side else ()
        done = Done(
            operation.side, qualifiers=tuple((each.name, frozenset({None})) for each in sites)
        )
        recorded = ", ".join(filter(None, [operation.code[1], operation.side]))
        for entry in operation.entries:
            self.facts.append(
                Fact(
                    entry=entry.name,
                    resource=self.name,
                    date=PartialDate.parse(operation.day) if operation.day else any_day,
                    recorded=recorded,
                    reading=done,
                )
            )
