"""A slice of tools/fuzz_records.py: broken documents give a row or an error, and lose nothing.

`python -m tools.fuzz_records --count 100000` runs the long campaign, from more patients.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import fuzz_records

SLICE = 50 if "MANY" in os.environ else 30


@pytest.mark.parametrize("start", range(0, 4 * SLICE, SLICE))
def test_broken_documents(tmp_path: Path, start: int) -> None:
    fuzzer = fuzz_records.Fuzzer(1, tmp_path, fuzz_records.originals(widely=False))
    tally = fuzz_records.run(fuzzer, range(start, start + SLICE), tmp_path)
    assert not tally.failures
    assert tally.rows + tally.refused == SLICE
    assert tally.rows > SLICE // 2
    assert tally.spoiled > SLICE // 10
