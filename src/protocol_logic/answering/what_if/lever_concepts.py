"""The levers of concepts, lists and histories: what happened to a patient, or did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property

from protocol_logic.answering.what_if.changes import UNKNOWN, Doing
from protocol_logic.answering.what_if.levers import Lever, Option, doing_of
from protocol_logic.answering.what_if.setting import STOPPED, goes_on
from protocol_logic.answering.what_if.sources import Sources
from protocol_logic.compiling import core
from protocol_logic.compiling.changing import HISTORY, Change
from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.cutter import Cutter
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.meaning import Meaning
from protocol_logic.reasoning.support import View
from protocol_logic.records.facts import Closed, ConditionStated, Done, Fact, Reading, Therapy
from protocol_logic.records.values import COMPLETE, NEVER


class ConceptLevers:
    """Those of one patient on one day.

    `since`: the day on which a repair can begin before this day, which is waited for.
    """

    def __init__(
        self,
        sources: Sources,
        changes: Mapping[str, Change],
        visible: Visible,
        found: PatientFindings,
        acquire: bool = False,
        since: date | None = None,
    ) -> None:
        self.sources, self.changes, self.found = sources, changes, found
        self.protocol, self.voc = sources.protocol, sources.voc
        self.visible, self.as_of = visible, visible.as_of
        self.cutter = Cutter(self.protocol, visible)
        self.acquire, self.since = acquire, since
        self.notes: dict[str, dict[str, None]] = {}
        """Finding -> why some of its repairs are not found."""

    def _fact(self, name: str, said: str, reading: Reading, dated: bool = True) -> Fact:
        day = PartialDate(self.as_of, self.as_of, self.as_of.isoformat()) if dated else None
        return Fact(
            entry=name, resource=f"what-if/{name}", date=day, recorded=said, reading=reading
        )

    def _concept(self, entry: voc.Concept, readers: Sequence[Finding]) -> Lever | None:
        facts = self.visible.of(entry.name)
        if entry.name not in self.sources.tested and not facts:
            return None
        if entry.kind == "procedure":
            return self._procedure(entry, readers, facts)
        if entry.kind == "medication":
            return self._medication(entry, readers)
        return self._condition(entry, readers, facts)

    def _condition(
        self, entry: voc.Concept, readers: Sequence[Finding], facts: Sequence[Fact]
    ) -> Lever:
        change = self.changes[entry.name]
        newest = self.visible.newest(entry.name)
        states = self.visible.states(newest)
        over = states == {"ended"}  # but may have come again
        unnamed = all(isinstance(fact.reading, Closed) for fact in facts)
        if (over or unnamed) and self._is_denied(entry.name, readers):
            states = {"absent"}  # so said by a list, or by what excludes it, or as never
        recorded = len(states) == 1 and states.isdisjoint(("unknown", "ended"))
        was = states.pop() if recorded else UNKNOWN
        options = []

        def add(said: str, reading: Reading, acquires: bool, known: bool) -> None:
            done = doing_of(change, known, acquires)
            if done is not None:
                options.append(Option(said, *done, (self._fact(entry.name, said, reading),)))

        wrong_way = change.direction not in ("", "present") and not self.acquire
        evidenced = sorted({f.detail for f in readers if f.kind == "evidence"})
        if was != "present":
            add("present", ConditionStated("present"), wrong_way, recorded)
        for name in evidenced if was != "absent" or not wrong_way else ():
            reading = ConditionStated("present", confirmed=True, evidence=frozenset({name}))
            # Of a condition that is recorded, the evidence is obtained.
            add(f"confirmed by {name}", reading, wrong_way, recorded and was == "absent")
        if was != "absent":
            add("absent", ConditionStated("absent"), change.direction == "present", recorded)
        if not facts and was != "absent":
            add(NEVER, Closed(), False, False)
        return Lever(entry.name, str(was), tuple(options))

    def _is_denied(self, name: str, readers: Sequence[Finding]) -> bool:
        """Whether there is none of a concept, though the record does not name it: a list is
        complete, or a definition denies what nobody mentions."""
        if any(f.kind == "presence" and not f.variant for f in readers):
            return self.truth(core.Present(concept=name)) is False
        return self.visible.closed(name) is not None and self.visible.ordered(name) is None

    def _procedure(
        self, entry: voc.Concept, readers: Sequence[Finding], facts: Sequence[Fact]
    ) -> Lever:
        change = self.changes[entry.name]
        both = any(f.kind == "both_sides" for f in readers)
        said = "done both" if both else "done"
        denied = not facts and self._is_denied(entry.name, readers)
        options = []
        if change.kind != "never":
            reading = Done("both" if both else None)
            done: tuple[Doing, int] | None = (change.kind, change.cost)
            if change.kind == "correct":
                done = doing_of(change, bool(facts) or denied)
            if done is not None:
                options.append(Option(said, *done, (self._fact(entry.name, said, reading),)))
        if not facts and not denied and change.obtain is not None:
            never = self._fact(entry.name, NEVER, Closed())
            options.append(Option(NEVER, "obtain", change.obtain, (never,)))
        was = NEVER if denied else UNKNOWN
        if facts and isinstance(facts[-1].reading, Done):
            was = facts[-1].recorded
        return Lever(entry.name, was, tuple(options))

    def _medication(self, entry: voc.Concept, readers: Sequence[Finding]) -> Lever:
        change = self.changes[entry.name]
        facts = [f for f in self.visible.below(entry.name) if isinstance(f.reading, Therapy)]
        running = [f for f in facts if goes_on(f, self.as_of)]
        in_use = any(f.kind in ("in_effect", "last", "count") for f in readers)
        options = []
        if change.kind != "never" and in_use and not running:
            day = PartialDate(self.as_of, self.as_of, self.as_of.isoformat())
            said = f"from {day.text} ongoing"
            reading = Therapy(day, None, ongoing=True, intent=None)
            fact = self._fact(entry.name, said, reading)
            options.append(Option(said, change.kind, change.cost, (fact,)))
        stops = [(STOPPED, self.as_of)] if running else []
        before = [f for f in facts if self.since is not None and goes_on(f, self.since)]
        if self.since is not None and before:
            stops.append((f"{STOPPED} on {self.since.isoformat()}", self.since))
        if change.kind != "never":
            for said, on in stops:
                options.append(Option(said, change.kind, change.cost, stops=entry.name, on=on))
        denied = not self.visible.below(entry.name) and self._is_denied(entry.name, readers)
        if not facts and not denied and change.obtain is not None:
            never = self._fact(entry.name, NEVER, Closed())
            options.append(Option(NEVER, "obtain", change.obtain, (never,)))
        was = NEVER if denied else UNKNOWN
        if taken := running or before:
            was = _course_text(taken[-1].reading)
        return Lever(entry.name, was, tuple(options))

    def _list(self, entry: voc.History) -> Lever | None:
        change = self.changes[entry.name]
        if self.visible.closes(entry.name) or change.obtain is None:
            return None
        fact = self._fact(entry.name, COMPLETE, Closed())
        option = Option(COMPLETE, "obtain", change.obtain, (fact,))
        return Lever(entry.name, UNKNOWN, (option,))

    # ---- histories -------------------------------------------------------------------------------

    def _history(self, tests: tuple[core.Test, ...]) -> Lever | None:
        """A condition of a history, which is set as a whole."""
        truths = set(map(self.truth, tests))
        truth = truths.pop() if len(truths) == 1 else None
        options = []
        for wanted in (True, False):
            if truth is wanted:
                continue
            word = "true" if wanted else "false"
            if truth is None:
                assert HISTORY.obtain is not None
                options.append(Option(word, "obtain", HISTORY.obtain, tests=tests, truth=wanted))
            else:
                options.append(Option(word, "correct", HISTORY.cost, tests=tests, truth=wanted))
        was = UNKNOWN if truth is None else "true" if truth else "false"
        name = self.sources.histories[tests[0]]
        return Lever(name, was, tuple(options))

    @cached_property
    def _meaning(self) -> Meaning:
        return Meaning(self.protocol, self.sources.plan, View.of(self.found))

    def truth(self, test: core.Test) -> bool | None:
        return self._meaning.truth(test)


def _course_text(reading: Reading) -> str:
    assert isinstance(reading, Therapy)
    start = reading.start.text if reading.start is not None else "?"
    end = f"to {reading.end.text}" if reading.end is not None else "ongoing"
    return f"from {start} {end}" + (f" {reading.intent}" if reading.intent else "")
