"""What lies at the paths of PATIENTS."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from protocol_logic.foundation.problems import Problem

if TYPE_CHECKING:
    from protocol_logic.records.files import Reading
    from protocol_logic.records.omop.origins import Origin
    from protocol_logic.records.sources import Unread


@dataclass(frozen=True, slots=True)
class Places:
    """Paths by what lies there, each kind in the order given; `documents` are those of FHIR."""

    documents: list[Path] = field(default_factory=list)
    omop: list[Origin] = field(default_factory=list)
    stores: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Places:
        from protocol_logic.records.mapping import is_mapping
        from protocol_logic.records.omop.origins import origin_at
        from protocol_logic.records.store.dataset import is_store

        places = cls()
        for path in paths:
            if is_mapping(path):
                places.tables.append(path)
            elif (origin := origin_at(path)) is not None:
                places.omop.append(origin)
            elif is_store(path):
                places.stores.append(path)
            else:
                places.documents.append(path)
        return places


def persons_of(origin: Origin, reading: Reading) -> Iterator[Unread | Problem]:
    """The persons of OMOP tables, which are sorted in the folder for temporary files."""
    from protocol_logic.records.omop.reading import iter_persons
    from protocol_logic.records.store.opening import StoreError

    try:
        yield from iter_persons(origin, reading, Path(tempfile.gettempdir()))
    except StoreError as error:
        yield Problem(code="not-readable", message=str(error), hint=error.hint, file=origin.source)
