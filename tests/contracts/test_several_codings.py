"""What several codings of one resource mean: each of them and the text count, their order never."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.contracts.command import run
from tests.contracts.test_told_beside import ICD10, LIST, SNOMED

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
ASKED = ["chronic_kidney_disease", "cirrhosis", "malignancy", "tuberculosis", "beta_blocker"]
HEAD = """protocol several
  title Several codings
  uses renal, hepatic, oncology.general, infection, cardiology, drugs.pressure
"""

# Codings, text, what is open, what is told beside. Only an entry that a name says in full, and
# nothing else that the knowledge base calls otherwise, is certainly the same thing.
CONDITIONS: list[tuple[list[tuple[str, str, str]], str, str, str]] = [
    ([(ICD10, "I10", "Essential (primary) hypertension"),
      (SNOMED, "104931000119100", "Chronic kidney disease due to hypertension")], "", "all", ""),
    ([(ICD10, "K76.9", "Liver disease, unspecified"),
      (SNOMED, "89580002", "Cryptogenic cirrhosis")], "", "all", ""),
    ([(ICD10, "D64.9", "Anemia, unspecified"),
      (SNOMED, "277473004", "B-cell chronic lymphocytic leukemia")], "", "all", ""),
    # Each word but one is of pneumonia; that one is of tuberculosis.
    ([(ICD10, "J18.9", "Pneumonia, unspecified organism"),
      (SNOMED, "80003002", "Tuberculous pneumonia")], "", "all", ""),
    # No name at all: nobody can say.
    ([(ICD10, "I10", "Essential (primary) hypertension"), (SNOMED, "80003002", "")], "", "all", ""),
    # The same thing, said more closely.
    ([(ICD10, "J18.9", "Pneumonia, unspecified organism"),
      (SNOMED, "278516003", "Lobar pneumonia")], "", "", ""),
    # The text of the whole, beside a code that says less: told, as the name of a known code is.
    ([(ICD10, "I10", "Essential (primary) hypertension")], "Chronic kidney disease", "",
     "chronic_kidney_disease"),
    # A code system of the site says nothing that can be known: told by its name.
    ([(ICD10, "I10", "Essential (primary) hypertension"),
      ("urn:oid:1.2.3", "77", "Cirrhosis of liver")], "", "", "cirrhosis"),
]  # fmt: skip
MEDICATIONS = [
    ([(RXNORM, "314076", "lisinopril 10 MG Oral Tablet"),
      (NDC, "00378-0032-01", "metoprolol tartrate 50 MG Oral Tablet")], "", "", "beta_blocker"),
    ([(RXNORM, "314076", "lisinopril 10 MG Oral Tablet"),
      (NDC, "68180-0980-01", "lisinopril 10 MG Oral Tablet")], "", "", ""),
]  # fmt: skip


def coded(codings: list[tuple[str, str, str]], text: str) -> dict[str, Any]:
    each = [
        {"system": system, "code": code} | ({"display": display} if display else {})
        for system, code, display in codings
    ]
    return {"coding": each} | ({"text": text} if text else {})


def bundle(patient: str, resource: dict[str, Any]) -> str:
    subject = {"reference": f"Patient/{patient}"}
    medications = {"coding": [{"system": "http://loinc.org", "code": "10160-0"}]}
    parts = [
        {"resourceType": "Patient", "id": patient, "gender": "female"},
        {**resource, "id": "a", "subject": subject},
        {**LIST, "id": "problems", "subject": subject},
        {**LIST, "id": "medications", "subject": subject, "code": medications},
    ]
    entry = [{"resource": part} for part in parts]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry})


def test_every_coding_counts_and_their_order_never(tmp_path: Path) -> None:
    asked = [
        f"exclude c{n}\n  > c{n}\n  {name}{' in effect' if name == 'beta_blocker' else ''}\n"
        for n, name in enumerate(ASKED)
    ]
    (tmp_path / "p.elig").write_text("\n".join([HEAD, *asked]))
    lines = []
    for number, (codings, text, _, _) in enumerate([*CONDITIONS, *MEDICATIONS]):
        for order, each in (("a", codings), ("b", codings[::-1])):
            its: dict[str, Any] = {"resourceType": "Condition", "code": coded(each, text)}
            if number >= len(CONDITIONS):
                its = {
                    "resourceType": "MedicationStatement",
                    "status": "active",
                    "effectivePeriod": {"start": "2025-01-01"},
                    "medicationCodeableConcept": coded(each, text),
                }
            lines.append(bundle(f"p{number}{order}", its))
    (tmp_path / "p.ndjson").write_text("\n".join(lines))
    asks = ("--as-of", "2026-01-15", "--format", "ndjson")
    read = run("screen", tmp_path / "p.elig", tmp_path / "p.ndjson", *asks)
    rows = {row["patient"]: row for row in map(json.loads, read.stdout.splitlines())}
    for number, (codings, _, open_, told) in enumerate([*CONDITIONS, *MEDICATIONS]):
        row, other = rows[f"p{number}a"], rows[f"p{number}b"]
        assert row["criteria"] == other["criteria"], codings
        assert row["problems"] == other["problems"], codings
        kind = ASKED[4:] if number >= len(CONDITIONS) else ASKED[:4]
        for name, its in zip(ASKED, row["criteria"], strict=True):
            wanted = "unknown" if open_ and name in kind else "not_met"
            assert (codings, name, its["outcome"]) == (codings, name, wanted)
            beside = [each["resource"].split("/")[0] for each in its["passed_over"]]
            kind_told = "MedicationStatement" if name == "beta_blocker" else "Condition"
            assert (codings, beside) == (codings, [kind_told] if name == told else [])

    store = tmp_path / "p.duckdb"
    assert run("ingest", tmp_path / "p.ndjson", store).returncode == 0
    kept = run("screen", tmp_path / "p.elig", store, *asks)
    assert kept.stdout == read.stdout
