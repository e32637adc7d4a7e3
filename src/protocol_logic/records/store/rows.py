"""What is kept of a patient as rows of the tables of a store, and back; nothing is lost between.

Numbers are stored as numerator and denominator where both fit 63 bits, so that SQL can compare
them exactly; else as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.records.facts import (
    Appointed,
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    Happened,
    LesionSize,
    Limit,
    Measured,
    NotTaken,
    Ordered,
    Qualifiers,
    Reading,
    Stated,
    Therapy,
)
from protocol_logic.records.json_text import Object
from protocol_logic.records.store.kept import Kept, KeptFact, KeptPatient, KeptProblem
from protocol_logic.records.store.limits import columns_of_limits, fits
from protocol_logic.records.store.schema import columns_of

Row: TypeAlias = tuple[Any, ...]

_FACT = [name for name, _ in columns_of("facts")][1:]
_AT = {name: place for place, name in enumerate(_FACT)}
_BLANK: list[Any] = [None] * len(_FACT)
WHOLE = -1
"""The number of the resource that problems of a whole document are of."""


@dataclass(slots=True)
class Rows:
    """The rows of one patient without the patient's number.

    `abouts`: the code elements that its resources and facts name by place in this list, by row and
    text; `others`: those of resources that are only counted -> how many.
    """

    patient: Row
    id: str
    digest: bytes
    resources: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    problems: list[Row] = field(default_factory=list)
    abouts: list[tuple[str, str]] = field(default_factory=list)
    others: dict[tuple[str, str], int] = field(default_factory=dict)


def about_text(about: Object) -> str:
    """Code elements as one text."""
    return json.dumps(about, ensure_ascii=False, separators=(",", ":"))


def rows_of(kept: KeptPatient, numbers: Sequence[int]) -> Rows:
    """What is kept as rows; `numbers`: number of an entry where it was read -> in the store."""
    counted = json.dumps(kept.counted)
    index = (kept.index_date, kept.index_source)
    rows = Rows((kept.source, kept.line, *index, counted, kept.nothing), kept.patient, kept.digest)
    rows.others = kept.others
    places: dict[tuple[str, str], int] = {}
    found: list[list[Any]] = []
    order: list[tuple[str, str, str]] = []
    abouts: list[int | None] = []
    for problem in kept.problems:
        rows.problems.append(_problem_row(WHOLE, problem, numbers))
    for number, each in enumerate(kept.kept):
        place = None
        if each.about is not None:
            text = each.text if each.text is not None else about_text(each.about)
            key = (each.kind or "", text)
            place = places.setdefault(key, len(places))
        rows.resources.append(
            (
                number,
                each.type,
                each.name,
                place,
                each.stopped,
                each.stated,
                each.day or None,
                each.via,
                each.status or None,
            )
        )
        mixed = len({kept_fact.fact.date for kept_fact in each.facts}) > 1
        for fact in () if each.stopped else each.facts:  # of a stopped one nothing counts
            found.append(_fact_row(number, fact, numbers))
            found[-1][_MIXED] = mixed
            order.append(_place_of(each.name, fact))
            abouts.append(place)
        rows.problems += [_problem_row(number, problem, numbers) for problem in each.problems]
    rows.abouts = list(places)
    for rank, at in enumerate(sorted(range(len(found)), key=order.__getitem__)):
        found[at][_PLACE], found[at][_PLACE + 1] = rank, abouts[at]
    rows.facts = list(map(tuple, found))
    return rows


def _place_of(resource: str, kept: KeptFact) -> tuple[str, str, str]:
    """Where a fact stands among those of its entry in the record, as in `facts.place`."""
    day = kept.fact.date
    return resource, day.text if day is not None else "", kept.fact.recorded


def patient_of(
    patient: Row,
    resources: Iterable[Row],
    facts: Iterable[Row],
    problems: Iterable[Row],
    abouts: Mapping[int, tuple[str | None, str]],
    names: Mapping[int, str],
) -> KeptPatient:
    """What is kept of a patient, from its rows (without patient numbers).

    `patient`: id, source, line, index date and source, counted, nothing. `abouts`: number -> row
    and text; `names`: number of an entry -> its name, for those of which facts are given.
    """
    identity, source, line, index_date, index_source, counted, nothing = patient
    kept = KeptPatient(identity, source, line, index_date, index_source)
    kept.counted = json.loads(counted)
    kept.nothing = nothing
    by_number: dict[int, Kept] = {}
    for number, type_, name, about, stopped, stated, day, via, status in resources:
        kind, text = abouts[about] if about is not None else (None, None)
        by_number[number] = Kept(
            type_,
            name,
            kind,
            text=text,
            stopped=stopped,
            stated=stated,
            day=day or "",
            via=via,
            status=status or "",
        )
    for row in facts:
        resource = by_number[row[0]]
        resource.facts.append(_kept_fact(resource.name, names[row[2]], row))
    for row in problems:
        (kept.problems if row[0] == WHOLE else by_number[row[0]].problems).append(problem_of(row))
    kept.kept = list(by_number.values())
    return kept


# ---- problems ------------------------------------------------------------------------------------


def _problem_row(resource: int, problem: KeptProblem, numbers: Sequence[int]) -> Row:
    entry = None if problem.entry is None else numbers[problem.entry]
    qualifiers = None
    if problem.of:
        qualifiers = json.dumps([[numbers[n] for n in problem.of], problem.keys])
    told = (problem.code, problem.message, problem.hint, problem.resource, problem.file)
    return (resource, problem.part, entry, problem.scope, qualifiers, *told)


def problem_of(row: Row) -> KeptProblem:
    """A problem, from its row (without the patient)."""
    _, part, entry, scope, qualifiers, code, message, hint, name, file = row
    of, keys = json.loads(qualifiers) if qualifiers is not None else ((), ())
    asked = tuple(of)
    codes = tuple((system, value) for system, value in keys)
    return KeptProblem(scope, code, message, hint, entry, part, asked, codes, name, file)


# ---- facts ---------------------------------------------------------------------------------------


def _fact_row(resource: int, kept: KeptFact, numbers: Sequence[int]) -> list[Any]:
    fact = kept.fact
    row = _BLANK.copy()
    row[:4] = (resource, kept.part, numbers[kept.entry], kept.sure)
    kind, write = _WRITE[type(fact.reading)]
    row[_KIND] = "complete" if fact.reading == _SAID_COMPLETE else kind
    _put_date(row, _FIRST, fact.date)
    row[_RECORDED] = fact.recorded
    if fact.date is not None and fact.date.time:
        instant = fact.date.instant
        row[_INSTANT] = None if instant is None else (instant - _EPOCH) // _MICROSECOND
    write(row, fact.reading, numbers)
    return row


def _kept_fact(resource: str, entry: str, row: Row) -> KeptFact:
    number = row[2]
    fact = Fact(
        entry=entry,
        resource=resource,
        date=_date(row, _FIRST),
        recorded=row[_RECORDED],
        reading=_READ[row[_KIND]](row),
    )
    return KeptFact(number, fact, row[1], row[3])


_KIND, _FIRST, _RECORDED = _AT["kind"], _AT["first"], _AT["recorded"]
_SHAPE, _NUMBER, _ODD, _LIMITS = _AT["shape"], _AT["number"], _AT["odd"], _AT["limits"]
_STATED, _STATE, _START, _END = _AT["stated"], _AT["state"], _AT["start_first"], _AT["end_first"]
_ONGOING, _SIDE, _SIZES = _AT["ongoing"], _AT["side"], _AT["sizes"]
_PLACE, _INSTANT, _MIXED = _AT["place"], _AT["instant"], _AT["mixed"]
_CODES = _AT["codes"]
ABOUT = _AT["about"]
"""Where a row of a fact has the code elements of its resource."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _put_date(row: list[Any], at: int, day: PartialDate | None) -> None:
    if day is not None:
        row[at], row[at + 1] = day.first, day.last
        if day.text != day.first.isoformat() or day.first != day.last:
            row[at + 2] = day.text
        row[at + 3] = day.time or None


