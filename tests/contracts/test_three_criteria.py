"""Three criteria over made patients against their true verdicts, unknowns included.

Patients and truth come from `gen.py` of the shared benchmark scripts: two units of hemoglobin,
results without an upper limit of normal, and two results of one day, of which the later one counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from protocol_logic.answering.rows import AsOf
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Screening, compile_source, read_records
from protocol_logic.records.sources import iter_documents

REPO = Path(__file__).parents[2]
PROTOCOL = REPO / "bench" / "clinical" / "three_criteria.elig"
MAKER = REPO.parent / "shared" / "bench" / "clinical" / "gen.py"
CRITERIA = {"age_ok": "Age OK", "hgb_ok": "Hgb OK", "bili_ok": "Bili OK"}
TRUTH = {True: "met", False: "not_met", None: "unknown"}
MANY = int(os.environ.get("MANY", "200"))
ELIGIBLE = {True: "eligible", False: "ineligible", None: "undetermined"}


@pytest.mark.skipif(not MAKER.is_file(), reason="../shared is not here: no patients to screen")
def test_all_verdicts_are_true(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(MAKER), str(MANY), "40"], cwd=tmp_path, check=True)
    truth = json.loads((tmp_path / "data" / "truth.json").read_text(encoding="utf-8"))
    problems = Problems()
    compiled = compile_source(Source("three", PROTOCOL.read_text(encoding="utf-8")), problems)
    assert compiled is not None
    screening = Screening(compiled)
    documents = iter_documents([tmp_path / "data" / "bundles"], problems)
    checked, wrong = 0, []
    for record in read_records(compiled, documents, problems):
        row = screening.row(record, AsOf(date(2026, 11, 22), "option"))
        said = {CRITERIA[c["id"]]: c["outcome"] for c in row["criteria"]}
        said["Eligible"] = row["eligibility"]
        for name, value in truth[record.patient].items():
            checked += 1
            expected = (ELIGIBLE if name == "Eligible" else TRUTH)[value]
            if said[name] != expected:
                wrong.append((record.patient, name, said[name], expected))
    assert not problems.items
    assert (checked, wrong) == (4 * MANY, [])
