"""What facts come from, as it stands in the source: a resource, a row of a table or an answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from protocol_logic.foundation.problems import Problems
from protocol_logic.records.columns import Unusable, columns_of, rows_of
from protocol_logic.records.csv_text import NotCsv, csv_rows
from protocol_logic.records.json_text import text_of
from protocol_logic.records.mapping import is_mapping, read_mapping

if TYPE_CHECKING:
    from protocol_logic.foundation.source import Source
    from protocol_logic.records.elements import Elements
    from protocol_logic.records.fhir import Met
    from protocol_logic.records.json_text import Object

Cells: TypeAlias = tuple[tuple[str, str], ...]
"""The columns and cells of a row."""

_MOST = 20_000
"""The most characters of a resource that are shown."""


@dataclass(frozen=True, slots=True)
class Raw:
    """`text`: JSON of a resource; `cells`: a row. `more`: how many characters are left out."""

    name: str
    text: str = ""
    cells: Cells = ()
    more: int = 0


@dataclass(slots=True)
class Resources:
    """The resources of the record that is read; `take` gives them and begins anew."""

    found: dict[str, Object] = field(default_factory=dict)

    def meet(self, met: Met) -> None:
        self.found[met.name] = met.resource

    def take(self) -> dict[str, Object]:
        found, self.found = self.found, {}
        return found


def raw_records(
    names: Sequence[str],
    resources: Mapping[str, Object],
    paths: Sequence[Path],
    elements: Elements,
    answers: Source | None,
) -> list[Raw]:
    """The sources of facts, in the order of their names; one that is not found again is left out.

    A Medication follows the first resource that refers to it.
    """
    rows: dict[str, Cells] = {}
    missing = {name for name in names if name not in resources}
    if missing:
        for path in filter(is_mapping, paths):
            rows.update(_table_rows(path, elements, missing))
        if answers is not None:
            rows.update(_answer_rows(answers, missing))
    found: dict[str, Raw] = {}
    for name in names:
        if name in resources:
            found.setdefault(name, _resource(name, resources[name]))
            referred = _medication(resources[name])
            if referred in resources:
                found.setdefault(referred, _resource(referred, resources[referred]))
        elif name in rows:
            found.setdefault(name, Raw(name, cells=rows[name]))
    return list(found.values())


def _resource(name: str, resource: Object) -> Raw:
    text = text_of(resource)
    return Raw(name, text=text[:_MOST], more=max(0, len(text) - _MOST))


def _medication(resource: Object) -> str:
    reference: Any = resource.get("medicationReference")
    name = reference.get("reference") if isinstance(reference, dict) else None
    return name if isinstance(name, str) else ""


def _table_rows(
    path: Path, elements: Elements, names: Collection[str]
) -> Iterator[tuple[str, Cells]]:
    from protocol_logic.records.mapping import MAPPING_FILE

    mapping = path / MAPPING_FILE if path.is_dir() else path
    tables = read_mapping(mapping, elements, Problems()) or []
    for file in dict.fromkeys(table.file for table in tables):
        wanted = {name for name in names if name.startswith(f"{file.name}:")}
        if not wanted:
            continue
        with suppress(Unusable):
            columns = columns_of(file)
            for number, cells in rows_of(file, columns):
                name = f"{file.name}:{number}"
                if name in wanted and not isinstance(cells, str):
                    yield name, tuple(zip(columns, cells, strict=True))


def _answer_rows(file: Source, names: Collection[str]) -> Iterator[tuple[str, Cells]]:
    with suppress(NotCsv):
        rows = csv_rows(file.text.splitlines(keepends=True))
        header = next(rows).cells
        for line, cells in rows:
            name = f"{Path(file.name).name}:{line}"
            if name in names:
                yield name, tuple(zip(header, cells, strict=False))
