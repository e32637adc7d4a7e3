"""Examples: one method per grammar rule, for the builder in `build.py`; rows of tables to cells."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from protocol_logic.foundation.source import Span
from protocol_logic.language import tree
from protocol_logic.language.build_parts import parted, span_of, word_of
from protocol_logic.language.nodes import Word


@v_args(meta=True)
class ExampleBuilder(Transformer[Token, Any]):
    """Parse trees of examples to nodes."""

    def examples_for(self, meta: Meta, children: list[Any]) -> tree.Heading:
        name = word_of(parted(children)[0][0])
        return tree.Heading(kind="examples", name=name, texts=(), uses=(), span=span_of(meta))

    def as_of(self, _meta: Meta, children: list[Any]) -> Word:
        return word_of(parted(children)[0][0])

    def given(self, meta: Meta, children: list[Any]) -> tree.Given:
        name, value = parted(children)[0]
        return tree.Given(name=word_of(name), value=_rest(value), span=span_of(meta))

    def expect(self, meta: Meta, children: list[Any]) -> tree.Expect:
        about, outcome = parted(children)[0]
        word = word_of(about)
        quoted = about.type == "STRING"
        if quoted:
            inside = Span(word.span.start + 1, word.span.end - 1)
            word = Word(text=" ".join(word.text[1:-1].split()), span=inside)
        return tree.Expect(about=word, quoted=quoted, outcome=_rest(outcome), span=span_of(meta))

    def example(self, meta: Meta, children: list[Any]) -> tree.Example:
        tokens, nodes = parted(children)
        title, *rows = tokens
        table = [_cells(row) for row in rows]
        return tree.Example(
            title=" ".join(str(title).split()[1:]),
            as_of=next((n for n in nodes if isinstance(n, Word)), None),
            given=tuple(n for n in nodes if isinstance(n, tree.Given)),
            expect=tuple(n for n in nodes if isinstance(n, tree.Expect)),
            header=table[0] if table else (),
            rows=tuple(table[1:]),
            span=span_of(meta),
        )

    examples = example


def _rest(token: Token) -> Word:
    """What is left of a line, with one blank between its words."""
    text = str(token).rstrip(" \t")
    start = token.start_pos or 0
    return Word(text=" ".join(text.split()), span=Span(start, start + len(text)))


def cells_of(row: str) -> list[str]:
    """What stands between the bars of a row, blanks and all; the bar at its end may be missing."""
    return row.rstrip(" \t")[1:].removesuffix("|").split("|")


def _cells(row: Token) -> tuple[Word, ...]:
    """The cells of a row; an empty one is where it would stand."""
    cells: list[Word] = []
    place = (row.start_pos or 0) + 1
    for cell in cells_of(str(row)):
        first, last = place + len(cell) - len(cell.lstrip()), place + len(cell.rstrip())
        span = Span(first, last) if first < last else Span(place, place + max(1, len(cell)))
        cells.append(Word(text=" ".join(cell.split()), span=span))
        place += len(cell) + 1
    return tuple(cells)
