"""What would make criteria pass that no repair makes pass, and why it is not offered.

It is the same search, where all that is recorded can change in all directions, and all can be had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property

from protocol_logic.answering.what_if.changes import Change, Repair
from protocol_logic.answering.what_if.failing import OfProtocol, TooMany
from protocol_logic.answering.what_if.repairs import Patient
from protocol_logic.answering.what_if.searching import MOST
from protocol_logic.compiling import changing
from protocol_logic.foundation.problems import each_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import PatientRecord

MOST_TOLD = 3
"""Of each criterion, so many ways are told."""


class Blocked:
    """Tells of the patients of one protocol for whom there is no repair."""

    def __init__(self, repairing: OfProtocol) -> None:
        self._repairing = repairing

    @cached_property
    def _free(self) -> OfProtocol:
        """The protocol where nothing is refused; what makes a criterion fail is the same."""
        r = self._repairing
        every = {n: _free(r.voc.entries[n], each) for n, each in r.changes.items()}
        free = OfProtocol(r.protocol, r.plan, r.engine, every, r.windows, r.dates, acquire=True)
        free.units = r.units
        return free

    def notes(self, record: PatientRecord, as_of: date) -> tuple[str, ...]:
        """For each criterion that cannot pass what would make it pass, and why that is not
        offered."""
        found: dict[str, None] = {}
        try:
            patient = Patient(self._repairing, record, as_of)
            free = Patient(self._free, record, as_of)
            for criteria in patient.stuck():
                found.update(dict.fromkeys(self._notes(patient, free, criteria)))
        except TooMany:
            pass  # the repairs say so
        return tuple(found)

    def _notes(self, patient: Patient, free: Patient, criteria: tuple[str, ...]) -> Iterator[str]:
        failed = patient.names_of(patient.failed)
        named = each_of(sorted(criteria, key=lambda name: name not in failed))
        together = " together" if len(criteria) > 1 else ""
        ways: dict[frozenset[Change], Mapping[Change, str]] = {}
        for repair in free.of_criteria(criteria)[:MOST]:
            refused = self._refused(patient, free, repair)
            if refused:
                ways.setdefault(frozenset(refused), refused)
        least = [way for key, way in ways.items() if not any(other < key for other in ways)]
        said = [_said(way) for way in least[:MOST_TOLD]]
        if len(least) > MOST_TOLD:
            said.append(f"{len(least) - MOST_TOLD:,} other ways")
        if said:
            yield f"{named} would need {'; or '.join(said)}"
        else:
            yield f"nothing that can be set makes {named} pass{together}"

    def _refused(self, patient: Patient, free: Patient, repair: Repair) -> Mapping[Change, str]:
        """The changes of a repair that are not offered, each with the reason."""
        found = {}
        for change, (lever, kept) in zip(repair.changes, free.region_of(repair), strict=True):
            offered = patient.states.lever(lever)
            texts = [option.said for option in offered.options] if offered is not None else []
            wanted = free.states.levers[lever]
            if not all(wanted.options[n].said in texts for n in kept):
                found[change] = self._why(str(free.maker.sources.names[lever]), change)
        return found

    def _why(self, name: str, change: Change) -> str:
        entry = self._repairing.voc.entries[name]
        if isinstance(entry, voc.Age):
            if change.kind != "obtain":
                return f"{name} rises by itself, and not otherwise"
            entry = self._repairing.voc.entries[entry.of]
        how = self._repairing.changes[entry.name]
        if change.kind == "obtain":
            changes = how.kind != "never" or isinstance(entry, voc.PatientField)
            return f"{name} is {'not' if changes else 'neither changed nor'} obtained"
        if how.kind == "never":
            return f"{name} never changes"
        if how.direction in (changing.UP, changing.DOWN):
            return f"{name} changes {how.direction} alone"
        more = ""
        if isinstance(entry, voc.Concept) and how.direction == "absent":
            more = ", unless `--acquire` asks for more"
        return f"{name} changes to {how.direction} alone{more}"


def _said(way: Mapping[Change, str]) -> str:
    """Changes, and why they are not offered."""
    wanted = " and ".join(f"{c.finding} {c.to} ({c.because})" for c in way)
    return f"{wanted}, which is not offered: {'; '.join(dict.fromkeys(way.values()))}"


def _free(entry: voc.Entry, change: changing.Change) -> changing.Change:
    """A change of which nothing is refused."""
    kind = change.kind
    if kind == "never" and not isinstance(entry, voc.History):
        kind = "correct"
    cost = change.cost or changing.COSTS[kind]
    return changing.Change(kind, cost, obtain=1 if change.obtain is None else change.obtain)
