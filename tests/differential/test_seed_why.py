"""The sentence form beside the `why` of each seed case: tests/cases/seed_why.md shows both.

`UPDATE=1 pytest tests/differential/test_seed_why.py` writes the file anew; read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from protocol_logic.answering.why import criteria, reasons, sentence
from tests.differential.test_explained import needs_seed, seed_case, seed_cases, seed_explaining

PAGE = Path(__file__).parents[1] / "cases" / "seed_why.md"
HEAD = """# Why, beside the seed cases

Each case of the seed with the reason that its author gives, and what `explain` says: its sentence,
and every criterion that does not pass. `UPDATE=1 pytest tests/differential/test_seed_why.py` writes
this page.
"""


def section(name: str) -> str:
    record, as_of, case = seed_case(name)
    graph = seed_explaining().explain(record, as_of)
    lines = [f"## {name}: {case['title']}", "", f"> {case['why']}", "", sentence(graph), ""]
    for node in criteria(graph):
        verdict = graph.nodes[node]["verdict"]
        if verdict != "pass":
            lines += [f"- {node.partition(':')[2]} ({verdict}): {r}" for r in reasons(graph, node)]
    return "\n".join(lines).rstrip() + "\n"


@needs_seed
def test_the_page_shows_both() -> None:
    page = "\n".join([HEAD, *(section(name) for name in seed_cases())])
    if os.environ.get("UPDATE"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


@needs_seed
@pytest.mark.parametrize("name", seed_cases())
def test_the_numbers_of_a_failed_or_open_criterion_are_named(name: str) -> None:
    """What the author says of a value that decides stands in ours: the value as it was recorded."""
    record, as_of, case = seed_case(name)
    graph = seed_explaining().explain(record, as_of)
    ids = [criterion.id for criterion in seed_explaining().compiled.protocol.criteria]
    for number, outcome in case["criteria"].items():
        node = f"criterion:{ids[int(number) - 1]}"
        said = " ".join(reasons(graph, node))
        assert said, node
        if outcome == "unknown":
            gaps = {graph.nodes[n].get("element") for n in graph if n.startswith("gap:")}
            assert gaps & set(case["missing_data"]) or not case["missing_data"]
        assert not re.search(r"\bNone\b", said)
