"""What somebody wants to try: `--set "NAME is VALUE"`, read and put into a patient's record.

A value is written as in an example. It makes one fact of the as-of date that is newer than all
others of its entry; without a limit of normal it keeps the range that is recorded. What only a
history tells is set as a whole, by the words of its condition.
All that is wrong with several of them is told in one go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from protocol_logic.answering.what_if.conditions import condition_ids
from protocol_logic.answering.what_if.kept_ranges import ends_read, with_range
from protocol_logic.answering.what_if.setting import STOPPED, forced, goes_on, stopped, with_facts
from protocol_logic.answering.what_if.sources import Sources
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.reach import reached
from protocol_logic.findings.read import look_at
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept, Entry
from protocol_logic.records.answers import Answer, Answers, why_not_used
from protocol_logic.records.answers_file import answer_of
from protocol_logic.records.elements import TREATMENT_INTENT, Elements, Unanswerable
from protocol_logic.records.facts import Fact, PatientRecord, Therapy
from protocol_logic.records.given import NOT_RECORDED, entry_of, read_given
from protocol_logic.records.quantities import Unreadable

_WORDS = re.compile(r"(?P<name>[^\s=<>]+)\s+is\s+(?P<value>\S.*)")
_TRUTH = re.compile(r"(?P<condition>.+)\s+is\s+(?P<truth>true|false)")
_SIGN = re.compile(r"(?P<name>[a-z]\w*)\s*(?P<sign>[<>=:]+)\s*(?P<value>\S.*)")
_STOP = re.compile(STOPPED + r"(?: on (?P<day>\d{4}-\d\d-\d\d))?")
_EXAMPLE = "write `NAME is VALUE`, as in `hemoglobin is 95 g/L`"
SET = "--set"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is set for a patient on a day.

    `texts`: as given, with what is kept of the record, `facts`: one for each entry with a value,
    `gone`: entries of which nothing is recorded, `stops`: medications that are stopped on a day,
    `histories`: tests that hold, or do not, as a whole. `said`: what is said of single records.
    `unread`: names that no criterion reads.
    """

    texts: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    gone: frozenset[str] = frozenset()
    stops: Mapping[str, date] = field(default_factory=dict)
    histories: Mapping[core.Test, bool] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    said: tuple[Answer, ...] = ()

    def record(self, record: PatientRecord, as_of: date, protocol: core.Protocol) -> PatientRecord:
        """The record in which it is set."""
        vocabulary = protocol.vocabulary
        if self.said:
            record = Answers(Source(SET, ""), {record.patient: self.said}).apply(record, as_of)
        facts = tuple(fact for fact in record.facts if fact.entry not in self.gone)
        record = with_facts(replace(record, facts=facts), self.facts, as_of, vocabulary)
        for concept, on in self.stops.items():
            record = stopped(record, concept, on, vocabulary)
        return record

    def findings(self, plan: Plan, found: PatientFindings) -> PatientFindings:
        """The findings of that record, with what is set of histories."""
        for test, truth in self.histories.items():
            found = _kept(found, forced(plan, found, test, truth))
        return found


class SettingReader:
    """Reads what texts such as `hemoglobin is 95 g/L` set for patients of one protocol."""

    def __init__(self, protocol: core.Protocol, plan: Plan, elements: Elements) -> None:
        self.elements, self.vocabulary = elements, protocol.vocabulary
        self.reached = reached(protocol)
        self.ends = ends_read(plan)
        self.conditions: dict[str, list[core.Test]] = {}
        for test, name in Sources(protocol, plan).histories.items():
            self.conditions.setdefault(name, []).append(test)
        self.others = {name: test for test, name in condition_ids(protocol).items()}

    def read(
        self, texts: Iterable[str], record: PatientRecord, as_of: date, problems: Problems
    ) -> Settings:
        """What is set on a day; what is wrong with the texts goes to the problems."""
        reading = _Reading(self, record, as_of, problems)
        for text in texts:
            reading.read(text)
        return Settings(
            tuple(" ".join(text.split()) for text in reading.texts),
            tuple(reading.facts),
            frozenset(reading.gone),
            reading.stops,
            reading.histories,
            tuple(name for name in reading.named if name not in self.reached),
            tuple(reading.said.values()),
        )


