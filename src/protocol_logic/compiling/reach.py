"""What of its knowledge a protocol reaches: the names that can make a difference to its criteria.

A record is read for these alone, so that a knowledge base that grows changes neither the rows of
a protocol nor the problems in them; they are what its digest and its pin cover. Rather a name too
many than one too few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any

from protocol_logic.compiling import core
from protocol_logic.compiling.planner import deniers
from protocol_logic.knowledge import vocabulary as voc

_SAID = {"label", "unlike", "usual"}
"""Fields that people read or that hints rest on, and nothing decides by."""


def reached(protocol: core.Protocol) -> frozenset[str]:
    """The names of all entries, definitions and derived quantities that criteria rest on.

    What is known of the patient is always among them: limits of normal are for a sex, whatever
    they are the limits of.
    """
    entries = protocol.vocabulary.entries
    known = entries.keys() | protocol.derived.keys() | protocol.definitions.keys()
    queue = [field.name for field in protocol.vocabulary.of(voc.PatientField)]
    for criterion in protocol.criteria:
        queue += _strings((criterion.applies, criterion.condition))
    found: set[str] = set()
    while queue:
        name = queue.pop()
        if name in found or name not in known:
            continue
        found.add(name)
        entry = entries.get(name)
        if isinstance(entry, voc.Concept):
            queue += protocol.vocabulary.below(name)
            if entry.kind == "allergy":
                queue += entry.parents  # who is allergic to a class may be so to what is of it
            for denier in deniers(protocol, name):
                queue += [denier, *_strings(protocol.denials[denier])]
        queue += _strings(entry, without="parents")
        queue += _strings(protocol.derived.get(name))
        definition = protocol.definitions.get(name)
        queue += _strings(definition.body if definition is not None else None)
    return frozenset(found)


def decisive(value: Any) -> list[Field[Any]]:
    """The fields of a dataclass by which anything is decided."""
    return [each for each in fields(value) if each.compare and each.name not in _SAID]


def _strings(value: object, without: str = "") -> Iterator[str]:
    """All texts in a checked value, among them the names that it speaks of."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings((*value.keys(), *value.values()))
    elif isinstance(value, Iterable):
        for each in value:
            yield from _strings(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in decisive(value):
            if each.name != without:
                yield from _strings(getattr(value, each.name))
