"""What casts doubt on the absence of a concept: the same in all completions, since what only may
speak for it is enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import ConditionStated, Fact, Measured, Stated, Unread
from tests.differential.reference_chart import Chart


def is_doubted(chart: Chart, concepts: Iterable[str]) -> bool:
    """Whether something in the record speaks for one of some concepts, of which neither it nor a
    person says more."""
    return any(_may_be(chart, concept) for concept in concepts)


def _may_be(chart: Chart, concept: str) -> bool:
    found: dict[str, bool] = chart.known.setdefault("doubted", {})
    if concept not in found:
        found[concept] = _speaks_for(chart, concept)
    return found[concept]


def _speaks_for(chart: Chart, concept: str) -> bool:
    return not chart.nevers(concept) and any(
        not any(_answers(chart, concept, fact, last) for fact in _stated(chart, concept))
        for last in _last_days(chart, concept)
    )


def _stated(chart: Chart, concept: str) -> list[Fact]:
    return [fact for _, fact in chart.facts(*chart.vocabulary.below(concept))]


def _answers(chart: Chart, concept: str, fact: Fact, last: date) -> bool:
    """Whether a statement about a concept, or a kind of it, leaves nothing to doubt."""
    said = fact.reading
    if not isinstance(said, ConditionStated):
        return True
    if said.state_on(chart.as_of) != "absent":
        return True
    denial = not said.confirmed or (said.clinical is None and said.abated is None)
    if fact.entry != concept and denial:
        return False
    known = [day.first for day in (fact.date, said.abated) if day is not None]
    return bool(fact.attested) or (bool(known) and max(known) >= last)


def _last_days(chart: Chart, concept: str) -> Iterator[date]:
    """The last day that each thing can be of which speaks for a concept."""
    entry = chart.vocabulary.entries[concept]
    assert isinstance(entry, voc.Concept)
    for each in chart.mentioned:
        if each.entry == concept and each.date.first <= chart.as_of:
            yield each.date.last
    for other in chart.unusable:
        if concept in other.entries and other.date.first <= chart.as_of:
            yield other.date.last
    for doubt in entry.doubts:
        window = None if doubt.within is None else Window(*doubt.within)
        for name in chart.vocabulary.below(doubt.entry):
            for fact in _facts(chart, name, window, doubt.latest):
                if _may_say(doubt, fact, chart.as_of):
                    yield date.max if fact.date is None else fact.date.last
            since = date.min
            if doubt.latest:
                dated = [f.date.first for f in _facts(chart, name, window, True) if f.date]
                since = min(dated, default=since)
            for other in (*chart.alike, *chart.unusable):
                is_new = other.date.last >= since and _may_lie_in(chart, other.date, window)
                if name in other.entries and is_new and not _has_own_entry(chart, other, name):
                    yield other.date.last
            for each in chart.mentioned:
                if each.entry == name and _may_lie_in(chart, each.date, window):
                    yield each.date.last


def _has_own_entry(chart: Chart, other: Unread, name: str) -> bool:
    """Whether what is near an entry has another one, which is asked itself."""
    kin = [e for e in chart.vocabulary.entries.values() if e.name != name]
    codes = (code.code for e in kin for code in getattr(e, "codes", ()))
    return other.why == "near" and other.code in codes


def _facts(chart: Chart, name: str, window: Window | None, latest: bool) -> list[Fact]:
    if not latest:
        return [
            fact
            for _, fact in chart.facts(name)
            if fact.date is None or _may_lie_in(chart, fact.date, window)
        ]
    seen = chart.possible_newest((name,), window)
    now = [one for one in seen if not getattr(one[1].reading, "past", False)]
    then = [f for _, f in seen if getattr(f.reading, "state", "") != "absent"]
    if not now:
        return then
    dated = {number: fact.date.first for number, fact in now if fact.date is not None}
    sure = [dated[n] for n, fact in now if chart.surely_in(fact, window)]
    newest = [(n, f) for n, f in now if f.date and all(f.date.last >= day for day in sure)]
    return [fact for _, fact in newest if not any(_follows(other, fact) for _, other in newest)]


def _follows(one: Fact, other: Fact) -> bool:
    if one.date is None or other.date is None or one.date.first != other.date.first:
        return False
    if one.date.instant is None or other.date.instant is None:
        return False
    return one.date.instant > other.date.instant


def _may_lie_in(chart: Chart, day: PartialDate, window: Window | None) -> bool:
    return day.first <= chart.last_of(window) and day.last >= chart.first_of(window)


def _may_say(doubt: voc.Doubt, fact: Fact, as_of: date) -> bool:
    said = fact.reading
    if isinstance(said, Measured):
        if said.value is None or said.relative or doubt.numbers is None:
            return True
        return said.value.intersection(doubt.numbers) is not None
    if isinstance(said, Stated):
        named = set(doubt.values) & (said.values or set(doubt.values))
        return not doubt.values or bool(named)
    if isinstance(said, ConditionStated) and said.state_on(as_of) == "absent":
        was = said.confirmed and (said.clinical is not None or said.abated is not None)
        return was and not doubt.latest
    return True
