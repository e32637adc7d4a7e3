"""The lines `change` and `obtain`, checked: of knowledge entries, a protocol, a site and a run.

Those of a site are for many protocols, so their names are those of the whole knowledge base; those
of a run are for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import NamedTuple, cast

from protocol_logic.compiling import core
from protocol_logic.compiling.changing import DOWN, UP, Kind, Said
from protocol_logic.compiling.cues import who_knows
from protocol_logic.compiling.formulas import Derived
from protocol_logic.compiling.knowledge import read_entries
from protocol_logic.compiling.library import Unit, knowledge_unit
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean, one_of
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.knowledge.resources import knowledge_names
from protocol_logic.language import knowledge_tree, tree
from protocol_logic.language.nodes import Word
from protocol_logic.language.reading import parse
from protocol_logic.records.elements import REFERENCE_RANGE

STATES = ("present", "absent")
"""What a condition, procedure or medication can change to: there, or not."""
_CONSENT = ("signed", "refused")
_COST = re.compile(r"[0-9]{1,6}")


class Names(NamedTuple):
    """What lines can speak of, and what is made of it, of which they cannot.

    `elements`: the names of entries by the element that reports print, where a line may say that.
    """

    entries: Mapping[str, voc.Entry]
    derived: Mapping[str, Derived]
    definitions: Collection[str]
    elements: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(slots=True)
class ChangeLines:
    """Checks the lines of one file; `unknown`: what to do about a name that there is not."""

    names: Names
    source: Source
    problems: Problems
    unknown: Callable[[str], str | None]
    _places: dict[tuple[str, bool], Span] = field(default_factory=dict)

    def said(self, name: Word, change: knowledge_tree.Change) -> Said | None:
        """What a line says of an entry; None where it cannot be said."""
        entry = self._entry(name)
        if entry is None or not self._is_first(name, entry.name, change):
            return None
        cost = self._cost(change.cost)
        if change.obtains:
            ok = not isinstance(entry, voc.Age) or self._refused(
                name, f"`{name.text}` is counted from a date", f"say it of `{entry.of}`"
            )
            never = change.kind is not None
            wrong = not ok or (cost is None and not never)
            return None if wrong else Said(entry.name, obtains=True, obtain=cost)
        assert change.kind is not None  # the grammar has no such line
        if not self._can_change(name, entry) or not self._is_direction(entry, change.direction):
            return None
        if change.cost is not None and cost is None:
            return None
        direction = change.direction.text if change.direction is not None else None
        return Said(entry.name, cast(Kind, change.kind.text), cost, direction)

    def _problem(self, code: str, message: str, span: Span, hint: str | None) -> None:
        self.problems.add(
            Problem(code=code, message=message, source=self.source, span=span, hint=hint)
        )

    def _refused(self, word: Word, message: str, hint: str) -> bool:
        self._problem("wrong-kind", message, word.span, hint)
        return False

    def _entry(self, name: Word) -> voc.Entry | None:
        entry = self.names.entries.get(name.text)
        if entry is not None:
            return entry
        named = self.names.elements.get(name.text, ())
        if len(named) == 1:
            return self.names.entries[named[0]]
        if named:
            message = f"`{name.text}` is the element of more than one entry"
            self._refused(name, message, f"say it of {one_of(named)}")
        elif (derived := self.names.derived.get(name.text)) is not None:
            message = f"`{name.text}` is a derived quantity: it changes with what it is made of"
            ages = {age.name for age in self.names.entries.values() if isinstance(age, voc.Age)}
            inputs = [each for each in derived.inputs if each not in ages]
            self._refused(name, message, f"say it of {one_of(inputs)}")
        elif name.text in self.names.definitions:
            message = f"`{name.text}` is a definition: it changes with what it is made of"
            self._refused(name, message, "say it of the entries that it tests")
        else:
            message = f"the name `{name.text}` is not defined"
            self._problem("unknown-name", message, name.span, self.unknown(name.text))
        return None

    def _is_first(self, name: Word, entry: str, change: knowledge_tree.Change) -> bool:
        first = self._places.setdefault((entry, change.obtains), change.span)
        if first is change.span:
            return True
        line = self.source.line_column(first.start)[0]
        what = "an `obtain`" if change.obtains else "a `change`"
        message = f"`{name.text}` already has {what} line, in line {line}"
        self._problem("duplicate-name", message, name.span, "keep one of the two")
        return False

    def _cost(self, word: Word | None) -> int | None:
        if word is None:
            return None
        if _COST.fullmatch(word.text):
            return int(word.text)
        message = f"`{word.text}` is no cost: it is a whole number, such as 3"
        self._problem("unknown-value", message, word.span, "docs/what-if.md has the usual ones")
        return None

    def _can_change(self, name: Word, entry: voc.Entry) -> bool:
        if isinstance(entry, voc.Age):
            return self._refused(
                name, f"`{name.text}` rises by itself, and not otherwise", "take the line away"
            )
        if isinstance(entry, voc.History | voc.Timepoint):
            what = "a list" if isinstance(entry, voc.History) else "a time point"
            return self._refused(
                name,
                f"`{name.text}` is {what}, which does not change",
                f"what it costs to get it can be said: `obtain {name.text} cost 2`",
            )
        return True

    def _is_direction(self, entry: voc.Entry, word: Word | None) -> bool:
        if word is None:
            return True
        if word.text in (UP, DOWN):
            if isinstance(entry, voc.Quantity):
                return True
            values = values_of(entry)
            hint = f"write `to {values[0]}`" if values else "leave it out"
            return self._refused(word, f"`{entry.name}` is no number, so it has no `up`", hint)
        values = values_of(entry)
        if word.text in values:
            return True
        if not values:
            hint = "write `up` or `down`" if isinstance(entry, voc.Quantity) else "leave it out"
            return self._refused(word, f"`{entry.name}` has no values of its own", hint)
        message = f"`{entry.name}` has no value `{word.text}`"
        hint = did_you_mean(word.text, values) or f"it can be {one_of(values)}"
        self._problem("unknown-value", message, word.span, hint)
        return False


def values_of(entry: voc.Entry) -> Sequence[str]:
    """The values that an entry can change to; none where it has no values."""
    if isinstance(entry, voc.Status | voc.PatientField | voc.Qualifier):
        return entry.values
    if isinstance(entry, voc.Concept):
        return STATES
    if isinstance(entry, voc.Consent):
        return _CONSENT
    return voc.ASKED_VALUES if isinstance(entry, voc.Asked) else ()


def said_in(units: Iterable[Unit], names: Names, problems: Problems) -> tuple[Said, ...]:
    """What the files of a protocol say, the knowledge base first."""
    found = []
    for unit in units:
        lines = ChangeLines(
            names, unit.source, problems, lambda name: who_knows(name, names.entries, tested=False)
        )
        for name, change in _lines(unit, names):
            said = lines.said(name, change)
            found += [] if said is None else [said]
    return tuple(found)


def _lines(unit: Unit, names: Names) -> Iterator[tuple[Word, knowledge_tree.Change]]:
    for node in unit.statements:
        if isinstance(node, tree.Changing):
            yield node.name, node.change
        elif isinstance(node, knowledge_tree.Entry):
            # An entry that cannot be made has had its problem, and so has what cannot stand in it.
            known = node.name.text in names.entries
            for prop in node.properties if known else ():
                if prop.change is not None:
                    yield node.name, prop.change


def changes_of_run(
    texts: Iterable[str], protocol: core.Protocol, problems: Problems
) -> tuple[Said, ...]:
    """What a run says: texts such as `hemoglobin treat cost 5` or `obtain hemoglobin cost 2`.

    What it says `never` changes is not obtained either, unless it says that too.
    """
    names = _names_of_run(protocol)
    found: dict[tuple[str, bool], Said] = {}
    for text in texts:
        word = text.split(" ", 1)[0]
        more = "" if word in ("change", "obtain") else "change "
        source = Source("--change", more + text)
        told = Problems()
        match parse(source, Problems()):
            case [tree.Changing() as node]:
                lines = ChangeLines(names, source, told, lambda n: _near(n, protocol))
                said = lines.said(node.name, node.change)
                if said is not None and (said.name, said.obtains) in found:
                    message = f"`{said.name}` is said twice"
                    told.add(
                        Problem(
                            code="duplicate-name",
                            message=message,
                            source=source,
                            span=node.name.span,
                            hint="keep one of the two",
                        )
                    )
                elif said is not None:
                    found[said.name, said.obtains] = said
            case _:
                message, hint = _unread(text, names)
                told.add(
                    Problem(
                        code="syntax",
                        message=message,
                        source=source,
                        span=Span(len(more), len(source.text)),
                        hint=hint,
                    )
                )
        given = Source("--change", text)
        for problem in told.items:
            problems.add(_without(len(more), problem, given))
    for said in [*found.values()]:
        if said.kind == "never":
            found.setdefault((said.name, True), Said(said.name, obtains=True))
    return tuple(found.values())


def _unread(text: str, names: Names) -> tuple[str, str]:
    """What is wrong with a text that says nothing, and what to write."""
    for word in text.split():
        kind, colon, of = word.partition(":")
        if colon and kind in REFERENCE_RANGE.values() and of in {*names.elements, *names.entries}:
            name = of if of in names.entries else names.elements[of][0]
            return f"`{shown(word)}` is had with the result", f"say it of `{shown(name)}`"
    return (
        "this does not say how something can change",
        "write `NAME treat cost 3`, `NAME correct cost 10`, `NAME never` or `obtain NAME cost 2`",
    )


def _names_of_run(protocol: core.Protocol) -> Names:
    """The names of a protocol; what it decides or computes is known by its element too."""
    entries = protocol.vocabulary.entries
    elements: dict[str, dict[str, None]] = {}
    for entry in entries.values():
        own = entry.of if isinstance(entry, voc.Age) else entry.name
        elements.setdefault(entry.element, {})[own] = None
        for evidence in entry.evidence if isinstance(entry, voc.Concept) else ():
            elements.setdefault(evidence, {})[own] = None
    derived = {each.element: each for each in protocol.derived.values()}
    decided = {*protocol.definitions}
    decided |= {each.element for each in protocol.definitions.values() if each.element}
    of = {element: tuple(names) for element, names in elements.items()}
    return Names(entries, {**derived, **protocol.derived}, decided, of)


def _without(more: int, problem: Problem, given: Source) -> Problem:
    """A problem in the text as it was given, which lacks some characters before it."""
    span = problem.span
    assert span is not None
    return replace(problem, source=given, span=Span(span.start - more, span.end - more))


def _near(name: str, protocol: core.Protocol) -> str:
    known = protocol.vocabulary.entries
    return did_you_mean(name, known) or "`protocol-logic names` finds names"


@cache
def site_names() -> Names:
    """The names of the whole knowledge base, of which a site can speak."""
    units = []
    definitions = set()
    for file in knowledge_names():
        units.append(knowledge_unit(file))
        definitions |= {
            node.name.text for node in units[-1].statements if isinstance(node, tree.Definition)
        }
    found = read_entries(units, Problems())
    return Names(found.entries, found.derived, definitions)
