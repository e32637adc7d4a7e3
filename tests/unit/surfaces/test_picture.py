"""Pictures of a justification: small enough to be read, nothing on top of anything, and nothing of
a record given to the program that lays them out."""

from __future__ import annotations

import re
import sys
from itertools import combinations
from typing import Any

import pytest

from protocol_logic.surfaces.picture import Picture, pictures
from tests.justifications import HOSTILE, justification
from tests.unit.surfaces.test_explain_page import drawn, island

pytest.importorskip("pygraphviz")


def of(graph: Any) -> list[Picture]:
    found = pictures(graph)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("failing", "unclear", "passing", "facts"), [(1, 1, 8, 2), (12, 20, 120, 4), (2, 1, 3, 190)]
)
def test_boxes_are_few_apart_and_inside(
    failing: int, unclear: int, passing: int, facts: int
) -> None:
    graph = justification(failing=failing, unclear=unclear, passing=passing, facts=facts)
    found = of(graph)
    assert len(found) == 1 + failing + unclear + passing
    for each in found:
        assert len(each.boxes) <= 110
        assert len(each.arrows) >= len(each.boxes) - 1
        for box in each.boxes:
            assert box.x >= 0
            assert box.y >= 0
            assert box.x + box.width <= each.width
            assert box.y + box.height <= each.height
        for a, b in combinations(each.boxes, 2):
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x
            assert apart or a.y + a.height <= b.y or b.y + b.height <= a.y
        for arrow in each.arrows:
            assert re.fullmatch(r"M[-\d.]+,[-\d.]+C[-\d., ]+(L[-\d.]+,[-\d.]+)?", arrow.path)


def test_what_decides_is_unfolded_and_what_passes_is_one_box() -> None:
    graph = justification(failing=1, unclear=1, passing=2, facts=20)
    number = {node: i for i, node in enumerate(graph)}
    first, failing, *_ = of(graph)
    nodes = {box.node: box for box in first.boxes if not box.more}
    assert not nodes[number["criterion:c1"]].folded
    assert nodes[number["criterion:c3"]].folded
    assert number["finding:value_3"] not in nodes
    assert number["gap:v2:absent"] in nodes
    # Eight of twenty facts; the box for the others belongs to their finding.
    (more,) = [box for box in failing.boxes if box.more]
    assert more.lines == ["and 12 more"]
    assert more.node == number["finding:value_1"]
    assert {arrow.role for arrow in failing.arrows} == {"defeats", "supports", "more"}


def test_the_layout_is_given_no_text_and_the_page_escapes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pygraphviz

    given: list[str] = []

    class Spy(pygraphviz.AGraph):  # type: ignore[misc]
        def __init__(self, *args: Any, string: str = "", **more: Any) -> None:
            given.append(string)
            super().__init__(*args, string=string, **more)

    monkeypatch.setattr(pygraphviz, "AGraph", Spy)
    page = drawn(justification(failing=1, passing=1, text=HOSTILE))
    assert len(given) == 3
    assert not any("script" in text or "value" in text for text in given)
    assert "<script>document" not in page
    assert '<g class="box criterion fail"' in page
    assert island(page)["pictures"]


def test_without_graphviz_the_page_says_how_to_get_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    graph = justification(failing=1, passing=1)
    assert pictures(graph) is None
    page = drawn(graph)
    assert "pip install pygraphviz" in page
    assert island(page)["pictures"] == {}
    assert "<figure" not in page
