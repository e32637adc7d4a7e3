"""Draws patients of a protocol: what it asks for is recorded, by shares, also at its limits.

The n-th patient of a seed is the same whatever else is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Literal

from protocol_logic.compiling.plan import NOT_RECORDED, Finding
from protocol_logic.foundation.calendar import last_start_reached
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.knowledge.vocabulary import (
    Age,
    Code,
    Consent,
    Lesion,
    Quantity,
    Status,
)
from protocol_logic.pipeline import Compiled
from protocol_logic.records.facts import PatientRecord

from . import numbers
from .as_facts import record_of
from .as_fhir import bundle_of
from .drawn import (
    NO_DATE,
    Answer,
    Bound,
    Listed,
    Noise,
    Patient,
    Person,
    Result,
    Signed,
    Sized,
)
from .parts import Parts
from .shares import Shares
from .statements import AS_OF, DAY, PREFERRED, Statements

_SOURCE = "made"


class Drawing:
    """Draws patients of one protocol."""

    def __init__(self, compiled: Compiled, shares: Shares | None = None, seed: int = 1) -> None:
        self.compiled = compiled
        self.shares = shares or Shares()
        self.seed = seed
        self.parts = Parts(compiled)

    def patients(self, count: int, first: int = 0) -> Iterator[Patient]:
        """So many patients, from the number `first`."""
        for number in range(first, first + count):
            rng = Random(f"{self.seed}/{number}")
            yield _Drawer(self.parts, self.shares, rng).patient(f"p{number}")

    def records(self, count: int, first: int = 0) -> Iterator[PatientRecord]:
        """The records that reading the FHIR of these patients gives."""
        return (record for _, record in self.made(count, first))

    def made(self, count: int, first: int = 0) -> Iterator[tuple[Patient, PatientRecord]]:
        """The patients with these records."""
        for patient in self.patients(count, first):
            yield patient, record_of(patient, AS_OF, self.compiled.codings, _SOURCE)

    def bundles(self, count: int, first: int = 0) -> Iterator[bytes]:
        """These patients as lines of NDJSON, a FHIR Bundle each."""
        for patient in self.patients(count, first):
            yield bundle_of(patient, AS_OF)


class _Drawer(Statements):
    """Draws one patient."""

    def patient(self, identity: str) -> Patient:
        """What is drawn of the patient."""
        person = self._person()
        for entry, code in self.parts.quantities:
            self._results(entry, code)
        for status, code, answers in self.parts.statuses:
            self._answer(status, code, answers)
        for lesion in self.parts.lesions:
            self._lesion(lesion)
        for consent in self.parts.consents:
            self._consent(consent)
        for history in self.parts.histories:
            state = self.shares.state(self.rng)
            if state != "missing":
                day = self.partial(self._recent(), state)
                self.drawn.append(Listed(history, history.codes[0], day))
        for concept, wanted, codes in self.parts.concepts:
            self.concept(concept, wanted, codes)
        for _ in range(self.shares.noise if self.parts.noise else 0):
            key = self.rng.choice(self.parts.noise)
            day = (AS_OF - timedelta(days=self.rng.randrange(400))).isoformat()
            self.drawn.append(Noise(key, day, str(self.rng.randrange(1, 200))))
        return Patient(identity, person, tuple(self.drawn))

    # ---- days and cells ----------------------------------------------------------------------

    def _recent(self, windows: Iterable[Finding] = ()) -> date:
        """A day of the last weeks, mostly in the windows of some findings."""
        spans = [f.window for f in windows if f.window is not None and f.window.unit != "ever"]
        if spans:
            first = max(window.first_day(AS_OF) for window in spans)
            return AS_OF - timedelta(days=self.rng.randrange((AS_OF - first).days + 2))
        return AS_OF - timedelta(days=self.rng.randrange(28))

    def _edge(self, windows: Iterable[Finding]) -> date | None:
        """The first day of a window, or the day before it."""
        spans = [f.window for f in windows if f.window is not None and f.window.unit != "ever"]
        if not spans:
            return None
        return self.rng.choice(spans).first_day(AS_OF) - self.rng.choice((0, 1)) * DAY

    def _cell(self, finding: Finding) -> str:
        """A cell of what is recorded: for a patient who is to fit, mostly one that fits."""
        fitting = self.parts.fitting.cells.get(finding.id)
        cells = [c for c in finding.cells if c != NOT_RECORDED]
        own = [c for c in cells if not fitting or c in fitting]
        fits = self.fits and self.rng.random() < PREFERRED
        return self.rng.choice(own if fits and own else cells)

    # ---- the patient -------------------------------------------------------------------------

    def _person(self) -> Person:
        gender, birth = None, None
        state = self.shares.state(self.rng)
        if self.parts.sexes is not None and state != "missing":
            sex = next(iter(self.parts.by_entry.get(self.parts.sexes.name, ())), None)
            gender = self.rng.choice(self.parts.sexes.values)
            if sex is not None:
                values = dict(zip(sex.cells, sex.values, strict=True))[self._cell(sex)]
                gender = self.rng.choice(values or self.parts.sexes.values)
            gender = "other" if state == "unreadable" else gender
        state = self.shares.state(self.rng)
        if self.parts.compiled.codings.fields.get("birthDate") and state != "missing":
            born = self._born(state == "borderline")
            birth = NO_DATE if state == "unreadable" else self.partial(born, state)
        return Person(gender, birth)

    def _born(self, borderline: bool) -> date:
        limits = [(f, cut) for f in self.parts.ages for cut in _cuts(f)]
        if borderline and limits:
            finding, cut = self.rng.choice(limits)
            entry = self.parts.compiled.protocol.vocabulary.entries[finding.entry]
            unit = entry.unit if isinstance(entry, Age) else "a"
            number = cut.numerator // cut.denominator
            if unit == "d":
                return AS_OF - timedelta(days=number - self.rng.choice((-1, 0, 1)))
            reached = last_start_reached(AS_OF, number * (12 if unit == "a" else 1))
            return reached + self.rng.choice((-1, 0, 1)) * DAY
        years = self.rng.randrange(25, 86)
        for finding in self.parts.ages:
            part = dict(finding.parts).get(self._cell(finding))
            if part is not None and not part.contains(years):
                low = part.lo or Fraction(0)
                high = part.hi if part.hi is not None else max(low + 1, Fraction(90))
                years = int(low + (high - low) * Fraction(self.rng.randrange(1, 100), 100))
        return AS_OF - timedelta(days=int(years * 365.25) + self.rng.randrange(365))

    # ---- numbers -----------------------------------------------------------------------------

    def _results(self, entry: Quantity, code: Code) -> None:
        rng, state = self.rng, self.shares.state(self.rng)
        findings = [
            f for f in self.parts.by_entry.get(entry.name, ()) if f.kind in ("number", "ratio")
        ]
        if state == "missing":
            return
        day = self._recent(findings)
        if state == "unreadable":
            self.drawn.append(Result(entry, code, day.isoformat(), None, ""))
            return
        bounds = self._bounds(entry, findings)
        finding = rng.choice(findings) if findings else None
        scale = self._scale(finding, bounds)
        value = self._number(entry, finding, scale)
        ways = ["date", "sign", "twice"] if state == "imprecise" else []
        way = rng.choice(ways) if ways else ""
        text = self.partial(day, "imprecise") if way == "date" else day.isoformat()
        if state == "borderline" and finding is not None:
            edge = self._edge(findings)
            if edge is not None and rng.random() < 0.5:
                text = edge.isoformat()
            else:
                value = numbers.beside(rng, entry, rng.choice(_cuts(finding)) * scale)
        signs = [sign for sign in ("<", "<=", ">", ">=") if numbers.may_be(entry, value, sign)]
        sign = rng.choice(signs) if way == "sign" and signs else ""
        first = self._result(entry, code, text, value, bounds, sign)
        self.drawn.append(first)
        if way == "twice":
            self._again(first, self._number(entry, finding, scale), bounds)
        elif state == "conflicting":
            self._again(first, self._other_side(entry, finding, scale, value), bounds)
        elif rng.random() < 0.2:
            before = (day - timedelta(days=rng.randrange(1, 200))).isoformat()
            older = self._number(entry, finding, scale)
            self.drawn.append(self._result(entry, code, before, older, bounds))

    def _again(self, first: Result, value: Fraction, bounds: Sequence[Bound]) -> None:
        again = self._result(first.entry, first.code, first.day, value, bounds)
        self.drawn.append(again)

    def _result(
        self,
        entry: Quantity,
        code: Code,
        day: str,
        value: Fraction,
        bounds: Sequence[Bound],
        sign: str = "",
    ) -> Result:
        limits = [Fraction(bound.number) for bound in bounds]
        unit, texts = numbers.written(self.rng, entry, [value, *limits])
        own = tuple(replace(b, number=t) for b, t in zip(bounds, texts[1:], strict=True))
        return Result(entry, code, day, texts[0], unit, sign, own)

    def _number(self, entry: Quantity, finding: Finding | None, scale: Fraction) -> Fraction:
        if finding is None:
            low, high = numbers.usual(entry)
            return numbers.inside(self.rng, entry, Interval(low, True, high, True), Fraction(1))
        parts = dict(finding.parts)
        cell = self._cell(finding)
        part = parts.get(cell) or self.rng.choice(list(parts.values()))
        return numbers.inside(self.rng, entry, part, scale)

    def _other_side(
        self, entry: Quantity, finding: Finding | None, scale: Fraction, value: Fraction
    ) -> Fraction:
        """A number in another cell."""
        others = [
            part
            for part in (finding.ranges if finding is not None else ())
            if not part.contains(value / scale)
        ]
        if not others:
            return numbers.plausible(entry, value * 2 + 1)
        return numbers.inside(self.rng, entry, self.rng.choice(others), scale)

    def _bounds(self, entry: Quantity, findings: Sequence[Finding]) -> list[Bound]:
        """The limits of normal that the result states, in the canonical unit: for all, or for each
        sex."""
        found: list[Bound] = []
        for end in dict.fromkeys(f.detail for f in findings if f.kind == "ratio"):
            if self.rng.random() < self.shares.missing:
                continue
            low, high = numbers.normal(entry)
            limit = high if end == "ULN" else low
            side: Literal["ULN", "LLN"] = "ULN" if end == "ULN" else "LLN"
            sexes: tuple[str | None, ...] = (None,)
            if self.rng.random() < 0.1:
                sexes = ("female", "male")
            for sex in sexes:
                own = limit * Fraction(4, 5) if sex == "female" else limit
                found.append(Bound(side, decimal_text(numbers.rounded(own, own)), sex))
        return found

    def _scale(self, finding: Finding | None, bounds: Sequence[Bound]) -> Fraction:
        """What the cells of a finding are multiples of."""
        if finding is None or finding.kind != "ratio":
            return Fraction(1)
        of_end = [Fraction(bound.number) for bound in bounds if bound.end == finding.detail]
        return self.rng.choice(of_end) if of_end else Fraction(1)

    # ---- answers, lesions, consents ----------------------------------------------------------

    def _answer(self, entry: Status, code: Code, answers: dict[str, tuple[str, str]]) -> None:
        rng, state = self.rng, self.shares.state(self.rng)
        if state == "missing":
            return
        findings = [
            f for f in self.parts.by_entry.get(entry.name, ()) if f.kind in ("value", "recorded")
        ]
        day = self._recent(findings)
        if state == "borderline":
            day = self._edge(findings) or day
        values = list(answers)
        chosen = rng.choice(values)
        if findings:
            finding = rng.choice(findings)
            named = dict(zip(finding.cells, finding.values, strict=False))
            fitting = [v for v in named.get(self._cell(finding), ()) if v in answers]
            chosen = rng.choice(fitting or values)
        pairs: tuple[tuple[tuple[str, str], str], ...] = ((answers[chosen], chosen),)
        other = rng.choice([v for v in values if v != chosen] or values)
        text = day.isoformat()
        if state == "unreadable":
            pairs = ()
        elif state == "imprecise" and rng.random() < 0.5:
            pairs += ((answers[other], other),) if other != chosen else ()
        elif state == "imprecise":
            text = self.partial(day, state)
        self.drawn.append(Answer(entry, code, text, pairs))
        if state == "conflicting":
            self.drawn.append(Answer(entry, code, text, ((answers[other], other),)))

    def _lesion(self, entry: Lesion) -> None:
        rng, state = self.rng, self.shares.state(self.rng)
        if state == "missing":
            return
        day = self._recent()
        site = rng.choice([*entry.sites, "other", "other"])
        text = self.partial(day, state)
        for _ in range(2 if state == "conflicting" else 1):
            sizes: list[tuple[str, str | None]] = []
            for axis in entry.axes:
                size = Fraction(rng.randrange(40, 600), 10)
                limits = [x.at_least for x in entry.limits if x.axis == axis and x.at_least]
                if state == "borderline" and limits:
                    size = rng.choice(limits) + Fraction(rng.choice((-1, 0, 1)), 10)
                elif self.fits:
                    size += 15
                sizes.append((axis, None if state == "unreadable" else decimal_text(size)))
            self.drawn.append(Sized(entry, text, tuple(sizes), site))

    def _consent(self, entry: Consent) -> None:
        rng, state = self.rng, self.shares.state(self.rng)
        if state == "missing":
            return
        day = self.partial(self._recent(), state)
        active = rng.random() < (0.98 if self.fits else 0.8)
        status: Literal["active", "inactive", "draft"] = "active" if active else "inactive"
        self.drawn.append(Signed(entry, day, "draft" if state == "unreadable" else status))
        if state == "conflicting":
            self.drawn.append(Signed(entry, day, "inactive" if active else "active"))


def _cuts(finding: Finding) -> list[Fraction]:
    """The limits between the cells of a finding."""
    return sorted({end for part in finding.ranges for end in (part.lo, part.hi) if end is not None})
