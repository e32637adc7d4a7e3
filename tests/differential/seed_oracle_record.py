"""Reading of raw FHIR R4 resources for the seed oracle (README, sections 1, 2, 3, 4 and 5).

Everything here answers one question: which values does the record still allow? Nothing is imported
from ``src``: the oracle must stay independent of the system that it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

Json = dict[str, Any]
Value = TypeVar("Value")

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
AJCC = "http://cancerstaging.org"
UCUM = "http://unitsofmeasure.org"
LOCAL = "http://eligibility.example.org/fhir/CodeSystem/local"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"

USABLE = {
    "Observation": {"final", "amended", "corrected"},
    "MedicationStatement": {"active", "completed", "stopped", "on-hold"},
    "MedicationAdministration": {"in-progress", "completed", "stopped", "on-hold"},
    "Procedure": {"completed"},
}
ONGOING = {"active", "on-hold", "in-progress"}

Code = tuple[str, str]


def loinc(*codes: str) -> frozenset[Code]:
    return frozenset((LOINC, code) for code in codes)


def snomed(*codes: str) -> frozenset[Code]:
    return frozenset((SNOMED, code) for code in codes)


def codes_of(concept: Json | None) -> set[Code]:
    codings = (concept or {}).get("coding", [])
    return {(coding.get("system", ""), coding.get("code", "")) for coding in codings}


def one_code(concept: Json | None, table: dict[Code, Value]) -> Value | None:
    """The meaning of a concept by a code table; None when no code is listed."""
    for code in sorted(codes_of(concept)):
        if code in table:
            return table[code]
    return None


# ------------------------------------------------------------------------------------------- dates


class Days(NamedTuple):
    """All days from ``first`` to ``last``, the meaning of a (partial) date."""

    first: date
    last: date


def parse_days(text: str | None) -> Days | None:
    if not text:
        return None
    if len(text) == 4:
        return Days(date(int(text), 1, 1), date(int(text), 12, 31))
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:7])
        following = date(year + month // 12, month % 12 + 1, 1)
        return Days(date(year, month, 1), following - timedelta(days=1))
    day = date.fromisoformat(text[:10])
    return Days(day, day)


def parse_day(text: str | None) -> date | None:
    days = parse_days(text)
    return days.first if days is not None and days.first == days.last else None


# -------------------------------------------------------------------------------------- quantities

UNITS: dict[str, dict[str, Fraction]] = {
    "hgb": {"g/L": Fraction(1), "g/dL": Fraction(10), "mmol/L": Fraction("16.114")},
    "anc": {
        "10*9/L": Fraction(1),
        "10*3/uL": Fraction(1),
        "/uL": Fraction(1, 1000),
        "{cells}/uL": Fraction(1, 1000),
    },
    "tbil": {"umol/L": Fraction(1), "mg/dL": Fraction("17.104")},
    "alt": {"U/L": Fraction(1)},
    "ast": {"U/L": Fraction(1)},
    "creatinine": {
        "mg/dL": Fraction(1),
        "umol/L": 1 / Fraction("88.4"),
        "mmol/L": 1000 / Fraction("88.4"),
    },
    "clearance": {"mL/min": Fraction(1)},
    "body_weight": {"kg": Fraction(1), "g": Fraction(1, 1000), "[lb_av]": Fraction("0.45359237")},
    "life_expectancy": {
        "d": Fraction(1),
        "wk": Fraction(7),
        "mo": Fraction("30.4375"),
        "a": Fraction("365.25"),
    },
    "lesion": {"mm": Fraction(1), "cm": Fraction(10)},
    "receptor": {"%": Fraction(1)},
}
UNITS["plt"] = UNITS["anc"]


class Span(NamedTuple):
    """An interval of possible values; ``high`` None = unbounded."""

    low: Fraction
    low_in: bool
    high: Fraction | None
    high_in: bool

    def holds(self, value: Fraction) -> bool:
        if value < self.low or (value == self.low and not self.low_in):
            return False
        if self.high is None or value < self.high:
            return True
        return value == self.high and self.high_in

    @property
    def exact(self) -> bool:
        return self.low == self.high


def samples(span: Span, cuts: Iterable[Fraction]) -> list[Fraction]:
    """Points in every cell that the cuts make of ``span``: each cut, and two points of each gap."""
    if span.exact:
        return [span.low]
    edges = {span.low, *cuts}
    if span.high is not None:
        edges.add(span.high)
    inner = sorted(edge for edge in edges if edge >= span.low)
    points = set(inner)
    for left, right in pairwise(inner):
        points |= {left + (right - left) / 3, left + (right - left) * 2 / 3}
    points |= {inner[-1] + 1, inner[-1] + 2}
    return sorted(point for point in points if span.holds(point))


def factor_of(quantity: Json, element: str) -> Fraction | None:
    if quantity.get("system", UCUM) != UCUM:
        return None
    return UNITS[element].get(quantity.get("code", ""))


def span_of(quantity: Json | None, element: str) -> Span | None:
    """The possible values of a quantity in the element's first unit; None = it cannot be read."""
    if not quantity or "value" not in quantity:
        return None
    factor = factor_of(quantity, element)
    if factor is None:
        return None
    value = Fraction(quantity["value"]) * factor
    comparator = quantity.get("comparator")
    if comparator is None:
        return Span(value, True, value, True)
    if comparator in ("<", "<="):
        return Span(Fraction(0), False, value, comparator == "<=")
    if comparator in (">", ">="):
        return Span(value, comparator == ">=", None, False)
    return None


