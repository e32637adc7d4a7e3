"""The pin of a protocol: a digest of just that knowledge which its verdicts rest on.

It covers what the criteria reach: entries with all kinds below them and the lists that close them,
definitions, derived quantities and denials; of these what decides, and the ids that gaps and
answers have, but no label and no name of a code. What nothing reaches may change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, is_dataclass
from typing import Any

from protocol_logic.compiling import core
from protocol_logic.compiling.reach import decisive, reached
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.knowledge.vocabulary import Code, Vocabulary
from protocol_logic.language import tree
from protocol_logic.records.codings import closed_kinds, code_systems

LANGUAGE = "1"
"""The language that this program reads."""

_LENGTH = 12


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
            message, more = _told_of_pin(protocol, line.text)
            problems.add(
                Problem(
                    code="knowledge-changed",
                    message=message,
                    source=protocol.source,
                    span=line.span,
                    hint=f"write `knowledge {now}`, or let `format --upgrade` do so{more}",
                )
            )


def _told_of_pin(protocol: core.Protocol, pin: str) -> tuple[str, str]:
    """That a pin is another, and when to renew it: a digest does not say what it was made of."""
    own = protocol_path(protocol.id)
    text = own.read_text(encoding="utf-8") if own is not None else ""
    if text != protocol.source.text and f"  knowledge {pin}\n" in text:
        return (
            f"the pin is that of `{protocol.id}` in the knowledge base; the criteria of this file "
            "are others, and reach other knowledge",
            "",
        )
    files = ", ".join(f"`{name}`" for name in _files(protocol))
    found = f"something changed in {files}, or the criteria ask for other parts of it"
    return (
        "the knowledge that this protocol reaches is not that of its pin: "
        f"{found if files else 'it reaches none now'}",
        ", if only the criteria changed since then; else see first what changed there, and whether "
        "it is right for this protocol",
    )


def knowledge_digest(protocol: core.Protocol) -> str:
    """The digest of the knowledge that a protocol reaches."""
    names = reached(protocol)
    parts = sorted(f"{name} {_told(what, names)}" for name, what in _parts(protocol, names))
    entries = protocol.vocabulary.entries
    closed = closed_kinds(Vocabulary({n: e for n, e in entries.items() if n in names}))
    for name in sorted(closed):
        # Of which kinds something that cannot be known keeps the list from closing.
        parts.append(f"{name} lists {sorted(closed[name])}")
    parts.append(f"systems {sorted(code_systems(protocol.vocabulary))}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_LENGTH]


def _files(protocol: core.Protocol) -> list[str]:
    """The knowledge files that declare what a protocol reaches."""
    names = reached(protocol)
    files = {protocol.homes[name] for name in names & protocol.homes.keys()}
    definitions = (d for name, d in protocol.definitions.items() if name in names)
    sources = {d.source.name for d in definitions if d.source is not protocol.source}
    return sorted(files | {name.removeprefix("kb/knowledge/") for name in sources})


def _parts(protocol: core.Protocol, names: frozenset[str]) -> Iterator[tuple[str, object]]:
    """What a protocol reaches of knowledge files, by name."""
    for name in names:
        definition = protocol.definitions.get(name)
        if definition is not None and definition.source is not protocol.source:
            yield f"define {name}", definition
        if name in protocol.homes:
            yield f"entry {name}", protocol.derived.get(name) or protocol.vocabulary.entries[name]
            if name in protocol.denials:
                yield f"denial {name}", protocol.denials[name]


# ---- as text -------------------------------------------------------------------------------------


def _told(value: Any, names: frozenset[str]) -> str:
    """A checked value as text that is the same wherever the same is decided.

    Fields that have their default are left out, so that a field which is new in the program
    changes nothing.
    """
    if isinstance(value, Code):
        return f"{value.system}|{value.code}"
    if isinstance(value, Mapping):
        pairs = (f"{_told(k, names)}: {_told(v, names)}" for k, v in value.items())
        return f"{{{', '.join(sorted(pairs))}}}"
    if isinstance(value, tuple):
        items = [_told(each, names) for each in value]
        # In whatever order the codes of an entry stand.
        codes = all(isinstance(each, Code) for each in value)
        return f"({', '.join(sorted(items) if codes else items)})"
    if is_dataclass(value) and not isinstance(value, type):
        told = []
        for each in decisive(value):
            part = getattr(value, each.name)
            if each.name == "parents":
                part = tuple(sorted(names.intersection(part)))
            if not _is_default(each, part):
                told.append(f"{each.name}={_told(part, names)}")
        return f"{type(value).__name__}({', '.join(told)})"
    return str(value)


def _is_default(field: Field[Any], value: object) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and bool(value == field.default)
