"""The picture of a timeline: its parts, its words, and that nothing of a record becomes markup."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from protocol_logic.surfaces.report import _environment
from protocol_logic.surfaces.when_picture import MOST_MARKS, timeline_picture

TEMPLATE = """{% from "timeline.html" import timeline, changes %}
{{ timeline(picture, "when") }}{{ changes(when) }}"""
SVG = "{http://www.w3.org/2000/svg}"


def change(day: str, before: str, after: str) -> dict[str, Any]:
    criterion = {
        "id": "recent<b>",
        "before": {"outcome": "not_met", "verdict": "fail"},
        "after": {"outcome": "met", "verdict": "pass"},
    }
    return {
        "day": day,
        "eligibility": {"before": before, "after": after},
        "scopes": [],
        "criteria": [criterion],
        "because": [],
        "words": "28 days are over: since <script> on 2026-01-01",
    }


WHEN: dict[str, Any] = {
    "as_of": "2026-01-15",
    "sentence": "Eligible from 2026-02-04 on, no more from 2027-01-02 on.",
    "looked_ahead_years": 100,
    "periods": [
        {"from": "2026-01-15", "to": "2026-02-03", "eligibility": "ineligible"},
        {"from": "2026-02-04", "to": "2027-01-01", "eligibility": "eligible"},
        {"from": "2027-01-02", "to": None, "eligibility": "undetermined"},
    ],
    "changes": [
        change("2026-02-04", "ineligible", "eligible"),
        change("2026-05-01", "eligible", "eligible"),
        change("2027-01-02", "eligible", "undetermined"),
    ],
}  # fmt: skip


def test_a_bar_for_each_period_and_a_mark_for_each_day() -> None:
    picture = timeline_picture(WHEN)
    assert [bar["eligibility"] for bar in picture["bars"]] == [
        "ineligible", "eligible", "undetermined",
    ]  # fmt: skip
    days = ["2026-01-15", "2026-02-04", "2026-05-01", "2027-01-02"]
    assert [mark["day"] for mark in picture["marks"]] == days
    places = [mark["x"] for mark in picture["marks"]]
    assert all(later - before >= 80 for before, later in pairwise(places))
    first, second, last = picture["bars"]
    assert round(first["x"] + first["width"], 1) == second["x"] == places[1]
    assert round(second["x"] + second["width"], 1) == last["x"] == places[3]
    assert last["x"] + last["width"] < picture["width"]


def test_many_changes_leave_marks_of_eligibility_alone() -> None:
    days = [f"2026-03-{n:02}" for n in range(1, MOST_MARKS)]
    more = [change(day, "eligible", "eligible") for day in days]
    picture = timeline_picture({**WHEN, "changes": [*WHEN["changes"], *more]})
    assert [mark["day"] for mark in picture["marks"]] == ["2026-01-15", "2026-02-04", "2027-01-02"]


def test_the_picture_has_a_title_and_words_for_those_who_do_not_see_it() -> None:
    text = _environment().from_string(TEMPLATE).render(when=WHEN, picture=timeline_picture(WHEN))
    start, end = text.index("<svg"), text.index("</svg>") + len("</svg>")
    svg = ElementTree.fromstring(text[start:end])
    assert svg.get("role") == "img"
    names = str(svg.get("aria-labelledby")).split()
    by_id = {each.get("id"): each.text for each in svg.iter() if each.get("id")}
    assert [by_id[name] for name in names] == [
        "Eligibility from 2026-01-15 on",
        "ineligible from 2026-01-15 to 2026-02-03; eligible from 2026-02-04 to 2027-01-01; "
        "undetermined from 2027-01-02 on",
    ]
    written = [each.text for each in svg.iter(f"{SVG}text")]
    assert written[:3] == ["✗ ineligible", "✓ eligible", "? undetermined"]
    assert "<script>" not in text and "recent&lt;b&gt;" in text
    assert "28 days are over: since &lt;script&gt;" in text
    assert "style=" not in text  # a page's policy lets no style in that stands in an element
