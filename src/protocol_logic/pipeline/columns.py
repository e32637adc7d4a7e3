"""Many patients of a store at once: columns to rows, and one by one what columns cannot tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from protocol_logic.answering.columns.rows import ColumnRows
from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.findings.columns import Columns, Looks, Part, read_columns
from protocol_logic.findings.columns.leaving import Leaving
from protocol_logic.findings.unlisted import suspects
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.pipeline.reading import as_of_date, read_stored
from protocol_logic.pipeline.screening import Screened, Screening
from protocol_logic.reasoning.columns import ColumnEngine
from protocol_logic.records.facts import Account, Closed, PatientRecord, total_of
from protocol_logic.records.store.heads import resource_names
from protocol_logic.records.store.opening import StoreError
from protocol_logic.records.store.reading import Gatherer, Store, Stored
from protocol_logic.records.store.shards import Shard
from protocol_logic.records.store.stretch import Stretch

_EPOCH = date(1970, 1, 1).toordinal()
WHOLLY = ""
"""What a patient is read one by one for: everything."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a patient, or of a document that gave none.

    `patient`, `source`: of the record, if there is one; `row`: where the patient was judged.
    `problems`: those of the record, as in the row, with their hints. `stopped`: why there is none.
    """

    patient: str | None = None
    source: str = ""
    row: Row | None = None
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
    """A patient of a stretch, with the day of judgement."""

    record: PatientRecord
    as_of: AsOf


class ColumnScreening:
    """Decides stretches of stores; looks, and rows that were decided, are kept.

    `one_by_one`: how many patients were read so, by what for. `apart`: read by parts also those of
    whom columns tell nothing.
    """

    def __init__(self, screening: Screening, option: date | None, apart: bool = False) -> None:
        c = screening.compiled
        self.compiled = c
        self.screening = screening
        self.option = option
        self.apart = apart
        self.looks = Looks()
        self.engine = ColumnEngine(screening.engine, self.looks)
        self.rows = ColumnRows(c.protocol, c.plan, c.digest, c.policies, c.dates, self.engine)
        self.one_by_one: Counter[str] = Counter()
        self._is_suspect = suspects(c.protocol, c.plan)
        self._store: Store | None = None
        self._gatherer: Gatherer | None = None
        self._texts: dict[str, int] | None = None
        """The numbers of date texts that are no plain ones; None where there are no columns."""

    def screen(self, stretch: Stretch) -> list[Line]:
        """What becomes of each patient of a stretch, in order. Raises StoreError."""
        store, gatherer = self._opened(stretch)
        lines: list[Line | None] = []
        places: list[int] = []
        patients: dict[int, _Patient] = {}
        for item in store.items(gatherer, stretch.start, stretch.stop):
            if isinstance(item, Problem):
                lines.append(Line(stopped=(item,)))
                continue
            place = len(places)
            places.append(len(lines))
            lines.append(self._met(item, place, patients))
        if self._texts is not None and patients:
            for place, line in self._judged(store, gatherer, stretch, patients, self._texts):
                lines[places[place]] = line
        return [line for line in lines if line is not None]

    def _met(self, stored: Stored, place: int, patients: dict[int, _Patient]) -> Line | None:
        """What is known of a patient at once; None for who is still to be judged."""
        problems = Problems()
        record = read_stored(self.compiled, stored, problems)
        if record is None:
            return Line(stopped=tuple(problems.items))
        as_of = as_of_date(record, self.option)
        if isinstance(as_of, Problem):
            return Line.of(Screened(record, None, record.problems, (as_of,)))
        if self._texts is None or self._leaves_wholly(record):
            self.one_by_one[WHOLLY] += 1
            return Line.of(self.screening.screen(record, self.option))
        patients[place] = _Patient(record, as_of)
        return None

    def _leaves_wholly(self, record: PatientRecord) -> bool:
        """Whether the row of a patient says what no column has: what people answered, and what
        stands beside a list that closes something."""
        answers = self.screening.answers
        if answers is not None and record.patient in answers.by_patient:
            return True
        closed = any(isinstance(fact.reading, Closed) for fact in record.facts)
        return closed and any(map(self._is_suspect, record.unlisted))

    def _judged(
        self,
        store: Store,
        gatherer: Gatherer,
        stretch: Stretch,
        patients: dict[int, _Patient],
        texts: dict[str, int],
    ) -> Iterator[tuple[int, Line]]:
        c = self.compiled
        shard = store.shard(gatherer, stretch.start, stretch.stop)
        days = np.zeros(shard.size, np.int32)
        for place, each in patients.items():
            days[place] = each.as_of.date.toordinal() - _EPOCH
        columns = read_columns(c.protocol, c.plan, shard, days, self.looks, c.windows, c.dates)
        leaving = Leaving(c.protocol, columns, self.looks, c.windows, c.dates, texts)
        for place, each in list(patients.items()):
            left = [part for part in columns.parts if part.left[place]]
            if len(left) == len(columns.parts) and not self.apart:
                fits = False
            else:
                fits = leaving.read(place, each.record, each.as_of.date, left)
            if not fits:
                self.one_by_one[WHOLLY] += 1
                del patients[place]
                yield place, Line.of(self.screening.screen(each.record, self.option))
            else:
                self.one_by_one.update(map(_named, left))
        if patients:
            yield from self._rows(shard, columns, leaving, patients)

    def _rows(
        self,
        shard: Shard,
        columns: Columns,
        leaving: Leaving,
        patients: dict[int, _Patient],
    ) -> Iterator[tuple[int, Line]]:
        texts = {number: text for text, number in leaving.texts.items()}
        numbers = np.array(list(patients), np.int64)
        decided = self.engine.decide(columns.columns, numbers)
        made = self.rows.of(columns, numbers, decided, leaving.names, texts)
        made.resources = resource_names(shard, *made.wanted())
        for n, (place, each) in enumerate(patients.items()):
            record, resources = each.record, total_of(each.record.accounting)
            row, problems = made.row(n, record, each.as_of, resources)
            yield place, Line(record.patient, record.source, row, problems, resources)

    def _opened(self, stretch: Stretch) -> tuple[Store, Gatherer]:
        if self._store is None or self._gatherer is None or self._store.name != stretch.store:
            self.close()
            self._store = Store(Path(stretch.store[0]))
            if self._store.name != stretch.store:
                raise StoreError("it was changed while it was read", "run the command again")
            self._gatherer = self._store.gatherer(self.compiled.codings)
            self._texts = None
            if self._store.is_by_entry():
                self._texts = {text: n for n, text in self._store.day_texts().items()}
        return self._store, self._gatherer

    def close(self) -> None:
        """Let the store go."""
        if self._store is not None:
            self._store.connection.close()
            self._store = None


_NAMED = 3


def _named(part: Part) -> str:
    """What a part of the plan is about."""
    names = list(dict.fromkeys(f.entry for f in part.plan.findings.values())) or sorted(part.names)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:_NAMED]) + more
