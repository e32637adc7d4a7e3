"""What a run of all tests says at its end: how long they took, and which took longest."""

from __future__ import annotations

from collections import Counter

import pytest

WHOLE = 1000
"""A run of so many tests is one of all, or nearly."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    took: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                took[report.nodeid] += report.duration  # type: ignore[assignment]
    if len(took) < WHOLE:
        return
    terminalreporter.section("ten slowest tests")
    for name, seconds in took.most_common(10):
        terminalreporter.line(f"{seconds:7.1f} s  {name}")
    total = sum(took.values())
    terminalreporter.line(f"{total:7.1f} s  all {len(took)} tests, one after the other")
