"""Decisions to rows: what `screen` reports of one patient, as pinned in the design.

A row is a plain dict, ready for JSON; keys and their order are fixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import date
from typing import Any, Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.basis import Basis
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.policies import Policies
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.findings.unlisted import words
from protocol_logic.foundation.problems import Problem
from protocol_logic.reasoning.decision import (
    CriterionDecision,
    Decision,
    Eligibility,
    ScopeDecision,
)
from protocol_logic.records.facts import (
    Account,
    Closed,
    ConditionStated,
    Fact,
    NotTaken,
    PatientRecord,
    total_of,
)

AsOfSource: TypeAlias = Literal["option", "index", "bundle"]
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AsOf:
    """The day on which eligibility is judged, and where it comes from."""

    date: date
    source: AsOfSource


def row_of(
    protocol: core.Protocol,
    plan: Plan,
    digest: str,
    policies: Policies | None,
    dates: Mapping[str, date],
    record: PatientRecord,
    as_of: AsOf,
    found: PatientFindings,
    decision: Decision,
    problems: Iterable[Problem],
) -> Row:
    """The row of one patient; `dates`: the days of time points that have one of their own;
    `problems` are those of `problems_of`."""
    decided = {d.id: d for d in decision.criteria}
    return whole(
        about(protocol, digest, policies, dates, record, as_of, found),
        judged(protocol, decision.eligibility, decision.decided_jointly, decision.scopes),
        [
            criterion_dict(
                c,
                decided[c.id],
                plan.basis[c.id],
                oldest_evidence(plan, c.id, found),
                passed_over(found, c.id),
                unread(found, c.id),
            )
            for c in protocol.criteria
        ],
        attested(record, found),
        total_of(record.accounting),
        problems,
    )


def whole(
    about: Mapping[str, Any],
    judged: Mapping[str, Any],
    criteria: Sequence[Mapping[str, Any]],
    attested: Sequence[Mapping[str, str]],
    resources: Account,
    problems: Iterable[Problem],
) -> Row:
    """A row of its pieces."""
    return {
        **about,
        **judged,
        "criteria": criteria,
        "attested": attested,
        "resources": {
            "total": resources.total,
            "facts": resources.facts,
            "irrelevant": resources.irrelevant,
            "problems": resources.problems,
        },
        "problems": [problem_dict(p) for p in problems],
    }


def judged(
    protocol: core.Protocol,
    eligibility: Eligibility,
    jointly: Sequence[str],
    scopes: Sequence[ScopeDecision],
) -> dict[str, Any]:
    """The eligibility, overall and by scope."""
    return {
        "eligibility": eligibility,
        "decided_jointly": list(jointly),
        "scopes": [
            {
                "id": scope.id,
                "label": scope.label,
                "eligibility": decided_scope.eligibility,
                "decided_jointly": list(decided_scope.decided_jointly),
            }
            for scope, decided_scope in zip(protocol.scopes, scopes, strict=True)
        ],
    }


def about(
    protocol: core.Protocol,
    digest: str,
    policies: Policies | None,
    dates: Mapping[str, date],
    record: PatientRecord,
    as_of: AsOf,
    found: PatientFindings,
) -> dict[str, Any]:
    """Who is judged, on which day, and by what."""
    return {
        "patient": record.patient,
        "source": record.source,
        "as_of": as_of.date.isoformat(),
        "as_of_source": as_of.source,
        "protocol": {"id": protocol.id, "version": protocol.version, "digest": digest},
        "policies": None if policies is None else policies_dict(policies),
        "parameters": parameters_of(protocol),
        "timepoints": timepoints_of(protocol, dates, found),
    }


def policies_dict(policies: Policies) -> dict[str, Any]:
    """The site policies that a row was judged under."""
    return {
        "id": policies.id,
        "version": policies.version,
        "digest": policies.digest,
        "lines": list(policies.texts),
    }


def parameters_of(protocol: core.Protocol) -> list[dict[str, str]]:
    """The parameters of a protocol: the value in force, who gives it, and the protocol's own."""
    return [
        {"name": p.name, "value": p.value, "from": p.origin, "default": p.default}
        for p in protocol.parameters
    ]


