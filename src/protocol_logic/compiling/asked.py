"""What is asked of a person, from its text: an entry of its own, whose element is made of the text.

`attested "..."`, `judged "..."`, `opaque "..."`, perhaps with `, because ...` at the end of the
line.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from protocol_logic.compiling import core
from protocol_logic.compiling.names import Names
from protocol_logic.compiling.plan import slug
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import condition_tree

LONGEST = 120
"""The most characters of a text that is asked."""

# Elements with a meaning of their own, and what clingo would take for an operator.
_RESERVED = ("reference_range", "treatment_intent", "not")


class Asking(Names):
    """Makes entries of the texts that are asked; `asked` holds them with where each first stood."""

    _because = ""

    def because(self, node: condition_tree.Because) -> condition_tree.Condition:
        """The condition of a line whose reason is given; it is that of all that is asked in it."""
        if not any(_asked_in(node.part)):
            message = "nothing in this line is asked of a person, so it has no reason to give"
            hint = "put it into a comment, on a line of its own that starts with `#`"
            self.problem("bad-question", message, node.reason.span, hint)
        self._because = node.reason.text
        return node.part

    def asked(self, node: condition_tree.Asked, text: str) -> core.Condition | None:
        """The test of what is asked."""
        statement = " ".join(node.statement.text.split())
        because, span = self._because, node.statement.span
        element = slug(statement) if any(c.isalnum() for c in statement) else ""
        if not any(c.isascii() and c.isalpha() for c in statement) or element in _RESERVED:
            message = f"`{shown(statement)}` is no statement that a person can say yes or no to"
            if not statement:
                message = "nothing stands between the quotes"
            hint = 'write it in words: `judged "visceral crisis"`'
            self.problem("bad-question", message, span, hint)
            return None
        if len(statement) > LONGEST:
            message = f"the text has {len(statement)} characters; at most {LONGEST} can be asked"
            hint = "say it in fewer words: the protocol's own sentence is shown beside it"
            self.problem("bad-question", message, span, hint)
            return None
        known = self._known.get(element)
        if known is not None:
            message = f"`{element}` is already known, so it is not asked in quotes"
            hint = f"write `{known}` without quotes, or ask for something else in other words"
            self.problem("bad-question", message, span, hint)
            return None
        if node.how == "opaque" and not because:
            message = "it is not said why this sentence is left to a person"
            hint = "write `, because ...` at the end of the line"
            self.problem("bad-question", message, node.span, hint)
        entry = voc.Asked(name=element, element=element, label=statement, how=_HOW[node.how])
        first, source, place = self.found.asked.setdefault(element, (entry, self.source, span))
        if first != entry:
            self._asked_otherwise(entry, first, source, place, span)
            return None
        return core.Asked(entry=element, because=because, text=text, span=node.span)

    def _asked_otherwise(
        self, entry: voc.Asked, first: voc.Asked, source: Source, place: Span, span: Span
    ) -> None:
        line = source.line_column(place.start)[0]
        where = f"{source.name}, line {line}"
        message = f"`{entry.element}` is asked in other words in {where}: `{shown(first.label)}`"
        hint = "write it the same way in both places, or tell the two apart by their words"
        if first.label == entry.label:
            message = f"the same is {_SAID[first.how]} in {where}"
            hint = f"write `{first.how}` in both places, or say in the text how the two differ"
        self.problem("bad-question", message, span, hint)

    @cached_property
    def _known(self) -> dict[str, str]:
        """Each name or element that is taken, and how the thing that has it is written."""
        known: dict[str, str] = {}
        for entry in (*self.found.entries.values(), *self.found.derived.values()):
            known.setdefault(entry.element, entry.name)
            for name in entry.evidence if isinstance(entry, voc.Concept) else ():
                known.setdefault(name, f"{entry.name} confirmed by {name}")
        for name, (definition, _) in self.definitions.items():
            if definition.element is not None:
                known.setdefault(definition.element.text, name)
        return {**known, **{name: name for name in self.found.places}}


def _asked_in(node: object) -> Iterator[condition_tree.Asked]:
    """All that is asked in a line."""
    match node:
        case condition_tree.Asked():
            yield node
        case condition_tree.AllOf(parts=parts) | condition_tree.AnyOf(parts=parts):
            for part in parts:
                yield from _asked_in(part)
        case condition_tree.Not(part=part):
            yield from _asked_in(part)
        case condition_tree.Compares(exceptions=exceptions):
            for exception in exceptions:
                yield from _asked_in(exception.condition)


_HOW: dict[str, voc.How] = {"attested": "attested", "judged": "judged", "opaque": "opaque"}
_SAID = {"attested": "attested", "judged": "judged", "opaque": "kept as opaque"}
