"""The documents of tests/cases/problems and docs/problems: bad input, and what is said of it.

A case is a heading, the bad input, and a block `problems` with all that is found, a line each:
the code, line:column and the text underlined (for a record: the resource), the message, the hint.
A page of docs/problems shows an input and what the tool prints, in a block `text`. With
`UPDATE_CASES=1` (and without -n) these blocks are written anew; read what changed, then commit.

Input is one of

* `elig`: statements of a protocol, which are given a heading that uses all of the knowledge base;
  with a heading of their own, or as `elig file`, they are taken as they are. In `elig escaped`,
  `\\u00a0`, `\\t` and `\\r` stand for characters that nobody sees;
* `original NAME`: the protocol's own text, with which the `elig` of the case is compared;
* `json NAME`: a file with a patient's record, read for the seed protocol; several make one input;
* `toml NAME` and `csv NAME`: a mapping and its tables, read as records are; `csv answers.csv`: the
  answers of people about the patients of the same case.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from protocol_logic.answering.rows import problems_of
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.check import check_file
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.resources import knowledge_names, protocol_path
from protocol_logic.language.original.coverage import compare
from protocol_logic.language.original.record import read_original
from protocol_logic.pipeline import (
    Compiled,
    as_of_date,
    compile_source,
    findings_of,
    read_records,
    read_tables,
)
from protocol_logic.records.answers import Answers
from protocol_logic.records.answers_file import read_answers
from protocol_logic.records.duplicates import PatientIds
from protocol_logic.records.sources import iter_documents
from protocol_logic.surfaces.diagnostics import render

ROOT = Path(__file__).parents[1]
CASES = sorted((ROOT / "tests" / "cases" / "problems").glob("*.md"))
PAGES = sorted((ROOT / "docs" / "problems").glob("*.md"))
ANSWERS = "answers.csv"
PROTOCOL = "protocol.elig"
UPDATE = os.environ.get("UPDATE_CASES") == "1"

_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_OWN_HEADING = re.compile(r"\s*(?:protocol|knowledge|policies|examples for)\b")


@dataclass(frozen=True, slots=True)
class Case:
    """The inputs under one heading of a document, and the block that tells what is found."""

    path: Path
    title: str
    elig: tuple[tuple[str, str], ...]
    originals: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...]
    expected: str
    place: tuple[int, int]
    """Where the expected block's text stands in the document."""


def cases_of(path: Path, expected: str) -> list[Case]:
    """The cases of a document; `expected` is the kind of block that tells what is found."""
    document = path.read_text(encoding="utf-8")
    headings = list(_HEADING.finditer(document))
    starts = [h.start() for h in headings] or [0]
    titles = [h[1] for h in headings] or [path.stem]
    found = []
    for title, start, end in zip(titles, starts, [*starts[1:], len(document)], strict=True):
        blocks = list(_BLOCK.finditer(document, start, end))
        outcome = [b for b in blocks if b["info"] == expected]
        inputs = [(b["info"], b["text"]) for b in blocks]
        elig = tuple(i for i in inputs if i[0].split()[:1] == ["elig"])
        originals = tuple(i for i in inputs if i[0].split()[:1] == ["original"])
        files = tuple(i for i in inputs if i[0].split()[:1] in (["json"], ["csv"], ["toml"]))
        if not elig and not files:
            continue
        assert len(outcome) == 1, f"{path.name}, {title}: wants one block `{expected}`"
        place = (outcome[0].start("text"), outcome[0].end("text"))
        found.append(Case(path, title, elig, originals, files, outcome[0]["text"], place))
    return found


def all_cases(paths: list[Path], expected: str) -> list[object]:
    return [
        pytest.param(case, id=f"{path.stem}: {case.title}")
        for path in paths
        for case in cases_of(path, expected)
    ]


# ---- what is found -------------------------------------------------------------------------------


def source_of(info: str, text: str) -> tuple[Source, int]:
    """The text to check, and how many lines were put before it."""
    kinds = info.split()[1:]
    if "escaped" in kinds:
        text = text.encode("latin-1", "backslashreplace").decode("unicode_escape")
    if "file" in kinds or _OWN_HEADING.match(text):
        return Source(PROTOCOL, text), 0
    uses = ", ".join(name for name in knowledge_names())
    head = f"protocol example\n  title Example\n  version 1.0\n  language 1\n  uses {uses}\n\n"
    return Source(PROTOCOL, head + text), head.count("\n")


