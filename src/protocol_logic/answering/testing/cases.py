"""Worked cases: FHIR records with what is expected of each, in a file `expected.json`.

Source: docs/testing.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeGuard

from protocol_logic.answering.rows import Row
from protocol_logic.answering.testing.judging import check_of, outcome_holds, said_of
from protocol_logic.answering.testing.results import Check
from protocol_logic.compiling.expectations import ELIGIBILITIES, NOT_APPLYING
from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.foundation.text import shown
from protocol_logic.records.json_text import NotJson, Object, parse

_OUTCOMES = ("met", "not_met", "unknown")


class BadCases(ValueError):
    """An `expected.json` that cannot be used: why (safe to show), and the cure."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Case:
    """One record and what is expected of it.

    `criteria`: id -> outcome; `vacuous`: those that do not apply; `gaps`: the gaps of all criteria,
    `gaps_of`: those of one. What is None is not said.
    """

    name: str
    title: str
    file: str
    as_of: date | None
    criteria: Mapping[str, str]
    vacuous: frozenset[str] | None
    eligibility: str | None
    jointly: bool | None
    gaps: frozenset[str] | None
    gaps_of: Mapping[str, frozenset[str]]

    def checks(self, row: Row) -> Iterator[Check]:
        """What came of each expectation."""
        found = {c["id"]: c for c in row["criteria"]}
        for name, outcome in self.criteria.items():
            said, expected = found[name], outcome.replace("_", " ")
            got, holds = said_of(said, None), outcome_holds(said, expected)
            if self.vacuous is not None and (name in self.vacuous) == said["applies"]:
                applies = "applies" if said["applies"] else NOT_APPLYING
                expected = NOT_APPLYING if name in self.vacuous else f"{expected}, applies"
                got, holds = f"{got}, {applies}", False
            if name in self.gaps_of:
                gaps = self.gaps_of[name]
                expected += f" because {', '.join(sorted(gaps))}"
                holds = holds and gaps == set(said["gaps"])
            yield check_of(said, name, expected, got, holds)
        if self.eligibility is not None:
            expected, got = self.eligibility, row["eligibility"]
            holds = expected == got
            if self.jointly is not None and holds:
                holds = self.jointly == bool(row["decided_jointly"])
                expected += ", decided jointly" if self.jointly else ", by a criterion alone"
            yield Check("eligibility", expected, got, holds)
        if self.gaps is not None:
            gaps = frozenset(gap for c in row["criteria"] for gap in c["gaps"])
            yield Check("all gaps", _listed(self.gaps), _listed(gaps), gaps == self.gaps)


def protocol_of(data: bytes) -> str | None:
    """The protocol that the file of cases names, if it names one."""
    content = _content(data)
    name = content.get("protocol")
    return name if isinstance(name, str) else None


def read_cases(data: bytes, criteria: Sequence[str]) -> list[Case]:
    """The cases of an `expected.json`; `criteria`: the ids of the protocol, in order.

    A criterion is named by its id, or by its number from 1. Raises BadCases.
    """
    content = _content(data)
    cases = content.get("cases", content.get("patients"))
    if not isinstance(cases, dict) or not cases:
        raise BadCases("it has no cases", 'write `{"cases": {"NAME": {"file": ...}}}`')
    return [_Reader(name, case, criteria).case() for name, case in cases.items()]


def _content(data: bytes) -> Object:
    try:
        content = parse(data)
    except NotJson as error:
        raise BadCases(str(error), error.hint) from error
    if not isinstance(content, dict):
        raise BadCases("it is not a JSON object")
    return content


class _Reader:
    def __init__(self, name: str, case: object, criteria: Sequence[str]) -> None:
        self.name = name
        if not isinstance(case, dict):
            raise BadCases(f"case `{shown(name)}` is not a JSON object")
        self.object: Object = case
        self.ids = {str(number): name for number, name in enumerate(criteria, 1)}
        self.ids |= {name: name for name in criteria}

    def bad(self, message: str, hint: str | None = None) -> BadCases:
        return BadCases(f"case `{shown(self.name)}`: {message}", hint)

    def case(self) -> Case:
        file = self.object.get("file")
        if not isinstance(file, str):
            raise self.bad("it names no `file`")
        criteria = self._object("criteria")
        for outcome in criteria.values():
            if outcome not in _OUTCOMES:
                raise self.bad(f"`{shown(str(outcome))}` is no outcome", f"it is {_or(_OUTCOMES)}")
        exact = self.object.get("overall_exact")
        overall = exact or self.object.get("overall") or self.object.get("eligibility")
        if overall is not None and overall not in ELIGIBILITIES:
            hint = f"it is {_or(ELIGIBILITIES)}"
            raise self.bad(f"`{shown(str(overall))}` is no eligibility", hint)
        title = self.object.get("title")
        missing, vacuous = self._names("missing_data"), self._names("vacuous")
        if not criteria and overall is None and missing is None:
            raise self.bad("it expects nothing", "add `criteria`, `overall` or `missing_data`")
        gaps = {key: self._list("gaps", each) for key, each in self._object("gaps").items()}
        return Case(
            name=self.name,
            title=title if isinstance(title, str) else "",
            file=file,
            as_of=self._day(),
            criteria={self._id(key): str(outcome) for key, outcome in criteria.items()},
            vacuous=None if vacuous is None else frozenset(map(self._id, vacuous)),
            eligibility=overall,
            jointly=exact is not None if overall is not None else None,
            gaps=missing,
            gaps_of={self._id(key): names for key, names in gaps.items()},
        )

    def _id(self, key: str) -> str:
        if key not in self.ids:
            hint = did_you_mean(key, self.ids) or "criteria have their id, or their number from 1"
            raise self.bad(f"the protocol has no criterion `{shown(key)}`", hint)
        return self.ids[key]

    def _day(self) -> date | None:
        text = self.object.get("as_of")
        if text is None:
            return None
        try:
            return date.fromisoformat(text)
        except (TypeError, ValueError):
            raise self.bad("`as_of` is no date", "write it as YYYY-MM-DD") from None

    def _object(self, key: str) -> Object:
        found = self.object.get(key, {})
        if not isinstance(found, dict):
            raise self.bad(f"`{key}` is not a JSON object")
        return found

    def _names(self, key: str) -> frozenset[str] | None:
        return self._list(key, self.object[key]) if key in self.object else None

    def _list(self, key: str, found: object) -> frozenset[str]:
        if not _is_texts(found):
            raise self.bad(f"`{key}` is not a list of texts")
        return frozenset(found)


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _or(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:-1]) + f" or `{names[-1]}`"
