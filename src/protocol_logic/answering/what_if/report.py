"""What `what-if` tells of a patient, ready for JSON: what would change the decision, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product
from typing import Any

from protocol_logic.answering.rows import Row
from protocol_logic.answering.what_if.ahead import Ahead
from protocol_logic.answering.what_if.blocked import Blocked
from protocol_logic.answering.what_if.change_sets import ChangeFinder, ChangeSet, ChangeSets
from protocol_logic.answering.what_if.changes import Change, Repair, Repairs
from protocol_logic.answering.what_if.margins import margins_of
from protocol_logic.answering.what_if.measure import Measuring, measure_data
from protocol_logic.answering.what_if.repairs import Patient, Repairing
from protocol_logic.answering.what_if.stopping import stopping_notes
from protocol_logic.answering.what_if.trying import Settings
from protocol_logic.answering.what_if.when import timeline, when_data
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.reasoning.decision import Decision
from protocol_logic.records.facts import PatientRecord

NOT_OF_HISTORIES = (
    "a history was set as a whole, which no record can hold: repairs and days are not looked for"
)


class Questions:
    """Asks of patients of one protocol what would change what is decided of them."""

    def __init__(self, repairing: Repairing) -> None:
        self.repairing = r = repairing
        self.finder = ChangeFinder(r.protocol, r.plan, r.engine, r.changes)
        self.blocked = Blocked(r)
        self.measuring = Measuring(r.protocol, r.plan, r.engine, r.changes)

    def report(
        self,
        row: Row,
        found: PatientFindings,
        decision: Decision,
        record: PatientRecord,
        ahead: Ahead,
        settings: Settings,
        holds: Callable[[Repair], bool],
    ) -> dict[str, Any]:
        """All that is asked of one patient, beside the row of the ordinary road.

        `holds`: whether a repair does what it promises when it is screened by that road.
        """
        protocol, plan = self.repairing.protocol, self.repairing.plan
        day, eligibility = found.as_of, row["eligibility"]
        sets = self.finder.gaining(found)
        losing = self.finder.losing(found)
        repairs, when = Repairs(), None
        if settings.histories:
            repairs = Repairs(complete=eligibility == "eligible", notes=(NOT_OF_HISTORIES,))
        else:
            if eligibility != "eligible":
                repairs = checked(self.repairing.repairs(record, day), holds)
                if not repairs.repairs:
                    told = self.blocked.notes(record, day)
                    after = stopping_notes(Patient(self.repairing, record, day), ahead)
                    repairs = replace(repairs, notes=(*repairs.notes, *told, *after))
            when = when_data(timeline(ahead, self.repairing.engine, day))
        measures = measure_data(self.measuring.measures(found, decision))
        return {
            **{name: row[name] for name in _OF_ROW if name in row},
            "set": list(settings.texts),
            "eligibility": eligibility,
            "decided_jointly": row["decided_jointly"],
            **{name: row[name] for name in ("scopes",) if name in row},
            "criteria": row["criteria"],
            "gaps": list(dict.fromkeys(gap for each in row["criteria"] for gap in each["gaps"])),
            "change_sets": _sets(sets.sets),
            "repairs": [_repair(each) for each in repairs.repairs],
            "complete": sets.complete and repairs.complete,
            "change_sets_complete": sets.complete,
            "repairs_complete": repairs.complete,
            "alternatives": _alternatives(sets, repairs),
            "notes": list(repairs.notes),
            "immutable": list(repairs.immutable),
            "losing": {
                "change_sets": _sets(losing.sets),
                "complete": losing.complete,
                "criteria": {name: _sets(each) for name, each in losing.alternatives.items()},
            },
            "margins": [each.as_dict() for each in margins_of(protocol, plan, found)],
            "measure_next": measures if eligibility == "undetermined" else None,
            "when": when,
            "problems": row["problems"],
        }


_OF_ROW = (
    "patient",
    "source",
    "as_of",
    "as_of_source",
    "protocol",
    "policies",
    "parameters",
    "timepoints",
)


def checked(repairs: Repairs, holds: Callable[[Repair], bool]) -> Repairs:
    """The repairs that hold; that others do not would be an error of this program."""
    seen: set[tuple[Change, Change]] = set()
    kept = []
    for each in repairs.repairs:
        # What shares no input is put together freely, so that each two changes are tried once.
        pairs = set(product(each.changes, each.changes))
        if not pairs <= seen and holds(each):
            seen |= pairs
        if pairs <= seen:
            kept.append(each)
    lost = len(repairs.repairs) - len(kept)
    if not lost:
        return repairs
    note = f"{lost} more did not hold when screened again, which is an error: please report it"
    return replace(repairs, repairs=tuple(kept), complete=False, notes=(*repairs.notes, note))


def _sets(sets: Iterable[ChangeSet]) -> list[dict[str, list[str]]]:
    return [{"flip": list(each.flip), "resolve": list(each.resolve)} for each in sets]


def _repair(repair: Repair) -> dict[str, Any]:
    return {
        "changes": [_change(each) for each in repair.changes],
        "cost": repair.cost,
        "earliest": None if repair.earliest is None else repair.earliest.isoformat(),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "finding": change.finding,
        "from": change.was,
        "to": change.to,
        "kind": change.kind,
        "earliest": None if change.earliest is None else change.earliest.isoformat(),
        "cost": change.cost,
        "rounded": change.rounded,
        "because": change.because,
    }


def _alternatives(sets: ChangeSets, repairs: Repairs) -> dict[str, Any]:
    """For each criterion what makes it pass by itself, where the whole would be too many."""
    found: dict[str, dict[str, Any]] = {}
    for name, own in sets.alternatives.items():
        found.setdefault(name, {})["change_sets"] = _sets(own)
    for name, each in repairs.alternatives:
        found.setdefault(name, {})["repairs"] = [_repair(one) for one in each]
    return found
