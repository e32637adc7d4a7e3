"""All minimal repairs of a patient: which inputs, set to which regions, make the patient eligible
in every scenario that is left. Cheapest first, and always in the same order."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from protocol_logic.answering.what_if.changes import UNKNOWN, Change, Repair, Repairs
from protocol_logic.answering.what_if.failing import OfProtocol, TooMany
from protocol_logic.answering.what_if.levers import Lever
from protocol_logic.answering.what_if.searching import MOST, Search
from protocol_logic.foundation.problems import each_of
from protocol_logic.reasoning.repairing import Region
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.values import NEVER

MORE_THAN_MOST = f"there are more than {MOST:,} repairs: the cheapest are given"


class Repairing(OfProtocol):
    """Repairs the patients of one protocol; keeps what makes its criteria fail."""

    def repairs(self, record: PatientRecord, as_of: date) -> Repairs:
        """The repairs of a patient who is not eligible on a day, those by waiting with them."""
        from protocol_logic.answering.what_if.waiting import with_waits

        try:
            patient = Patient(self, record, as_of)
            return with_waits(patient, patient.repairs())
        except TooMany as error:
            return Repairs(complete=False, notes=(str(error),))


class Patient(Search):
    """One patient on one day."""

    def __init__(
        self,
        of_protocol: OfProtocol,
        record: PatientRecord,
        as_of: date,
        since: date | None = None,
    ) -> None:
        super().__init__(of_protocol, record, as_of, since)
        self._changes: dict[tuple[int, tuple[int, ...]], Change] = {}
        self._regions: dict[Change, tuple[int, tuple[int, ...]]] = {}
        self._too_many: dict[str, None] = {}
        """Of which criteria not all ways are known to make them pass, in words."""

    # ---- all of them -----------------------------------------------------------------------------

    def repairs(self) -> Repairs:
        """All repairs, of the scopes together; none where the patient is eligible."""
        if self.decision.eligibility == "eligible":
            return Repairs()
        scopes = self._scopes()
        found = [each for criteria in scopes for each in self.of_criteria(criteria)]
        if len(scopes) > 1:
            found = [x for x in dict.fromkeys(found) if not any(is_less(y, x) for y in found)]
            minimal = set(self.smaller.minimal([self.region_of(x) for x in found]))
            found = sorted((x for x in found if self.region_of(x) in minimal), key=order)
        if len(found) > MOST:
            self._too_many[MORE_THAN_MOST] = None
        capped = tuple(self._too_many)
        notes = (*capped, *self._notes(self.failed))
        return Repairs(
            repairs=tuple(found[:MOST]),
            complete=not notes,
            notes=notes,
            alternatives=tuple(self._alternatives()) if capped else (),
            immutable=self._immutable(),
        )

    def _alternatives(self) -> Iterator[tuple[str, tuple[Repair, ...]]]:
        """What makes each criterion pass that does not, by itself."""
        for criterion in self.names_of(self.failed):
            yield criterion, tuple(self.of_criteria({criterion})[:MOST])

    def _immutable(self) -> tuple[str, ...]:
        """What is recorded of the inputs of what fails, and never changes."""
        blocks = {block for unit in self.failed for block in self.reads(unit)}
        names = {name for block in blocks for name in self.divided.blocks[block].sources}
        readers = self.r.sources.readers
        return tuple(n for n in readers if n in names and self.maker.is_immutable(n))

    def _notes(self, failed: Sequence[int]) -> tuple[str, ...]:
        """Why some repairs of what does not pass are not found."""
        read = {name for unit in failed for name in self.r.units[unit].read.names}
        each = [note for name, notes in self.maker.notes.items() if name in read for note in notes]
        return tuple(dict.fromkeys(each))

    def of_criteria(self, criteria: Collection[str]) -> list[Repair]:
        """The repairs that make some criteria pass; one more than are given where there are
        more."""
        units = {u for u, unit in enumerate(self.r.units) if unit.criterion in criteria}
        failed = [u for u in self.failed if u in units]
        if any(not self.levers_of(u) for u in sorted(failed, key=lambda u: len(self.reads(u)))):
            self.related.update(dict.fromkeys(failed))
            return []
        parts = self.parts(failed, units)
        solved, capped = {}, dict[str, None]()
        for part in sorted(parts, key=len):
            solved[part], complete = self.solved(part)
            if not complete:
                capped[_too_many(self.names_of(part))] = None
            if not solved[part]:
                self._too_many.update(capped if not complete else {})
                return []
        self._too_many.update(capped)
        ranked = [sorted(map(self._repair, solved[part]), key=order) for part in parts]
        return list(_combined(ranked, MOST + 1))

    def stuck(self) -> list[tuple[str, ...]]:
        """The criteria that nothing makes pass by themselves; where there are none, those that
        nothing makes pass together."""
        failed = self.names_of(self.failed)
        alone = [(criterion,) for criterion in failed if not self.of_criteria({criterion})]
        if alone:
            return list(alone)
        found: dict[tuple[str, ...], None] = {}
        for criteria in self._scopes():
            units = {u for u, unit in enumerate(self.r.units) if unit.criterion in criteria}
            for part in self.parts([u for u in self.failed if u in units], units):
                if not self.solved(part)[0]:
                    found[tuple(dict.fromkeys(self.r.units[u].criterion for u in part))] = None
        return list(found)

    def _scopes(self) -> list[set[str]]:
        """The criteria of each scope; without scopes all."""
        engine = self.r.engine
        scopes = [{engine.reads[i].id for i in chosen} for _, chosen in engine.scopes]
        return scopes or [{read.id for read in engine.reads}]

    def names_of(self, units: Iterable[int]) -> list[str]:
        """The criteria of those of some units that do not pass."""
        return [*dict.fromkeys(self.r.units[u].criterion for u in units if u in self.failed)]

    def region_of(self, repair: Repair) -> Region:
        """The region that a repair of this patient sets."""
        return tuple(self._regions[change] for change in repair.changes)

    # ---- repairs ---------------------------------------------------------------------------------

    def _repair(self, region: Region) -> Repair:
        changes = tuple(map(self._changed, region))
        return Repair(changes=changes, cost=sum([c.cost for c in changes]))

    def _changed(self, set_to: tuple[int, tuple[int, ...]]) -> Change:
        """A lever that is set to some options as a change."""
        if set_to not in self._changes:
            lever, kept = set_to
            change = self._changes[set_to] = _change(self.states.levers[lever], kept)
            self._regions[change] = set_to
        return self._changes[set_to]


def _too_many(criteria: Sequence[str]) -> str:
    return (
        f"there are more than {MOST:,} ways to make {each_of(criteria)} pass: "
        "of the cheapest, those are given of which it is sure that nothing less does"
    )


_NOW = {UNKNOWN: "not recorded", NEVER: "never so far"}


def _change(lever: Lever, kept: tuple[int, ...]) -> Change:
    option = lever.options[kept[0]]
    now = lever.unusable or _NOW.get(lever.was, f"now {lever.was}")
    return Change(
        finding=lever.name,
        was=lever.was,
        to=lever.said(kept),
        kind=option.doing,
        cost=option.cost,
        rounded=lever.joined == "range" and lever.is_rounded(kept),
        because="; ".join([now, *lever.why(kept)]),
    )


def _combined(ranked: Sequence[Sequence[Repair]], most: int) -> Iterator[Repair]:
    """One repair of each part, cheapest first.

    Places come once each: from one that differs in its last place above 0 alone.
    """
    if not ranked:
        return
    sizes = [[(r.cost, len(r.changes)) for r in part] for part in ranked]
    start = (0,) * len(ranked)
    cost, number = (sum(each[0][i] for each in sizes) for i in (0, 1))
    heap = [(cost, number, start, 0)]
    for _ in range(most):
        if not heap:
            return
        cost, number, places, last = heapq.heappop(heap)
        changes = [c for part, n in zip(ranked, places, strict=True) for c in part[n].changes]
        yield Repair(changes=tuple(changes), cost=cost)
        for i in range(last, len(places)):
            n = places[i]
            if n + 1 < len(sizes[i]):
                (old, few), (new, many) = sizes[i][n : n + 2]
                following = (*places[:i], n + 1, *places[i + 1 :])
                heapq.heappush(heap, (cost - old + new, number - few + many, following, i))


def order(repair: Repair) -> tuple[int, int, tuple[tuple[str, str], ...]]:
    """Cheapest first, then with the fewest changes, then by text."""
    texts = tuple((change.finding, change.to) for change in repair.changes)
    return repair.cost, len(repair.changes), texts


def is_less(one: Repair, other: Repair) -> bool:
    """Whether a repair has some of the changes of another alone."""
    return one is not other and set(one.changes) < set(other.changes)
