"""Parameters: numbers of a protocol that have a name, and that a site or a run may set.

Takes: the parsed files of a protocol, and the values that its site and the run give. Gives: the
same files with a number in the place of each name, so that what comes after knows only numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import date
from typing import Any, Literal, get_args

from protocol_logic.compiling import core
from protocol_logic.compiling.library import Unit
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.problems import Label, Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.language import condition_tree, tree
from protocol_logic.language.nodes import Amount, Word, parts_of
from protocol_logic.language.reading import parse

_CONDITIONS = get_args(condition_tree.Condition)
_NUMBERS = ("one", "two", "three", "four", "five", "six", "ten", "twelve", "eighteen")


@dataclass(frozen=True, slots=True)
class Setting:
    """The value that a site or a run gives to a parameter.

    `protocol`: the one that is meant, where the name says it (`biopsy.min_platelets`). `text` is
    the author's, with the word `parameter`.
    """

    protocol: str | None
    name: str
    value: Amount
    origin: Literal["site", "run"]
    text: str
    source: Source = field(compare=False, repr=False)
    span: Span = field(compare=False, repr=False)


def setting_of(node: tree.Setting, source: Source, origin: Literal["site", "run"]) -> Setting:
    """A line that sets a parameter, checked as far as it can be without a protocol."""
    protocol, _, name = node.name.text.rpartition(".")
    text = " ".join(source.text[node.span.start : node.span.end].split())
    return Setting(protocol or None, name, node.value, origin, text, source, node.name.span)


def settings_of_run(texts: Iterable[str], problems: Problems) -> tuple[Setting, ...]:
    """The values that a run gives: texts such as `min_platelets is 75 10*9/L`."""
    found: dict[str, Setting] = {}
    for text in texts:
        source = Source("--parameter", f"parameter {text}")
        wrong = Problems()
        match parse(source, wrong):
            case [tree.Setting() as node]:
                setting = setting_of(node, source, "run")
                if setting.name in found:
                    message = f"`{setting.name}` is set twice"
                    hint = "keep one of the two"
                    problems.add(_problem("duplicate-name", message, source, setting.span, hint))
                found[setting.name] = setting
            case _ if wrong.items and re.match(r"\s*[\w.]+ +is +[0-9]", text):
                problems.extend(wrong.items)  # the number or its unit is what cannot be read
            case _:
                message = "this does not give a value to a parameter"
                hint = "write `NAME is VALUE`, as in `min_platelets is 75 10*9/L`"
                span = Span(len("parameter "), len(source.text))
                problems.add(_problem("syntax", message, source, span, hint))
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Value:
    """The value that a parameter has in the end, and where it is given."""

    amount: Amount
    text: str
    source: Source
    span: Span


@dataclass(frozen=True, slots=True)
class Settled:
    """The parameters of a protocol with their values, and where their names stand in `source`.

    `places`: offset of each name in a condition -> the name.
    """

    source: Source
    parameters: tuple[core.Parameter, ...] = ()
    places: Mapping[int, str] = field(default_factory=dict)
    _values: Mapping[str, _Value] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether a parameter has the name."""
        return name in self._values

    def line(self, source: Source, span: Span) -> str:
        """The author's text in one line, with its value after the name of each parameter."""
        text = source.text[span.start : span.end]
        if source is self.source and self.places:
            here = [start for start in self.places if span.start <= start < span.end]
            for start in sorted(here, reverse=True):
                end = start + len(self.places[start]) - span.start
                text = f"{text[:end]} ({self._values[self.places[start]].text}){text[end:]}"
        return " ".join(text.split())

    def labels(self, source: Source, span: Span) -> tuple[Label, ...]:
        """Where the parameter gets its value whose name stands at a place."""
        name = self.places.get(span.start) if source is self.source else None
        if name is None:
            return ()
        value = self._values[name]
        return (Label(value.source, value.span, f"`{name}` is {value.text}"),)


def settle(
    units: Sequence[Unit], settings: Iterable[Setting], problems: Problems
) -> tuple[list[Unit], Settled]:
    """Put the value of each parameter in the place of its name, in all conditions.

    A condition that names no parameter is replaced by `condition_tree.Broken`. Of a run, its site
    and the protocol the first that gives a value decides.
    """
    return _Settling(units, problems).settle(settings)


