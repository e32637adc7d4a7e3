"""What of the patients of a shard is no finding: who they are, what became of their resources, and
for whom that takes the whole record.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol_logic.foundation.problems import Problem
from protocol_logic.records.facts import Account, PatientRecord, Unlisted
from protocol_logic.records.store.opening import told
from protocol_logic.records.store.reading import Stored

if TYPE_CHECKING:
    from protocol_logic.records.store.reading import Gatherer
    from protocol_logic.records.store.shards import Array, Shard

_ROUGH, _UNREAD, _OPEN, _FIRST = 1, 2, 4, 8
_MOST_CLASSES = 60
_NOWHERE: tuple[str, tuple[int, ...]] = ("", ())


@dataclass(slots=True)
class Heads:
    """The patients of a shard, by place in it.

    `records`: without facts, and with one account for all types. `numbers`: of patients in the
    store. `rough`: whose problems and accounts are told by the whole record alone. `unread`: who
    has a list that closes something, and beside it what may be anything, or has results that
    nothing reads and that resemble an entry; `alike`: by class, who has what may be told beside a
    list that closes it. `between`: documents that gave no patient, with the place of the patient
    that follows.
    """

    records: list[PatientRecord]
    numbers: list[int]
    rough: Array
    unread: Array
    alike: dict[str, Array]
    between: list[tuple[int, Problem]]


def heads_of(
    shard: Shard,
    gatherer: Gatherer,
    classes_of: Callable[[Unlisted], frozenset[str]],
    is_open: Callable[[Unlisted], bool],
) -> Heads:
    """The heads of a shard. `classes_of`: beside a list that closes which classes something may be
    told that a record states by a code that an entry has; `is_open`: whether, by a code that no
    entry has, it leaves open if something is recorded."""
    import numpy as np

    with told():
        patients = shard.connection.execute(
            "SELECT place, patient, id, source, line, index_date, index_source, counted, nothing "
            "FROM positions JOIN patients USING (patient) "
            "WHERE position BETWEEN ? AND ? ORDER BY position",
            [shard.start, shard.stop - 1],
        ).fetchall()
    flags = np.zeros(shard.size, np.int64)
    bits, classes = _classes(gatherer, classes_of, is_open)
    size, facts = _resources(shard, gatherer, bits, flags)
    closed = np.zeros(shard.size, bool)
    for entry in _lists(shard, gatherer):
        closed[shard.facts(entry, ["resource"])["patient"]] = True
    records = []
    for row, resources, of_facts in zip(patients, size.tolist(), facts.tolist(), strict=True):
        _, _, name, source, _, index_date, index_source, counted, nothing = row
        irrelevant = sum(json.loads(counted).values()) + resources - of_facts
        records.append(
            PatientRecord(
                patient=name,
                source=source,
                index_date=index_date,
                index_source=index_source,
                facts=(),
                accounting=(Account("all", of_facts, irrelevant, nothing),),
            )
        )
    return Heads(
        records,
        [row[1] for row in patients],
        (flags & _ROUGH).astype(bool),
        ((flags & _UNREAD).astype(bool) & closed) | (flags & _OPEN).astype(bool),
        {name: (flags & (_FIRST << n)).astype(bool) & closed for n, name in enumerate(classes)},
        list(_between(shard, [row[0] for row in patients])),
    )


def _resources(shard: Shard, gatherer: Gatherer, bits: Array, flags: Array) -> tuple[Array, Array]:
    """By patient how many resources there are, and how many that made a fact; `flags` are set, by
    the `bits` of code elements."""
    import numpy as np

    reach = "position BETWEEN ? AND ?"
    numbers = sorted(number for number in gatherer.numbers.values() if number >= 0)
    with told():
        run = shard.connection.execute
        found = run(
            "SELECT position, resource, coalesce(about, -1) AS about, "
            "(status IS NOT NULL)::UTINYINT AS loud, (via IS NOT NULL)::UTINYINT AS via "
            f"FROM positions JOIN resources USING (patient) WHERE {reach}",
            [shard.start, shard.stop - 1],
        ).fetchnumpy()
        troubled = run(
            f"SELECT DISTINCT position FROM positions JOIN problems USING (patient) WHERE {reach} "
            "AND (entry IS NULL OR entry IN (SELECT unnest(?)))",
            [shard.start, shard.stop - 1, numbers],
        ).fetchnumpy()
    places = found["position"] - shard.start
    its = bits[found["about"]] | found["via"] * _ROUGH | found["loud"] * _UNREAD
    some = its != 0
    np.bitwise_or.at(flags, places[some], its[some])
    flags[troubled["position"] - shard.start] |= _ROUGH
    size = np.bincount(places, minlength=shard.size)
    # Resources are numbered from 0 in each patient; those that made a fact are marked.
    most = np.zeros(shard.size, np.int64)
    np.maximum.at(most, places, found["resource"].astype(np.int64) + 1)
    starts = np.concatenate(([0], np.cumsum(most)))
    made = np.zeros(int(starts[-1]), bool)
    for name, number in gatherer.numbers.items():
        if number >= 0:
            facts = shard.facts(name, ["resource"])
            made[starts[facts["patient"]] + facts["resource"]] = True
    sums = np.concatenate(([0], np.cumsum(made)))
    return size, sums[starts[1:]] - sums[starts[:-1]]


def _classes(
    gatherer: Gatherer,
    classes_of: Callable[[Unlisted], frozenset[str]],
    is_open: Callable[[Unlisted], bool],
) -> tuple[Array, list[str]]:
    """What is said of each of the code elements of a store, as bits, the last for none at all; and
    the classes that bits from `_FIRST` on stand for."""
    import numpy as np

    bits = np.zeros(max(gatherer.abouts, default=-1) + 2, np.int64)
    numbers: dict[str, int] = {}
    for about, (kind, content) in gatherer.abouts.items():
        said = gatherer.chosen.said(kind, None, content)
        if said.unlike or said.unmapped or said.beside or said.known:
            bits[about] |= _ROUGH
        if said.alike:
            bits[about] |= _OPEN
        if said.concept is None:
            continue
        each = Unlisted(said.concept, "", said.code, said.name, "", said.stands, said.entries)
        if not each.known:
            bits[about] |= _UNREAD | (_OPEN if is_open(each) else 0)
            continue
        for name in classes_of(each):
            number = numbers.setdefault(name, len(numbers))
            bits[about] |= _FIRST << number if number < _MOST_CLASSES else _UNREAD
    return bits, list(numbers)[:_MOST_CLASSES]


def _lists(shard: Shard, gatherer: Gatherer) -> list[str]:
    """The entries of which something says that they are complete."""
    with told():
        rows = shard.connection.execute(
            "SELECT DISTINCT entry FROM facts WHERE kind = 'closed'"
        ).fetchall()
    names = gatherer.chosen.names
    return [names[entry] for (entry,) in rows if entry in names]


def _between(shard: Shard, places: list[int]) -> Iterator[tuple[int, Problem]]:
    """The documents that gave no patient and stand before a patient of the shard, or behind all."""
    with told():
        run = shard.connection.execute
        rows = run("SELECT * FROM told ORDER BY place").fetchall()
        if not rows:
            return
        before = run(
            "SELECT max(place) FROM positions JOIN patients USING (patient) WHERE position < ?",
            [shard.start],
        ).fetchone()
        last = run("SELECT max(position) FROM positions").fetchone()
    low = before[0] if before is not None and before[0] is not None else -1
    is_last = last is None or last[0] is None or last[0] < shard.stop
    for place, code, message, hint, name, file in rows:
        if place > low and (is_last or place < places[-1]):
            problem = Problem(code=code, message=message, hint=hint, resource=name, file=file)
            yield bisect_left(places, place), problem


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
            f"(SELECT patient, resource FROM facts SEMI JOIN wanted USING (patient, entry)) AS its "
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

    wanted = pyarrow.table({"position": patients + shard.start, "resource": numbers})
    with told():
        run = shard.connection.register("wanted", wanted).execute
        rows = run(
            "SELECT position, resource, name FROM wanted JOIN positions USING (position) "
            "JOIN resources USING (patient, resource) WHERE patient BETWEEN "
            "(SELECT min(patient) FROM positions WHERE position BETWEEN $1 AND $2) AND "
            "(SELECT max(patient) FROM positions WHERE position BETWEEN $1 AND $2)",
            [shard.start, shard.stop - 1],
        ).fetchall()
        shard.connection.unregister("wanted")
    return {(position - shard.start, resource): name for position, resource, name in rows}
