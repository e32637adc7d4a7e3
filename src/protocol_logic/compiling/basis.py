"""What a criterion rests on: records alone, or what somebody reports, judges or reads for us."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.knowledge import vocabulary as voc

Kind: TypeAlias = Literal["computed", "attested", "judged", "opaque", "todo"]
KINDS: tuple[Kind, ...] = ("computed", "attested", "judged", "opaque", "todo")
"""From what a program decides to what only a person can, and what is not written yet."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a criterion asks of a person; `because`: why it is asked, empty if unsaid."""

    id: str
    text: str
    how: voc.How
    because: str


@dataclass(frozen=True, slots=True)
class Basis:
    """The last of `KINDS` that a test of the criterion has, and all that it asks, in order."""

    kind: Kind = "computed"
    asked: tuple[Question, ...] = ()


def basis_of(tests: Iterable[core.Test], vocabulary: voc.Vocabulary) -> Basis:
    """The basis of a criterion with these tests, definitions opened.

    A consent is attested: a person gave it, though a record may hold it.
    """
    kinds: set[Kind] = {"computed"}
    asked: dict[str, list[str]] = {}
    for test in tests:
        entry = vocabulary.entries.get(getattr(test, "entry", ""))
        if isinstance(test, core.Asked) and isinstance(entry, voc.Asked):
            kinds.add(entry.how)
            reasons = asked.setdefault(entry.name, [])
            if test.because and test.because not in reasons:
                reasons.append(test.because)
        elif isinstance(test, core.Todo):
            kinds.add("todo")
        elif isinstance(entry, voc.Consent):
            kinds.add("attested")
    questions = []
    for name, reasons in asked.items():
        entry = vocabulary.entries[name]
        assert isinstance(entry, voc.Asked)
        questions.append(Question(name, entry.label, entry.how, "; ".join(reasons)))
    return Basis(max(kinds, key=KINDS.index), tuple(questions))
