"""Occurrences of conditions, procedures and medications: text tree to checked tests."""

from __future__ import annotations

from fractions import Fraction

from protocol_logic.compiling import core
from protocol_logic.compiling.allergies import allergy_to
from protocol_logic.compiling.names import Names
from protocol_logic.compiling.windows import Window, ever, not_whole, odd_window, window_of
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import condition_tree
from protocol_logic.language.nodes import Amount, Word

INTENT = "intent"


class Occurrences(Names):
    """The part of `Conditions` that checks occurrences and windows of time."""

    def occurs(
        self, node: condition_tree.Occurs | condition_tree.NumberOf | condition_tree.Now, text: str
    ) -> core.Condition | None:
        """`chemotherapy within 28 days`, `history of chemotherapy`, `number of ...`"""
        subject = self._subject(node.subject)
        if isinstance(node, condition_tree.Now):
            if subject is None or not self._is_condition(node.subject):
                return None
            return core.PresentAs(subject=subject, text=text, span=node.span)
        window = self.window(node.window) if node.window is not None else None
        if subject is None or (window is None and node.window is not None):
            return None
        if window is None and self.at is not None:
            window = ever(self.at)
        if isinstance(node, condition_tree.Occurs):
            return core.Occurred(subject=subject, window=window, text=text, span=node.span)
        number = self.whole(node.number, "occurrences")
        if number is None:
            return None
        return core.NumberOf(
            subject=subject,
            window=window,
            op=node.op,
            number=number,
            text=text,
            span=node.span,
        )

    def allergy(self, node: condition_tree.Allergy, text: str) -> core.Condition | None:
        """`allergy to penicillin`"""
        medication = self.concept(node.name, "medication")
        if medication is None:
            return None
        name = allergy_to(medication.name)
        if name in self.found.places:
            message = f"`{text}` is called `{name}`, and so is something else"
            self.problem("duplicate-name", message, node.span, "give that another name")
            return None
        self.found.allergens.add(medication.name)
        return core.Present(concept=name, text=text, span=node.span)

    def whole(self, amount: Amount, what: str) -> int | None:
        """The whole number that an amount is; anything else is a problem."""
        if amount.unit is None and amount.number.isdigit():
            return int(amount.number)
        message = f"a number of {what} is a whole number, not {self.line(amount.span)}"
        self.problem("unknown-value", message, amount.span)
        return None

    def window(self, node: condition_tree.Window) -> Window | None:
        """A window that whole days, months or years make, up to a time point that is known."""
        before = node.before.text if node.before is not None else self.at
        if node.amount is None:
            assert node.before is not None  # the grammar has `before` with a name
            return ever(node.before.text) if self.is_timepoint(node.before) else None
        window = window_of(node.amount, before)
        if window is None:
            self.problem("wrong-unit", *not_whole(self.line(node.amount.span), node.amount.span))
        elif odd := odd_window(window, self.line(node.amount.span)):
            self.problem("unusual-window", odd[0], node.amount.span, odd[1])
        return window if node.before is None or self.is_timepoint(node.before) else None

    def is_timepoint(self, word: Word) -> bool:
        """Whether a word names a time point; if not, that is a problem."""
        if word.text in self.timepoints:
            return True
        message = f"the time point `{word.text}` is not defined"
        hint = did_you_mean(word.text, self.timepoints) or (
            f"declare it: `timepoint {word.text}`, with its `label` below; without one a window "
            "ends on the day of judgement"
        )
        self.problem("unknown-name", message, word.span, hint)
        return False

    # ---- subjects ----------------------------------------------------------------------------

    def _subject(self, node: condition_tree.Subject) -> core.Subject | None:
        concept = self.entry(node.name, voc.Concept)
        if concept is None:
            return None
        others = [self._other(word, concept) for word in node.others]
        qualifiers = [self._qualifier(each, concept) for each in node.qualifiers]
        names = [each.name for each in qualifiers if each is not None]
        for each, qualifier in zip(node.qualifiers, qualifiers, strict=True):
            if qualifier is not None and names.count(qualifier.name) > 1:
                message = f"`{qualifier.name}` is asked for twice"
                hint = "name all its values once, with commas between them"
                self.problem("duplicate-name", message, each.span, hint)
                return None
        if None in others or None in qualifiers:
            return None
        return core.Subject(
            concept.name,
            tuple(sorted({name for name in others if name is not None})),
            tuple(sorted((q for q in qualifiers if q is not None), key=lambda q: q.name)),
        )

    def _other(self, word: Word, concept: voc.Concept) -> str | None:
        """The name of a kind of a concept; anything else is a problem."""
        other = self.entry(word, voc.Concept)
        if other is None:
            return None
        if other.name == concept.name or other.name not in self._below(concept.name):
            message = f"`{other.name}` is no kind of `{concept.name}`, so nothing is left out by it"
            hint = f"leave it out, or say `is a {concept.name}` where it is declared"
            self.problem("wrong-kind", message, word.span, hint)
            return None
        return other.name

    def _below(self, concept: str) -> tuple[str, ...]:
        return voc.Vocabulary(self.found.entries).below(concept)

    def _qualifier(
        self, node: condition_tree.Qualifier, concept: voc.Concept
    ) -> core.Qualifier | None:
        if node.name is None:
            return self._intents(node, concept)
        qualifier = self.entry(node.name, voc.Qualifier)
        if qualifier is None:
            return None
        if concept.kind not in voc.QUALIFIED[qualifier.of]:
            kinds = " or ".join(voc.QUALIFIED[qualifier.of])
            message = (
                f"`{qualifier.name}` is of a {kinds}, but `{concept.name}` is a {concept.kind}"
            )
            self.problem("wrong-kind", message, node.span)
            return None
        if node.number is not None:
            return self._compared(node, node.number, qualifier)
        if not self.are_values(qualifier.name, node.values, qualifier.values):
            return None
        asked = {word.text for word in node.values}
        return core.Qualifier(qualifier.name, tuple(v for v in qualifier.values if v in asked))

    def _compared(
        self, node: condition_tree.Qualifier, number: Word, qualifier: voc.Qualifier
    ) -> core.Qualifier | None:
        """The values of a qualifier that compare with a number; they have to be numbers."""
        if not all(value.isdigit() for value in qualifier.values):
            message = f"the values of `{qualifier.name}` are names, not numbers"
            hint = f"name them: `with {qualifier.name} {', '.join(qualifier.values)}`"
            self.problem("wrong-kind", message, node.span, hint)
            return None
        inside = COMPARISONS[node.op].inside(Fraction(number.text))
        values = tuple(v for v in qualifier.values if inside.contains(Fraction(v)))
        if not values:
            message = f"no value of `{qualifier.name}` is {node.op} {number.text}"
            self.problem(
                "unknown-value", message, number.span, f"it can be {', '.join(qualifier.values)}"
            )
            return None
        return core.Qualifier(qualifier.name, values)

    def _intents(
        self, node: condition_tree.Qualifier, concept: voc.Concept
    ) -> core.Qualifier | None:
        if concept.kind != "medication":
            message = f"`{concept.name}` is a {concept.kind}, and only medications have an intent"
            self.problem("wrong-kind", message, node.span)
            return None
        if [word for word in node.values if not self.is_intent(word)]:
            return None
        asked = {word.text for word in node.values}
        return core.Qualifier(INTENT, tuple(i for i in core.INTENTS if i in asked))

    def _is_condition(self, node: condition_tree.Subject) -> bool:
        """Whether a subject can be present; a procedure or medication has to have a time."""
        concept = self.found.entries[node.name.text]
        assert isinstance(concept, voc.Concept)
        if concept.kind == "condition":
            return True
        said = self.line(node.span)
        message = f"`{said}` does not say when: `{concept.name}` is a {concept.kind}"
        hint = f"write `history of {said}`, or `{said} within 28 days`"
        self.problem("wrong-kind", message, node.span, hint)
        return False
