"""Text to canonical text: the same statements, laid out in the one way.

Two spaces a level, one space between words, one blank line between statements, comments where they
stand. A statement that cannot be read is left as it is, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lark import Token

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.source import Source
from protocol_logic.language.parse import Line, pieces, read_piece

WIDTH = 100
"""Columns in which a list of codes is kept on one line."""

_FREE_TEXT = {"TITLE", "VERSION", "LANGUAGE", "REGISTRY", "LABEL", "SOURCE"}
_VERBATIM = {"STRING", "URL"}
_CODE_LISTS = {"CODE", "EVIDENCE", "SITE", "AXIS", "METHOD"}


def format_text(source: Source) -> str:
    """The canonical text of a source; a second time it changes nothing."""
    text = source.text.removeprefix("\ufeff")
    source = Source(source.name, text)
    blocks: list[_Block] = []
    end = 0
    for piece in pieces(text):
        begin = piece[0].start - len(piece[0].indent)
        blocks += _comments(text[end:begin], blocks)
        end = _line_end(text, piece[-1])
        tokens: list[Token] = []
        if isinstance(read_piece(source, piece, tokens), Problem):
            end = _line_end(text, piece[-1], with_comments=True)
            blocks.append(_Block([text[begin:end].removesuffix("\n")], raw=True))
        else:
            end = _line_end(text, piece[-1], with_comments=True)
            lines = [*_statement(tokens), *_last_comments(text, piece, end)]
            blocks.append(_Block(lines, keyword=tokens[0].type))
        blocks[-1].tight = _is_tight(text, begin)
    blocks += _comments(text[end:], blocks)
    return "".join(_joined(blocks))


# ---- blocks: a statement, or comments between statements ------------------------------------------


@dataclass(slots=True)
class _Block:
    """Lines that belong together.

    `tight`: the source has no blank line above them. `raw`: kept as they are.
    """

    lines: list[str]
    keyword: str = "#"
    raw: bool = False
    tight: bool = field(default=False)


def _joined(blocks: Sequence[_Block]) -> Iterator[str]:
    """The blocks with a blank line between them, but for those that belong together."""
    for above, block in pairwise([None, *blocks]):
        assert block is not None
        if above is not None and not (block.tight and _may_touch(above, block)):
            yield "\n"
        yield from (f"{line}\n" for line in block.lines)


def _may_touch(above: _Block, below: _Block) -> bool:
    """Comments stand on what they are about, and lists of one-line statements are one block."""
    return above.keyword == "#" or above.raw or below.raw or above.keyword == below.keyword == "SYSTEM"


def _comments(text: str, above: Sequence[_Block]) -> Iterator[_Block]:
    """The groups of comments in a text that has nothing else."""
    group: list[str] = []
    blank = False
    tight = False
    for line in text.split("\n"):
        comment = line.strip()
        if comment:
            if not group:
                tight = not blank and bool(above)
            group.append(comment)
        elif group:
            yield _Block(group, tight=tight)
            group = []
        blank = not comment
    if group:
        yield _Block(group, tight=tight)
