"""Arguments and options that several commands take; what is imported here, every start imports."""

from __future__ import annotations

from collections.abc import Sequence

import click


def once(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> str | None:
    """The one value of an option that is declared as `multiple`; a usage error for a second."""
    if len(values) > 1:
        message = f"{param.opts[0]} is given {len(values)} times; put the rows into one file"
        raise click.UsageError(message, ctx)
    return values[0] if values else None


PROTOCOL = click.argument("protocol", metavar="PROTOCOL")
PATIENTS = click.argument("patients", nargs=-1, required=True, metavar="PATIENTS...")
PATIENT = click.option(
    "--patient", metavar="ID", help="The patient; may be left out where there is one."
)
AS_OF = click.option(
    "--as-of",
    metavar="DATE",
    help="The day to judge on: YYYY-MM-DD or `today`. Default: Bundle.timestamp or index date.",
)
POLICIES = click.option(
    "--policies", metavar="FILE", help="A site's policies: how old evidence may be."
)
PARAMETERS = click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar='"NAME is VALUE"',
    help="Set a parameter of the protocol for this run; it beats the site's policies.",
)
DATES = click.option(
    "--date",
    "dates",
    multiple=True,
    metavar="NAME=DATE",
    help="The day of a time point of the protocol. Default: the as-of date.",
)
ANSWERS = click.option(
    "--answers",
    metavar="FILE",
    multiple=True,
    callback=once,
    help="Facts that people attest, as CSV: patient, element, value, who, when, source.",
)
MERGE = click.option(
    "--merge-patients", "merge", is_flag=True, help="Join bundles that hold the same patient id."
)
WORKERS = click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that share the work. Default: one a core, two at most.",
)
OUTPUT = click.option(
    "-o", "--output", metavar="FILE", help="Write there instead of stdout, all or nothing."
)
