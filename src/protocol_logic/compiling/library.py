"""A protocol's text and all knowledge it uses, parsed: the statements with the source of each."""

from __future__ import annotations

from dataclasses import field
from functools import cache, lru_cache
from typing import TypeAlias

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.knowledge.resources import knowledge_names, knowledge_path
from protocol_logic.language import condition_tree, tree
from protocol_logic.language.reading import parse, parse_once

Systems: TypeAlias = tuple[tuple[str, str], ...]
Denial: TypeAlias = tuple[condition_tree.Condition, Source]
Read: TypeAlias = tuple[voc.Entry | None, Denial | None, tuple[Denial, ...], tuple[str, ...]]
"""An entry, what denies it, what casts doubt on its absence, and the names that it includes."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One file: its source and its statements in order; knowledge before what uses it."""

    source: Source
    statements: tuple[tree.Statement, ...]
    is_plain: bool = False
    """No statement can name a parameter, so none has to be looked for."""
    read: dict[Systems, dict[str, Read]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    """What was read of its entries by name, with the code systems that there are (knowledge.py)."""

    @property
    def heading(self) -> tree.Heading | None:
        return next((s for s in self.statements if isinstance(s, tree.Heading)), None)

    @property
    def is_knowledge(self) -> bool:
        """Whether the file says that it is one of knowledge."""
        return self.heading is not None and self.heading.kind == "knowledge"


def gather(source: Source, problems: Problems) -> list[Unit]:
    """Parse a file and, before it, each knowledge file that it uses, each once."""
    found: dict[str, Unit | None] = {}
    statements, told = _read(source)
    problems.extend(told)
    main = Unit(source, statements)
    _uses(main, found, problems)
    return [*(unit for unit in found.values() if unit is not None), main]


@lru_cache(maxsize=8)
def _read(source: Source) -> tuple[tuple[tree.Statement, ...], tuple[Problem, ...]]:
    """The statements of a text and its problems: one text is often checked for several sites."""
    if source.name.startswith("kb/"):
        return parse_once(source)[:2]
    problems = Problems()
    statements = tuple(parse(source, problems))
    return statements, tuple(problems.items)


@cache
def _parsed(name: str, text: str) -> tuple[Unit, tuple[Problem, ...]]:
    """A knowledge file and the problems of its text; protocols of one process share it."""
    source = Source(f"kb/knowledge/{name}", text)
    statements, problems, has_parameter = parse_once(source)
    return Unit(source, statements, is_plain=not has_parameter), problems


def knowledge_unit(name: str) -> Unit:
    """A knowledge file that there is; what cannot be read in it is left out."""
    path = knowledge_path(name)
    assert path is not None
    return _parsed(name, path.read_text(encoding="utf-8"))[0]


def _uses(unit: Unit, found: dict[str, Unit | None], problems: Problems) -> None:
    heading = unit.heading
    for name in heading.uses if heading is not None else ():
        if name.text in found:
            continue
        found[name.text] = None  # holds the place, so that circles of uses end
        path = knowledge_path(name.text)
        if path is None:
            problems.add(
                Problem(
                    code="unknown-knowledge",
                    message=f"there is no knowledge file `{name.text}`",
                    source=unit.source,
                    span=name.span,
                    hint=did_you_mean(name.text, knowledge_names())
                    or "entries of your own stand in the protocol itself; `protocol-logic names` "
                    "finds what the knowledge files have",
                )
            )
            continue
        used, told = _parsed(name.text, path.read_text(encoding="utf-8"))
        problems.extend(told)
        del found[name.text]
        _uses(used, found, problems)
        found[name.text] = used
