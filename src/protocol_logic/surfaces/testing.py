"""`test`: run the examples and worked cases of protocols, and say what they leave untried."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.outputs import opened_output, print_problems, written
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.suites import Suite, suites_of
from protocol_logic.surfaces.terminal import colour_wanted, count, terminal_width, visible

if TYPE_CHECKING:
    from protocol_logic.answering.rows import Row
    from protocol_logic.answering.testing.boundaries import Limit
    from protocol_logic.answering.testing.cases import Case
    from protocol_logic.answering.testing.coverage import Covered
    from protocol_logic.answering.testing.results import Tested
    from protocol_logic.compiling import core
    from protocol_logic.compiling.examples import Example
    from protocol_logic.pipeline import Screening
    from protocol_logic.records.facts import PatientRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOptions:
    """What the command line asks of `test`."""

    paths: Sequence[str]
    form: str
    output: str | None
    filter: str | None
    coverage: bool
    min_coverage: int | None
    boundaries: bool
    write: str | None


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What came of one protocol's tests.

    `problems`: what is wrong with the texts. `coverage`: None where it was not asked for, or where
    the protocol has errors. `below`: it is less than the threshold. `limits`: those of which
    boundary cases were run; None where that was not asked for.
    """

    name: str
    protocol: core.Protocol | None
    problems: Sequence[Problem]
    tests: Sequence[Tested]
    coverage: Sequence[Covered] | None = None
    below: int | None = None
    limits: Sequence[Limit] | None = None

    @property
    def failed(self) -> int:
        """How many tests failed."""
        return sum(not test.passed for test in self.tests)

    @property
    def errors(self) -> int:
        """How many errors the texts have."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def in_order(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors and not self.failed and self.below is None


def test(options: TestOptions) -> int:
    """Run what the paths name; the exit code: 1 on any failure, or if nothing ran, else 0."""
    suites = suites_of(options.paths)
    if options.write is not None and len(suites) != 1:
        raise click.UsageError(f"--write is for one protocol, but there are {len(suites)}")
    with closing(Progress(sys.stderr, noun="test")) as progress:
        results = [_Run(suite, options, progress).result() for suite in suites]
    for result in results:
        errors = [p for p in result.problems if p.severity == "error"]
        print_problems(errors)
    if options.write is not None and results[0].protocol is not None:
        _write_limits(options.write, results[0].protocol, results[0].limits or ())
    with opened_output(options.output) as out:
        out.write(written(_text(results, options)))
    ran = sum(len(result.tests) for result in results)
    click.echo(_summary(results, ran, options), err=True)
    return 0 if ran and all(result.in_order for result in results) else 1


def _write_limits(name: str, protocol: core.Protocol, limits: Sequence[Limit]) -> None:
    """Write boundary cases as a file of examples, in canonical form."""
    from protocol_logic.answering.testing.boundaries import as_text
    from protocol_logic.language.format import format_text

    with opened_output(name) as out:
        out.write(written(format_text(Source(name, as_text(protocol, limits)))))


def _text(results: Sequence[SuiteResult], options: TestOptions) -> str:
    from protocol_logic.surfaces import test_formats
    from protocol_logic.surfaces.test_text import TestText

    if options.form == "json":
        return test_formats.json_text(results)
    if options.form == "junit":
        return test_formats.junit_text(results)
    stdout = options.output in (None, "-")
    return TestText(
        width=terminal_width(sys.stdout if stdout else None),
        colour=stdout and colour_wanted(sys.stdout),
        encoding=sys.stdout.encoding if stdout else "utf-8",
        table=options.coverage,
    ).of(results)


def _summary(results: Sequence[SuiteResult], ran: int, options: TestOptions) -> str:
    if not ran:
        what = "no test ran"
        if options.filter is not None:
            return f"{what}: none has `{shown(options.filter)}` in its name or is about it"
        return f"{what}: there are no examples and no cases"
    failed = sum(result.failed for result in results)
    text = f"{count(ran, 'test')} of {count(len(results), 'protocol')}"
    broken = sum(result.errors > 0 for result in results)
    text += f", {failed:,} failed" if failed else f", {'' if broken else 'all '}passed"
    if broken:
        text += f"; {count(broken, 'protocol')} with errors"
    below = sum(result.below is not None for result in results)
    if below:
        text += f"; {count(below, 'protocol')} below {options.min_coverage} % of coverage"
    return text


class _Run:
    """One protocol's tests, one after the other."""

    def __init__(self, suite: Suite, options: TestOptions, progress: Progress) -> None:
        self.suite = suite
        self.options = options
        self.progress = progress
        self.problems = Problems()

    def result(self) -> SuiteResult:
        from protocol_logic.compiling.check import check_with_examples

        protocol, own = check_with_examples(self.suite.source, self.problems)
        if protocol is None:
            return SuiteResult(self.suite.source.name, None, self.problems.sorted(), ())
        examples = own if self.suite.own else []
        examples = [*examples, *self._beside(protocol)]
        runner = _Runner(protocol, examples)
        tests: list[Tested] = []
        limits: Sequence[Limit] | None = None
        if self.options.boundaries:
            from protocol_logic.answering.testing.boundaries import limits_of

            limits = [
                limit
                for limit in limits_of(protocol)
                if self._wanted([f"{limit.clause.owner}: {limit.clause.text}"])
            ]
        for each in self._tests(runner, examples, limits or ()):
            self.progress.step()
            tests.append(each)
        coverage, below = None, None
        if self.options.coverage or self.options.min_coverage is not None:
            from protocol_logic.answering.testing.coverage import percent

            coverage = runner.coverage.report()
            reached = percent(coverage)
            if self.options.min_coverage is not None and reached < self.options.min_coverage:
                below = reached
        name = self.suite.source.name
        problems = self.problems.sorted()
        return SuiteResult(name, protocol, problems, tests, coverage, below, limits)

    def _beside(self, protocol: core.Protocol) -> Iterator[Example]:
        from protocol_logic.compiling.examples_file import examples_of
        from protocol_logic.compiling.library import gather

        for source in self.suite.examples:
            yield from examples_of(gather(source, self.problems)[-1], protocol, self.problems)

    def _tests(
        self, runner: _Runner, examples: Sequence[Example], limits: Sequence[Limit]
    ) -> Iterator[Tested]:
        for example in examples:
            names = [example.title, *(each.about for each in example.expected)]
            if self._wanted(names):
                yield runner.example(example)
        for path in self.suite.cases:
            for case in self._cases(path, runner.protocol):
                if self._wanted([case.name, case.title, *case.criteria]):
                    yield runner.case(path, case)
        if limits:
            from protocol_logic.answering.testing.boundaries import examples_of

            for example in examples_of(runner.protocol, limits):
                yield runner.examiner.run(example, "boundary")

    def _wanted(self, names: Sequence[str]) -> bool:
        wanted = (self.options.filter or "").casefold()
        return any(wanted in name.casefold() for name in names)

    def _cases(self, path: Path, protocol: core.Protocol) -> Sequence[Case]:
        from protocol_logic.answering.testing.cases import BadCases, read_cases

        try:
            return read_cases(path.read_bytes(), [c.id for c in protocol.criteria])
        except BadCases as error:
            self.problems.add(
                Problem(code="bad-example", message=error.message, hint=error.hint, file=str(path))
            )
            return ()


