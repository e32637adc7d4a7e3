"""`new`: a protocol's own text to a protocol file with a to-do for each criterion."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

import click

from protocol_logic.surfaces.inputs import text_named
from protocol_logic.surfaces.outputs import STDOUT, opened_output, written
from protocol_logic.surfaces.terminal import count, visible

_REGISTRY_ID = re.compile(r"NCT\d{8}", re.IGNORECASE)


def start_protocol(name: str, output: str | None) -> int:
    """Write the file, or print it; a file that is there is never written over."""
    from protocol_logic.knowledge.resources import declared_names
    from protocol_logic.language.original.draft import draft_of, name_of
    from protocol_logic.language.original.record import NoCriteria, read_original

    if output not in (None, STDOUT) and Path(output or "").exists():
        raise click.UsageError(
            f"`{visible(output or '')}` is there already, and a new protocol does not take its "
            "place; give another name with `-o`"
        )
    if _REGISTRY_ID.fullmatch(name) and not Path(name).exists():
        raise click.UsageError(
            f"there is no file `{name}`, and records are not fetched; get it first, such as with "
            f"`curl -o {name.upper()}.json https://clinicaltrials.gov/api/v2/studies/{name.upper()}`"
        )
    try:
        original = read_original(name, text_named(name))
    except NoCriteria as error:
        raise click.UsageError(f"`{visible(name)}` cannot be used: {error}") from error
    stem = PurePath(output if output not in (None, STDOUT) else name).stem
    called = name_of(original.id) or name_of(stem.replace("_", " ")) or "protocol_name"
    draft = draft_of(original, called, declared_names())
    with opened_output(output) as out:
        out.write(written(draft.text))
    criteria = count(draft.criteria, "criterion", "criteria")
    click.echo(f"{criteria}, all to do; nothing of the text was understood", err=True)
    return 0
