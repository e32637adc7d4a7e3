"""What a record states beside a closed list, and no entry of the knowledge base knows.

The list is taken at its word: what it closes is absent. But what nobody here knows may be just it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

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
    vocabulary: Vocabulary,
    record: PatientRecord,
    found: PatientFindings,
    asked: Mapping[str, str],
) -> Mapping[str, tuple[Unlisted, ...]]:
    """For each list on whose closing a finding rests what the record states of the kinds that it
    closes, up to the as-of date, and no entry knows; with the closed class that it resembles.

    `asked`: finding or group of courses -> the entry that it asks for.
    """
    today = found.as_of.isoformat()
    seen = [each for each in record.unlisted if each.day <= today[: len(each.day)]]
    closing: dict[str, set[str]] = {}
    for name, facts in found.evidence.items():
        for fact in facts:
            listed = isinstance(vocabulary.entries.get(fact.entry), History)
            if listed and isinstance(fact.reading, Closed):
                closing.setdefault(fact.entry, set()).add(asked.get(name, ""))
    told = {}
    for name in sorted(closing):
        kinds = {c.kind for c in vocabulary.of(Concept) if c.closed_by == name}
        unlisted = [each for each in seen if each.kind in kinds]
        if unlisted:
            said = _said(vocabulary, closing[name])
            told[name] = tuple(each._replace(like=_like(each, said)) for each in unlisted)
    return told


_PLAIN = frozenset(
    "acetate acute analogue antagonist capsule cartridge chloride chronic citrate delayed disease "
    "disorder extended finding history hydrochloride infection infusion inhibitor injectable "
    "injection intravenous malignant maleate mesylate neoplasm phosphate potassium powder "
    "prefilled primary procedure product receptor release secondary selective sodium solution "
    "structure sulfate suspension syndrome syringe tablet tablets tartrate therapy treatment "
    "unspecified".split()
)
"""Words that many names have, so that one of them makes no likeness."""
_LONG = 6
_FEW = 2


def _said(vocabulary: Vocabulary, classes: Iterable[str]) -> dict[str, str]:
    """The words that tell of a class, or of a kind of it: word -> the class."""
    said: dict[str, str] = {}
    for name in sorted(classes):
        for kind in vocabulary.below(name) if name in vocabulary.entries else ():
            entry = vocabulary.entries[kind]
            if isinstance(entry, Concept):
                names = [kind, entry.label, *(code.display for code in entry.codes)]
                for text in names:
                    parts = _parts(text)
                    if len(parts) <= _FEW or text in names[:2]:
                        said |= {part: name for part in parts if part not in said}
    return said


def _parts(text: str) -> list[str]:
    """The words of a name that say something, in small letters."""
    found = re.findall(r"[^\W\d_]+", text.casefold())
    return [word for word in found if len(word) >= _LONG and word not in _PLAIN]


def _like(unlisted: Unlisted, said: Mapping[str, str]) -> str:
    return next((said[part] for part in _parts(unlisted.name) if part in said), "")


def words(unlisted: Sequence[Unlisted]) -> str:
    """How many there are, and the first few, those that resemble what is closed before the others:
    `2 medications ...: `heparin` (1659263), which resembles `anticoagulant`, ...`."""
    kinds = sorted({each.kind for each in unlisted})
    what = " and ".join(_MANY[kind] if len(unlisted) > 1 else kind for kind in kinds)
    codes = {(each.code, each.name): each for each in reversed(unlisted)}
    first = sorted(codes.values(), key=lambda each: (not each.like, each.name, each.code))
    named = [
        f"`{shown(each.name)}` ({shown(each.code)}, {shown(each.resource)})"
        + (f", which resembles `{each.like}`" if each.like else "")
        for each in first[:MOST_NAMED]
    ]
    if len(first) > MOST_NAMED:
        named.append(f"{len(first) - MOST_NAMED:,} more")
    return f"{len(unlisted):,} {what} that no entry knows: {', '.join(named)}"
