"""The results of `test` for people: what failed, expected against got, and what was never seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from protocol_logic.answering.testing.boundaries import Limit
from protocol_logic.answering.testing.coverage import Covered, percent, totals
from protocol_logic.answering.testing.results import Check, Tested
from protocol_logic.compiling.clauses import STATES, State
from protocol_logic.surfaces.table_layout import signs_for
from protocol_logic.surfaces.terminal import Paint, count, cut, pad, text_width, visible

if TYPE_CHECKING:
    from protocol_logic.surfaces.testing import SuiteResult

_WORDS: dict[State, str] = {"met": "met", "not_met": "not met", "unknown": "unknown"}
_COLUMN = 9


@dataclass(slots=True)
class TestText:
    """Draws results; `table`: with the table of coverage."""

    width: int
    colour: bool
    encoding: str | None
    table: bool

    def of(self, results: Sequence[SuiteResult]) -> str:
        """All results as one text."""
        return "\n".join("".join(f"{line}\n" for line in self._suite(r)) for r in results)

    def _suite(self, result: SuiteResult) -> Iterator[str]:
        if result.protocol is None:
            yield f"{visible(result.name)}: it has errors, so nothing was tested"
            return
        head = f"{result.protocol.id} {result.protocol.version}".strip()
        if not result.tests:
            yield f"{visible(head)}: no test ran"
        else:
            said = f"{result.failed:,} failed" if result.failed else "all passed"
            if result.errors:
                said = f"{result.failed:,} of those that ran failed" if result.failed else "passed"
                said += f"; {count(result.errors, 'error')}, so not all ran"
            yield f"{visible(head)}: {count(len(result.tests), 'test')}, {said}"
        for test in result.tests:
            if not test.passed:
                yield ""
                yield from self._failure(test)
        if result.limits is not None:
            yield ""
            yield from self._limits(result.limits)
        if result.coverage is not None:
            yield ""
            yield from self._coverage(result.coverage)
            if result.limits:
                yield ""
                yield "boundary cases are not counted: `--write FILE` makes examples of them"

    # ---- failures --------------------------------------------------------------------------------

    def _failure(self, test: Tested) -> Iterator[str]:
        paint, signs = Paint(self.colour), signs_for(self.encoding)
        yield f"{paint(signs.fails, 'red', 'bold')} {paint(visible(test.name), 'bold')}"
        place = test.file if test.line is None else f"{test.file}:{test.line}"
        yield f"  {visible(place)}"
        if test.given:
            what = test.given if test.kind == "case" else f"given {test.given}"
            yield f"  {visible(what)}"
        if test.trouble is not None:
            yield f"  {visible(test.trouble)}"
        for check in test.checks:
            if not check.holds:
                yield from self._check(check, paint)

    def _check(self, check: Check, paint: Paint) -> Iterator[str]:
        yield f"  {visible(check.about)}"
        yield f"    expected  {paint(visible(check.expected), 'green')}"
        yield f"    got       {paint(visible(check.got), 'red')}"
        if check.gaps:
            gaps = [f"{element} ({reason.replace('_', ' ')})" for element, reason in check.gaps]
            yield f"    open by   {visible(', '.join(gaps))}"
        if check.sentence:
            sentence = visible(" ".join(check.sentence.split()))
            yield f"    sentence  “{cut(sentence, max(30, self.width - 17))}”"

    # ---- boundaries ------------------------------------------------------------------------------

    def _limits(self, limits: Sequence[Limit]) -> Iterator[str]:
        number = sum(len(limit.cases) for limit in limits)
        yield f"boundary cases: {number:,} of {count(len(limits), 'limit')}"
        for limit in limits:
            yield f"  {limit.clause.owner}: {visible(limit.clause.text)}"
            for case in limit.cases:
                given = ", ".join(f"{name} is {text}" for name, text in case.given)
                yield f"    {pad(case.outcome, 7)}  {visible(given) or 'nothing is recorded'}"
            if limit.lacks is not None:
                yield f"    {'none' if not limit.cases else 'fewer'}: {limit.lacks}"

    # ---- coverage --------------------------------------------------------------------------------

    def _coverage(self, covered: Sequence[Covered]) -> Iterator[str]:
        seen, states = totals(covered)
        yield f"clause coverage: {percent(covered)} %, {seen:,} of {count(states, 'state')} seen"
        if self.table:
            yield from self._table(covered)
        missing = [each for each in covered if each.missing]
        if missing:
            yield ""
            yield "never seen:"
        for each in missing:
            words = ", ".join(_WORDS[state] for state in each.missing)
            clause = each.clause
            yield f"  {clause.owner}: {visible(clause.text)}: {words} (line {each.line})"

    def _table(self, covered: Sequence[Covered]) -> Iterator[str]:
        room = self.width - _COLUMN * len(STATES)
        texts = [f"  {visible(each.clause.text)}" for each in covered]
        widest = max((text_width(text) for text in texts), default=0)
        first = min(room, widest)
        yield " " * first + "".join(_WORDS[state].rjust(_COLUMN) for state in STATES)
        for owner, clauses in groupby(covered, lambda each: each.clause.owner):
            yield owner
            for each in clauses:
                text = cut(f"  {visible(each.clause.text)}", first)
                yield pad(text, first) + "".join(self._cell(each, state) for state in STATES)
        yield "-: no record can bring it about; the others are numbers of tests"

    def _cell(self, covered: Covered, state: State) -> str:
        if state not in covered.clause.states:
            return "-".rjust(_COLUMN)
        seen = covered.seen[state]
        text = f"{seen:,}" if seen else "never"
        return Paint(self.colour)(text.rjust(_COLUMN), *(() if seen else ("red",)))
