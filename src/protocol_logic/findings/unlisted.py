"""What a record states beside a closed list, and no entry of the knowledge base knows.

The list is taken at its word: what it closes is absent. But what nobody here knows may be just it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept, History, Vocabulary
from protocol_logic.records.facts import Closed, PatientRecord, Unlisted

MOST_NAMED = 3
_MANY = {
    "condition": "conditions",
    "procedure": "procedures",
    "medication": "medications",
    "allergy": "allergies",
}


def beside(
    vocabulary: Vocabulary, record: PatientRecord, found: PatientFindings
) -> Mapping[str, tuple[Unlisted, ...]]:
    """For each list on whose closing a finding rests what the record states of the kinds that it
    closes, up to the as-of date, and no entry knows."""
    if not record.unlisted:
        return {}
    today = found.as_of.isoformat()
    seen = [each for each in record.unlisted if each.day <= today[: len(each.day)]]
    closing = {
        fact.entry
        for facts in found.evidence.values()
        for fact in facts
        if isinstance(fact.reading, Closed)
        and isinstance(vocabulary.entries.get(fact.entry), History)
    }
    told = {}
    for name in sorted(closing):
        kinds = {c.kind for c in vocabulary.of(Concept) if c.closed_by == name}
        unlisted = tuple(each for each in seen if each.kind in kinds)
        if unlisted:
            told[name] = unlisted
    return told


def words(unlisted: Sequence[Unlisted]) -> str:
    """How many there are, and the first few: `2 medications ...: `fluorouracil` (1791701), ...`."""
    kinds = sorted({each.kind for each in unlisted})
    what = " and ".join(_MANY[kind] if len(unlisted) > 1 else kind for kind in kinds)
    codes = {(each.code, each.name): each for each in reversed(unlisted)}
    first = sorted(codes.values(), key=lambda each: (each.name, each.code))
    named = [
        f"`{shown(each.name)}` ({shown(each.code)}, {shown(each.resource)})"
        for each in first[:MOST_NAMED]
    ]
    if len(first) > MOST_NAMED:
        named.append(f"{len(first) - MOST_NAMED:,} more")
    return f"{len(unlisted):,} {what} that no entry knows: {', '.join(named)}"
