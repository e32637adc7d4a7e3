"""What lies just outside a window: the nearest fact that a test with a window does not count."""

from __future__ import annotations

from datetime import date

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.records.facts import Closed, Fact, Therapy


def near_miss(
    plan: Plan, found: PatientFindings, test: core.Condition, name: str
) -> tuple[Fact, date] | None:
    """The newest fact before the window of a test, where none lies in it, and its first day.

    `name`: the finding that the test reads.
    """
    window: Window | None = getattr(test, "window", None)
    if window is None or window.unit == "ever":
        return None
    end = found.timepoints.get(window.before, found.as_of) if window.before else found.as_of
    first = window.first_day(end)
    outside = found.near.get(name)
    facts = [outside] if outside is not None else found.evidence.get(name, ())
    dated = [(last, fact) for fact in facts if (last := _last_day(fact)) is not None]
    if not dated:
        return None
    last, fact = max(dated, key=lambda each: each[0])
    return (fact, first) if last < first else None


def _last_day(fact: Fact) -> date | None:
    reading = fact.reading
    if isinstance(reading, Closed):
        return None
    if isinstance(reading, Therapy):
        return None if reading.end is None else reading.end.last
    return None if fact.date is None else fact.date.last
