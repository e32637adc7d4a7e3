"""The page of a justification: nothing of a record gets through as it is, each node is told once,
and it leads to its line and to its source."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from protocol_logic.answering.justification import node_link
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import compile_source
from protocol_logic.records.json_text import parse, text_of
from protocol_logic.surfaces.explain_page import explain_page
from protocol_logic.surfaces.raw_records import Raw
from tests.justifications import HOSTILE, justification
from tests.unit.surfaces.test_fit_pages import Page

PROTOCOL = """protocol made_up
  title Made up <b>for tests</b>
  version 1
  uses labs

include c1
  > Hemoglobin at least </script><script>9</script> g/dL
  hemoglobin >= 9 g/dL
"""


@cache
def protocol() -> Any:
    compiled = compile_source(Source("made_up.elig", PROTOCOL), Problems())
    assert compiled is not None
    return compiled.protocol


def drawn(graph: Any, raw: tuple[Raw, ...] = (), **how: Any) -> str:
    return explain_page(graph, protocol(), raw, **how)


def island(page: str) -> Any:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


def test_texts_that_are_out_for_harm_are_only_told() -> None:
    graph = justification(passing=1, failing=1, unclear=1, text=HOSTILE)
    name = "Observation/o1-0"
    raw = (Raw(name, text=HOSTILE), Raw(f"x.csv{HOSTILE}", cells=((HOSTILE, HOSTILE),)))
    page = drawn(graph, raw)
    found = Page(page)
    tags = [tag for tag, _ in found.tags]
    assert tags.count("script") == 2
    assert not {"img", "b", "iframe", "object", "link", "base"} & set(tags)
    for tag, attributes in found.tags:
        assert not {a for a in attributes if a.startswith("on") or a in ("src", "style")}, tag
        assert attributes.get("href", "#").startswith("#")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2028]", page)
    (policy,) = [a for tag, a in found.tags if tag == "meta" and "http-equiv" in a]
    assert re.fullmatch(
        r"default-src 'none'; base-uri 'none'; form-action 'none'; "
        r"style-src 'sha256-[^']+'; script-src 'sha256-[^']+'",
        policy["content"],
    )


def test_the_page_holds_the_graph_as_json_writes_it() -> None:
    graph = justification(passing=1, failing=1, unclear=1, text=HOSTILE)
    assert island(drawn(graph))["graph"] == json.loads(json.dumps(node_link(graph)))


def test_each_node_is_told_in_full_once_and_links_lead_somewhere() -> None:
    graph = justification(passing=2, failing=2, unclear=1, facts=2)
    # A finding that two conditions share is told below the one that fails.
    graph.add_edge("condition:criterion/c4/condition", "finding:value_2", role="supports", parts=[])
    page = drawn(graph, (Raw("Observation/o1-0", text="{}"),))
    found = Page(page)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {f"n{i}" for i, node in enumerate(graph) if node != "eligibility"} <= set(ids)
    links = {a["href"].removeprefix("#") for tag, a in found.tags if tag == "a"}
    assert {"l1", "r0"} <= links
    # Lines beyond the end of this made-up protocol are all that is missing.
    assert {to for to in links - set(ids) if not re.fullmatch(r"l\d+", to)} == set()
    number = list(graph).index("finding:value_2")
    assert page.count(f'data-node="n{number}"') == 2
    assert page.index(f'id="n{number}"') < page.rindex(f'data-node="n{number}"')


def test_what_fails_or_is_open_is_unfolded_and_what_passes_is_folded() -> None:
    page = drawn(justification(passing=1, failing=1, unclear=1))
    opened = re.findall(r'<li class="criterion (\w+) [^>]*>\s*<details( open)?>', page)
    assert opened == [("fail", " open"), ("open", " open"), ("pass", "")]
    assert "✗" in page
    assert "nothing is recorded of v2" in page


def test_json_text_keeps_numbers_and_order() -> None:
    text = (
        '{\n  "b": 8.80,\n  "a": [\n    1e400,\n    "é\\u0007",\n    null,\n    {},\n    []\n  ]\n}'
    )
    assert text_of(parse(text.encode())) == text
