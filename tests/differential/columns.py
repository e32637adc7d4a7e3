"""Columns of findings beside what is read of each patient: looks, openers and oldest evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np

from protocol_logic.compiling import core
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns import Column, Looks, read_columns
from protocol_logic.findings.read import read_findings
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.knowledge.vocabulary import History
from protocol_logic.pipeline import Compiled
from protocol_logic.records.facts import Closed
from protocol_logic.records.store.by_entry import NEVER, OTHER_TEXT
from protocol_logic.records.store.reading import Store
from tests.stores import names_in, records_in

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass
class Compared:
    """How many findings were compared, by kind, and how many were left."""

    compared: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def share(self, kind: str) -> float:
        """The share of the findings of a kind that were not left."""
        return self.compared[kind] / max(1, self.compared[kind] + self.left[kind])


def compare(
    path: Path,
    compiled: Compiled,
    as_of: date | Sequence[date] | None,
    windows: Mapping[str, Window] | None = None,
    most: int | None = None,
) -> Compared:
    """Compare all patients of a store for a protocol; `as_of`: of each; None, that of the
    record."""
    found = Compared()
    with Store(path) as store:
        texts, names = store.day_texts(), names_in(store)
        gatherer = store.gatherer(compiled.codings)
        records = list(records_in(store, gatherer))[:most]
        days = [as_of] * len(records) if isinstance(as_of, date) else list(as_of or ())
        days = days or [record.index_date or date(2026, 11, 2) for record in records]
        points = {point.name: days[0] for point in compiled.protocol.timepoints}
        table = Looks()
        columns = read_columns(
            compiled.protocol,
            compiled.plan,
            store.shard(gatherer, 0, len(records)),
            np.array([day.toordinal() - _EPOCH for day in days], np.int32),
            table,
            windows or {},
            points,
        )
    kinds = {name: finding.kind for name, finding in compiled.plan.findings.items()}
    for patient, (record, day) in enumerate(zip(records, days, strict=True)):
        # Whoever has results that nothing reads is read wholly, whatever columns say.
        plain = replace(record, unread=())
        read = read_findings(compiled.protocol, compiled.plan, plain, day, windows or {}, points)
        gone = {n for part in columns.parts if part.left[patient] for n in part.names}
        assert len(gone) == sum(len(p.names) for p in columns.parts if p.left[patient])
        groups = {group.name: group.findings for group in read.groups}
        for name, column in columns.columns.items():
            if name not in kinds and int(column.look[patient]) >= 0:
                groups.setdefault(name, frozenset())
        others = {name for name, findings in groups.items() if gone.isdisjoint(findings)}
        for name in {name for part in columns.parts for name in part.names} | others:
            kind = kinds.get(name, "courses")
            if name in gone:
                found.left[kind] += 1
                continue
            found.compared[kind] += 1
            column = columns.columns.get(name) or Column.empty(len(records))
            number = int(column.look[patient])
            look = None if number < 0 else table.looks[number]
            why = table.whys[int(column.why[patient])]
            openers = tuple(
                (*each, names.get((patient, int(column.who[place][patient]))))
                if place < len(column.who)
                else (*each, None)
                for place, each in enumerate(why)
            )
            oldest = _text(int(column.oldest[patient]), texts)
            its = (look, openers, oldest, table.lists[column.closing[patient]])
            meant = (
                read.looks.get(name),
                tuple((o.element, o.reason, o.resource) for o in read.openers.get(name, ())),
                _oldest(read, name),
                _closing(compiled.protocol, read, name),
            )
            if its[0] is not meant[0] or its[1:] != meant[1:]:
                found.wrong.append(f"{record.patient} {name}:\n  {its}\n  {meant}")
    return found


def _closing(protocol: core.Protocol, read: PatientFindings, name: str) -> str | None:
    """The last list that closes something among the evidence."""
    entries = protocol.vocabulary.entries
    facts = [f for f in read.evidence.get(name, ()) if isinstance(f.reading, Closed)]
    lists = [fact.entry for fact in facts if isinstance(entries.get(fact.entry), History)]
    return lists[-1] if lists else None


def _text(dated: int, texts: Mapping[int, str]) -> str | None:
    """The oldest day as written."""
    if dated == NEVER:
        return None
    day, kind = divmod(dated, OTHER_TEXT)
    iso = date.fromordinal(day + _EPOCH).isoformat()
    return iso[: (4, 7, 10)[kind]] if kind < 3 else texts[kind]


def _oldest(read: PatientFindings, name: str) -> str | None:
    days = [
        fact.date
        for fact in read.evidence.get(name, ())
        if fact.date is not None and fact.date.first > date.min
    ]
    oldest = min(days, key=lambda day: (day.first, day.text), default=None)
    return None if oldest is None else oldest.text
