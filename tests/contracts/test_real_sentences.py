"""docs/how_do_i_say.md quotes real trials: each sentence stands in the text of its trial."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
PAGE = (ROOT / "docs" / "how_do_i_say.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^# (NCT\d{8})[^\n]*\n(?:[^\n>]+\n)+?  > ([^\n]+)$", PAGE, re.MULTILINE)


def plain(text: str) -> str:
    return " ".join(text.split())


def test_there_are_sixty_sentences_or_more() -> None:
    assert len(QUOTED) == PAGE.count("\n  > ")
    assert len(set(QUOTED)) >= 60


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data at {DATA}")
def test_each_sentence_stands_in_its_trial() -> None:
    texts: dict[str, str] = defaultdict(str)
    with gzip.open(DATA / "chia" / "criteria.jsonl.gz", "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            texts[row["nct_id"]] += plain(f"{row['inclusion']} {row['exclusion']}")
    with gzip.open(DATA / "ctgov-criteria" / "lct_texts.jsonl.gz", "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            texts[row["nct_id"]] += plain(row["eligibility"])
    with gzip.open(DATA / "ctgov-criteria" / "ctgov_v2_records.jsonl.gz", "rt") as file:
        for record in (json.loads(line)["protocolSection"] for line in file):
            trial = record["identificationModule"]["nctId"]
            texts[trial] += plain(record["eligibilityModule"]["eligibilityCriteria"])
    # What was put in by hand stands in brackets.
    lost = [
        (trial, sentence)
        for trial, sentence in QUOTED
        if re.sub(r"\[[^]]*\]", "", sentence) not in texts[trial]
    ]
    assert not lost
