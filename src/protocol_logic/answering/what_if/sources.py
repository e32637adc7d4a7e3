"""What the findings of a protocol are read from: all that there can be a lever of."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from protocol_logic.answering.what_if.margins import unit_of_limit
from protocol_logic.answering.what_if.setting import HISTORIES
from protocol_logic.compiling import core
from protocol_logic.compiling.clauses import said
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge import vocabulary as voc


class Sources:
    """What the findings of a protocol are read from: for each input the findings that read it.

    `tests`: all that the criteria reach, with the text in which each stands. `names`: all that
    there can be a lever of, in the order in which the plan first reads it;
    tests that are written alike are set together.

    `units`: quantity -> the unit of its first limit in the protocol, and how many of its own it is.
    `tested`: concepts that some test names. `histories`: tests of what only a history tells.
    """

    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.protocol, self.plan = protocol, plan
        self.voc = protocol.vocabulary
        self.readers: dict[str, list[Finding]] = {}
        self._alike: dict[str, list[list[str]]] = {}
        for finding in plan.findings.values():
            for name in self._entries(finding):
                self.readers.setdefault(name, []).append(finding)
        tests = self.tests = _tests_of(protocol)
        self.tested = {
            name
            for test in tests
            for name in (getattr(test, "concept", None), getattr(test, "entry", None))
            if name is not None
        }
        self.units: dict[str, tuple[str, Fraction]] = {}
        for test, source in tests.items():
            if isinstance(test, core.Within) and not test.per and source is protocol.source:
                unit, factor, zero = unit_of_limit(protocol, test)
                if not zero:
                    self.units.setdefault(test.entry, (unit, factor))
        self.histories: dict[core.Test, str] = {
            test: " ".join(said(source, test).split())
            for test, source in tests.items()
            if isinstance(test, core.Pattern)
            or (isinstance(test, HISTORIES) and test in plan.tests)
        }
        alike: dict[str, list[core.Test]] = {}
        for test, words in self.histories.items():
            alike.setdefault(words, []).append(test)
        self.names: list[str | tuple[core.Test, ...]] = [
            *self.readers,
            *(tuple(each) for each in alike.values()),
        ]

    def alike(self, name: str, values: tuple[str, ...]) -> list[list[str]]:
        """The values of an entry, those together that no finding tells apart."""
        if name not in self._alike:
            classes: dict[object, list[str]] = {}
            named = [f for f in self.readers[name] if f.kind in ("value", "recorded")]
            for value in values:
                told = tuple(tuple(value in members for members in f.values) for f in named)
                classes.setdefault(told, []).append(value)
            self._alike[name] = list(classes.values())
        return self._alike[name]

    def _entries(self, finding: Finding) -> Iterator[str]:
        derived = self.protocol.derived.get(finding.entry)
        if derived is not None:
            yield from dict.fromkeys(
                [*derived.inputs, *derived.fields, *filter(None, [derived.reported])]
            )
        elif finding.kind in ("undetermined", "todo"):
            return
        else:
            yield finding.entry
            entry = self.voc.entries[finding.entry]
            if isinstance(entry, voc.Concept | voc.Event) and entry.closed_by:
                yield entry.closed_by


def _tests_of(protocol: core.Protocol) -> dict[core.Test, Source]:
    """All tests that the criteria reach, in order, definitions and denials opened, with the texts
    in which they stand."""
    found: dict[core.Test, Source] = {}
    opened: set[str] = set()

    def take(condition: core.Condition, source: Source) -> None:
        for test in core.tests_in(condition):
            found.setdefault(test, source)
            if isinstance(test, core.Defined) and test.name not in opened:
                opened.add(test.name)
                definition = protocol.definitions[test.name]
                for part in core.conditions_in(definition.body):
                    take(part, definition.source)

    for criterion in protocol.criteria:
        for condition in (criterion.applies, criterion.condition):
            if condition is not None:
                take(condition, protocol.source)
    for denial in protocol.denials.values():
        take(denial, protocol.source)
    return found
