"""The pin of a protocol: a digest of just that knowledge which its verdicts rest on.

It covers what the criteria reach: entries with all kinds below them and the lists that close them,
definitions, derived quantities and denials; of these what decides, and the ids that gaps and
answers have, but no label and no name of a code. What nothing reaches may change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from protocol_logic.compiling import core
from protocol_logic.compiling.planner import deniers
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import tree
from protocol_logic.records.codings import Codings

LANGUAGE = "1"
"""The language that this program reads."""

_LENGTH = 12
_SAID = {"label", "unlike"}
"""Fields that people read, and nothing decides by."""


def check_language(heading: tree.Heading, source: Source, problems: Problems) -> None:
    """A file is written in the language that is read here, if it says which."""
    for line in heading.texts:
        if line.key == "language" and line.text != LANGUAGE:
            problems.add(
                Problem(
                    code="wrong-language",
                    message=f"this program reads language {LANGUAGE}, not `{line.text}`",
                    source=source,
                    span=line.span,
                    hint=f"write `language {LANGUAGE}` if the file is meant so, "
                    "or use a later version of the program",
                )
            )


def check_pin(heading: tree.Heading, protocol: core.Protocol, problems: Problems) -> None:
    """The knowledge that a protocol reaches is what its pin says, if it has one."""
    for line in heading.texts:
        if line.key == "knowledge" and line.text != (now := knowledge_digest(protocol)):
            files = ", ".join(f"`{name}`" for name in _files(protocol))
            found = f"something changed in {files}" if files else "it reaches none now"
            problems.add(
                Problem(
                    code="knowledge-changed",
                    message="the knowledge that this protocol reaches is not that of its pin: "
                    f"{found}",
                    source=protocol.source,
                    span=line.span,
                    hint="see what changed, and whether it is right for this protocol; then write "
                    f"`knowledge {now}`, or let `format --upgrade` do so",
                )
            )


def knowledge_digest(protocol: core.Protocol) -> str:
    """The digest of the knowledge that a protocol reaches."""
    reached = _reached(protocol)
    parts = sorted(f"{name} {_told(what, reached)}" for name, what in _parts(protocol, reached))
    codings = Codings.of(protocol.vocabulary)
    for name in sorted(reached & codings.closed.keys()):
        # Of which kinds something that cannot be known keeps the list from closing.
        parts.append(f"{name} lists {sorted(codings.closed[name])}")
    parts.append(f"systems {sorted(codings.systems)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_LENGTH]


def _files(protocol: core.Protocol) -> list[str]:
    """The knowledge files that declare what a protocol reaches."""
    reached = _reached(protocol)
    files = {protocol.homes[name] for name in reached & protocol.homes.keys()}
    definitions = (d for name, d in protocol.definitions.items() if name in reached)
    sources = {d.source.name for d in definitions if d.source is not protocol.source}
    return sorted(files | {name.removeprefix("kb/knowledge/") for name in sources})


def _parts(protocol: core.Protocol, reached: set[str]) -> Iterator[tuple[str, object]]:
    """What a protocol reaches of knowledge files, by name."""
    for name in reached:
        definition = protocol.definitions.get(name)
        if definition is not None and definition.source is not protocol.source:
            yield f"define {name}", definition
        if name in protocol.homes:
            yield f"entry {name}", protocol.derived.get(name) or protocol.vocabulary.entries[name]
            if name in protocol.denials:
                yield f"denial {name}", protocol.denials[name]


# ---- what is reached -----------------------------------------------------------------------------


def _reached(protocol: core.Protocol) -> set[str]:
    """The names of all entries and definitions that can make a difference to the criteria."""
    entries = protocol.vocabulary.entries
    known = entries.keys() | protocol.derived.keys() | protocol.definitions.keys()
    # Limits of normal speak of the sex, whatever they are the limits of.
    queue = [field.name for field in protocol.vocabulary.of(voc.PatientField)]
    for criterion in protocol.criteria:
        queue += _strings((criterion.applies, criterion.condition))
    found: set[str] = set()
    while queue:
        name = queue.pop()
        if name in found or name not in known:
            continue
        found.add(name)
        entry = entries.get(name)
        if isinstance(entry, voc.Concept):
            queue += protocol.vocabulary.below(name)
            for denier in deniers(protocol, name):
                queue += [denier, *_strings(protocol.denials[denier])]
        queue += _strings(entry, without="parents")
        queue += _strings(protocol.derived.get(name))
        definition = protocol.definitions.get(name)
        queue += _strings(definition.body if definition is not None else None)
    return found


def _strings(value: object, without: str = "") -> Iterator[str]:
    """All texts in a checked value, among them the names that it speaks of."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings((*value.keys(), *value.values()))
    elif isinstance(value, Iterable):
        for each in value:
            yield from _strings(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in _decisive(value):
            if each.name != without:
                yield from _strings(getattr(value, each.name))


# ---- as text -------------------------------------------------------------------------------------


def _told(value: Any, reached: set[str]) -> str:
    """A checked value as text that is the same wherever the same is decided.

    Fields that have their default are left out, so that a field which is new in the program
    changes nothing.
    """
    if isinstance(value, voc.Code):
        return f"{value.system}|{value.code}"
    if isinstance(value, Mapping):
        pairs = (f"{_told(k, reached)}: {_told(v, reached)}" for k, v in value.items())
        return f"{{{', '.join(sorted(pairs))}}}"
    if isinstance(value, tuple):
        items = [_told(each, reached) for each in value]
        # In whatever order the codes of an entry stand.
        codes = all(isinstance(each, voc.Code) for each in value)
        return f"({', '.join(sorted(items) if codes else items)})"
    if is_dataclass(value) and not isinstance(value, type):
        told = []
        for each in _decisive(value):
            part = getattr(value, each.name)
            if each.name == "parents":
                part = tuple(sorted(reached.intersection(part)))
            if not _is_default(each, part):
                told.append(f"{each.name}={_told(part, reached)}")
        return f"{type(value).__name__}({', '.join(told)})"
    return str(value)


def _decisive(value: Any) -> list[Field[Any]]:
    """The fields of a dataclass by which anything is decided."""
    return [each for each in fields(value) if each.compare and each.name not in _SAID]


def _is_default(field: Field[Any], value: object) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and bool(value == field.default)
