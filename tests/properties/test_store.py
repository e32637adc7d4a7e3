"""What a store gives of a patient for a protocol is what the source gives: the same record.

Every patient is read for all protocols at once, made rows, and read back for each of them.
`MANY=5000` takes so many broken documents.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_ids, protocol_path
from protocol_logic.knowledge.vocabulary import Vocabulary
from protocol_logic.pipeline import Compiled, compile_source, knowledge_of
from protocol_logic.records.codings import Codings
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.fhir import read_record
from protocol_logic.records.sources import Document, Unread, iter_documents
from protocol_logic.records.store.gathering import Chosen, gather
from protocol_logic.records.store.kept import KeptPatient
from protocol_logic.records.store.knowledge import Knowledge, digest_of_entry
from protocol_logic.records.store.reading import entries_in
from protocol_logic.records.store.rows import Rows, patient_of, rows_of
from protocol_logic.records.store.seeing import see
from tools import fuzz_records

MANY = int(os.environ.get("MANY", "75"))
DEMO = Path(__file__).parents[2] / "demo" / "patients"
SHARED = Path(__file__).parents[3] / "shared" / "data"
SETS = (
    "seed_cases",
    "mcode-examples/ig-instances",
    "mcode-synthea-cancer",
    "pysynthea-breast-r4",
    "synthea-hiv-r4",
    "synthea-r4",
)
_OF_EACH = 2 if "MANY" not in os.environ else 1000


@cache
def protocols() -> tuple[Compiled, ...]:
    paths = [path for path in map(protocol_path, protocol_ids()) if path is not None]
    sources = [Source(path.name, path.read_text(encoding="utf-8")) for path in paths]
    found = [compile_source(source, Problems()) for source in sources]
    return tuple(compiled for compiled in found if compiled is not None)


@cache
def knowledge() -> Knowledge:
    found = knowledge_of([], [], Problems())
    assert found is not None
    return found


def chosen_of(codings: Codings, whole: Knowledge) -> Chosen:
    """The entries of codings in a store of this knowledge, whose numbers are turned round."""
    pairs = zip(whole.entries, whole.digests, strict=True)
    numbers = {(entry.name, digest): n for n, (entry, digest) in enumerate(pairs)}
    turned = len(numbers)
    return Chosen(
        codings,
        {n: turned - numbers[n, digest_of_entry(e)] for n, e in entries_in(codings).items()},
    )


def back(rows: Rows, chosen: Chosen) -> KeptPatient:
    """What is kept, from its rows as a store gives them for a protocol."""
    source, line, *rest = rows.patient
    abouts = {n: (kind or None, text) for n, (kind, text) in enumerate(rows.abouts)}
    facts = [row for row in rows.facts if row[2] in chosen.names]
    problems = [row for row in rows.problems if row[2] is None or row[2] in chosen.names]
    whole = (rows.id, source, line, *rest)
    return patient_of(whole, rows.resources, facts, problems, abouts, chosen.names)


class Both:
    """Reads documents in both ways."""

    def __init__(self, codings: Iterable[Codings], whole: Knowledge) -> None:
        self.whole = whole
        self.chosen = [chosen_of(each, whole) for each in codings]
        self.numbers = [len(whole.entries) - n for n in range(len(whole.entries))]
        self.read = 0

    def check(self, document: Document) -> list[PatientRecord]:
        """The records of a document, which are the same in both ways."""
        found: list[PatientRecord] = []
        told = Problems()
        kept = see(document, self.whole, told)
        rows = None if kept is None else rows_of(kept, self.numbers)
        for chosen in self.chosen:
            problems = Problems()
            record = read_record(document, chosen.codings, problems)
            if record is None or rows is None:
                assert record is None
                assert rows is None
                assert problems.items == told.items
                continue
            assert gather(back(rows, chosen), chosen) == record
            found.append(record)
        self.read += bool(found)
        return found


@cache
def both() -> Both:
    return Both([compiled.codings for compiled in protocols()], knowledge())


@pytest.mark.parametrize("name", SETS)
def test_real_records_are_the_same(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("needs ../shared")
    for document in islice(iter_documents([SHARED / name], Problems()), _OF_EACH):
        both().check(document)


def test_demo_patients_are_the_same() -> None:
    for document in iter_documents([DEMO], Problems()):
        assert both().check(document)


def documents(many: int) -> Iterator[Document]:
    fuzzer = fuzz_records.Fuzzer(7, Path(), fuzz_records.originals(widely="MANY" in os.environ))
    for number in range(many):
        found = Unread(f"{number}.json", fuzzer.broken(number).data).document()
        if not isinstance(found, Problem):
            yield found


def test_broken_records_are_the_same() -> None:
    for document in documents(MANY):
        both().check(document)
    assert both().read > MANY // 3


NESTED = """protocol {id}
  title Nested categories
  version 1
  uses systems, demographics, histories

condition {name}
  label {name}
  code icd10cm {code}
  closed by problem_list

exclude one
  > No {name}.
  {name}
"""


def test_a_narrower_category_of_another_protocol_takes_nothing_away() -> None:
    pairs = [("heart_attack", "I21"), ("small_heart_attack", "I21.4"), ("other", "I21.A1")]
    texts = [NESTED.format(id=name, name=name, code=code) for name, code in pairs]
    compiled = []
    for text in texts:
        problems = Problems()
        found = compile_source(Source("p.elig", text), problems)
        assert found is not None, [problem.message for problem in problems.items]
        compiled.append(found)
    whole = Knowledge.of([each.protocol.vocabulary for each in compiled])
    joined = Codings.of(
        Vocabulary({n: e for c in compiled for n, e in c.protocol.vocabulary.entries.items()})
    )
    reader = Both([*(each.codings for each in compiled), joined], whole)
    record = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "p"}},
            {
                "resource": {
                    "resourceType": "Condition",
                    "id": "c",
                    "code": {
                        "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I21.4"}]
                    },
                }
            },
        ],
    }
    first, second, third, all_ = reader.check(Document("p.json", record))
    assert [fact.entry for fact in first.facts] == ["heart_attack"]
    assert [fact.entry for fact in second.facts] == ["small_heart_attack"]
    assert not third.facts
    assert [fact.entry for fact in all_.facts] == ["small_heart_attack"]
