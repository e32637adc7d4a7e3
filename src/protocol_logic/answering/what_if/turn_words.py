"""Why findings change on a day, in words: `18 years old`, `28 days are over: since surgery`.

What comes after a colon is what it is about; several of one kind can be said in one go (`merged`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date

from protocol_logic.answering.finding_words import FindingWords
from protocol_logic.answering.what_if.ahead import Step
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.findings.turning import Cause, Turn
from protocol_logic.foundation.calendar import PartialDate, first_day_reaching, last_day_within
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import Fact, Therapy

_RANK: dict[Cause, int] = {
    "age": 0, "policy": 1, "window": 2, "abated": 3, "end": 4, "seen": 5, "time": 6,
}  # fmt: skip
_UNITS = {"a": "years", "mo": "months", "d": "days"}
MOST_SAID = 3
"""So many reasons are said of one finding on one day."""


class TurnWords:
    """The words of one protocol's findings that change with time."""

    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.entries = protocol.vocabulary.entries
        self.plan = plan
        self.words = FindingWords(protocol, plan)

    def because(
        self, step: Step, before: PatientFindings, read: Collection[str]
    ) -> list[tuple[str, str]]:
        """What changed some findings that are read: the finding, and why in words."""
        said: dict[tuple[str, str], None] = {}
        beside: dict[tuple[str, str], None] = {}
        for name in (*self.plan.findings, *map(concept_group, self.plan.courses)):
            if name not in read or name not in step.changed:
                continue
            finding = self.plan.findings.get(name)
            if finding is not None and finding.kind == "lines":
                group = concept_group(finding.entry)
            else:
                group = name
            turns = [turn for turn in step.turns if turn.finding == group]
            reasons = list(dict.fromkeys(self._reasons(step, before, group, turns)))[:MOST_SAID]
            if not reasons and _cells(before, name) == _cells(step.found, name):
                beside[name, self._changes(name, before, step.found)] = None
                continue
            for words in reasons or [self._changes(name, before, step.found)]:
                said[name, words] = None
        # Of what shares a reading with what changed, only where nothing else is said.
        return list(said or beside)

    def _reasons(
        self, step: Step, before: PatientFindings, name: str, turns: Iterable[Turn]
    ) -> Iterator[str]:
        """Of what may have changed a finding what says most, first of all of facts it rests on."""
        rests_on = {*before.evidence.get(name, ()), *step.found.evidence.get(name, ())}
        ranked = [
            (turn.fact not in rests_on, _RANK[turn.cause], turn)
            for turn in turns
            if turn.cause != "time"
        ]
        if ranked:
            best = min(each[:2] for each in ranked)
            yield from (self._say(turn) for *rank, turn in ranked if tuple(rank) == best)
        elif name not in self.plan.findings:
            yield from self._courses(step.day, name, rests_on)

    def _changes(self, name: str, before: PatientFindings, found: PatientFindings) -> str:
        """What a finding is now; where it may be the same as before, what is read with it."""
        finding = self.plan.findings.get(name)
        if finding is None:
            concept = next((c for c in self.plan.courses if concept_group(c) == name), name)
            return f"as time passes: which courses of {self._label(concept)} count"
        cells = _cells(found, name)
        if name in found.single or cells != _cells(before, name):
            return f"as time passes: {self.words.said(name, cells)}"
        return f"as time passes: which readings of {self._label(finding.entry)} go together"

    def _say(self, turn: Turn) -> str:
        fact, when, edge, window = turn.fact, turn.when, turn.edge, turn.window
        assert fact is not None and when is not None and edge is not None
        label = self._label(fact.entry)
        on = f"{label} {_on(when, edge)}"
        match turn.cause:
            case "age":
                entry = self.entries[turn.entry]
                unit = _UNITS[entry.unit] if isinstance(entry, voc.Age) else "years"
                age = f"{turn.number} {unit if turn.number != 1 else unit[:-1]} old"
                if not when.exact:
                    sure = f"{age}, whatever the birthday"
                    age = f"may be {age}" if edge == when.first else sure
                finding = self.plan.findings[turn.finding]
                if finding.kind != "derived":
                    return age
                return f"{age}: {self._label(finding.entry)}"
            case "policy":
                assert window is not None
                return f"older than the policy allows ({_length(window)}): {on}"
            case "window":
                assert window is not None
                ended = isinstance(fact.reading, Therapy) and when is fact.reading.end
                what = "the end of " if ended else ""
                return f"{_length(window)} are over: since {what}{on}"
            case "abated" | "end":
                return f"ended: {on}"
            case _:
                return f"recorded for this day: {on}"

    def _courses(self, day: date, group: str, rests_on: Iterable[Fact]) -> Iterator[str]:
        """Months since the start or the end of a recorded course, as a pattern asks for them."""
        therapies = [(fact, fact.reading) for fact in rests_on if isinstance(fact.reading, Therapy)]
        concept = next((c for c in self.plan.courses if concept_group(c) == group), None)
        patterns = self.plan.courses[concept].patterns if concept is not None else ()
        months = {
            number
            for pattern in patterns
            for clause in pattern.clauses
            for number in (
                [clause.months]
                if isinstance(clause, core.Duration)
                else [i.months for i in (clause.earliest, clause.latest) if i is not None]
            )
            if number
        }
        said = set()
        for fact, therapy in therapies:
            for edge, when in (("start", therapy.start), ("end", therapy.end)):
                if when is None:
                    continue
                for number in months:
                    for first in (when.first, when.last):
                        reached = first_day_reaching(first, number) == day
                        over = (day - last_day_within(first, number)).days == 1
                        if reached or over:
                            what = f"the {edge} of {self._label(fact.entry)} {_on(when, first)}"
                            head = f"{number} months" if reached else f"{number} months are over"
                            said.add(f"{head}: since {what}")
        yield from sorted(said)

    def _label(self, name: str) -> str:
        entry = self.entries.get(name) or self.words.derived.get(name)
        return shown(entry.label if entry is not None and entry.label else name.replace("_", " "))


def _cells(found: PatientFindings, name: str) -> frozenset[str]:
    """All cells that a finding may lie in, whatever else is the case."""
    rows = (row.cells for group in found.groups for row in group.rows)
    shared = (cell for cells in rows for n, each in cells if n == name for cell in each)
    return frozenset({*found.single.get(name, ()), *shared})


def merged(words: Iterable[str]) -> str:
    """Several reasons in one text; those that say the same of different things in one go."""
    by_head: dict[str, dict[str, None]] = {}
    for each in words:
        head, _, about = each.partition(": ")
        by_head.setdefault(head, {})[about] = None
    said = []
    for head, things in by_head.items():
        rest = [each for each in things if each]
        said.append(f"{head}: {', '.join(rest)}" if rest else head)
    return "; ".join(said)


def _on(when: PartialDate, edge: date) -> str:
    if when.exact:
        return f"on {edge.isoformat()}"
    return f"on {edge.isoformat()} at the {'earliest' if edge == when.first else 'latest'}"


def _length(window: Window) -> str:
    return window.words.removeprefix("within ")
