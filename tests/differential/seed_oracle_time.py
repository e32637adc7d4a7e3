"""Criteria 7 and 8 of the seed by enumeration of days and intents (README, section 6).

Partial dates and unknown ends stand for many days; trying all their combinations is out of reach.
``candidates`` picks few days, and still misses no behaviour:

    Every test that the criteria make about uncertain days has the form "x >= g(y)" with g monotone
    and y another day; its negation has the same form with x and y swapped (a start after an end, an
    end on an anniversary of a start, a relapse within twelve months of an end, ...). Take any choice
    of days. The tests that it passes and those that it fails are lower bounds, and the least days that
    obey all of them pass and fail the same tests. In that least choice each day is the first of its
    range or a bound reached by a chain of such g from a fixed day; a chain visits each uncertain day
    once, so as many rounds of adding bounds as there are uncertain days (twice as many where two
    choices are compared) find all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache
from itertools import product
from typing import NamedTuple

from seed_oracle_logic import Table, Verdict
from seed_oracle_record import (
    SNOMED,
    Days,
    Medication,
    Record,
    at_least_months,
    codes_of,
    loinc,
    parse_day,
    within_months,
)

CHEMOTHERAPY = {
    "194000": "capecitabine",
    "56946": "paclitaxel",
    "72962": "docetaxel",
    "3639": "doxorubicin",
    "3995": "epirubicin",
    "3002": "cyclophosphamide",
    "12574": "gemcitabine",
    "40048": "carboplatin",
    "39541": "vinorelbine",
    "1045452": "eribulin",
}
ENDOCRINE = {
    "72965": "letrozole",
    "84857": "anastrozole",
    "258494": "exemestane",
    "10324": "tamoxifen",
    "38409": "toremifene",
    "282357": "fulvestrant",
}
DAY = timedelta(days=1)
GAP = timedelta(days=28)
Period = tuple[date, date]
Bounds = Callable[[date], list[date]]


@cache
def first_day(test: str, months: int, day: date) -> date:
    """The first day x that passes the test: ``reach`` x is ``months`` after day; ``short`` day is not
    ``months`` after x; ``late`` x is not within ``months`` after day; ``cover`` day is within
    ``months`` after x."""
    back = test in ("short", "cover")
    steps = day.year * 12 + day.month - 1 + (-months if back else months)
    guess = date(steps // 12, steps % 12 + 1, 1)
    while True:
        if {
            "reach": lambda x: at_least_months(months, day, x),
            "short": lambda x: not at_least_months(months, x, day),
            "late": lambda x: not within_months(months, day, x),
            "cover": lambda x: within_months(months, x, day),
        }[test](guess):
            return guess
        guess += DAY


class Point(NamedTuple):
    """A fixed or uncertain day: s = start, e = end, r = relapse, p = progression, t = as-of."""

    kind: str
    days: Days


def candidates(points: list[Point], bounds: dict[str, Bounds], as_of: date) -> list[list[date]]:
    """For each point the days that suffice; ``bounds["se"](s)``: lower bounds of a start s on an end."""
    found = [{point.days.first} for point in points]
    loose = [i for i, point in enumerate(points) if point.days.first != point.days.last]
    fresh = [set(days) for days in found]
    for _ in range(2 * len(loose)):
        added: list[set[date]] = [set() for _ in points]
        for i in loose:
            low, high = points[i].days
            for j, source in enumerate(points):
                rule = bounds.get(source.kind + points[i].kind)
                if rule is None or i == j:
                    continue
                for day in fresh[j]:
                    added[i].update(b for b in rule(day) if low < b <= high)
            added[i] -= found[i]
        fresh = added
        if not any(fresh):
            break
        for i in loose:
            found[i] |= fresh[i]
    return [sorted(days) for days in found]


class Course(NamedTuple):
    """A record with the periods that its dates allow; None = not started by the as-of date."""

    intent: str | None
    periods: list[Period | None]


def end_days(record: Medication, as_of: date) -> Days:
    if record.end_missing:
        return Days(record.start.first, as_of)
    return record.end or Days(as_of, as_of)


def periods(
    records: list[Medication], others: list[Point], bounds: dict[str, Bounds], as_of: date
) -> tuple[list[Course], list[list[date]]]:
    """The periods of each record (ends cut at the as-of date) and the days of each other point."""
    points = [Point("t", Days(as_of, as_of)), *others]
    for record in records:
        points += [Point("s", record.start), Point("e", end_days(record, as_of))]
    days = candidates(points, bounds, as_of)
    courses = []
    for i, record in enumerate(records):
        starts, ends = days[1 + len(others) + 2 * i], days[2 + len(others) + 2 * i]
        found: set[Period | None] = {None for s in starts if s > as_of}
        found |= {(s, min(e, as_of)) for s in starts if s <= as_of for e in ends if s <= e}
        courses.append(Course(record.intent, sorted(found, key=lambda p: p or (as_of, as_of))))
    return courses, days[1 : 1 + len(others)]


def intents_of(courses: list[Course]) -> Iterable[tuple[str, ...]]:
    """Every intent that the records may have; curative also stands for neoadjuvant, which acts alike."""
    choices = [[c.intent] if c.intent else ["adjuvant", "palliative", "curative"] for c in courses]
    return product(*choices)


# --------------------------------------------------------------- criterion 7: chemotherapy lines


def lines(spans: Iterable[Period]) -> int:
    """The number of lines: periods that share a day, transitively, are one."""
    count, last = 0, date.min
    for start, end in sorted(spans):
        count += start > last
        last = max(last, end)
    return count


LINE_BOUNDS: dict[str, Bounds] = {
    "se": lambda s: [s],
    "es": lambda e: [e + DAY],
    "ts": lambda t: [t + DAY],
}


def chemotherapy_lines(record: Record) -> Verdict:
    relevant = [
        m for m in record.medications if m.drug in CHEMOTHERAPY and m.intent in (None, "palliative")
    ]
    courses, _ = periods(relevant, [], LINE_BOUNDS, record.as_of)
    unrecorded = [0] if record.closed("10160-0") else [0, 1, 2]
    table = Table("chemotherapy", "treatment_intent", "medication_history")
    for dates in product(*(course.periods for course in courses)):
        for intents in intents_of(courses):
            counted = (p for p, i in zip(dates, intents, strict=True) if i == "palliative")
            count = lines(p for p in counted if p is not None)
            for extra in unrecorded:
                table.add(count + extra <= 1, dates, intents, extra)
    return table.verdict()


# ----------------------------------------------------------- criterion 8: relapse and progression


def merged(spans: Iterable[Period]) -> list[Period]:
    """The courses: the next record starts at most 28 days after the end reached so far."""
    found: list[Period] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + GAP:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def relapse_counts(course: Period, relapse: date) -> bool:
    start, end = course
    lasted = relapse >= start and at_least_months(24, start, min(end, relapse))
    return lasted and (relapse <= end or within_months(12, end, relapse))


def progression_counts(course: Period, progression: date) -> bool:
    start, end = course
    return progression >= start and at_least_months(6, start, min(end, progression))


EVENT_BOUNDS: dict[str, Bounds] = {
    "se": lambda s: [s, s - GAP, first_day("reach", 24, s), first_day("reach", 6, s)],
    "es": lambda e: [e + GAP + DAY, first_day("short", 24, e), first_day("short", 6, e)],
    "ts": lambda t: [t + DAY, first_day("short", 24, t), first_day("short", 6, t)],
    "ps": lambda p: [first_day("short", 6, p)],
    "rs": lambda r: [first_day("short", 24, r)],
    "re": lambda r: [first_day("cover", 12, r)],
    "sr": lambda s: [first_day("reach", 24, s)],
    "er": lambda e: [first_day("late", 12, e)],
    "tr": lambda t: [t + DAY],
}


def progressions(record: Record) -> list[date]:
    worsened = (SNOMED, "271299001")
    found = {
        parse_day(observation["effectiveDateTime"])
        for observation in record.all_of(loinc("97509-4"))
        if worsened in codes_of(observation.get("valueCodeableConcept"))
    }
    return sorted(day for day in found if day is not None)


def endocrine_resistance(record: Record) -> Verdict:
    as_of = record.as_of
    relevant = [
        m
        for m in record.medications
        if m.drug in ENDOCRINE and m.intent in (None, "adjuvant", "palliative")
    ]
    relapses, worse = record.relapses(), progressions(record)
    events = [Point("r", days) for days in relapses]
    events += [Point("p", Days(day, day)) for day in worse]
    courses, days = periods(relevant, events, EVENT_BOUNDS, as_of)
    relapse_days = list(product(*days[: len(relapses)]))
    unmentioned = [False] if record.closed("11450-4") else [False, True]

    @cache
    def adjuvant(spans: frozenset[Period], relapse: date) -> bool:
        return relapse <= as_of and any(relapse_counts(c, relapse) for c in merged(spans))

    @cache
    def salvage(spans: frozenset[Period]) -> bool:
        return any(progression_counts(c, day) for c in merged(spans) for day in worse)

    @cache
    def reaches(spans: frozenset[Period], months: int) -> bool:
        return any(at_least_months(months, start, end) for start, end in merged(spans))

    table = Table("endocrine_dates", "treatment_intent", "relapse_date", "progression_date")
    for dates in product(*(course.periods for course in courses)):
        for intents in intents_of(courses):
            of = {
                intent: frozenset(
                    p for p, i in zip(dates, intents, strict=True) if i == intent and p is not None
                )
                for intent in ("adjuvant", "palliative")
            }
            salvaged = salvage(of["palliative"])
            for relapsed in relapse_days:
                base = salvaged or any(adjuvant(of["adjuvant"], day) for day in relapsed)
                for relapse in unmentioned:
                    again = relapse and reaches(of["adjuvant"], 24)
                    for progression in unmentioned:
                        more = progression and reaches(of["palliative"], 6)
                        outcome = base or again or more
                        table.add(outcome, dates, intents, (relapsed, relapse), progression)
    verdict = table.verdict()
    if record.closed("10160-0") or False not in verdict.possible:
        return verdict
    # Under an open medication history an unrecorded course may exist, whatever else is known.
    return Verdict(frozenset([True, False]), verdict.gaps | {"medication_history"})
