"""The picture of a timeline: where its parts stand, from `when` of a what-if, as data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import log1p
from typing import Any

SIGNS = {"eligible": "✓", "ineligible": "✗", "undetermined": "?"}
MOST_MARKS = 20
"""With more changes than this only those of eligibility are marked."""
_LEAST, _MORE, _EDGE = 82.0, 110.0, 10.0


def timeline_picture(when: Mapping[str, Any]) -> dict[str, Any]:
    """What the template draws: `width`, `bars` of one eligibility, `marks` of the days of change.

    A bar is wider the longer its days, but not in proportion: a day can matter as a decade does.
    """
    starts = {period["from"]: period["eligibility"] for period in when["periods"]}
    days = {change["day"] for change in when["changes"]}
    if len(days) > MOST_MARKS:
        days = set()
    edges = sorted({*days, *starts})
    longest = log1p(365.25 * float(when["looked_ahead_years"]))
    at, place = _EDGE, {}
    for day, following in zip(edges, [*edges[1:], None], strict=True):
        place[day] = at
        share = log1p(_days(day, following)) / longest if following else 0.5
        at += _LEAST + _MORE * share
    bars = []
    begins = sorted(starts)
    for day, following in zip(begins, [*begins[1:], None], strict=True):
        end = place[following] if following else at
        bars.append(
            {
                "x": round(place[day], 1),
                "width": round(end - place[day], 1),
                "eligibility": starts[day],
                "sign": SIGNS[starts[day]],
                "from": day,
                "to": following,
            }
        )
    marks = [{"x": round(place[day], 1), "day": day} for day in edges]
    return {"width": round(at + 2 * _EDGE), "end": round(at, 1), "bars": bars, "marks": marks,
            "alternative": alternative(when)}  # fmt: skip


def alternative(when: Mapping[str, Any]) -> str:
    """The picture in words."""
    said = []
    for period in when["periods"]:
        until = f" to {period['to']}" if period["to"] else " on"
        said.append(f"{period['eligibility']} from {period['from']}{until}")
    return "; ".join(said)


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
