"""The parser that lark makes of grammar/, kept on disk from one run to the next.

Making it takes about a second; it is made anew for another grammar, lark or Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import lark
from lark import Lark, Token
from lark.grammar import Rule
from lark.indenter import Indenter
from lark.lexer import TerminalDef

from protocol_logic.knowledge.kept import kept
from protocol_logic.knowledge.resources import grammar_files, grammar_root, grammar_text

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


def _has_place(node: object) -> bool:
    """Whether a node's place is that of text: line ends and blocks have no text of their own."""
    return not (isinstance(node, Token) and node.type in _LAYOUT)


@cache
def build_parser() -> tuple[Lark, Layout]:
    """The parser of one statement, and its layout, which keeps a place: one thread at a time."""
    layout = Layout()
    texts = [lark.__version__, *(path.read_text(encoding="utf-8") for path in grammar_files())]
    tables = kept("parser", "\0".join(texts).encode(), _tables)
    # As lark's own stand-alone parsers are loaded; `Lark.load` takes no layout.
    parser = Lark._load_from_dict(**tables, postlex=layout, propagate_positions=_has_place)  # type: ignore[no-untyped-call]
    return parser, layout


def _tables() -> dict[str, Any]:
    """What lark makes of the grammar."""
    parser = Lark(
        grammar_text("eligibility.lark"),
        start="statement",
        parser="lalr",
        lexer="contextual",
        postlex=Layout(),
        propagate_positions=_has_place,
        maybe_placeholders=False,
        import_paths=[str(grammar_root())],
    )
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    given = ("postlex", "propagate_positions", "import_paths")
    options = {name: value for name, value in data["options"].items() if name not in given}
    return {"data": {**data, "options": options}, "memo": memo}
