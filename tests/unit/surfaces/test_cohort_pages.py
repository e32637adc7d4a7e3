"""A cohort as text and as a page: hostile texts do no harm, numbers stand in tables too."""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random

import pytest

from protocol_logic.answering.cohort.curves import suggestions
from protocol_logic.answering.cohort.patterns import parts_of
from protocol_logic.answering.cohort.report import Eased, Report, report_of
from protocol_logic.answering.cohort.seeing import Tally
from protocol_logic.answering.cohort.strata import stratum_of
from protocol_logic.pipeline import Surveying
from protocol_logic.surfaces.cohort_page import cohort_page
from protocol_logic.surfaces.cohort_plots import attrition_plot, curve_plot
from protocol_logic.surfaces.cohort_text import CohortText
from protocol_logic.surfaces.cohort_words import changes, near, share
from protocol_logic.surfaces.terminal import text_width
from tests.differential.limited import AS_OF, random_record
from tests.differential.trials import compiled
from tests.unit.surfaces.test_fit_pages import Page

TEXT = """protocol hostile
  title <script>document.title='owned'</script> & "more"
  version 1.0
  uses demographics, labs

scope arm
  label </title><img src=x>

include blood
  > Hemoglobin at least 90 g/L, </style><b>or</b> so
  all of
    hemoglobin >= 90 g/L
    platelets >= 100 10*9/L

include adult
  > Adults
  age >= 18 years
"""


@cache
def report(patients: int = 40, text: str = TEXT) -> Report:
    found = compiled(text)
    strata = [stratum_of(found.protocol, name) for name in ("sex", "age")]
    divided = [stratum for stratum in strata if not isinstance(stratum, str)]
    surveying = Surveying(found, divided)
    tally = Tally(parts_of(found.protocol), len(divided))
    for number in range(patients):
        seen = surveying.survey(random_record(Random(number), number), AS_OF).seen
        assert seen is not None
        tally.add(seen)
    days = [AS_OF, AS_OF] if patients else []
    limits = surveying.seeing.misses.limits
    eased: list[list[Eased]] = [
        [
            Eased(step, tuple(Counter({"female": step.added}) for _ in divided))
            for step in suggestions(limits, each.near)
        ]
        for each in tally.parts
    ]
    return report_of(found.protocol, found.digest, None, days, tally, limits, divided, eased)


def text(found: Report, width: int = 80, encoding: str = "utf-8") -> str:
    drawn = CohortText(found, width=width, colour=False, encoding=encoding)
    return "\n".join(drawn.lines())


def test_hostile_texts_are_texts() -> None:
    page = Page(cohort_page(report()))
    assert [tag for tag, _ in page.tags if tag in ("script", "img", "b")] == []
    said = "".join(page.said)
    assert "<script>document.title='owned'</script>" in said
    assert "</style><b>or</b> so" in said
    assert "</title><img src=x>" in said
    [policy] = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") is not None]
    assert "default-src 'none'" in policy and "script-src" not in policy


def test_each_plot_has_a_name_and_a_table_beside_it() -> None:
    page = Page(cohort_page(report()))
    plots = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(plots) >= 5
    names = [attrs["aria-labelledby"] for attrs in plots]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)
    assert set(names) <= set(ids)
    tables = [tag for tag, _ in page.tags if tag == "table"]
    assert len(tables) >= len(plots)


def test_the_text_is_as_wide_as_asked_and_says_the_same() -> None:
    said = text(report(), width=80)
    assert all(text_width(line) <= 80 for line in said.split("\n"))
    for word in ("blood", "adult", "Limits to ease next", "By sex", "By age"):
        assert word in said
    text(report(), width=40, encoding="ascii").encode("ascii")


def test_nobody_is_no_division_by_zero() -> None:
    found = report(0)
    assert "No patient was judged" in text(found)
    assert "No patient was judged" in "".join(Page(cohort_page(found)).said)


def test_bars_are_in_proportion() -> None:
    [part] = report()["parts"]
    plot = attrition_plot(part)
    everybody, blood, adult = plot.bars
    whole = everybody.parts[0][1]
    for bar, step in zip((blood, adult), part["attrition"], strict=True):
        sure, maybe = (width for _, width, _ in bar.parts)
        assert sure == pytest.approx(whole * step["certainly"] / 40, abs=0.1)
        assert sure + maybe == pytest.approx(whole * step["possibly"] / 40, abs=0.2)


def test_a_curve_falls_where_its_numbers_are() -> None:
    curve = {
        "condition": "hemoglobin >= 90 g/L", "limit": "90", "eligible": 3, "unit": "g/L",
        "tried": [
            {"limit": "80", "eligible": 5, "added": 2},
            {"limit": "85", "eligible": 4, "added": 1},
            {"limit": "90", "eligible": 3, "added": 0},
            {"limit": "95", "eligible": 3, "added": 0},
            {"limit": "100", "eligible": 0, "added": -3},
        ],
        "values": [
            {"value": "82", "at": 5, "above": 4},
            {"value": "88", "at": 4, "above": 3},
            {"value": "96", "at": 3, "above": 0},
        ],
    }  # fmt: skip
    plot = curve_plot(curve)
    assert plot.path == "M46 14.0H98.0V52.0H254.0V90.0H462.0V204.0H566"
    assert plot.own == 306.0
    # Nearest to the protocol's own limit first, and only where the count changes.
    assert [(c["limit"], c["added"]) for c in changes(curve)] == [("85", 1), ("80", 2), ("100", -3)]


def test_numbers_are_never_rounded_to_nothing() -> None:
    assert share({"exact": "1/1000"}) == "<0.1"
    assert share({"exact": "0"}) == "0.0"
    assert share({"exact": "7/2"}) == "3.5"
    assert near("31615388189/522000000") == "60.57"
    assert near("89.916") == "89.916"