def _date(row: Row, at: int) -> PartialDate | None:
    return None if row[at] is None else _day(row[at], row[at + 1], row[at + 2], row[at + 3])


# Days and numbers recur from patient to patient, and cannot be changed.
@lru_cache(maxsize=65536)
def _day(first: date, last: date, text: str | None, time: str | None) -> PartialDate:
    return PartialDate(first, last, first.isoformat() if text is None else text, time or "")


@lru_cache(maxsize=65536)
def _point(numerator: int, denominator: int) -> Interval:
    return Interval.point(Fraction(numerator, denominator))


@lru_cache(maxsize=16384)
def _limits(text: str) -> tuple[Limit, ...]:
    listed = json.loads(text)
    return tuple(Limit(sex, Fraction(value), recorded, end) for sex, value, recorded, end in listed)


def _interval_text(interval: Interval) -> str:
    ends = [None if end is None else str(end) for end in (interval.lo, interval.hi)]
    return json.dumps([ends[0], interval.lo_closed, ends[1], interval.hi_closed])


def _interval_of(text: str) -> Interval:
    lo, lo_closed, hi, hi_closed = json.loads(text)
    ends = [None if end is None else Fraction(end) for end in (lo, hi)]
    return Interval(ends[0], lo_closed, ends[1], hi_closed)


