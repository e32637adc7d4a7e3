"""The eligibility texts of ../shared: over a thousand, by the id of their registry."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"
SETS = {
    "ctgov-criteria/ctgov_v2_records.jsonl.gz": 23,
    "ctgov-criteria/lct_texts.jsonl.gz": 794,
    "ctgov-criteria/nli4ct_eligibility.jsonl.gz": 492,
    "ctgov-criteria/trialmatchai_cardio_diabetes.jsonl.gz": 67,
    "chia/criteria.jsonl.gz": 494,
}
"""Each set with the number of its texts; the protocols are nine more."""

needs_data = pytest.mark.skipif(not (DATA / "ctgov-criteria").is_dir(), reason="no ../shared")


@cache
def originals() -> tuple[tuple[str, str], ...]:
    """All texts, each with its id."""
    return tuple(_protocols()) + tuple(text for name in SETS for text in _set(name))


def _protocols() -> Iterator[tuple[str, str]]:
    for path in sorted((DATA / "protocols").glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        yield content["nct_id"], content["eligibility_text"]


def records(name: str) -> Iterator[dict[str, Any]]:
    """The records of one of the sets."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _set(name: str) -> Iterator[tuple[str, str]]:
    for record in records(name):
        section = record.get("protocolSection", {})
        number = record.get("nct_id") or section["identificationModule"]["nctId"]
        if "inclusion" in record:
            parts = record["inclusion"], record["exclusion"]
            text = "Inclusion Criteria:\n{}\nExclusion Criteria:\n{}".format(*parts)
        elif "eligibility_lines" in record:
            text = "\n".join(record["eligibility_lines"])
        elif section:
            text = section["eligibilityModule"]["eligibilityCriteria"]
        else:
            text = record.get("eligibility") or record["eligibility_criteria"]
        yield number, text
