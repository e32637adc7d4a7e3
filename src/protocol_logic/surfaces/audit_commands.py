"""The command line of `audit`: what each of its commands takes."""

from __future__ import annotations

from typing import Any

import click

from protocol_logic.surfaces.options import OUTPUT


@click.group()
def audit() -> None:
    """Look at an audit record of decisions, which `screen --record FILE` appends to."""


@audit.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--head",
    metavar="HASH",
    help="A head that was filed elsewhere: the record must still hold it.",
)
@click.pass_context
def verify(ctx: click.Context, file: str, head: str | None) -> None:
    """Find lines that were altered, removed, inserted or moved, and print the head.

    Lines cut off at the end are found only by a head that was filed elsewhere. Exit code 1: the
    record is not whole.
    """
    from protocol_logic.surfaces.audit_verifying import verify_record

    ctx.exit(verify_record(file, head))


@audit.command()
@click.argument("file", metavar="FILE")
@click.pass_context
def repair(ctx: click.Context, file: str) -> None:
    """Take a torn last line away, and append a line that says what it was.

    A process that was killed while it appended leaves one. Nothing else is repaired.
    """
    from protocol_logic.surfaces.audit_verifying import repair_record

    ctx.exit(repair_record(file))


@audit.command()
@click.argument("file", metavar="KEY")
@click.pass_context
def key(ctx: click.Context, file: str) -> None:
    """Make a key for masks in a new file."""
    from protocol_logic.surfaces.audit_verifying import make_key

    ctx.exit(make_key(file))


_MASK = click.option(
    "--mask", metavar="KEY", help="The file of the key that identifiers are masked with."
)


@audit.command()
@click.argument("file", metavar="FILE")
@click.argument("patients", nargs=-1, required=True, metavar="PATIENTS...")
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="FILE",
    help="The protocol, where it does not lie where it lay.",
)
@click.option(
    "--answers",
    metavar="FILE",
    multiple=True,
    help="The answers, where some were used; several files, each for the decisions made with it.",
)
@_MASK
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@OUTPUT
@click.pass_context
def replay(ctx: click.Context, /, **options: Any) -> None:
    """Decide again what the record holds, from the sources, and say what differs.

    Exit code 1: something came out otherwise, was changed or is missing.
    """
    from protocol_logic.surfaces.audit_replaying import ReplayOptions, replay

    ctx.exit(replay(ReplayOptions(**options)))


@audit.command()
@click.argument("file", metavar="FILE")
@click.option("--patient", metavar="ID", help="Only what is about this patient.")
@click.option("--criterion", metavar="ID", help="Only this criterion of each decision.")
@click.option("--since", metavar="DATE", help="Only what was recorded on this day (UTC) or later.")
@click.option("--until", metavar="DATE", help="Only what was recorded on this day or earlier.")
@click.option(
    "--log", is_flag=True, help="A screening log: the counts that a CONSORT diagram needs."
)
@_MASK
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="json: the lines themselves; csv: a line a criterion.",
)
@OUTPUT
@click.pass_context
def show(ctx: click.Context, /, since: str | None, until: str | None, **options: Any) -> None:
    """Show what a record holds: by patient, criterion and day, or as a screening log."""
    from protocol_logic.surfaces.audit_showing import ShowOptions, show
    from protocol_logic.surfaces.inputs import day_option

    first, last = day_option(since, "--since"), day_option(until, "--until")
    ctx.exit(show(ShowOptions(since=first, until=last, **options)))


@audit.command()
@click.argument("file", metavar="FILE")
@click.option("--patient", metavar="ID", required=True, help="Whom it is about.")
@click.option("--criterion", metavar="ID", help="Which criterion it is about, if one.")
@click.option("--by", metavar="NAME", required=True, help="Who says so.")
@click.option("--reason", metavar="TEXT", required=True, help="Why.")
@click.option(
    "--decision",
    type=click.Choice(["override", "deviation", "confirmed", "declined", "comment"]),
    default="comment",
    show_default=True,
    help="override: decided otherwise than computed; deviation: from the protocol.",
)
@click.option(
    "--to",
    type=click.Choice(["eligible", "ineligible", "pass", "fail"]),
    help="Of an override: what was decided; pass or fail with --criterion.",
)
@click.option("--protocol", metavar="ID", help="Which, where several were decided of.")
@_MASK
@click.pass_context
def note(ctx: click.Context, /, **options: Any) -> None:
    """Append what a person decided or saw of the last decision about a patient.

    What was computed stays in the record as it is.
    """
    from protocol_logic.surfaces.audit_noting import NoteOptions, note

    ctx.exit(note(NoteOptions(**options)))
