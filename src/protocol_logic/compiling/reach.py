"""What of its knowledge a protocol reaches: the names that can make a difference to its criteria.

A record is read for these alone, so that a knowledge base that grows changes neither the rows of
a protocol nor the problems in them; they are what its digest and its pin cover. Rather a name too
many than one too few.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field, fields, is_dataclass
from typing import Any

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.planner import deniers
from protocol_logic.knowledge import vocabulary as voc

_SAID = {"label", "unlike", "usual"}
"""Fields that people read or that hints rest on, and nothing decides by."""


def reached(protocol: core.Protocol) -> frozenset[str]:
    """The names of all entries, definitions and derived quantities that criteria rest on.

    What is known of the patient is always among them: limits of normal are for a sex, whatever
    they are the limits of.
    """
    if "all" not in protocol.reach:
        protocol.reach["all"] = _reached(protocol)
    return protocol.reach["all"]


def _reached(protocol: core.Protocol) -> frozenset[str]:
    return _from(protocol, [(each.applies, each.condition) for each in protocol.criteria])


def reached_of(protocol: core.Protocol, plan: Plan) -> frozenset[str]:
    """The names that the findings of a plan rest on, which may be a part of the protocol's."""
    named = [*plan.findings.values(), *plan.courses.values()]
    found = _from(protocol, named)
    concepts = (n for n in found if isinstance(protocol.vocabulary.entries.get(n), voc.Concept))
    # Who never had a class had no kind of it.
    return found.union(*(protocol.vocabulary.above(name) for name in concepts))


def _from(protocol: core.Protocol, values: Iterable[object]) -> frozenset[str]:
    entries = protocol.vocabulary.entries
    known = entries.keys() | protocol.derived.keys() | protocol.definitions.keys()
    queue = [field.name for field in protocol.vocabulary.of(voc.PatientField)]
    for value in values:
        queue += _strings(value)
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


def decisive(value: Any) -> tuple[Field[Any], ...]:
    """The fields of a dataclass by which anything is decided."""
    kind = type(value)
    if kind not in _DECISIVE:
        told = (each for each in fields(value) if each.compare and each.name not in _SAID)
        _DECISIVE[kind] = tuple(told)
    return _DECISIVE[kind]


_DECISIVE: dict[type, tuple[Field[Any], ...]] = {}


def _strings(value: object, without: str = "") -> list[str]:
    """All texts in a checked value, among them the names that it speaks of."""
    found: list[str] = []
    queue = [value]
    for each in queue:
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, tuple | frozenset):
            queue += each
        elif isinstance(each, dict):
            queue += each
            queue += each.values()
        elif is_dataclass(each) and not isinstance(each, type):
            names = (part.name for part in decisive(each))
            queue += [getattr(each, n) for n in names if each is not value or n != without]
    return found
