"""Examples of a protocol, checked: what each gives as facts, and what it expects of what.

Takes: the statements of a file, and the checked protocol that they are about. Gives: an `Example`
for each `example` and for each row of a table; what cannot be read is a problem, with its cure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import field
from datetime import date

from protocol_logic.compiling import core
from protocol_logic.compiling.cues import defined_in
from protocol_logic.compiling.expectations import COMMENT, OWN_LINE, Expected, Expecting
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.language import tree
from protocol_logic.language.nodes import Node, Word
from protocol_logic.records.elements import Unanswerable
from protocol_logic.records.facts import Fact
from protocol_logic.records.given import entry_of, read_given
from protocol_logic.records.quantities import Unreadable

DEFAULT_DAY = date(2026, 1, 15)
"""The as-of date of an example that names none."""

_COLUMN = re.compile(r'(?:(?P<expect>expect)\s+)?(?:(?P<name>[a-z][a-z0-9_]*)|"(?P<quote>[^"]*)")')
_SECOND = re.compile(r",\s*(?:given\s+)?[a-z]\w*\s+is\b")
_DASHES = re.compile(r":?-+:?")


@dataclass(frozen=True, slots=True)
class Given:
    """One thing that an example gives; `fact` None: that it is not recorded."""

    name: str
    element: str
    text: str
    fact: Fact | None


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
    about one that could not, or that gives one, is passed over in silence.
    """
    nodes = [node for node in statements if isinstance(node, tree.Example)]
    if not nodes:
        return []
    checker = _Checker(protocol, source, problems, declared)
    return [example for node in nodes for example in checker.read(node)]


class _Checker(Expecting):
    def read(self, node: tree.Example) -> list[Example]:
        """The example of a statement, or those of the rows of its table."""
        self.mistakes = 0
        as_of = self._as_of(node)
        given = [self._given(g.name, g.value, as_of) for g in node.given]
        expected = [self.expected(e.about, e.quoted, e.outcome) for e in node.expect]
        rows = self._rows(node, as_of) if node.header else [_Row(None, [], [], node.span)]
        if not self.mistakes and not all(expected or row.expected for row in rows):
            message = f"`{shown(node.title)}` expects nothing"
            hint = "say what, as in `expect CRITERION met`"
            self.problem("bad-example", message, head_of(self.source, node), hint)
        if self.mistakes:
            return []
        examples = []
        for row in rows:
            facts = tuple(g for g in (*given, *row.given) if g is not None)
            claims = tuple(e for e in (*expected, *row.expected) if e is not None)
            examples.append(
                Example(node.title, row.number, as_of, facts, claims, self.source, row.span)
            )
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
            if self.is_broken(name.text) and name.text not in self.elements.known():
                self.mistakes += 1
            else:
                hint = error.hint
                if name.text not in self.in_use and name.text not in self.criteria:
                    hint = defined_in(name.text) or hint
                self.problem("unknown-name", error.message, name.span, hint)
            return None
        except Unreadable as error:
            hint, span = error.hint, value.span
            if COMMENT.search(value.text):
                hint = OWN_LINE
            elif _SECOND.search(value.text):
                hint = "give each on a line of its own"
            elif error.part is not None and value.text.endswith(error.part):
                span = Span(span.end - len(error.part), span.end)
            self.problem("bad-example", f"`{name.text}`: {error.message}", span, hint)
            return None
        element = entry_of(self.elements, name.text).element
        return Given(name.text, element, value.text, fact)

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

    def _rows(self, node: tree.Example, as_of: date) -> list[_Row]:
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
        self.told = set()
        for number, cells in enumerate(node.rows, 1):
            row = self._row(number, cells, node.header, columns, as_of)
            if not self.mistakes:
                found.append(row)
            self.mistakes = 0  # the row is told, and the others run
        self.told = None
        return found

    def _row(
        self,
        number: int,
        row: Sequence[Word],
        header: Sequence[Word],
        columns: Sequence[_Column | None],
        as_of: date,
    ) -> _Row:
        span = Span(row[0].span.start, row[-1].span.end)
        found = _Row(number, [], [], span)
        if all(_DASHES.fullmatch(cell.text) for cell in row):
            hint = "leave it out: the first row has the heads of the columns"
            self.problem("bad-example", "a table has no line below its heads", span, hint)
            return found
        if len(row) != len(columns):
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            message = f"the row has {cells}, but the table {len(columns)} columns"
            hint = "a bar stands before each cell and after the last; a cell can be empty"
            self.problem("bad-example", message, span, hint)
            return found
        for cell, head, column in zip(row, header, columns, strict=True):
            if not cell.text or column is None:
                continue
            about = Word(text=column.name, span=head.span)
            if column.expects:
                found.expected.append(self.expected(about, column.quoted, cell))
            else:
                found.given.append(self._given(about, cell, as_of))
        return found


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row of a table gives and expects beyond the lines above it; without a number, what
    stands in no table."""

    number: int | None
    given: list[Given | None]
    expected: list[Expected | None]
    span: Span


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


def head_of(source: Source, node: Node) -> Span:
    """The first line of a statement."""
    line = source.line_column(node.span.start)[0]
    return Span(node.span.start, source.starts[line - 1] + len(source.line_text(line)))
