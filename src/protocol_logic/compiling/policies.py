"""Site policies: how old evidence may be, kept apart from the protocols that it is for.

A policy names a knowledge file, and then all in it that grows old, or one entry, which comes
before its file. The names are those of the whole knowledge base, whatever a protocol uses of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from protocol_logic.compiling import core
from protocol_logic.compiling.change_lines import ChangeLines, site_names
from protocol_logic.compiling.changing import Said
from protocol_logic.compiling.extending import Extension, extended, extension_of
from protocol_logic.compiling.library import Unit, knowledge_unit
from protocol_logic.compiling.parameters import Setting, setting_of
from protocol_logic.compiling.windows import Window, not_whole, window_of
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.knowledge.resources import knowledge_names
from protocol_logic.language import knowledge_tree, tree
from protocol_logic.language.nodes import Amount, Word
from protocol_logic.language.reading import parse

AGEING = {
    "quantity": voc.Quantity,
    "status": voc.Status,
    "lesion": voc.Lesion,
    "consent": voc.Consent,
    "history": voc.History,
}
"""Entries of which the newest fact counts and may be too old.

A diagnosis, a procedure and a course of therapy stay true; a birth date and a sex have no date.
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy for a knowledge file or an entry; `text` is the author's, without `policy`."""

    target: str
    window: Window
    text: str


@dataclass(frozen=True, slots=True)
class Policies:
    """The checked policies of a site, and the values that it sets, in source order."""

    id: str
    version: str
    lines: tuple[Policy, ...]
    settings: tuple[Setting, ...] = ()
    extensions: tuple[Extension, ...] = field(default=(), repr=False)
    changes: tuple[Said, ...] = field(default=(), compare=False, repr=False)
    """What the site says of how entries can change, which decides nothing."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All that the site says, line by line."""
        lines = tuple(line.text for line in self.lines)
        added = (each.text for each in self.extensions)
        return (*lines, *(setting.text for setting in self.settings), *added)

    @property
    def digest(self) -> str:
        """Covers all that decides, and the names; not the layout."""
        added = repr(self.extensions) if self.extensions else ""
        return f"sha256:{hashlib.sha256((repr(self) + added).encode()).hexdigest()}"

    def windows(self, protocol: core.Protocol) -> Mapping[str, Window]:
        """The window of each entry of a protocol's vocabulary that has one."""
        by_target = {line.target: line.window for line in self.lines}
        kinds = tuple(AGEING.values())
        found: dict[str, Window] = {}
        for name, entry in protocol.vocabulary.entries.items():
            if isinstance(entry, kinds):
                window = by_target.get(name) or by_target.get(protocol.homes.get(name, ""))
                if window is not None:
                    found[name] = window
        return found


_OF_SITES = (tree.Policy, tree.Setting, tree.Changing, tree.Extend)


def are_policies(unit: Unit) -> bool:
    """Whether a file is one of policies, also where it does not say what it is."""
    if unit.heading is not None:
        return unit.heading.kind == "policies"
    lines = unit.statements
    # A protocol has lines of changes and extensions too, so that these alone do not say it.
    return all(isinstance(each, _OF_SITES) for each in lines) and not all(
        isinstance(each, tree.Changing | tree.Extend) for each in lines
    )


def check_policies(source: Source, problems: Problems) -> Policies | None:
    """Check a file of policies; None where a problem of severity error stands in the way."""
    return check_unit(Unit(source, tuple(parse(source, problems))), problems)


def check_unit(unit: Unit, problems: Problems) -> Policies | None:
    """The same of a file that is parsed already."""
    checker = _Checker(unit.source, problems)
    heading = unit.heading
    if heading is not None and heading.kind != "policies":
        what = "protocol" if heading.kind == "protocol" else "knowledge file"
        message = f"`{heading.name.text}` is a {what}, not a file of policies"
        hint = "a file of policies starts with `policies NAME`"
        checker.problem("misplaced", message, heading.name.span, hint)
        return None
    lines = []
    settings = []
    changes = []
    extensions = []
    for statement in unit.statements:
        if isinstance(statement, tree.Policy):
            line = checker.line(statement)
            lines += [] if line is None else [line]
        elif isinstance(statement, tree.Setting):
            checker.claim(statement.name, "value")
            settings.append(setting_of(statement, unit.source, "site"))
        elif isinstance(statement, tree.Changing):
            said = checker.changes.said(statement.name, statement.change)
            changes += [] if said is None else [said]
        elif isinstance(statement, tree.Extend):
            added = checker.extension(statement)
            extensions += [] if added is None else [added]
        elif not isinstance(statement, tree.Heading):
            checker.misplaced(statement)
    if heading is None:
        message = "the file does not say that it holds policies"
        span = Span(0, min(1, len(unit.source.text)))
        checker.problem("missing-property", message, span, "start it with `policies NAME`")
    elif not lines and not settings and not changes and not extensions and not problems.has_errors:
        message = f"`{heading.name.text}` has no policy"
        hint = "add a line such as `policy labs within 28 days`"
        checker.problem("missing-property", message, heading.name.span, hint)
    if problems.has_errors or heading is None:
        return None
    version = next((t.text for t in heading.texts if t.key == "version"), "")
    return Policies(
        heading.name.text,
        version,
        tuple(lines),
        tuple(settings),
        tuple(extensions),
        tuple(changes),
    )


