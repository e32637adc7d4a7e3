"""Repairs by waiting: on later days, if nothing new is recorded till then, less is to be changed.

The findings of a day decide which days there are to look at, and each is solved like the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from protocol_logic.answering.what_if.ahead import Ahead
from protocol_logic.answering.what_if.blocks import patterned
from protocol_logic.answering.what_if.changes import Change, Repair, Repairs
from protocol_logic.answering.what_if.repairs import MOST, Patient, order
from protocol_logic.compiling import core
from protocol_logic.compiling.clauses import said
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.meaning import Meaning
from protocol_logic.reasoning.support import Truth, View

WAIT = 1
"""What each wait costs."""
_WORDS: Mapping[Truth, str] = {True: "true", False: "false", None: "unknown"}
_AGES = {"a": "years", "mo": "months", "d": "days"}


def with_waits(today: Patient, found: Repairs) -> Repairs:
    """The repairs of a patient with those of later days.

    Left out is what needs the same changes as a repair of an earlier day, or more.
    """
    if today.decision.eligibility == "eligible":
        return found
    kept = [*found.repairs]
    notes = dict.fromkeys(found.notes)
    complete = found.complete
    asked = [(_wanted(repair, today.as_of), repair) for repair in kept]
    for day in _days(today):
        later = Patient(today.r, today.record, day)
        if later.decision.eligibility == "eligible":
            new = [Repair(changes=(), cost=0)]
        else:
            of_day = later.repairs()
            new, complete = [*of_day.repairs], complete and of_day.complete
            notes.update(dict.fromkeys(of_day.notes))
        fresh = []
        for repair in new:
            wanted = _wanted(repair, day)
            if not any(_needs_less(before, wanted) for before, _ in asked):
                fresh.append((wanted, _waited(today, later, repair)))
        asked += fresh
        kept += [repair for _, repair in fresh]
        if any(not wanted for wanted, _ in fresh):
            break  # time alone: no later day needs less
    kept.sort(key=order)
    return replace(
        found,
        repairs=tuple(kept[:MOST]),
        complete=complete and len(kept) <= MOST,
        notes=tuple(notes),
    )


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
    ahead = Ahead(r.protocol, small, lambda _: today.record, r.windows, r.dates)
    return (day for day, _, _ in ahead.changes(today.as_of))


_Wanted = dict[str, str]
"""The inputs that a repair changes, and in which way."""


def _wanted(repair: Repair, day: date) -> _Wanted:
    """A limit that moves with the day is one limit, and so is a start on the day."""
    found = {}
    for change in repair.changes:
        words = change.to.replace(day.isoformat(), "")
        sign, _, rest = words.partition(" ")
        one_end = sign in ("<", "<=", ">", ">=") and " and " not in rest
        found[change.finding] = sign[0] if one_end else words
    return found


def _needs_less(one: _Wanted, other: _Wanted) -> bool:
    """Whether all changes of one are among those of the other."""
    return one.items() <= other.items()


def _waited(today: Patient, later: Patient, repair: Repair) -> Repair:
    """A repair of a later day with what is waited for."""
    waits = tuple(_waits(today, later, repair))
    return Repair(
        changes=(*waits, *repair.changes),
        cost=repair.cost + sum(wait.cost for wait in waits),
        earliest=later.as_of,
    )


def _waits(today: Patient, later: Patient, repair: Repair) -> Iterator[Change]:
    """What the days till then change, as far as the repair needs it."""
    region = later.region_of(repair)
    blocks = sorted({block for unit in today.related for block in later.reads(unit)})
    changed = {}
    for block in blocks:
        old = today.rows_of(later.divided.blocks[block].plan.findings)
        if old != later.rows_of(later.divided.blocks[block].plan.findings):
            changed[block] = old
    needed = [b for b in changed if later.breaks(region, b, changed[b], [*today.related])]
    seen: dict[str, None] = {}
    for block in needed or changed:
        for change in _changes_of(today, later, block):
            if change.finding not in seen:
                seen[change.finding] = None
                yield change


def _changes_of(today: Patient, later: Patient, number: int) -> Iterator[Change]:
    block = later.divided.blocks[number]
    protocol, plan = today.r.protocol, today.r.plan
    now = Meaning(protocol, plan, View.of(today.found))
    then = Meaning(protocol, plan, View.of(later.found))
    for finding in block.plan.findings.values():
        if finding.kind == "age":
            entry = protocol.vocabulary.entries[finding.entry]
            assert isinstance(entry, voc.Age)
            was, to = (_age(patient, entry) for patient in (today, later))
            yield _wait(entry.name, was, to, later.as_of)
    for test, source in today.r.sources.tests.items():
        if isinstance(test, core.Defined) or not _is_read(today, number, later, test):
            continue
        before, after = now.truth(test), then.truth(test)
        if before != after:
            words = " ".join(said(source, test).split())
            yield _wait(words, _WORDS[before], _WORDS[after], later.as_of)


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
