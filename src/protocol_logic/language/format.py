"""Text to canonical text: the same statements, laid out in the one way.

Two spaces a level, one space between words, one blank line between statements, comments where they
stand. A statement that cannot be read is left as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from lark import Token

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.source import Source
from protocol_logic.language.build_examples import cells_of
from protocol_logic.language.parse import read_piece
from protocol_logic.language.pieces import Line, pieces, without_mark

WIDTH = 100
"""The longest line on which a list of codes, or of exceptions, is kept together."""

_FREE_TEXT = {
    "TITLE",
    "VERSION",
    "LANGUAGE",
    "REGISTRY",
    "LABEL",
    "SOURCE",
    "ALSO",
    "BECAUSE",
    "EXAMPLE",
    "EXAMPLES",
}
_LISTS = {
    "CODE": 1, "HISTORY_CODE": 1, "SHARED_CODE": 1,
    "EVIDENCE": 2, "SITE": 2, "AXIS": 2, "METHOD": 2,
}  # fmt: skip
"""Keywords before a list of codes, and how many words come before the first code."""

_LISTED = ({"SYSTEM"}, {"POLICY"}, {"PARAMETER"}, {"CHANGE", "OBTAIN"})
"""Statements of one line that may stand one below the other."""
_FUNCTIONS = {"MIN", "MAX", "SQRT"}
_BLANKS = " \t\r"
# What follows a statement, indented as its lines are: comments that still belong to it.
_INNER_COMMENT = re.compile(r"((?:[ \t\r]*\n)*)([ \t]+)(#[^\n]*)(?:\n|\Z)")


def format_text(source: Source) -> str:
    """The canonical text of a source; a second time it changes nothing."""
    text = without_mark(source.text)
    blocks: list[_Block] = []
    end = 0
    for piece in pieces(text):
        begin = piece[0].start - len(piece[0].indent)
        gap = text[end:begin]
        blocks += _comments(gap)
        spaced = gap.endswith("\n") and not gap.split("\n")[-2].strip(_BLANKS)
        end = piece[-1].start + len(piece[-1].text)
        end = text.find("\n", end) + 1 or len(text)
        inner = []
        while (comment := _INNER_COMMENT.match(text, end)) is not None:
            inner.append(comment)
            end = comment.end()
        tokens: list[Token] = []
        if isinstance(read_piece(source, piece, tokens), Problem):
            block = _Block([text[begin:end].removesuffix("\n")], spaced, raw=True)
        else:
            lines = [*_statement(tokens), *_inner_comments(inner, piece)]
            block = _Block(lines, spaced, tokens[0].type)
        blocks.append(block)
    blocks += _comments(text[end:])
    result = "".join(_joined(blocks))
    # A byte order mark inside the text must not become the one before it.
    return result if without_mark(result) == result else f"\n{result}"


# ---- blocks: a statement, or comments between statements -----------------------------------------


@dataclass(slots=True)
class _Block:
    """Lines that belong together.

    `spaced`: the source has a blank line above them. `keyword`: the type of the first token, `#`
    for comments. `raw`: a statement that cannot be read.
    """

    lines: list[str]
    spaced: bool
    keyword: str = ""
    raw: bool = False


def _joined(blocks: Sequence[_Block]) -> Iterator[str]:
    above: _Block | None = None
    for block in blocks:
        if above is not None and (block.spaced or not _may_touch(above, block)):
            yield "\n"
        yield from (f"{line}\n" for line in block.lines)
        above = block


def _may_touch(above: _Block, below: _Block) -> bool:
    """Whether no blank line need stand between two blocks that have none in the source."""
    lists = any({above.keyword, below.keyword} <= group for group in _LISTED)
    lists = lists and len(above.lines) == len(below.lines) == 1
    return lists or above.keyword == "#" or above.raw or below.raw


def _comments(text: str) -> Iterator[_Block]:
    """The groups of comments in a text that has nothing else."""
    group: list[str] = []
    spaced = blank = False
    for line in text.split("\n"):
        comment = line.strip(_BLANKS)
        if comment:
            spaced = spaced if group else blank
            group.append(comment)
        elif group:
            yield _Block(group, spaced, "#")
            group = []
        blank = not comment
    if group:
        yield _Block(group, spaced, "#")


def _inner_comments(comments: Sequence[re.Match[str]], piece: Sequence[Line]) -> Iterator[str]:
    """Comments after the last line of a statement, on the level that they stand at."""
    levels: list[int] = []
    for line in piece[1:]:
        width = _width(line.indent)
        levels = [*(level for level in levels if level < width), width]
    for comment in comments:
        if comment[1]:
            yield ""
        width = _width(comment[2])
        depth = max(1, sum(level <= width for level in levels))
        yield "  " * depth + comment[3].strip(_BLANKS)


def _width(indent: str) -> int:
    return len(indent.expandtabs(8))


# ---- statements ----------------------------------------------------------------------------------


def _statement(tokens: Sequence[Token]) -> Iterator[str]:
    """The lines of a statement that can be read."""
    depth = 0
    row: list[Token] = []
    comments: list[str] = []
    tokens = _aligned(tokens)
    for token in tokens:
        if token.type == "_INDENT":
            depth += 1
        elif token.type == "_DEDENT":
            depth -= 1
        elif token.type == "_NL":
            yield from _row(row, "  " * depth)
            row = []
            comments = [line.strip(_BLANKS) for line in token.split("\n")[1:-1]]
        else:
            if not row:
                yield from _between(comments, "  " * depth)
            row.append(token)


def _aligned(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens with the rows of a table as columns of one width each."""
    rows = {
        i: [" ".join(cell.split()) for cell in cells_of(token)]
        for i, token in enumerate(tokens)
        if token.type == "ROW"
    }
    widths = [max(map(len, column)) for column in zip_longest(*rows.values(), fillvalue="")]
    aligned = list(tokens)
    for i, cells in rows.items():
        text = " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
        aligned[i] = Token("ROW", f"| {text} |")
    return aligned


