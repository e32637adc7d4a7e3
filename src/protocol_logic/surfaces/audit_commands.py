"""The command line of `audit`: what each of its commands takes."""

from __future__ import annotations

import click


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
