"""The pages say what the program does: their commands are run, their examples checked.

A `console` block is a transcript: a line that starts with `$ ` is a command, run in a folder that
looks like the repository's root, and what follows is all it writes. A line `...` stands for any
lines. A block whose fence names a file (` ```elig biopsy.elig `, ` ```csv answers.csv `) is there
for the commands after it; an `elig` block that says `mistake` is meant to be wrong.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

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


@pytest.mark.parametrize("page", PAGES)
def test_commands_write_what_the_page_says(page: str, root: Path) -> None:
    for block in blocks(page):
        if block.info[1:] and Path(block.info[-1]).suffix == f".{block.info[0]}":
            (root / block.info[-1]).parent.mkdir(exist_ok=True)
            (root / block.info[-1]).write_text(block.text, encoding="utf-8")
        if block.info == ["console"]:
            for step in steps(block.text):
                written = [line.rstrip() for line in run(step.command, root)]
                expected = [line.rstrip() for line in step.output]
                # A page has no need of the empty lines at the end of what a command writes.
                while written and not written[-1] and expected and expected[-1]:
                    written.pop()
                place = f"{page}:{block.line}: $ {step.command}"
                assert matches(expected, written), "\n".join([place, *written])


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