def timepoints_of(
    protocol: core.Protocol, dates: Mapping[str, date], found: PatientFindings
) -> list[dict[str, str]]:
    """The time points with their days: the answer's, else the run's, else the as-of date."""
    return [
        {
            "id": point.name,
            "label": point.label,
            "date": found.timepoints[point.name].isoformat(),
            "from": _origin(point.name, dates, found),
        }
        for point in protocol.timepoints
    ]


def _origin(name: str, dates: Mapping[str, date], found: PatientFindings) -> str:
    if found.evidence.get(name):
        return "answer"
    return "option" if name in dates else "as_of"


def set_for_run(parameters: Iterable[Mapping[str, str]]) -> list[str]:
    """What of `parameters_of` this run has set, in words."""
    return [f"{p['name']} is {p['value']}" for p in parameters if p["from"] == "run"]


def criterion_dict(
    criterion: core.Criterion,
    decision: CriterionDecision,
    basis: Basis,
    oldest: str | None,
    passed_over: Sequence[Mapping[str, str | None]] = (),
    unread: Sequence[Mapping[str, str | None]] = (),
) -> dict[str, Any]:
    """What a row says of one criterion."""
    return {
        "id": criterion.id,
        "polarity": criterion.polarity,
        "text": criterion.sentence,
        "scopes": list(criterion.scopes),
        "basis": basis.kind,
        "asked": [asdict(question) for question in basis.asked],
        "missing": criterion.missing,
        "outcome": decision.outcome,
        "verdict": decision.verdict,
        "applies": decision.applies,
        "oldest_evidence": oldest,
        "gaps": [gap.element for gap in decision.gaps],
        "gap_details": [
            {"element": gap.element, "reason": gap.reason, "resource": gap.resource}
            for gap in decision.gaps
        ],
        "passed_over": list(passed_over),
        "unread": list(unread),
    }


def passed_over(found: PatientFindings, criterion: str) -> list[dict[str, str | None]]:
    """What resembles a class that a complete list makes absent for a criterion."""
    return [
        {
            "name": each.name,
            "code": each.code,
            "resource": each.resource,
            "resembles": each.like,
            "status": each.status or None,
        }
        for each in found.passed.get(criterion, ())
    ]


def unread(found: PatientFindings, criterion: str) -> list[dict[str, str | None]]:
    """The results that do not count, and are of what a criterion asks for or resemble it."""
    return [
        {
            "name": each.name,
            "code": each.code,
            "day": each.day,
            "resource": each.resource,
            "resembles": each.entries[0],
            "why": each.why or None,
        }
        for each in found.unread.get(criterion, ())
    ]


def oldest_evidence(plan: Plan, criterion: str, found: PatientFindings) -> str | None:
    """The date, as recorded, of the oldest fact that the criterion's findings rest on."""
    reach = plan.reach[criterion]
    names = [*reach.findings, *(concept_group(c) for c in reach.courses)]
    dates = [
        fact.date
        for name in names
        for fact in found.evidence.get(name, ())
        if fact.date is not None and fact.date.first > date.min  # else of any day
    ]
    oldest = min(dates, key=lambda d: (d.first, d.text), default=None)
    return oldest.text if oldest is not None else None


def attested(record: PatientRecord, found: PatientFindings) -> list[dict[str, str]]:
    """The answers of people that count among the evidence, by element."""
    facts = [fact for each in found.evidence.values() for fact in each]
    # Of an order that was not taken nothing is left that could be evidence.
    facts += [fact for fact in record.facts if isinstance(fact.reading, NotTaken)]
    answers = {answer for fact in facts for answer in fact.attested}
    return [asdict(answer) for answer in sorted(answers, key=astuple)]


