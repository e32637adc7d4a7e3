"""A cohort against the published numbers of Trial Pathfinder, and against protocols that really
are without a criterion or have another limit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cache
from itertools import combinations, islice
from pathlib import Path

import pytest

from protocol_logic.answering.cohort.curves import Curve, suggestions, tried
from protocol_logic.answering.cohort.influence import attrition, eligibilities, influence
from protocol_logic.answering.cohort.limits import NumberLimit, limits_of
from protocol_logic.answering.cohort.patterns import parts_of
from protocol_logic.answering.cohort.seeing import PartTally, Seen, Tally
from protocol_logic.answering.rows import AsOf
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import (
    Compiled,
    Screening,
    Surveying,
    compile_source,
    compiled_of,
    findings_of,
    read_records,
    with_other_limits,
)
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.files import Reading
from protocol_logic.records.sources import iter_unread
from protocol_logic.records.tables import iter_table_records
from tests.differential.limited import AS_OF, limited
from tests.differential.plain_pathfinder import Tables, excluded, read_table, rule_of, rules_of
from tests.differential.trials import compiled as of_text, trials

ROOT = Path(__file__).parents[2]
CASE = ROOT / "tests" / "cases" / "trial_pathfinder"
TABLES = ROOT.parent / "shared" / "data" / "trialpathfinder" / "tutorial"
RULES = ("age", "histology_squamous", "ecog", "platelets", "bilirubin")
PUBLISHED = {"age": 0, "histology_squamous": 2020, "ecog": 1797, "platelets": 1943,
             "bilirubin": 2316}  # fmt: skip
"""Whom each rule excludes, as the notebook of the tutorial prints it."""

MANY = int(os.environ.get("MANY", "1"))
OF_LIMITS = 4 if "MANY" in os.environ else 2
"""Protocols full of limits for each that is of any kind."""
TINY = Fraction(1, 10**9)

SYNTHEA = ROOT.parent / "shared" / "data" / "synthea-r4" / "patients.ndjson.gz"

synthea = pytest.mark.skipif(not SYNTHEA.is_file(), reason=f"no records at {SYNTHEA}")
tutorial = pytest.mark.skipif(not TABLES.is_dir(), reason=f"no tables at {TABLES}")


@cache
def compiled() -> Compiled:
    text = (CASE / "trial_pathfinder.elig").read_text(encoding="utf-8")
    found = compile_source(Source("trial_pathfinder.elig", text), Problems())
    assert found is not None
    return found


@cache
def records() -> list[PatientRecord]:
    return list(iter_table_records(CASE, elements_of(compiled().protocol), Problems()))


def tally_of(compiled: Compiled, records: list[PatientRecord]) -> Tally:
    surveying = Surveying(compiled)
    tally = Tally(parts_of(compiled.protocol), 0)
    for record in records:
        seen = surveying.survey(record, None).seen
        assert seen is not None
        tally.add(seen)
    return tally


@cache
def counted() -> PartTally:
    [part] = tally_of(compiled(), records()).parts
    return part


@cache
def tables() -> Tables:
    """Trial Pathfinder's own, in plain Python."""
    return {f: read_table(TABLES / f"{f}.csv") for f in ("demographics", "features", "lab")}


@cache
def fails() -> list[set[str]]:
    """Whom the rules exclude, by the plain reading of Trial Pathfinder's own files."""
    plain = excluded(rules_of(TABLES / "criteria.csv"), tables())
    return [{name.lower() for name in names} for names in plain.values()]


@tutorial
def test_the_published_numbers() -> None:
    standings = counted().standings
    found = influence(standings, len(RULES))
    assert {r: each.failed for r, each in zip(RULES, found, strict=True)} == PUBLISHED
    assert eligibilities(standings) == {"eligible": 223, "ineligible": 3777, "undetermined": 0}
    ecog, bilirubin = RULES.index("ecog"), RULES.index("bilirubin")
    both = sum(n for s, n in standings.items() if s.verdicts[ecog] + s.verdicts[bilirubin] == "pp")
    assert both == 1053


@tutorial
def test_attrition_and_leave_one_out_as_in_plain_python() -> None:
    steps = attrition(counted().standings, len(RULES))
    for place, step in enumerate(steps):
        before, after = set(RULES[:place]), set(RULES[: place + 1])
        assert step.entering == sum(not each & before for each in fails())
        assert step.certainly == step.possibly == sum(not each & after for each in fails())
    for rule, each in zip(RULES, influence(counted().standings, len(RULES)), strict=True):
        assert each.without["eligible"] == sum(not names - {rule} for names in fails())
        assert each.lost_only == sum(names == {rule} for names in fails())
        share = sum((Fraction(1, len(n)) for n in fails() if rule in n), Fraction(0))
        assert each.excludes == each.holds_back == share
    assert sum(1 for names in fails() if not names) == 223


