"""A dataset gives the rows of the store that it was made of, however both are cut."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from protocol_logic.foundation.problems import Problems
from protocol_logic.pipeline import Screening
from protocol_logic.pipeline.columns import ColumnScreening, Line
from protocol_logic.records.sources import iter_documents
from protocol_logic.records.store.by_entry import sort_by_entry, unsorted
from protocol_logic.records.store.dataset import write_dataset
from protocol_logic.records.store.opening import connected
from protocol_logic.records.store.reading import Store
from protocol_logic.records.store.stretch import Stretch
from tests import stores
from tests.contracts.command import DEMO
from tests.many_rows import AS_OF, whole


def lines_of(path: Path, screening: Screening, most: int, fewest: int = 0) -> list[Line]:
    many = ColumnScreening(screening, AS_OF, fewest=fewest)
    with Store(path) as store:
        size = store.number()
        stretches = [Stretch(store.name, n, min(n + most, size), 0) for n in range(0, size, most)]
    found = [whole(line) for stretch in stretches for line in many.screen(stretch)]
    many.close()
    return found


def test_the_rows_of_the_store(tmp_path: Path) -> None:
    path, screening = tmp_path / "s.duckdb", Screening(stores.protocol_of("plinabulin"))
    stores.made_up(path, "plinabulin", 12)
    wanted = lines_of(path, screening, 12)
    assert all(line.row is not None for line in wanted)
    for each, shards in ((5, 3), (1, 12)):
        folder = tmp_path / f"it's {each}=[b]*?"  # neither columns nor patterns
        assert write_dataset(path, folder, each) == (12, shards)
        assert lines_of(folder, screening, 7) == wanted
    assert lines_of(folder, screening, 12, fewest=100) == wanted


def test_numbers_in_another_order_and_documents_that_gave_no_patient(tmp_path: Path) -> None:
    path, folder = tmp_path / "s.duckdb", tmp_path / "d"
    stores.store_of(path, iter_documents([DEMO], Problems()))
    with connected(path, read_only=False) as connection:
        connection.execute("UPDATE patients SET place = 10 * (20 - place)")
        for place in (0, 95, 131, 500):
            told = f"({place}, 'not-readable', 'it is {place}', NULL, NULL, 'a.json')"
            connection.execute(f"INSERT INTO told VALUES {told}")
        unsorted(connection)
        sort_by_entry(connection)
    screening = Screening(stores.protocol_of("anlotinib_fulvestrant"))
    write_dataset(path, folder, 4)
    wanted = lines_of(path, screening, 100)
    assert [line.stopped[0].message for line in wanted if line.stopped] == [
        "it is 0", "it is 95", "it is 131", "it is 500",
    ]  # fmt: skip
    assert wanted[1].patient == "wanda" and wanted[-1].stopped
    assert lines_of(folder, screening, 5) == wanted
    assert lines_of(folder, screening, 5, fewest=100) == wanted