def report_misplaced(statement: tree.Policy, source: Source, problems: Problems) -> None:
    """A policy in a protocol or a knowledge file."""
    problems.add(
        Problem(
            code="misplaced",
            message="a site's policy does not belong to a protocol or to knowledge",
            source=source,
            span=statement.span,
            hint="put it into a file that starts with `policies NAME`: `screen --policies FILE`",
        )
    )


_POLICIES_ALONE = (
    "a file of policies holds `policy` lines, values of parameters, `extend`, `change` and `obtain`"
)


class _Checker:
    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.places: dict[tuple[str, str], Span] = {}

    @cached_property
    def changes(self) -> ChangeLines:
        """What reads the lines of changes; the whole knowledge base is read for it."""
        return ChangeLines(site_names(), self.source, self.problems, _near)

    def problem(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.problems.add(
            Problem(code=code, message=message, source=self.source, span=span, hint=hint)
        )

    def extension(self, node: tree.Extend) -> Extension | None:
        """What the site adds to an entry; codes of other entries are looked for here too."""
        entries = site_names().entries
        systems = {
            statement.name.text: statement.url
            for statement in knowledge_unit("systems").statements
            if isinstance(statement, tree.System)
        }
        derived = site_names().derived
        added = extension_of(node, self.source, entries, systems, derived, self.problems)
        if added is not None:
            told = len(self.problems.items)
            extended(entries, [added], self.problems)
            added = added if len(self.problems.items) == told else None
        return added

    def line(self, node: tree.Policy) -> Policy | None:
        window = self._window(node.within)
        target = node.target.text
        if not self._is_target(node.target):
            return None
        if not self.claim(node.target, "policy"):
            return None
        written = self.source.text[node.target.span.start : node.within.span.end]
        return None if window is None else Policy(target, window, " ".join(written.split()))

    def claim(self, word: Word, what: str) -> bool:
        """Whether a line is the first that says `what` of a name; if not, that is a problem."""
        first = self.places.setdefault((what, word.text), word.span)
        if first is word.span:
            return True
        line = self.source.line_column(first.start)[0]
        message = f"`{word.text}` already has a {what}, in line {line}"
        self.problem("duplicate-name", message, word.span, "keep one of the two")
        return False

    def misplaced(self, node: tree.Statement) -> None:
        kind: dict[type[tree.Statement], tuple[str, str]] = {
            tree.Criterion: ("a criterion", _POLICIES_ALONE),
            tree.Note: ("a note", _POLICIES_ALONE),
            tree.Scope: ("a scope", _POLICIES_ALONE),
            tree.Timepoint: ("a time point", _POLICIES_ALONE),
            tree.Definition: ("a definition", _POLICIES_ALONE),
            tree.Example: ("an example", _POLICIES_ALONE),
            tree.Parameter: ("a parameter", "set its value here: `parameter NAME is VALUE`"),
        }
        what, hint = kind.get(type(node), ("an entry of knowledge", _POLICIES_ALONE))
        name = node.span if isinstance(node, tree.Policy | tree.Example) else node.name.span
        self.problem("misplaced", f"{what} does not belong to policies", name, hint)

    def _window(self, amount: Amount) -> Window | None:
        window = window_of(amount)
        if window is None:
            written = self.source.text[amount.span.start : amount.span.end]
            self.problem("wrong-unit", *not_whole(written, amount.span))
        return window

    def _is_target(self, word: Word) -> bool:
        name = word.text
        kinds = {kind for entries in _known().values() if (kind := entries.get(name)) is not None}
        if kinds & AGEING.keys():
            return True
        listed = "policies are for quantities, statuses, lesions, consents and histories"
        if name in _known():
            ages = bool(AGEING.keys() & _known()[name].values())
            if not ages:
                message = f"nothing in the knowledge file `{name}` grows too old"
                self.problem("wrong-kind", message, word.span, listed)
            return ages
        if kinds:
            kind = min(kinds)
            article = "an" if kind[0] in "ae" else "a"
            message = f"`{name}` is {article} {kind}, which does not grow too old"
            hint = listed
            if kind in ("derived quantity", "definition"):
                message = f"`{name}` is a {kind}: it is as old as what it is made of"
                hint = "give the policy to what goes into it"
            self.problem("wrong-kind", message, word.span, hint)
            return False
        near = [n for e in _known().values() for n, kind in e.items() if kind in AGEING]
        message = f"no knowledge file and no entry is called `{name}`"
        known = ", ".join(f"`{n}`" for n in knowledge_names())
        hint = did_you_mean(name, [*near, *_known()]) or f"knowledge files are {known}"
        self.problem("unknown-name", message, word.span, hint)
        return False


def _near(name: str) -> str:
    return did_you_mean(name, site_names().entries) or "`protocol-logic names` finds names"


@cache
def _known() -> Mapping[str, Mapping[str, str]]:
    """Knowledge file -> what it declares, by name, with the kind of each."""
    found: dict[str, dict[str, str]] = {}
    for file in knowledge_names():
        found[file] = {}
        for statement in knowledge_unit(file).statements:
            if isinstance(statement, knowledge_tree.Entry):
                kind = {"derived": "derived quantity", "field": "patient field"}
                found[file][statement.name.text] = kind.get(statement.kind, statement.kind)
            elif isinstance(statement, tree.Definition):
                found[file][statement.name.text] = "definition"
    return found
