"""Problems drawn, in plain lines, as JSON and for GitHub."""

from __future__ import annotations

from typing import Any

import pytest

from protocol_logic.foundation.problems import Label, Problem
from protocol_logic.foundation.source import Source, Span
from protocol_logic.surfaces.diagnostics import (
    github_line,
    plain_line,
    problem_json,
    render,
    summary_line,
)
from protocol_logic.surfaces.terminal import text_width


def problem(text: str, what: str, name: str = "t.elig", **more: Any) -> Problem:
    """A problem at the first place of `what` in a text."""
    start = text.index(what)
    values = {"code": "unknown-name", "message": "the name `x` is not defined", **more}
    return Problem(source=Source(name, text), span=Span(start, start + len(what)), **values)


def drawn(*problems: Problem, width: int = 80) -> list[str]:
    return render(problems, colour=False, width=width).splitlines()


def test_a_problem_is_drawn_with_its_line() -> None:
    text = "include a\n  > One;\n  hemoglobine >= 90 g/L\n"
    more = {"hint": "did you mean `hemoglobin`?", "sentence": "One;"}
    assert drawn(problem(text, "hemoglobine", **more)) == [
        "error[unknown-name]: the name `x` is not defined",
        " --> t.elig:3:3",
        "  |",
        "3 |   hemoglobine >= 90 g/L",
        "  |   ^^^^^^^^^^^",
        "  |",
        "  = hint: did you mean `hemoglobin`?",
        "  = sentence: “One;”",
    ]


def test_further_places_are_drawn_too() -> None:
    text = "include a\ninclude a\n"
    source = Source("t.elig", text)
    other = Source("kb/labs", "quantity a\n")
    found = Problem(
        code="duplicate-name",
        message="`a` is already defined",
        source=source,
        span=Span(18, 19),
        labels=(Label(source, Span(8, 9), "first here"), Label(other, Span(9, 10), "and here")),
    )
    assert drawn(found)[1:] == [
        " --> t.elig:2:9",
        "  |",
        "2 | include a",
        "  |         ^",
        "1 | include a",
        "  |         - first here",
        " ::: kb/labs:1:10",
        "  |",
        "1 | quantity a",
        "  |          - and here",
    ]


def test_carets_stand_under_wide_characters_and_tabs() -> None:
    lines = drawn(problem("\t你好 x\u0301y bad\n", "bad"))
    assert lines[3:5] == ["1 |     你好 x\u0301y bad", "  |             ^^^"]


def test_a_span_over_lines_is_drawn_over_lines() -> None:
    text = "all of\n  a\n\n  b\n  c\n  d\n  e\n"
    lines = drawn(problem(text, text.rstrip()))
    assert lines[3:] == [
        "1 | all of",
        "  | ^^^^^^",
        "2 |   a",
        "  |   ^",
        "4 |   b",
        "  |   ^",
        "5 |   c",
        "  |   ^",
        "  | … and 2 lines more",
    ]


def test_an_empty_place_has_one_caret() -> None:
    source = Source("t.elig", "include a")
    found = Problem(code="syntax", message="it ends", source=source, span=Span(9, 9))
    assert drawn(found)[3:] == ["1 | include a", "  |          ^"]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("before", [0, 30, 200])
@pytest.mark.parametrize("size", [1, 10, 300])
def test_a_long_line_is_cut_around_the_place(width: int, before: int, size: int) -> None:
    text = "a" * before + "b" * size + "c" * 200 + "\n"
    lines = drawn(problem(text, "b" * size), width=width)[1:]
    assert max(map(text_width, lines)) <= width
    shown, carets = lines[2], lines[3]
    marked = {char for char, mark in zip(shown, carets, strict=False) if mark == "^"}
    assert marked in ({"b"}, {"b", "…"})


def test_what_is_hostile_is_shown() -> None:
    text = "include \u202ea\x1b[2J\\\n"
    found = problem(text, "a\x1b", name="x\ny.elig", message="`\x07` is bad")
    text = "\n".join(drawn(found))
    assert "include \\u202ea\\x1b[2J\\" in text
    assert "`\\x07` is bad" in text
    assert "x\\ny.elig:1:10" in text
    assert "\n" not in plain_line(found)


def test_a_records_problem_names_file_and_resource() -> None:
    found = Problem(
        code="conflict", message="two values", resource="Observation/x\n", file="p.json", hint="h"
    )
    assert drawn(found) == [
        "warning[conflict]: Observation/x\\n: two values",
        " --> p.json",
        "  = hint: h",
    ]
    assert plain_line(found) == (
        "p.json: warning: Observation/x\\n: two values; hint: h [conflict]"
    )


def test_plain_is_one_line() -> None:
    found = problem("a\n bad\n", "bad", hint="write `good`")
    assert plain_line(found) == (
        "t.elig:2:2: error: the name `x` is not defined; hint: write `good` [unknown-name]"
    )


def test_colour_changes_no_character() -> None:
    import re

    found = problem("a bad\n", "bad", hint="h", sentence="s")
    coloured = render([found], colour=True, width=80)
    assert "\x1b[31;1m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render([found], colour=False, width=80)


def test_json_counts_characters_from_one() -> None:
    assert problem_json(problem("é\n你 bad\n", "bad", hint="h")) == {
        "code": "unknown-name",
        "severity": "error",
        "message": "the name `x` is not defined",
        "hint": "h",
        "sentence": None,
        "file": "t.elig",
        "line": 2,
        "column": 3,
        "end_line": 2,
        "end_column": 6,
        "fix": None,
    }


def test_json_of_a_problem_without_a_place() -> None:
    found = problem_json(Problem(code="no-as-of", message="m", file="p.json"))
    assert (found["file"], found["line"], found["column"]) == ("p.json", None, None)


def test_github_shows_problems_beside_the_line() -> None:
    found = problem("a\nbad\n", "bad", name="some: folder,%/t.elig", hint="h")
    assert github_line(found) == (
        "::error title=unknown-name,file=some%3A folder%2C%25/t.elig,line=2,col=1,endColumn=4::"
        "the name `x` is not defined%0Ahint: h"
    )
    over_lines = problem("a bad\nbad\n", "bad\nbad", code="implausible-limit")
    assert "line=1,endLine=2::" in github_line(over_lines)
    assert github_line(over_lines).startswith("::warning ")
    record = Problem(code="not-usable", message="50 %\n::stop", file="p.json", resource="A/b")
    assert github_line(record) == "::notice title=not-usable,file=p.json::A/b: 50 %25\\n::stop"


def test_the_last_line_counts() -> None:
    error, warning = problem("bad", "bad"), problem("bad", "bad", code="implausible-limit")
    files = ["t.elig"]
    assert summary_line([], ["a", "b"]) == "no problems in 2 files"
    assert summary_line([error], files) == "1 problem: 1 error in 1 file"
    assert summary_line([error, error, warning], files) == (
        "3 problems: 2 errors, 1 warning in 1 file"
    )
    assert summary_line([warning], ["t.elig", "u.elig"]) == ("1 problem: 1 warning in 1 of 2 files")
