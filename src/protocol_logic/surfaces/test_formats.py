"""The results of `test` for programs: JSON, and JUnit XML for build servers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from protocol_logic.answering.testing.coverage import Covered, percent, totals
from protocol_logic.answering.testing.results import Check, Tested
from protocol_logic.compiling.clauses import STATES
from protocol_logic.surfaces.diagnostics import plain_line, problem_json
from protocol_logic.surfaces.terminal import visible

if TYPE_CHECKING:
    from protocol_logic.surfaces.testing import SuiteResult


def json_text(results: Sequence[SuiteResult]) -> str:
    """The results as one JSON object."""
    content = {
        "tests": sum(len(result.tests) for result in results),
        "failed": sum(result.failed for result in results),
        "protocols": [_suite(result) for result in results],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _suite(result: SuiteResult) -> dict[str, Any]:
    protocol = result.protocol
    return {
        "id": protocol.id if protocol is not None else None,
        "version": protocol.version if protocol is not None else None,
        "file": result.name,
        "tests": [_test(test) for test in result.tests],
        "coverage": _coverage(result.coverage) if result.coverage is not None else None,
        "problems": [problem_json(problem) for problem in result.problems],
    }


def _test(test: Tested) -> dict[str, Any]:
    return {
        "kind": test.kind,
        "title": test.title,
        "row": test.row,
        "file": test.file,
        "line": test.line,
        "given": test.given,
        "passed": test.passed,
        "trouble": test.trouble,
        "checks": [_check(check) for check in test.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "about": check.about,
        "expected": check.expected,
        "got": check.got,
        "holds": check.holds,
        "sentence": check.sentence,
        "gaps": [{"element": element, "reason": reason} for element, reason in check.gaps],
    }


def _coverage(covered: Sequence[Covered]) -> dict[str, Any]:
    seen, states = totals(covered)
    return {
        "percent": percent(covered),
        "seen": seen,
        "states": states,
        "clauses": [
            {
                "owner": each.clause.owner,
                "clause": each.clause.text,
                "line": each.line,
                "seen": each.seen,
                "missing": list(each.missing),
                "unreachable": [state for state in STATES if state not in each.clause.states],
            }
            for each in covered
        ],
    }


# ---- JUnit ---------------------------------------------------------------------------------------


def junit_text(results: Sequence[SuiteResult]) -> str:
    """The results as JUnit XML: a suite for each protocol."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for result in results:
        lines += _junit_suite(result)
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _junit_suite(result: SuiteResult) -> Iterator[str]:
    name = result.protocol.id if result.protocol is not None else result.name
    errors = [problem for problem in result.problems if problem.severity == "error"]
    more = [*(_error(plain_line(problem)) for problem in errors)]
    below = _below(result) if result.below is not None else []
    number = len(result.tests) + bool(more) + bool(below)
    failures = result.failed + bool(below)
    yield (
        f"  <testsuite name={_attribute(name)} tests={_attribute(number)} "
        f"failures={_attribute(failures)} errors={_attribute(int(bool(more)))}>"
    )
    if more:
        yield from _case(name, "check", result.name, None, more)
    for test in result.tests:
        yield from _case(name, test.name, test.file, test.line, list(_failures(test)))
    if below:
        yield from _case(name, "clause coverage", result.name, None, below)
    yield "  </testsuite>"


def _case(
    suite: str, name: str, file: str, line: int | None, inside: Sequence[str]
) -> Iterator[str]:
    at = f" line={_attribute(line)}" if line is not None else ""
    head = f"    <testcase classname={_attribute(suite)} name={_attribute(name)}"
    head += f" file={_attribute(file)}{at}"
    if not inside:
        yield f"{head}/>"
        return
    yield f"{head}>"
    yield from inside
    yield "    </testcase>"


def _failures(test: Tested) -> Iterator[str]:
    if test.trouble is not None:
        yield _failure(test.trouble, test.given)
    for check in test.checks:
        if not check.holds:
            message = f"{check.about}: expected {check.expected}, got {check.got}"
            yield _failure(message, f"given {test.given}")


def _below(result: SuiteResult) -> list[str]:
    missing = [
        f"{each.clause.owner}: {each.clause.text}: {state.replace('_', ' ')}"
        for each in result.coverage or ()
        for state in each.missing
    ]
    return [_failure(f"{result.below} % of states seen", "never seen:\n" + "\n".join(missing))]


def _failure(message: str, text: str) -> str:
    return f"      <failure message={_attribute(message)}>{_escaped(text)}</failure>"


def _error(message: str) -> str:
    return f"      <error message={_attribute(message)}/>"


def _attribute(value: object) -> str:
    return quoteattr(visible(str(value)))


def _escaped(text: str) -> str:
    # XML has no control characters, escaped or not.
    return escape("\n".join(visible(line) for line in text.split("\n")))
