"""What was seen of patients to the report of a cohort, for the command and for Python alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import click

from protocol_logic.surfaces.terminal import visible

if TYPE_CHECKING:
    from protocol_logic.answering.cohort.rank import Ranked
    from protocol_logic.answering.cohort.report import Eased, Report
    from protocol_logic.answering.cohort.seeing import Seen, Tally
    from protocol_logic.answering.cohort.strata import Stratum
    from protocol_logic.answering.rows import AsOf
    from protocol_logic.pipeline import Compiled
    from protocol_logic.records.facts import PatientRecord


_UNCONFIRMED = (
    "screened again with this limit, other patients are eligible than were expected, so it is not "
    "suggested; this is an error of this program, please report it"
)


class Piece(NamedTuple):
    """What is counted of a patient. `judged`: gives the record and the day, of one who is near."""

    seen: Seen
    ranked: Ranked | None
    judged: Callable[[], tuple[PatientRecord, AsOf]] | None


Pieces: TypeAlias = Callable[[], Iterator[Piece]]
"""The pieces of all patients, in order, each time from the first."""


def counted(
    compiled: Compiled, strata: Sequence[Stratum], days: Sequence[date], pieces: Pieces, rank: bool
) -> Report:
    """The report of a cohort; `days`: the first and the last of judgement, if any."""
    from protocol_logic.answering.cohort.limits import limits_of
    from protocol_logic.answering.cohort.patterns import parts_of
    from protocol_logic.answering.cohort.rank import ranking
    from protocol_logic.answering.cohort.report import report_of
    from protocol_logic.answering.cohort.seeing import Tally

    c = compiled
    tally = Tally(parts_of(c.protocol), len(strata))
    ranked: list[Ranked] = []
    for piece in pieces():
        tally.add(piece.seen)
        if piece.ranked is not None:
            ranked.append(piece.ranked)
    limits = limits_of(c.protocol, c.plan)
    eased = [list(_eased(c, strata, pieces, tally, number)) for number in range(len(tally.parts))]
    report = report_of(c.protocol, c.digest, c.policies, days, tally, limits, strata, eased)
    return {**report, "ranked": ranking(ranked) if rank else None}


def _eased(
    compiled: Compiled, strata: Sequence[Stratum], pieces: Pieces, tally: Tally, number: int
) -> Iterator[Eased]:
    """The limits to ease next for a part, each step screened again."""
    from protocol_logic.answering.cohort.curves import suggestions
    from protocol_logic.answering.cohort.limits import OtherLimits, limits_of
    from protocol_logic.answering.cohort.report import Eased
    from protocol_logic.pipeline import Screening, with_other_limits

    part = tally.parts[number]
    limits = limits_of(compiled.protocol, compiled.plan)
    moved: OtherLimits = {}
    before: set[int] = set()
    for step in suggestions(limits, part.near):
        levels = {
            limits[n].test: (level, limits[n].words(level)) for n, level in step.levels.items()
        }
        moved = {**moved, **levels}
        screening = Screening(with_other_limits(compiled, moved))
        added: list[Counter[str]] = [Counter() for _ in strata]
        eligible: set[int] = set()
        for place, (seen, _, judged) in enumerate(pieces()):
            if judged is None or not seen.near[number].sets:
                continue
            row = screening.row(*judged())
            said = row["scopes"][number] if row["scopes"] else row
            if said["eligibility"] == "eligible":
                eligible.add(place)
                if place not in before:
                    for counter, value in zip(added, seen.values, strict=True):
                        counter[value] += 1
        if len(eligible - before) != step.added or not before <= eligible:
            told = " and ".join(words for _, words in levels.values())
            click.echo(f"{visible(told)}: {_UNCONFIRMED}", err=True)
            return
        before = eligible
        yield Eased(step, tuple(added))
