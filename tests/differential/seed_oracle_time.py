"""Criteria 7 and 8 of the seed by enumeration of days and intents (README, section 6).

Partial dates and unknown ends stand for many days; trying all their combinations is out of reach.
``candidates`` picks few days, and still misses no behaviour:

    Every test that the criteria make about uncertain days has the form "x >= g(y)" with g monotone
    and y another day; its negation has the same form with x and y swapped (a start after an end, an
    end on an anniversary of a start, a relapse within twelve months of an end, ...). Take any
    choice of days. The tests that it passes and those that it fails are lower bounds, and the least
    days that obey all of them pass and fail the same tests. In that least choice each day is the
    first of its range or a bound reached by a chain of such g from a fixed day; a chain visits each
    uncertain day once, so as many rounds of adding bounds as there are uncertain days (twice as
    many where two choices are compared) find all of them.

Of the days so found those are dropped that do the same in every test as one that is kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache
from itertools import product
from math import prod
from typing import NamedTuple

from tests.differential.seed_oracle_logic import Choice, Table, Verdict
from tests.differential.seed_oracle_record import (
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
MOST = 2_000_000
ANY = frozenset(["adjuvant", "palliative"])
Period = tuple[date, date]
Intents = frozenset[str]
Bounds = Callable[[date, Intents], list[date]]


@cache
def first_day(test: str, months: int, day: date) -> date:
    """The first day x that passes the test.

    ``reach``: x is ``months`` after day; ``short``: day is not ``months`` after x; ``late``: x is
    not within ``months`` after day; ``cover``: day is within ``months`` after x.
    """
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
    """A fixed or uncertain day: s = start, e = end, r = relapse, p = progression, t = as-of.

    Days are compared only for an intent that both may be about.
    """

    kind: str
    days: Days
    intents: Intents


def bounds_from(
    source: Point, days: Iterable[date], target: Point, rules: dict[str, Bounds]
) -> set[date]:
    """The days at which the target's day changes a test against one of the source's days."""
    rule, common = rules.get(source.kind + target.kind), source.intents & target.intents
    if rule is None or not common:
        return set()
    return {bound for day in days for bound in rule(day, common)}


def candidates(points: list[Point], rules: dict[str, Bounds]) -> list[list[date]]:
    """For each point the days that suffice."""
    found = [{point.days.first} for point in points]
    loose = [i for i, point in enumerate(points) if point.days.first != point.days.last]
    # Two choices of therapy days hang together only through an uncertain relapse between them.
    events = any(points[i].kind == "r" for i in loose)
    fresh = [set(days) for days in found]
    for _ in range(2 * len(loose) if events else len(loose)):
        added: list[set[date]] = [set() for _ in points]
        for i in loose:
            low, high = points[i].days
            for j, source in enumerate(points):
                if i != j:
                    bounds = bounds_from(source, fresh[j], points[i], rules)
                    added[i] |= {bound for bound in bounds if low < bound <= high}
            added[i] -= found[i]
        for i in loose:
            found[i] |= added[i]
        fresh = added
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
    records: list[Medication], events: list[Point], rules: dict[str, Bounds], as_of: date
) -> tuple[list[Course], list[list[date]]]:
    """The periods of each record (ends cut at the as-of date) and the days of each event."""
    points = [Point("t", Days(as_of, as_of), ANY), *events]
    for record in records:
        intents = frozenset([record.intent]) if record.intent else ANY
        points.append(Point("s", record.start, intents))
        points.append(Point("e", end_days(record, as_of), intents))
    days = candidates(points, rules)
    found: list[list[Period | None]] = []
    for place in range(1 + len(events), len(points), 2):
        starts, ends = days[place], days[place + 1]
        spans = {(s, min(e, as_of)) for s in starts if s <= as_of for e in ends if s <= e}
        found.append([*([None] if starts[-1] > as_of else []), *sorted(spans)])
    if not all(found):
        raise ValueError("a record ends before it starts: the README does not say what that means")
    for _ in range(2):
        for i in range(len(records)):
            place = 1 + len(events) + 2 * i
            found[i] = distinct(found[i], points, days, place, rules)
            days[place] = sorted({span[0] for span in found[i] if span})
            days[place + 1] = sorted({span[1] for span in found[i] if span})
        for k in range(1, 1 + len(events)):
            steps = thresholds(points, days, (k,), k, rules)
            days[k] = list({bisect_right(steps, day): day for day in days[k]}.values())
    courses = [Course(r.intent, spans) for r, spans in zip(records, found, strict=True)]
    many = prod(len(course.periods) * (1 if course.intent else 3) for course in courses)
    if many * prod(len(days[k]) for k in range(1, 1 + len(events))) > MOST:
        raise OverflowError(f"more than {MOST} completions of one patient's therapy")
    return courses, days[1 : 1 + len(events)]


def thresholds(
    points: list[Point],
    days: list[list[date]],
    skip: tuple[int, ...],
    target: int,
    rules: dict[str, Bounds],
) -> list[date]:
    """The days at which the target's day changes a test against any candidate of another point."""
    found: set[date] = set()
    for j, source in enumerate(points):
        if j not in skip:
            found |= bounds_from(source, days[j], points[target], rules)
    return sorted(found)


