"""Occurrences and windows of time: one method per grammar rule, for the builder in `build.py`."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from protocol_logic.language import condition_tree
from protocol_logic.language.build_parts import amount_of, parted, span_of, word_of
from protocol_logic.language.nodes import Word


@v_args(meta=True)
class OccurrenceBuilder(Transformer[Token, Any]):
    """Parse trees of occurrences to nodes."""

    def window(self, meta: Meta, children: list[Any]) -> condition_tree.Window:
        before, [amount] = parted(children)
        return condition_tree.Window(
            amount=amount,
            before=word_of(before[0]) if before else None,
            span=span_of(meta),
        )

    def until(self, meta: Meta, children: list[Any]) -> condition_tree.Window:
        before = word_of(parted(children)[0][0])
        return condition_tree.Window(amount=None, before=before, span=span_of(meta))

    def subject(self, meta: Meta, children: list[Any]) -> condition_tree.Subject:
        tokens, nodes = parted(children)
        others = next((tuple(n) for n in nodes if isinstance(n, list)), ())
        return condition_tree.Subject(
            name=word_of(tokens[0]),
            others=others,
            qualifiers=tuple(n for n in nodes if isinstance(n, condition_tree.Qualifier)),
            span=span_of(meta),
        )

    def others(self, _meta: Meta, children: list[Any]) -> list[Word]:
        return [word_of(token) for token in parted(children)[0]]

    def with_intent(self, meta: Meta, children: list[Any]) -> condition_tree.Qualifier:
        values = tuple(word_of(token) for token in parted(children)[0])
        return condition_tree.Qualifier(values=values, span=span_of(meta))

    def with_values(self, meta: Meta, children: list[Any]) -> condition_tree.Qualifier:
        name, *values = (word_of(token) for token in parted(children)[0])
        return condition_tree.Qualifier(name=name, values=tuple(values), span=span_of(meta))

    def with_number(self, meta: Meta, children: list[Any]) -> condition_tree.Qualifier:
        name, op, number = parted(children)[0]
        return condition_tree.Qualifier(
            name=word_of(name), op=str(op), number=word_of(number), span=span_of(meta)
        )

    def history(self, meta: Meta, children: list[Any]) -> condition_tree.Occurs:
        subject, *until = parted(children)[1]
        return condition_tree.Occurs(
            subject=subject, window=until[0] if until else None, span=span_of(meta)
        )

    def occurred(self, meta: Meta, children: list[Any]) -> condition_tree.Occurs:
        subject, window = parted(children)[1]
        return condition_tree.Occurs(subject=subject, window=window, span=span_of(meta))

    def number_of(self, meta: Meta, children: list[Any]) -> condition_tree.NumberOf:
        (op, number), (subject, *window) = parted(children)
        return condition_tree.NumberOf(
            subject=subject,
            window=window[0] if window else None,
            op=str(op),
            number=amount_of(number),
            span=span_of(meta),
        )

    def now(self, meta: Meta, children: list[Any]) -> condition_tree.Now:
        return condition_tree.Now(subject=parted(children)[1][0], span=span_of(meta))

    def allergy(self, meta: Meta, children: list[Any]) -> condition_tree.Allergy:
        return condition_tree.Allergy(name=word_of(parted(children)[0][0]), span=span_of(meta))
