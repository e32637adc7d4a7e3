"""The scopes of a protocol: its arms, cohorts and parts, and the criteria that are for some."""

from __future__ import annotations

from collections.abc import Iterable

from protocol_logic.compiling import core
from protocol_logic.compiling.entries import claim
from protocol_logic.compiling.library import Unit
from protocol_logic.compiling.names import Names
from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.language import tree


class Scopes:
    """The scopes that the statements of a protocol declare, by name."""

    def __init__(self, units: Iterable[Unit], names: Names) -> None:
        self.names = names
        self.declared: dict[str, core.Scope] = {}
        for unit in units:
            kind = unit.heading.kind if unit.heading is not None else "protocol"
            for node in unit.statements:
                if not isinstance(node, tree.Scope):
                    continue
                names.begin("", unit.source)
                if kind != "protocol":
                    message = "a scope is an arm, a cohort or a part of a protocol"
                    hint = "put it into the protocol"
                    names.problem("misplaced", message, node.name.span, hint)
                elif claim(names.found, node.name, unit.source):
                    name = node.name.text
                    label = next((t.text for t in node.texts if t.key == "label"), None)
                    self.declared[name] = core.Scope(id=name, label=label or name.replace("_", " "))

    def of(self, criterion: tree.Criterion) -> tuple[str, ...]:
        """The scopes that a criterion is for, in the order of the protocol; none: all."""
        chosen: set[str] = set()
        for word in criterion.scopes:
            if word.text not in self.declared:
                message = f"`{word.text}` is no scope of this protocol"
                hint = did_you_mean(word.text, self.declared) or (
                    f"declare it: `scope {word.text}`, with its `label` below"
                )
                self.names.problem("unknown-name", message, word.span, hint)
            elif word.text in chosen:
                message = f"the scope `{word.text}` is named twice"
                self.names.problem("duplicate-name", message, word.span, "name it once")
            chosen.add(word.text)
        return tuple(name for name in self.declared if name in chosen)