@tutorial
@pytest.mark.parametrize(
    ("rule", "sign", "limits"),
    [("bilirubin", "<=", ("0.9", "1.5")), ("platelets", ">=", ("70", "120"))],
)
def test_curves_as_in_plain_python(rule: str, sign: str, limits: tuple[str, ...]) -> None:
    rules = rules_of(TABLES / "criteria.csv")
    numbers = limits_of(compiled().protocol, compiled().plan)
    n, limit = next((n, x) for n, x in enumerate(numbers) if x.test.entry == rule)
    curve = Curve(limit, counted().turns[n], 223)
    [old] = [r for r in rules if r.name.lower() == rule]
    for number in limits:
        changed = rule_of("\n".join((*old.text[:-1], f"lab['LabValue'] {sign} {number}")))
        by_it = excluded([changed], tables()).values()
        left = sum(not (names - {rule} | by) for names, by in zip(fails(), by_it, strict=True))
        assert curve.at(Fraction(number) * limit.scale) == left, number


# ---- records as others made them -----------------------------------------------------------------

LABS = """protocol labs_of_synthea
  title Limits on what Synthea records
  version 1.0
  uses demographics, labs, vital_signs

include adult
  > 18 to 75 years
  all of
    age >= 18 years
    age <= 75 years

include blood
  > Hemoglobin and platelets
  all of
    hemoglobin >= 120 g/L
    platelets >= 200 10*9/L

exclude pressure
  > Systolic pressure above 130 mmHg, or body mass index above 30 kg/m2
  any of
    systolic_pressure > 130 mm[Hg]
    body_mass_index > 30 kg/m2
"""


def is_exact(surveying: Surveying, record: PatientRecord, day: date) -> bool:
    """Whether each number is known exactly, or not recorded at all; of others nothing moves."""
    told, misses = surveying.screening.compiled, surveying.seeing.misses
    said = findings_of(told, record, day)
    values = misses.values(said)
    return all(n in values or not said.evidence[x.finding] for n, x in enumerate(misses.limits))


@synthea
def test_synthea_records_under_other_limits() -> None:
    told = of_text(LABS)
    unread = islice(iter_unread([SYNTHEA], Reading()), 0, 400, 4)
    read = [each.document() for each in unread if not isinstance(each, Problem)]
    documents = [each for each in read if not isinstance(each, Problem)]
    day = date(2026, 11, 2)
    surveying, tally = Surveying(told), Tally(parts_of(told.protocol), 0)
    found = [r for r in read_records(told, documents, Problems()) if is_exact(surveying, r, day)]
    rows = []
    for record in found:
        seen = surveying.survey(record, day).seen
        assert seen is not None
        tally.add(seen)
        rows.append(surveying.screening.row(record, AsOf(day, "option")))
    said = Counter(row["eligibility"] for row in rows)
    assert dict(tally.eligibility) == dict(said)
    assert len(said) > 1 and len(found) > 50
    limits = surveying.seeing.misses.limits
    [part] = tally.parts
    moved = 0
    for n, limit in enumerate(limits):
        curve = Curve(limit, part.turns.get(n, {}), said["eligible"])
        for number in tried(limit)[::4]:
            other = with_other_limits(told, {limit.test: (number, limit.words(number))})
            screening = Screening(other)
            eligible = sum(
                screening.row(record, AsOf(day, "option"))["eligibility"] == "eligible"
                for record in found
            )
            assert curve.at(number) == eligible, limit.words(number)
            moved += eligible != said["eligible"]
    assert moved > 5
    levels: dict[int, Fraction] = {}
    eligible = said["eligible"]
    for step in suggestions(limits, part.near):
        levels |= step.levels
        eligible += step.added
        asked = {limits[k].test: (to, limits[k].words(to)) for k, to in levels.items()}
        screening = Screening(with_other_limits(told, asked))
        again = [screening.row(r, AsOf(day, "option"))["eligibility"] for r in found]
        assert again.count("eligible") == eligible
    assert levels


# ---- random protocols: each claim is screened by the ordinary road -----------------------------


def eligibilities_of(told: Compiled, record: PatientRecord, as_of: AsOf) -> list[str]:
    """Eligibility for each scope, or overall where there is none."""
    if not told.protocol.criteria:
        return ["eligible"] * len(parts_of(told.protocol))
    row = Screening(told).row(record, as_of)
    return [said["eligibility"] for said in row["scopes"] or [row]]


