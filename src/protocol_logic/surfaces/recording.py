"""`screen --record`: what each process says of a decision, and how it comes into the audit record.

Decisions wait beside the rows until it is known which patients stand in two documents, and are
recorded before any row is given out, in the order of the rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from protocol_logic.answering.audit.chain import canonical
from protocol_logic.answering.audit.digests import Masks
from protocol_logic.answering.audit.lines import AnswersFile, decision_body, run_body
from protocol_logic.surfaces.audit_file import AuditFile, masks_of, versions
from protocol_logic.surfaces.row_formats import Spool

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled, Screened
    from protocol_logic.records.facts import PatientRecord
    from protocol_logic.records.sources import Unread
    from protocol_logic.records.store.reading import Stored


@dataclass(frozen=True, slots=True)
class Piece:
    """Makes what is recorded of a decision; goes to other processes by pickle."""

    masks: Masks
    protocol_file: str

    def __call__(self, item: Unread | Stored | PatientRecord, done: Screened) -> bytes:
        """The body of the line, without what all decisions of the run share; empty without row."""
        from protocol_logic.answering.justification import node_link
        from protocol_logic.records.sources import Unread

        if done.row is None or done.read is None or done.graph is None:
            return b""
        source = item.text if isinstance(item, Unread) else None
        graph = node_link(done.graph)
        return canonical(
            decision_body(done.row, done.read, graph, source, self.masks, self.protocol_file)
        )


class Recorder:
    """The decisions of a run on their way to the audit record."""

    def __init__(
        self, file: AuditFile, compiled: Compiled, answers: str | None, merge: bool
    ) -> None:
        self._file = file
        self._spool = Spool()
        c = compiled
        asked = None if answers is None else AnswersFile(answers, Path(answers).read_bytes())
        self._shared = {
            **run_body(c.protocol, c.policies, c.dates, asked, file.masks),
            "merged": merge,
            "versions": versions(),
        }
        self.piece = Piece(file.masks, c.protocol.source.name)

    def add(self, patient: str, piece: bytes) -> None:
        """Keep what is to be recorded of a patient."""
        self._spool.add(patient, piece)

    def write(self, withheld: Callable[[str], bool]) -> None:
        """Record the decisions of the patients who are not withheld."""
        self._file.append(self._bodies(withheld))

    def _bodies(self, withheld: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
        for piece in self._spool.pieces(withheld):
            body = {"kind": "decision", "id": str(uuid4()), **self._shared, **json.loads(piece)}
            yield body

    def close(self) -> None:
        """Let what was kept go."""
        self._spool.close()


def audit_file(record: str | None, mask: str | None) -> AuditFile | None:
    """The audit record that a run is for, if any; a usage error where it cannot be."""
    if record is not None:
        return AuditFile(record, masks_of(mask))
    if mask is not None:
        raise click.UsageError("--mask goes with --record FILE")
    return None
