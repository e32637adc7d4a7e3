"""The problems of the patients of a shard, as far as resources have them by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.records.store.kept import KeptProblem
from protocol_logic.records.store.opening import told
from protocol_logic.records.store.rows import WHOLE, problem_of

if TYPE_CHECKING:
    from protocol_logic.records.store.reading import Gatherer
    from protocol_logic.records.store.shards import Array, Shard


class Made:
    """Which resources of which patients made a fact; both go by number, from 0."""

    def __init__(self, patients: Array, resources: Array, most: Array) -> None:
        """`most`: by patient how many numbers of resources there are."""
        import numpy as np

        self.starts = np.concatenate(([0], np.cumsum(most)))
        self.has = np.zeros(int(self.starts[-1]), bool)
        self.has[self.starts[patients] + resources] = True

    def counts(self) -> Array:
        """How many did, by patient."""
        import numpy as np

        sums = np.concatenate(([0], np.cumsum(self.has)))
        return sums[self.starts[1:]] - sums[self.starts[:-1]]

    def did(self, patient: int, resource: int) -> bool:
        """Whether one did."""
        return bool(self.has[self.starts[patient] + resource])


class Troubles:
    """What is wrong with resources, by place of the patient: `problems`; in `alone` how many
    resources there are of which nothing else is told; `unclear`: of whom this cannot tell it."""

    def __init__(
        self, shard: Shard, gatherer: Gatherer, made: Made, sources: Sequence[str]
    ) -> None:
        self.problems: dict[int, tuple[Problem, ...]] = {}
        self.alone: Counter[int] = Counter()
        self.unclear: set[int] = set()
        self._gatherer = gatherer
        found: dict[int, list[Problem]] = {}
        for (place, resource), its in _by_resource(shard, gatherer).items():
            name, about, problems = its
            did = resource != WHOLE and made.did(place, resource)
            each = problems if resource == WHOLE else self._told(place, about, problems, did)
            if each:
                source = sources[place]
                found.setdefault(place, []).extend(kept.problem(name, source) for kept in each)
                self.alone[place] += resource != WHOLE and not did
        for place, of_place in found.items():
            self.problems[place] = tuple(Problems(of_place).sorted())

    def _told(
        self, place: int, about: int | None, problems: Sequence[KeptProblem], did: bool
    ) -> list[KeptProblem]:
        """The problems of a resource that are told under the protocol; `did`: it made a fact."""
        chosen = self._gatherer.chosen
        kind, content = (None, "") if about is None else self._gatherer.abouts[about]
        if kind is None:  # its entries stand as they are; those of facts that do not count, unseen
            names = chosen.names
            read = did or any(problem.entry in names for problem in problems)
            if not read and any(problem.scope == "read" for problem in problems):
                self.unclear.add(place)
            return [p for p in problems if chosen.tells(p, read, p.entry in names, False)]
        parts = chosen.said(kind, None, content).parts
        return [
            p for p in problems if chosen.tells(p, bool(parts), (p.part, p.entry) in parts, False)
        ]


_Its: TypeAlias = "tuple[str | None, int | None, list[KeptProblem]]"


def _by_resource(shard: Shard, gatherer: Gatherer) -> dict[tuple[int, int], _Its]:
    """The name and the code elements of each resource that may have problems, with these; also
    those of the whole document."""
    numbers = sorted(number for number in gatherer.numbers.values() if number >= 0)
    with told():
        rows = shard.connection.execute(
            "SELECT patient, its.name, about, problems.* EXCLUDE (patient) "
            f"FROM (SELECT * FROM problems WHERE {shard.reach} "
            "AND (entry IS NULL OR entry IN (SELECT unnest(?)))) AS problems "
            f"LEFT JOIN (SELECT * FROM resources WHERE {shard.reach}) AS its "
            "USING (patient, resource)",
            [numbers],
        ).fetchall()
    if not rows:
        return {}
    import numpy as np

    found: dict[tuple[int, int], _Its] = {}
    places = shard.places(np.array([row[0] for row in rows])).tolist()
    for place, (_, name, about, *row) in zip(places, rows, strict=True):
        if place >= 0:
            found.setdefault((place, row[0]), (name, about, []))[2].append(problem_of(tuple(row)))
    return found
