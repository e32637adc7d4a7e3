"""The nodes of formulas: one method per grammar rule or alias."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from protocol_logic.language import knowledge_tree
from protocol_logic.language.build_parts import parted, span_of, word_of


@v_args(meta=True)
class FormulaBuilder(Transformer[Token, Any]):
    """Builds what stands after `formula`."""

    def number(self, meta: Meta, children: list[Any]) -> knowledge_tree.Number:
        return knowledge_tree.Number(text=str(children[0]), span=span_of(meta))

    def input(self, meta: Meta, children: list[Any]) -> knowledge_tree.Input:
        name, unit = parted(children)[0]
        return knowledge_tree.Input(name=word_of(name), unit=word_of(unit), span=span_of(meta))

    def factor(self, _meta: Meta, children: list[Any]) -> Any:
        return parted(children)[1][0]

    def add(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        return self._binary("+", meta, children)

    def subtract(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        return self._binary("-", meta, children)

    def multiply(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        return self._binary("*", meta, children)

    def divide(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        return self._binary("/", meta, children)

    def power(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        return self._binary("^", meta, children)

    def negative_power(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        base, exponent = parted(children)[1]
        if isinstance(exponent, knowledge_tree.Number):
            less = knowledge_tree.Number(text=f"-{exponent.text}", span=exponent.span)
            return knowledge_tree.Binary(op="^", left=base, right=less, span=span_of(meta))
        nothing = knowledge_tree.Number(text="0", span=exponent.span)
        less_than_it = knowledge_tree.Binary(
            op="-", left=nothing, right=exponent, span=exponent.span
        )
        return knowledge_tree.Binary(op="^", left=base, right=less_than_it, span=span_of(meta))

    def lesser(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        return self._binary("min", meta, children)

    def greater(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        return self._binary("max", meta, children)

    def square_root(self, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        [root_of], half = parted(children)[1], knowledge_tree.Number(text="0.5", span=span_of(meta))
        return knowledge_tree.Binary(op="^", left=root_of, right=half, span=span_of(meta))

    def _binary(self, op: str, meta: Meta, children: list[Any]) -> knowledge_tree.Binary:
        left, right = parted(children)[1]
        return knowledge_tree.Binary(op=op, left=left, right=right, span=span_of(meta))
