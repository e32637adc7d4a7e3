"""What a store gives of patients of tables for a protocol is what the tables give.

Rows are drawn by lot from all that protocols can name, and from what none can. `MANY=2000` takes so
many patients.
"""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.compiling.answerable import elements_of
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.knowledge.vocabulary import Entry, Quantity
from protocol_logic.pipeline import Compiled, compile_source, knowledge_of
from protocol_logic.records.elements import Elements
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.store.knowledge import Knowledge
from protocol_logic.records.store.rows import rows_of
from protocol_logic.records.store.table_seeing import TableSeer
from protocol_logic.records.tables import iter_table_records

pytest.importorskip("duckdb", reason="needs the extra `cohort`")
from protocol_logic.records.store.reading import Store, record_of
from protocol_logic.records.store.writing import Writer

MANY = int(os.environ.get("MANY", "40"))
MAPPING = """
[[table]]
file = "patients.csv"
columns = { patient = "id", index = "day", value = "sex" }
element = "sex"
values = { F = "female", M = "male" }

[[table]]
file = "patients.csv"
columns = { patient = "id", value = "ecog" }
element = "ecog"
date = "index"

[[table]]
file = "said.csv"
columns = { patient = "id", element = "what", value = "value", unit = "unit", date = "day", end = "end", intent = "intent", upper_limit = "upper" }
no_end = "ongoing"

[[table]]
file = "coded.csv"
columns = { patient = "id", system = "system", code = "code", value = "value", date = "day", status = "status" }
statuses = ["final"]
unit = "g/L"
"""  # noqa: E501
OWN = """protocol own
  title A protocol with things of its own
  version 1
  uses systems, demographics, performance, histories

quantity hemoglobin
  label hemoglobin read otherwise
  code loinc 718-7
  unit g/dL
  plausible 1 to 40
  source a test

condition own_disease
  label own disease
  code snomed 64572001
  closed by problem_list

include one
  > No such disease.
  not own_disease

include two
  > Hemoglobin
  hemoglobin >= 9 g/dL
"""
NAMES = ("anlotinib_fulvestrant", "plinabulin")


@cache
def compiled_of(name: str) -> Compiled:
    path = protocol_path(name)
    text = OWN if path is None else path.read_text(encoding="utf-8")
    problems = Problems()
    compiled = compile_source(Source(f"{name}.elig", text), problems)
    assert compiled is not None, problems.items
    return compiled


@cache
def knowledge() -> Knowledge:
    found = knowledge_of([compiled_of("own").protocol.source], [], Problems())
    assert found is not None
    return found


class Tables:
    """Tables of patients drawn by lot."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        vocabularies = [compiled_of(name).protocol.vocabulary for name in (*NAMES, "own")]
        self.entries = list({e.name: e for v in vocabularies for e in v.entries.values()}.values())

    def write(self, folder: Path, patients: int) -> None:
        (folder / "mapping.toml").write_text(MAPPING)
        ids = [f"p{number}" for number in range(patients)]
        ids[1:3] = ["p 2", "p\u202e3"]
        choose = self.rng.choice
        rows = [[i, choose(["2026-01-15"] * 9 + ["2026-01", ""]), choose("FMX"), choose("012x")]
                for i in [*ids, ids[0]]]  # fmt: skip
        _table(folder / "patients.csv", "id,day,sex,ecog", rows)
        said, coded = [], []
        for patient in [*(each for each in ids for _ in range(12)), ""]:
            entry = choose(self.entries)
            what = choose([entry.name, entry.name, entry.element, "nothing", ""])
            unit = choose([*entry.accepts, "", "kg"]) if isinstance(entry, Quantity) else ""
            intent, upper = choose(["", "adjuvant", "x"]), choose(["", "40", "high"])
            said.append(
                [patient, what, self._value(entry), unit, self._day(), self._day(), intent, upper]
            )
            system, code = self._code(choose(self.entries))
            status = choose(["final", "final", "draft", ""])
            coded.append([patient, system, code, self._value(entry), self._day(), status])
        _table(folder / "said.csv", "id,what,value,unit,day,end,intent,upper", said)
        _table(folder / "coded.csv", "id,system,code,value,day,status", coded)

    def _day(self) -> str:
        day = f"20{self.rng.randint(20, 26)}-{self.rng.randint(1, 12):02}"
        return self.rng.choice([f"{day}-11", f"{day}-11", f"{day}-12 10:00", day, "", "soon"])

    def _value(self, entry: Entry) -> str:
        values = [*getattr(entry, "values", ()), "yes", "present", "absent", "none", "complete"]
        more = ["1.5", "40", "9" * 30, "<3", "", "true", "2024-02", "2023-01-15 to 2024-06"]
        return self.rng.choice([self.rng.choice([str(v) for v in values]), *more])

    def _code(self, entry: Entry) -> tuple[str, str]:
        listed = (*getattr(entry, "codes", ()), *getattr(entry, "past", ()))
        codes: list[tuple[str, str]] = [code.key for code in listed]
        codes += getattr(entry, "attested", {})
        return self.rng.choice(codes or [("http://loinc.org", "0-0"), ("", "")])


def _table(path: Path, header: str, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])


def of_store(store: Path, compiled: Compiled) -> Iterator[PatientRecord]:
    with Store(store) as opened:
        for item in opened.items(opened.gatherer(compiled.codings)):
            assert not isinstance(item, Problem)
            yield record_of(item, compiled.codings)


def test_records_of_tables_are_the_same(tmp_path: Path) -> None:
    Tables(5).write(tmp_path, MANY)
    store, problems = tmp_path / "a.duckdb", Problems()
    with Writer(store, knowledge()) as writer:
        seer = TableSeer(tmp_path, knowledge(), problems)
        for seen in seer.seen():
            writer.add(rows_of(seer.kept(seen), writer.numbers))
        writer.finish([], whole=True)
    # Of each name there is the entry of the knowledge base, and of some one of a protocol's own.
    assert len(knowledge().tables) > 1
    facts = 0
    for name in (*NAMES, "own"):
        elements, told = elements_of(compiled_of(name).protocol), Problems()
        assert isinstance(elements, Elements)
        expected = list(iter_table_records(tmp_path, elements, told))
        assert list(of_store(store, compiled_of(name))) == expected
        assert [p.code for p in told.items] == [p.code for p in problems.items] != []
        facts += sum(len(record.facts) for record in expected)
    assert facts > 10 * MANY
