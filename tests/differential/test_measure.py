"""What to measure next, against all ways in which the patient can be, and against answers.

`MANY=300 pytest tests/differential/test_measure.py` runs a longer campaign.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import chain, combinations, product
from math import prod

import pytest

from protocol_logic.answering.what_if.measure import Measures, Measuring, _Part
from protocol_logic.answering.what_if.setting import with_facts
from protocol_logic.compiling.changing import changes_of
from protocol_logic.findings.rows import Group, PatientFindings, Row
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.pipeline import findings_of
from protocol_logic.reasoning.meaning import Meaning
from protocol_logic.reasoning.reads import groups_of
from protocol_logic.reasoning.support import View
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Fact,
    Limit,
    Measured,
    Reading,
    Stated,
)
from tests.differential.trials import Trial, trials

MANY = int(os.environ.get("MANY", "20"))
CHUNK = 20
MOST_WAYS = 250
MOST_ELEMENTS = 7
seen = {"parts": 0, "answers": 0}


def undetermined(start: int) -> Iterator[tuple[int, Trial, Measuring, PatientFindings, Measures]]:
    for case in range(start, start + CHUNK):
        for trial in trials(case):
            found = findings_of(trial.told, trial.record, trial.as_of)
            decision = trial.engine.decide(found)
            if decision.eligibility == "undetermined":
                protocol, plan = trial.told.protocol, trial.told.plan
                measuring = Measuring(protocol, plan, trial.engine, changes_of(protocol))
                yield case, trial, measuring, found, measuring.measures(found, decision)


# ---- all ways in which the patient can be --------------------------------------------------------

Way = tuple[tuple[int, ...], dict[str, str], bool]
"""The number of the row of each group, the cell of each finding, and whether criteria pass."""


def ways(measuring: Measuring, part: _Part, found: PatientFindings) -> list[Way] | None:
    """None where they are too many, or plain reading leaves one of them open."""
    groups = groups_of(part.reads, found)
    names = dict.fromkeys(n for read in part.reads for n in read.names if n in found.single)
    criteria = {c.id: c for c in measuring.protocol.criteria}
    found_ways: list[Way] = []
    for rows in product(*(range(len(group.rows)) for group in groups)):
        cells = {name: sorted(found.single[name]) for name in names}
        for group, number in zip(groups, rows, strict=True):
            cells.update({name: sorted(allowed) for name, allowed in group.rows[number].cells})
        if len(found_ways) + prod(map(len, cells.values())) > MOST_WAYS:
            return None
        for chosen in product(*cells.values()):
            way = dict(zip(cells, chosen, strict=True))
            one = PatientFindings(
                as_of=found.as_of,
                single={n: frozenset({way[n]}) if n in way else c for n, c in found.single.items()},
                groups=tuple(
                    Group(g.name, (Row(tuple((n, frozenset({way[n]})) for n, _ in row.cells)),))
                    for g, number in zip(groups, rows, strict=True)
                    for row in [g.rows[number]]
                ),
            )
            meaning = Meaning(measuring.protocol, measuring.plan, View.of(one))
            if meaning.impossible() is not None:
                continue
            truths = [[meaning.passes(criteria[c]) for c in scope] for scope in part.scopes]
            if any(truth is None for scope in truths for truth in scope):
                return None
            found_ways.append((rows, way, any(all(scope) for scope in truths)))
    return found_ways


def decides(
    measuring: Measuring, part: _Part, found: PatientFindings, every: list[Way], known: set[str]
) -> bool:
    """Whether no two ways agree in what is known and differ in whether criteria pass."""
    groups = groups_of(part.reads, found)
    moved = {name for name, opened in part.findings.items() if not opened.is_settled(known)}

    def told(rows: tuple[int, ...]) -> list[tuple[str, str]]:
        return [
            label
            for group, number in zip(groups, rows, strict=True)
            for label in group.rows[number].labels
            if part.labels[group.name, label[0]].is_settled(known)
        ]

    def allowed(rows: tuple[int, ...]) -> dict[str, object]:
        return {
            name: cells
            for group, number in zip(groups, rows, strict=True)
            for name, cells in group.rows[number].cells
        }

    for (rows, way, good), (others, other, differs) in combinations(every, 2):
        if good == differs or told(rows) != told(others):
            continue
        one, two = allowed(rows), allowed(others)
        free = moved | {n for n in {**one, **two} if one.get(n) != two.get(n)}
        if all(way.get(n) == other.get(n) for n in {*way, *other} - free):
            return False
    return True


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_the_sets_are_all_minimal_ones_that_decide(start: int) -> None:
    for case, trial, measuring, found, measures in undetermined(start):
        decision = trial.engine.decide(found)
        parts = measuring._parts(found, decision)
        costs = measuring._costs(parts, found)
        for part in parts:
            elements = sorted(n for n in part.elements if costs.get(n) is not None)
            every = ways(measuring, part, found) if len(elements) <= MOST_ELEMENTS else None
            if every is None:
                continue
            seen["parts"] += 1
            minimal: list[set[str]] = []
            sizes = (combinations(elements, size) for size in range(len(elements) + 1))
            for chosen in map(set, chain.from_iterable(sizes)):
                if any(found_one <= chosen for found_one in minimal):
                    continue
                where = (case, trial.number, chosen, trial.text)
                expected = decides(measuring, part, found, every, chosen)
                assert measuring._decides(part, found, chosen) == expected, where
                minimal += [chosen] if expected else []
            sets, complete, _ = measuring._sets([part], found, costs)
            assert complete
            got = sorted(sorted(each.elements) for each in sets)
            if len(minimal) <= 10:
                assert got == sorted(map(sorted, minimal)), (case, trial.number, trial.text)
            for each in sets:
                assert each.cost == sum(costs[name] or 0 for name in each.elements)
            assert [s.cost for s in sets] == sorted(s.cost for s in sets)
        if len(parts) == 1 and measures.sets:
            assert measures.alone == tuple(s for s in measures.sets if len(s.elements) == 1)
    assert seen["parts"]


# ---- answers, by the ordinary road ---------------------------------------------------------------


def answer(rng: random.Random, entry: voc.Entry, as_of: date) -> Fact | None:
    """Some answer about an entry; None: this test gives none."""
    reading: Reading
    dated = True
    match entry:
        case voc.Quantity(codes=codes) if codes:
            limits = tuple(
                Limit(None, Fraction(rng.randint(1, 300), 10), "some", end)
                for end in ("ULN", "LLN")
            )  # fmt: skip
            value = Fraction(rng.choice([rng.randint(1, 40), rng.randint(1, 2000)]), 10)
            reading = Measured(Interval.point(value), limits)
        case voc.PatientField(field="birthDate"):
            day = date(rng.randint(1930, as_of.year - 1), 5, 7)
            reading, dated = Born(PartialDate(day, day, day.isoformat())), False
        case voc.PatientField(values=values):
            reading, dated = Stated(frozenset({rng.choice(values)})), False
        case voc.Status(values=values):
            reading = Stated(frozenset({rng.choice(values)}))
        case voc.Consent():
            reading = Stated(frozenset({rng.choice(["signed", "refused"])}))
        case voc.Asked():
            reading = Stated(frozenset({rng.choice(["yes", "no"])}))
        case voc.Concept(kind="condition"):
            state = "present" if rng.random() < 0.5 else "absent"
            reading = ConditionStated(state, confirmed=state == "present")  # type: ignore[arg-type]
        case voc.History():
            reading = Closed()
        case _:
            return None
    when = PartialDate(as_of, as_of, as_of.isoformat()) if dated else None
    return Fact(
        entry=entry.name, resource=f"Answer/{entry.name}", date=when, recorded="", reading=reading
    )


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_answers_to_a_set_decide_the_case(start: int) -> None:
    for case, trial, measuring, _found, measures in undetermined(start):
        if any(day != trial.as_of for day in trial.dates.values()):
            continue  # an answer of today may lie outside a window that ends on another day
        if measures.notes:
            continue  # an answer that leaves a decision open, or undoes that it was missing
        rng = random.Random(f"answers {case} {trial.number}")
        entries = measuring.entries
        kinds: dict[str, set[str]] = {}
        for finding in measuring.plan.findings.values():
            kinds.setdefault(finding.element, set()).add(finding.kind)
        for each in measures.sets:
            about = [
                [e for e in entries.values() if e.element == name and not isinstance(e, voc.Age)]
                for name in each.elements
            ]
            if any(len(named) != 1 for named in about):
                continue
            asked = [named[0] for named in about]
            if any(
                isinstance(e, voc.Concept) and kinds.get(e.element, set()) != {"presence"}
                for e in asked
            ):
                continue  # of what happened an answer tells one day, or none
            for _ in range(4):
                facts = [answer(rng, entry, trial.as_of) for entry in asked]
                if any(fact is None for fact in facts):
                    break
                given = [fact for fact in facts if fact is not None]
                record = with_facts(trial.record, given, trial.as_of, measuring.protocol.vocabulary)
                record = replace(record, unclear=frozenset())
                decided = trial.engine.decide(findings_of(trial.told, record, trial.as_of))
                where = (case, trial.number, each, given, trial.text)
                assert decided.eligibility != "undetermined", where
                seen["answers"] += 1
    assert seen["answers"]
