"""What is said of a cohort in words, alike in text and HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from protocol_logic.answering.cohort.report import Report
from protocol_logic.foundation.interval import decimal_text
from protocol_logic.surfaces.run_words import circumstances
from protocol_logic.surfaces.terminal import count, visible

Json: TypeAlias = Mapping[str, Any]

ATTRITION = "Who is left, criterion by criterion"
INFLUENCE = "What each criterion does, whatever its place"
MISSING = "What missing data cost"
LIMITS = "How many more would be eligible under other limits"
EASED = "Limits to ease next"
RANKED = "Undetermined patients, the cheapest to settle first"
RANKED_SAID = "The elements that decide each of them whatever is found, with their cost in points."
CURVES = "Eligible patients under other limits"
CURVES_SAID = (
    "One limit at a time; all else is as it is. Who has no number, or one that is not known "
    "exactly (two results of one day, or one that is only bounded), counts at every limit as now. "
    "The broken line is the protocol's own limit."
)
LAST_LINE = (
    "Counts are of records as they are, on the day of each. A limit that lets more patients in may "
    "let in those whom it is there to protect: whether it can be eased, a person decides."
)
NO_PATIENT = "No patient was judged, so there is nothing to count."
COLUMNS = (
    "Only by it: would be eligible without it.",
    "Excludes: its share of the exclusions; who fails several is divided among them.",
    "Eligible, undetermined: how many are so without it; first, with all.",
)
_MOST_SETS = 10
_WORDS = {
    "absent": "not recorded",
    "unreadable": "cannot be read",
    "conflicting": "contradictory",
    "imprecise": "not precise enough",
    "not_closed": "history not complete",
    "ordered": "only ordered",
    "ended": "ended once, may have come again",
    "doubted": "in doubt, beside a list that is complete",
    "no_reference_range": "no reference range",
    "stale": "too old",
}


def heading(report: Report) -> str:
    """What was counted, and for which day."""
    protocol, as_of = report["protocol"], report["as_of"]
    text = f"{protocol['id']} {protocol['version']}, {count(report['patients'], 'patient')}"
    if as_of is None:
        return visible(text)
    return visible(f"{text}, as of {' to '.join(sorted({as_of['from'], as_of['to']}))}")


def summary(report: Report) -> Iterator[str]:
    """Under what it was counted, and what came of it."""
    yield from circumstances(report)
    yield f"{counted(report['eligibility'])}." if report["patients"] else NO_PATIENT


def counted(eligibility: Json) -> str:
    """`4 eligible, 5 undetermined, 6 ineligible`"""
    return ", ".join(f"{number:,} {word}" for word, number in eligibility.items())


def title_of(part: Json) -> str:
    """The scope of a part with what came of it there; empty where there are no scopes."""
    scope = part["scope"]
    if scope is None:
        return ""
    return visible(f"{scope['label']} ({scope['id']}): {counted(part['eligibility'])}")


def share(number: Json) -> str:
    """A share to one digit; what is too small for it is said to be above zero."""
    exact = Fraction(number["exact"])
    return "<0.1" if 0 < exact < Fraction(1, 20) else f"{float(exact):,.1f}"


def missing(part: Json) -> Iterator[str]:
    """The sets of elements for want of which patients are undetermined, most frequent first."""
    sets: Sequence[Json] = part["missing_data"]["sets"]
    for each in sets[:_MOST_SETS]:
        names = ", ".join(map(visible, each["elements"]))
        alone = "only " if len(each["elements"]) == 1 else ""
        yield f"{each['patients']:,} undetermined {alone}for want of {names or 'nothing recorded'}"
    rest = sets[_MOST_SETS:]
    if rest:
        patients = sum(each["patients"] for each in rest)
        sets_left = count(len(rest), "other set")
        yield f"{patients:,} undetermined for want of {sets_left} of elements"


def reasons(element: Json) -> str:
    """Why an element is open, with how often."""
    return ", ".join(f"{_WORDS[why]} {number:,}" for why, number in element["reasons"].items())


def near(text: str) -> str:
    """An exact number as people read it: as it is where it is short, else to four digits."""
    number = Fraction(text)
    exact = decimal_text(number)
    return exact if len(exact) <= 7 and "/" not in exact else f"{float(number):.4g}"


def condition(curve: Json) -> str:
    """The condition whose limit is moved."""
    return visible(curve["condition"])


def known(curve: Json, report: Report) -> str:
    """In which criteria a limit stands, and for how many patients the number is known."""
    where = ", ".join(map(visible, curve["criteria"]))
    others = report["patients"] - curve["known"]
    constant = f"; the other {others:,} count at every limit as now" if others else ""
    said = f"the number is known exactly of {curve['known']:,} of {report['patients']:,} patients"
    return f"In {where}; {said}{constant}."


def changes(curve: Json) -> list[Json]:
    """The limits that were tried and change how many are eligible, nearest to the own first.

    Of limits one after the other that give the same count only the nearest stands.
    """
    own = Fraction(curve["limit"])
    below = [each for each in curve["tried"] if Fraction(each["limit"]) < own][::-1]
    above = [each for each in curve["tried"] if Fraction(each["limit"]) > own]
    found: list[Json] = []
    for side in (below, above):
        before = 0
        for each in side:
            if each["added"] != before:
                found.append(each)
            before = each["added"]
    return found


def gains(curve: Json) -> str:
    """`85: +1, 80: +3`: the tried limits that let more patients in."""
    return ", ".join(
        f"{each['limit']}: +{each['added']:,}" for each in changes(curve) if each["added"] > 0
    )


def eased(steps: Sequence[Json]) -> Iterator[str]:
    """The suggestions, each after those before it."""
    for number, step in enumerate(steps):
        also = " with it," if number == 1 else " with these," if number else ""
        what = " and ".join(visible(each["condition"]) for each in step["conditions"])
        instead = " and ".join(visible(each["instead_of"]) for each in step["conditions"])
        add = "add" if len(step["conditions"]) > 1 else "adds"
        more = "another " if number else ""
        patients = "" if number else f" patient{'s' if step['added'] != 1 else ''}"
        yield (
            f"{also.strip()} {what} {add} {more}{step['added']:,}{patients} "
            f"({step['eligible']:,} eligible; now {instead}){_by(step)}"
        ).strip()


def to_obtain(each: Json) -> str:
    """What is to be obtained of an undetermined patient."""
    if each["cost"] is None:
        return "nothing that can be obtained decides it"
    number = each["others"]
    others = f"; or another of {number:,} sets" if number > 1 else "; or another set" * number
    return ", ".join(map(visible, each["elements"])) + others


def cost(each: Json) -> str:
    """The cost of that."""
    return "" if each["cost"] is None else f"cost {each['cost']:,}"


def _by(step: Json) -> str:
    """Whom a suggestion adds, by strata."""
    said = [
        f"{visible(each['by'])}: "
        + ", ".join(f"{visible(value)} {number:,}" for value, number in each["added"].items())
        for each in step["strata"]
        if each["added"]
    ]
    return "; " + "; ".join(said) if said else ""


def percent(number: int, of: int) -> str:
    """`12%` of a group; without the sign for none of them."""
    return f"{100 * number / of:.0f}%" if of else ""
