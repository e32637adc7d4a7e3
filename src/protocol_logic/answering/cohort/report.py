"""The report of a cohort: a plain dict, ready for JSON, which text and page are written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from fractions import Fraction
from typing import Any, TypeAlias

from protocol_logic.answering.cohort.curves import Curve, Suggested, tried
from protocol_logic.answering.cohort.influence import (
    Counts,
    attrition,
    eligibilities,
    influence,
)
from protocol_logic.answering.cohort.limits import NumberLimit
from protocol_logic.answering.cohort.missing import missing
from protocol_logic.answering.cohort.patterns import Part
from protocol_logic.answering.cohort.seeing import PartTally, Tally
from protocol_logic.answering.cohort.strata import NOT_KNOWN, Stratum
from protocol_logic.answering.rows import parameters_of, policies_dict
from protocol_logic.compiling import core
from protocol_logic.compiling.policies import Policies
from protocol_logic.foundation.interval import decimal_text

Report: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Eased:
    """A suggestion that was screened again: how many more are then eligible, in each stratum."""

    suggested: Suggested
    strata: tuple[Mapping[str, int], ...]


def report_of(
    protocol: core.Protocol,
    digest: str,
    policies: Policies | None,
    as_of: Sequence[date],
    tally: Tally,
    limits: Sequence[NumberLimit],
    strata: Sequence[Stratum],
    eased: Sequence[Sequence[Eased]],
) -> Report:
    """The report; `as_of`: the first and the last day of judgement, if any; `eased`: of each part,
    what was suggested and holds."""
    return {
        "protocol": {
            "id": protocol.id,
            "version": protocol.version,
            "digest": digest,
            "title": protocol.title,
        },
        "policies": None if policies is None else policies_dict(policies),
        "parameters": parameters_of(protocol),
        "as_of": {"from": as_of[0].isoformat(), "to": as_of[1].isoformat()} if as_of else None,
        "patients": tally.patients,
        "eligibility": _eligibility(tally.eligibility),
        "parts": [
            {
                "scope": None if each.part.scope is None else asdict(each.part.scope),
                **_counted(protocol, each.part, each.standings),
                "missing_data": _missing(each),
                "curves": _curves(protocol, tally, each, limits),
                "relaxations": _relaxations(each, limits, strata, steps),
            }
            for each, steps in zip(tally.parts, eased, strict=True)
        ],
        "strata": [
            {
                "by": stratum.name,
                "values": [
                    {
                        "value": value,
                        "patients": tally.strata[n][value].total(),
                        "eligibility": _eligibility(tally.strata[n][value]),
                        "parts": [
                            _counted(protocol, each.part, each.strata[n][value])
                            for each in tally.parts
                        ],
                    }
                    for value in _values(stratum)
                    if value in tally.strata[n]
                ],
            }
            for n, stratum in enumerate(strata)
        ],
    }


def _values(stratum: Stratum) -> list[str]:
    return [*(value for value, _ in stratum.values), NOT_KNOWN]


def _eligibility(counts: Mapping[Any, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in ("eligible", "undetermined", "ineligible")}


def _counted(protocol: core.Protocol, part: Part, counts: Counts) -> dict[str, Any]:
    """What the criteria of a part do to some patients."""
    criteria = [protocol.criteria[place] for place in part.criteria]
    number = len(criteria)
    return {
        "eligibility": _eligibility(eligibilities(counts)),
        "attrition": [
            {"criterion": criterion.id, **asdict(step)}
            for criterion, step in zip(criteria, attrition(counts, number), strict=True)
        ],
        "influence": [
            {
                "criterion": criterion.id,
                "polarity": criterion.polarity,
                "text": criterion.sentence,
                "passed": each.passed,
                "failed": each.failed,
                "open": each.open,
                "lost_only": each.lost_only,
                "open_only": each.open_only,
                "without": _eligibility(each.without),
                "excludes": _share(each.excludes),
                "holds_back": _share(each.holds_back),
            }
            for criterion, each in zip(criteria, influence(counts, number), strict=True)
        ],
    }


def _share(number: Fraction) -> dict[str, Any]:
    """An exact share, and a number near it."""
    return {"exact": str(number), "value": round(float(number), 6)}


def _missing(tally: PartTally) -> dict[str, Any]:
    sets, elements = missing(tally.wanted)
    return {
        "undetermined": tally.wanted.total(),
        "sets": [
            {"elements": list(names), "patients": number}
            for names, number in sorted(sets.items(), key=lambda s: (-s[1], len(s[0]), s[0]))
        ],
        "elements": [
            {
                "element": name,
                "only": each.only,
                "among": each.among,
                "reasons": dict(sorted(each.reasons.items())),
            }
            for name, each in sorted(
                elements.items(), key=lambda e: (-e[1].only, -e[1].among, e[0])
            )
        ],
    }


def _curves(
    protocol: core.Protocol, tally: Tally, each: PartTally, limits: Sequence[NumberLimit]
) -> list[dict[str, Any]]:
    now = eligibilities(each.standings)["eligible"]
    found = []
    for n, limit in enumerate(limits):
        places = [place for place in limit.criteria if place in each.part.criteria]
        if not places:
            continue
        curve = Curve(limit, each.turns.get(n, {}), now)
        own = limit.test.limit
        found.append(
            {
                "condition": " ".join(limit.words(own).split()),
                "criteria": [protocol.criteria[place].id for place in places],
                "sign": limit.test.op,
                "limit": decimal_text(limit.number),
                "unit": limit.unit,
                "known": tally.known[n],
                "eligible": now,
                "tried": [_at(limit, number, curve.at(number), now) for number in tried(limit)],
                "values": [
                    {
                        "value": decimal_text(value / limit.scale),
                        "at": curve.at(value),
                        "above": curve.above(value),
                    }
                    for value in curve.values
                ],
            }
        )
    return found


def _at(limit: NumberLimit, number: Fraction, eligible: int, now: int) -> dict[str, Any]:
    return {
        "limit": decimal_text(number / limit.scale),
        "eligible": eligible,
        "added": eligible - now,
    }


def _relaxations(
    each: PartTally,
    limits: Sequence[NumberLimit],
    strata: Sequence[Stratum],
    steps: Iterable[Eased],
) -> list[dict[str, Any]]:
    eligible, found = eligibilities(each.standings)["eligible"], []
    for step in steps:
        eligible += step.suggested.added
        found.append(
            {
                "conditions": [
                    {
                        "condition": " ".join(limits[n].words(level).split()),
                        "instead_of": " ".join(limits[n].words(limits[n].test.limit).split()),
                    }
                    for n, level in sorted(step.suggested.levels.items())
                ],
                "added": step.suggested.added,
                "eligible": eligible,
                "strata": [
                    {
                        "by": stratum.name,
                        "added": {v: counts[v] for v in _values(stratum) if v in counts},
                    }
                    for stratum, counts in zip(strata, step.strata, strict=True)
                ],
            }
        )
    return found
