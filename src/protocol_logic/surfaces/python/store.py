"""Stores in Python: `ingest`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from protocol_logic.surfaces.python.errors import InputError, input_errors

if TYPE_CHECKING:
    from protocol_logic.surfaces.ingesting import Ingested


def ingest(
    *sources: str | os.PathLike[str],
    store: str | os.PathLike[str],
    protocols: Sequence[str | os.PathLike[str]] = (),
    policies: Sequence[str | os.PathLike[str]] = (),
    workers: int = 1,
) -> Ingested:
    """Read records once, for all protocols, into a store.

    `sources`: files and folders of FHIR, OMOP tables, tables with a mapping. `store`: a file that
    is there, or a new one named as in `patients.duckdb`. `protocols`, `policies`: files of what is
    read for besides the knowledge base. Raises InputError for what cannot be used.
    """
    from protocol_logic.surfaces.ingesting import IngestOptions, ingested

    if not sources:
        raise InputError("name the files or folders of patients")
    options = IngestOptions(
        sources=tuple(str(each) for each in sources),
        store=str(store),
        protocols=tuple(str(each) for each in protocols),
        policies=tuple(str(each) for each in policies),
        workers=workers,
    )
    with input_errors():
        return ingested(options)[1]
