"""Any value in the place of any other, one at a time, in one resource of each kind that is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from protocol_logic.answering.rows import AsOf
from protocol_logic.foundation.problems import Problems
from protocol_logic.pipeline import Screening
from protocol_logic.records.fhir import read_record
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.contracts.changes import changed, compiled
from tests.contracts.command import bundle, renamed

ANYTHING = ["null", "true", "7", '"x"', "[]", "{}", "[[]]", "[null]"]
REFUSED = {"no-patient", "two-patients"}
KINDS = [
    "Patient/", "ecog", "life-expectancy", "-pr-", "lesion", "-alt-", "breast-cancer", "goserelin",
    "oophorectomy", "medication-history", "consent",
]  # fmt: skip
"""One resource of each kind that is read, by a part of its name."""


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all values inside a value."""
    inside: Any = value.items() if isinstance(value, dict) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    for key, part in inside:
        yield (*path, key)
        yield from places(part, (*path, key))


def one_of_each_kind() -> Any:
    content: Any = parse(changed(lambda content: None, "p").encode())
    for name in ("meral_goserelin_salvage.json", "wanda_creatinine_clearance.json"):
        other: Any = parse(json.dumps(renamed(bundle(name), "p")).encode())
        content["entry"] += other["entry"][1:]
    found: dict[str, Any] = {}
    for entry in content["entry"]:
        name = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for kind in KINDS:
            if kind in name:
                found.setdefault(kind, entry)
    assert set(found) == set(KINDS) - {"oophorectomy"}
    content["entry"] = [*found.values(), {"resource": parse(OOPHORECTOMY)}]
    return content


OOPHORECTOMY = b"""{
  "resourceType": "Procedure", "id": "oophorectomy", "status": "completed",
  "code": {"coding": [{"system": "http://snomed.info/sct", "code": "83152002"}]},
  "subject": {"reference": "Patient/p"}, "performedDateTime": "2024-05-02",
  "bodySite": [{
    "coding": [{"system": "http://snomed.info/sct", "code": "15497006"}],
    "extension": [{
      "url": "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-laterality-qualifier",
      "valueCodeableConcept": {
        "coding": [{"system": "http://snomed.info/sct", "code": "51440002"}]
      }
    }]
  }]
}"""


def test_anything_anywhere_gives_a_row_or_one_clear_problem() -> None:
    content = one_of_each_kind()
    screening = Screening(compiled())
    as_of = AsOf(date(2026, 11, 2), "option")
    total = len(content["entry"])
    seen: set[object] = set()
    for place in list(places(content)):
        target = content
        for step in place[:-1]:
            target = target[step]
        kept = target[place[-1]]
        for text in ANYTHING:
            target[place[-1]] = parse(text.encode())
            problems = Problems()
            record = read_record(Document("test", content), compiled().codings, problems)
            if record is None:
                [error] = [p for p in problems.items if p.severity == "error"]
                assert error.code in REFUSED, (place, text)
                continue
            if place != ("entry",):
                assert sum(account.total for account in record.accounting) == total, (place, text)
            if record.facts not in seen:  # what is read the same is screened the same
                seen.add(record.facts)
                assert len(screening.row(record, as_of)["criteria"]) == 10, (place, text)
        target[place[-1]] = kept
    assert len(seen) > 50
