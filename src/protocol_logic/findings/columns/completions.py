"""Periods of therapy of which the intent is not stated: each choice of intents is a completion.

A patient of whom all is stated has one. What is read of patients is then read of completions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol_logic.findings.columns.tables import Flags, Ints

_MOST = 256
"""Of more choices a patient is sooner read alone."""


@dataclass(slots=True)
class Days:
    """Periods or courses: of whom, from when to when, the number of the intent, 0 where it is not
    stated, and the number of the resource."""

    patient: Ints
    start: Ints
    end: Ints
    intent: Ints
    resource: Ints

    @classmethod
    def of(cls, parts: Sequence[Days]) -> Days:
        """Those of all parts."""
        none = np.zeros(0, np.int64)
        names = ("patient", "start", "end", "intent", "resource")
        return cls(*(np.concatenate([none, *(getattr(p, name) for p in parts)]) for name in names))

    def taken(self, where: Flags | Ints) -> Days:
        """Some of them."""
        return Days(
            self.patient[where],
            self.start[where],
            self.end[where],
            self.intent[where],
            self.resource[where],
        )


class Completions:
    """The completions of each patient, one after another in the order of `findings/therapy.py`.

    `of`: by completion the patient; `first`: by patient the first of them, and `many` how many.
    `periods`: as they are in each completion, which stands in the place of the patient.
    `unsure`: the periods of more than one intent, by patient and in record order.
    """

    def __init__(self, periods: Days, left: Flags, intents: Sequence[int]) -> None:
        """`intents`: those that are tried. Who has too many completions joins those who left."""
        size, base = len(left), len(intents)
        unsure = np.flatnonzero((periods.intent == 0) & ~left[periods.patient] & (base > 1))
        number = np.bincount(periods.patient[unsure], minlength=size)
        left |= float(base) ** number > _MOST
        unsure = unsure[~left[periods.patient[unsure]]]
        unsure = unsure[np.argsort(periods.patient[unsure], kind="stable")]
        self.unsure = periods.taken(unsure)
        number[left] = 0
        self.many = np.power(base, number)
        self.first = np.cumsum(self.many) - self.many
        self.of = np.repeat(np.arange(size), self.many)
        # In how many completions in a row a period has the same intent.
        run = np.zeros(len(periods.patient), np.int64)
        run[unsure] = np.power(base, number[self.unsure.patient] - 1 - _within(self.unsure.patient))
        which = np.flatnonzero(~left[periods.patient])
        each = np.repeat(which, self.many[periods.patient[which]])
        place = _within(each)
        self.periods = periods.taken(each)
        self.periods.patient = self.first[self.periods.patient] + place
        tried = np.array(intents)[place // np.maximum(run[each], 1) % base]
        self.periods.intent = np.where(run[each] > 0, tried, self.periods.intent)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.of)

    def to_completions(self, patients: NDArray[Any]) -> NDArray[Any]:
        """By completion what is of the patient."""
        return patients[self.of]

    def events(self, patient: Ints, day: Ints) -> tuple[Ints, Ints]:
        """Events of patients in each of their completions."""
        many = self.many[patient]
        each = np.repeat(np.arange(len(patient)), many)
        return self.first[patient[each]] + _within(each), day[each]

    def openers(self) -> tuple[Ints, Ints, Ints]:
        """Whose intents are not certain, the place of each that keeps them open and its resource:
        each resource once."""
        unsure = self.unsure
        both = unsure.patient.astype(np.int64) << 32 | unsure.resource
        its = unsure.taken(np.sort(np.unique(both, return_index=True)[1]))
        return its.patient, _within(its.patient), its.resource

    def sequences(self, numbers: Ints) -> Ints:
        """By patient a number for the sequence of what the completions have; who is told apart by
        it has as many."""
        found: Ints = numbers[self.first].astype(np.int64)
        above = int(found.max(initial=0)) + 1
        for many in np.unique(self.many[self.many > 1]).tolist():
            patients = np.flatnonzero(self.many == many)
            rows = numbers[self.first[patients][:, np.newaxis] + np.arange(many)]
            known, at = np.unique(rows, axis=0, return_inverse=True)
            found[patients] = above + at.reshape(-1)
            above += len(known)
        return found


def _within(groups: Ints) -> Ints:
    """For each of what lies in runs of equal numbers its place in the run."""
    begins = np.ones(len(groups), bool)
    begins[1:] = groups[1:] != groups[:-1]
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, len(groups)))
    places: Ints = np.arange(len(groups)) - np.repeat(starts, lengths)
    return places