def text_problems(source: Source) -> list[Problem]:
    problems = Problems()
    check_file(source, problems)
    return problems.sorted()


def compared(source: Source, originals: tuple[tuple[str, str], ...]) -> list[Problem]:
    """What is found where a protocol is compared with its text."""
    problems = Problems()
    for info, text in originals:
        compare(source, read_original(info.split()[1], text), problems)
    return problems.sorted()


@cache
def seed_protocol() -> Compiled:
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    problems = Problems()
    compiled = compile_source(Source("seed", path.read_text(encoding="utf-8")), problems)
    assert compiled is not None
    return compiled


def record_problems(files: dict[str, str]) -> list[Problem]:
    """All problems of the files, which are written to the working directory."""
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    compiled, problems, ids = seed_protocol(), Problems(), PatientIds()
    answers: Answers | None = None
    if ANSWERS in files:
        elements = elements_of(compiled.protocol)
        answers = read_answers(Source(ANSWERS, files[ANSWERS]), elements, problems)
    paths = [Path(name) for name in files]
    mappings = [path for path in paths if path.suffix == ".toml"]
    others = [path for path in paths if path.suffix not in (".toml", ".csv")]
    documents = iter_documents(others, problems)
    tables = [read_tables(compiled, path, problems) for path in mappings]
    for record in chain(read_records(compiled, documents, problems), *tables):
        ids.add(record.patient, record.source)
        as_of = as_of_date(record, None)
        if isinstance(as_of, Problem):
            problems.add(as_of)
            problems.extend(record.problems)
        else:
            whole = answers.apply(record, as_of.date) if answers else record
            found = findings_of(compiled, whole, as_of.date)
            problems.extend(problems_of(whole, found))
    problems.extend(ids.problems())
    problems.extend(answers.unknown_patients(ids.known()) if answers else ())
    return problems.sorted()


def problems_in(case: Case) -> tuple[list[Problem], int]:
    """All problems of a case, and how many lines were put before its text."""
    problems: list[Problem] = []
    head = 0
    for info, text in case.elig:
        source, head = source_of(info, text)
        problems += text_problems(source)
        problems += compared(source, case.originals)
    if case.files:
        problems += record_problems({info.split()[1]: text for info, text in case.files})
    return problems, head


def line_of(problem: Problem, head: int) -> str:
    place = problem.resource or "-"
    if problem.source is not None:
        span = problem.span or Span(0, 0)
        line, column = problem.source.line_column(span.start)
        text = problem.source.text[span.start : span.end]
        where = f"{line - head}:{column}"
        if problem.source.name.endswith((".txt", ".md")):  # the protocol's own text
            where = f"{problem.source.name}:{line}:{column}"
        place = f"{where} `{shown(text)}`"
    hint = f" | {problem.hint}" if problem.hint else ""
    return f"{problem.code} {place} {problem.message}{hint}\n"


# ---- tests ---------------------------------------------------------------------------------------


def matches(case: Case, found: str) -> None:
    if UPDATE and found != case.expected:
        expected = "problems" if case.path in CASES else "text"
        # Its place now: the cases above it may have changed the document since it was collected.
        (now,) = (c for c in cases_of(case.path, expected) if c.title == case.title)
        document = case.path.read_text(encoding="utf-8")
        start, end = now.place
        case.path.write_text(document[:start] + found + document[end:], encoding="utf-8")
    else:
        assert found == case.expected


@pytest.mark.parametrize("case", all_cases(CASES, "problems"))
def test_case(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    problems, head = problems_in(case)
    matches(case, "".join(line_of(problem, head) for problem in problems))
    codes = [problem.code for problem in problems]
    assert case.path.stem in codes, "a case stands in the document of its code"
    for problem in problems:
        for text in filter(None, (problem.message, problem.hint)):
            assert re.match(r"[a-z0-9`]", text), "lower case"
            assert not text.endswith("."), "no full stop"
            assert text.count("`") % 2 == 0, "the author's text stands in backticks"


@pytest.mark.parametrize("case", all_cases(PAGES, "text"))
def test_page(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    problems, _ = problems_in(case)
    matches(case, render(problems, colour=False, width=100))
    assert [problem.code for problem in problems] == [case.path.stem]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_titles_differ(path: Path) -> None:
    titles = [case.title for case in cases_of(path, "problems")]
    assert len(titles) == len(set(titles))
