"""What the form of answers says that an answer looks like: the values that would close a gap.

Which those are depends on what reads the entry: `absent` settles whether a condition is present,
not whether it ever was. All values of an entry are told by `records/values.py`.
Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from protocol_logic.compiling.plan import Finding
from protocol_logic.foundation.problems import one_of
from protocol_logic.knowledge.vocabulary import (
    Concept,
    Entry,
    Event,
    History,
    Qualifier,
    Quantity,
    Vocabulary,
)
from protocol_logic.records.facts import End
from protocol_logic.records.values import COMPLETE, INTENTS, NEVER, expected

ENDS: dict[End, str] = {"ULN": "upper", "LLN": "lower"}
_SIDED = ("done left", "done right", "done both")
_MOST_KINDS = 4


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is of an entry that is asked for: it is `recorded`, or was `ordered`.

    `resource`: the one record that is asked about, if any.
    """

    resource: str | None = None
    recorded: bool = False
    ordered: bool = False

    @property
    def ending(self) -> list[str]:
        """How it is said that there is no more of it."""
        if self.resource is not None:
            return []
        return [NEVER] if not self.recorded or self.ordered else []

    @property
    def closing(self) -> list[str]:
        """The same of what is recorded, where `never` would be no true word."""
        if self.resource is not None or not (self.recorded or self.ordered):
            return []
        return [f"`{COMPLETE}`, if there was no more than is recorded or answered"]


def wanted(
    entry: Entry, readers: Sequence[Finding], vocabulary: Vocabulary, standing: Standing
) -> str:
    """The values of an entry that settle the findings that read it; without quotes."""
    match entry:
        case Concept(kind="condition" | "allergy"):
            text = _condition(entry, readers, vocabulary, standing)
        case Concept(kind="procedure"):
            text = _procedure(readers, vocabulary, standing)
        case Concept():
            text = _medication(readers, standing)
        case Event():
            text = expected(entry).partition(";")[0]
            text = "; or ".join([text, *standing.ending, *standing.closing])
        case Quantity():
            text = _quantity(entry, readers)
        case History():
            text = f"{expected(entry)}, if nothing is missing, also not what has no known code"
        case _:
            text = expected(entry)
    windows = [f.window for f in readers if f.window is not None]
    if windows:
        shortest = min(windows, key=lambda window: window.days)
        text += f"; dated {shortest.all_words}"
    return text.replace("`", "")


def _condition(
    entry: Concept, readers: Sequence[Finding], vocabulary: Vocabulary, standing: Standing
) -> str:
    evidence = dict.fromkeys(f.detail for f in readers if f.kind == "evidence")
    kinds = {f.kind for f in readers if f.kind != "evidence"}
    values: list[str] = []
    more: list[str] = []
    explained = ""
    if kinds or not evidence:
        left_out = _left_out(readers, entry)
        ever, now = kinds & {"last", "count"}, kinds - {"last", "count"} or not kinds
        if not left_out:
            with_, explained = _with(readers, vocabulary)
            values.append(("present since 2019-03" if ever else "present") + with_)
            values += ["absent"] if now or standing.resource is not None else []
        values += standing.ending
        more = [*standing.closing]
        if left_out:
            more.append(f"a kind of it under its own name: {_kinds(entry, left_out, vocabulary)}")
    dated = "; when: the day of the report" if evidence else ""
    if evidence and (values or more):
        dated += ", where it is confirmed"
    values += [f"confirmed by {name}" for name in evidence]
    return "; or ".join([one_of(values), *more] if values else more) + explained + dated


def _left_out(readers: Iterable[Finding], entry: Concept) -> set[str]:
    """The kinds that some reader of a class leaves out: then the class alone is not enough."""
    return {
        other
        for f in readers
        if f.occurrence is not None and f.entry == entry.name
        for other in f.occurrence.subject.others
    }


def _kinds(entry: Concept, left_out: set[str], vocabulary: Vocabulary) -> str:
    without = {name for other in left_out for name in vocabulary.below(other)}
    names = [n for n in vocabulary.below(entry.name) if n not in without and n != entry.name]
    more = len(names) - _MOST_KINDS
    return ", ".join(names[:_MOST_KINDS]) + (f" and {more} more" if more > 0 else "")


def _with(readers: Iterable[Finding], vocabulary: Vocabulary) -> tuple[str, str]:
    """What more must be said of a record, as in ` with grade 3`, and the values of that."""
    asked = [f.occurrence.subject for f in readers if f.occurrence is not None]
    named = {q.name: q.values[0] for subject in asked for q in subject.qualifiers}
    shown, explained = "", ""
    for name, value in sorted(named.items()):
        entry = vocabulary.entries.get(name)
        if isinstance(entry, Qualifier):
            shown += f" with {name} {value}"
            explained += f"; {name}: {one_of(entry.values)}"
    return shown, explained


def _procedure(readers: Sequence[Finding], vocabulary: Vocabulary, standing: Standing) -> str:
    sides = any(f.kind == "both_sides" for f in readers)
    with_, explained = _with(readers, vocabulary)
    values = [f"{value}{with_}" for value in (_SIDED if sides else ["done"])]
    text = "; or ".join([one_of((*values, *standing.ending)), *standing.closing]) + explained
    return text if standing.resource else f"{text}; when: the day on which it was done"


def _medication(readers: Sequence[Finding], standing: Standing) -> str:
    dates = ["`2023-01-15 to 2024-06`", "`2024-03 ongoing`"]
    if readers and all(f.kind == "in_effect" for f in readers):
        dates = dates[1:]
    text = f"dates as in {' or '.join(dates)}"
    if any(_asks_intent(f) for f in readers):
        text += f", perhaps then {one_of(INTENTS)}"
    if standing.resource is not None:
        return f"{text}; or `not taken`"
    return "; or ".join([text, *standing.ending, *standing.closing])


def _asks_intent(finding: Finding) -> bool:
    """Whether a finding reads what a medication was for."""
    if finding.kind == "lines":
        return bool(finding.detail)
    asked = finding.occurrence
    if asked is not None:
        return any(qualifier.name == "intent" for qualifier in asked.subject.qualifiers)
    return finding.kind == "unrecorded"  # of a course


def _quantity(entry: Quantity, readers: Sequence[Finding]) -> str:
    text = expected(entry)
    ends = dict.fromkeys(f.detail for f in readers if f.kind == "ratio")
    if ends:
        blank = "" if entry.unit == "1" else f" {entry.unit}"
        sides = " and ".join(ENDS["LLN" if end == "LLN" else "ULN"] for end in ends)
        limits = [f"{end} {letter}{blank}" for end, letter in zip(ends, "YZ", strict=False)]
        limit = "limit" if len(limits) == 1 else "limits"
        text += f" with its {sides} {limit} of normal, as in `{', '.join([f'X{blank}', *limits])}`"
    if len(ends) == 1 and all(f.kind == "ratio" for f in readers):
        text += f"; or as its multiple, as in `1.2 x {next(iter(ends))}`"
    return text


def readers_of(
    findings: Iterable[Finding], entry: Entry, vocabulary: Vocabulary
) -> Iterator[Finding]:
    """The findings that read an entry: its own, and those of what it is a kind of."""
    names = {entry.name, *vocabulary.above(entry.name)}
    yield from (f for f in findings if f.entry in names)
