"""Text to text tree, by `parse.py`, which is imported where there is a text to read: with lark and
its tables that takes longer than most texts.

A text of the knowledge base is read once, and its tree kept on disk for later runs.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.kept import kept
from protocol_logic.knowledge.resources import grammar_files
from protocol_logic.language.nodes import names_parameter
from protocol_logic.language.tree import Statement

_ROOMS = ("foundation", "language")
"""Whose modules decide what a tree is."""


def parse(source: Source, problems: Problems) -> list[Statement]:
    """Parse every statement of a text; what cannot be read becomes a problem each."""
    from protocol_logic.language.parse import parse

    return parse(source, problems)


def parse_once(source: Source) -> tuple[tuple[Statement, ...], tuple[Problem, ...], bool]:
    """The statements of a text of the knowledge base, its problems, and whether the name of a
    parameter stands in it."""

    def read() -> tuple[tuple[Statement, ...], tuple[Problem, ...], bool]:
        problems = Problems()
        statements = tuple(parse(source, problems))
        return statements, tuple(problems.items), names_parameter(statements)

    texts = [text.encode(errors="surrogatepass") for text in (source.name, source.text)]
    key = b"\0".join((_reader(), *texts))
    return kept("tree", key, read)


@cache
def _reader() -> bytes:
    """A digest of what reads: modules of this program, grammar, lark."""
    package = Path(__file__).parents[1]
    files = [path for room in _ROOMS for path in sorted((package / room).glob("*.py"))]
    files += grammar_files()
    if (lark := find_spec("lark")) is not None and lark.origin is not None:
        files.append(Path(lark.origin))  # its version stands there
    digest = sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(b"%d\n" % len(content) + content)
    return digest.digest()