def problems_of(record: PatientRecord, found: PatientFindings) -> list[Problem]:
    """What is wrong with the record, and what reading it had to give up, by resource and code."""
    problems = list(record.problems)
    for name in found.widened:
        problems.append(
            Problem(
                code="too-many-readings",
                message=f"the record allows too many readings of `{name}` to try them all; "
                "each is left possible",
                hint="record the missing dates and intents",
                file=record.source,
            )
        )
    for name, (fact, unread) in found.kept_open.items():
        problems.append(
            Problem(
                code="list-not-closing",
                message=f"`{name}` does not close, beside {words(unread)}",
                hint="who has looked at them can answer that it is complete, or make codes known "
                "by entries, which `fit` prints",
                resource=fact.resource,
                file=record.source,
            )
        )
    for name, unlisted in found.beside.items():
        closed = next(
            fact
            for facts in found.evidence.values()
            for fact in facts
            if fact.entry == name and isinstance(fact.reading, Closed)
        )
        problems.append(
            Problem(
                code="unlisted-under-closed-list",
                message=f"`{name}` closes, beside {words(unlisted)}",
                hint="see whether it is of what the list says to be absent; `fit` shows what "
                "codes may stand for",
                resource=closed.resource,
                file=record.source,
            )
        )
    for name, openers in found.openers.items():
        for opener in openers:
            if opener.reason == "conflicting":
                message, hint = _CONFLICT
                if _is_over_elsewhere(found.evidence.get(name, ()), opener.resource):
                    message, hint = _OVER_ELSEWHERE
                problems.append(
                    Problem(
                        code="conflict",
                        message=message.format(opener.element),
                        hint=hint,
                        resource=opener.resource,
                        file=record.source,
                    )
                )
            elif opener.reason == "no_reference_range":
                problems.append(
                    Problem(
                        code="no-reference-range",
                        message=f"the result has no usable {opener.element}",
                        hint="there is no site default; the result's own range is needed",
                        resource=opener.resource,
                        file=record.source,
                    )
                )
    return sorted(dict.fromkeys(problems), key=lambda p: (p.resource or "", p.code, p.message))


_CONFLICT = (
    "different values of `{}` on its latest date",
    "each is taken to be possible; correct the record where one is wrong",
)
_OVER_ELSEWHERE = (
    "`{}` is there by one code, and over later by one of another code system",
    "they may be of two things; correct the record, or answer what is so",
)


def _is_over_elsewhere(facts: Iterable[Fact], resource: str | None) -> bool:
    """Whether what a resource states of a condition is older than what contradicts it."""
    told = [(f.resource, f.date) for f in facts if isinstance(f.reading, ConditionStated)]
    days = [when for name, when in told if name == resource and when is not None]
    return any(when is not None and when.first > day.last for day in days for _, when in told)


def problem_dict(problem: Problem) -> dict[str, Any]:
    """A record's problem as a row reports it."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "resource": problem.resource,
    }


@dataclass(slots=True)
class Summary:
    """How many patients and criteria were decided, and which elements are missing how often.

    `rests`, `decided_by`: basis -> how many criteria there are, and were decided.
    """

    patients: int = 0
    criteria: int = 0
    decided: int = 0
    eligibility: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    rests: Counter[str] = field(default_factory=Counter)
    decided_by: Counter[str] = field(default_factory=Counter)
    scopes: dict[str, Counter[str]] = field(default_factory=dict)
    """Scope -> how many patients are eligible for it, and so on."""

    def add(self, row: Row) -> None:
        """Count a patient's row."""
        self.patients += 1
        self.eligibility[row["eligibility"]] += 1
        for scope in row["scopes"]:
            self.scopes.setdefault(scope["id"], Counter())[scope["eligibility"]] += 1
        self.criteria += len(row["criteria"])
        decided = [c["basis"] for c in row["criteria"] if c["outcome"] != "unknown"]
        self.decided += len(decided)
        self.decided_by.update(decided)
        self.rests.update(c["basis"] for c in row["criteria"])
        self.missing.update({gap for c in row["criteria"] for gap in c["gaps"]})
