"""An example against the program: each expectation with what the program says.

Expectations about criteria and eligibility are asked of the protocol itself. Those about single
conditions are asked of the protocol that has just these conditions as its criteria.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.answering.testing.results import Check, Tested, TestKind
from protocol_logic.compiling import core
from protocol_logic.compiling.examples import Example, Given
from protocol_logic.compiling.expectations import NOT_APPLYING, Because, Expected
from protocol_logic.records.facts import Fact, PatientRecord, place

Judge: TypeAlias = Callable[[PatientRecord, AsOf], Row]
Criterion: TypeAlias = Mapping[str, Any]
"""A criterion of a row."""


class Examiner:
    """Runs examples of one protocol.

    `conditions`: the judge of single conditions; `ids`: condition -> its criterion there.
    """

    def __init__(self, protocol: Judge, conditions: Judge, ids: Mapping[core.Condition, str]):
        self._protocol = protocol
        self._conditions = conditions
        self._ids = ids

    def run(self, example: Example, kind: TestKind = "example") -> Tested:
        """Check all that an example expects."""
        whole = _record(example, example.given)
        rows: dict[bool, Row] = {}

        def row(by_itself: bool) -> Row:
            if by_itself not in rows:
                judge = self._conditions if by_itself else self._protocol
                rows[by_itself] = judge(whole, _as_of(example.as_of))
            return rows[by_itself]

        checks = tuple(
            self._check(example, expected, row(expected.kind == "condition"))
            for expected in example.expected
        )
        return Tested(
            kind=kind,
            title=example.title,
            file=example.source.name,
            line=example.line,
            row=example.row,
            given=", ".join(f"{given.name} is {given.text}" for given in example.given),
            checks=checks,
        )

    def _check(self, example: Example, expected: Expected, row: Row) -> Check:
        if expected.kind == "eligibility":
            return _eligibility(expected, row)
        found = self._criterion(expected, row)
        got = said_of(found, expected)
        holds = outcome_holds(found, expected.outcome)
        if holds and expected.outcome == "unknown" and expected.because:
            holds = _gaps_are(found, expected.because)
        elif holds and expected.because:
            why = self._not_the_reason(example, expected)
            if why is not None:
                holds, got = False, f"{expected.outcome}, but {why}"
        return check_of(found, expected.about, expected.text, got, holds)

    def _criterion(self, expected: Expected, row: Row) -> Criterion:
        name = expected.about
        if expected.condition is not None:
            name = self._ids[expected.condition]
        found: Criterion = next(c for c in row["criteria"] if c["id"] == name)
        return found

    def _not_the_reason(self, example: Example, expected: Expected) -> str | None:
        """Why what is given of some names is not just what decides an outcome; None: it is."""
        judge = self._conditions if expected.kind == "condition" else self._protocol
        names = [because.text for because in expected.because]

        def outcome(kept: Sequence[str]) -> Criterion:
            given = [g for g in example.given if g.name in kept or g.element in kept]
            return self._criterion(expected, judge(_record(example, given), _as_of(example.as_of)))

        alone = outcome(names)
        if not outcome_holds(alone, expected.outcome):
            return f"with {_and(names)} alone it is {said_of(alone, None)}"
        for name in names:
            others = [other for other in names if other != name]
            if outcome_holds(outcome(others), expected.outcome):
                return f"it is so without {name} too"
        return None


def outcome_holds(criterion: Criterion, outcome: str) -> bool:
    """Whether a criterion of a row has an outcome, as examples write it."""
    if outcome == NOT_APPLYING:
        return not criterion["applies"]
    return bool(criterion["outcome"] == outcome.replace(" ", "_"))


def said_of(criterion: Criterion, expected: Expected | None) -> str:
    """What a row says of a criterion, as examples write it; reasons where some were expected."""
    outcome = str(criterion["outcome"]).replace("_", " ")
    if not criterion["applies"] and (expected is None or expected.outcome != outcome):
        return NOT_APPLYING
    reasons = expected is not None and any(b.reason for b in expected.because)
    gaps = [
        f"{element} ({reason.replace('_', ' ')})" if reasons else element
        for element, reason in gaps_of(criterion)
    ]
    return f"{outcome} because {', '.join(gaps)}" if gaps else outcome


def gaps_of(criterion: Criterion) -> tuple[tuple[str, str], ...]:
    """The gaps of a criterion of a row, each with its reason."""
    return tuple((gap["element"], gap["reason"]) for gap in criterion["gap_details"])


def check_of(criterion: Criterion, about: str, expected: str, got: str, holds: bool) -> Check:
    """What came of an expectation about a criterion of a row."""
    sentence = criterion["text"] if criterion["id"] == about else None
    return Check(about, expected, got, holds, sentence, gaps_of(criterion))


def _eligibility(expected: Expected, row: Row) -> Check:
    """Eligibility overall, or for the scope that the expectation is about."""
    scope = next((s for s in row["scopes"] if s["id"] == expected.about), None)
    found, criteria = scope or row, row["criteria"]
    if scope is not None:
        criteria = [c for c in criteria if not c["scopes"] or scope["id"] in c["scopes"]]
    eligibility = found["eligibility"]
    verdict = {"ineligible": "fail", "undetermined": "open"}.get(eligibility, "")
    why = [c["id"] for c in criteria if c["verdict"] == verdict]
    if eligibility == "ineligible" and not why:
        why = found["decided_jointly"]
    got = f"{eligibility} because {', '.join(why)}" if why else eligibility
    holds = eligibility == expected.outcome
    if holds and expected.because:
        holds = {because.element for because in expected.because} == set(why)
    return Check(expected.about, expected.text, got, holds)


def _gaps_are(criterion: Criterion, because: Iterable[Because]) -> bool:
    """Whether all gaps are named, by themselves or by what they are kinds of, and nothing else."""
    gaps = dict(gaps_of(criterion))
    left = set(gaps)
    for each in because:
        found = gaps.keys() & {each.element, *each.kinds}
        if not found or any(each.reason not in (None, gaps[name]) for name in found):
            return False
        left -= found
    return not left


def _record(example: Example, given: Iterable[Given]) -> PatientRecord:
    facts: list[Fact] = [each.fact for each in given if each.fact is not None]
    return PatientRecord(
        patient="example",
        source=example.source.name,
        index_date=example.as_of,
        facts=tuple(sorted(facts, key=place)),
    )


def record_of(example: Example) -> PatientRecord:
    """The record of the patient whom an example describes."""
    return _record(example, example.given)


def _as_of(day: date) -> AsOf:
    return AsOf(day, "option")


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
