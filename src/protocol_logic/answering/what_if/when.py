"""When a patient becomes eligible, and stops being so, if nothing new happens: the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from protocol_logic.answering.what_if.ahead import Ahead as Ahead
from protocol_logic.answering.what_if.turn_words import TurnWords, merged
from protocol_logic.compiling.plan import Plan, Reach
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.turning import HORIZON_YEARS
from protocol_logic.reasoning.decision import CriterionDecision, Decision, Eligibility
from protocol_logic.reasoning.engine import Engine


@dataclass(frozen=True, slots=True)
class Period:
    """Days of one eligibility, from `first` to `last`; None: for as long as is looked ahead."""

    first: date
    last: date | None
    eligibility: Eligibility


@dataclass(frozen=True, slots=True)
class Turned:
    """A criterion whose outcome changes: what it was and what it is."""

    before: CriterionDecision
    after: CriterionDecision


@dataclass(frozen=True, slots=True)
class Moment:
    """A day on which some criterion, or eligibility, changes.

    `because`: the findings that change and are read there, each with why in words.
    """

    day: date
    before: Decision
    after: Decision
    criteria: tuple[Turned, ...]
    because: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A patient's eligibility from a day on, if nothing new is recorded.

    `earliest`: the first day eligible, the as-of date perhaps; `until`: the first day after it on
    which the patient is so no more. None: there is no such day as far as is looked ahead.
    """

    as_of: date
    periods: tuple[Period, ...]
    moments: tuple[Moment, ...]

    @property
    def earliest(self) -> date | None:
        return next((p.first for p in self.periods if p.eligibility == "eligible"), None)

    @property
    def until(self) -> date | None:
        found = next((p for p in self.periods if p.eligibility == "eligible"), None)
        if found is None or found.last is None:
            return None
        return found.last + timedelta(days=1)


def breakpoints(ahead: Ahead, as_of: date) -> list[date]:
    """The days after the as-of date on which some finding changes, if nothing new is recorded."""
    return [step.day for step in ahead.steps(as_of)][1:]


def timeline(ahead: Ahead, engine: Engine, as_of: date) -> Timeline:
    """The days on which a patient's criteria and eligibility change, with why."""
    words = TurnWords(ahead.protocol, ahead.plan)
    steps = ahead.steps(as_of)
    first = next(steps)
    before, decided = first.found, engine.decide(first.found)
    moments = []
    starts = [(as_of, decided.eligibility)]
    for step in steps:
        after = engine.decide(step.found)
        turned = tuple(
            Turned(old, new)
            for old, new in zip(decided.criteria, after.criteria, strict=True)
            if (old.outcome, old.applies) != (new.outcome, new.applies)
        )
        same = after.eligibility == decided.eligibility and [
            s.eligibility for s in after.scopes
        ] == [s.eligibility for s in decided.scopes]
        if turned or not same:
            about = [t.after.id for t in turned] or [c.id for c in after.criteria]
            because = words.because(step, before, read_by(ahead.plan, about))
            moments.append(Moment(step.day, decided, after, turned, tuple(because)))
        if after.eligibility != decided.eligibility:
            starts.append((step.day, after.eligibility))
        before, decided = step.found, after
    lasts = [day - timedelta(days=1) for day, _ in starts[1:]]
    periods = [
        Period(day, last, eligibility)
        for (day, eligibility), last in zip(starts, [*lasts, None], strict=True)
    ]
    return Timeline(as_of, tuple(periods), tuple(moments))


def read_by(plan: Plan, criteria: Iterable[str]) -> frozenset[str]:
    """The findings, and groups of courses, that some criteria read."""
    return frozenset(name for c in criteria for name in _read(plan, plan.reach[c]))


def _read(plan: Plan, reach: Reach) -> Iterator[str]:
    yield from reach.findings
    yield from map(concept_group, reach.courses)
    for module in reach.modules:
        yield from module.findings


# ---- as data, and in words -----------------------------------------------------------------------


def when_data(found: Timeline) -> dict[str, Any]:
    """A timeline as `when` of `what-if --format json`."""
    return {
        "as_of": found.as_of.isoformat(),
        "earliest_eligible": _iso(found.earliest),
        "no_longer_eligible": _iso(found.until),
        "sentence": _sentence(found),
        "periods": [
            {
                "from": period.first.isoformat(),
                "to": _iso(period.last),
                "eligibility": period.eligibility,
            }
            for period in found.periods
        ],
        "changes": [_moment(moment) for moment in found.moments],
        "looked_ahead_years": HORIZON_YEARS,
    }


def _moment(moment: Moment) -> dict[str, Any]:
    before, after = moment.before, moment.after
    return {
        "day": moment.day.isoformat(),
        "eligibility": {"before": before.eligibility, "after": after.eligibility},
        "scopes": [
            {"id": old.id, "before": old.eligibility, "after": new.eligibility}
            for old, new in zip(before.scopes, after.scopes, strict=True)
            if old.eligibility != new.eligibility
        ],
        "criteria": [
            {
                "id": each.after.id,
                "before": {"outcome": each.before.outcome, "verdict": each.before.verdict},
                "after": {"outcome": each.after.outcome, "verdict": each.after.verdict},
            }
            for each in moment.criteria
        ],
        "because": [{"finding": name, "words": words} for name, words in moment.because],
        "words": merged(words for _, words in moment.because),
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _sentence(found: Timeline) -> str:
    """The two days in a sentence."""
    assumed = "if nothing new is recorded"
    ahead = f"the next {HORIZON_YEARS} years"
    if found.earliest is None:
        return f"Eligible on no day of {ahead}, {assumed}."
    now = found.earliest == found.as_of
    start = "Eligible now" if now else f"Eligible from {found.earliest.isoformat()} on"
    if found.until is None:
        return f"{start}, on every day of {ahead}, {assumed}."
    return f"{start}, no more from {found.until.isoformat()} on, {assumed}."


def when_lines(data: Mapping[str, Any]) -> list[str]:
    """A timeline, as data, in lines of text."""
    lines = [data["sentence"], f"{data['as_of']}  {data['periods'][0]['eligibility']}"]
    for change in data["changes"]:
        before, after = change["eligibility"]["before"], change["eligibility"]["after"]
        said = after if before != after else f"{after}, as before"
        lines.append(f"{change['day']}  {said}: {change['words']}")
        for each in change["criteria"]:
            was, now = each["before"]["outcome"], each["after"]["outcome"]
            lines.append(f"            {each['id']}: {_plain(was)}, then {_plain(now)}")
        for scope in change["scopes"]:
            lines.append(f"            {scope['id']}: {scope['before']}, then {scope['after']}")
    return lines


def _plain(outcome: str) -> str:
    return outcome.replace("_", " ")