def _measured(row: list[Any], reading: Measured, numbers: Sequence[int]) -> None:
    value = reading.value
    if value is not None:
        lo, hi = value.lo, value.hi
        if not all(end is None or fits(end) for end in (lo, hi)):
            row[_SHAPE], row[_NUMBER] = "wide", _interval_text(value)
        else:
            row[_SHAPE] = "interval"
            if lo is not None:
                row[_SHAPE + 1], row[_SHAPE + 2] = lo.numerator, lo.denominator
            row[_SHAPE + 3] = value.lo_closed
            if lo is not None and lo == hi:
                row[_SHAPE] = "point"
            else:
                if hi is not None:
                    row[_SHAPE + 4], row[_SHAPE + 5] = hi.numerator, hi.denominator
                row[_SHAPE + 6] = value.hi_closed
    row[_LIMITS + 1] = reading.relative
    if reading.limits:
        row[_LIMITS] = json.dumps(
            [[x.sex, str(x.value), x.recorded, x.end] for x in reading.limits]
        )
        columns, row[_ODD] = columns_of_limits(reading.limits)
        for name, number in columns.items():
            row[_AT[name]] = number


def _read_measured(row: Row) -> Measured:
    limits = () if row[_LIMITS] is None else _limits(row[_LIMITS])
    shape = row[_SHAPE]
    value: Interval | None = None
    if shape == "point":
        value = _point(row[_SHAPE + 1], row[_SHAPE + 2])
    elif shape == "wide":
        value = _interval_of(row[_NUMBER])
    elif shape is not None:
        lo_n, lo_d, lo_closed, hi_n, hi_d, hi_closed = row[_SHAPE + 1 : _SHAPE + 7]
        lo = None if lo_n is None else Fraction(lo_n, lo_d)
        hi = None if hi_n is None else Fraction(hi_n, hi_d)
        value = Interval(lo, lo_closed, hi, hi_closed)
    return Measured(value, limits, row[_LIMITS + 1])


def _stated(row: list[Any], reading: Stated, numbers: Sequence[int]) -> None:
    row[_STATED] = None if reading.values is None else sorted(reading.values)


def _read_stated(row: Row) -> Stated:
    return Stated(None if row[_STATED] is None else frozenset(row[_STATED]))


def _put_qualifiers(row: list[Any], qualifiers: Qualifiers, numbers: Sequence[int]) -> None:
    if qualifiers:
        row[_STATE + 6] = json.dumps(
            [[numbers[int(n)], sorted(v, key=lambda x: x or "")] for n, v in qualifiers]
        )


def _qualifiers(row: Row) -> Qualifiers:
    if row[_STATE + 6] is None:
        return ()
    return tuple((str(number), frozenset(v)) for number, v in json.loads(row[_STATE + 6]))


def _condition(row: list[Any], reading: ConditionStated, numbers: Sequence[int]) -> None:
    row[_STATE : _STATE + 5] = (
        reading.state,
        reading.clinical,
        reading.confirmed,
        reading.after,
        reading.past,
    )
    row[_STATE + 5] = sorted(reading.evidence) or None
    if reading.codes:
        row[_CODES] = json.dumps(sorted(reading.codes), ensure_ascii=False)
    _put_qualifiers(row, reading.qualifiers, numbers)
    _put_date(row, _START, reading.onset)
    _put_date(row, _END, reading.abated)


