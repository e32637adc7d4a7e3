"""Occurrences of conditions, procedures and medications: text tree to checked tests."""

from __future__ import annotations

from protocol_logic.compiling import core
from protocol_logic.compiling.names import Names
from protocol_logic.compiling.windows import Window, not_whole, window_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import tree


class Occurrences(Names):
    """The part of `Conditions` that checks occurrences and windows of time."""

    def occurs(self, node: tree.Occurs, text: str) -> core.Condition | None:
        """`chemotherapy within 28 days`, `history of chemotherapy`"""
        subject = self._subject(node.subject)
        window = self.window(node.window) if node.window is not None else None
        if subject is None or (window is None and node.window is not None):
            return None
        return core.Occurred(subject=subject, window=window, text=text, span=node.span)

    def window(self, node: tree.Window) -> Window | None:
        """A window that whole days, months or years make, up to a time point that is known."""
        before = node.before.text if node.before is not None else None
        window = window_of(node.amount, before)
        if window is None:
            self.problem("wrong-unit", *not_whole(self.line(node.amount.span), node.amount.span))
        return window if node.before is None or self.is_timepoint(node.before) else None

    def is_timepoint(self, word: tree.Word) -> bool:
        """Whether a word names a time point; if not, that is a problem."""
        message = f"the time point `{word.text}` is not defined"
        hint = "leave `before` out: a window then ends on the day of judgement"
        self.problem("unknown-name", message, word.span, hint)
        return False

    def _subject(self, node: tree.Subject) -> core.Subject | None:
        concept = self.entry(node.name, voc.Concept)
        return None if concept is None else core.Subject(concept.name)