class _Runner:
    """Judges of one protocol: of its criteria, and of its single conditions."""

    def __init__(self, protocol: core.Protocol, examples: Sequence[Example]) -> None:
        from protocol_logic.answering.testing.coverage import Coverage
        from protocol_logic.answering.testing.judging import Examiner
        from protocol_logic.compiling.clauses import asked_by_themselves, clauses_of
        from protocol_logic.pipeline import Screening, compiled_of

        asked = [e.condition for example in examples for e in example.expected if e.condition]
        conditions = dict.fromkeys([*asked, *(clause.test for clause in clauses_of(protocol))])
        alone, ids = asked_by_themselves(protocol, conditions)
        self.protocol = protocol
        self.screening = Screening(compiled_of(protocol))
        self.single: Screening | None = Screening(compiled_of(alone)) if ids else None
        self.examiner = Examiner(self.screening.row, (self.single or self.screening).row, ids)
        self.coverage = Coverage(protocol, ids)

    def example(self, example: Example) -> Tested:
        from protocol_logic.answering.rows import AsOf
        from protocol_logic.answering.testing.judging import record_of

        if self.single is not None:
            row = self.single.row(record_of(example), AsOf(example.as_of, "option"))
            self.coverage.add(example.expected, row)
        return self.examiner.run(example)

    def case(self, path: Path, case: Case) -> Tested:
        from protocol_logic.answering.testing.results import Tested

        title = f"{case.name} {case.title}".strip()
        found = self._judged(path, case)
        trouble = found if isinstance(found, str) else None
        checks = () if isinstance(found, str) else tuple(case.checks(found))
        return Tested("case", title, str(path), None, None, case.file, checks, trouble)

    def _judged(self, path: Path, case: Case) -> Row | str:
        """The row of a case, or why there is none."""
        from protocol_logic.answering.rows import AsOf
        from protocol_logic.pipeline import as_of_date

        record = self._record(path, case)
        if isinstance(record, str):
            return record
        as_of = as_of_date(record, None) if case.as_of is None else AsOf(case.as_of, "option")
        if isinstance(as_of, Problem):
            return as_of.message
        if self.single is not None:
            self.coverage.add_case(case.criteria, self.single.row(record, as_of))
        return self.screening.row(record, as_of)

    def _record(self, path: Path, case: Case) -> PatientRecord | str:
        from protocol_logic.pipeline import read_records
        from protocol_logic.records.sources import iter_documents

        file = path.parent / case.file
        if not file.resolve().is_relative_to(path.parent.resolve()):
            return f"`{shown(case.file)}` is not in the folder of the cases"
        if not file.is_file():
            return f"there is no file `{visible(str(file))}`"
        problems = Problems()
        documents = iter_documents([file], problems)
        records = list(read_records(self.screening.compiled, documents, problems))
        if len(records) == 1:
            return records[0]
        if problems.items:
            return problems.sorted()[0].message
        return f"it holds {len(records)} patients; a case is about one"
