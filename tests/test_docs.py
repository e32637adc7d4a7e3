"""The pages say what the program does: their commands are run, their examples checked.

A `console` block is a transcript: a line that starts with `$ ` is a command, run in a folder that
looks like the repository's root, and what follows is all it writes. A line `...` stands for any
lines. A block whose fence names a file (` ```elig biopsy.elig `, ` ```csv answers.csv `) is there
for the commands after it; an `elig` block that says `mistake` is meant to be wrong.

A `python` block is a cell of a notebook, run after those before it on the page. A `text` block
that follows it is what it prints, with the value of a last line that is an expression. A cell that
names a package behind `python` is passed over where that is not installed.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from protocol_logic.compiling.check import check_file
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import knowledge_names
from protocol_logic.language.words import STATEMENTS
from protocol_logic.surfaces.cli import group
from tests.warm import warm_command

REPOSITORY = Path(__file__).parents[1]
FRONT = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
PAGES = [*FRONT, *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md"))]
LINKING = [
    *FRONT,
    *sorted(
        str(path.relative_to(REPOSITORY))
        for folder in ("docs", "demo", "kb")
        for path in (REPOSITORY / folder).rglob("*.md")
    ),
]
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<to>[^)\s]+)\)")
_UNSET = ("COLUMNS", "NO_COLOR", "PYTHONIOENCODING", "PROTOCOL_LOGIC_TRACEBACK")


class Block(NamedTuple):
    """A fenced block: the words after the fence, its text, and the line of the fence."""

    info: list[str]
    text: str
    line: int


def text_of(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def blocks(page: str) -> Iterator[Block]:
    text = text_of(page)
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(match["info"].split(), match["text"], line)


# ---- commands ------------------------------------------------------------------------------------


class Step(NamedTuple):
    """A command and what it is said to write."""

    command: str
    output: list[str]


def steps(transcript: str) -> list[Step]:
    found: list[Step] = []
    for line in transcript.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], []))
        else:
            found[-1].output.append(line)
    return found


def matches(expected: Sequence[str], written: Sequence[str]) -> bool:
    """Whether lines are those expected, where `...` stands for any lines."""
    if not expected:
        return not written
    if expected[0] == "...":
        return any(matches(expected[1:], written[i:]) for i in range(len(written) + 1))
    return bool(written) and written[0] == expected[0] and matches(expected[1:], written[1:])


def test_an_ellipsis_stands_for_any_lines_and_nothing_else_does() -> None:
    assert matches(["a", "...", "d"], ["a", "b", "c", "d"])
    assert matches(["...", "b"], ["b"])
    assert not matches(["a", "..."], ["b"])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["a", "b"], ["a"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks like the repository's root, in which commands may write."""
    for path in REPOSITORY.iterdir():
        if not path.name.startswith("."):
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


