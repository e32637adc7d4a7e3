"""Statements in one completion: newest facts, named values, conditions, procedures, lesions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Self

from protocol_logic.compiling import core
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import (
    Closed,
    ConditionStated,
    Done,
    Fact,
    LesionSize,
    Measured,
    Stated,
)
from tests.differential.reference_chart import LESION_VALUES, Chart, samples
from tests.differential.reference_days import NOT_BEFORE, Day, Far, on
from tests.differential.reference_doubts import is_doubted
from tests.differential.reference_world import World

Numbered = tuple[int, Fact]
"""A fact with its number in the record."""


class Statements(ABC):
    """The statements of a completion."""

    def __init__(self, chart: Chart, world: World, window: Window | None = None) -> None:
        self.chart = chart
        self.world = world
        self.window = window

    def within_window(self, window: Window | None) -> Self:
        """The same completion, in which only what is in the window is seen."""
        return type(self)(self.chart, self.world, window)

    def scope(self, *entries: str) -> Hashable:
        """What keeps uncertain things of different windows apart.

        The newest facts are read once for all windows that surely hold them.
        """
        newest = self.chart.possible_newest(entries, self.window)
        if newest and all(self.chart.surely_in(fact, self.window) for _, fact in newest):
            return tuple(number for number, _ in newest)
        return self.window

    def day(self, number: int, fact: Fact) -> Day:
        """The day that decides whether a fact counts, and which is the latest."""
        day = self.chart.day(number, fact)
        scope = self.scope(fact.entry) if self.window is not None else None
        return (
            day
            if scope is None or isinstance(scope, tuple)
            else replace(day, name=(day.name, scope))
        )

    # ---- which facts count -------------------------------------------------------------------

    def visible(self, *entries: str) -> list[Numbered]:
        """The facts dated on or before the as-of date."""
        return [fact for entry in entries for fact in self._visible(entry)]

    def _visible(self, entry: str) -> list[Numbered]:
        """Of an entry with values of which nothing is there, a result that is called alike may be
        one that nobody can read."""
        found = self._dated(entry)
        named = self.chart.vocabulary.entries.get(entry)
        if found or not isinstance(named, voc.Quantity | voc.Status):
            return found
        end = self.chart.last_of(self.window)
        start = self.chart.first_of(self.window)
        alike = [
            each
            for each in self.chart.alike
            if entry in each.entries and each.date.first <= end and each.date.last >= start
        ]
        if not alike or not self.world.choose(("alike", entry, self.window), [False, True]):
            return found
        reading = Measured(None) if isinstance(named, voc.Quantity) else Stated(None)
        day = PartialDate.parse(end.isoformat())
        fact = Fact(entry=entry, resource="", date=day, recorded="", reading=reading)
        return [(-1 - list(self.chart.vocabulary.entries).index(entry), fact)]

    def _dated(self, *entries: str) -> list[Numbered]:
        return [
            (number, fact)
            for number, fact in self.chart.facts(*entries)
            if self.world.far(
                NOT_BEFORE, self.day(number, fact), on(self.chart.last_of(self.window))
            )
            and not self._is_before_window(number, fact)
        ]

    def _is_before_window(self, number: int, fact: Fact) -> bool:
        if self.window is None:
            return False
        return self._passed(self.window, on(self.chart.end_of(self.window)), number, fact)

    def _passed(self, window: Window, end: Day, number: int, fact: Fact) -> bool:
        """Whether a fact is of a day before a window that ends on a day."""
        too_far = Far("passed", window.number)
        if window.unit == "days":
            too_far = Far("days", window.number + 1)
        return self.world.far(too_far, self.day(number, fact), end)

    def newest(self, *entries: str) -> list[Numbered]:
        """The visible facts of the latest day that has any."""

        def find() -> list[Numbered]:
            found = of_now(self.visible(*entries))
            return [one for one in found if all(self._not_before(one, other) for other in found)]

        return self.world.once(("newest", entries, self.window), find)

    def latest(self, entry: str) -> list[Numbered]:
        """The newest facts without those that one at a later time of the same day follows."""
        return without_followed(self.newest(entry))

    def _not_before(self, one: Numbered, other: Numbered) -> bool:
        return self.world.far(NOT_BEFORE, self.day(*other), self.day(*one))

    def too_old(self, facts: Sequence[Numbered]) -> bool:
        """Whether one of the facts, of the newest day, is older than its site lets it be."""
        return any(self._too_old(number, fact) for number, fact in facts)

    def _too_old(self, number: int, fact: Fact) -> bool:
        window = self.chart.windows.get(fact.entry)
        return window is not None and self._passed(window, self.chart.today, number, fact)

    def closed(self, entry: str, history: str | None, of: Iterable[str] = ()) -> bool:
        """Whether what is not recorded did not happen; `of`: the kinds of which that is asked."""
        found = self.chart.vocabulary.entries[entry]
        kind = found.kind if isinstance(found, voc.Concept) else "condition"
        lists = [] if history is None else self.visible(history)
        # It may be just that: only a person can say it is none.
        if kind in self.chart.unread or is_doubted(self.chart, of):
            lists = [
                (number, fact)
                for number, fact in lists
                if not (isinstance(fact.reading, Closed) and fact.reading.listed)
            ]
        lists = [(n, fact) for n, fact in lists if not self.chart.is_taken_back(fact)]
        nevers = [
            (number, fact)
            for number, fact in self.chart.nevers(entry)
            if self.world.far(
                NOT_BEFORE, self.day(number, fact), on(self.chart.last_of(self.window))
            )
        ]
        return any(
            isinstance(fact.reading, Closed) and not self._too_old(number, fact)
            for number, fact in [*lists, *nevers]
        )

    def complete(self, concept: str, without: Iterable[str] = (), alone: bool = False) -> bool:
        """Whether nothing of a concept happened but what is recorded: an order leaves room.

        `without`: what of its kinds is not asked about; `alone`: none of them is."""
        below = self.chart.vocabulary.below(concept)
        others = {name for each in without for name in self.chart.vocabulary.below(each)}
        of = [concept] if alone else [name for name in below if name not in others]
        closed = self.closed(concept, self._concept(concept).closed_by, [concept, *of])
        return closed and not self.chart.open_orders(*below)

    def unlisted(self, entry: str, by_list: bool = True) -> bool:
        """Whether nothing tells what else there may be of a concept or an event."""
        found = self.chart.vocabulary.entries[entry]
        assert isinstance(found, voc.Concept | voc.Event)
        if by_list and found.closed_by is not None and self.chart.facts(found.closed_by):
            return False
        if by_list and self.chart.nevers(entry):
            return False
        kind = "condition"
        if isinstance(found, voc.Concept):
            kind = found.kind
            below = self.chart.vocabulary.below(entry)
            if self.chart.open_orders(*below) or is_doubted(self.chart, below):
                return False
        return kind not in self.chart.unclear

    # ---- named values ------------------------------------------------------------------------

    def stated(self, number: int, fact: Fact) -> str:
        """The value that one statement has."""
        assert isinstance(fact.reading, Stated)
        allowed = fact.reading.values
        values = [v for v in self.chart.values(fact.entry) if allowed is None or v in allowed]
        return self.world.choose(("statement", number, self.scope(fact.entry)), values)

    def recorded(self, entry: str) -> str | None:
        """The value of the newest statement; None when there is none."""

        def read() -> str | None:
            facts = self.latest(entry)
            if not facts:
                return None
            if self.too_old(facts):
                key = ("value", entry, self.scope(entry))
                return self.world.choose(key, self.chart.values(entry))
            different = {fact.reading: (number, fact) for number, fact in reversed(facts)}
            which = self.world.choose(("which", entry, self.scope(entry)), [*different.values()])
            return self.stated(*which)

        return self.world.once(("recorded", entry, self.window), read)

    def value(self, entry: str) -> str:
        found = self.chart.vocabulary.entries[entry]
        if isinstance(found, voc.PatientField) and self.window is not None:
            return self.within_window(None).value(entry)
        value = self.lesion(found) if isinstance(found, voc.Lesion) else self.recorded(entry)
        if value is None:
            return self.world.choose(("value", entry, self.window), self.chart.values(entry))
        return value

    def is_recorded(self, entry: str) -> bool:
        """Whether the record holds anything of an entry."""
        found = self.chart.vocabulary.entries[entry]
        if isinstance(found, voc.Concept):
            return bool(self.visible(*self.chart.vocabulary.below(entry)))
        counted = found.counted if isinstance(found, voc.Lesion) else None
        return bool(self.visible(*filter(None, (entry, counted))))

    # ---- conditions --------------------------------------------------------------------------

    def said(self, concept: str) -> bool | None:
        """Whether a condition is stated to be present; None when nothing is stated."""

        def read() -> bool | None:
            things = things_named(of_now(self.visible(concept)))
            for thing in things if len(things) > 1 else ():
                says = self._may_say(concept, self._last(thing))
                key = ("said", concept, *(number for number, _ in thing))
                if self.world.choose(key, sorted(says, key=str)):
                    return True
            for itself, thing in own_of_things(of_now(self.visible(concept))):
                surely, maybe = (self._may_say(concept, self._last(of)) for of in (itself, thing))
                key = ("hidden", concept, *(number for number, _ in itself))
                hidden = True in surely and True not in maybe
                if hidden and self.world.choose(key, [True, False]):
                    return True
            options = self._may_say(concept, self.latest(concept))
            if len(things) > 1:
                options -= {True}
            if not options:
                return None
            return self.world.choose(("said", concept), sorted(options, key=str))

        return self.world.once(("what is said of", concept), read)

    def _last(self, of: list[Numbered]) -> list[Numbered]:
        """The statements of the latest day."""
        last = [one for one in of if all(self._not_before(one, other) for other in of)]
        return without_followed(last)

    def _may_say(self, concept: str, latest: list[Numbered]) -> set[bool | None]:
        """What any of some statements says."""
        options: set[bool | None] = set()
        for _, fact in latest:
            if isinstance(fact.reading, ConditionStated):
                options |= self.may_say(concept, fact.reading)
        return options

    def may_say(self, concept: str, reading: ConditionStated) -> set[bool | None]:
        """What a statement says of today: there, not there, or nothing. Of what comes again, or of
        which a class does, the end of one time says nothing of another."""
        state = reading.state_on(self.chart.as_of)
        if state == "unknown":
            return {True, False}
        if state == "present":
            return {True}
        if is_doubted(self.chart, [concept]):
            return {None}
        denied = not reading.confirmed or (reading.clinical is None and reading.abated is None)
        return {False} if denied or not self._concept(concept).recurs else {None}

    def present(self, concept: str, missing: str = "") -> bool:
        below = self.chart.vocabulary.below(concept)
        return any(self._present(name, missing) for name in below)

    def _present(self, name: str, missing: str) -> bool:
        said = self.said(name)
        if said is not None:
            return said
        if self._is_to_a_class(name):
            return self.world.choose(("to a class", name), [True, False])
        if self.complete(name, alone=True) or self._denied(name):
            return False
        if missing and self.unlisted(name):
            return missing == "true"
        return self.world.choose(("unmentioned", name), [True, False])

    def _is_to_a_class(self, name: str) -> bool:
        """Whether an allergy to a class of a medication is stated, or may be present."""
        entry = self.chart.vocabulary.entries[name]
        if not isinstance(entry, voc.Concept) or entry.kind != "allergy":
            return False
        classes = set(entry.parents)
        for _ in self.chart.vocabulary.entries:
            for each in list(classes):
                parent = self.chart.vocabulary.entries[each]
                assert isinstance(parent, voc.Concept)
                classes |= set(parent.parents)
        return any(
            isinstance(f.reading, ConditionStated)
            and f.reading.state_on(self.chart.as_of) != "absent"
            for each in classes
            for _, f in self.latest(each)
        )

    def _denied(self, name: str) -> bool:
        """Whether what nobody mentions of a condition is denied by something else."""
        for concept, condition in self.chart.protocol.denials.items():
            below = self.chart.vocabulary.below(concept)
            if name in below and self.holds(condition):
                if not any(self.said(other) for other in below):
                    return True
        return False

    def evidenced(self, test: core.Evidenced) -> bool:
        for _, fact in self.visible(*self.chart.vocabulary.below(test.concept)):
            reading = fact.reading
            if isinstance(reading, ConditionStated):
                if reading.confirmed and test.by in reading.evidence:
                    return True
        if test.missing and self.unlisted(test.concept, by_list=False):
            return test.missing == "true"
        return self.world.choose(("evidence", test.concept, test.by), [True, False])

    @abstractmethod
    def holds(self, condition: core.Condition) -> bool:
        """Whether a condition holds in the world."""

    def _concept(self, name: str) -> voc.Concept:
        entry = self.chart.vocabulary.entries[name]
        assert isinstance(entry, voc.Concept)
        return entry

    # ---- procedures --------------------------------------------------------------------------

    def on_both_sides(self, concept: str, missing: str = "") -> bool:
        sides: set[str] = set()
        for number, fact in self.visible(*self.chart.vocabulary.below(concept)):
            if isinstance(fact.reading, Done):
                possible = [fact.reading.side] if fact.reading.side else ["left", "right", "both"]
                sides.add(self.world.choose(("side", number), possible))
        if "both" in sides or sides == {"left", "right"}:
            return True
        if self.complete(concept):
            return False
        if missing and self.unlisted(concept):
            return missing == "true"
        return self.world.choose(("unrecorded on both sides", concept), [True, False])

    # ---- lesions -----------------------------------------------------------------------------

    def lesion(self, entry: voc.Lesion) -> str | None:
        """What the latest day with a lesion or a count says; None when there is no such day."""
        counted = [entry.counted] if entry.counted else []
        newest = self.newest(entry.name, *counted)
        if not newest:
            return None
        if self.too_old(newest):
            key = ("value", entry.name, self.scope(entry.name, *counted))
            return self.world.choose(key, LESION_VALUES)
        lesions = [(n, f) for n, f in newest if isinstance(f.reading, LesionSize)]
        measurable = any(self._measurable(entry, n, f.reading) for n, f in lesions)
        if len(lesions) == len(newest):
            return "measurable" if measurable else "not_measurable"
        if self.count(counted[0]) >= 1:
            return "measurable"
        return "contradictory" if measurable else "none"

    @abstractmethod
    def count(self, entry: str) -> Fraction:
        """The number that a quantity without a unit has in the world."""

    def _measurable(self, entry: voc.Lesion, number: int, reading: object) -> bool:
        assert isinstance(reading, LesionSize)
        for limit in entry.limits:
            names = entry.sites if limit.attribute == "site" else entry.methods
            place = reading.site if limit.attribute == "site" else reading.method
            if limit.attribute is not None:
                possible = [place] if place else [*names, "other"]
                key = ("lesion", number, limit.attribute)
                if self.world.choose(key, possible) != limit.value:
                    continue
            if limit.axis is None or limit.at_least is None:
                return False
            test = (">=", limit.at_least)
            sizes = [size for axis, size in reading.sizes if axis == limit.axis]
            outcomes: set[bool] = set()
            for size in sizes or [None]:
                if size is None:
                    outcomes |= {True, False}
                else:
                    outcomes |= {s >= limit.at_least for s in samples(size, [test])}
            return self.world.choose(("lesion", number, limit.axis), sorted(outcomes))
        return False


def of_now(facts: list[Numbered]) -> list[Numbered]:
    """What says how a condition is; what only says that it was says at most that nobody knows."""
    told = [n for n, f in facts if not (isinstance(f.reading, ConditionStated) and f.reading.past)]
    if told:
        return [(number, fact) for number, fact in facts if number in told]
    return [
        (number, fact)
        for number, fact in facts
        if isinstance(fact.reading, ConditionStated) and fact.reading.state != "absent"
    ]


def things_named(facts: list[Numbered]) -> list[list[Numbered]]:
    """For each thing that is named what may be said of it: all but what has other codes of a code
    system that it is named in, and none of its codes."""
    codes = {
        number: fact.reading.codes
        for number, fact in facts
        if isinstance(fact.reading, ConditionStated)
    }
    things: list[list[Numbered]] = []
    for named in sorted({of for of in codes.values() if of}, key=sorted):
        systems = {system for system, _ in named}
        thing = []
        for number, fact in facts:
            its = codes.get(number, frozenset())
            if its & named or not any(system in systems for system, _ in its):
                thing.append((number, fact))
        things.append(thing)
    return things


def own_of_things(facts: list[Numbered]) -> list[tuple[list[Numbered], list[Numbered]]]:
    """For each thing that is named what is surely said of it, by a code of it or of the class as a
    whole, and what may be: also what only codes of other systems name."""
    found = []
    codes = {n: f.reading.codes for n, f in facts if isinstance(f.reading, ConditionStated)}
    named = sorted({of for of in codes.values() if of}, key=sorted)
    for of, thing in zip(named, things_named(facts), strict=True):
        itself = [(n, f) for n, f in thing if not codes.get(n) or codes[n] & of]
        found.append((itself, thing))
    return found


def without_followed(facts: list[Numbered]) -> list[Numbered]:
    """Facts of one day without those that one at a later time follows."""
    return [one for one in facts if not any(follows(other, one) for other in facts)]


def follows(one: Numbered, other: Numbered) -> bool:
    """Whether both are of one day with their times, and the first is the later."""
    later, earlier = one[1].date, other[1].date
    if later is None or earlier is None or later.first != earlier.first:
        return False
    if later.instant is None or earlier.instant is None:
        return False
    return later.instant > earlier.instant
