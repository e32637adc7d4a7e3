"""Text to text tree, statement by statement (only this room imports lark).

A statement starts at the beginning of a line. Each is parsed by itself, so one mistake gives one
problem and the next statement still counts; spans are offsets in the whole file.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.utils import TextSlice

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.language import words
from protocol_logic.language.build import TreeBuilder
from protocol_logic.language.mistake import Found, Place
from protocol_logic.language.nodes import Word
from protocol_logic.language.parser import build_parser
from protocol_logic.language.pieces import HEAD, INVISIBLE, MARK, Line, pieces
from protocol_logic.language.tree import Criterion, Heading, Statement

DEEPEST = 40
"""Levels of blocks that a statement may have; its formula may have twice as many."""

_NAME = re.compile(r"[a-z][a-z0-9_.]*")
_PARSING = Lock()  # the parser keeps its place in the layout, so one thread at a time


# ---- parsing -------------------------------------------------------------------------------------


def parse(source: Source, problems: Problems) -> list[Statement]:
    """Parse every statement of a text; what cannot be read becomes a problem each.

    Gives the statements that could be read, in order, and of a heading with a mistake at least
    what it uses, so that the names of other statements are known.
    """
    unseen = _invisible_characters(source, problems)
    statements: list[Statement] = []
    for piece in pieces(source.text):
        parsed = read_piece(source, piece)
        if isinstance(parsed, Tree):
            statements.append(TreeBuilder(source).transform(parsed))
            continue
        if parsed.span is None or source.line_column(parsed.span.start)[0] not in unseen:
            problems.add(parsed)  # else the character that nobody sees is the mistake
        heading = _broken_heading(piece)
        if heading is not None:
            statements.append(heading)
        elif words.first(piece[0].text) in words.HEADER and statements:
            last = statements[-1]  # a line of the heading that stands too far left
            if isinstance(last, Heading):
                statements[-1] = replace(last, uses=(*last.uses, *_used(piece)))
    return statements


def criteria(statements: list[Statement]) -> list[Criterion]:
    """The criteria among the statements, in source order."""
    return [s for s in statements if isinstance(s, Criterion)]


def read_piece(
    source: Source, piece: Sequence[Line], tokens: list[Token] | None = None
) -> Tree[Any] | Problem:
    """The parse tree of one statement, or what is wrong with it.

    `tokens`, if given, takes the statement's tokens with those of the layout.
    """
    problem = _layout_problem(source, piece)
    if problem is not None:
        return problem
    text, start, end = source.text, piece[0].start, piece[-1].start + len(piece[-1].text)
    end = text.find("\n", end) + 1
    if end == 0:  # the parser wants every line ended
        text, end = text + "\n", len(text) + 1
    try:
        with _PARSING:
            parser, layout = build_parser()
            layout.tokens = tokens
            parsed = parser.parse(TextSlice(text, start, end))
    except UnexpectedInput as error:
        return _syntax_problem(source, piece, error)
    deep = _too_deep(parsed)
    if deep is None:
        return parsed
    hint = f"it can have {2 * DEEPEST} operations one inside the other"
    return _problem(source, piece, "the formula is too long", Span(deep, deep + 1), hint)


def _broken_heading(piece: Sequence[Line]) -> Heading | None:
    """What a heading that cannot be read is, and what it uses as far as that can be seen."""
    head = piece[0]
    kind = words.statement_like(words.first(head.text))
    if kind not in {"protocol", "knowledge", "policies"} or (
        len(piece) > 1 and not piece[1].indent and words.first(piece[1].text) not in words.HEADER
    ):
        return None
    name = Word(text=head.text.partition(" ")[2].strip(), span=_whole(head))
    return Heading(kind=kind, name=name, texts=(), uses=_used(piece), span=_whole(head))


def _used(piece: Sequence[Line]) -> tuple[Word, ...]:
    """The knowledge files that lines of a heading use."""
    return tuple(
        Word(text=name[0], span=Span(line.start + name.start(), line.start + name.end()))
        for line in piece
        if (word := re.match(r"uses?\b", line.text)) is not None
        for name in _NAME.finditer(line.text, word.end())
    )


def _too_deep(parsed: Tree[Any]) -> int | None:
    """Where a tree nests so deep that a walk through it could exhaust the stack."""
    level = [parsed]
    for _ in range(2 * DEEPEST):
        level = [c for node in level for c in node.children if isinstance(c, Tree)]
    return level[0].meta.start_pos if level else None


# ---- problems ------------------------------------------------------------------------------------


def _layout_problem(source: Source, piece: Sequence[Line]) -> Problem | None:
    """What is wrong with where the lines of a statement start."""
    head = piece[0]
    if not HEAD.match(head.text):
        word = words.first(head.text)
        text = shown(head.text if word in words.STATEMENTS else word)
        span = Span(head.start, head.start + len(word))
        message = f"`{text}` does not start a statement"
        return _problem(source, piece, message, span, words.how_to_start(word))
    if head.indent:
        hint = "start it at the beginning of the line"
        return _problem(source, piece, "this statement is indented", _whole(head), hint)
    depths = [""]
    for line in piece[1:]:
        if not line.indent:
            message = f"this line of `{shown(head.text)}` is not indented"
            hint = "indent all lines under it, each level by two spaces"
            return _problem(source, piece, message, _whole(line), hint)
        if line.indent != depths[-1] and line.indent.startswith(depths[-1]):
            depths.append(line.indent)
        above = depths
        while line.indent != depths[-1]:
            if len(depths) == 1:
                return _bad_depth(source, piece, line, above)
            depths = depths[:-1]
        if len(depths) - 1 > DEEPEST:
            message = f"blocks nest more than {DEEPEST} levels deep here"
            hint = "`define` a name for an inner block"
            return _problem(source, piece, message, _whole(line), hint)
    return None


def _bad_depth(source: Source, piece: Sequence[Line], line: Line, above: list[str]) -> Problem:
    message = "this line is indented to a depth that no line above it has"
    hint = "indent it like the line that it belongs beside"
    if "\t" in line.indent + "".join(above):
        message = "tabs and spaces are mixed before this line and the lines above"
        hint = "indent with spaces alone, each level by two"
    return _problem(source, piece, message, _whole(line), hint)


def _syntax_problem(source: Source, piece: Sequence[Line], error: UnexpectedInput) -> Problem:
    expected = frozenset(error.interactive_parser.accepts())  # type: ignore[no-untyped-call]
    at: Any = error.pos_in_stream  # an int always; lark declares None
    place = Found.WORD
    if isinstance(error, UnexpectedToken):
        token: Token = error.token
        if token.type == "_INDENT":
            place, at = Found.INDENT, token.end_pos or at
        elif token.type == "_NL":
            place = Found.LINE_END
        elif token.type in {"_DEDENT", "$END"}:
            place = Found.BLOCK_END
    number = max(0, bisect_right(piece, at, key=lambda line: line.start) - 1)
    line = piece[number]
    above = piece[number - 1] if number else None
    found = words.explain(
        Place(line.text, max(0, at - line.start), place, expected, above.text if above else "")
    )
    shift = above.start if found.above and above is not None else line.start
    span = Span(shift + found.start, shift + found.end)
    return _problem(source, piece, found.message, span, found.hint)


def _problem(
    source: Source, piece: Sequence[Line], message: str, span: Span, hint: str | None
) -> Problem:
    quotes = [line.text[1:].strip() for line in piece if line.text.startswith(">")]
    return Problem(
        code="syntax",
        message=message,
        source=source,
        span=span,
        hint=hint,
        sentence=" ".join(quotes) or None,
    )


def _whole(line: Line) -> Span:
    return Span(line.start, line.start + len(line.text))


def _invisible_characters(source: Source, problems: Problems) -> set[int]:
    """Report each run of characters that nobody sees; gives the lines that have one."""
    lines: set[int] = set()
    old_line_end = False
    for match in INVISIBLE.finditer(source.text):
        start, end = match.span()
        if start == 0 and MARK.match(source.text):
            start += 1
        if start == end:
            continue
        lines.add(source.line_column(start)[0])
        char = source.text[start]
        name = unicodedata.name(char, "")
        message = f"an invisible character stands here: U+{ord(char):04X} {name}".rstrip()
        hint = "delete it and type the place again"
        if char == "\r":
            if old_line_end:
                continue  # said once: it is how the file was saved
            old_line_end = True
            message = "a line ends here with a carriage return alone, which few programs show"
            hint = "save the file with the line ends of Unix or Windows"
        problems.add(
            Problem(
                code="invisible-character",
                message=message,
                source=source,
                span=Span(start, end),
                hint=hint,
            )
        )
    return lines