def run(command: str, folder: Path) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    programs = [warm_command(), sys.executable]
    folders = [str(Path(program).parent) for program in programs if program is not None]
    path = os.pathsep.join([*folders, kept["PATH"]])
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        # Unbuffered: what is written to both streams comes in the order of a terminal.
        env={**kept, "PATH": path, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.stdout.splitlines()


def write_file(block: Block, folder: Path) -> None:
    """Write the file that a block is, if it names one."""
    if block.info[1:] and Path(block.info[-1]).suffix == f".{block.info[0]}":
        (folder / block.info[-1]).parent.mkdir(exist_ok=True)
        (folder / block.info[-1]).write_text(block.text, encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_commands_write_what_the_page_says(page: str, root: Path) -> None:
    for block in blocks(page):
        write_file(block, root)
        if block.info == ["console"]:
            for step in steps(block.text):
                written = [line.rstrip() for line in run(step.command, root)]
                expected = [line.rstrip() for line in step.output]
                # A page has no need of the empty lines at the end of what a command writes.
                while written and not written[-1] and expected and expected[-1]:
                    written.pop()
                place = f"{page}:{block.line}: $ {step.command}"
                assert matches(expected, written), "\n".join([place, *written])


# ---- Python --------------------------------------------------------------------------------------

NOTEBOOKS = [page for page in PAGES if any(b.info[:1] == ["python"] for b in blocks(page))]


def run_cell(code: str, names: dict[str, Any], place: str) -> list[str]:
    """What a cell prints, and the value of its last line where that is an expression."""
    statements = ast.parse(code, place).body
    last = statements.pop() if isinstance(statements[-1], ast.Expr) else None
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(ast.Module(statements, []), place, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), place, "eval"), names)
            if value is not None:
                sys.stdout.write(f"{value!r}\n")
    return printed.getvalue().splitlines()


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_cells_print_what_the_page_says(
    page: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    names: dict[str, Any] = {}
    listed = list(blocks(page))
    for block, following in zip(listed, [*listed[1:], None], strict=True):
        write_file(block, root)
        if block.info[:1] == ["python"] and all(map(find_spec, block.info[1:])):
            written = run_cell(block.text, names, f"{page}:{block.line}")
            is_output = following is not None and following.info == ["text"]
            expected = following.text.splitlines() if following and is_output else []
            assert matches(expected, written), "\n".join([f"{page}:{block.line}", *written])


def test_a_cell_prints_and_shows_the_value_of_its_last_line() -> None:
    names: dict[str, Any] = {}
    assert run_cell("x = 1\nprint('a')\nx + 1", names, "here") == ["a", "2"]
    assert run_cell("x", names, "here") == ["1"]
    assert run_cell("None", names, "here") == []


def test_the_readme_knows_every_command() -> None:
    rows = re.findall(r"^\| `(\w[\w-]*)` \|", text_of("README.md"), re.MULTILINE)
    assert sorted(rows) == sorted(group.commands)


# ---- examples of the language --------------------------------------------------------------------

EXAMPLES = [
    block
    for page in ("docs/language.md", "docs/how_do_i_say.md")
    for block in blocks(page)
    if block.info[:1] == ["elig"]
]
# What an example of entries may use; the breast cancer file has entries for the same codes.
_FOR_ENTRIES = "systems, demographics, histories, labs"


def whole(example: str) -> str:
    """The file that an example is, or is a piece of: a file, statements, or conditions."""
    lines = [line for line in example.splitlines() if line and not line.startswith("#")]
    word = lines[0].split(" ")[0]
    if word in ("protocol", "knowledge", "policies") or lines[0].startswith("examples for "):
        return example
    if word in ("parameter", "include", "exclude", "define", "score", "change", "extend"):
        head = f"protocol example\n  title Example\n  uses {', '.join(knowledge_names())}\n\n"
        ending = (
            "\ninclude another\n  > Another\n  age >= 18 years\n"
            if word in ("define", "score", "change", "extend")
            else ""
        )
        return f"{head}{example}{ending}"
    if word in STATEMENTS and not re.search("[<>=]", lines[0]):
        return f"knowledge example\n  title Example\n  uses {_FOR_ENTRIES}\n\n{example}"
    indented = "".join(f"    {line}\n" for line in lines)
    return whole(f"include example\n  > Example\n  all of\n{indented}")


def problems_in(example: str) -> list[Problem]:
    problems = Problems()
    check_file(Source("example", whole(example)), problems)
    return problems.sorted()


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"line_{block.line}")
def test_examples_of_language_and_sentences_are_right(block: Block) -> None:
    problems = [p for p in problems_in(block.text) if p.code not in ("to-do", "unused-definition")]
    found = [f"{p.code}: {p.message}" for p in problems]
    assert bool(found) == ("mistake" in block.info), found


def test_the_examples_show_every_keyword() -> None:
    """A word that the grammar knows and no example has is a construct that the page leaves out."""
    grammar = (REPOSITORY / "grammar" / "terminals.lark").read_text(encoding="utf-8")
    # Terminals that are words: `ALL_OF.2: /all[ \t]+of\b/`, `TITLE.2: /title[ \t]+[^\s].../`.
    found = re.findall(r"^[A-Z_]+\.2: /\(?([^\n]*?)(?:\\b|\[ \\t\]\+\[\^)", grammar, re.MULTILINE)
    words = {
        word.replace(r"[ \t]+", " ").replace(r"[ \t]*", " ").replace("an?", "a")
        for words in found
        for word in words.rstrip(")").split("|")
    }
    shown = "\n".join(b.text for b in blocks("docs/language.md") if "mistake" not in b.info)
    assert len(words) > 60
    assert not [word for word in sorted(words) if word not in shown]


# ---- links ---------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        "".join(c for c in h.lower() if c.isalnum() or c in " -_").replace(" ", "-")
        for h in headings
    }


@pytest.mark.parametrize("page", LINKING)
def test_links_lead_somewhere(page: str) -> None:
    for match in _LINK.finditer(_FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", match["to"]):
            continue
        target, _, anchor = match["to"].partition("#")
        path = (REPOSITORY / page).parent / target if target else REPOSITORY / page
        assert path.exists(), match["to"]
        assert not anchor or anchor in anchors(path), match["to"]
