"""What a cohort needs of one patient's decision, so that patients who were judged alike are one.

A part is what eligibility is asked for: a scope of the protocol, or the protocol where it has none.
Criteria are counted from 0 in the order of the protocol; a verdict is its first letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protocol_logic.compiling import core
from protocol_logic.reasoning.decision import Eligibility

FailTogether = Callable[[Sequence[int]], tuple[int, ...]]
"""The first minimal set of open criteria, among some, that no scenario lets pass together."""


@dataclass(frozen=True, slots=True)
class Part:
    """A scope with the criteria that count there; without `scope`: all of a protocol's."""

    scope: core.Scope | None
    criteria: tuple[int, ...]


def parts_of(protocol: core.Protocol) -> tuple[Part, ...]:
    """What eligibility is asked for, in order."""
    if not protocol.scopes:
        return (Part(None, tuple(range(len(protocol.criteria)))),)
    return tuple(
        Part(
            scope,
            tuple(
                i for i, c in enumerate(protocol.criteria) if not c.scopes or scope.id in c.scopes
            ),
        )
        for scope in protocol.scopes
    )


@dataclass(frozen=True, slots=True)
class Together:
    """What criteria that are open by themselves come to when they are read together.

    `lost_at`: the first criterion with which it and those before it cannot all pass, though none of
    them fails; None: there is none. `names`: where no more than one criterion fails, the first
    minimal set of open ones that cannot all pass. `needed`: where none fails, the open ones without
    which the others could.
    """

    lost_at: int | None = None
    names: tuple[int, ...] = ()
    needed: tuple[int, ...] = ()


ALONE = Together()
"""Of nearly all patients: read together, criteria say what they say alone."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a patient stands in one part: the verdicts of its criteria, alone and together."""

    verdicts: str
    together: Together = ALONE

    def lost_at(self) -> int | None:
        """The place of the criterion at which a patient is certainly lost, read in order."""
        failed = self.verdicts.find("f")
        places = [p for p in (failed, self.together.lost_at) if p is not None and p >= 0]
        return min(places, default=None)

    def eligibility(self) -> Eligibility:
        """What the verdicts come to."""
        if "f" in self.verdicts or self.together.names:
            return "ineligible"
        return "undetermined" if "o" in self.verdicts else "eligible"

    def without(self, place: int) -> Eligibility:
        """What they would come to without one criterion."""
        verdict, others = self.verdicts[place], self.verdicts.replace("p", "")
        if others.count("f") > (verdict == "f"):
            return "ineligible"
        if self.together.names and (verdict == "f" or place not in self.together.needed):
            return "ineligible"
        return "undetermined" if others.count("o") > (verdict == "o") else "eligible"


def standing_of(part: Part, verdicts: str, fail_together: FailTogether) -> Standing:
    """How a patient stands in a part.

    `verdicts`: of all criteria. Places, in what is returned, are those in the part.
    """
    verdicts = "".join([verdicts[i] for i in part.criteria])
    if verdicts.count("o") < 2:
        return Standing(verdicts)

    def together(places: Sequence[int]) -> tuple[int, ...]:
        if len(places) < 2:
            return ()
        said = fail_together([part.criteria[p] for p in places])
        return tuple(part.criteria.index(c) for c in said)

    opened = [place for place, verdict in enumerate(verdicts) if verdict == "o"]
    first = verdicts.find("f")
    before = [place for place in opened if first < 0 or place < first]
    lost_at = None
    if together(before):
        lost_at = next(p for n, p in enumerate(before) if together(before[: n + 1]))
    names: tuple[int, ...] = ()
    needed: tuple[int, ...] = ()
    if verdicts.count("f") < 2:
        names = together(opened)
    if names and first < 0:
        needed = tuple(p for p in opened if not together([q for q in opened if q != p]))
    if lost_at is None and not names:
        return Standing(verdicts)
    return Standing(verdicts, Together(lost_at, names, needed))
