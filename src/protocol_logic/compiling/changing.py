"""What can be changed about what a record says, in which way, and what that costs.

Every entry has a default by its kind. A knowledge entry, a protocol, a site or a run says where it
is otherwise; the later one counts. No verdict rests on it, so no digest covers it.

Source: docs/what-if.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.knowledge import vocabulary as voc

if TYPE_CHECKING:
    from protocol_logic.compiling import core

Kind: TypeAlias = Literal["treat", "correct", "never"]
"""A treatment changes it; only a wrong record would; nothing does."""

KINDS: tuple[Kind, ...] = ("treat", "correct", "never")
UP, DOWN = "up", "down"
COSTS: Mapping[Kind, int] = {"treat": 3, "correct": 10, "never": 0}
"""What a change costs where only its kind is said."""


@dataclass(frozen=True, slots=True)
class Change:
    """How what is recorded of an entry can change.

    `direction`: `up` or `down`, the one value that can be reached, or empty for any. `obtain`: what
    it costs to get what nothing is recorded of; None: it cannot be had.
    """

    kind: Kind
    cost: int
    direction: str = ""
    obtain: int | None = 1


@dataclass(frozen=True, slots=True)
class Said:
    """What one line says of an entry; None: nothing of that.

    `obtains`: whether it is an `obtain` line, with its `obtain` (None: never).
    """

    name: str
    kind: Kind | None = None
    cost: int | None = None
    direction: str | None = None
    obtains: bool = False
    obtain: int | None = None

    def of(self, change: Change) -> Change:
        """A change as the line has it; a direction that it does not say stays."""
        if self.obtains:
            return replace(change, obtain=self.obtain)
        kind = self.kind or change.kind
        cost = change.cost if kind == change.kind else COSTS[kind]
        return replace(
            change,
            kind=kind,
            cost=cost if self.cost is None else self.cost,
            direction=change.direction if self.direction is None else self.direction,
        )


HISTORY = Change("correct", 10, obtain=2)
"""What a record tells of the past: lines and courses of therapy, counts, patterns, occurrences."""

_NEVER = Change("never", 0)
_DEFAULTS: Mapping[type[voc.Named], Change] = {
    voc.PatientField: _NEVER,
    voc.Age: Change("never", 0, UP),
    voc.Quantity: Change("treat", 3),
    voc.Status: Change("correct", 10, obtain=2),
    voc.Event: HISTORY,
    voc.Lesion: Change("correct", 10, obtain=3),
    voc.Consent: Change("correct", 10),
    voc.History: Change("never", 0, obtain=2),
    voc.Qualifier: Change("correct", 10, obtain=2),
    voc.Asked: Change("correct", 10),
    voc.Timepoint: _NEVER,
}
_CONCEPTS: Mapping[str, Change] = {
    "condition": Change("correct", 10, "absent", obtain=2),
    "allergy": Change("correct", 10, "absent", obtain=2),
    "procedure": Change("correct", 10, obtain=2),
    "medication": Change("treat", 4, obtain=2),
}


def default_of(entry: voc.Entry) -> Change:
    """How an entry can change of which nothing is said."""
    return _CONCEPTS[entry.kind] if isinstance(entry, voc.Concept) else _DEFAULTS[type(entry)]


def changes_of(protocol: core.Protocol, overrides: Iterable[Said] = ()) -> Mapping[str, Change]:
    """How each entry of a protocol can change; `overrides`: what a site and a run say of them.

    An age is never changed, but rises by itself.
    """
    found = {name: default_of(entry) for name, entry in protocol.vocabulary.entries.items()}
    for said in (*protocol.changes, *overrides):
        if said.name in found:
            found[said.name] = said.of(found[said.name])
    return found
