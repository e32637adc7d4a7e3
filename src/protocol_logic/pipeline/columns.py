"""Many patients of a store at once: columns to rows, and one by one what columns cannot tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from protocol_logic.answering.columns.rows import ColumnRows, ManyRow, ShardRows
from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.compiling.reach import reached_of
from protocol_logic.findings.columns import Columns, Looks, Part, read_columns
from protocol_logic.findings.columns.beside import Beside, ToldBeside
from protocol_logic.findings.columns.leaving import Copies, Leaving
from protocol_logic.findings.columns.tables import Ints
from protocol_logic.findings.unlisted import resembled
from protocol_logic.findings.unread import open_to
from protocol_logic.foundation.problems import Problem
from protocol_logic.pipeline.opened import Opened
from protocol_logic.pipeline.reading import as_of_date
from protocol_logic.pipeline.screening import Screened, Screening
from protocol_logic.reasoning.columns import ColumnEngine
from protocol_logic.records.duplicates import FHIR_ID, misleading_id, with_id_told
from protocol_logic.records.facts import Account, PatientRecord, Unlisted, first_day, total_of
from protocol_logic.records.store.heads import SEVERAL, facts_alone, heads_of, resource_names
from protocol_logic.records.store.reading import Gatherer, Store, Stored
from protocol_logic.records.store.shards import Shard
from protocol_logic.records.store.stretch import Stretch
from protocol_logic.records.store.stubs import Stubs, stubs_of

_EPOCH = date(1970, 1, 1).toordinal()
FEWEST = 100
"""Fewer patients are sooner read one by one than asked together."""
_WORTH = 10
"""Of a stretch one patient in so many, or fewer, are sooner read one by one than together."""
WHOLLY, PARTLY = "wholly", "partly"
"""For all of what is asked, and for some part; beside the parts, by name."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a patient, or of a document that gave none.

    `patient`, `source`: of the record, if there is one; `row`: where the patient was judged.
    `problems`: those of the record, as in the row, with their hints. `stopped`: why there is none.
    """

    patient: str | None = None
    source: str = ""
    row: Row | ManyRow | None = None
    problems: tuple[Problem, ...] = ()
    resources: Account = field(default_factory=lambda: total_of(()))
    stopped: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, done: Screened) -> Line:
        """A patient who was screened alone."""
        if done.record is None:
            return cls(stopped=done.stopped)
        record = done.record
        resources = total_of(record.accounting)
        return cls(record.patient, record.source, done.row, done.problems, resources, done.stopped)


@dataclass(slots=True)
class _Patient:
    """A patient of a stretch, with the day of judgement. `record`: without facts, or, where its
    problems cannot be told otherwise, the whole."""

    record: PatientRecord
    as_of: AsOf


class ColumnScreening:
    """Decides stretches of stores; looks, and rows that were decided, are kept.

    `one_by_one`: how many patients were read so, wholly, partly, and for which part. `apart`: read
    by parts also those of whom columns tell nothing. `fewest`: of shorter stretches all are read
    one by one. `opened`: the store at hand, where protocols read it together.
    """

    def __init__(
        self,
        screening: Screening,
        option: date | None,
        apart: bool = False,
        fewest: int = 0,
        opened: Opened | None = None,
    ) -> None:
        c = screening.compiled
        self.compiled = c
        self.screening = screening
        self.option = option
        self.apart = apart
        self.fewest = fewest

        self.looks = Looks()
        self.engine = ColumnEngine(screening.engine, self.looks)
        self.beside = Beside(c.protocol, c.plan, self.looks)
        self.rows = ColumnRows(
            c.protocol, c.plan, c.digest, c.policies, c.dates, self.engine, self.beside.told
        )
        self.copies: Copies = {}
        self.one_by_one: Counter[str] = Counter()
        self._entries: dict[frozenset[str], set[int]] = {}
        self._opened = opened or Opened()
        self._gatherer: Gatherer | None = None
        self._of: tuple[str, tuple[int, ...]] | None = None
        """The store for which that gathers."""
        self._stubs: Stubs | None = None

    def screen(self, stretch: Stretch) -> list[Line]:
        """What becomes of each patient of a stretch, in order. Raises StoreError."""
        opened, gatherer = self._opened, self._at(stretch)
        if self._is_by_columns(stretch):
            return self._stretch(gatherer).lines()
        found = opened.store.items(gatherer, stretch.start, stretch.stop)
        return [self._alone(item) for item in found]

    def states(self, stretch: Stretch) -> tuple[list[bytes], list[tuple[int, Problem]]]:
        """By place a digest of what the store has of each patient of a stretch; and what stands
        between them, as a `Span` gives it. Raises StoreError."""
        self._opened.at(stretch)
        return self._opened.span.states(), self._opened.span.between()

    def some(self, stretch: Stretch, places: Sequence[int]) -> dict[int, Line]:
        """What becomes of some patients of a stretch, by place in it. Raises StoreError."""
        if not places:
            return {}
        gatherer = self._at(stretch)
        if self._is_by_columns(stretch) and len(places) * _WORTH > stretch.stop - stretch.start:
            found = self._stretch(gatherer).decided()
            return {place: found[place] for place in places}
        numbers = [int(self._opened.span.numbers[place]) for place in places]
        stored = self._opened.store.stored(numbers, gatherer)
        return {p: self._alone(each) for p, each in zip(places, stored, strict=True)}

    def _at(self, stretch: Stretch) -> Gatherer:
        """Have a stretch at hand, and what makes records of its store."""
        self._opened.at(stretch)
        store = self._opened.store
        if self._gatherer is None or self._of != store.name:
            self._gatherer, self._stubs = store.gatherer(self.compiled.codings), None
            self._of = store.name
            self._entries.clear()
        return self._gatherer

    def _is_by_columns(self, stretch: Stretch) -> bool:
        return self._opened.texts is not None and stretch.stop - stretch.start >= self.fewest

    def _stretch(self, gatherer: Gatherer) -> _Stretch:
        opened = self._opened
        assert opened.texts is not None
        shard = Shard(opened.span, gatherer)
        return _Stretch(self, opened.store, gatherer, shard, opened.texts)

    def _alone(self, item: Stored | Problem) -> Line:
        if isinstance(item, Problem):
            return Line(stopped=(item,))
        self.one_by_one[WHOLLY] += 1
        return Line.of(self.screening.screen(item, self.option))

    def stubs(self, gatherer: Gatherer) -> Stubs:
        """What the code elements of the store say."""
        if self._stubs is None:
            protocol, plan = self.compiled.protocol, self.compiled.plan
            open_to_what = open_to(protocol, plan)
            self._stubs = stubs_of(gatherer, resembled(protocol, plan), open_to_what)
        return self._stubs

    def entries(self, gatherer: Gatherer, parts: Sequence[Part]) -> Collection[int]:
        """The numbers of the entries that parts of the plan rest on."""
        found: set[int] = set()
        for part in parts:
            its = self._entries.get(part.names)
            if its is None:
                names = reached_of(self.compiled.protocol, part.plan)
                numbers = gatherer.numbers
                its = self._entries[part.names] = {numbers[n] for n in names if n in numbers}
            found |= its
        return found

    def close(self) -> None:
        """Let the store go."""
        self._opened.close()


class _Stretch:
    """A stretch while it is decided: a line for each patient, by place."""

    def __init__(
        self,
        its: ColumnScreening,
        store: Store,
        gatherer: Gatherer,
        shard: Shard,
        texts: dict[str, int],
    ) -> None:
        self.its = its
        self.store = store
        self.gatherer = gatherer
        self.shard = shard
        self.texts = texts
        self.stubs = its.stubs(gatherer)
        self.heads = heads_of(shard, gatherer, self.stubs)
        self.found: dict[int, Line] = {}

    def decided(self) -> dict[int, Line]:
        """What becomes of each patient, by place."""
        patients = {}
        for place, record in enumerate(self.heads.records):
            patient = self._met(place, record)
            if patient is not None:
                patients[place] = patient
        if patients:
            self._decide(patients)
        return self.found

    def lines(self) -> list[Line]:
        """The same in order, with what stands between them."""
        self.decided()
        lines = []
        between = list(self.heads.between)
        for place in range(self.shard.size):
            while between and between[0][0] <= place:
                lines.append(Line(stopped=(between.pop(0)[1],)))
            lines.append(self.found[place])
        return [*lines, *(Line(stopped=(problem,)) for _, problem in between)]

    def _met(self, place: int, record: PatientRecord) -> _Patient | None:
        """A patient who can be judged."""
        its = self.its
        if not FHIR_ID.fullmatch(record.patient):
            unclear = misleading_id(record)
            if unclear is not None:
                self.found[place] = Line(stopped=(unclear,))
                return None
            record = with_id_told(record)
        as_of = as_of_date(record, its.option)
        answers = its.screening.answers
        answered = answers is not None and record.patient in answers.by_patient
        # Rows of tables say what no resource does: what is asked of people, that all is told.
        of_tables = record.index_source == "index"
        if isinstance(as_of, Problem) or answered or of_tables:
            self._read_wholly(place, self._records([place])[place])
            return None
        return _Patient(record, as_of)

    def _read_wholly(self, place: int, record: PatientRecord) -> None:
        self.its.one_by_one[WHOLLY] += 1
        self.found[place] = Line.of(self.its.screening.screen(record, self.its.option))

    def _records(self, places: list[int]) -> dict[int, PatientRecord]:
        """The whole records of some patients."""
        found = {}
        for first in range(0, len(places), _AT_ONCE):
            chunk = places[first : first + _AT_ONCE]
            numbers = [self.heads.numbers[place] for place in chunk]
            stored = self.store.stored(numbers, self.gatherer)
            for place, each in zip(chunk, stored, strict=True):
                found[place] = with_id_told(self.gatherer.record(each))
        return found

    def _decide(self, patients: dict[int, _Patient]) -> None:
        its, c, heads, size = self.its, self.its.compiled, self.heads, self.shard.size
        days = np.zeros(size, np.int32)
        for place, each in patients.items():
            days[place] = each.as_of.date.toordinal() - _EPOCH
        columns = read_columns(c.protocol, c.plan, self.shard, days, its.looks, c.windows, c.dates)
        every = np.full(size, not its.apart)
        for part in columns.parts:
            every &= part.left if part.alike is None else part.left & (part.alike.number < 0)
        wholly = heads.unread | every
        if columns.newer is not None:
            wholly = wholly | columns.newer
        leaving = Leaving(c.protocol, columns, its.looks, c.windows, c.dates, self.texts)
        # What is named in places that are not read, no facts alone tell.
        mentioning = self.shard.mentioning()
        others = wholly | mentioning
        waiting = [self._copied(leaving, part, patients, others) for part in columns.parts]
        left = self._left(columns, patients)
        whole = heads.rough | wholly
        whole[[place for place in left if mentioning[place]]] = True
        self._one_by_one(leaving, patients, left, wholly, whole)
        later: dict[int, list[Part]] = {}
        for part, places in zip(columns.parts, waiting, strict=True):
            for place in self._given(leaving, part, [p for p in places if p in patients]):
                later.setdefault(place, []).append(part)
        nobody = np.zeros(size, bool)
        self._one_by_one(leaving, patients, later, nobody, nobody)
        beside, more = self._beside(columns, patients)
        for place in more:
            del patients[place]
            self._read_wholly(place, self._records([place])[place])
        if patients:
            self._rows(columns, leaving, patients, beside)

    def _copied(
        self, leaving: Leaving, part: Part, patients: Mapping[int, _Patient], others: Ints
    ) -> list[int]:
        """Give who left a part, but for some `others`, what others who look alike gave; who waits
        for one of them."""
        if part.alike is None:
            return []
        copies, waiting = self.its.copies, []
        alike: dict[int, list[int]] = {}
        for place in np.flatnonzero(part.left & (part.alike.number >= 0) & ~others).tolist():
            if place in patients:
                alike.setdefault(int(part.alike.number[place]), []).append(place)
        for number, places in alike.items():
            given = copies.get(number)
            if given is not None:
                leaving.give(places, part, given)
                part.left[places] = False
            elif number not in copies:
                part.left[places[1:]] = False
                waiting += places
        return waiting

    def _given(self, leaving: Leaving, part: Part, places: Sequence[int]) -> list[int]:
        """Give those who wait what was read meanwhile; who gets nothing."""
        copies, lacking = self.its.copies, []
        alike: dict[int, list[int]] = {}
        for place in places:
            assert part.alike is not None
            alike.setdefault(int(part.alike.number[place]), []).append(place)
        for number, each in alike.items():
            if part.left[each[0]]:
                leaving.take(each[0], part, copies)
                each = each[1:]
            given = copies.get(number)
            if given is None:
                lacking += each
            elif each:
                leaving.give(each, part, given)
        return lacking

    def _one_by_one(
        self,
        leaving: Leaving,
        patients: dict[int, _Patient],
        left: Mapping[int, list[Part]],
        wholly: Ints,
        whole: Ints,
    ) -> None:
        """Read some parts of some patients into the columns, and of some all; `whole`: of whom the
        whole record is asked."""
        its = self.its
        records = self._records([p for p in np.flatnonzero(whole).tolist() if p in patients])
        alone = {p: its.entries(self.gatherer, parts) for p, parts in left.items() if not whole[p]}
        for place, stored in facts_alone(self.shard, self.heads, alone).items():
            records[place] = self.gatherer.record(stored)
        for place, record in records.items():
            patient, parts = patients[place], left.get(place, [])
            if wholly[place] or not leaving.read(place, record, patient.as_of.date, parts):
                del patients[place]
                record = record if whole[place] else self._records([place])[place]
                self._read_wholly(place, record)
                continue
            if whole[place]:
                patient.record = record
            its.one_by_one[PARTLY] += bool(parts)
            its.one_by_one.update(map(_named, parts))

    def _left(self, columns: Columns, patients: Mapping[int, _Patient]) -> dict[int, list[Part]]:
        """The parts that have to be read one by one, of each patient who has any."""
        some = np.zeros(columns.size, bool)
        for part in columns.parts:
            some |= part.left
        return {
            place: [part for part in columns.parts if part.left[place]]
            for place in np.flatnonzero(some).tolist()
            if place in patients
        }

    def _beside(
        self, columns: Columns, patients: Mapping[int, _Patient]
    ) -> tuple[dict[int, ToldBeside], list[int]]:
        """What is told beside lists that close something, of whom there is any; and for whom that
        takes the whole record."""
        beside, stubs, its = self.its.beside, self.stubs, self.heads.suspects
        if not its.patients:
            return {}, []
        names = tuple(beside.names(columns.columns, stubs.classes))
        states, state_of, closed = beside.closed(columns.columns, names)
        there: dict[int, list[tuple[str, Unlisted]]] = {}
        others: set[int] = set()
        for place, about, day, name in zip(*its, strict=True):
            if closed[place] and place in patients:
                first = first_day(day)
                if first is None or first <= patients[place].as_of.date:
                    each = there.setdefault(place, [])
                    each += [(name, suspect) for suspect in stubs.suspects[about]]
                    if len(stubs.suspects[about]) > 1:  # several names of one resource
                        others.add(place)
        found: dict[int, ToldBeside] = {}
        numbers: dict[tuple[int, ...], int] = {}
        """By who is closed how and what stands beside; each that may is one object."""
        for place, suspects in there.items():
            if len(suspects) > 1:
                suspects.sort(key=lambda each: (each[1].kind, each[0], each[1]))
            state = int(state_of[place])
            key = (state, *[id(each) for _, each in suspects])
            number = numbers.get(key, -1)
            if number < 0:
                their = tuple([each for _, each in suspects])
                number = numbers[key] = beside.number(names, states[state], their)
            lists = beside.told[number].lists
            who = [int(self.heads.lists[history][place]) for history in lists]
            if SEVERAL in who:
                others.add(place)
            elif who:
                found[place] = ToldBeside(number, tuple([n for n, _ in suspects]), tuple(who))
        return {place: its for place, its in found.items() if place not in others}, sorted(others)

    def _rows(
        self,
        columns: Columns,
        leaving: Leaving,
        patients: dict[int, _Patient],
        beside: Mapping[int, ToldBeside],
    ) -> None:
        numbers = np.array(list(patients), np.int64)
        decided = self.its.engine.decide(columns.columns, numbers)
        texts = {number: text for text, number in self.texts.items()}
        made = ShardRows(self.its.rows, columns, numbers, decided, leaving.names, texts, beside)
        made.resources = resource_names(self.shard, *made.wanted())
        told = [(p.record, p.as_of, _in_all(p.record.accounting)) for p in patients.values()]
        for place, row in zip(patients, made.rows(told), strict=True):
            line = Line(row.patient, row.source, row, row.problems, row.resources)
            self.found[place] = line


def _in_all(accounting: Sequence[Account]) -> Account:
    alone = len(accounting) == 1 and accounting[0].type == "all"
    return accounting[0] if alone else total_of(accounting)


_AT_ONCE = 256
_NAMED = 3


def _named(part: Part) -> str:
    """What a part of the plan is about."""
    names = list(dict.fromkeys(f.entry for f in part.plan.findings.values())) or sorted(part.names)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:_NAMED]) + more
