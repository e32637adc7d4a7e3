"""`audit note`: what a person decided or saw, appended to a record; what it holds stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import click

from protocol_logic.answering.audit.chain import Body
from protocol_logic.answering.audit.log import Log, Logs
from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.surfaces.audit_file import AuditFile, masks_of
from protocol_logic.surfaces.audit_showing import Known
from protocol_logic.surfaces.terminal import visible

_OF_CRITERION = ("pass", "fail")
_OF_PATIENT = ("eligible", "ineligible")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteOptions:
    """The arguments of `audit note`."""

    file: str
    patient: str
    criterion: str | None
    protocol: str | None
    decision: str
    to: str | None
    by: str
    reason: str
    mask: str | None


def note(options: NoteOptions) -> int:
    """Append a note to a record; the exit code."""
    _refuse_incomplete(options)
    file = AuditFile(options.file, masks_of(options.mask))
    if not file.path.exists():
        raise click.UsageError(f"there is no file `{visible(options.file)}`")
    if file.masks.key is not None and options.patient in options.reason + options.by:
        raise click.UsageError("the record masks identifiers, and the text names the patient")
    logs, known = Logs(), Known()

    def look(body: Body) -> None:
        logs.add(body)
        known.add(body)

    end = file.append(_note(options, file, logs, known), look)
    click.echo(f"line {end.number}, {end.hash}")
    return 0


def _refuse_incomplete(options: NoteOptions) -> None:
    for name, text in (("--by", options.by), ("--reason", options.reason)):
        if not text.strip():
            raise click.UsageError(f"{name} is empty")
    wanted = _OF_PATIENT if options.criterion is None else _OF_CRITERION
    listed = " or ".join(wanted)
    if options.decision != "override":
        if options.to is not None:
            raise click.UsageError("--to goes with --decision override")
    elif options.to is None:
        raise click.UsageError(f"an override needs what was decided: --to {listed}")
    elif options.to not in wanted:
        what = "a patient is" if options.criterion is None else "with --criterion it is"
        raise click.UsageError(f"{what} {listed}, not `{options.to}`")


def _note(
    options: NoteOptions, file: AuditFile, logs: Logs, known_of: Known
) -> Iterator[dict[str, Any]]:
    """The body of the note; made when the lines before are known, and nobody else appends."""
    if not known_of.lines:
        raise click.UsageError(f"`{visible(options.file)}` is empty, so it is no audit record")
    patient = known_of.identifier(options.patient, file.masks)
    standing = _log(options, patient, logs).patients[patient]
    decision = standing.decision
    known = [each["id"] for each in decision["criteria"]]
    if options.criterion is not None and options.criterion not in known:
        hint = did_you_mean(visible(options.criterion), known) or f"it has {', '.join(known)}"
        name = visible(options.criterion)
        raise click.UsageError(f"the decision has no criterion `{name}`; {hint}")
    if options.to is not None and options.to == standing.stands(options.criterion):
        raise click.UsageError(
            f"`{options.to}` stands already; to say that it is right use --decision confirmed"
        )
    yield {
        "kind": "note",
        "id": str(uuid4()),
        "patient": patient,
        "masked": file.masks.key is not None,
        "of": {
            "number": decision["number"],
            "id": decision["id"],
            "protocol": decision["protocol"]["id"],
        },
        "criterion": options.criterion,
        "decision": options.decision,
        "computed": standing.computed(options.criterion),
        "to": options.to,
        "by": options.by,
        "reason": options.reason,
    }


def _log(options: NoteOptions, patient: str, logs: Logs) -> Log:
    """That of the protocol whose last decision about the patient is meant."""
    having = {log.protocol: log for log in logs if patient in log.patients}
    if options.protocol is not None:
        if options.protocol not in having:
            listed = ", ".join(f"`{visible(name)}`" for name in having)
            raise click.UsageError(
                f"there is no decision of `{visible(options.protocol)}`; there is of {listed}"
            )
        return having[options.protocol]
    if len(having) > 1:
        listed = ", ".join(f"`{visible(name)}`" for name in having)
        raise click.UsageError(f"there are decisions of {listed}; choose one by --protocol ID")
    return next(iter(having.values()))
