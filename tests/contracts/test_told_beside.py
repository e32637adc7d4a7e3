"""What a code of one entry says of another in medicine: a complete list of the record does not deny
the second, in a protocol that uses the file of the second alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contracts.command import run

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
LIST = {
    "resourceType": "List",
    "status": "current",
    "mode": "snapshot",
    "code": {"coding": [{"system": "http://loinc.org", "code": "11450-4"}]},
    "date": "2026-01-15",
}
# File -> condition -> outcome -> the codes by each of which alone it has that outcome.
TOLD = {
    "pregnancy": {
        "pregnancy": {
            "met": "198992004 79586000 11687002 48194001 609496007 O00.90 O10.011 O14.23 O14.93 "
            "O15.00 O22.31 O23.41 O24.011 O24.410 O26.90 O88.211 O98.711 O99.013 "
            "O9A.111 Z34.82 Z3A.20",
            # In childbirth, in the puerperium, of no time; or a disease that the code does not say.
            "unknown": "15938005 398254007 62377009 58703003 O10.13 O14.95 O15.9 O24.435 "
            "O80 O85 O90.3 O98.73 O99.411 O98.811",
            "not_met": "O92.03 K25.4 I10",
        },
    },
    "digestive": {
        "gastrointestinal_hemorrhage": {
            "met": "17709002 12274003 405729008 I85.01 I85.11 K25.0 K25.2 K25.4 K26.6 K28.4 "
            "K29.01 K31.811 K50.911 K51.011 K57.31 K62.5 K92.0 K92.1",
            "not_met": "I85.00 K25.5 K50.90 45485004",
        },
        "peptic_ulcer": {"met": "K25.4 K28.4 12274003", "not_met": "K92.1 I85.01"},
    },
    "cardiology": {
        "hypertension": {"met": "198992004 O10.011 O13.3 O14.93 O16.5 I11.0", "not_met": "O22.31"},
        "deep_vein_thrombosis": {"met": "O22.31 O87.1 49956009", "not_met": "O14.93"},
        "venous_thromboembolism": {"met": "I63.6 O22.50", "not_met": "I63.9"},
        "ischemic_stroke": {"met": "I63.9 422504002 230706003", "not_met": "I61.9"},
        "hemorrhagic_stroke": {"met": "I61.9 21454007 230706003", "not_met": "I63.9"},
        "stroke other than hemorrhagic_stroke": {"met": "I63.9 422504002", "unknown": "230690007"},
        "myocardial_infarction": {"met": "I21.4", "unknown": "I25.2 I23.1 I24.1"},
    },
    "diabetes": {
        "diabetes": {"met": "11687002 O24.011 O24.435 O24.911", "not_met": "O14.93"},
        "type_1_diabetes": {"met": "O24.011 O24.03", "not_met": "O24.410"},
    },
    "neurology": {
        "intracranial_hemorrhage": {"met": "I61.9 S06.5X0A 209987007", "not_met": "S06.0X0A I63.9"},
        "head_injury": {"met": "S06.5X0A 62106007 S02.0XXA", "unknown": "F07.81"},
    },
}  # fmt: skip


def bundle(code: str) -> str:
    of = {"reference": f"Patient/{code}"}
    system = ICD10 if code[0].isalpha() else SNOMED
    condition = {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": system, "code": code}]},
        "onsetDateTime": "2026-01-02",
        "subject": of,
    }
    patient = {"resourceType": "Patient", "id": code, "gender": "female", "birthDate": "1990-01-01"}
    entry = [{"resource": each} for each in (patient, condition, {**LIST, "subject": of})]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry})


@pytest.mark.parametrize("file", TOLD)
def test_a_complete_list_does_not_deny_what_a_code_says(file: str, tmp_path: Path) -> None:
    asked = TOLD[file]
    lines = [f"protocol told\n  title Told\n  uses {file}\n"]
    lines += [f"exclude c{n}\n  > c{n}\n  {name}\n" for n, name in enumerate(asked)]
    (tmp_path / "p.elig").write_text("\n".join(lines))
    codes = sorted({c for told in asked.values() for each in told.values() for c in each.split()})
    (tmp_path / "p.ndjson").write_text("\n".join(map(bundle, codes)))
    done = run(
        "screen", tmp_path / "p.elig", tmp_path / "p.ndjson",
        "--as-of", "2026-01-15", "--format", "ndjson",
    )  # fmt: skip
    rows = {row["patient"]: row["criteria"] for row in map(json.loads, done.stdout.splitlines())}
    wrong = [
        (code, name, rows[code][number]["outcome"])
        for number, (name, told) in enumerate(asked.items())
        for outcome, each in told.items()
        for code in each.split()
        if rows[code][number]["outcome"] != outcome
    ]
    assert not wrong