SEX_CODES = {(SNOMED, "248152002"): "female", (SNOMED, "248153007"): "male"}


class Reading(NamedTuple):
    """One possible value with the upper limits of normal of that same observation, by sex."""

    span: Span
    uln: tuple[tuple[str, Fraction | None], ...]

    def limit(self, sex: str) -> Fraction | None:
        return dict(self.uln)[sex]


def uln_of(observation: Json, element: str, sex: str) -> Fraction | None:
    general: list[Json] = []
    special: list[Json] = []
    for entry in observation.get("referenceRange", []):
        if "high" not in entry:
            continue
        groups = [one_code(concept, SEX_CODES) for concept in entry.get("appliesTo", [])]
        if not groups:
            general.append(entry["high"])
        elif sex in groups:
            special.append(entry["high"])
    for high in special or general:
        source = high if "code" in high else observation["valueQuantity"]
        factor = factor_of(source, element)
        return None if factor is None else Fraction(high["value"]) * factor
    return None


# ----------------------------------------------------------------------------------------- records


class Medication(NamedTuple):
    """A usable record; ``end`` None = ongoing, or with ``end_missing`` ended on an unknown day."""

    drug: str
    intent: str | None
    start: Days
    end: Days | None
    end_missing: bool


INTENTS = {
    (SNOMED, "373846009"): "adjuvant",
    (SNOMED, "373847000"): "neoadjuvant",
    (SNOMED, "363676003"): "palliative",
    (SNOMED, "373808002"): "curative",
}

SITES: dict[str, frozenset[Code]] = {
    "liver": snomed("94381002") | {(ICD10, "C78.7")},
    "lung": snomed("94391008") | {(ICD10, "C78.00")},
    "bone": snomed("94222008") | {(ICD10, "C79.51")},
    "brain": snomed("94225005") | {(ICD10, "C79.31")},
    "any": snomed("128462008"),
}
BREAST_CANCER = snomed("254837009") | {(ICD10, "C50.919")}


