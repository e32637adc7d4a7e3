"""Patients of whom one number or one age is not certain: told by what the findings are under each
of its alternatives, as those of whom the sex is not certain (`assuming.py`).

One of those who look alike is read one by one, and the others take what that gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.columns.assuming import Alike, Reading, Some, note, number_alike
from protocol_logic.findings.columns.cells import REASONS
from protocol_logic.findings.columns.numbers import numbers_of
from protocol_logic.findings.columns.runs import Runs
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NOBODY, Flags, Ints, Looks
from protocol_logic.findings.columns.values import ages_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.store.by_entry import KINDS, SHAPES
from protocol_logic.records.store.shards import Shard, Table

MOST = 4
"""Alternatives of an input; who has more is read alone."""
_BORN = 1 + KINDS.index("born")
_POINT = 1 + SHAPES.index("point")
_NONE = -1


@dataclass(slots=True)
class _Alternatives:
    """Of some patients the alternatives of an input, as the exact road has them in order.

    `patients`: by place in the shard. `rows`: for each of them the facts of the entry `of` that say
    an alternative; `_NONE` where nothing does, and from `count` on the last once more. `read`:
    which of them can be read. `put`: what stands in columns instead, for each of these. `reason`,
    `who`: why there is not just one.
    """

    element: str
    of: str
    patients: Ints
    rows: Ints
    count: Ints
    read: Flags
    put: dict[str, Ints]
    reason: Ints
    who: Ints

    def kind(self, number: int) -> Ints:
        """What an alternative is: 0 for nothing, 1 for what cannot be read, 2 for a value."""
        n = min(number, self.rows.shape[1] - 1)
        is_there = self.rows[:, n] != _NONE
        found: Ints = is_there.astype(np.int64) * (1 + self.read[:, n])
        return found

    def facts(self, table: Table, number: int) -> dict[str, Ints]:
        """What says an alternative, of those of whom something does; `table`: all facts."""
        n = min(number, self.rows.shape[1] - 1)
        rows = self.rows[:, n]
        its = rows != _NONE
        found = {name: column[rows[its]] for name, column in table.items()}
        for name, column in self.put.items():
            if name in found:
                found[name] = column[its, n].astype(found[name].dtype)
        return found


class _Under(Some):
    """Some patients of a shard, each under one alternative of an input."""

    def __init__(
        self, shard: Shard, places: Ints, chosen: Sequence[_Alternatives], number: int
    ) -> None:
        super().__init__(shard, places)
        self._chosen: dict[str, list[_Alternatives]] = {}
        for each in chosen:
            self._chosen.setdefault(each.of, []).append(each)
        self._number = number

    def facts(self, entry: str, columns: Sequence[str], beside: Iterable[str] = ()) -> Table:
        """The facts of an entry, as those of a shard."""
        found = super().facts(entry, columns, beside)
        for each in self._chosen.get(entry, ()):
            kept = ~np.isin(found["patient"], self._mapped[each.patients])
            its = each.facts(self._shard.facts(entry, columns, beside), self._number)
            its["patient"] = self._mapped[its["patient"]]
            joined = {
                name: np.concatenate([column[kept], its[name]]) for name, column in found.items()
            }
            order = np.argsort(joined["patient"], kind="stable")
            found = {name: column[order] for name, column in joined.items()}
        return found


def alternatives_alike(
    sources: Sources,
    names: frozenset[str],
    plan: Plan,
    where: Flags,
    read: Reading,
    table: Looks,
) -> Alike | None:
    """Who of some patients look alike under each alternative of the one input that is not certain;
    `read`: reads the findings of the plan."""
    entries = list(_inputs(sources, plan))
    if not entries or any(finding.window for finding in plan.findings.values()):
        return None
    unsure = {name: _unsure(sources, name) for name in entries}
    where = where & (np.sum([*unsure.values()], axis=0) == 1)
    found = [(name, _of(sources, name, where & unsure[name], entries)) for name in entries]
    given = [(name, each) for name, each in found if each is not None and len(each.patients)]
    if not given:
        return None
    places = np.sort(np.concatenate([each.patients for _, each in given]))
    alike = Alike(np.full(sources.size, -1, np.int64), {}, {})
    most = max(each.rows.shape[1] for _, each in given)
    keys = [np.zeros(len(places), np.int64) for _ in range(4 + most)]
    alone = np.zeros(len(places), bool)
    for name, each in given:
        at = np.searchsorted(places, each.patients)
        named = (each.who != NOBODY).astype(np.int64)
        of_all = (np.full(len(at), entries.index(name)), each.count, each.reason, named)
        for key, its in zip(keys, (*of_all, *map(each.kind, range(most))), strict=True):
            key[at] = its
        for reason in np.unique(each.reason).tolist():
            has = np.zeros(len(places), bool)
            has[at[each.reason == reason]] = True
            who = np.full(len(places), NOBODY, np.int64)
            who[at] = each.who
            said = (each.element, REASONS[reason - 1])
            alone |= note(alike.who, said, who, has, places, sources.size)
    keys += [state[places] for name in entries for state in _states(sources, name)]
    chosen = [each for _, each in given]
    under = (_Under(sources.shard, places, chosen, n) for n in range(most))
    number_alike(sources, names, places, under, keys, read, table, alike, alone)
    return alike


def _inputs(sources: Sources, plan: Plan) -> Iterator[str]:
    """The quantities and ages that findings read, each once."""
    derived = sources.protocol.derived
    each = [finding.entry for finding in plan.findings.values()]
    of = chain.from_iterable(
        (*derived[name].inputs, derived[name].reported) if name in derived else (name,)
        for name in each
    )
    for name in sorted({name for name in of if name is not None}):
        if isinstance(sources.vocabulary.entries.get(name), voc.Quantity | voc.Age):
            yield name


def _unsure(sources: Sources, name: str) -> Flags:
    """Of whom an input has several alternatives, or cannot be told."""
    entry = sources.vocabulary.entries[name]
    if isinstance(entry, voc.Age):
        ages = ages_of(sources, entry)
        found: Flags = ages.left | (ages.known & (ages.least != ages.most))
        return found
    numbers = numbers_of(sources, name, None)
    return numbers.runs.to_patients(~numbers.one | numbers.left, False)


def _states(sources: Sources, name: str) -> Iterator[Ints]:
    """What there is of an input, by patient: whether another one may take its place."""
    entry = sources.vocabulary.entries[name]
    if isinstance(entry, voc.Age):
        yield ages_of(sources, entry).known.astype(np.int64)
        return
    numbers = numbers_of(sources, name, None)
    runs = numbers.runs
    for each in (runs.any(numbers.counts), numbers.blank, numbers.no_fact):
        yield runs.to_patients(each.astype(np.int64), 2)


def _of(sources: Sources, name: str, where: Flags, entries: Sequence[str]) -> _Alternatives | None:
    entry = sources.vocabulary.entries[name]
    if not isinstance(entry, voc.Age):
        return _of_number(sources, name, where)
    others = (sources.vocabulary.entries[n] for n in entries if n != name)
    if any(isinstance(other, voc.Age) and other.of == entry.of for other in others):
        return None
    return _of_age(sources, entry, where)


def _of_age(sources: Sources, entry: voc.Age, where: Flags) -> _Alternatives:
    """Of a birth date that allows two ages the lesser and the greater one."""
    ages = ages_of(sources, entry)
    where = where & ages.known & ~ages.left & (ages.most - ages.least == 1)
    table = sources.facts(entry.of, ("start_first", "start_last"))
    [rows] = np.nonzero((table["kind"] == _BORN) & where[table["patient"]])
    patients = table["patient"][rows]
    until = sources.as_of[patients]
    born = [np.minimum(table[name][rows], until) for name in ("start_last", "start_first")]
    days = np.stack(born, axis=1)
    return _Alternatives(
        entry.element,
        entry.of,
        patients,
        np.stack([rows, rows], axis=1),
        np.full(len(rows), 2),
        np.ones((len(rows), 2), bool),
        {"start_first": days, "start_last": days},
        ages.reason[patients],
        ages.who[patients],
    )


def _of_number(sources: Sources, name: str, where: Flags) -> _Alternatives | None:
    """Of the newest results the numbers that differ, from the least on; then what cannot be read,
    and nothing, where these may be."""
    if sources.fresh_from(name) is not None:
        return None
    numbers = numbers_of(sources, name, None)
    table = dict(sources.facts(name, _NUMBER))
    table["row"] = np.arange(len(table["patient"]))
    runs = Runs(table, sources.as_of)
    rows = runs.rows
    is_plain = (rows["shape"] == _POINT) & ~rows["relative"]
    can = where[runs.patients] & ~numbers.left & runs.all(is_plain | ~numbers.counts)
    at = _different(runs, runs.spread(can) & numbers.counts)
    run = np.repeat(np.arange(len(runs.starts)), runs.lengths)[at]
    count = np.bincount(run, minlength=len(runs.starts))
    in_all = count + numbers.blank + numbers.no_fact
    can &= ~_tied(rows, at, run, count, len(can)) & (in_all > 1) & (in_all <= MOST)
    its = np.full((len(can), MOST), _NONE, np.int64)
    fits = can[run]
    place = np.arange(len(run)) - (np.cumsum(count) - count)[run]
    its[run[fits], place[fits]] = at[fits]
    unread, unread_at = runs.first(~numbers.counts)
    blank = np.flatnonzero(can & numbers.blank & unread)
    its[blank, count[blank]] = unread_at[blank]
    can[numbers.blank & ~unread] = False
    its, in_all = its[can], in_all[can]
    for n in range(1, MOST):  # the last once more
        after = in_all <= n
        its[after, n] = its[after, n - 1]
    shown = np.where(its == _NONE, 0, its)
    put = {
        "first": np.maximum(rows["first"][shown], runs.floor[can][:, None]),
        "last": np.minimum(rows["last"], runs.as_of)[shown],
        "dated": np.repeat(runs.least(rows["dated"])[can][:, None], MOST, axis=1),
    }
    return _Alternatives(
        sources.vocabulary.entries[name].element,
        name,
        runs.patients[can],
        np.where(its == _NONE, _NONE, rows["row"][shown]),
        in_all,
        numbers.counts[shown],
        put,
        numbers.reason[can],
        numbers.who[can],
    )


_NUMBER = ("shape", "lo_n", "lo_d", "relative", "limits")


def _value(rows: Mapping[str, Ints]) -> Ints:
    found: Ints = rows["lo_n"].astype(np.float64) / rows["lo_d"]
    return found


def _different(runs: Runs, where: Flags) -> Ints:
    """The first of the rows that say the same, by run and from the least value on."""
    rows, [at] = runs.rows, np.nonzero(where)
    columns = ("place", "limits", "lo_d", "lo_n", "patient")
    at = at[np.lexsort([rows[name][at] for name in columns])]
    is_first = np.ones(len(at), bool)
    same = np.ones(max(len(at) - 1, 0), bool)
    for name in columns[1:]:
        same &= rows[name][at[1:]] == rows[name][at[:-1]]
    is_first[1:] = ~same
    at = at[is_first]
    found: Ints = at[np.lexsort([rows["place"][at], _value(rows)[at], rows["patient"][at]])]
    return found


def _tied(rows: Mapping[str, Ints], at: Ints, run: Ints, count: Ints, size: int) -> Flags:
    """By run whether two values are as near to each other as a float can tell, and unlike; or
    results differ in nothing but their limits of normal."""
    found = np.zeros(size, bool)
    value = _value(rows)[at]
    near = (run[1:] == run[:-1]) & (value[1:] == value[:-1])
    unlike = (rows["lo_n"][at][1:] != rows["lo_n"][at][:-1]) | (
        rows["lo_d"][at][1:] != rows["lo_d"][at][:-1]
    )
    found[run[1:][near & unlike]] = True
    ties = np.bincount(run[1:][near], minlength=size)
    found |= (ties > 0) & (ties == count - 1)
    return found
