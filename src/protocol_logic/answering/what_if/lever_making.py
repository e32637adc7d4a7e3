"""Makes the levers of a patient on a day: what each input is now, and what it can be set to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

from protocol_logic.answering.what_if.changes import UNKNOWN
from protocol_logic.answering.what_if.lever_limits import DerivedLimits, unit_of
from protocol_logic.answering.what_if.lever_sizes import lesion_text, sizes_of
from protocol_logic.answering.what_if.levers import (
    Because,
    Cut,
    Lever,
    Option,
    Unit,
    cuts_of,
    doing_of,
    follows,
    range_text,
    rows_of,
)
from protocol_logic.answering.what_if.limits import rounded
from protocol_logic.answering.what_if.unusable import unusable
from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import values_of
from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.inputs import Blank, Input, Number
from protocol_logic.foundation.calendar import PartialDate, last_start_reached
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import (
    Born,
    End,
    Limit,
    Measured,
    Reading,
    Stated,
)

_LESION = {"measurable": ">= 1", "none": "0"}
_ONE = Fraction(1)


class LeverMaker(DerivedLimits):
    """The levers of one patient on one day."""

    def lever(self, source: str | tuple[core.Test, ...]) -> Lever | None:
        """The lever of an entry, or of the condition of a history; None where there is nothing that
        it could be set to."""
        if isinstance(source, str):
            lever = self._lever(source, self.sources.readers[source])
        else:
            lever = self._history(source)
        if lever is not None and (lever.was == UNKNOWN or _is_number_to_obtain(lever)):
            told = "open now"
            if isinstance(source, str):
                told = unusable(self.visible, self.cutter, self.voc.entries[source])
            lever = replace(lever, unusable=told)
        return lever if lever is not None and lever.options else None

    def is_immutable(self, name: str) -> bool:
        """Whether what is recorded of an entry never changes."""
        return self._is_fixed(name) and self._is_recorded(name, self.sources.readers[name])

    def _is_fixed(self, name: str) -> bool:
        entry = self.voc.entries[name]
        return self.changes[name].kind == "never" and not isinstance(entry, voc.History)

    # ---- one entry -------------------------------------------------------------------------------

    def _lever(self, name: str, readers: Sequence[Finding]) -> Lever | None:
        entry = self.voc.entries[name]
        match entry:
            case voc.Quantity():
                return self._number(entry, readers)
            case voc.Age():
                return self._age(entry, readers)
            case voc.Lesion():
                return self._lesion(entry, readers)
            case voc.Status() | voc.PatientField() | voc.Consent() | voc.Asked():
                return self._named(entry, readers)
            case voc.Concept():
                return self._concept(entry, readers)
            case voc.History():
                return self._list(entry)
        return None

    # ---- numbers -----------------------------------------------------------------------------

    def _number(self, entry: voc.Quantity, readers: Sequence[Finding]) -> Lever | None:
        change = self.changes[entry.name]
        recorded = self._is_recorded(entry.name, readers)
        done = doing_of(change, recorded)
        if done is None or self._gives_way(entry.name, readers):
            return None
        now = self.cutter.input(entry.name)
        value, limits = self._now(now)
        per = {f.detail for f in readers if f.kind == "ratio"}
        limits = tuple(limit for limit in limits if limit.end in per)
        plain = [c.value for f in readers if f.kind == "number" for c in cuts_of(f.ranges)]
        recorded_in = unit_of(entry, now)
        unit = unit_of(entry, now, [*plain, *(limit.value for limit in limits)])
        if not now.facts and entry.name in self.sources.units:
            unit = Unit(*self.sources.units[entry.name])
        was = range_text(value, recorded_in, "", limits) if value is not None else UNKNOWN
        because: dict[Because, None] = {}
        options: list[Option] = []
        for family, cuts in self._cuts(entry, readers, limits, unit, because).items():
            negative = entry.plausible is not None and (
                entry.plausible.lo is None or entry.plausible.lo < 0
            )
            least = None if negative and not family else Fraction(0)
            plausible = None if family else entry.plausible
            for row, ends in rows_of(cuts, least, plausible):
                if recorded and not family and not follows(change, row, value):
                    continue
                own = (Limit(None, _ONE, f"1 x {family}", _end(family)),) if family else limits
                said = range_text(row, unit, family, limits)
                reading = Measured(row, own, relative=bool(family))
                fact = self._fact(entry.name, said, reading)
                options.append(
                    Option(said, *done, (fact,), family=family, range_=row, rounded=ends,
                           limits=() if family else limits)
                )  # fmt: skip
        return Lever(entry.name, was, tuple(options), "range", unit, tuple(because))

    def _gives_way(self, name: str, readers: Sequence[Finding]) -> bool:
        """Whether a reported value is read nowhere, since what it would stand for is computed."""
        for finding in readers:
            derived = self.protocol.derived.get(finding.entry)
            if derived is None or derived.reported != name:
                return False
            inputs = map(self.cutter.input, derived.inputs)
            if any(each.may_give_way for each in inputs):
                return False
        return True

    def _now(self, found: Input) -> tuple[Interval | None, tuple[Limit, ...]]:
        """The number that is recorded, and the limits of normal of its result."""
        numbers = [n for n in found.alternatives if isinstance(n, Number)]
        if len(numbers) != 1 or len(found.alternatives) > 1 or numbers[0].relative:
            return None, ()
        [number] = numbers
        return number.value, tuple(self._own_limits(number))

    def _own_limits(self, number: Number) -> Iterator[Limit]:
        """The limits that count for the patient, where it is known which do."""
        sexes = self.cutter.input(self.cutter.sex).alternatives if self.cutter.sex else ("",)
        ends: tuple[End, ...] = ("ULN", "LLN")
        for end in ends:
            stated = [x for x in number.limits if x.end == end and x.value > 0]
            values = {
                limit.value
                for sex in sexes
                for limit in ([x for x in stated if x.sex == sex] or stated)
                if limit.sex in (None, sex)
            }
            if len(values) == 1:
                [value] = values
                yield Limit(None, value, decimal_text(value), end)

    def _cuts(
        self,
        entry: voc.Quantity,
        readers: Sequence[Finding],
        limits: Sequence[Limit],
        unit: Unit,
        because: dict[Because, None],
    ) -> dict[str, list[Cut]]:
        """Where some finding changes its cells, by family: numbers, or multiples of a limit."""
        known = {limit.end: limit.value for limit in limits}
        cuts: dict[str, list[Cut]] = {"": []}
        plain = False
        for finding in readers:
            if finding.kind == "ratio" and _end(finding.detail) in known:
                for cut in cuts_of(finding.ranges, known[_end(finding.detail)]):
                    cuts[""] += _short(cut, unit)
                plain = True
            elif finding.kind == "ratio":
                cuts.setdefault(finding.detail, []).extend(cuts_of(finding.ranges))
            elif finding.kind == "derived":
                derived = self.protocol.derived[finding.entry]
                if entry.name == derived.reported:
                    cuts[""] += cuts_of(finding.ranges)
                    plain = True
                else:
                    own = list(self._solved(entry, derived, finding, unit, because))
                    cuts[""] += own
                    plain = plain or bool(own)
            else:
                for cut in cuts_of(finding.ranges):
                    cuts[""] += _short(cut, unit)
                plain = True
        if not plain and len(cuts) > 1:
            del cuts[""]
        return cuts

    # ---- ages --------------------------------------------------------------------------------

    def _age(self, entry: voc.Age, readers: Sequence[Finding]) -> Lever | None:
        """A birth date that is not recorded; one that is changes only where a run says so."""
        recorded = self._is_recorded(entry.name, readers)
        done = doing_of(self.changes[entry.of], recorded)
        if done is None:
            return None
        unit = Unit({"a": "years", "mo": "months", "d": "days"}[entry.unit])
        cuts = [c for f in readers if f.kind == "age" for c in cuts_of(f.ranges)]
        options = []
        for row, _ in rows_of(cuts, Fraction(0), None):
            birth = _births(entry, row, self.as_of)
            if birth is not None:
                said = range_text(row, unit, "")
                fact = self._fact(entry.of, said, Born(birth), dated=False)
                options.append(Option(said, *done, (fact,), family="", range_=row))
        now = self.cutter.input(entry.name).alternatives
        ages = " or ".join(unit.text(Fraction(each)) for each in now if isinstance(each, int))
        return Lever(
            entry.name, ages if recorded else UNKNOWN, tuple(options), "range", unit
)  # fmt: skip

    # ---- named values ------------------------------------------------------------------------

    def _named(
        self,
        entry: voc.Status | voc.PatientField | voc.Consent | voc.Asked,
        readers: Sequence[Finding],
    ) -> Lever | None:
        change = self.changes[entry.name]
        recorded = self._is_recorded(entry.name, readers)
        now = self.cutter.input(entry.name).alternatives
        was = [str(v) for v in now if not isinstance(v, Blank)]
        options = []
        for members in self.sources.alike(entry.name, tuple(map(str, values_of(entry)))):
            if recorded and change.direction:
                members = [v for v in members if v == change.direction]
            done = doing_of(change, recorded)
            if done is None or not members:
                continue
            said = " or ".join(members)
            dated = not isinstance(entry, voc.PatientField)
            fact = self._fact(entry.name, said, Stated(frozenset(members)), dated)
            options.append(Option(said, *done, (fact,)))
        return Lever(
            entry.name, " or ".join(was) if recorded else UNKNOWN, tuple(options), "any"
)  # fmt: skip

    def _lesion(self, entry: voc.Lesion, readers: Sequence[Finding]) -> Lever | None:
        """By its count where it has one; else by a lesion of a size."""
        change = self.changes[entry.name]
        recorded = self._is_recorded(entry.name, readers)
        done = doing_of(change, recorded)
        if done is None:
            return None
        now = self.cutter.input(entry.name)
        counts = ((">= 1", Interval.at_least(1)), ("0", Interval.point(0)))
        settings: Iterable[tuple[str, Reading]] = ((w, Measured(v)) for w, v in counts)
        was = " or ".join(_LESION.get(str(v), str(v)) for v in now.alternatives)
        if entry.counted is None:
            settings = sizes_of(entry)
            was = lesion_text(entry, now.facts)
        name = entry.counted or entry.name
        options = [Option(w, *done, (self._fact(name, w, reading),)) for w, reading in settings]
        return Lever(name, was if recorded else UNKNOWN, tuple(options))


_OLDEST = 150
"""Nobody is older, in years."""


def _births(entry: voc.Age, ages: Interval, as_of: date) -> PartialDate | None:
    """The birth dates that give one of some ages; None where no whole number lies in them."""
    assert ages.lo is not None
    least = ceil(ages.lo) if ages.lo_closed else floor(ages.lo) + 1
    last = _born(entry, least, as_of)
    if ages.hi is None:
        first = _born(replace(entry, unit="a"), _OLDEST, as_of)
    else:
        most = floor(ages.hi) if ages.hi_closed else ceil(ages.hi) - 1
        if most < least:
            return None
        first = _born(entry, most + 1, as_of) + timedelta(days=1)
    return PartialDate(first, last, f"{first}/{last}")


def _born(entry: voc.Age, age: int, as_of: date) -> date:
    """The last birth date with which an age is reached."""
    if entry.unit == "d":
        return as_of - timedelta(days=age)
    return last_start_reached(as_of, age * (12 if entry.unit == "a" else 1))


def _is_number_to_obtain(lever: Lever) -> bool:
    """Whether it is a number that is recorded and says too little: without a limit of normal."""
    return lever.joined == "range" and any(option.doing == "obtain" for option in lever.options)


def _end(text: str) -> End:
    return "LLN" if text == "LLN" else "ULN"


def _short(cut: Cut, unit: Unit) -> list[Cut]:
    """A cut at a number that can be written: itself, or the next shorter ones on both sides."""
    if "/" not in decimal_text(cut.value / unit.factor):
        return [cut]
    low, high = rounded(cut.value, unit.factor)
    return [Cut(low, True, True), Cut(high, False, True)]
