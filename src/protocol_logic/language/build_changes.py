"""The nodes of what is said of how the record of an entry can change."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from protocol_logic.language import knowledge_tree, tree
from protocol_logic.language.build_parts import parted, span_of, word_of


@v_args(meta=True)
class ChangeBuilder(Transformer[Token, Any]):
    """Builds the lines `change` and `obtain`, of an entry and as statements."""

    def change(self, meta: Meta, children: list[Any]) -> tree.Changing:
        [name], [change] = parted(children)
        return tree.Changing(name=word_of(name), change=change, span=span_of(meta))

    def change_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        change = parted(children)[1][0]
        key = "obtain" if change.obtains else "change"
        return knowledge_tree.Property(key=key, change=change, span=span_of(meta))

    def how(self, meta: Meta, children: list[Any]) -> knowledge_tree.Change:
        said = {token.type: word_of(token) for token in parted(children)[0]}
        kinds = ("NEVER", "TREAT", "CORRECT")
        directions = ("UP", "DOWN", "VALUE")
        return knowledge_tree.Change(
            obtains=False,
            kind=next((said[each] for each in kinds if each in said), None),
            cost=said.get("NUMBER"),
            direction=next((said[each] for each in directions if each in said), None),
            span=span_of(meta),
        )

    def costs(self, meta: Meta, children: list[Any]) -> knowledge_tree.Change:
        said = {token.type: word_of(token) for token in parted(children)[0]}
        return knowledge_tree.Change(
            obtains=True, kind=said.get("NEVER"), cost=said.get("NUMBER"), span=span_of(meta)
        )
