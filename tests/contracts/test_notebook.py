"""`protocol_logic.explain`: the justification in Python, and what a notebook shows of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import protocol_logic
from tests.contracts.command import DEMO, PROTOCOL, bundle, run, written
from tests.unit.surfaces.test_fit_pages import Page

HANNE = DEMO / "hanne_haemoglobin_mmol.json"


def test_it_says_what_the_command_says(tmp_path: Path) -> None:
    why = protocol_logic.explain(PROTOCOL, HANNE)
    assert f"{why.sentence}\n" == run("explain", PROTOCOL, HANNE, "--depth", "sentence").stdout
    assert f"{why}\n" == run("explain", PROTOCOL, HANNE).stdout
    assert why.graph.nodes["eligibility"]["outcome"] == "ineligible"
    assert why.data == json.loads(run("explain", PROTOCOL, HANNE, "--format", "json").stdout)
    assert why.html() == run("explain", PROTOCOL, HANNE, "--format", "html").stdout


def test_notebooks_get_a_tree_without_scripts_anchors_and_styles_for_others() -> None:
    why = protocol_logic.explain(PROTOCOL, DEMO, patient="hanne", as_of="2026-10-30")
    found = Page(why._repr_html_())
    tags = {tag for tag, _ in found.tags}
    assert {"details", "summary", "ul"} <= tags
    assert not tags & {"script", "html", "head", "a", "form", "svg"}
    assert not [attributes for _, attributes in found.tags if "id" in attributes]
    rules = re.findall(r"<style>(.*?)</style>", why._repr_html_(), re.S)[0].strip().split("\n")
    assert all(rule.startswith(".protocol-logic ") for rule in rules)
    assert "is below 90 g/L" in why._repr_html_()
    opened = re.findall(r'<li class="criterion (\w+) [^>]*>\s*<details( open)?>', why._repr_html_())
    assert [verdict for verdict, is_open in opened if is_open] == ["fail"]


@pytest.mark.parametrize(
    ("protocol", "patient", "said"),
    [
        (PROTOCOL, "robin", ["Not met together: adult_woman, ovarian_suppressed", "suppose sex"]),
        ("plinabulin", "ines", ["Phase 2: the patient is ineligible", "disease_of_phase_2"]),
    ],
)
def test_decided_together_and_in_parts_all_links_lead_somewhere(
    protocol: str, patient: str, said: list[str]
) -> None:
    why = protocol_logic.explain(protocol, DEMO, patient=patient)
    page = why.html()
    tags = Page(page).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in tags if tag == "a"}
    assert len(links) > 20
    assert links <= {f"#{name}" for name in ids}
    for words in said:
        assert words in page
        assert words in why._repr_html_()


def test_the_bundle_has_text_html_and_the_graph() -> None:
    why = protocol_logic.explain(PROTOCOL, HANNE, criterion="performance")
    kind = "application/vnd.protocol-logic.justification+json"
    whole = why._repr_mimebundle_()
    assert set(whole) == {"text/plain", "text/html", kind}
    assert "✓ performance passes" in whole["text/plain"]
    assert "adult_woman" not in whole["text/html"]
    json.dumps(whole[kind])
    assert set(why._repr_mimebundle_(include={"text/html"})) == {"text/html"}
    assert set(why._repr_mimebundle_(exclude={kind})) == {"text/plain", "text/html"}


def test_text_of_records_is_only_told(tmp_path: Path) -> None:
    text = json.dumps(bundle(HANNE.name)).replace('"mmol/L"', '"<script>x</script>\\u202e"')
    why = protocol_logic.explain(PROTOCOL, written(tmp_path / "h.json", text))
    assert "<script>" not in why._repr_html_()
    assert "\u202e" not in why._repr_html_() + str(why)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "name one with `--patient ID`"),
        ({"patient": "hane"}, "did you mean `hanne`"),
        ({"patient": "hanne", "criterion": "organ_functions"}, "did you mean `organ_function`"),
        ({"patient": "hanne", "as_of": "yesterday"}, "`yesterday` is not a date"),
    ],
)
def test_what_is_wrong_is_a_value_error(more: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        protocol_logic.explain(PROTOCOL, DEMO, **more)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"broken\.json"):
        protocol_logic.explain(PROTOCOL, written(tmp_path / "broken.json", "{"))
    with pytest.raises(ValueError, match="unknown-name"):
        head = "protocol p\n  title P\n  version 1\n  uses labs\n"
        wrong = f"{head}\ninclude a\n  > A\n  haemoglobi >= 1 g/L\n"
        protocol_logic.explain(written(tmp_path / "p.elig", wrong), HANNE)
