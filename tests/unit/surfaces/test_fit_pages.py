"""The data fit as text and as a page: nothing of a record gets through as it is, and both can be
read without colour, network or scripts."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from protocol_logic.answering.fit.report import Report
from protocol_logic.surfaces.fit_text import FitText
from protocol_logic.surfaces.report import page
from protocol_logic.surfaces.terminal import text_width
from tests.unit.answering.fitting import AS_OF, fit
from tests.unit.records.build import Json, concept, observation, quantity
from tests.unit.records.vocabulary import LOINC

PROTOCOL = """
  uses labs, oncology.breast
include kidney
  > Creatinine at most 1.5 x ULN, or <b>less</b>
  creatinine <= 1.5 x ULN
include late
  > Stage 4
  stage is 4
include enough
  > Neutrophils
  neutrophils >= 1.5 10*9/L
"""
NAME = "Creatinine <u>\u202e\x07\n"
SHOWN = "Creatinine <u>\\u202e\\x07\\n"


def hostile() -> list[Json]:
    """Resources whose displays, units, values and types are out for harm."""
    unknown = observation("38483-4", valueQuantity=quantity("1", "<img src=x>"))
    unknown["code"] = concept("38483-4", LOINC, display=NAME)
    known = observation("2160-0", valueQuantity=quantity("1", '"><b>'))
    known["code"] = concept("2160-0", LOINC, display="</table><script>1</script>")
    stage = observation("21908-9")
    answer = concept("x\u200b", "http://<i>", display="</style>\u202e")
    stage["valueCodeableConcept"] = answer
    alike = observation("770-8", valueQuantity=quantity("50", "%"))
    alike["code"] = concept("770-8", LOINC, display="<u>\u202e")
    return [unknown, known, stage, alike, {"resourceType": "<em>\u202e", "id": "e"}]


@cache
def report(*, dated: bool = True, patients: int = 1) -> Report:
    return fit(PROTOCOL, [hostile()] * patients, AS_OF if dated else None)


def text(found: Report, width: int = 80, colour: bool = False, encoding: str = "utf-8") -> str:
    return "\n".join(FitText(found, width=width, colour=colour, encoding=encoding).lines())


class Page(HTMLParser):
    """A page as tags with attributes, and its text; tags must close in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.said: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.said.append(data)

    def all(self, *names: str) -> list[dict[str, Any]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


def drawn(found: Report) -> Page:
    source = page("fit.html", report=found, title="A <i>trial</i>\u202e")
    assert source.startswith("<!DOCTYPE html>\n")
    return Page(source)


def test_nothing_of_a_record_reaches_a_terminal_as_it_is() -> None:
    said = text(report())
    for char in "\u202e\u200b\x07":
        assert char not in said
    assert SHOWN in said
    assert '"</style>\\u202e" (1)' in said
    assert "<em>\\u202e" in said


def test_nothing_of_a_record_or_a_protocol_becomes_part_of_the_page() -> None:
    found = drawn(report())
    assert not found.all("script", "img", "b", "i", "u", "em")
    assert len(found.all("style")) == 1
    for char in "\u202e\u200b\x07":
        assert char not in found.text
    for said in (SHOWN, "</table><script>1</script>", "<b>less</b>", "A <i>trial</i>\\u202e"):
        assert said in found.text


def test_the_page_needs_nothing_else() -> None:
    found = drawn(report())
    tags = {tag for tag, _ in found.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    for attributes in found.all(*tags):
        assert not attributes.keys() & {"src", "srcset", "style", "onclick", "onload"}
        assert attributes.get("href", "#").startswith("#")
    (policy,) = [a for a in found.all("meta") if "http-equiv" in a]
    assert "unsafe" not in policy["content"]


def test_the_page_says_what_its_tables_are() -> None:
    found = drawn(report())
    assert [a["lang"] for a in found.all("html")] == ["en"]
    assert len(found.all("title")) == len(found.all("h1")) == len(found.all("main")) == 1
    assert len(found.all("caption")) == len(found.all("table")) == 5
    assert {a.get("scope") for a in found.all("th")} == {"col", "row"}
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert [a["href"][1:] for a in found.all("a")] == ids


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_text_fits_its_width(width: int) -> None:
    assert max(map(text_width, text(report(), width).splitlines())) <= width


def test_colour_says_nothing_by_itself() -> None:
    plain, coloured = text(report()), text(report(), colour=True)
    assert "\x1b[" in coloured
    for code in ("\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_ascii_has_other_signs() -> None:
    assert text(report(), encoding="ascii").isascii()
    assert "->" in text(report(), encoding="ascii")


@pytest.mark.parametrize("draw", [text, lambda found: drawn(found).text])
def test_what_is_said(draw: Any) -> None:
    said = draw(report(patients=2))
    for sentence in (
        "trial , 2 patients, as of 2026-11-01",
        "4 elements wanted: 0 usable for more than half of the patients",
        "Criteria that can be decided for nobody as the records are: 3 of 3.",
        "coded value not known (2)",
        "2 Observations, 2 patients",
        "a percentage of the leukocytes",
    ):
        assert sentence.replace(" ,", ",") in " ".join(said.replace(" ,", ",").split())


def test_without_a_day_neither_ages_nor_criteria() -> None:
    said = text(report(dated=False))
    assert "There is no as-of date (no Bundle.timestamp, no --as-of)" in said.replace("\n", " ")
    assert "Criteria" not in said
    assert "criteria that ask for it" in said
    assert "Criteria" not in drawn(report(dated=False)).text.split("Criteria that ask")[0]


def test_nobody() -> None:
    said = text(report(patients=0))
    assert "There is no patient" in said
    assert "There is no patient" in drawn(report(patients=0)).text


def test_many_suggestions_are_cut_and_counted() -> None:
    many = [
        observation(f"K{n}", "urn:x", valueQuantity=quantity("1", "mg/dL")) for n in range(1, 9)
    ]
    for each in many:
        each["code"]["text"] = "Creatinine"
    said = text(fit(PROTOCOL, [many]))
    assert said.count("urn:x K") == 5
    assert "and 3 more: --format json has all" in said