def _read_condition(row: Row) -> ConditionStated:
    state, clinical, confirmed, after, past, evidence = row[_STATE : _STATE + 6]
    return ConditionStated(
        state,
        clinical,
        confirmed=confirmed,
        onset=_date(row, _START),
        evidence=frozenset(evidence or ()),
        abated=_date(row, _END),
        after=after,
        qualifiers=_qualifiers(row),
        past=past,
        codes=_codes(row[_CODES] or "[]"),
    )


@lru_cache(maxsize=65536)
def _codes(text: str) -> frozenset[tuple[str, str]]:
    return frozenset((system, code) for system, code in json.loads(text))


def _therapy(row: list[Any], reading: Therapy, numbers: Sequence[int]) -> None:
    _put_date(row, _START, reading.start)
    _put_date(row, _END, reading.end)
    row[_ONGOING], row[_ONGOING + 1] = reading.ongoing, reading.intent


def _read_therapy(row: Row) -> Therapy:
    return Therapy(_date(row, _START), _date(row, _END), row[_ONGOING], row[_ONGOING + 1])


def _done(row: list[Any], reading: Done, numbers: Sequence[int]) -> None:
    row[_SIDE], row[_SIDE + 1] = reading.side, reading.known
    _put_date(row, _START, reading.start)
    _put_date(row, _END, reading.end)
    _put_qualifiers(row, reading.qualifiers, numbers)


def _read_done(row: Row) -> Done:
    side, known = row[_SIDE], row[_SIDE + 1]
    return Done(side, _date(row, _START), _date(row, _END), _qualifiers(row), known)


def _ordered(row: list[Any], reading: Ordered, numbers: Sequence[int]) -> None:
    row[_SIDE + 1] = reading.known


def _lesion(row: list[Any], reading: LesionSize, numbers: Sequence[int]) -> None:
    sizes = [[axis, None if size is None else _interval_text(size)] for axis, size in reading.sizes]
    row[_SIZES], row[_SIZES + 1], row[_SIZES + 2] = json.dumps(sizes), reading.site, reading.method


def _read_lesion(row: Row) -> LesionSize:
    return lesion_of(row[_SIZES], row[_SIZES + 1], row[_SIZES + 2])


def lesion_of(text: str, site: str | None, method: str | None) -> LesionSize:
    """A measured lesion by what is stored of it."""
    sizes = tuple(
        (axis, None if size is None else _interval_of(size)) for axis, size in json.loads(text)
    )
    return LesionSize(sizes, site, method)


def _born(row: list[Any], reading: Born, numbers: Sequence[int]) -> None:
    _put_date(row, _START, reading.date)


def _read_born(row: Row) -> Born:
    day = _date(row, _START)
    assert day is not None
    return Born(day)


def _happened(row: list[Any], reading: Happened, numbers: Sequence[int]) -> None:
    _put_date(row, _START, reading.on)


def _read_happened(row: Row) -> Happened:
    day = _date(row, _START)
    assert day is not None
    return Happened(day)


def _appointed(row: list[Any], reading: Appointed, numbers: Sequence[int]) -> None:
    row[_START] = row[_START + 1] = reading.day


def _nothing(row: list[Any], reading: Any, numbers: Sequence[int]) -> None:
    pass


_SAID_COMPLETE = Closed()
"""What a row of a table says to be complete, which is no list of the record."""

_WRITE: dict[type[Any], tuple[str, Callable[[list[Any], Any, Sequence[int]], None]]] = {
    Measured: ("measured", _measured),
    Stated: ("stated", _stated),
    ConditionStated: ("condition", _condition),
    Therapy: ("therapy", _therapy),
    Ordered: ("ordered", _ordered),
    NotTaken: ("nottaken", _nothing),
    Done: ("done", _done),
    LesionSize: ("lesion", _lesion),
    Closed: ("closed", _nothing),
    Born: ("born", _born),
    Happened: ("happened", _happened),
    Appointed: ("appointed", _appointed),
}
_READ: dict[str, Callable[[Row], Reading]] = {
    "measured": _read_measured,
    "stated": _read_stated,
    "condition": _read_condition,
    "therapy": _read_therapy,
    "ordered": lambda row: Ordered(row[_SIDE + 1]),
    "nottaken": lambda _: NotTaken(),
    "done": _read_done,
    "lesion": _read_lesion,
    "closed": lambda _: Closed(listed=True),
    "complete": lambda _: _SAID_COMPLETE,
    "born": _read_born,
    "happened": _read_happened,
    "appointed": lambda row: Appointed(row[_START]),
}
