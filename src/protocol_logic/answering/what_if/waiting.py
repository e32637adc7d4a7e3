"""Repairs by waiting: on later days, if nothing new is recorded till then, less is to be changed.

The findings of a day decide which days there are to look at, and each is solved like the first. A
medication can be stopped today, too, and what comes of it waited for.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby

from protocol_logic.answering.what_if.ahead import Ahead
from protocol_logic.answering.what_if.blocks import patterned
from protocol_logic.answering.what_if.changes import Change, Repair, Repairs
from protocol_logic.answering.what_if.earlier import Earlier
from protocol_logic.answering.what_if.failing import TooMany
from protocol_logic.answering.what_if.repairs import MORE_THAN_MOST, Patient, order
from protocol_logic.answering.what_if.searching import MOST
from protocol_logic.answering.what_if.states import set_in
from protocol_logic.compiling import core
from protocol_logic.compiling.clauses import said
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.read import concept_group, read_visible
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.criteria import Key
from protocol_logic.reasoning.meaning import Meaning
from protocol_logic.reasoning.repairing import Region
from protocol_logic.reasoning.support import Truth, View
from protocol_logic.records.facts import PatientRecord

WAIT = 1
"""What each wait costs."""
_WORDS: Mapping[Truth, str] = {True: "true", False: "false", None: "unknown"}
_AGES = {"a": "years", "mo": "months", "d": "days"}


def with_waits(today: Patient, found: Repairs) -> Repairs:
    """The repairs of a patient with those of later days.

    Left out is what asks for the same as a repair of an earlier day, or for more.
    """
    if today.decision.eligibility == "eligible":
        return found
    kept = [*found.repairs]
    notes = dict.fromkeys(found.notes)
    earlier = Earlier()
    earlier.fresh(today, kept)
    for day in _days(today):
        later = Patient(today.r, today.record, day, since=today.as_of)
        new: Sequence[Repair] = [Repair(changes=(), cost=0)]
        if later.decision.eligibility != "eligible":
            try:
                of_day = later.repairs()
            except TooMany as error:
                notes[f"from {day.isoformat()} on: {error}"] = None
                continue
            new = of_day.repairs
            notes.update(dict.fromkeys(of_day.notes))
        fresh = earlier.fresh(later, new)
        waits: dict[Region, _Waits] = {}
        for repair in fresh:
            stops = _stops_of(later, repair)
            if stops not in waits:
                waits[stops] = _Waits(today, later, stops)
            kept.append(waits[stops].waited(repair))
        if any(not repair.changes for repair in fresh):
            break  # time alone: no later day needs less
    kept.sort(key=order)
    if len(kept) > MOST:
        notes[MORE_THAN_MOST] = None
    return replace(found, repairs=tuple(kept[:MOST]), complete=not notes, notes=tuple(notes))


def _days(today: Patient) -> Iterator[date]:
    """The later days on which something changes that may matter to what fails."""
    r = today.r
    names = {n for unit in today.related for n in r.units[unit].read.names}
    groups = {g for unit in today.related for g in r.units[unit].read.courses}
    small = Plan(
        findings={n: f for n, f in r.plan.findings.items() if n in names},
        courses={c: each for c, each in r.plan.courses.items() if concept_group(c) in groups},
        reach={},
        tests=r.plan.tests,
        basis={},
    )
    of_each = (_days_of(today, small, record) for record in _records(today))
    return (day for day, _ in groupby(heapq.merge(*of_each)))


def _days_of(today: Patient, plan: Plan, record: PatientRecord) -> Iterator[date]:
    r = today.r
    ahead = Ahead(r.protocol, plan, lambda _: record, r.windows, r.dates)
    return (day for day, _, _ in ahead.changes(today.as_of))


def _records(today: Patient) -> list[PatientRecord]:
    """The record as it is, with each medication stopped today, and with all of them."""
    stops = [
        option
        for number in sorted({n for unit in today.related for n in today.levers_of(unit)})
        for option in today.states.levers[number].options
        if option.stops
    ]
    found: list[PatientRecord] = []
    for chosen in ([], *([each] for each in stops), stops):
        record = set_in(today.record, chosen, today.as_of, today.r.voc)
        if all(record.facts != other.facts for other in found):
            found.append(record)
    return found


def _stops_of(later: Patient, repair: Repair) -> Region:
    """What of a repair of a later day is done before it."""
    return tuple(
        [
            (lever, kept)
            for lever, kept in later.region_of(repair)
            if later.states.levers[lever].options[kept[0]].on not in (None, later.as_of)
        ]
    )


def _stopped_today(today: Patient, stops: Region) -> Region:
    """The same on the day on which it is done; without a course that may begin only then."""
    found = []
    for number, _ in stops:
        lever = today.states.lever(number)
        options = lever.options if lever is not None else ()
        found += [(number, (n,)) for n, each in enumerate(options) if each.stops]
    return tuple(found)


class _Waits:
    """What is waited for until a later day; `stops`: what is stopped today."""

    def __init__(self, today: Patient, later: Patient, stops: Region) -> None:
        self.today, self.later, self._stops = today, later, stops
        stopped = _stopped_today(today, stops)
        self._done = {lever for lever, _ in stops}
        self._related = [*today.related]
        self._changed: dict[int, list[Key]] = {}
        """The blocks of which the rows are others then, with those of today."""
        for block in sorted({b for unit in self._related for b in later.reads(unit)}):
            names = later.divided.blocks[block].plan.findings
            old = today.rows_of(names, stopped)
            if old != later.rows_of(names, stops):
                self._changed[block] = old
        self._broken: dict[tuple[int, int, Region], bool] = {}
        self._told: dict[int, list[Change]] = {}
        self._now, self._then = _meaning(today, stopped), _meaning(later, stops)

    def waited(self, repair: Repair) -> Repair:
        """A repair of the later day with what is waited for."""
        region = self.later.region_of(repair)
        needed = [block for block in self._changed if self._is_needed(block, region)]
        waits: dict[str, Change] = {}
        for block in needed or self._changed:
            for change in self._changes(block):
                waits.setdefault(change.finding, change)
        each = zip(region, repair.changes, strict=True)
        done = [change for one, change in each if one in self._stops]
        rest = [change for change in repair.changes if change not in done]
        return Repair(
            changes=(*done, *waits.values(), *rest),
            cost=repair.cost + sum(wait.cost for wait in waits.values()),
            earliest=self.later.as_of,
        )

    def _is_needed(self, block: int, region: Region) -> bool:
        """Whether some unit that passes with a region would not if a block were as it is today."""
        later = self.later
        movers = later.states.movers(block)
        if any(lever in movers and lever not in self._done for lever, _ in region):
            return False
        for unit in self._related:
            if block not in later.reads(unit):
                continue
            own = tuple([one for one in region if one[0] in later.levers_of(unit)])
            key = block, unit, own
            if key not in self._broken:
                self._broken[key] = later.breaks(own, block, self._changed[block], unit)
            if self._broken[key]:
                return True
        return False

    def _changes(self, block: int) -> list[Change]:
        """What the days till then change in a block."""
        if block not in self._told:
            self._told[block] = [*self._made(block)]
        return self._told[block]

    def _made(self, number: int) -> Iterator[Change]:
        today, later = self.today, self.later
        block = later.divided.blocks[number]
        for finding in block.plan.findings.values():
            if finding.kind == "age":
                entry = today.r.voc.entries[finding.entry]
                assert isinstance(entry, voc.Age)
                was, to = (_age(patient, entry) for patient in (today, later))
                yield _wait(entry.name, was, to, later.as_of)
        for test, source in today.r.sources.tests.items():
            if isinstance(test, core.Defined) or not _is_read(today, number, later, test):
                continue
            before, after = self._now.truth(test), self._then.truth(test)
            if before != after:
                words = " ".join(said(source, test).split())
                yield _wait(words, _WORDS[before], _WORDS[after], later.as_of)


def _meaning(patient: Patient, region: Region) -> Meaning:
    """What tests are of a patient with medications stopped."""
    r, found = patient.r, patient.found
    if region:
        options = [patient.states.levers[lever].region(kept) for lever, kept in region]
        record = set_in(patient.record, options, patient.as_of, r.voc)
        found = read_visible(r.protocol, r.plan, r.visible(record, patient.as_of))
    return Meaning(r.protocol, r.plan, View.of(found))


def _is_read(today: Patient, number: int, later: Patient, test: core.Test) -> bool:
    block = later.divided.blocks[number]
    if isinstance(test, core.Pattern):
        return patterned(block, test)
    if isinstance(test, core.Present):
        return not set(today.r.voc.below(test.concept)).isdisjoint(block.plan.findings)
    if test not in today.r.plan.tests:
        return False
    finding = today.r.plan.tests[test][0]
    return finding in block.plan.findings and block.plan.findings[finding].kind != "age"


def _age(patient: Patient, entry: voc.Age) -> str:
    ages = patient.maker.cutter.input(entry.name).alternatives
    known = [each for each in ages if isinstance(each, int)]
    return " or ".join(f"{age} {_AGES[entry.unit]}" for age in known) or "unknown"


def _wait(finding: str, was: str, to: str, day: date) -> Change:
    return Change(
        finding=finding, was=was, to=to, kind="wait", earliest=day, cost=WAIT,
        because=f"on {day.isoformat()}",
    )  # fmt: skip
