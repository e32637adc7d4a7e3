"""Names and values that conditions use: what each is, and what is said where it is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from protocol_logic.compiling import core
from protocol_logic.compiling.cues import how_tested, who_knows
from protocol_logic.compiling.entries import Entries
from protocol_logic.compiling.parameters import Settled
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import tree
from protocol_logic.language.nodes import Word

_E = TypeVar("_E", bound=voc.Named)


class Names:
    """The entries and definitions that conditions can name.

    `source` and `sentence` are those of the statement at hand: see `begin`.
    """

    def __init__(
        self,
        found: Entries,
        definitions: Mapping[str, tuple[tree.Definition, Source]],
        settled: Settled,
        problems: Problems,
    ) -> None:
        self.found = found
        self.definitions = definitions
        self.settled = settled
        self.source = settled.source
        self.problems = problems
        self.sentence: str | None = None
        self.pattern_home = ""
        self.pattern_count = 0
        self.todo_count = 0
        self.timepoints: dict[str, voc.Timepoint] = {}
        self.at: str | None = None
        """The time point at which the criterion at hand is judged; None: the as-of date."""

    def begin(self, home: str, source: Source, sentence: str | None = None) -> None:
        """Turn to the statement called `home`; patterns and to-dos are numbered within it."""
        self.source, self.sentence = source, sentence
        self.pattern_home, self.pattern_count = home, 0
        self.todo_count = 0
        self.at = None

    def entry(self, word: Word, kind: type[_E]) -> _E | None:
        """The entry of a name where one kind is wanted; anything else is a problem."""
        entry = self.entry_of(word, (kind,), tested=kind is not voc.Qualifier)
        return entry if isinstance(entry, kind) else None

    def entry_of(
        self, word: Word, kinds: tuple[type[voc.Named], ...], tested: bool = True
    ) -> voc.Entry | None:
        """The entry of a name where one of several kinds is wanted; `tested`: by a condition."""
        entry = self.found.entries.get(word.text)
        if entry is None and self.settled.has(word.text):
            message = f"`{word.text}` is a parameter: it stands in the place of a number"
            self.problem("wrong-kind", message, word.span, f"write `NAME >= {word.text}`")
            return None
        defined = word.text in self.definitions
        if defined or word.text in self.found.derived:
            made = "a definition" if defined else "a derived quantity"
            wanted = " or ".join(_KINDS[k] for k in kinds)
            message = f"`{word.text}` is {made}, but here stands {wanted}"
            hint = self.how_defined(word.text) if tested else None
            self.problem("wrong-kind", message, word.span, hint)
            return None
        if entry is None:
            known = {
                *(n for n, e in self.found.entries.items() if isinstance(e, kinds)),
                *(self.definitions if voc.Concept in kinds or voc.Status in kinds else ()),
                *(self.found.derived if voc.Quantity in kinds else ()),
            }
            # A name that was claimed but not built has had its own problem.
            if word.text not in self.found.places:
                message = f"the name `{word.text}` is not defined"
                compared = voc.Quantity in kinds and voc.Status not in kinds
                hint = who_knows(word.text, known, tested, compared)
                self.problem("unknown-name", message, word.span, hint)
            return None
        if not isinstance(entry, kinds):
            is_a, wanted = _KINDS[type(entry)], " or ".join(_KINDS[k] for k in kinds)
            message = f"`{word.text}` is {is_a}, but here stands {wanted}"
            hint = how_tested(entry) if tested else None
            self.problem("wrong-kind", message, word.span, hint)
            return None
        return entry

    def how_defined(self, name: str) -> str | None:
        """How a definition or a derived quantity is tested, as a hint."""
        if name not in self.definitions:
            return how_tested(self.found.derived[name])
        definition, _ = self.definitions[name]
        if isinstance(definition.body, tree.Decide):
            return "write " + ", ".join(f"`{name} is {w.text}`" for w in definition.values)
        if isinstance(definition.body, tree.Score):
            return f"write `{name} <= NUMBER` or `{name} >= NUMBER`"
        return f"write `{name}` alone"

    def concept(self, word: Word, kind: str) -> voc.Concept | None:
        """The concept of a name where one kind of concept is wanted."""
        entry = self.entry(word, voc.Concept)
        if entry is None:
            return None
        if entry.kind != kind:
            message = f"`{word.text}` is a {entry.kind}, but here stands a {kind}"
            self.problem("wrong-kind", message, word.span, how_tested(entry))
            return None
        return entry

    def is_intent(self, word: Word) -> bool:
        """Whether a word is an intent; if not, that is a problem."""
        if word.text not in core.INTENTS:
            self.unknown_value("intent", word, core.INTENTS)
        return word.text in core.INTENTS

    def are_values(self, name: str, words: tuple[Word, ...], values: tuple[str, ...]) -> bool:
        """Whether words are values of a name; each that is none is a problem."""
        wrong = [w for w in words if w.text not in values]
        for word in wrong:
            self.unknown_value(name, word, values)
        return not wrong

    def unknown_value(self, name: str, word: Word, values: tuple[str, ...]) -> None:
        """Report a word that is no value of a name."""
        hint = did_you_mean(word.text, values) or "it can be " + ", ".join(f"`{v}`" for v in values)
        message = f"`{name}` cannot be `{word.text}`"
        self.problem("unknown-value", message, word.span, hint)

    def problem(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Report what is wrong with the statement at hand."""
        self.problems.add(
            Problem(
                code=code,
                message=message,
                source=self.source,
                span=span,
                hint=hint,
                sentence=self.sentence,
                labels=self.settled.labels(self.source, span),
            )
        )

    def line(self, span: Span) -> str:
        """The author's text at a place, in one line, with the values of parameters."""
        return self.settled.line(self.source, span)


_KINDS: dict[type[voc.Named], str] = {
    voc.PatientField: "a patient field",
    voc.Age: "an age",
    voc.Quantity: "a quantity",
    voc.Status: "a status",
    voc.Concept: "a condition, procedure or medication",
    voc.Event: "an event",
    voc.Lesion: "a lesion",
    voc.Consent: "a consent",
    voc.History: "a history",
    voc.Qualifier: "a qualifier",
    voc.Asked: "asked of a person",
    voc.Timepoint: "a time point",
}