def surveyed(kind: str, case: int) -> Iterator[tuple[Compiled, Surveying, PatientRecord, AsOf]]:
    """Patients of a random protocol: of any kind, or of one that is full of limits."""
    if kind == "limits":
        text, records = limited(case)
        surveying = Surveying(of_text(text))
        told = surveying.screening.compiled
        yield from ((told, surveying, each, AsOf(AS_OF, "index")) for each in records)
        return
    for trial in trials(case):
        if not findings_of(trial.told, trial.record, trial.as_of).widened:
            yield trial.told, Surveying(trial.told), trial.record, AsOf(trial.as_of, "option")


def seen_of(surveying: Surveying, record: PatientRecord, as_of: AsOf) -> Seen:
    seen = surveying.survey(record, as_of.date).seen
    assert seen is not None
    return seen


def with_criteria(told: Compiled, places: Sequence[int]) -> Compiled:
    """The protocol with some of its criteria."""
    criteria = tuple(told.protocol.criteria[place] for place in places)
    made = compiled_of(replace(told.protocol, criteria=criteria), told.policies)
    return replace(made, codings=told.codings, dates=told.dates)


CASES = [("limits", case) for case in range(OF_LIMITS * MANY)] + [
    ("any", case) for case in range(MANY)
]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_without_a_criterion_and_after_each_step(kind: str, case: int) -> None:
    for told, surveying, record, as_of in surveyed(kind, case):
        seen = seen_of(surveying, record, as_of)
        for number, part in enumerate(surveying.seeing.parts):
            standing = seen.standings[number]
            where = (kind, case, record.patient)
            expected = eligibilities_of(told, record, as_of)[number]
            assert standing.eligibility() == expected, where
            for place, criterion in enumerate(part.criteria):
                others = [p for p in range(len(told.protocol.criteria)) if p != criterion]
                expected = eligibilities_of(with_criteria(told, others), record, as_of)[number]
                assert standing.without(place) == expected, (*where, criterion)
                so_far = with_criteria(told, part.criteria[: place + 1])
                expected = eligibilities_of(so_far, record, as_of)[number]
                lost_at = standing.lost_at()
                lost = lost_at is not None and lost_at <= place
                certain = set(standing.verdicts[: place + 1]) == {"p"}
                said = "ineligible" if lost else "eligible" if certain else "undetermined"
                assert said == expected, (*where, criterion)


def past(limit: NumberLimit, value: Fraction, held: bool) -> Fraction:
    """A limit near a number that it does, or does not, hold it."""
    return next(n for n in (value, value + TINY, value - TINY) if limit.holds(value, n) == held)


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_curves_and_near_misses_are_as_screened_with_those_limits(kind: str, case: int) -> None:
    for told, surveying, record, as_of in surveyed(kind, case):
        seen = seen_of(surveying, record, as_of)
        misses = surveying.seeing.misses
        limits, values = misses.limits, misses.values(findings_of(told, record, as_of.date))
        where = (kind, case, record.patient)
        now = screened(told, record, as_of, limits, {})
        against = []
        for n, value in values.items():
            own = limits[n].holds(value, limits[n].test.limit)
            moved = {n: past(limits[n], value, not own)}
            turned = screened(told, record, as_of, limits, moved)
            for number, near in enumerate(seen.near):
                turns = {which: eligible for which, _, eligible in near.turns}
                assert (n in turns) == (turned[number] != now[number]), (*where, n)
                assert turns.get(n, now[number]) == now[number], (*where, n)
            if limits[n].helps is not None and own != limits[n].helps:
                against.append(n)
        for size in range(1, 4 if len(against) < 6 else 2):
            for names in map(frozenset, combinations(against, size)):
                moved = {n: past(limits[n], values[n], limits[n].helps is True) for n in names}
                for number, eligible in enumerate(screened(told, record, as_of, limits, moved)):
                    sets = [{n for n, _ in each} for each in seen.near[number].sets]
                    promised = any(each <= names for each in sets)
                    assert promised == (eligible and not now[number]), (*where, names)


def screened(
    told: Compiled,
    record: PatientRecord,
    as_of: AsOf,
    limits: Sequence[NumberLimit],
    moved: dict[int, Fraction],
) -> list[bool]:
    """Whether a patient is eligible, for each scope, with some limits moved."""
    said = {limits[n].test: (to, limits[n].words(to)) for n, to in moved.items()}
    found = eligibilities_of(with_other_limits(told, said), record, as_of)
    return [each == "eligible" for each in found]