def distinct(
    spans: list[Period | None],
    points: list[Point],
    days: list[list[date]],
    place: int,
    rules: dict[str, Bounds],
) -> list[Period | None]:
    """One of the periods of a record for each way in which they do in all tests."""
    own = (place, place + 1)
    starts = thresholds(points, days, own, place, rules)
    ends = thresholds(points, days, own, place + 1, rules)
    intents = points[place].intents
    kept: dict[tuple[object, ...], Period | None] = {}
    for span in spans:
        key: tuple[object, ...] = ()
        if span is not None:
            tests = tuple(span[1] >= bound for bound in rules["se"](span[0], intents))
            key = (bisect_right(starts, span[0]), bisect_right(ends, span[1]), tests)
        kept.setdefault(key, span)
    return list(kept.values())


def spans_of(
    dates: tuple[Period | None, ...], intents: tuple[str, ...], intent: str
) -> frozenset[Period]:
    pairs = zip(dates, intents, strict=True)
    return frozenset(span for span, given in pairs if given == intent and span is not None)


def intents_of(courses: list[Course]) -> Iterable[tuple[str, ...]]:
    """Every intent that the records may have; curative also stands for neoadjuvant here."""
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
    "se": lambda s, _: [s],
    "es": lambda e, _: [e + DAY],
    "ts": lambda t, _: [t + DAY],
}


def chemotherapy_lines(record: Record) -> Verdict:
    relevant = [
        m for m in record.medications if m.drug in CHEMOTHERAPY and m.intent in (None, "palliative")
    ]
    courses, _ = periods(relevant, [], LINE_BOUNDS, record.as_of)
    unrecorded = [0] if record.closed("10160-0") else [0, 1, 2]
    table = Table("chemotherapy", "treatment_intent", "medication_history")
    for d, dates in enumerate(product(*(course.periods for course in courses))):
        for i, intents in enumerate(intents_of(courses)):
            count = lines(spans_of(dates, intents, "palliative"))
            for extra in unrecorded:
                table.add(count + extra <= 1, d, i, extra)
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


NEEDED = {"adjuvant": 24, "palliative": 6}


def by_intent(test: str, day: date, common: Intents) -> list[date]:
    return [first_day(test, NEEDED[intent], day) for intent in common]


EVENT_BOUNDS: dict[str, Bounds] = {
    "se": lambda s, common: [s, s - GAP, *by_intent("reach", s, common)],
    "es": lambda e, common: [e + GAP + DAY, *by_intent("short", e, common)],
    "ts": lambda t, common: [t + DAY, *by_intent("short", t, common)],
    "ps": lambda p, common: by_intent("short", p, common),
    "rs": lambda r, common: by_intent("short", r, common),
    "re": lambda r, _: [first_day("cover", 12, r)],
    "sr": lambda s, common: by_intent("reach", s, common),
    "er": lambda e, _: [first_day("late", 12, e)],
    "tr": lambda t, _: [t + DAY],
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
    table = Table("endocrine_dates", "treatment_intent", "relapse_date", "progression_date")
    for choice, (relapsed, progressed) in endocrine_completions(record):
        table.add(relapsed or progressed, *choice)
    verdict = table.verdict()
    if record.closed("10160-0") or False not in verdict.possible:
        return verdict
    # Under an open medication history an unrecorded course may exist, whatever else is known.
    return Verdict(frozenset([True, False]), verdict.gaps | {"medication_history"})


def endocrine_completions(record: Record) -> Iterable[tuple[Choice, tuple[bool, bool]]]:
    """For every completion of what is recorded: whether the relapse, and the progression, count."""
    as_of = record.as_of
    relevant = [
        m
        for m in record.medications
        if m.drug in ENDOCRINE and m.intent in (None, "adjuvant", "palliative")
    ]
    relapses, worse = record.relapses(), progressions(record)
    events = [Point("r", days, frozenset(["adjuvant"])) for days in relapses]
    events += [Point("p", Days(day, day), frozenset(["palliative"])) for day in worse]
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

    for d, dates in enumerate(product(*(course.periods for course in courses))):
        for i, intents in enumerate(intents_of(courses)):
            given = spans_of(dates, intents, "adjuvant")
            rescue = spans_of(dates, intents, "palliative")
            salvaged = salvage(rescue)
            for r, relapsed in enumerate(relapse_days):
                recorded = any(adjuvant(given, day) for day in relapsed)
                for relapse, progression in product(unmentioned, repeat=2):
                    again = relapse and reaches(given, 24)
                    more = progression and reaches(rescue, 6)
                    yield (d, i, (r, relapse), progression), (recorded or again, salvaged or more)
