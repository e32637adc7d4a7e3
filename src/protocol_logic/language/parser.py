"""The parser that lark makes of grammar/, kept on disk from one run to the next.

Making it takes about a second, most of what a short command takes. What is kept is a pickle, so it
lies where only the user can write, and is made anew for another grammar, lark or Python.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from lark import Lark, Token
from lark.indenter import Indenter
from platformdirs import user_cache_path

from protocol_logic.knowledge.resources import grammar_root, grammar_text

_LAYOUT = ("_NL", "_INDENT", "_DEDENT")


class Layout(Indenter):
    """Puts tokens where a block starts and ends; takes a copy of all tokens if asked."""

    NL_type = "_NL"
    OPEN_PAREN_types: list[str] = []  # noqa: RUF012  (lark's own interface)
    CLOSE_PAREN_types: list[str] = []  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8
    tokens: list[Token] | None = None

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        for token in super().process(stream):  # type: ignore[no-untyped-call]
            if self.tokens is not None:
                self.tokens.append(token)
            yield token


class _HasPlace:
    """Whether a node's place is that of text: line ends and blocks have no text of their own."""

    def __call__(self, node: object) -> bool:
        return not (isinstance(node, Token) and node.type in _LAYOUT)

    def __repr__(self) -> str:
        return "has a place"  # lark's digest of the options has it, so no address


@cache
def build_parser() -> tuple[Lark, Layout]:
    """The parser of one statement, and its layout, which keeps a place: one thread at a time."""
    layout = Layout()
    text = grammar_text("eligibility.lark")
    kept = _kept(text)
    parser = Lark(
        text,
        start="statement",
        parser="lalr",
        lexer="contextual",
        postlex=layout,
        propagate_positions=_HasPlace(),
        maybe_placeholders=False,
        import_paths=[str(grammar_root())],
        cache=str(kept) if kept is not None else False,
    )
    return parser, layout


def _kept(grammar: str) -> Path | None:
    """The file to keep the parser in, or None where no folder is the user's alone."""
    try:
        folder = user_cache_path("protocol-logic", appauthor=False)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):  # a read-only home, or none
        return None
    # A pickle runs what it says: nobody else may have written it.
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        return None
    if not os.access(folder, os.W_OK):
        return None
    return folder / f"parser-{sha256(grammar.encode()).hexdigest()[:12]}.pickle"
