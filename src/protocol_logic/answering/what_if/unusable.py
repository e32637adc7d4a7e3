"""Why what is recorded of an input is not usable, in words: `conflicting: 76 10*9/L, 84 10*9/L`."""

from __future__ import annotations

from collections.abc import Sequence

from protocol_logic.findings.cutter import Cutter
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import Reason
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import Fact, Measured

_WHY: dict[Reason, str] = {
    "imprecise": "not exact",
    "conflicting": "conflicting",
    "unreadable": "cannot be read",
    "stale": "too old",
}
_ENDED = "ended once"
_MOST_SAID = 3
_LONGEST = 60


def unusable(visible: Visible, cutter: Cutter, entry: voc.Entry) -> str:
    """What is recorded of an entry, and why it is not usable; empty where nothing is recorded."""
    if isinstance(entry, voc.Concept):
        facts: Sequence[Fact] = visible.newest(entry.name)
        states = visible.states(facts)
        why = "conflicting" if len(states) > 1 else _ENDED if "ended" in states else "not exact"
    elif isinstance(entry, voc.History | voc.Event):
        return ""
    else:
        found = cutter.input(entry.name)
        facts = found.facts
        reason = found.opener.reason if found.opener is not None else None
        why = _WHY.get(reason, "not exact") if reason is not None else "not exact"
        measured = [f.reading for f in facts if isinstance(f.reading, Measured)]
        if reason is None and any(not reading.limits for reading in measured):
            why = "without a limit of normal"
    if not facts:
        return ""
    said = list(dict.fromkeys(_short(fact.recorded) for fact in facts))
    more = f" and {len(said) - _MOST_SAID} more" if len(said) > _MOST_SAID else ""
    return f"{why}: {', '.join(said[:_MOST_SAID])}{more}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
