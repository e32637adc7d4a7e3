"""The floor decides plain values as the program does: else it would be no floor of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.floor import LATEST_BY_ENTRY, Floor, sorted_by_entry
from bench.patients import AS_OF, Drawing, Shares
from bench.patients.__main__ import compiled_of, source_of
from bench.patients.as_store import write_store
from protocol_logic.pipeline import findings_of
from protocol_logic.records.store.reading import Store

NAME = "anlotinib_fulvestrant"
MANY = 60
COLUMNS: dict[str, tuple[str, dict[str, object]]] = {
    "hemoglobin": ("hemoglobin", {"at_least_90_g_per_l": True, "below_90_g_per_l": False}),
    "ecog": ("ecog", {"at_most_1": True, "above_1": False}),
    "bilirubin": ("bilirubin_per_uln", {"at_most_1_5_x_uln": True, "above_1_5_x_uln": False}),
    "alt": (
        "alt_per_uln",
        {"at_most_2_5_x_uln": 1, "above_2_5_at_most_5_x_uln": 2, "above_5_x_uln": 3},
    ),
    "creatinine": ("creatinine_per_uln", {"at_most_1_5_x_uln": True, "above_1_5_x_uln": False}),
    "clearance": (
        "creatinine_clearance",
        {"at_least_60_ml_per_min": True, "below_60_ml_per_min": False},
    ),
    "adult": ("age", {"at_least_18_years": True, "below_18_years": False}),
    "er": ("er", {"positive": "positive", "negative": "negative"}),
    "oophorectomy": ("oophorectomy_on_both_sides", {"both": True, "not_both": False}),
}


@pytest.mark.parametrize("layout", ["facts", LATEST_BY_ENTRY])
def test_plain_values_lie_in_the_same_cells(tmp_path: Path, layout: str) -> None:
    pytest.importorskip("duckdb")
    protocol = compiled_of(NAME)
    drawing = Drawing(protocol, Shares(0, 0, 0, 0, 0.4), seed=5)
    made = list(drawing.made(MANY))
    path = tmp_path / "made.duckdb"
    write_store(path, protocol, source_of(NAME), made)
    with Store(path) as store:
        run = store.connection.execute
        numbers = dict(run("SELECT name, entry FROM entries").fetchall())
        entries = {n: e for n, e in numbers.items() if n in protocol.protocol.vocabulary.entries}
        if layout != "facts":
            run(sorted_by_entry(entries))
        for phase in Floor(entries, AS_OF).phases(layout):
            for statement in phase.statements:
                run(statement)
        names = ", ".join(COLUMNS)
        rows = run(
            f"SELECT id, {names} FROM floor JOIN patients USING (patient) ORDER BY place"
        ).fetchall()
        lines = dict(run("SELECT id, lines FROM floor JOIN patients USING (patient)").fetchall())
    compared = 0
    for (_, record), (patient, *row) in zip(made, rows, strict=True):
        assert patient == record.patient
        found = findings_of(protocol, record, AS_OF)
        for (finding, meant), told in zip(COLUMNS.values(), row, strict=True):
            cells = found.single.get(finding, frozenset())
            by_sex = told is None and finding.endswith("_per_uln")  # which the floor leaves out
            if len(cells) == 1 and set(cells) <= meant.keys() and not by_sex:
                compared += 1
                assert meant[next(iter(cells))] == told, (patient, finding)
        group = next(g for g in found.groups if g.name == "courses_of_chemotherapy")
        [(_, cells)] = group.rows[0].cells
        if len(cells) == 1:
            assert (lines[patient] > 1) == (cells == {"above_1_lines"})
    assert compared > MANY * len(COLUMNS) / 2
