"""A folder of tables with its mapping, and what is read from it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.records.elements import Elements
from protocol_logic.records.facts import PatientRecord, Reading
from protocol_logic.records.tables import iter_table_records
from tests.unit.records.vocabulary import VOCABULARY

ELEMENTS = Elements(VOCABULARY, {"clearance": ("creatinine", "sex")})

HEAD = '[[table]]\nfile = "lab.csv"\n'
COLUMNS = 'columns = { patient = "id", value = "value", date = "day" }\n'
LAB = "id,value,day\np,1,2026-10-01\n"

LABS = """
    [[table]]
    file = "lab.csv"
    columns = { patient = "id", element = "name", value = "value", date = "day" }
    elements = { "Platelet count" = "platelets", "Hb" = "hemoglobin" }
    unit = { platelets = "10*9/L", hemoglobin = "g/dL" }
"""


class Folder:
    """A folder with a mapping and tables."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, mapping: str, **files: str) -> tuple[list[PatientRecord], list[Problem]]:
        """The records, and the problems of the run, sorted."""
        (self.path / "mapping.toml").write_text(dedent(mapping), encoding="utf-8")
        for name, text in files.items():
            (self.path / f"{name}.csv").write_text(dedent(text), encoding="utf-8")
        problems = Problems()
        records = list(iter_table_records(self.path, ELEMENTS, problems))
        return records, problems.sorted()

    def one(self, mapping: str, **files: str) -> PatientRecord:
        """The record of the only patient, without a problem of the run."""
        records, problems = self.read(mapping, **files)
        assert problems == []
        (record,) = records
        return record

    def faults(self, mapping: str, **files: str) -> list[tuple[str, str | None]]:
        """What is wrong with the mapping: then there is no record."""
        records, problems = self.read(mapping, **files)
        assert records == []
        assert {problem.code for problem in problems} <= {"bad-mapping"}
        assert {problem.file for problem in problems} <= {str(self.path / "mapping.toml")}
        return [(problem.message, problem.hint) for problem in problems]


def readings(record: PatientRecord) -> dict[str, Reading]:
    return {fact.entry: fact.reading for fact in record.facts}


def said(record: PatientRecord) -> list[tuple[str | None, str, str]]:
    return [(p.resource, p.code, p.message) for p in record.problems]
