"""Problems: what is wrong with a text or a record, as values that are shown once at the end.

An author's problem has a span in a source; a record's problem names the resource. Wording: lower
case, no full stop, the author's text in backticks, the cure in the hint.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Literal

from protocol_logic.foundation.codes import CODES
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.source import Source, Span

Severity = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True)
class Label:
    """A further place that belongs to a problem, with what stands there."""

    source: Source
    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong; `code` is a row of `codes.CODES`."""

    code: str
    message: str
    source: Source | None = None
    span: Span | None = None
    hint: str | None = None
    sentence: str | None = None
    """The protocol's own sentence that the place belongs to."""
    labels: tuple[Label, ...] = ()
    resource: str | None = None
    """`Observation/id` of a record's problem."""
    file: str | None = None
    """The input file of a record's problem."""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise KeyError(f"problem code {self.code!r} has no row in foundation/codes.py")

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    def sort_key(self) -> tuple[str, int, str, str, str]:
        return (
            self.source.name if self.source else (self.file or ""),
            self.span.start if self.span else 0,
            self.resource or "",
            self.code,
            self.message,
        )


@dataclass(slots=True)
class Problems:
    """The sink that a phase appends to; sorted by place when taken."""

    items: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        self.items.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        self.items.extend(problems)

    @property
    def has_errors(self) -> bool:
        return any(p.severity == "error" for p in self.items)

    def sorted(self) -> list[Problem]:
        """All problems by place, each once."""
        return sorted(dict.fromkeys(self.items), key=Problem.sort_key)


def one_of(names: Iterable[str]) -> str:
    """Names in backticks with `or` before the last."""
    quoted = [f"`{name}`" for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def each_of(names: Sequence[str], most: int = 3) -> str:
    """Names in backticks with `and` before the last; of more than `most` how many there are."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > most:
        quoted[most:] = [f"{len(quoted) - most} more"]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def did_you_mean(word: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """A hint that names the nearest known words, or None where none is `least` alike."""
    return _meant(difflib.get_close_matches(word, sorted(set(known)), n=2, cutoff=least))


def _meant(near: list[str]) -> str | None:
    return "did you mean " + " or ".join(f"`{n}`" for n in near) + "?" if near else None


def misspelt(word: str, known: Iterable[str]) -> str | None:
    """As `did_you_mean`, but only names of which `word` is a slip of the pen: another word of
    medicine that looks alike (`hyper` and `hypo`, hepatitis A and C, ECG and ECOG, type 1 and 2) is
    none."""
    return _meant(slips(word, known))


def slips(word: str, known: Iterable[str], least: float = 0.82) -> list[str]:
    """The names of which a word is a slip of the pen, at most two, the nearest first."""
    names = sorted({name for name in known if _slip(word, name)})
    return difflib.get_close_matches(word, names, n=2, cutoff=least)


def _slip(word: str, name: str) -> bool:
    if len(word) < 5 or _opposed(word, name) or _opposed(name, word):
        return False
    if re.sub(r"\D", "", word) != re.sub(r"\D", "", name):
        return False
    first, last = word.rpartition("_")[::2]
    if first and first == name.rpartition("_")[0]:
        return min(len(last), len(name.rpartition("_")[2])) > 2
    return True


def _opposed(one: str, other: str) -> bool:
    return "hyper" in one and "hypo" in other and "hyper" not in other
