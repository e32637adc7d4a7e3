"""Findings that read one uncertain named value: a group, as for one patient.

What the group looks like rests on just which values are possible and why, so it is read once for
each such set, from a record that is empty but for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np

from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.findings.columns.cells import REASONS
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NO_LOOK, NOBODY, Column, Flags, Looks
from protocol_logic.findings.columns.values_read import Values
from protocol_logic.findings.inputs import Alternative, Blank, Input
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.read import read_visible
from protocol_logic.findings.rows import Opener, PatientFindings
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import PatientRecord

_RESOURCE = "the resource"
_ANY_DAY = date(2000, 1, 1)
_NOBODY = PatientRecord(patient="", source="", index_date=None, facts=())


def may_be_shared(sources: Sources, findings: Mapping[str, Finding]) -> bool:
    """Whether all of some findings read one value by name, and nothing else."""
    [*entries] = {finding.entry for finding in findings.values()}
    entry = sources.vocabulary.entries.get(entries[0])
    return (
        len(entries) == 1
        and isinstance(entry, voc.Status | voc.Consent | voc.Lesion)
        and all(finding.window is None for finding in findings.values())
        and {finding.kind for finding in findings.values()} <= {"value", "recorded", "in_record"}
    )


def read_shared(
    sources: Sources, plan: Plan, values: Values, columns: dict[str, Column], table: Looks
) -> Flags:
    """Put a group, or what it comes to, into the columns of whom several values are possible; who
    that is. `plan`: the findings that read the value."""
    runs = values.runs
    where = np.flatnonzero(~values.one & ~values.left)
    patients = runs.patients[where]
    found = np.zeros(sources.size, bool)
    found[patients] = True
    keys = [values.possible, values.no_fact, values.reason, values.as_listed]
    its = np.stack([key[where].astype(np.int64) for key in keys], axis=1)
    known, at = np.unique(its, axis=0, return_inverse=True)
    for number, (possible, no_fact, reason, as_listed) in enumerate(known.tolist()):
        each = where[at.reshape(-1) == number]
        input_ = _input(sources, plan, values, possible, no_fact, reason, as_listed)
        read = _read(sources, plan, input_)
        _put(read, plan, runs.patients[each], values.who[each], columns, table, sources.size)
    return found


def _input(
    sources: Sources,
    plan: Plan,
    values: Values,
    possible: int,
    no_fact: int,
    reason: int,
    as_listed: int,
) -> Input:
    name = next(iter(plan.findings.values())).entry
    entry = sources.vocabulary.entries[name]
    assert isinstance(entry, voc.Named)
    named = [value for place, value in enumerate(values.values) if possible >> place & 1]
    alternatives: list[Alternative] = [*(named if as_listed else sorted(named))]
    if no_fact:
        alternatives.append(Blank.NOTHING)
    opener = Opener(entry.element, REASONS[reason - 1], _RESOURCE) if reason else None
    return Input(name, tuple(alternatives), opener)


def _read(sources: Sources, plan: Plan, input_: Input) -> PatientFindings:
    visible = Visible(_NOBODY, _ANY_DAY, sources.vocabulary, {})
    return read_visible(sources.protocol, plan, visible, {input_.entry: input_})


def _put(
    read: PatientFindings,
    plan: Plan,
    patients: np.ndarray[tuple[int], np.dtype[np.int64]],
    who: np.ndarray[tuple[int], np.dtype[np.int32]],
    columns: dict[str, Column],
    table: Looks,
    size: int,
) -> None:
    for name in dict.fromkeys((*plan.findings, *(group.name for group in read.groups))):
        if name not in columns:
            columns[name] = Column.empty(size)
        column, look, openers = columns[name], read.looks.get(name), read.openers.get(name, ())
        column.look[patients] = NO_LOOK if look is None else table.number(look)
        column.why[patients] = table.why_of(openers)
        for place, opener in enumerate(openers):
            its = who if opener.resource is not None else NOBODY
            column.resource(place)[patients] = its
