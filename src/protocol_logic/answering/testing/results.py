"""What came of tests: for each expectation what was expected and what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

TestKind: TypeAlias = Literal["example", "case", "boundary"]


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation of a test.

    `about`: a criterion, a condition or `eligibility`; `sentence`: the protocol's own, of a
    criterion; `gaps`: what keeps it open, each with its reason.
    """

    about: str
    expected: str
    got: str
    holds: bool
    sentence: str | None = None
    gaps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Tested:
    """An example, a row of a table, a worked case or a generated boundary case that was run.

    `given`: what it gives, in words. `trouble`: why it could not be run; then nothing was checked.
    """

    kind: TestKind
    title: str
    file: str
    line: int | None
    row: int | None
    given: str
    checks: tuple[Check, ...]
    trouble: str | None = None

    @property
    def passed(self) -> bool:
        """Whether all that was expected came out."""
        return self.trouble is None and all(check.holds for check in self.checks)

    @property
    def name(self) -> str:
        """The title, of a row with its number."""
        return self.title if self.row is None else f"{self.title}, row {self.row}"
