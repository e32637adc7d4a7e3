"""Patients who leave the columns for some parts of the plan: read one by one, and put back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns.tables import (
    NO_LOOK,
    NOBODY,
    Column,
    Columns,
    Looks,
    Part,
)
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.read import read_visible
from protocol_logic.findings.rows import PatientFindings, Reason
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge.vocabulary import History
from protocol_logic.records.facts import Closed, PatientRecord
from protocol_logic.records.store.by_entry import NEVER, OTHER_TEXT, PLAIN_TEXTS

_EPOCH = date(1970, 1, 1).toordinal()
NAMED = -2
"""The number of a resource that goes by the first of the names given with the columns; the second
is one less."""


Said: TypeAlias = tuple[str, Reason]
Given: TypeAlias = list[tuple[str, int, int, list[Said | None]]]
"""Finding or group, its look, why it is open, and which of these openers name a resource."""
Copies: TypeAlias = dict[int, Given | None]
"""What is given to all who look alike, by their number; None: nothing can be."""


class Leaving:
    """Reads patients of one shard, one at a time, into its columns.

    `texts`: the number of each date text of the store that is no plain year, month or day.
    `names`: the resources that columns name by a number of `NAMED` and less.
    """

    def __init__(
        self,
        protocol: core.Protocol,
        columns: Columns,
        looks: Looks,
        windows: Mapping[str, Window] = MappingProxyType({}),
        timepoints: Mapping[str, date] = MappingProxyType({}),
        texts: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.protocol = protocol
        self.columns = columns
        self.looks = looks
        self.windows = windows
        self.timepoints = timepoints
        self.texts = texts
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._given: dict[tuple[int, frozenset[str]], tuple[str, ...]] = {}

    def read(self, place: int, record: PatientRecord, as_of: date, parts: Iterable[Part]) -> bool:
        """Read parts of a patient; False where columns cannot tell all of it."""
        fresh_from = {name: window.first_day(as_of) for name, window in self.windows.items()}
        vocabulary = self.protocol.vocabulary
        visible = Visible(record, as_of, vocabulary, fresh_from, self.timepoints)
        for part in parts:
            found = read_visible(self.protocol, part.plan, visible)
            if found.widened or not self._put(place, part.names, found):
                return False
            groups = [group.name for group in found.groups]
            self._given[place, part.names] = tuple(dict.fromkeys((*part.names, *groups)))
        return True

    def _put(self, place: int, names: frozenset[str], found: PatientFindings) -> bool:
        for name in dict.fromkeys((*names, *(group.name for group in found.groups))):
            column = self.columns.columns.get(name)
            if column is None:
                column = self.columns.columns[name] = Column.empty(self.columns.size)
            look, openers = found.looks.get(name), found.openers.get(name, ())
            column.look[place] = NO_LOOK if look is None else self.looks.number(look)
            column.why[place] = self.looks.why_number(tuple((o.element, o.reason) for o in openers))
            for n, opener in enumerate(openers):
                column.resource(n)[place] = self._resource(opener.resource)
            oldest = NEVER
            facts = found.evidence.get(name, ())
            lists = [f.entry for f in facts if isinstance(f.reading, Closed)]
            lists = [entry for entry in lists if self._is_list(entry)]
            column.closing[place] = self.looks.list_number(lists[-1] if lists else None)
            for fact in facts:
                if fact.date is not None and fact.date.first > date.min:
                    dated = self._dated(fact.date)
                    if dated is None:
                        return False
                    oldest = min(oldest, dated)
            column.oldest[place] = oldest
        return True

    def _is_list(self, entry: str) -> bool:
        return isinstance(self.protocol.vocabulary.entries.get(entry), History)

    def take(self, place: int, part: Part, copies: Copies) -> None:
        """Note what a patient who was read gives to those who look alike, if it can be given."""
        alike = part.alike
        assert alike is not None
        number = int(alike.number[place])
        copies[number] = None
        given = []
        for name in self._given[place, part.names]:
            column = self.columns.columns[name]
            oldest = alike.oldest[name][place] if name in part.names else NEVER
            if column.oldest[place] != oldest or column.closing[place]:
                return
            says: list[Said | None] = []
            for n, said in enumerate(self.looks.whys[int(column.why[place])]):
                is_named = n < len(column.who) and column.who[n][place] != NOBODY
                has = said in alike.who
                if is_named != (has and alike.who[said][place] != NOBODY):
                    return
                says.append(said if has else None)
            given.append((name, int(column.look[place]), int(column.why[place]), says))
        copies[number] = given

    def give(self, places: Sequence[int], part: Part, given: Given) -> None:
        """Put what a patient gave into the columns of others who look alike."""
        alike = part.alike
        assert alike is not None
        for name, look, why, says in given:
            column = self.columns.columns.get(name)
            if column is None:
                column = self.columns.columns[name] = Column.empty(self.columns.size)
            column.look[places], column.why[places], column.closing[places] = look, why, 0
            column.oldest[places] = alike.oldest[name][places] if name in part.names else NEVER
            for n, said in enumerate(says):
                who = NOBODY if said is None else alike.who[said][places]
                column.resource(n)[places] = who

    def _resource(self, name: str | None) -> int:
        if name is None:
            return NOBODY
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return NAMED - self._numbers[name]

    def _dated(self, day: PartialDate) -> int | None:
        """A date as it is compared; None where the store does not know its text."""
        first = day.first.isoformat()
        plain = {first[:4]: 0, first[:7]: 1, first: 2}
        kind = plain.get(day.text, self.texts.get(day.text))
        return None if kind is None else (day.first.toordinal() - _EPOCH) * OTHER_TEXT + kind


def text_of(dated: int, texts: Mapping[int, str]) -> str:
    """The text of a date that was compared; `texts`: by number, those that are no plain ones."""
    day, kind = divmod(dated, OTHER_TEXT)
    first = date.fromordinal(day + _EPOCH).isoformat()
    return (first[:4], first[:7], first)[kind] if kind < PLAIN_TEXTS else texts[kind]
