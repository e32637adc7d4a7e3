"""Justifications of real records: each criterion has one, and the independent check accepts it.

12 patients in the gate; `PATIENTS=312 pytest tests/differential/test_explained_real.py` takes all.
"""

from __future__ import annotations

import gzip
import json
import os
from datetime import date
from pathlib import Path

import pytest

from protocol_logic.answering.justification import node_link
from protocol_logic.answering.rows import AsOf
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, Explaining
from tests.differential.trials import compiled, record_of

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
FILE = SHARED / "synthea-r4" / "patients.ndjson.gz"
NUMBER = int(os.environ.get("PATIENTS", "12"))
DAY = AsOf(date(2026, 1, 15), "option")
PROTOCOLS = ("anlotinib_fulvestrant", "accord", "bisoprolol_heart_failure", "actt_covid")


def protocol(name: str) -> Compiled:
    path = protocol_path(name)
    assert path is not None
    return compiled(path.read_text(encoding="utf-8"))


@pytest.mark.skipif(not FILE.is_file(), reason="the Synthea records (../shared) are not here")
@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_criterion_is_justified_and_accepted(name: str) -> None:
    found = protocol(name)
    explaining = Explaining(found)
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        chosen = [line for number, line in enumerate(lines) if number % max(1, 312 // NUMBER) == 0]
    ids = {f"criterion:{criterion.id}" for criterion in found.protocol.criteria}
    for line in chosen[:NUMBER]:
        record = record_of(found, line)
        graph = explaining.explain(record, DAY)
        assert ids <= set(graph)
        assert all(graph[name] for name in ids)
        data = json.loads(json.dumps(node_link(graph)))
        assert explaining.audit(data, record, DAY) == [], record.patient
