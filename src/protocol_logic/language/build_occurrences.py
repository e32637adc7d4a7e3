"""Occurrences and windows of time: one method per grammar rule, for the builder in `build.py`."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from protocol_logic.language import tree
from protocol_logic.language.build_parts import parted, span_of, word_of


@v_args(meta=True)
class OccurrenceBuilder(Transformer[Token, Any]):
    """Parse trees of occurrences to nodes."""

    def window(self, meta: Meta, children: list[Any]) -> tree.Window:
        before, [amount] = parted(children)
        return tree.Window(
            amount=amount,
            before=word_of(before[0]) if before else None,
            span=span_of(meta),
        )

    def subject(self, meta: Meta, children: list[Any]) -> tree.Subject:
        return tree.Subject(name=word_of(parted(children)[0][0]), span=span_of(meta))

    def history(self, meta: Meta, children: list[Any]) -> tree.Occurs:
        return tree.Occurs(subject=parted(children)[1][0], window=None, span=span_of(meta))

    def occurred(self, meta: Meta, children: list[Any]) -> tree.Occurs:
        subject, window = parted(children)[1]
        return tree.Occurs(subject=subject, window=window, span=span_of(meta))
