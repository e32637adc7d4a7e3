"""What a run says at its end: how long the tests took, and which longest; and less collecting."""

from __future__ import annotations

import gc
from collections import Counter

import pytest

WHOLE = 1000
"""A run of so many tests is one of all, or nearly."""


def pytest_collection_finish() -> None:
    """What was collected stays: looking for garbage in it took a tenth of the time of the tests."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


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
