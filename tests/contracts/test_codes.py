"""Every problem code has a page and cases, and no page or case is of a code that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from protocol_logic.foundation.codes import CODES
from tests.contracts.command import run

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "problems"
CASES = ROOT / "tests" / "cases" / "problems"
SOURCES = ROOT / "src" / "protocol_logic"


@pytest.mark.parametrize("folder", [PAGES, CASES], ids=["page", "case"])
def test_each_code_has_one(folder: Path) -> None:
    assert sorted(path.stem for path in folder.glob("*.md")) == sorted(CODES)


@pytest.mark.parametrize("slug", sorted(CODES))
def test_page_begins_with_what_the_code_is(slug: str) -> None:
    code = CODES[slug]
    lines = (PAGES / f"{slug}.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {slug}"
    assert lines[2] == f"{code.severity.capitalize()}: {code.summary}."


@pytest.mark.parametrize("slug", sorted(CODES))
def test_page_shows_the_problem_and_says_how_to_cure_it(slug: str) -> None:
    text = (PAGES / f"{slug}.md").read_text(encoding="utf-8")
    assert f"{CODES[slug].severity}[{slug}]" in text
    after = text.rsplit("```", 1)[1].strip()
    assert after, "the cure stands after what is printed"


@pytest.mark.parametrize("slug", ["to-do", "wrong-unit"])
def test_problem_prints_the_page(slug: str) -> None:
    done = run("problem", slug)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (PAGES / f"{slug}.md").read_text(encoding="utf-8")


def test_problem_lists_the_codes_and_says_what_was_meant() -> None:
    lines = run("problem").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(CODES)
    done = run("problem", "wrong-units")
    assert done.returncode == 2 and "did you mean `wrong-unit`" in done.stderr
    done = run("problem", "../to-do")
    assert done.returncode == 2 and "there is no problem `../to-do`" in done.stderr


@pytest.mark.parametrize("slug", sorted(CODES))
def test_case_has_the_problem(slug: str) -> None:
    text = (CASES / f"{slug}.md").read_text(encoding="utf-8")
    assert re.search(rf"^{slug} ", text, re.MULTILINE)
