"""What an example expects: outcomes of criteria, conditions and eligibility, and why."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import field
from typing import Literal, TypeAlias, get_args

from protocol_logic.compiling import core
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.clauses import is_own, quoted
from protocol_logic.compiling.plan import Reason
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean, one_of
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept, Quantity
from protocol_logic.language.nodes import Word
from protocol_logic.records.elements import REFERENCE_RANGE, TREATMENT_INTENT

ELIGIBILITY = "eligibility"
OUTCOMES = ("met", "not met", "unknown")
NOT_APPLYING = "does not apply"
ELIGIBILITIES = ("eligible", "ineligible", "undetermined")
REASONS: tuple[str, ...] = get_args(Reason)

Kind: TypeAlias = Literal["criterion", "condition", "eligibility"]

_TAIL = re.compile(r"(?P<outcome>.*?)(?:\s+because\s+(?P<because>.+))?")
_BECAUSE = re.compile(r"(?P<name>[a-z][a-z0-9_]*(?::[a-z][a-z0-9_]*)?)(?:\s*\((?P<why>[^()]+)\))?")
COMMENT = re.compile(r"\s#")
OWN_LINE = "a comment stands on a line of its own"


@dataclass(frozen=True, slots=True)
class Because:
    """What an outcome rests on, as written and as the row names it.

    `reason`: why it is open. `kinds`: the elements of all that is a kind of it.
    """

    text: str
    element: str
    reason: str | None = None
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expected:
    """What an example expects. `because` is empty where it does not say."""

    kind: Kind
    about: str
    outcome: str
    because: tuple[Because, ...] = ()
    condition: core.Condition | None = None
    span: Span = field(default=Span(0, 0), compare=False, repr=False)

    @property
    def text(self) -> str:
        """The outcome with what it rests on, as an author writes it."""
        why = ", ".join(
            each.text if each.reason is None else f"{each.text} ({each.reason.replace('_', ' ')})"
            for each in self.because
        )
        return f"{self.outcome} because {why}" if why else self.outcome


class Expecting:
    """The part of the checker of examples that reads what is expected."""

    def __init__(
        self,
        protocol: core.Protocol,
        source: Source,
        problems: Problems,
        declared: Collection[str],
    ) -> None:
        self.protocol = protocol
        self.source = source
        self.problems = problems
        self.declared = declared
        self.elements = elements_of(protocol)
        self.in_use = {*protocol.vocabulary.entries, *protocol.derived, *protocol.definitions}
        self.criteria = {c.id: c for c in protocol.criteria}
        self.scopes = [scope.id for scope in protocol.scopes]
        self.quantities = list(protocol.vocabulary.of(Quantity))
        self.quoted = quoted(protocol)
        self.mistakes = 0
        self.told: set[tuple[str, str, str]] | None = None
        """What was told of the rows of a table, where one is read."""

    def problem(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.mistakes += 1
        told = (code, message, self.source.text[span.start : span.end])
        if self.told is not None:
            if told in self.told:
                return
            self.told.add(told)
        self.problems.add(
            Problem(code=code, message=message, hint=hint, source=self.source, span=span)
        )

    def is_broken(self, name: str) -> bool:
        """Whether a name is claimed by a statement that could not be checked, as is told there."""
        built = name in self.in_use or name in self.criteria or name in self.scopes
        return name in self.declared and not built and self.problems.has_errors

    def expected(self, about: Word, quote: bool, tail: Word) -> Expected | None:
        target = self._target(about, quote, tail)
        if target is None:
            return None
        kind, condition = target
        match = _TAIL.fullmatch(tail.text)
        assert match is not None  # it matches every text
        outcomes: tuple[str, ...] = ELIGIBILITIES if kind == "eligibility" else OUTCOMES
        criterion = self.criteria.get(about.text) if kind == "criterion" else None
        if criterion is not None and criterion.applies is not None:
            outcomes = (*outcomes, NOT_APPLYING)
        outcome = match["outcome"]
        if outcome not in outcomes:
            self._no_outcome(about, outcome, outcomes, tail)
            return None
        because = []
        for text in (match["because"] or "").split(",") if match["because"] else ():
            found = self._because(text.strip(), kind, outcome, tail)
            if found is None:
                return None
            because.append(found)
        if outcome == "eligible" and because:
            message = "`eligible` has no reason: all criteria pass"
            self.problem("bad-example", message, tail.span, "leave out `because`")
            return None
        return Expected(kind, about.text, outcome, tuple(because), condition, tail.span)

    def _target(
        self, about: Word, quote: bool, tail: Word
    ) -> tuple[Kind, core.Condition | None] | None:
        """What an expectation is about."""
        name = about.text
        if quote:
            if name in self.quoted:
                return "condition", self.quoted[name]
            message = f"the protocol has no condition `{shown(name)}`"
            hint = did_you_mean(name, self.quoted) or "write it as the protocol does, on one line"
            self.problem("unknown-name", message, about.span, hint)
            return None
        if name == ELIGIBILITY or name in self.scopes:
            return "eligibility", None
        if name in self.criteria:
            return "criterion", None
        definition = self.protocol.definitions.get(name)
        if definition is not None and not isinstance(definition.body, core.Decision | core.Score):
            return "condition", core.Defined(name=name, text=name)
        if definition is not None and isinstance(definition.body, core.Score):
            message = f"`{name}` is a score, so it is not met by itself"
            hint = f'write a condition of the protocol, as in `expect "{name} <= 6" met`'
            self.problem("wrong-kind", message, about.span, hint)
            return None
        if definition is not None and isinstance(definition.body, core.Decision):
            value = definition.body.values[0]
            message = f"`{name}` has values, so it is not met by itself"
            hint = f'write a condition of the protocol, as in `expect "{name} is {value}" met`'
            self.problem("wrong-kind", message, about.span, hint)
            return None
        if self.is_broken(name):
            self.mistakes += 1
            return None
        known = [*self.criteria, *self.scopes, ELIGIBILITY]
        known += [d for d in self.protocol.definitions if is_own(self.protocol, d)]
        message = f"the protocol has no criterion `{shown(name)}`"
        kinds = "it is a criterion, a definition or a scope of the protocol, or `eligibility`"
        hint = did_you_mean(name, known) or kinds
        line = f"{name} {tail.text} "
        if (meant := next((q for q in self.quoted if line.startswith(f"{q} ")), None)) is not None:
            hint = f'put a condition into quotes: `expect "{meant}" met`'
        self.problem("unknown-name", message, about.span, hint)
        return None

    def _no_outcome(self, about: Word, outcome: str, outcomes: tuple[str, ...], tail: Word) -> None:
        plain = outcome.replace("_", " ").casefold().removeprefix("is ")
        found = _MEANT.get(plain, plain)
        hint = f"write `{found}`" if found in outcomes else f"it is {one_of(outcomes)}"
        if COMMENT.search(tail.text):
            hint = OWN_LINE
        if outcome == NOT_APPLYING:
            message = f"`{about.text}` has no `applies if`, so it always applies"
        else:
            message = f"`{shown(outcome)}` is no outcome of `{shown(about.text)}`"
        self.problem("unknown-value", message, self._part(tail, outcome), hint)

    def _because(self, text: str, kind: Kind, outcome: str, tail: Word) -> Because | None:
        match = _BECAUSE.fullmatch(text)
        span = self._part(tail, text)
        hint: str | None
        if match is None:
            message = f"`{shown(text)}` is no reason"
            hint = "after `because` stand names, as in `because alt, liver_metastasis (absent)`"
            self.problem("bad-example", message, span, hint)
            return None
        name: str = match["name"]
        why: str | None = match["why"]
        reason = "_".join(why.split()) if why is not None else None
        if kind == "eligibility":
            if name not in self.criteria:
                message = f"the protocol has no criterion `{name}`"
                hint = did_you_mean(name, self.criteria)
                self.problem("unknown-name", message, span, hint)
                return None
        found = name if kind == "eligibility" else self._element(name)
        if found is None:
            message = f"`{name}` is not known as an element"
            hint = self.elements.instead_of(name)
            self.problem("unknown-name", message, span, hint)
            return None
        if reason is not None and (outcome != "unknown" or reason not in REASONS):
            message = f"`{shown(why or '')}` is not why something is open"
            words = one_of(r.replace("_", " ") for r in REASONS)
            hint = f"it is {words}" if outcome == "unknown" else "leave it out: it is not open"
            self.problem("unknown-value", message, span, hint)
            return None
        return Because(name, found, reason, self._kinds(found))

    def _kinds(self, element: str) -> frozenset[str]:
        """The elements of what is a kind of a concept with this element, and of itself."""
        vocabulary = self.protocol.vocabulary
        concepts = [c.name for c in vocabulary.of(Concept) if element in (c.element, c.name)]
        names = [name for concept in concepts for name in vocabulary.below(concept)]
        return frozenset(vocabulary.entries[name].element for name in names)

    def _part(self, tail: Word, text: str) -> Span:
        """Where some words of a line stand; the whole where blanks keep them apart."""
        start = self.source.text.find(text, tail.span.start, tail.span.end) if text else -1
        return tail.span if start < 0 else Span(start, start + len(text))

    def _element(self, name: str) -> str | None:
        """The element that a gap of a name has; None where there is none."""
        first, _, rest = name.partition(":")
        if rest:
            entry = next((e for e in self.quantities if rest in (e.name, e.element)), None)
            is_limit = first in REFERENCE_RANGE.values()
            return f"{first}:{entry.element}" if entry and is_limit else None
        entries, derived = self.protocol.vocabulary.entries, self.protocol.derived
        if name in entries:
            return entries[name].element
        if name in derived:
            return derived[name].element
        definition = self.protocol.definitions.get(name)
        if definition is not None:
            return definition.element or name
        known = {*self.elements.known(), TREATMENT_INTENT}
        known |= {entry.element for entry in entries.values()}
        return name if name in known else None


# What authors say instead of an outcome.
_MEANT = {
    "notmet": "not met", "unmet": "not met", "fails": "not met", "no": "not met", "yes": "met",
    "passes": "met", "open": "unknown", "not applicable": NOT_APPLYING, "n/a": NOT_APPLYING,
    "not eligible": "ineligible", "unknown": "undetermined",
}  # fmt: skip
