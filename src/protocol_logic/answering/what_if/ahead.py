"""A record as days pass, if nothing new happens.

Between two breakpoints all findings stay as they are, so a day on each side of every breakpoint
says all of time. What is recorded with a later date becomes visible on its day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.parting import certain_of, parts_of
from protocol_logic.findings.read import read_findings, read_visible
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.findings.turning import Turn, turns_of
from protocol_logic.records.facts import Fact, Measured, PatientRecord, Unlisted


@dataclass(frozen=True, slots=True)
class Ahead:
    """A patient's record as days pass.

    `record_on`: the record as it is read on a day, for what people answered of a later day is not
    there before it. `windows`: entry -> how old its evidence may be; `dates`: the days of time
    points in this run. `later`: days on which answers begin to count.
    """

    protocol: core.Protocol
    plan: Plan
    record_on: Callable[[date], PatientRecord]
    windows: Mapping[str, Window] = field(default_factory=dict)
    dates: Mapping[str, date] = field(default_factory=dict)
    later: tuple[date, ...] = ()

    def findings_on(self, day: date) -> PatientFindings:
        """The findings of a day."""
        record = self.record_on(day)
        return read_findings(self.protocol, self.plan, record, day, self.windows, self.dates)

    def turns(self, as_of: date) -> Mapping[date, Sequence[Turn]]:
        """The days after one on which some finding may change, with what may change it."""
        unlisted = self.record_on(as_of).unlisted
        facts = [*self._facts(as_of), *self._alike(as_of)]
        turns = turns_of(self.protocol, self.plan, facts, as_of, self.windows, self.dates, unlisted)
        missing = (day for day in self.later if day > as_of and day not in turns)
        return dict(sorted({**turns, **dict.fromkeys(missing, ())}.items()))

    def _facts(self, as_of: date) -> Collection[Fact]:
        """What is recorded on a day, and then."""
        facts = dict.fromkeys(self.record_on(as_of).facts)
        for day in self.later:
            if day > as_of:
                facts.update(dict.fromkeys(self.record_on(day).facts))
        return facts

    def _alike(self, as_of: date) -> Iterator[Fact]:
        """Results that do not count, each as one of what it resembles, and what is named in places
        that are not read: their days count alike."""
        for day in (as_of, *self.later):
            record = self.record_on(day)
            unread = [(n, each.resource, each.date) for each in record.unread for n in each.entries]
            named = [(each.entry, each.resource, each.date) for each in record.mentioned]
            for entry, resource, when in [*unread, *named]:
                reading = Measured(None)
                yield Fact(entry=entry, resource=resource, date=when, recorded="", reading=reading)

    def changes(self, as_of: date) -> Iterator[tuple[date, frozenset[str], tuple[Turn, ...]]]:
        """Each later day on which the cells of some findings differ from those of the day before,
        with these and what may have changed them. What cannot have changed is not read again."""
        certain = certain_of(self.protocol.vocabulary, self._facts(as_of))
        parts = parts_of(self.protocol, self.plan, certain)
        before: list[Cells | None] = [None for _ in parts]
        record = _read_of(self.record_on(as_of))
        first = self._visible(record, as_of)
        for day, turns in self.turns(as_of).items():
            turning = {turn.finding for turn in turns}
            changed: set[str] = set()
            visible = self._visible(_read_of(self.record_on(day)) if self.later else record, day)
            for number, (names, part) in enumerate(parts):
                if day not in self.later and names.isdisjoint(turning):
                    continue
                old = before[number]
                if old is None:
                    old = cells_of(read_visible(self.protocol, part, first))
                new = before[number] = cells_of(read_visible(self.protocol, part, visible))
                changed.update(n for n in {*old, *new} if old.get(n) != new.get(n))
            if changed:
                yield day, frozenset(changed), tuple(t for t in turns if t.finding in changed)

    def _visible(self, record: PatientRecord, day: date) -> Visible:
        fresh = {name: window.first_day(day) for name, window in self.windows.items()}
        return Visible(record, day, self.protocol.vocabulary, fresh, self.dates)

    def steps(self, as_of: date) -> Iterator[Step]:
        """The as-of date, then each day on which the cells of some finding differ from those of the
        day before."""
        yield Step(as_of, self.findings_on(as_of))
        for day, changed, turns in self.changes(as_of):
            yield Step(day, self.findings_on(day), changed, turns)


@dataclass(frozen=True, slots=True)
class Step:
    """A day on which findings change, the findings from then on, which they are, and what may have
    changed them."""

    day: date
    found: PatientFindings
    changed: frozenset[str] = frozenset()
    turns: tuple[Turn, ...] = ()


def _read_of(record: PatientRecord) -> PatientRecord:
    """What cells are read from: of what else it states just the first of each kind and name that
    may keep a list open."""
    first: dict[tuple[str, str, str], Unlisted] = {}
    for each in record.unlisted:
        if each.keeps_open:
            key = (each.kind, each.code, each.name)
            known = first.setdefault(key, each)
            if (each.first or date.min) < (known.first or date.min):
                first[key] = each
    return replace(record, unlisted=tuple(first.values()))


Cells: TypeAlias = Mapping[str, object]


def cells_of(found: PatientFindings) -> Cells:
    """What the findings may be: finding -> its cells and, where it stands in a group, the rows."""
    cells: dict[str, object] = dict(found.single)
    for group in found.groups:
        rows = frozenset(row.cells for row in group.rows)
        cells[group.name] = rows
        cells.update(dict.fromkeys(group.findings, rows))
    return cells