def _between(lines: Sequence[str], indent: str) -> Iterator[str]:
    """The comments between two lines of a statement, with a blank line above as in the source."""
    blank = False
    for line in lines:
        if line:
            if blank:
                yield ""
            yield indent + line
        blank = not line


def _row(row: Sequence[Token], indent: str) -> Iterator[str]:
    """The lines that one line becomes: several where a list is too long."""
    kind = row[0].type
    text = indent + _spaced(row)
    many = [i for i, token in enumerate(row) if token.type in {"COMMA", "COMMA_BUT"}]
    if len(text) <= WIDTH or not many or kind not in {*_LISTS, "MEASURABLE"}:
        yield text
        return
    first = _LISTS.get(kind, many[0])
    yield indent + _spaced(row[:first])
    if kind == "MEASURABLE":
        starts, lead = many, "but "
    else:
        starts, lead = [first - 1, *many], ""
    for start, end in zip(starts, [*starts[1:], len(row)], strict=True):
        yield indent + "  " + lead + _spaced(row[start + 1 : end])


def _spaced(row: Sequence[Token]) -> str:
    """The words of a line with one space between them, but for commas, parentheses and the minus of
    an exponent."""
    text = ""
    before = two_before = ""
    for token in row:
        word = _word(token)
        joined = (
            not text
            or word[0] == ","
            or token.type == "RPAR"
            or before == "LPAR"
            or (token.type == "LPAR" and before in _FUNCTIONS)
            or (before == "MINUS" and two_before == "CARET")
        )
        text += word if joined else f" {word}"
        two_before, before = before, token.type
    return text


def _word(token: Token) -> str:
    if token.type == "QUOTE":
        text = token[1:].rstrip(_BLANKS)
        return f"> {text}" if text and text[0] not in _BLANKS else f">{text}"
    if token.type in _FREE_TEXT:
        keyword, text = token.split(maxsplit=1)
        return f"{keyword} {text.rstrip(_BLANKS)}"
    if token.type == "COMMA_BUT":
        return ", but"
    if token.type == "COMMA_BECAUSE":
        return ", because " + token.partition("because")[2].strip(_BLANKS)
    return str(token) if token.type in {"STRING", "URL", "ROW"} else " ".join(token.split())
