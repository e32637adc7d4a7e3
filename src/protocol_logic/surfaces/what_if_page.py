"""The report of `what-if` as one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from protocol_logic.answering.comparing import is_same
from protocol_logic.answering.what_if.measure import measure_lines
from protocol_logic.surfaces.explain_changes import about_text, changes_text
from protocol_logic.surfaces.report import page
from protocol_logic.surfaces.what_if_text import DOING, conditions, never_changed, why
from protocol_logic.surfaces.when_picture import timeline_picture

MOST_ON_PAGE = 200
"""Of repairs, and of change sets, so many stand on the page."""


def what_if_page(report: Mapping[str, Any], title: str) -> str:
    """The page of a report; `title`: the protocol's own."""
    return page("what_if.html", title=title, **what_if_view(report))


def what_if_view(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates take of a report."""
    when, change = report["when"], report["changed"]
    return {
        "report": report,
        "changed": [] if change is None else changed_lines(change, report["sentence"]),
        "measures": [] if report["measure_next"] is None else measure_lines(report["measure_next"]),
        "repairs": list(_repairs(report)),
        "never": never_changed(report),
        "sets": [conditions(each) for each in report["change_sets"][:MOST_ON_PAGE]],
        "losing": {
            name: [conditions(each) for each in sets]
            for name, sets in report["losing"]["criteria"].items()
        },
        "picture": None if when is None else timeline_picture(when),
        "most": MOST_ON_PAGE,
    }


def changed_lines(change: Mapping[str, Any], sentence: str) -> list[tuple[str, list[str]]]:
    """What changed: lines, each with those that stand under it."""
    if is_same(change):
        about = list(about_text(change["about"]))
        return [("Nothing: all is as recorded.", about)] if about else []
    found: list[tuple[str, list[str]]] = []
    for line in changes_text(change, sentence):
        if line.startswith(" ") and found:
            found[-1][1].append(line.strip())
        else:
            found.append((line, []))
    return found


def _repairs(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for repair in report["repairs"][:MOST_ON_PAGE]:
        changes = [
            {**change, "doing": DOING[change["kind"]], "why": why(change)}
            for change in repair["changes"]
        ]
        yield {**repair, "changes": changes}
