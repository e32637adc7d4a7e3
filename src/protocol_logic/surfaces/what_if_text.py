"""The report of `what-if` as text: first what was decided, then what would change it, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from protocol_logic.answering.comparing import is_same
from protocol_logic.answering.what_if.measure import measure_lines
from protocol_logic.answering.what_if.when import when_lines
from protocol_logic.surfaces.digits import rounded
from protocol_logic.surfaces.explain_changes import about_text, changes_text
from protocol_logic.surfaces.terminal import Paint, visible

Data: TypeAlias = Mapping[str, Any]
MOST_SHOWN = 12
"""Of repairs, and of change sets, so many are shown; json has all."""
ROUNDED = "rounded to the safe side"
DOING = {
    "obtain": "obtain",
    "treat": "treat",
    "wait": "wait for",
    "correct": "correct the record",
}
_HOLDING = {"true": "it holds", "false": "it does not hold"}


def what_if_lines(report: Data, *, colour: bool = False) -> Iterator[str]:
    """The lines of a report."""
    paint = Paint(colour)
    for heading, lines in _sections(report):
        if heading:
            yield ""
            yield paint(heading, "bold")
        yield from map(visible, lines)


def _sections(report: Data) -> Iterator[tuple[str, list[str]]]:
    yield "", list(_head(report))
    if report["changed"] is not None:
        yield "What that changes", list(_changed(report))
    if report["measure_next"] is not None:
        yield "What to measure next", _indented(measure_lines(report["measure_next"]))
    if report["eligibility"] != "eligible":
        heading = "What would make the patient eligible, cheapest first"
        yield heading, list(_repairs(report))
    if report["eligibility"] == "ineligible":
        yield "The same in the words of the protocol", list(_sets(report))
    if report["eligibility"] == "eligible":
        heading = "What would make the patient ineligible, in the words of the protocol"
        yield heading, list(_losing(report))
    if report["when"] is not None:
        yield "When", _indented(when_lines(report["when"]))
    if report["margins"]:
        margins = (f"{each['condition']}: {rounded(each['words'])}" for each in report["margins"])
        yield "How far the numbers are from their limits", _indented(margins)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _head(report: Data) -> Iterator[str]:
    protocol = report["protocol"]
    yield (
        f"{report['patient']}: {report['eligibility']} for {protocol['id']} {protocol['version']}, "
        f"as of {report['as_of']}"
    )
    for problem in report["problems"]:
        if problem["code"] == "patient-status":
            yield problem["message"]
    for text in report["set"]:
        yield f"  set: {text}"
    if report["sentence"]:
        yield rounded(report["sentence"])


def _changed(report: Data) -> Iterator[str]:
    change = report["changed"]
    if is_same(change):
        days = next((each for each in change["about"] if each["name"] == "as_of"), None)
        where = f", as of {days['before']} and {days['after']}" if days else ""
        yield f"  nothing: all is as recorded{where}"
        yield from _indented(about_text(x for x in change["about"] if x["name"] != "as_of"))
    else:
        for line in changes_text(change, report["sentence"]):
            yield f"  {line}"


def _repairs(report: Data) -> Iterator[str]:
    repairs = report["repairs"]
    shown = repairs[:MOST_SHOWN]
    shared = _shared(repairs)
    if shared:
        yield "  all of these:"
        yield from (f"     {_change(change)}" for change in shared)
        yield "  and of these one:"
    for number, repair in enumerate(shown, start=1):
        until = f", from {repair['earliest']} on" if repair["earliest"] else ""
        yield f"  {number}. {'all in all ' if shared else ''}cost {repair['cost']}{until}"
        own = [change for change in repair["changes"] if change not in shared]
        yield from (f"     {_change(change)}" for change in own)
    if len(repairs) > MOST_SHOWN:
        yield f"  and {len(repairs) - MOST_SHOWN:,} more, at a cost of up to {repairs[-1]['cost']}"
    if not repairs:
        yield "  nothing that can be changed"
    if never := never_changed(report):
        yield f"  never changed: {', '.join(never)}"
    for note in report["notes"]:
        yield f"  {note}"
    if not report["repairs_complete"] and not report["notes"]:
        yield "  there may be others"
    if repairs:
        yield from _command(repairs[0])


def _command(repair: Data) -> Iterator[str]:
    """The options that try a repair."""
    given = [f"--as-of {repair['earliest']}"] if repair["earliest"] else []
    for change in repair["changes"]:
        if change["kind"] != "wait":
            given.append(f'--set "{change["finding"]} is {change["to"]}"')
    # What a shell would read otherwise is not written as a command.
    if not any(sign in text[7:-1] for text in given for sign in '"$`\\!'):
        yield f"  try the first: {' '.join(given)}"


def _shared(repairs: Sequence[Data]) -> list[Data]:
    """The changes that all repairs have in common, those that are not shown with them."""
    if len(repairs) < 2:
        return []
    first, *others = repairs
    return [c for c in first["changes"] if all(c in other["changes"] for other in others)]


def _change(change: Data) -> str:
    kind, finding, to = change["kind"], change["finding"], change["to"]
    doing = f"wait until {change['earliest']}" if kind == "wait" else DOING[kind]
    if to in _HOLDING:
        that = "when" if kind == "wait" else "so that"
        said = f"{doing}, {that} {_HOLDING[to]}: {finding}"
    else:
        said = f"{doing}{':' if kind in ('wait', 'correct') else ''} {finding} {to}"
    told = "" if kind == "wait" else why(change)
    return f"{said} ({told})" if told else said


def never_changed(report: Data) -> list[str]:
    """The names that never change; what a repair waits for changes by itself."""
    changes = (change for repair in report["repairs"] for change in repair["changes"])
    waited = {change["finding"] for change in changes if change["kind"] == "wait"}
    return [name for name in report["immutable"] if name not in waited]


def why(change: Data) -> str:
    """Why a change is as it is; that a limit is rounded is said once."""
    because: str = change["because"]
    if not change["rounded"] or ROUNDED in because:
        return because
    return f"{because}; {ROUNDED}" if because else ROUNDED


def _sets(report: Data) -> Iterator[str]:
    sets = report["change_sets"]
    yield from _listed(sets)
    if not sets:
        yield "  none: what fails rests on what never changes"
    if not report["change_sets_complete"]:
        yield "  there may be others"


def _losing(report: Data) -> Iterator[str]:
    losing = report["losing"]
    for name, sets in losing["criteria"].items():
        yield f"  {name}: {' | '.join(conditions(each) for each in sets[:MOST_SHOWN])}"
        if len(sets) > MOST_SHOWN:
            yield f"    and {len(sets) - MOST_SHOWN:,} more"
    if not losing["complete"]:
        yield "  there may be others"


def _listed(sets: Sequence[Data]) -> Iterator[str]:
    for number, each in enumerate(sets[:MOST_SHOWN], start=1):
        yield f"  {number}. {conditions(each)}"
    if len(sets) > MOST_SHOWN:
        yield f"  and {len(sets) - MOST_SHOWN:,} more"


def conditions(each: Data) -> str:
    """The conditions of a change set in a line."""
    said = [*each["flip"], *(f"{name} (open now)" for name in each["resolve"])]
    return "; ".join(said)
