"""Pages that are made from tables: not stale, and with an example that is right for every row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from protocol_logic.compiling.check import check
from protocol_logic.foundation.operators import COMPARISONS, OPERATORS
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import knowledge_names
from protocol_logic.records.resources import ROWS
from tools import make_docs

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = [*(c.example for c in COMPARISONS.values()), *(o.example for o in OPERATORS.values())]
HEAD = f"""\
protocol example
  title Example
  uses {", ".join(knowledge_names())}

include example
  > Example
"""
# A line of a `there is` block is no condition of its own.
COURSE = """\
  there is
    course of endocrine_therapy with intent adjuvant, called adjuvant
"""


@pytest.mark.parametrize("path", make_docs.PAGES, ids=lambda path: path.name)
def test_page_is_what_the_tables_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == make_docs.PAGES[path](), (
        "run python tools/make_docs.py"
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_an_operator_is_right(example: str) -> None:
    found = []
    for lines in (f"  {example}\n", f"{COURSE}    {example}\n"):
        problems = Problems()
        check(Source("example", HEAD + lines), problems)
        told = [p for p in problems.sorted() if p.severity != "notice"]  # a to-do is counted
        found.append([f"{p.code}: {p.message}" for p in told])
    assert [] in found, found[0]


def test_every_operator_has_a_meaning() -> None:
    """A section of the page on semantics, which shows the row's own example or its like."""
    text = (REPOSITORY / "docs" / "semantics.md").read_text(encoding="utf-8")
    headings = {make_docs.anchor(h) for h in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    assert make_docs.MEANING.keys() == OPERATORS.keys()
    assert headings.issuperset(make_docs.MEANING.values())


def test_every_comparison_sign_is_in_the_grammar_and_no_other() -> None:
    grammar = (REPOSITORY / "grammar" / "terminals.lark").read_text(encoding="utf-8")
    [signs] = re.findall(r"^COMPARE: /(.+)/$", grammar, re.MULTILINE)
    assert sorted(signs.split("|")) == sorted(COMPARISONS)


def test_every_resource_type_is_described() -> None:
    assert make_docs.READ.keys() == ROWS.keys()
    assert make_docs.COURSES.keys() <= ROWS.keys()
