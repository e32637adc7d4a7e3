"""What of the patients of a shard is no finding: who they are, what became of their resources, and
for whom that takes the whole record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from protocol_logic.foundation.problems import Problem
from protocol_logic.records.facts import Account, PatientRecord
from protocol_logic.records.store.opening import told
from protocol_logic.records.store.reading import Stored
from protocol_logic.records.store.stubs import OPEN, ROUGH, UNREAD, Stubs
from protocol_logic.records.store.troubles import Made, Troubles

if TYPE_CHECKING:
    from protocol_logic.records.store.reading import Gatherer
    from protocol_logic.records.store.shards import Array, Shard

NO_LIST, SEVERAL = -1, -2
_NOWHERE: tuple[str, tuple[int, ...]] = ("", ())


class Suspects(NamedTuple):
    """What may be told beside lists: the place of the patient, the number of its code elements,
    its first day as written, or nothing, and its name."""

    patients: list[int]
    abouts: list[int]
    days: list[str]
    names: list[str]


@dataclass(slots=True)
class Heads:
    """The patients of a shard, by place in it.

    `records`: without facts, and with one account for all types. `numbers`: of patients in the
    store. `rough`: whose problems and accounts the whole record alone tells. `unread`: who
    has a list that closes something, and beside it what may be anything, or has results that
    nothing reads and that resemble an entry. `between`: documents that gave no patient, with the
    place of the patient that follows. `suspects`: what may be told beside lists. `lists`: by entry
    the number of the resource that says it to be complete, by patient; `NO_LIST`, or `SEVERAL`.
    """

    records: list[PatientRecord]
    numbers: list[int]
    rough: Array
    unread: Array
    between: list[tuple[int, Problem]]
    suspects: Suspects
    lists: dict[str, Array]


def heads_of(shard: Shard, gatherer: Gatherer, stubs: Stubs) -> Heads:
    """The heads of a shard."""
    import numpy as np

    patients = shard.span.patients()
    flags = np.zeros(shard.size, np.int64)
    size, made = _resources(shard, gatherer, stubs.bits, flags)
    troubles = Troubles(shard, gatherer, made, [row[3] for row in patients])
    flags[list(troubles.unclear)] |= ROUGH
    lists = dict(_lists(shard, stubs))
    closed = np.zeros(shard.size, bool)
    for of_list in lists.values():
        closed |= of_list != NO_LIST
    records = []
    rows = zip(patients, size.tolist(), made.counts().tolist(), strict=True)
    for place, (row, resources, of_facts) in enumerate(rows):
        _, _, name, source, index_date, index_source, counted, nothing = row
        alone = troubles.alone.get(place, 0)
        rest = counted + resources - of_facts - alone
        records.append(
            PatientRecord(
                patient=name,
                source=source,
                index_date=index_date,
                index_source=index_source,
                facts=(),
                problems=troubles.problems.get(place, ()),
                accounting=(Account("all", of_facts, rest, nothing + alone),),
            )
        )
    return Heads(
        records,
        shard.numbers.tolist(),
        (flags & ROUGH).astype(bool),
        ((flags & UNREAD).astype(bool) & closed) | (flags & OPEN).astype(bool),
        shard.span.between(),
        _suspects(shard, stubs),
        lists,
    )


def _resources(shard: Shard, gatherer: Gatherer, bits: Array, flags: Array) -> tuple[Array, Made]:
    """By patient how many resources there are, and which made a fact; `flags` are set, by the
    `bits` of code elements."""
    import numpy as np

    found = shard.span.resources()
    places = found["place"]
    its = bits[found["about"]] | found["via"] * ROUGH | found["loud"] * UNREAD
    some = (its != 0) & (places >= 0)
    np.bitwise_or.at(flags, places[some], its[some])
    ours = places[places >= 0]
    # Resources are numbered from 0 in each patient.
    most = np.zeros(shard.size, np.int64)
    np.maximum.at(most, ours, found["resource"][places >= 0].astype(np.int64) + 1)
    return np.bincount(ours, minlength=shard.size), Made(*shard.making(), most)


def _lists(shard: Shard, stubs: Stubs) -> Iterator[tuple[str, Array]]:
    """The entries of which something says that they are complete, with the resource, by patient."""
    import numpy as np

    for entry in stubs.lists:
        facts = shard.facts(entry, ["resource"])
        found = np.full(shard.size, NO_LIST, np.int32)
        found[facts["patient"]] = facts["resource"]
        found[np.bincount(facts["patient"], minlength=shard.size) > 1] = SEVERAL
        yield entry, found


def _suspects(shard: Shard, stubs: Stubs) -> Suspects:
    if not stubs.suspects:
        return Suspects([], [], [], [])
    import numpy as np

    with told():
        rows = shard.connection.execute(
            f"SELECT patient, about, day, name FROM resources WHERE {shard.reach} "
            "AND about IN (SELECT unnest(?)) AND stated AND status IS NULL AND NOT stopped",
            [list(stubs.suspects)],
        ).fetchall()
    places = shard.places(np.array([row[0] for row in rows], np.int64)).tolist()
    its = [(place, *row[1:]) for place, row in zip(places, rows, strict=True) if place >= 0]
    return Suspects(
        [row[0] for row in its],
        [row[1] for row in its],
        [row[2] or "" for row in its],
        [row[3] for row in its],
    )


def facts_alone(
    shard: Shard, heads: Heads, wanted: Mapping[int, Iterable[int]]
) -> dict[int, Stored]:
    """Some patients with the facts of some entries alone, and the resources of these; `wanted`:
    place in the shard -> numbers of entries."""
    if not wanted:
        return {}
    import pyarrow

    places = {heads.numbers[place]: place for place in wanted}
    pairs = [(heads.numbers[place], n) for place, its in wanted.items() for n in its]
    table = pyarrow.table(
        {
            "patient": pyarrow.array([pair[0] for pair in pairs], pyarrow.int32()),
            "entry": pyarrow.array([pair[1] for pair in pairs], pyarrow.int32()),
        }
    )
    reach = f"patient BETWEEN {min(places)} AND {max(places)}"
    with told():
        run = shard.connection.register("wanted", table).execute
        facts = run(
            f"SELECT * FROM facts SEMI JOIN wanted USING (patient, entry) WHERE {reach} "
            "ORDER BY patient, resource"
        ).fetchall()
        resources = run(
            "SELECT * FROM resources SEMI JOIN "
            "(SELECT patient, resource FROM facts SEMI JOIN wanted USING (patient, entry) "
            f"WHERE {reach}) AS its "
            f"USING (patient, resource) WHERE {reach} ORDER BY patient, resource"
        ).fetchall()
        shard.connection.unregister("wanted")
    found = {}
    for place in places.values():
        head = heads.records[place]
        row = (head.index_date, head.index_source, "{}", 0)
        found[place] = Stored(_NOWHERE, head.patient, head.source, None, row, [], [], [])
    for number, *its in resources:
        found[places[number]].resources.append(tuple(its))
    for number, *its in facts:
        found[places[number]].facts.append(tuple(its))
    return found


def resource_names(shard: Shard, patients: Array, numbers: Array) -> dict[tuple[int, int], str]:
    """The names of some resources: (patient, number) pairs, by place in the shard."""
    if not len(patients):
        return {}
    import pyarrow

    its = {"patient": shard.numbers[patients], "resource": numbers, "place": patients}
    with told():
        run = shard.connection.register("wanted", pyarrow.table(its)).execute
        rows = run(
            "SELECT place, resource, name FROM wanted "
            f"JOIN (SELECT patient, resource, name FROM resources WHERE {shard.reach}) AS its "
            "USING (patient, resource)"
        ).fetchall()
        shard.connection.unregister("wanted")
    return {(place, resource): name for place, resource, name in rows}
