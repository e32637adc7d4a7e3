"""What the knowledge statements declare, by name: of two with one name the first counts, and one
code leads to one entry of a kind."""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol_logic.compiling import formulas
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import condition_tree
from protocol_logic.language.nodes import Word


@dataclass(slots=True)
class Entries:
    """What the knowledge statements declare, by name."""

    problems: Problems
    systems: dict[str, str] = field(default_factory=dict)
    entries: dict[str, voc.Entry] = field(default_factory=dict)
    derived: dict[str, formulas.Derived] = field(default_factory=dict)
    denials: dict[str, tuple[condition_tree.Condition, Source]] = field(default_factory=dict)
    doubts: dict[str, tuple[tuple[condition_tree.Condition, Source], ...]] = field(
        default_factory=dict
    )
    places: dict[str, tuple[Source, Span]] = field(default_factory=dict)
    allergens: set[str] = field(default_factory=set)
    """The medications of which conditions ask whether somebody is allergic to them."""
    asked: dict[str, tuple[voc.Asked, Source, Span]] = field(default_factory=dict)
    """What conditions ask of a person, by element, with where it first stood."""


def claim(found: Entries, name: Word, source: Source) -> bool:
    """Whether a statement is the first of its name; if not, that is a problem."""
    if name.text in found.places:
        report_duplicate(found, name, source)
        return False
    found.places[name.text] = (source, name.span)
    return True


def report_duplicate(found: Entries, name: Word, source: Source) -> None:
    """Two statements claim one name."""
    other, span = found.places[name.text]
    line = other.line_column(span.start)[0]
    found.problems.add(
        Problem(
            code="duplicate-name",
            message=f"`{name.text}` is already defined in {other.name}, line {line}",
            source=source,
            span=name.span,
            hint="give one of the two another name",
        )
    )


def report_code_clashes(found: Entries) -> None:
    """One code must lead to one entry of a kind, else a fact would count twice; but for what an
    entry says that it shares."""
    seen: dict[tuple[str, str, str], str] = {}
    for entry in found.entries.values():
        kind = entry.kind if isinstance(entry, voc.Concept) else type(entry).__name__
        shared = frozenset(getattr(entry, "shared", ()))
        codes, past = getattr(entry, "codes", ()), getattr(entry, "past", ())
        said = [(kind, code) for code in codes if not shared or code not in shared]
        said += [(f"{kind} of the past", code) for code in past]
        for what, code in said:
            other = seen.setdefault((what, *code.key), entry.name)
            if other != entry.name:
                source, span = found.places[entry.name]
                wider = ""
                if isinstance(entry, voc.Concept):
                    wider = f"; where `{other}` is wider than what is meant, "
                    if what in ("condition", "medication"):
                        wider += f"say `is a {other}` and name it as a `shared code`, or "
                    wider += 'ask a person: `attested "..."`'
                found.problems.add(
                    Problem(
                        code="code-clash",
                        message=f"code `{code.code}` already belongs to `{other}`",
                        source=source,
                        span=span,
                        hint=f"use `{other}`, or leave the code out here: a code has one entry"
                        + wider,
                    )
                )
