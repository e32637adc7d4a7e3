"""Stores for tests: of documents, and of patients that were made up."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import Path

from bench.patients import Drawing, Shares
from bench.patients.__main__ import compiled_of, source_of
from bench.patients.as_store import write_store
from protocol_logic.foundation.problems import Problems
from protocol_logic.pipeline import Compiled, knowledge_of
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.sources import Document, iter_documents
from protocol_logic.records.store.knowledge import Knowledge
from protocol_logic.records.store.reading import Gatherer, Store, Stored
from protocol_logic.records.store.rows import rows_of
from protocol_logic.records.store.seeing import see
from protocol_logic.records.store.writing import Writer

SHARED = Path(__file__).parents[2] / "shared" / "data"
ROUGH = Shares(0.08, 0.08, 0.05, 0.03, 0.05)
"""Shares of what is missing, imprecise, conflicting, unreadable and borderline: much of each."""


@cache
def whole_knowledge() -> Knowledge:
    """What the protocols of the knowledge base ask for."""
    found = knowledge_of([], [], Problems())
    assert found is not None
    return found


@cache
def protocol_of(name: str) -> Compiled:
    """A protocol of the knowledge base."""
    return compiled_of(name)


def made_up(path: Path, name: str, many: int, shares: Shares = ROUGH, seed: int = 3) -> None:
    """A store of patients who are made up for a protocol."""
    compiled = protocol_of(name)
    made = Drawing(compiled, shares, seed=seed).made(many)
    write_store(path, compiled, source_of(name), made)


def read_from(path: Path, source: Path, most: int) -> None:
    """A store of the first patients of a source."""
    store_of(path, islice(iter_documents([source], Problems()), most))


def store_of(path: Path, documents: Iterable[Document]) -> None:
    """A store of documents."""
    with Writer(path, whole_knowledge()) as writer:
        for document in documents:
            kept = see(document, whole_knowledge(), Problems())
            if kept is not None:
                writer.add(rows_of(kept, writer.numbers))
        writer.finish([], whole=True)


def records_in(store: Store, gatherer: Gatherer) -> Iterable[PatientRecord]:
    """The records of a store, in the order of the sources."""
    return (gatherer.record(each) for each in store.items(gatherer) if isinstance(each, Stored))


def names_in(store: Store) -> dict[tuple[int, int], str]:
    """The names of the resources of a store, by position of the patient and number."""
    found = store.connection.execute(
        "SELECT position, resource, name FROM resources JOIN positions USING (patient)"
    )
    return {(position, resource): name for position, resource, name in found.fetchall()}
