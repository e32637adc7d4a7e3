"""What is kept of a patient's record for any protocol: facts and problems by entry, and of each
resource the elements by which entries are found.

Readers of sources make it, `gathering.gather` makes a record of it for one protocol, and a store
holds it. Source: docs/store.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from protocol_logic.foundation.problems import Problem
from protocol_logic.records.codings import Key
from protocol_logic.records.facts import Fact
from protocol_logic.records.json_text import Object

Scope: TypeAlias = Literal["always", "read", "entry", "known"]


ELEMENT = "element"
"""Where the code elements of a row of a table have the name or element of an entry."""


class KeptFact(NamedTuple):
    """A fact of an entry, by its number.

    `part`: 0 for the resource itself, n for the n-th component among its code elements. `sure`:
    False for a list that would close, but that something unread may change.
    """

    entry: int
    fact: Fact
    part: int = 0
    sure: bool = True


class KeptProblem(NamedTuple):
    """A problem, and under which protocols it arises.

    `scope`: `always`; `read`: where any entry is found; `entry`: where this `entry` is found at
    `part`; `known`: where a resource of a type that is not read has a code of some entry. `of`:
    numbers of qualifiers of which one has to be asked for too, where there are any; `keys`: codes
    of which then none may be one of a qualifier.
    """

    scope: Scope
    code: str
    message: str
    hint: str | None = None
    entry: int | None = None
    part: int = 0
    of: tuple[int, ...] = ()
    keys: tuple[Key, ...] = ()
    resource: str | None = None
    """What it is told of; None: the resource that it is kept with."""
    file: str | None = None
    """The file, where it is not the source of the record."""

    def problem(self, resource: str | None, source: str) -> Problem:
        """The problem, of a resource of a source."""
        return Problem(
            code=self.code,
            message=self.message,
            hint=self.hint,
            resource=self.resource or resource,
            file=self.file or source,
        )


@dataclass(slots=True)
class Kept:
    """A resource, or a row of a table, of which some protocol can be told something.

    `type`: under which it is counted. `kind`: the row of `resources.ROWS` by which entries are
    found from `about`, its code elements as FHIR writes them; None: the entries of its facts and
    problems are its entries. Qualifiers of its facts are by number, as text. `stopped`: nothing
    counts but what is always told. `stated`, `day`: whether it would count if its code were known,
    and its first day as written. `via`: the name of the Medication that it refers to. `status`:
    one for which it does not count, though it may have happened.
    """

    type: str
    name: str
    kind: str | None = None
    about: Object | None = None
    text: str | None = None
    """`about` as text, where that is at hand."""
    facts: list[KeptFact] = field(default_factory=list)
    problems: list[KeptProblem] = field(default_factory=list)
    stopped: bool = False
    stated: bool = True
    day: str = ""
    via: str | None = None
    status: str = ""


@dataclass(slots=True)
class KeptPatient:
    """What is kept of one patient.

    `kept`: in the order of the source. `counted`: type -> resources that are irrelevant to every
    protocol; `others`: of those the row by which they would be read (empty: none) and
    their code elements as text -> how many. `problems`: those of the whole
    document. `nothing`: entries that hold no resource. `digest`: of the bytes of the document.
    """

    patient: str
    source: str
    line: int | None = None
    index_date: date | None = None
    index_source: Literal["bundle", "index"] = "bundle"
    kept: list[Kept] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    others: dict[tuple[str, str], int] = field(default_factory=dict)
    problems: list[KeptProblem] = field(default_factory=list)
    nothing: int = 0
    digest: bytes = b""
