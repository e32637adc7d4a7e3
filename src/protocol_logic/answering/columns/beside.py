"""What rows tell of what stands beside lists, with the names of resources in holes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from protocol_logic.answering import rows
from protocol_logic.compiling import core
from protocol_logic.findings.columns.beside import LIST, SUSPECT, Told
from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown

_SUSPECT = re.compile(SUSPECT.format(r"(\d+)"))


class PassedOver(NamedTuple):
    """What is passed over for a criterion: as rows tell it, without the resources, under a number,
    and the places of these among what stands beside lists."""

    number: int
    said: tuple[Mapping[str, Any], ...]
    places: tuple[int, ...]


NOTHING = PassedOver(0, (), ())


class _Template(NamedTuple):
    """A problem, the place of its list, and text and places of resources in turn."""

    problem: Problem
    of_list: int
    words: tuple[str, ...]


class ToldRows:
    """What is told of patients alike."""

    def __init__(self, protocol: core.Protocol, told: Told, known: dict[str, int]) -> None:
        """`known`: the numbers of what is passed over, so far."""
        self.passed = [_passed(told, each.id, known) for each in protocol.criteria]
        its = rows.problems_of(told.record, told.found)
        of_list = {LIST.format(history): place for place, history in enumerate(told.lists)}
        self._templates = [
            _Template(each, of_list[each.resource], tuple(_SUSPECT.split(each.message)))
            for each in its
            if each.resource is not None
        ]

    def problems(
        self, source: str, suspects: Sequence[str], lists: Sequence[str]
    ) -> tuple[Problem, ...]:
        """The problems of a patient; `suspects`, `lists`: the names of the resources."""
        found = []
        for problem, of_list, words in self._templates:
            message = "".join(
                shown(suspects[int(each)]) if place % 2 else each
                for place, each in enumerate(words)
            )
            found.append(
                Problem(
                    code=problem.code,
                    message=message,
                    hint=problem.hint,
                    resource=lists[of_list],
                    file=source,
                )
            )
        return tuple(found)


def _passed(told: Told, criterion: str, known: dict[str, int]) -> PassedOver:
    said = rows.passed_over(told.found, criterion)
    places = tuple([int(_SUSPECT.split(each["resource"] or "")[1]) for each in said])
    plain: list[dict[str, Any]] = [{**each, "resource": None} for each in said]
    return PassedOver(known.setdefault(repr(plain), len(known)), tuple(plain), places)
