"""The leaves of a justification: findings with the facts they rest on, gaps and assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from protocol_logic.answering.finding_words import NUMBERS, FindingWords
from protocol_logic.answering.near_misses import near_miss
from protocol_logic.answering.readings import (
    margin_words,
    named_as,
    one_number,
    range_origin,
    read_as,
)
from protocol_logic.compiling import core
from protocol_logic.findings.rows import CellSet, Opener, PatientFindings
from protocol_logic.findings.unlisted import words as beside_words
from protocol_logic.foundation.interval import decimal_text
from protocol_logic.knowledge.vocabulary import Asked
from protocol_logic.records.facts import Born, Closed, Fact, Happened, Measured, Therapy

_WHY = {
    "absent": "nothing is recorded of {}",
    "unreadable": "what is recorded of {} cannot be read",
    "conflicting": "the record contradicts itself about {}",
    "imprecise": "what is recorded of {} is not exact enough",
    "ordered": "something of {} was only ordered, and nothing says whether it was taken",
    "ended": "{} ended, and nothing says that it did not come again",
    "doubted": "something in the record speaks for {}, so that no list denies it",
    "not_closed": "no list says that {} is complete",
    "no_reference_range": "the result has no usable {}",
    "stale": "what is recorded of {} is too old",
}


class Leaves:
    """Adds findings, and what they rest on, to a graph; each once."""

    def __init__(self, words: FindingWords, found: PatientFindings, graph: Any) -> None:
        self.words = words
        self.entries = words.entries
        self.plan = words.plan
        self.found = found
        self.graph = graph
        self.group_of = {name: g.name for g in found.groups for name in g.findings}
        self._made: set[str] = set()
        self._facts: dict[Fact, str] = {}

    def finding(self, name: str, cells: CellSet) -> str:
        """The node of a finding with the cells that the record leaves it."""
        node = f"finding:{name}"
        if node not in self._made:
            self._made.add(node)
            group = self.group_of.get(name)
            names = [name] if group is None else [name, group]
            outcome = "known" if len(cells) == 1 else "open"
            finding = self.plan.findings.get(name)
            self.graph.add_node(
                node, kind="finding", outcome=outcome, op="record",
                label=self.words.said(name, cells),
                cells=sorted(cells), all_cells=list(finding.cells) if finding else [],
                group=group,
            )  # fmt: skip
            facts = self.found.evidence.get(name)
            if facts is None and group is not None:
                facts = self.found.evidence.get(group, ())
            self._rests_on(node, name, facts or (), names if outcome == "open" else ())
        return node

    def courses(self, group: str, rows: tuple[Mapping[str, CellSet], ...]) -> str:
        """The node of all courses of a class, with how many readings the record leaves."""
        node = f"finding:{group}"
        if node not in self._made:
            self._made.add(node)
            is_open = len(rows) != 1 or any(len(cells) > 1 for cells in rows[0].values())
            words = group.replace("_", " ")
            self.graph.add_node(
                node, kind="finding", outcome="open" if is_open else "known", op="courses",
                label=words if len(rows) == 1 else f"{words}: {len(rows)} readings",
                readings=len(rows), group=group,
            )  # fmt: skip
            facts = self.found.evidence.get(group, ())
            self._rests_on(node, group, facts, [group] if is_open else ())
        return node

    def _rests_on(
        self, node: str, name: str, facts: Iterable[Fact], opened_by: Iterable[str]
    ) -> None:
        facts = tuple(facts)
        for fact in facts:
            self.graph.add_edge(node, self.fact(fact), role="supports", parts=["fact"])
        openers = dict.fromkeys(o for each in opened_by for o in self.found.openers.get(each, ()))
        for opener in openers:
            self.graph.add_edge(node, self.gap(opener), role="missing", parts=["gap"])
        if facts or openers:
            return
        # INVARIANT: a finding never stands on nothing.
        assumption = f"assumption:{name}"
        known = self.graph.nodes[node]["outcome"] == "known"
        words = self.words.nothing(name)
        self.graph.add_node(
            assumption, kind="assumption", outcome="supposed", op="nothing",
            label=words if known else f"{words}; each case is possible",
        )  # fmt: skip
        role = "supports" if known else "missing"
        self.graph.add_edge(node, assumption, role=role, parts=["assumption"])

    # ---- facts and gaps ----------------------------------------------------------------------

    def fact(self, fact: Fact) -> str:
        if fact in self._facts:
            return self._facts[fact]
        name, number = f"fact:{fact.resource}:{fact.entry}", 1
        node = name
        while node in self.graph:
            number += 1
            node = f"{name}:{number}"
        unit = getattr(self.entries.get(fact.entry), "unit", None)
        reading = read_as(fact, unit)
        self.graph.add_node(
            node, kind="fact", outcome="recorded", op="fact", label=self.told(fact),
            resource=fact.resource, date=None if fact.date is None else fact.date.text or None,
            recorded=fact.recorded, read_as=reading, entry=fact.entry,
            range=range_origin(fact, unit),
            attested=[asdict(each) for each in fact.attested],
            closes=isinstance(fact.reading, Closed),
        )  # fmt: skip
        self._facts[fact] = node
        return node

    def told(self, fact: Fact) -> str:
        """A fact in words: what it is of, what was recorded and read, and when."""
        entry = self.entries.get(fact.entry)
        unit = getattr(entry, "unit", None)
        reading = read_as(fact, unit)
        label = entry.label if entry is not None else fact.entry
        words = fact.recorded if fact.recorded == reading else f"{fact.recorded} = {reading}"
        if not isinstance(fact.reading, Measured) or fact.reading.value is None:
            words = reading
        told_in_reading = isinstance(fact.reading, Therapy | Born | Happened)
        dated = "" if told_in_reading or fact.date is None else f" on {fact.date.text}"
        named, name = named_as(fact), label.casefold()
        if named and named.casefold() not in name and not named.casefold().startswith(name):
            label = f"{label} ({named})"
        told = f"{label} {words}{dated}"
        if isinstance(fact.reading, Closed):
            told = f"{label}{dated}: what it does not hold is absent"
            if fact.entry in self.found.beside:
                told += f", beside {beside_words(self.found.beside[fact.entry])}"
        return told

    def gap(self, opener: Opener) -> str:
        node = f"gap:{opener.element}:{opener.reason}"
        node += f":{opener.resource}" if opener.resource else ""
        if node not in self.graph:
            self.graph.add_node(
                node, kind="gap", outcome="missing", op="gap", element=opener.element,
                label=self._why(opener), reason=opener.reason, resource=opener.resource,
            )  # fmt: skip
        return node

    def _why(self, opener: Opener) -> str:
        """Why a gap is open, in words."""
        asked = isinstance(self.entries.get(opener.element), Asked)
        if asked and opener.reason == "absent":
            return "it is to be asked of a person"
        return _WHY[opener.reason].format(opener.element)

    # ---- limits ------------------------------------------------------------------------------

    def comparison(self, test: core.Condition, name: str) -> dict[str, Any]:
        """What a test is of this patient: its number and margin; what lies just outside a window.

        `near`: the nearest fact before the window, in words, where none lies in it.
        """
        near = near_miss(self.plan, self.found, test, name)
        told: dict[str, Any] = {}
        if near is not None:
            fact, first = near
            told["near"] = f"{self.told(fact)}, and the window begins on {first.isoformat()}"
        return {**told, **self._number(test, name)} if isinstance(test, core.Within) else told

    def _number(self, test: core.Within, name: str) -> dict[str, Any]:
        """The number that a limit is compared with, where one number is known, and the margin.

        `computed`: it stands in no fact, but was computed of several or of a date.
        """
        finding, number = self.plan.findings[name], self.found.numbers.get(name)
        if finding.kind not in NUMBERS or test.taken or number is None:
            return {}
        value = one_number(number)
        if value is None:
            return {}
        # What is computed follows exactly from its inputs, so its digits need not.
        exact = finding.kind != "derived" or decimal_text(value).count("/") == 0
        words, margin = margin_words(value, test.limit, self.words.unit(finding), exact)
        computed = {"computed": True} if finding.kind in ("derived", "age") else {}
        return {"value": words, "margin": margin, **computed}
