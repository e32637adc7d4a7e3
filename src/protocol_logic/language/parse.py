"""Text to text tree, statement by statement (the only room that imports lark).

A statement starts at column 0. Each is parsed by itself, so one mistake gives one message and the
next statement still counts; spans are offsets in the whole file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.indenter import DedentError, Indenter
from lark.utils import TextSlice

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge.resources import grammar_root, grammar_text
from protocol_logic.language.build import TreeBuilder
from protocol_logic.language.tree import Criterion, Statement
from protocol_logic.language.words import explain_expected

_STATEMENT = re.compile(r"^(?=[^\s#])", re.MULTILINE)
# Characters that a reader cannot see, or that reorder what is read.
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")


class _Layout(Indenter):
    NL_type = "_NL"
    OPEN_PAREN_types: list[str] = []  # noqa: RUF012  (lark's own interface)
    CLOSE_PAREN_types: list[str] = []  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8


@cache
def _parser() -> Lark:
    return Lark(
        grammar_text("eligibility.lark"),
        start="statement",
        parser="lalr",
        lexer="contextual",
        postlex=_Layout(),
        propagate_positions=True,
        maybe_placeholders=False,
        import_paths=[str(grammar_root())],
    )


def parse(source: Source, problems: Problems) -> list[Statement]:
    """Parse every statement of a text; what cannot be read becomes a problem each.

    Gives the statements that could be read, in order.
    """
    _check_characters(source, problems)
    statements: list[Statement] = []
    for piece in _pieces(source.text):
        statement = _parse_piece(source, piece, problems)
        if statement is not None:
            statements.append(statement)
    return statements


def _pieces(text: str) -> Iterator[Span]:
    """The statements' spans: from a column-0 start to the next one, trailing blanks left out."""
    starts = [match.start() for match in _STATEMENT.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield Span(start, end)


def _parse_piece(source: Source, piece: Span, problems: Problems) -> Statement | None:
    # The parser wants every line ended; a sentinel line end after the last line costs nothing.
    text = source.text
    body = text[piece.start : piece.end]
    if not body.endswith("\n"):
        text, piece = text + "\n", Span(piece.start, piece.end + 1)
    try:
        tree = _parser().parse(TextSlice(text, piece.start, piece.end))
        statement: Statement = TreeBuilder(source).transform(tree)
    except UnexpectedInput as error:
        problems.add(_syntax_problem(source, piece, error))
        return None
    except DedentError:
        problems.add(
            Problem(
                code="syntax",
                message="this line is indented to a depth that no line above it has",
                source=source,
                span=_bad_dedent(source, piece),
                hint="indent it like the line that it belongs beside",
            )
        )
        return None
    return statement


def _syntax_problem(source: Source, piece: Span, error: UnexpectedInput) -> Problem:
    offset = min(error.pos_in_stream or piece.start, max(piece.end - 1, piece.start))
    if isinstance(error, UnexpectedToken):
        token: Token = error.token
        allowed = error.accepts or error.expected
        if token.type in {"_NL", "_DEDENT", "$END"} or token.start_pos is None:
            found, span = "the line ends too early", _line_end(source, offset)
        elif token.type == "_INDENT":
            found, span = "this line is indented, but nothing above it opens a block", None
        else:
            found = f"`{token}` cannot stand here"
            span = Span(token.start_pos, token.end_pos or token.start_pos + len(token))
        if span is None:
            span = _first_word(source, offset)
    elif isinstance(error, UnexpectedCharacters):
        allowed = error.allowed or set()
        span = _first_word(source, offset)
        found = f"`{source.text[span.start : span.end]}` cannot stand here"
    else:
        allowed, span, found = set(), Span(offset, offset), "this statement is not complete"
    return Problem(
        code="syntax",
        message=found,
        source=source,
        span=span,
        hint=explain_expected(allowed, source.text[span.start : span.end]),
        sentence=_sentence_near(source, piece),
    )


def _sentence_near(source: Source, piece: Span) -> str | None:
    lines = source.text[piece.start : piece.end].split("\n")
    quotes = [line.strip()[1:].strip() for line in lines if line.strip().startswith(">")]
    return " ".join(quotes) or None


def _first_word(source: Source, offset: int) -> Span:
    match = re.compile(r"\s*(\S+)").match(source.text, offset)
    return Span(match.start(1), match.end(1)) if match else Span(offset, offset)


def _line_end(source: Source, offset: int) -> Span:
    """The last character of the line on which the token before `offset` stands."""
    text = source.text
    while offset > 0 and (offset >= len(text) or text[offset].isspace()):
        offset -= 1
    return Span(offset, offset + 1)


def _bad_dedent(source: Source, piece: Span) -> Span:
    depths = [0]
    offset = piece.start
    for line in source.text[piece.start : piece.end].split("\n"):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            depth = len(line) - len(line.lstrip())
            if depth > depths[-1]:
                depths.append(depth)
            else:
                while depths[-1] > depth:
                    depths.pop()
                if depths[-1] != depth:
                    start = offset + depth
                    return Span(start, start + len(stripped))
        offset += len(line) + 1
    return piece


def _check_characters(source: Source, problems: Problems) -> None:
    for match in _INVISIBLE.finditer(source.text):
        char = match.group()
        if char == "\ufeff" and match.start() == 0:
            continue
        name = unicodedata.name(char, f"U+{ord(char):04X}")
        problems.add(
            Problem(
                code="invisible-character",
                message=f"an invisible character stands here: U+{ord(char):04X} {name}",
                source=source,
                span=Span(match.start(), match.end()),
                hint="delete it and type the place again",
            )
        )


def criteria(statements: list[Statement]) -> list[Criterion]:
    """The criteria among the statements, in source order."""
    return [s for s in statements if isinstance(s, Criterion)]