class _Settling:
    def __init__(self, units: Sequence[Unit], problems: Problems) -> None:
        self.units = units
        self.main = units[-1]
        self.source = self.main.source
        self.problems = problems
        heading = self.main.heading
        self.protocol = heading.name.text if heading is not None else ""
        self.declared: dict[str, Word] = {}
        self.values: dict[str, _Value] = {}
        self.places: dict[int, str] = {}
        self.sentence: str | None = None

    def settle(self, settings: Iterable[Setting]) -> tuple[list[Unit], Settled]:
        self._declare()
        defaults = dict(self.values)
        origins: dict[str, core.Origin] = dict.fromkeys(self.values, "protocol")
        for setting in sorted(settings, key=lambda each: each.origin == "run"):
            if self._is_known(setting):
                self.values[setting.name] = _value(setting.value, setting.source)
                origins[setting.name] = setting.origin
        units = [self._unit(unit) for unit in self.units]
        for name, word in self.declared.items():
            if name not in self.places.values() and not self.problems.has_errors:
                message = f"no condition names the parameter `{name}`"
                hint = "write its name in the place of a number, or take it away"
                self._problem("unused-parameter", message, word.span, hint)
        parameters = tuple(
            core.Parameter(name, self.values[name].text, origins[name], default.text)
            for name, default in defaults.items()
        )
        return units, Settled(self.source, parameters, self.places, self.values)

    # ---- declarations ------------------------------------------------------------------------

    def _declare(self) -> None:
        """Note the names of all parameters, and the values of those that have one."""
        for unit in self.units:
            for node in unit.statements:
                if isinstance(node, tree.Setting):
                    self._misplaced(node, unit)
                elif isinstance(node, tree.Parameter):
                    if unit.is_knowledge:
                        self._misplaced(node, unit)
                    elif node.name.text not in self.declared and self._is_complete(node):
                        self.values[node.name.text] = _value(node.values[0], self.source)
                    self.declared.setdefault(node.name.text, node.name)

    def _misplaced(self, node: tree.Setting | tree.Parameter, unit: Unit) -> None:
        if isinstance(node, tree.Setting):
            message = "a value that a site sets does not belong to a protocol or to knowledge"
            hint = "put it into a file that starts with `policies NAME`: `screen --policies FILE`"
            code = "misplaced"
        else:
            message = f"the parameter `{node.name.text}` does not belong to knowledge"
            code, hint = "misplaced", "put it into the protocol"
        self.problems.add(_problem(code, message, unit.source, node.name.span, hint))

    def _is_complete(self, node: tree.Parameter) -> bool:
        """Whether a parameter has a name of its own and all that it needs, once."""
        name, known = node.name, len(self.problems.items)
        if "." in name.text:
            hint = f"write `{name.text.replace('.', '_')}`"
            self._problem("syntax", f"`{name.text}` is not one word", name.span, hint)
        keys = ["value"] * len(node.values) + [text.key for text in node.texts]
        for key in ("value", "label", "source", "date"):
            if keys.count(key) > 1:
                message = f"`{name.text}` has a second `{key}` line"
                self._problem("duplicate-name", message, node.span, "keep one of them")
        for key in ("value", "source"):
            if key not in keys:
                message = f"`{name.text}` is a parameter without `{key}`"
                self._problem("missing-property", message, name.span, f"add a `{key}` line")
        for text in node.texts:
            if text.key == "date" and not _is_day(text.text):
                message = f"there is no day `{text.text}` in the calendar"
                self._problem("unknown-value", message, text.span)
        return len(self.problems.items) == known

    def _is_known(self, setting: Setting) -> bool:
        """Whether a site or a run speaks of a parameter that there is; if not, it must not try."""
        if setting.protocol not in (None, self.protocol):
            if setting.origin == "run":
                message = f"the protocol is `{self.protocol}`, not `{setting.protocol}`"
                hint = f"write `{setting.name}` alone"
                self.problems.add(
                    _problem("unknown-name", message, setting.source, setting.span, hint)
                )
            return False
        if setting.name not in self.values and not self.problems.has_errors:
            message = f"`{self.protocol}` has no parameter `{setting.name}`"
            known = ", ".join(f"`{name}`" for name in self.values)
            hint = did_you_mean(setting.name, self.values) or (
                f"it has {known}" if known else "it has none"
            )
            self.problems.add(_problem("unknown-name", message, setting.source, setting.span, hint))
        return setting.name in self.values

    # ---- conditions --------------------------------------------------------------------------

    def _unit(self, unit: Unit) -> Unit:
        if unit.is_plain:
            return unit
        statements = []
        for node in unit.statements:
            self.sentence = node.sentence or None if isinstance(node, tree.Criterion) else None
            statements.append(self._replaced(node, unit.source))
        return Unit(unit.source, tuple(statements))

    def _replaced(self, node: Any, source: Source) -> Any:
        """A node with numbers in the place of names; itself where it has none."""
        if isinstance(node, tuple):
            parts = tuple(self._replaced(part, source) for part in node)
            return parts if any(a is not b for a, b in zip(parts, node, strict=True)) else node
        names = parts_of(type(node))
        if not names:
            return node
        if isinstance(node, Amount) and node.parameter is not None:
            return self._number(node.parameter, source)
        changed: dict[str, Any] = {}
        try:
            for name in names:
                part = getattr(node, name)
                new = self._replaced(part, source)
                if new is not part:
                    changed[name] = new
        except _NoSuchParameterError:
            if isinstance(node, _CONDITIONS):
                return condition_tree.Broken(span=node.span)
            raise
        return replace(node, **changed) if changed else node

    def _number(self, word: Word, source: Source) -> Amount:
        name = word.text
        value = self.values.get(name) if source is self.source else None
        if value is None:
            if name not in self.declared:
                self._unknown(word, source)
            raise _NoSuchParameterError
        self.places[word.span.start] = name
        unit = value.amount.unit
        return Amount(
            number=value.amount.number,
            unit=Word(text=unit.text, span=word.span) if unit is not None else None,
            span=word.span,
        )

    def _unknown(self, word: Word, source: Source) -> None:
        message = f"`{word.text}` is neither a number nor a parameter of the protocol"
        hint = did_you_mean(word.text, self.values)
        if word.text in _NUMBERS:
            hint = "write digits"
        elif source is not self.source or self.main.is_knowledge:
            hint = "a condition of a knowledge file has numbers"
        elif hint is None:
            hint = f"write a number, or declare it: `parameter {word.text}`"
        self.problems.add(
            replace(
                _problem("unknown-name", message, source, word.span, hint), sentence=self.sentence
            )
        )

    def _problem(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.problems.add(_problem(code, message, self.source, span, hint))


class _NoSuchParameterError(Exception):
    """A name in the place of a number that no parameter has; it has been told."""


def _value(amount: Amount, source: Source) -> _Value:
    text = " ".join(source.text[amount.span.start : amount.span.end].split())
    return _Value(amount, text, source, amount.span)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _problem(
    code: str, message: str, source: Source, span: Span, hint: str | None = None
) -> Problem:
    return Problem(code=code, message=message, source=source, span=span, hint=hint)
