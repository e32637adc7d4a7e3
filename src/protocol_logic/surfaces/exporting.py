"""`export`: a store as a Parquet dataset, which many machines can read at once."""

from __future__ import annotations

from pathlib import Path

import click

from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.inputs import existing_paths
from protocol_logic.surfaces.terminal import count, visible


def export(name: str, to: str, each: int) -> int:
    """Write a store as a dataset; the exit code."""
    from protocol_logic.records.store.dataset import is_dataset, write_dataset
    from protocol_logic.records.store.opening import StoreError, is_database

    (store,), folder = existing_paths([name]), Path(to)
    if not is_database(store):
        raise click.UsageError(f"`{visible(name)}` is no store that `ingest` made")
    if not folder.name or (folder.exists() and not is_dataset(folder)):
        raise click.UsageError(f"`{visible(to)}` is there and is no dataset; name a new folder")
    if not folder.parent.is_dir():
        raise click.UsageError(f"there is no folder `{visible(str(folder.parent))}`")
    try:
        patients, shards = write_dataset(store, folder, each)
    except StoreError as error:
        hint = "" if error.hint is None else f"; {error.hint}"
        raise click.UsageError(f"`{visible(name)}` cannot be written out: {error}{hint}") from error
    except OSError as error:
        reason = shown(error.strerror or str(error))
        raise click.UsageError(f"`{visible(to)}` cannot be written: {reason}") from error
    click.echo(f"{count(patients, 'patient')} in {count(shards, 'shard')}", err=True)
    return 0
