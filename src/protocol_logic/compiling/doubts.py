"""What casts doubt on the absence of a concept: `doubted by pregnancy_test is positive`.

It says what a record may hold by another entry, which findings look for fact by fact; so it is one
test of one entry, or any of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import Conditions
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.knowledge import vocabulary as voc


def add_doubts(conditions: Conditions) -> None:
    """Give each concept that is `doubted by` something what that is."""
    found = conditions.found
    for name, said in found.doubts.items():
        doubts: list[voc.Doubt] = []
        for node, source in said:
            conditions.begin(f"doubt_of_{name}", source)
            condition = conditions.condition(node)
            doubts += _doubts(conditions, name, condition) if condition is not None else ()
        entry = found.entries.get(name)
        if isinstance(entry, voc.Concept):
            found.entries[name] = replace(entry, doubts=tuple(doubts))


def _doubts(conditions: Conditions, name: str, condition: core.Condition) -> Iterator[voc.Doubt]:
    for part in condition.parts if isinstance(condition, core.Any) else (condition,):
        doubt = _doubt(part, conditions.found.entries)
        if doubt is not None:
            yield doubt
            continue
        message = f"`{part.text}` is nothing by which the absence of `{name}` is doubted"
        hint = (
            "write `ENTRY is VALUE`, `ENTRY >= NUMBER UNIT`, `ENTRY is recorded`, "
            "or the name of a condition; `within 300 days` can follow"
        )
        conditions.problem("wrong-kind", message, part.span, hint)


def _doubt(test: core.Condition, entries: dict[str, voc.Entry]) -> voc.Doubt | None:
    """What a test looks for in a record; None where it asks for more than one fact can say."""
    match test:
        case core.HasValue(entry=entry, values=values, window=window) if isinstance(
            entries[entry], voc.Status
        ):
            return _of(entry, window, values=values, latest=True)
        case core.RecordedAs(entry=entry, values=values, window=window):
            status = entries[entry]
            every = isinstance(status, voc.Status) and status.values == values
            return _of(entry, window, values=() if every else values, latest=not every)
        case core.Within(entry=entry, per="", taken="" | "highest" | "lowest") if isinstance(
            entries.get(entry), voc.Quantity
        ):
            numbers = COMPARISONS[test.op].inside(test.limit)
            return _of(entry, test.window, numbers=numbers, latest=not test.taken)
        case core.Recorded(entry=entry, window=window):
            return _of(entry, window)
        case core.Present(concept=concept):
            return _of(concept, None, latest=True)
        case core.Occurred(subject=core.Subject(concept, (), ()), window=window):
            return _of(concept, window)
        case _:
            return None


def _of(
    entry: str,
    window: Window | None,
    values: Iterable[str] = (),
    numbers: Interval | None = None,
    latest: bool = False,
) -> voc.Doubt | None:
    if window is None:
        within = None
    elif window.before is not None or window.unit == "ever":
        return None
    else:
        within = (window.number, window.unit)
    return voc.Doubt(
        entry=entry, values=tuple(values), numbers=numbers, latest=latest, within=within
    )
