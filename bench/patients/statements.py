"""Draws what a record states of conditions, medications and procedures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Literal

from protocol_logic.compiling.core import Duration
from protocol_logic.compiling.plan import Courses
from protocol_logic.foundation.calendar import first_day_reaching
from protocol_logic.knowledge.vocabulary import Concept
from protocol_logic.records.codings import Key

from .drawn import INTENTS, Answer, Course, Drawn, Operation, Order, Stated
from .parts import Parts
from .shares import Shares

AS_OF = date(2026, 11, 2)
"""The day of judgement of all patients."""
DAY = timedelta(days=1)
PREFERRED = 0.99
"""How often what fits is drawn for a patient who is to fit."""


class Statements:
    """One patient being drawn."""

    def __init__(self, parts: Parts, shares: Shares, rng: Random) -> None:
        self.parts = parts
        self.shares = shares
        self.rng = rng
        self.fits = rng.random() < shares.fitting
        self.drawn: list[Drawn] = []

    def partial(self, day: date, state: str) -> str:
        """The day as written; of an imprecise one, its month, or its year."""
        return (
            day.isoformat()[: self.rng.choice((4, 7, 7))]
            if state == "imprecise"
            else day.isoformat()
        )

    def concept(
        self,
        concept: Concept,
        wanted: bool | None,
        codes: Sequence[tuple[Key, tuple[Concept, ...]]],
    ) -> None:
        rng = self.rng
        share = self.shares.prevalence
        if wanted is not None and self.fits:
            share = PREFERRED if wanted else share / 4
        elif wanted:
            share = 0.5
        if rng.random() >= share:
            return
        courses = self.parts.compiled.plan.courses.get(concept.name)
        if self.fits and courses is not None and self._fitting_course(courses, codes):
            return
        for _ in range(rng.choice((1, 1, 1, 2))):
            key, entries = rng.choice(codes)
            state = self.shares.state(rng)
            if concept.kind in ("condition", "allergy"):
                self._stated(entries, key, state)
            elif concept.kind == "procedure":
                self._operation(concept, entries, key, state)
            else:
                self._course(concept, entries, key, state)

    def _past(self, concept: str, state: str) -> date:
        """A day before: of a borderline one, the edge of a window in which the concept is asked
        for, or the day beside it."""
        windows = [
            window
            for finding in self.parts.by_entry.get(concept, ())
            if finding.occurrence is not None
            for window in finding.occurrence.windows
            if window.unit != "ever"
        ]
        if windows and state == "borderline":
            return self.rng.choice(windows).first_day(AS_OF) - self.rng.choice((0, 1)) * DAY
        return AS_OF - timedelta(days=self.rng.randrange(20, 1200))

    def _stated(self, entries: tuple[Concept, ...], key: Key, state: str) -> None:
        rng = self.rng
        onset = self._past(entries[0].name, state)
        recorded = min(onset + timedelta(days=rng.randrange(15)), AS_OF)
        goes_on = rng.random() < (PREFERRED if self.fits else 0.9)
        clinical = rng.choice(self.parts.clinical) if goes_on else "resolved"
        verification = "confirmed"
        text = onset.isoformat()
        if state == "imprecise" and rng.random() < 0.5:
            verification = "provisional"
        elif state == "imprecise":
            text = self.partial(onset, state)
        elif state == "unreadable":
            clinical = "?"
        named = [(name, codes[0].key) for e in entries for name, codes in e.evidence.items()]
        findings = [f for e in entries for f in self.parts.by_entry.get(e.name, ())]
        asked = {finding.detail for finding in findings if finding.kind == "evidence"}
        if self.fits:
            named = [each for each in named if each[0] in asked] or named
        evidence = rng.choice(named) if named and rng.random() < 0.9 else None
        kind = entries[0].kind
        said = tuple(
            (of, rng.choice(sorted(qualifiers[0].meanings)))
            for of, qualifiers in self.parts.compiled.codings.qualifiers.items()
            if kind == "condition" and qualifiers[0].meanings and rng.random() < 0.5
        )
        drawn = Stated(
            entries, key, clinical, verification, text, recorded.isoformat(), evidence, said
        )
        self.drawn.append(drawn)
        if state == "conflicting":
            other = "active" if clinical == "resolved" else "resolved"
            self.drawn.append(replace(drawn, clinical=other))

    def _operation(
        self, concept: Concept, entries: tuple[Concept, ...], key: Key, state: str
    ) -> None:
        asked = any(f.kind == "both_sides" for f in self.parts.by_entry.get(concept.name, ()))
        side: Literal["both", "left", "right"] | None = None
        if asked and (state != "imprecise" or self.rng.random() < 0.5):
            side = self.rng.choice(("both", "left", "right"))
        day = self.partial(self._past(concept.name, state), state)
        self.drawn.append(Operation(entries, key, None if state == "unreadable" else day, side))

    def _course(self, concept: Concept, entries: tuple[Concept, ...], key: Key, state: str) -> None:
        rng = self.rng
        if rng.random() < 0.03:
            day = self._past(concept.name, state).isoformat()
            self.drawn.append(Order(entries, key, day))
            return
        start = self._past(concept.name, state)
        if concept.name in self.parts.compiled.plan.courses:
            start = AS_OF - timedelta(days=rng.randrange(200, 2600))
        end: date | None = min(start + timedelta(days=rng.randrange(30, 1800)), AS_OF)
        if rng.random() < 0.3:
            end = None
        first: str | None = start.isoformat()
        last = end.isoformat() if end is not None else None
        status = "active" if end is None else "completed"
        intent: str | None = rng.choice(sorted(INTENTS))
        way = rng.randrange(3) if state == "imprecise" else -1
        if way == 0:
            first = self.partial(start, state)
            if last is not None and last < first:
                last = None
        elif way == 1:
            intent = None
        elif way == 2:
            last, status = None, "completed"
        elif state == "unreadable":
            first = None
        elif state == "borderline":
            last = self._anniversary(concept.name, start)
            status = "completed"
        self.drawn.append(Course(entries, key, status, first, last, intent))

    def _fitting_course(
        self, courses: Courses, codes: Sequence[tuple[Key, tuple[Concept, ...]]]
    ) -> bool:
        """A course with an event as a pattern asks, days apart from its limits; False: it is a
        pattern of an event that is no condition."""
        rng, pattern = self.rng, self.rng.choice(courses.patterns)
        event = self.parts.events[pattern.event]
        stated = [
            each
            for concept, _, kinds in self.parts.concepts
            for each in kinds
            if {concept.name, *(e.name for e in each[1])}.intersection(event.concepts)
        ]
        answers = [each for each in self.parts.statuses if each[0].name == event.status]
        if not (stated and event.statuses) and not answers:
            return False
        lasted = max([c.months for c in pattern.clauses if isinstance(c, Duration)], default=1)
        start = AS_OF - timedelta(days=31 * (lasted + 16) + rng.randrange(400))
        end = start + timedelta(days=31 * lasted + rng.randrange(1, 120))
        happened = end + timedelta(days=rng.randrange(1, 28))
        key, entries = rng.choice(codes)
        intent = pattern.intent or rng.choice(sorted(INTENTS))
        course = Course(entries, key, "completed", start.isoformat(), end.isoformat(), intent)
        self.drawn.append(course)
        day = happened.isoformat()
        if answers:
            entry, code, known = answers[0]
            if event.value in known:
                value = event.value or ""
                self.drawn.append(Answer(entry, code, day, ((known[value], value),)))
        else:
            code_of, kinds = rng.choice(stated)
            clinical = rng.choice(event.statuses)
            self.drawn.append(Stated(kinds, code_of, clinical, "confirmed", day, day, None))
        return True

    def _anniversary(self, concept: str, start: date) -> str:
        """A day at which a course has lasted just as long as a pattern asks, or the day beside."""
        courses = self.parts.compiled.plan.courses.get(concept)
        months = [
            number
            for pattern in (courses.patterns if courses is not None else ())
            for clause in pattern.clauses
            if (number := getattr(clause, "months", 0))
        ]
        day = first_day_reaching(start, self.rng.choice(months)) if months else start + 28 * DAY
        return max(min(day + self.rng.choice((-1, 0, 1)) * DAY, AS_OF), start).isoformat()
