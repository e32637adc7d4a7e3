"""What is said of an entry, with what more is said of its record: `present with grade 3`.

Source: docs/answers.md and docs/testing.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import QUALIFIED, Concept, Entry, Qualifier, Vocabulary
from protocol_logic.records.facts import ConditionStated, Done, Qualified, Reading
from protocol_logic.records.quantities import Unreadable
from protocol_logic.records.values import read_value


def read_said(vocabulary: Vocabulary, entry: Entry, text: str) -> Reading:
    """What a value says of an entry; raises Unreadable as `read_value` does."""
    value, *qualifiers = re.split(r"\s+with\s+", text.strip())
    reading = read_value(entry, value)
    return _qualified(vocabulary, entry, reading, qualifiers) if qualifiers else reading


def _qualified(
    vocabulary: Vocabulary, entry: Entry, reading: Reading, texts: Sequence[str]
) -> Reading:
    """A statement with what more is said of it: `severity severe`."""
    if not isinstance(reading, ConditionStated | Done):
        raise Unreadable(f"nothing more can be said of `{entry.name}` by `with`")
    found: dict[str, frozenset[str | None]] = {}
    for text in texts:
        name, _, value = text.partition(" ")
        qualifier = vocabulary.entries.get(name)
        if not isinstance(qualifier, Qualifier):
            raise Unreadable(f"`{shown(name)}` is no qualifier")
        if isinstance(entry, Concept) and entry.kind not in QUALIFIED[qualifier.of]:
            raise Unreadable(f"`{qualifier.name}` is not said of a {entry.kind}")
        said = read_value(qualifier, value)
        assert isinstance(said, Qualified)
        found[name] = frozenset({said.value})
    return replace(reading, qualifiers=tuple(sorted(found.items())))