class Record:
    """The usable facts of one bundle, as of one day."""

    def __init__(self, bundle: Json, as_of: date) -> None:
        self.as_of = as_of
        self.resources: list[Json] = [entry["resource"] for entry in bundle.get("entry", [])]
        self.patient = next(r for r in self.resources if r["resourceType"] == "Patient")
        gender = self.patient.get("gender")
        self.sexes = [gender] if gender in ("female", "male") else ["female", "male"]
        self.observations = [r for r in self.resources if self._observed(r)]
        self.conditions = [
            r
            for r in self.resources
            if r["resourceType"] == "Condition"
            and self._seen(r.get("recordedDate"))
            and self._status(r, "verificationStatus") != "entered-in-error"
        ]
        self.medications = [m for r in self.resources if (m := self._medication(r)) is not None]

    def _seen(self, text: str | None) -> bool:
        day = parse_day(text)
        return day is not None and day <= self.as_of

    def _usable(self, resource: Json) -> bool:
        return resource.get("status") in USABLE.get(resource["resourceType"], set())

    def _observed(self, resource: Json) -> bool:
        return (
            resource["resourceType"] == "Observation"
            and self._usable(resource)
            and self._seen(resource.get("effectiveDateTime"))
            and "dataAbsentReason" not in resource
        )

    @staticmethod
    def _status(condition: Json, field: str) -> str | None:
        codings = condition.get(field, {}).get("coding", [])
        return codings[0].get("code") if codings else None

    def _medication(self, resource: Json) -> Medication | None:
        if resource["resourceType"] not in ("MedicationStatement", "MedicationAdministration"):
            return None
        period = resource.get("effectivePeriod", {})
        start, end = parse_days(period.get("start")), parse_days(period.get("end"))
        if not self._usable(resource) or start is None or start.first > self.as_of:
            return None
        drug = codes_of(resource.get("medicationCodeableConcept"))
        intent = None
        for extension in resource.get("extension", []):
            if extension.get("url") == MCODE + "mcode-procedure-intent":
                intent = one_code(extension.get("valueCodeableConcept"), INTENTS)
        missing = end is None and resource["status"] not in ONGOING
        if end is not None and resource["status"] in ONGOING and end.last < self.as_of:
            end = Days(end.first, date.max)  # it goes on although it has ended: either may be so
        name = next((code for system, code in sorted(drug) if system == RXNORM), "")
        return Medication(name, intent, start, end, missing)

    def closed(self, code: str) -> bool:
        return any(
            r["resourceType"] == "List"
            and r.get("status") == "current"
            and r.get("mode") == "snapshot"
            and codes_of(r.get("code")) & loinc(code)
            and self._seen(r.get("date"))
            for r in self.resources
        )

    def all_of(self, codes: frozenset[Code]) -> list[Json]:
        return [o for o in self.observations if codes_of(o["code"]) & codes]

    def newest(self, codes: frozenset[Code]) -> list[Json]:
        """The usable observations of the latest day that has any."""
        found = self.all_of(codes)
        last = max((parse_day(o["effectiveDateTime"]) or date.min for o in found), default=None)
        return [o for o in found if parse_day(o["effectiveDateTime"]) == last]

    def latest(self, codes: frozenset[Code]) -> list[Json]:
        """The newest without those that one at a later time of the same day follows."""
        found = self.newest(codes)
        times = [_time(o["effectiveDateTime"]) for o in found]
        last = max((time for time in times if time is not None), default=None)
        return [o for o, time in zip(found, times, strict=True) if time in (None, last)]

    def values(
        self, codes: frozenset[Code], read: Callable[[Json], Iterable[Value] | None]
    ) -> set[Value] | None:
        """All values that the newest results allow; None = anything (none, or one unreadable)."""
        found: set[Value] = set()
        for observation in self.latest(codes):
            values = read(observation)
            if values is None:
                return None
            found |= set(values)
        return found or None

    def readings(self, codes: frozenset[Code], element: str) -> list[Reading] | None:
        """The distinct newest results with their limits of normal; None = anything."""

        def read(observation: Json) -> Sequence[Reading] | None:
            span = span_of(observation.get("valueQuantity"), element)
            if span is None:
                return None
            uln = tuple((sex, uln_of(observation, element, sex)) for sex in self.sexes)
            return [Reading(span, uln)]

        found = self.values(codes, read)
        return None if found is None else sorted(found, key=repr)

    def at_least(self, codes: frozenset[Code], element: str, limit: Fraction) -> set[bool]:
        """Which answers to "value >= limit" are possible."""
        readings = self.readings(codes, element)
        if readings is None:
            return {True, False}
        return {v >= limit for r in readings for v in samples(r.span, [limit])}

    def ages(self) -> list[int] | None:
        """The completed years that the birth date allows; None when there is none."""
        days = parse_days(self.patient.get("birthDate"))
        if days is None:
            return None
        count = (days.last - days.first).days + 1
        return sorted({age(days.first + timedelta(days=i), self.as_of) for i in range(count)})

    def statement(self, codes: frozenset[Code]) -> str | None:
        """``present``, ``absent``, ``unknown`` (stated so, or in conflict); None = not stated."""
        found: list[tuple[date, str]] = []
        for condition in self.conditions:
            if codes_of(condition.get("code")) & codes:
                day = parse_day(condition["recordedDate"]) or date.min
                found.append((day, self._condition_value(condition)))
        for observation in self.all_of(frozenset(c for c in codes if c[0] == SNOMED)):
            table = {(SNOMED, "52101004"): "present", (SNOMED, "2667000"): "absent"}
            value = one_code(observation.get("valueCodeableConcept"), table)
            if "valueBoolean" in observation:
                value = "present" if observation["valueBoolean"] else "absent"
            day = parse_day(observation["effectiveDateTime"]) or date.min
            found.append((day, value or "unknown"))
        if not found:
            return None
        last = max(day for day, _ in found)
        said = {value for day, value in found if day == last}
        return said.pop() if len(said) == 1 else "unknown"

    def _condition_value(self, condition: Json) -> str:
        verification = self._status(condition, "verificationStatus")
        clinical = self._status(condition, "clinicalStatus")
        if verification == "refuted" or clinical in ("inactive", "remission", "resolved"):
            return "absent"
        if verification == "confirmed" and clinical in (None, "active", "recurrence", "relapse"):
            return "present"
        return "unknown"

    def confirmed(self, codes: frozenset[Code]) -> list[Json]:
        return [
            c
            for c in self.conditions
            if codes_of(c.get("code")) & codes
            and self._status(c, "verificationStatus") == "confirmed"
        ]

    def relapses(self) -> list[Days]:
        """The possible days of each recorded relapse; no onset = any day up to the as-of date."""
        found: set[Days] = set()
        for condition in self.confirmed(BREAST_CANCER.union(*SITES.values())):
            if self._status(condition, "clinicalStatus") in ("recurrence", "relapse"):
                onset = parse_days(condition.get("onsetDateTime"))
                found.add(onset or Days(date(1900, 1, 1), self.as_of))
        return sorted(days for days in found if days.first <= self.as_of)


# ---------------------------------------------------------------------------------------- calendar


def at_least_months(months: int, earlier: date, later: date) -> bool:
    """On or after the anniversary (section 4): no clamping to month ends."""
    steps = 12 * (later.year - earlier.year) + later.month - earlier.month
    return (steps, later.day) >= (months, earlier.day)


def within_months(months: int, earlier: date, later: date) -> bool:
    """On or before the anniversary."""
    steps = 12 * (later.year - earlier.year) + later.month - earlier.month
    return (steps, later.day) <= (months, earlier.day)


def age(birth: date, day: date) -> int:
    years = day.year - birth.year
    while not at_least_months(12 * years, birth, day):
        years -= 1
    return years


def _time(written: str) -> datetime | None:
    """The moment of a dateTime with an offset; None without one."""
    moment = datetime.fromisoformat(written) if "T" in written else None
    return moment if moment is not None and moment.tzinfo is not None else None