class _Reading:
    """The texts of one patient on one day."""

    def __init__(
        self, reader: SettingReader, record: PatientRecord, as_of: date, problems: Problems
    ) -> None:
        self.elements, self.vocabulary = reader.elements, reader.vocabulary
        self.conditions, self.others = reader.conditions, reader.others
        self.ends = reader.ends
        self.record, self.as_of, self.problems = record, as_of, problems
        self.texts: list[str] = []
        self.facts: list[Fact] = []
        self.gone: list[str] = []
        self.stops: dict[str, date] = {}
        self.histories: dict[core.Test, bool] = {}
        self.named: dict[str, None] = {}
        self.said: dict[str, Answer] = {}
        self.source = Source(SET, "")

    def read(self, text: str) -> None:
        """Take one text; what is wrong with it is a problem."""
        self.source = Source(SET, text)
        self.texts.append(text)
        words = " ".join(text.split())
        truth = _TRUTH.fullmatch(words)
        if truth is not None and self._history(truth["condition"].strip('"`'), truth["truth"]):
            return
        match = _WORDS.fullmatch(words)
        if match is None:
            self._problem("syntax", "this sets no value", None, self._how(words))
            return
        name, value = match["name"], match["value"]
        try:
            if ":" in name or name == TREATMENT_INTENT:
                self._of_record(name, value)
            else:
                self._value(entry_of(self.elements, name), name, value)
        except Unanswerable as wrong:
            known = name in self.elements.composed
            self._problem(
                "wrong-kind" if known else "unknown-name", wrong.message, name, wrong.hint
            )
        except Unreadable as wrong:
            hint = self._stopped_hint(name) or "values are written as in docs/answers.md"
            self._problem("unknown-value", f"`{shown(name)}`: {wrong.message}", value, hint)

    def _value(self, entry: Entry, name: str, value: str) -> None:
        concept = entry.name if isinstance(entry, Concept) and entry.kind == "medication" else None
        stop = _STOP.fullmatch(value) if concept is not None else None
        if stop is not None and concept is not None:
            self._stop(concept, name, value, stop["day"])
            return
        fact = read_given(self.elements, name, value, self.as_of, f"what-if/{entry.name}")
        if fact is not None and fact.date is not None and fact.date.first > self.as_of:
            message = f"{fact.date.text} lies after {self.as_of.isoformat()}, so it does not count"
            self._problem("unknown-value", message, value, "move the day of judgement: `--as-of`")
        elif fact is None and value not in (NOT_RECORDED, "unknown"):
            self._problem("unknown-value", f"`{shown(value)}` says nothing", value, None)
        elif fact is None:
            if self._is_first(entry.name, name):
                self.gone.append(entry.name)
        elif self._is_course(fact) or self._is_first(fact.entry, name):
            self.named.setdefault(fact.entry)
            ends = self.ends.get(fact.entry, ())
            fact, kept = with_range(fact, self.record, self.as_of, ends, self.vocabulary)
            if kept:
                self.texts[-1] += f"{kept} (the range as recorded)"
            self.facts.append(fact)

    def _stop(self, concept: str, name: str, value: str, day: str | None) -> None:
        try:
            on = date.fromisoformat(day) if day is not None else self.as_of
        except ValueError:
            raise Unreadable(f"`{day}` is no day of the calendar") from None
        if on > self.as_of:
            message = f"{on.isoformat()} lies after {self.as_of.isoformat()}, so it does not count"
            self._problem("unknown-value", message, value, "move the day of judgement: `--as-of`")
        elif not self._goes_on(concept, on):
            message = f"no course of `{concept}` goes on on {on.isoformat()}"
            self._problem("unknown-value", message, value, "leave it out")
        elif self._is_first(concept, name):
            self.stops[concept] = on

    def _of_record(self, name: str, value: str) -> None:
        """What is said of one record, or the limit of normal of a result."""
        if name in self.said:
            self._problem("duplicate-name", f"`{shown(name)}` is set twice", name, "keep one")
            return
        day = PartialDate(self.as_of, self.as_of, self.as_of.isoformat())
        answer = answer_of(self.elements, name, value, day, SET, len(self.texts))
        why = why_not_used(answer, self.record, self.as_of)
        if why is not None:
            self._problem("unknown-value", f"`{shown(name)}` has no effect: {why}", name, None)
            return
        self.said[name] = answer
        if answer.entry:
            self.named.setdefault(answer.entry)

    def _is_course(self, fact: Fact) -> bool:
        """A patient can have several courses, so several can be set."""
        return isinstance(fact.reading, Therapy) and fact.entry not in (*self.gone, *self.stops)

    def _is_first(self, entry: str, name: str) -> bool:
        if entry not in self.named:
            self.named[entry] = None
            return True
        hint = "keep one of the two; one of several values is written `a or b`"
        self._problem("duplicate-name", f"`{entry}` is set twice", name, hint)
        return False

    def _goes_on(self, concept: str, day: date) -> bool:
        names = self.vocabulary.below(concept)
        return any(fact.entry in names and goes_on(fact, day) for fact in self.record.facts)

    def _stopped_hint(self, name: str) -> str | None:
        entry = self.vocabulary.entries.get(name)
        if isinstance(entry, Concept) and entry.kind == "medication":
            return (
                f"write `{name} is from {self.as_of.isoformat()} ongoing`, or `{name} is {STOPPED}`"
            )
        return None

    # ---- conditions ------------------------------------------------------------------------------

    def _history(self, condition: str, truth: str) -> bool:
        """Whether a text is about a condition; what is set of one, where it can be."""
        tests = self.conditions.get(condition)
        if tests is not None:
            if any(test in self.histories for test in tests):
                message = f"`{condition}` is set twice"
                self._problem("duplicate-name", message, condition, "keep one of the two")
            self.histories.update(dict.fromkeys(tests, truth == "true"))
            return True
        test = self.others.get(condition)
        if test is None or condition in self.vocabulary.entries:
            return False
        name = getattr(test, "entry", None) or getattr(test, "concept", None)
        message = f"`{condition}` is told by its own value, not set as a whole"
        hint = f"set what it reads: `{name} is VALUE`" if name else "set what it is made of"
        self._problem("wrong-kind", message, condition, hint)
        return True

    def _how(self, words: str) -> str:
        match = _SIGN.fullmatch(words)
        if match is None:
            near = did_you_mean(words.removesuffix(" is true").strip('"'), self.conditions)
            return near or _EXAMPLE
        sign = match["sign"] if match["sign"] in ("<", "<=", ">", ">=") else ""
        return f"write `{match['name']} is {f'{sign} ' if sign else ''}{shown(match['value'])}`"

    def _problem(self, code: str, message: str, at: str | None, hint: str | None) -> None:
        text = self.source.text
        start = text.find(at) if at else 0
        span = Span(max(start, 0), max(start, 0) + len(at) if at else max(len(text), 1))
        self.problems.add(
            Problem(code=code, message=message, source=self.source, span=span, hint=hint)
        )


# ---- findings in which a history is set ----------------------------------------------------------


def _kept(found: PatientFindings, new: PatientFindings) -> PatientFindings:
    """The new cells and rows, with all else that is known of the findings."""
    openers = dict(found.openers)
    for name, cells in new.single.items():
        if len(cells) == 1:
            openers.pop(name, None)
    changed = [g.name for g, old in zip(new.groups, found.groups, strict=True) if g != old]
    result = PatientFindings(
        as_of=found.as_of,
        single=new.single,
        groups=new.groups,
        numbers=found.numbers,
        near=found.near,
        evidence=found.evidence,
        timepoints=found.timepoints,
        widened=found.widened,
    )
    for name, each in openers.items():
        if name not in changed:
            result.keep_open(name, each)
    look_at(result)
    return result
