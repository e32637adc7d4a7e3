"""One hundred criteria drawn from the Chia corpus: how many are computed, and which are not."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.language import tree
from protocol_logic.language.parse import parse
from protocol_logic.pipeline import Compiled, compile_source

ROOT = Path(__file__).parents[2]
CASE = ROOT / "tests" / "cases" / "chia" / "drawn.elig"
CORPUS = ROOT.parent / "shared" / "data" / "chia" / "criteria.jsonl.gz"
SOURCE = Source("drawn.elig", CASE.read_text(encoding="utf-8"))


def compiled() -> Compiled:
    problems = Problems()
    found = compile_source(SOURCE, problems)
    assert found is not None, problems.sorted()
    return found


def test_counts_are_those_that_the_file_says() -> None:
    found = compiled()
    counts = Counter[str](found.plan.basis[c.id].kind for c in found.protocol.criteria)
    said = "computed {computed}, attested {attested}, judged {judged}, opaque {opaque}"
    each = {str(kind): number for kind, number in counts.items()}
    assert said.format_map(each) in SOURCE.text
    assert sum(counts.values()) == 100
    assert counts["computed"] + counts["attested"] >= 80
    assert counts["opaque"] <= 10


def test_every_opaque_or_judged_part_says_why() -> None:
    found = compiled()
    asked = [q for c in found.protocol.criteria for q in found.plan.basis[c.id].asked]
    assert all(q.because for q in asked if q.how in ("judged", "opaque"))


@pytest.mark.skipif(not CORPUS.is_file(), reason=f"no corpus at {CORPUS}")
def test_the_sentences_are_those_that_the_lot_gives() -> None:
    lines = []
    with gzip.open(CORPUS, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            for polarity in ("inclusion", "exclusion"):
                for number, line in enumerate((row[polarity] or "").split("\n"), 1):
                    text = " ".join(line.split())
                    if len(text.split()) >= 2 and not text.endswith(":"):
                        lines.append((row["nct_id"], polarity, number, text))
    drawn = sorted(random.Random(2026).sample(sorted(lines), 100))
    criteria = [s for s in parse(SOURCE, Problems()) if isinstance(s, tree.Criterion)]
    above = re.findall(r"^# \d+: (NCT\d+), (\w+) (\d+)$", SOURCE.text, re.MULTILINE)
    written = [
        (nct, c.polarity, int(line), re.sub(r"\[[^]]*\]", "", c.sentence))
        for (nct, polarity, line), c in zip(above, criteria, strict=True)
        if polarity == c.polarity
    ]
    # A sign that was put in stands in brackets; one that stands there itself is escaped.
    assert [(n, p, i, t.replace("\\", "")) for n, p, i, t in written] == [
        (n, p, i, re.sub(r"\[[^]]*\]", "", t)) for n, p, i, t in drawn
    ]
