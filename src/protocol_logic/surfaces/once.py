"""Options that are given once: of two files the last would count, the first be dropped unsaid."""

from __future__ import annotations

from collections.abc import Sequence

import click


def once(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> str | None:
    """The one value of an option that is declared as `multiple`; a usage error for a second."""
    if len(values) > 1:
        message = f"{param.opts[0]} is given {len(values)} times; put the rows into one file"
        raise click.UsageError(message, ctx)
    return values[0] if values else None
