"""Examples of a protocol, checked: what each gives as facts, and what it expects of what.

Takes: the statements of a file, and the checked protocol that they are about. Gives: an `Example`
for each `example` and for each row of a table; what cannot be read is a problem, with its cure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias, get_args

from protocol_logic.compiling import core
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.clauses import is_own, quoted
from protocol_logic.compiling.plan import Reason
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept, Quantity
from protocol_logic.language import tree
from protocol_logic.language.nodes import Node, Word
from protocol_logic.records.elements import REFERENCE_RANGE, TREATMENT_INTENT, Unanswerable
from protocol_logic.records.facts import Fact
from protocol_logic.records.given import entry_of, read_given
from protocol_logic.records.quantities import Unreadable

DEFAULT_DAY = date(2026, 1, 15)
"""The as-of date of an example that names none."""

ELIGIBILITY = "eligibility"
OUTCOMES = ("met", "not met", "unknown")
NOT_APPLYING = "does not apply"
ELIGIBILITIES = ("eligible", "ineligible", "undetermined")
REASONS: tuple[str, ...] = get_args(Reason)

Kind: TypeAlias = Literal["criterion", "condition", "eligibility"]

_TAIL = re.compile(r"(?P<outcome>.*?)(?:\s+because\s+(?P<because>.+))?")
_BECAUSE = re.compile(r"(?P<name>[a-z][a-z0-9_]*(?::[a-z][a-z0-9_]*)?)(?:\s*\((?P<why>[^()]+)\))?")
_COLUMN = re.compile(r'(?:(?P<expect>expect)\s+)?(?:(?P<name>[a-z][a-z0-9_]*)|"(?P<quote>[^"]*)")')
_COMMENT = re.compile(r"\s#")
_SECOND = re.compile(r",\s*(?:given\s+)?[a-z]\w*\s+is\b")
_DASHES = re.compile(r":?-+:?")
_OWN_LINE = "a comment stands on a line of its own"


@dataclass(frozen=True, slots=True)
class Given:
    """One thing that an example gives; `fact` None: that it is not recorded."""

    name: str
    element: str
    text: str
    fact: Fact | None


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


@dataclass(frozen=True, slots=True)
class Example:
    """An `example`, or a row of a table; `row`: its number from 1."""

    title: str
    row: int | None
    as_of: date
    given: tuple[Given, ...]
    expected: tuple[Expected, ...]
    source: Source = field(repr=False)
    span: Span = field(repr=False)

    @property
    def line(self) -> int:
        return self.source.line_column(self.span.start)[0]


def check_examples(
    protocol: core.Protocol,
    source: Source,
    statements: Iterable[tree.Statement],
    problems: Problems,
    declared: Collection[str] = (),
) -> list[Example]:
    """The examples among the statements of a file; each with a mistake is a problem, not given.

    `declared`: names that statements claim, be it that they could not be checked: an example
    about one of them, or that gives one, is passed over in silence.
    """
    nodes = [node for node in statements if isinstance(node, tree.Example)]
    if not nodes:
        return []
    checker = _Checker(protocol, source, problems, declared)
    return [example for node in nodes for example in checker.read(node)]


class _Checker:
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
        self.criteria = {c.id: c for c in protocol.criteria}
        self.scopes = [scope.id for scope in protocol.scopes]
        self.quantities = list(protocol.vocabulary.of(Quantity))
        self.quoted = quoted(protocol)
        self.mistakes = 0

    def problem(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.mistakes += 1
        self.problems.add(
            Problem(code=code, message=message, hint=hint, source=self.source, span=span)
        )

    def read(self, node: tree.Example) -> list[Example]:
        """The example of a statement, or those of the rows of its table."""
        self.mistakes = 0
        as_of = self._as_of(node)
        given = [self._given(g.name, g.value, as_of) for g in node.given]
        expected = [self._expected(e.about, e.quoted, e.outcome) for e in node.expect]
        rows = self._rows(node, as_of) if node.header else [([], [], node.span)]
        if not self.mistakes and not all(expected or more for _, more, _ in rows):
            message = f"`{shown(node.title)}` expects nothing"
            hint = "say what, as in `expect CRITERION met`"
            self.problem("bad-example", message, head_of(self.source, node), hint)
        if self.mistakes:
            return []
        examples = []
        for number, (also, more, span) in enumerate(rows, 1):
            facts = tuple(g for g in (*given, *also) if g is not None)
            claims = tuple(e for e in (*expected, *more) if e is not None)
            row = number if node.header else None
            examples.append(Example(node.title, row, as_of, facts, claims, self.source, span))
        return [example for example in examples if self._reasons_are_given(example)]

    def _as_of(self, node: tree.Example) -> date:
        if node.as_of is None:
            return DEFAULT_DAY
        try:
            return date.fromisoformat(node.as_of.text)
        except ValueError:
            message = f"`{node.as_of.text}` is no day of the calendar"
            self.problem("bad-example", message, node.as_of.span)
            return DEFAULT_DAY

    # ---- what is given ---------------------------------------------------------------------------

    def _given(self, name: Word, value: Word, as_of: date) -> Given | None:
        line, column = self.source.line_column(value.span.start)
        place = f"{self.source.name}:{line}:{column}"
        try:
            fact = read_given(self.elements, name.text, value.text, as_of, place)
        except Unanswerable as error:
            if name.text in self.declared and name.text not in self.elements.known():
                self.mistakes += 1
            else:
                self.problem("unknown-name", error.message, name.span, error.hint)
            return None
        except Unreadable as error:
            hint = _OWN_LINE if _COMMENT.search(value.text) else None
            if _SECOND.search(value.text):
                hint = "give each on a line of its own"
            self.problem("bad-example", f"`{name.text}`: {error.message}", value.span, hint)
            return None
        element = entry_of(self.elements, name.text).element
        return Given(name.text, element, value.text, fact)

    # ---- what is expected ------------------------------------------------------------------------

    def _expected(self, about: Word, quote: bool, tail: Word) -> Expected | None:
        target = self._target(about, quote)
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

    def _target(self, about: Word, quote: bool) -> tuple[Kind, core.Condition | None] | None:
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
        if name in self.declared:  # it has had its own problem
            self.mistakes += 1
            return None
        known = [*self.criteria, *self.scopes, ELIGIBILITY]
        known += [d for d in self.protocol.definitions if is_own(self.protocol, d)]
        message = f"the protocol has no criterion `{shown(name)}`"
        kinds = "it is a criterion, a definition or a scope of the protocol, or `eligibility`"
        hint = did_you_mean(name, known) or kinds
        self.problem("unknown-name", message, about.span, hint)
        return None

    def _no_outcome(self, about: Word, outcome: str, outcomes: tuple[str, ...], tail: Word) -> None:
        plain = outcome.replace("_", " ").casefold().removeprefix("is ")
        found = _MEANT.get(plain, plain)
        hint = f"write `{found}`" if found in outcomes else f"it is {_or(outcomes)}"
        if _COMMENT.search(tail.text):
            hint = _OWN_LINE
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
            hint = did_you_mean(name, self.elements.known())
            self.problem("unknown-name", message, span, hint)
            return None
        if reason is not None and (outcome != "unknown" or reason not in REASONS):
            message = f"`{shown(why or '')}` is not why something is open"
            words = _or(r.replace("_", " ") for r in REASONS)
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

    def _reasons_are_given(self, example: Example) -> bool:
        """Whether all that is said to decide an outcome is given."""
        given = {name for g in example.given for name in (g.name, g.element)}
        before = self.mistakes
        for each in example.expected:
            if each.kind == "eligibility" or each.outcome == "unknown":
                continue
            for reason in each.because:
                if reason.text not in given:
                    message = f"`{reason.text}` is not given, so it cannot decide `{each.about}`"
                    hint = "after `because` of what is met or not met stand names that are given"
                    self.problem("bad-example", message, each.span, hint)
        return self.mistakes == before

    # ---- tables ----------------------------------------------------------------------------------

    def _rows(
        self, node: tree.Example, as_of: date
    ) -> list[tuple[list[Given | None], list[Expected | None], Span]]:
        """What each row of a table gives and expects beyond the lines above it."""
        columns = [_column(cell) for cell in node.header]
        for cell, column in zip(node.header, columns, strict=True):
            if column is None:
                message = (
                    f"`{shown(cell.text)}` is no head of a column"
                    if cell.text
                    else ("a column has no head")
                )
                hint = "a column is what stands after `given`, as `alt`, or `expect CRITERION`"
                self.problem("bad-example", message, cell.span, hint)
        if not node.rows:
            message = f"`{shown(node.title)}` has no row below the heads of its columns"
            self.problem("bad-example", message, head_of(self.source, node), "add a row of cells")
        if self.mistakes:
            return []
        found = []
        for row in node.rows:
            span = Span(row[0].span.start, row[-1].span.end)
            if all(_DASHES.fullmatch(cell.text) for cell in row):
                hint = "leave it out: the first row has the heads of the columns"
                self.problem("bad-example", "a table has no line below its heads", span, hint)
                continue
            if len(row) != len(columns):
                number = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                message = f"the row has {number}, but the table {len(columns)} columns"
                hint = "a bar stands before each cell and after the last; a cell can be empty"
                self.problem("bad-example", message, span, hint)
                continue
            given: list[Given | None] = []
            expected: list[Expected | None] = []
            for cell, head, column in zip(row, node.header, columns, strict=True):
                if not cell.text or column is None:
                    continue
                about = Word(text=column.name, span=head.span)
                if column.expects:
                    expected.append(self._expected(about, column.quoted, cell))
                else:
                    given.append(self._given(about, cell, as_of))
            found.append((given, expected, span))
        return found


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    expects: bool
    quoted: bool


def _column(cell: Word) -> _Column | None:
    match = _COLUMN.fullmatch(cell.text)
    if match is None or (match["quote"] is not None and match["expect"] is None):
        return None
    name = match["name"] or " ".join(match["quote"].split())
    return _Column(name, match["expect"] is not None, match["quote"] is not None)


# What authors say instead of an outcome.
_MEANT = {
    "notmet": "not met", "unmet": "not met", "fails": "not met", "no": "not met", "yes": "met",
    "passes": "met", "open": "unknown", "not applicable": NOT_APPLYING, "n/a": NOT_APPLYING,
    "not eligible": "ineligible", "unknown": "undetermined",
}  # fmt: skip


def head_of(source: Source, node: Node) -> Span:
    """The first line of a statement."""
    line = source.line_column(node.span.start)[0]
    return Span(node.span.start, source.starts[line - 1] + len(source.line_text(line)))


def _or(names: Iterable[str]) -> str:
    quoted_names = [f"`{name}`" for name in names]
    return " or ".join(filter(None, [", ".join(quoted_names[:-1]), quoted_names[-1]]))
