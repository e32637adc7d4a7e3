"""`new`: a protocol's own text to a protocol file with a to-do for each criterion."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

import click

from protocol_logic.surfaces.inputs import original_named
from protocol_logic.surfaces.outputs import STDOUT, opened_output, written
from protocol_logic.surfaces.terminal import count, visible


def start_protocol(name: str, output: str | None) -> int:
    """Write the file, or print it; a file that is there is never written over."""
    from protocol_logic.language.original.draft import draft_of, name_of

    if output not in (None, STDOUT) and Path(output or "").exists():
        raise click.UsageError(
            f"`{visible(output or '')}` is there already, and a new protocol does not take its "
            "place; give another name with `-o`"
        )
    original = original_named(name)
    stem = PurePath(name).stem.replace("_", " ")
    called = _stem(output) or name_of(original.id) or name_of(stem) or "protocol_name"
    draft = draft_of(original, called)
    with opened_output(output) as out:
        out.write(written(draft.text))
    criteria = count(draft.criteria, "criterion", "criteria")
    click.echo(f"{criteria}, all to do; nothing of the text was understood", err=True)
    return 0


def _stem(output: str | None) -> str:
    """The name of the file that is written, as far as it can be an id."""
    if output is None or output == STDOUT:
        return ""
    stem = re.sub(r"[^a-z0-9]+", "_", PurePath(output).stem.lower()).strip("_")
    return stem if stem[:1].isalpha() else ""
