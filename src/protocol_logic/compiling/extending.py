"""The statement `extend`: codes that a protocol or a site adds to an entry of the knowledge base.

Those of a protocol are part of it; those of a site are added to the protocols that it screens with,
as far as they have the entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from protocol_logic.compiling import core
from protocol_logic.compiling.entries import Entries
from protocol_logic.compiling.properties import Properties
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import knowledge_tree, tree


@dataclass(frozen=True, slots=True)
class Extension:
    """What is added to an entry: codes that it is found by, codes that say that it was, and codes
    that mean a value.

    `text`: in words, for those who read what a site decided.
    """

    name: str
    codes: tuple[voc.Code, ...]
    past: tuple[voc.Code, ...]
    meanings: tuple[tuple[voc.Code, str], ...]
    text: str
    node: tree.Extend = field(compare=False, repr=False)
    source: Source = field(compare=False, repr=False)


def extension_of(
    node: tree.Extend,
    source: Source,
    entries: Mapping[str, voc.Entry],
    systems: Mapping[str, str],
    derived: Collection[str],
    problems: Problems,
) -> Extension | None:
    """What a statement adds to an entry; None, with a problem, where it cannot. `derived`: the
    names of what is computed of entries."""
    told = len(problems.items)
    entry = entries.get(node.name.text)
    if node.name.text in derived:
        message = f"`{node.name.text}` is computed of other entries, and has no codes"
        hint = "extend what goes into it"
        _problem(problems, source, "wrong-kind", message, node.name.span, hint)
        return None
    if entry is None:
        hint = did_you_mean(node.name.text, entries) or "`protocol-logic names` finds names"
        _problem(
            problems, source, "unknown-name", f"there is no entry `{node.name.text}`",
            node.name.span, hint,
        )  # fmt: skip
        return None
    if not isinstance(entry, voc.Quantity | voc.Status | voc.Concept):
        message = f"`{entry.name}` cannot be extended"
        hint = "quantities, statuses, conditions, procedures and medications can"
        _problem(problems, source, "wrong-kind", message, node.name.span, hint)
        return None
    as_entry = knowledge_tree.Entry(
        kind="status", name=node.name, element=None, properties=node.properties, span=node.span
    )
    reader = Properties(Entries(problems, systems=dict(systems)), source, as_entry)
    codes, past = reader.codes(reader.all("code")), reader.past()
    for prop in reader.all("history code"):
        if not isinstance(entry, voc.Concept) or entry.kind not in ("condition", "procedure"):
            message = f"`{entry.name}` has no `history code`"
            hint = "conditions and procedures can: write `code`"
            _problem(problems, source, "wrong-kind", message, prop.span, hint)
    if isinstance(entry, voc.Concept) and entry.kind == "procedure":
        reader.no_diagnoses()
    meanings = []
    for prop in reader.all("value"):
        value = prop.words[0]
        if not _has_value(entry, value.text):
            listed = ", ".join(f"`{v}`" for v in getattr(entry, "values", ()))
            hint = did_you_mean(value.text, getattr(entry, "values", ())) or (
                f"its values are {listed}" if listed else "it has codes alone: write `code`"
            )
            message = f"`{value.text}` is no value of `{entry.name}`"
            _problem(problems, source, "unknown-value", message, value.span, hint)
            continue
        for meaning in prop.meanings:
            if isinstance(meaning, knowledge_tree.Range):
                message = "an extension adds codes, not numbers"
                _problem(
                    problems, source, "wrong-kind", message, meaning.span,
                    "write `means SYSTEM CODE`",
                )  # fmt: skip
            elif (code := reader.code(meaning)) is not None:
                meanings.append((code, value.text))
    if len(problems.items) > told:
        return None
    names = {url: name for name, url in systems.items()}
    words = [f"code {names.get(c.system, c.system)} {c.code}" for c in codes]
    words += [f"history code {names.get(c.system, c.system)} {c.code}" for c in past]
    words += [f"value {v} means {names.get(c.system, c.system)} {c.code}" for c, v in meanings]
    text = f"extend {entry.name}: {'; '.join(words)}"
    return Extension(entry.name, codes, past, tuple(meanings), text, node, source)


def _has_value(entry: voc.Entry, value: str) -> bool:
    if isinstance(entry, voc.Status):
        return value in entry.values
    return isinstance(entry, voc.Quantity) and value.isascii() and value.isdigit()


def extended(
    entries: Mapping[str, voc.Entry], extensions: Iterable[Extension], problems: Problems
) -> dict[str, voc.Entry]:
    """The entries with what is added to them; a code that has a meaning already is a problem."""
    found = dict(entries)
    for each in extensions:
        entry = found.get(each.name)
        if entry is None:
            continue  # a site speaks of what other protocols use too
        for code in (*each.codes, *each.past):
            owner = _owner(found, entry, code)
            if owner is not None:
                own = owner == entry.name
                message = f"code `{code.code}` already belongs to `{owner}`"
                hint = "take the line away" if own else "a code has one entry of a kind"
                _clash(each, code, message, hint, problems)
        for code, value in each.meanings:
            told = _meaning(entry, code)
            if told is not None:
                message = f"code `{code.code}` already means `{told}`"
                hint = "take the line away" if told == value else "a code means one value"
                _clash(each, code, message, hint, problems)
        found[each.name] = _with(entry, each)
    return found


def of_site(
    protocol: core.Protocol, extensions: Iterable[Extension], problems: Problems
) -> core.Protocol:
    """A checked protocol with what a site adds to the entries that it has."""
    entries = extended(protocol.vocabulary.entries, extensions, problems)
    return replace(protocol, vocabulary=voc.Vocabulary(entries))


def _with(entry: voc.Entry, added: Extension) -> voc.Entry:
    keys = {code.key for code in (*added.codes, *added.past)}
    unlike = tuple(other for other in entry.unlike if other.code.key not in keys)
    if isinstance(entry, voc.Quantity):
        coded = {**entry.coded, **{c.key: Fraction(value) for c, value in added.meanings}}
        return replace(entry, codes=(*entry.codes, *added.codes), coded=coded, unlike=unlike)
    if isinstance(entry, voc.Status):
        meanings = {**entry.meanings, **{c.key: value for c, value in added.meanings}}
        return replace(entry, codes=(*entry.codes, *added.codes), meanings=meanings, unlike=unlike)
    if isinstance(entry, voc.Concept):
        codes, past = (*entry.codes, *added.codes), (*entry.past, *added.past)
        return replace(entry, codes=codes, past=past, unlike=unlike)
    return entry


def _owner(entries: Mapping[str, voc.Entry], entry: voc.Entry, code: voc.Code) -> str | None:
    """The entry of the same kind that has a code already."""
    kind = getattr(entry, "kind", "")
    for other in entries.values():
        if type(other) is type(entry) and getattr(other, "kind", "") == kind:
            codes = (*getattr(other, "codes", ()), *getattr(other, "past", ()))
            if code.key in {each.key for each in codes}:
                return other.name
    return None


def _meaning(entry: voc.Entry, code: voc.Code) -> str | None:
    if isinstance(entry, voc.Status):
        return entry.meanings.get(code.key)
    number = entry.coded.get(code.key) if isinstance(entry, voc.Quantity) else None
    return None if number is None else str(number)


def _clash(
    extension: Extension, code: voc.Code, message: str, hint: str, problems: Problems
) -> None:
    refs = (
        ref
        for prop in extension.node.properties
        for ref in (*prop.codes, *prop.meanings)
        if isinstance(ref, knowledge_tree.CodeRef) and ref.code.text == code.code
    )
    span = next((ref.code.span for ref in refs), extension.node.name.span)
    _problem(problems, extension.source, "code-clash", message, span, hint)


def _problem(
    problems: Problems, source: Source, code: str, message: str, span: Span, hint: str
) -> None:
    problems.add(Problem(code=code, message=message, source=source, span=span, hint=hint))
