"""The findings of occurrences: when the last one was, as far as windows tell days apart; how many
there were; and whether a condition is present as a subject says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Finding, Occurrence, slug
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.operators import OPERATORS
from protocol_logic.knowledge.vocabulary import Vocabulary

_Inside: TypeAlias = tuple[frozenset[Window] | None, ...]


def occurrence_id(test: core.Occurred | core.NumberOf | core.PresentAs) -> str:
    """The finding that a test reads; all windows that end on one day read the same."""
    words = test.subject.words
    if isinstance(test, core.PresentAs):
        return slug(f"now {words}")
    window = test.window
    before = f" before {window.before}" if window is not None and window.before else ""
    if isinstance(test, core.Occurred):
        return slug(f"last {words}{before}")
    within = f" {window.words}" if window is not None else ""
    return slug(f"number of {words}{within}{before}")


def present_finding(name: str, test: core.PresentAs, vocabulary: Vocabulary) -> Finding:
    """Whether a condition is present as a subject says."""
    return Finding(
        id=name, kind="present_as", entry=test.concept,
        element=vocabulary.entries[test.concept].element, cells=OPERATORS["present as"].cells,
        occurrence=Occurrence(test.subject),
    )  # fmt: skip


def count_finding(
    name: str,
    test: core.NumberOf,
    cut: tuple[tuple[str, ...], tuple[Interval, ...]],
    vocabulary: Vocabulary,
) -> Finding:
    """How often a subject occurred in a window, as far as limits tell numbers apart."""
    window = test.window
    return Finding(
        id=name, kind="count", entry=test.concept,
        element=vocabulary.entries[test.concept].element, cells=cut[0], ranges=cut[1],
        occurrence=Occurrence(
            test.subject,
            window.before if window is not None else None,
            (window,) if window is not None else (),
        ),
    )  # fmt: skip


def last_finding(name: str, tests: Sequence[core.Occurred], vocabulary: Vocabulary) -> Finding:
    """One cell for each set of windows in which one day can lie, the latest first.

    Windows of which the calendar tells which is the longer can each hold days without the other.
    """
    windows = _in_order({t.window for t in tests if t.window is not None})
    asked_ever = any(t.window is None for t in tests)
    cells: list[str] = []
    inside: list[_Inside] = []
    for held in sorted(_together(windows), key=len, reverse=True):
        if held:
            least = [w for w in windows if w in held and not _holds_another(w, held)]
            cells.append(slug(" and ".join([w.words for w in least]).replace("and within", "and")))
            inside.append((held,))
    if asked_ever:
        cells += ["earlier", "never"] if windows else ["ever", "never"]
        inside += [(frozenset(),), (None,)]
    else:
        endless = any(window.unit == "ever" for window in windows)
        cells.append("never" if endless else "earlier_or_never")
        inside.append((frozenset(), None))
    first = tests[0]
    occurrence = Occurrence(
        first.subject,
        first.window.before if first.window is not None else None,
        windows,
        tuple(inside),
    )
    return Finding(
        id=name, kind="last", entry=first.concept,
        element=vocabulary.entries[first.concept].element, cells=tuple(cells),
        occurrence=occurrence,
    )  # fmt: skip


def occurred_in(finding: Finding, window: Window | None) -> tuple[str, ...]:
    """The cells in which the last occurrence lies in a window; None: in which there is one."""
    assert finding.occurrence is not None
    return tuple(
        cell
        for cell, inside in zip(finding.cells, finding.occurrence.inside, strict=True)
        if all(held is not None and (window is None or window in held) for held in inside)
    )


def _in_order(windows: set[Window]) -> tuple[Window, ...]:
    """The windows, those that lie in another before it."""
    return tuple(sorted(windows, key=lambda w: (w.days[1], w.days[0])))


def _together(windows: tuple[Window, ...]) -> list[frozenset[Window]]:
    """The sets of windows in which one day can lie: with a window all those that hold it."""
    found: list[frozenset[Window]] = [frozenset()]
    for window in reversed(windows):
        around = {w for w in windows if w != window and window.lies_in(w)}
        found += [held | {window} for held in found if around <= held]
    return found


def _holds_another(window: Window, held: frozenset[Window]) -> bool:
    return any(other != window and other.lies_in(window) for other in held)
