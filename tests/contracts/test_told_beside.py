"""What a code of one entry says of another in medicine: a complete list of the record does not deny
the second, in a protocol that uses the file of the second alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    "transplantation": {
        "history of organ_transplantation": {
            "met": "Z94.0 T86.11 T86.10 T86.21 T86.33 T86.41 T86.810 Z48.21 Z48.22 Z48.280 Z48.288",
            "unknown": "Z94.9 T86.91",
        },
        "history of kidney_transplantation": {"met": "T86.11 Z48.22", "unknown": "Z48.288"},
        "history of heart_transplantation": {"met": "T86.21 T86.33 Z94.3"},
        "history of liver_transplantation": {"met": "T86.41 Z48.23"},
    },
    "cardiology": {
        "atrial_fibrillation": {"met": "I48.91 49436004", "unknown": "164889003"},
        "atrial_flutter": {"unknown": "164890007", "not_met": "164889003"},
        "hypertension": {
            "met": "198992004 I10 I15.1 O10.011 O10.411 O13.3 O14.93 O16.5 I11.0 123799005",
            "unknown": "302233006 302835009",
            "not_met": "O22.31",
        },
        "secondary_hypertension": {
            "met": "I15.0 31992008 O10.42",
            "unknown": "I70.1 C74.10",
            "not_met": "I10 38341003",
        },
        "hypertension other than secondary_hypertension": {
            "met": "I10 59621000 O10.011 I11.0",
            "unknown": "38341003",
            "not_met": "I15.9 O10.411",
        },
        "deep_vein_thrombosis": {"met": "O22.31 O87.1 49956009", "not_met": "O14.93"},
        "venous_thromboembolism": {"met": "I63.6 O22.50", "not_met": "I63.9"},
        "ischemic_stroke": {"met": "I63.9 422504002 230706003", "not_met": "I61.9"},
        "hemorrhagic_stroke": {"met": "I61.9 21454007 230706003", "not_met": "I63.9"},
        "stroke other than hemorrhagic_stroke": {"met": "I63.9 422504002", "unknown": "230690007"},
        "myocardial_infarction": {"met": "I21.4", "unknown": "I25.2 I23.1 I24.1"},
        "acute_myocardial_infarction": {"met": "I21.9 I22.0 57054005", "not_met": "I25.10"},
        "st_elevation_myocardial_infarction": {"met": "I21.02 I21.3", "not_met": "I21.4"},
        "acute_coronary_syndrome": {"met": "I24.0 I25.110", "not_met": "I25.10"},
        "heart_failure": {"met": "I09.81 I11.0 I13.2", "not_met": "I13.11"},
        "aortic_stenosis": {"met": "I06.0 I35.2 Q23.0", "not_met": "I35.1"},
        "peripheral_vascular_disease": {"met": "E11.51 I73.9", "not_met": "E11.9"},
        "pulmonary_embolism": {"met": "I27.82 O88.211", "not_met": "I27.0"},
    },
    "renal": {
        "chronic_kidney_disease": {
            "met": "E11.22 E13.22 D63.1 I12.9 O10.211",
            "unknown": "Z94.0",
            "not_met": "N17.9",
        },
        "end_stage_renal_disease": {"met": "I13.11 I13.2 N18.6", "not_met": "I13.10"},
        "dialysis_dependence": {
            "met": "714152005 Z99.2",
            "unknown": "N18.6 I12.0",
            "not_met": "N18.4",
        },
    },
    "hepatic": {
        "ascites": {"met": "K70.31 K71.51 R18.0 R18.8", "not_met": "K70.30"},
        "autoimmune_disease": {"met": "K74.3"},
        "cirrhosis": {"met": "K74.3 31712002 K74.60"},
        "liver_failure": {"met": "B19.11 K70.40 K71.11 K72.90", "not_met": "B19.10"},
        "hepatic_encephalopathy": {"met": "K72.91 K76.82", "not_met": "K72.90"},
    },
    "hematology": {
        "anemia": {"met": "D46.1 D57.1 D63.1 O99.013", "not_met": "D69.6"},
        "neutropenia": {"met": "D61.810 D70.1", "not_met": "D64.9"},
    },
    "oncology.general": {
        "metastasis": {
            "met": "C78.6 C79.70 C7B.00 C80.0 94217008",
            "not_met": "C77.3 C50.911 D46.9",
            # Of an ovary, cells in the fluid are no distant metastasis.
            "unknown": "R18.0 J91.0",
        },
        # Malignant fluid is of whatever cancer.
        "malignancy other than breast_cancer": {
            "met": "D46.9 C34.90",
            "unknown": "R18.0 J91.0 D49.2 Z51.11",
            "not_met": "C50.911 Z79.811",
        },
        "malignancy": {
            "met": "C78.6 D63.0 R18.0 J91.0 O9A.111 D45 D46.9 D47.1 D47.3 109995007 109992005",
            "unknown": "D70.1 D37.1 D47.9 D48.60 D49.2 Z51.0 Z51.11 Z51.12 Z92.21",
            "not_met": "D63.1 D47.2 D12.6 D03.9",
        },
    },
    "pulmonary": {
        "interstitial_lung_disease": {
            "met": "J84.9",
            "unknown": "D86.0 D86.2 M32.13 M34.81",
            "not_met": "M34.9 J45.909",
        },
        "pulmonary_disease": {"met": "D86.0 M34.81"},
    },
    "oncology.staging": {"metastasis": {"met": "314994000 C79.52 94217008"}},
    "infection": {"sepsis": {"met": "A41.9 R65.20 O85", "not_met": "N39.0"}},
    "social": {
        "alcohol_abuse": {"met": "F10.129 F10.20", "unknown": "F10.11 K70.30 K86.0"},
        "substance_abuse": {"met": "F11.23 O99.323", "unknown": "F11.21", "not_met": "F10.20"},
    },
    "diabetes": {
        "diabetes": {"met": "11687002 O24.011 O24.435 O24.911", "not_met": "O14.93"},
        "type_1_diabetes": {"met": "O24.011 O24.03", "not_met": "O24.410"},
        "type_2_diabetes": {"met": "771000119108 E11.22", "not_met": "E10.22"},
        "diabetic_neuropathy": {"met": "E08.42 E11.610", "not_met": "E11.9"},
        "proliferative_diabetic_retinopathy": {"met": "E13.3591", "not_met": "E13.319"},
    },
    "neurology": {
        "intracranial_hemorrhage": {"met": "I61.9 S06.5X0A 209987007", "not_met": "S06.0X0A I63.9"},
        "depression": {"met": "F31.30 F53.0", "not_met": "F31.10"},
        "dementia": {"met": "F10.27 F03.90", "not_met": "F10.20"},
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


def test_what_treats_a_cancer_that_is_stated_speaks_for_no_other(tmp_path: Path) -> None:
    """A doubt of a class does not count where a kind of the class is stated."""
    (tmp_path / "p.elig").write_text(
        "protocol told\n  title Told\n  uses oncology.general\n\n"
        "exclude c\n  > c\n  malignancy other than breast_cancer\n"
    )
    record = json.loads(bundle("Z51.11"))
    cancer = json.loads(bundle("C50.911"))["entry"][1]["resource"]
    cancer["subject"] = {"reference": "Patient/Z51.11"}
    record["entry"].append({"resource": cancer})
    (tmp_path / "p.json").write_text(json.dumps(record))
    done = run(
        "screen", tmp_path / "p.elig", tmp_path / "p.json",
        "--as-of", "2026-01-15", "--format", "ndjson",
    )  # fmt: skip
    assert json.loads(done.stdout)["criteria"][0]["outcome"] == "not_met"


# File -> class of medication -> outcome -> RxNorm codes of a course that is over, beside a complete
# list.
TAKEN = {
    "drugs.antineoplastic": {
        "history of egfr_inhibitor": {"met": "480167 1940643 1098413 318341", "not_met": "2361285"},
        "history of egfr_tyrosine_kinase_inhibitor": {"met": "672149 1430438", "not_met": "318341"},
        "history of her2_directed_therapy": {
            "met": "480167 1371041 2382605",
            "unknown": "1430438",
            "not_met": "337525",
        },
        "history of trastuzumab": {
            "met": "224905 2382605 2103478",
            "unknown": "1371041 2267582",
            "not_met": "480167 1298944",
        },
        # A conjugate of it; an inhibitor of EGFR that inhibits HER2 too.
        "history of antiangiogenic": {"met": "1098413", "not_met": "480167"},
    },
    "drugs.cardiac": {
        # Alone, with a thiazide, with a dihydropyridine, with both.
        "history of antihypertensive": {
            "met": "29046 197885 898342 999967 2409 197499 884173 197625 905225 1656340 597967",
            "not_met": "83367",
        },
        "history of thiazide": {
            "met": "5487 2409 197383 197885 999967 198224 884192 977883",
            "not_met": "29046 4603 197625 898342",
        },
        "history of diuretic": {"met": "4603 5487 9997 313096 2562816", "not_met": "17767"},
        "history of ace_inhibitor": {"met": "197885 898342 897781", "not_met": "999967"},
        "history of angiotensin_receptor_blocker": {
            "met": "1656340 999967 1798281",
            "not_met": "2409",
        },
        "history of dihydropyridine": {"met": "17767 898342 999967 597967", "not_met": "897781"},
        "history of atenolol": {"met": "1202 197379 197383", "not_met": "854908"},
        "history of atorvastatin": {"met": "597967", "not_met": "17767"},
    },
}


@pytest.mark.parametrize("file", TAKEN)
def test_a_complete_list_does_not_deny_what_a_drug_is(file: str, tmp_path: Path) -> None:
    asked = TAKEN[file]
    codes = sorted({c for told in asked.values() for each in told.values() for c in each.split()})
    lines = [f"protocol taken\n  title Taken\n  uses {file}\n"]
    lines += [f"exclude c{n}\n  > c{n}\n  {name}\n" for n, name in enumerate(asked)]
    (tmp_path / "p.elig").write_text("\n".join(lines))
    (tmp_path / "p.ndjson").write_text("\n".join(map(taken, codes)))
    done = run(
        "screen", tmp_path / "p.elig", tmp_path / "p.ndjson",
        "--as-of", "2026-01-15", "--format", "ndjson",
    )  # fmt: skip
    rows = {row["patient"]: row["criteria"] for row in map(json.loads, done.stdout.splitlines())}
    for number, (name, told) in enumerate(asked.items()):
        for outcome, each in told.items():
            for code in each.split():
                assert (code, name, rows[code][number]["outcome"]) == (code, name, outcome)


def taken(code: str) -> str:
    of = {"reference": f"Patient/{code}"}
    system = "http://www.nlm.nih.gov/research/umls/rxnorm"
    course = {
        "resourceType": "MedicationStatement",
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": system, "code": code}]},
        "effectivePeriod": {"start": "2025-01-02", "end": "2025-03-02"},
        "subject": of,
    }
    complete = {**LIST, "code": {"coding": [{"system": "http://loinc.org", "code": "10160-0"}]}}
    patient = {"resourceType": "Patient", "id": code, "gender": "female", "birthDate": "1990-01-01"}
    entry = [{"resource": each} for each in (patient, course, {**complete, "subject": of})]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry})


# File -> condition -> what else in a record speaks for it (LOINC and value), and what does not, of
# a date on which it would count.
SPOKEN = {
    "infection": {
        "hiv_infection": (
            "29893-5 10828004, 56888-1 11214006, 70241-5 48000 {copies}/mL, 62469-2 48000 [IU]/mL, "
            "29541-0 4.7 {Log_copies}/mL, 25835-0 260373001, 49580-4 11214006, 80387-4 11214006, "
            "68961-2 11214006, 48345-3 10828004, 14092-1 10828004, 5221-7 10828004, "
            "43010-8 10828004, 75622-1 10828004, 30361-0 10828004, 9821-0 10828004",
            "29893-5 260385009, 70241-5 19 {copies}/mL, 29541-0 1.2 {Log_copies}/mL, "
            "25835-0 260415000, 75622-1 260385009, 30361-0 260385009",
        ),
        "hepatitis_b": (
            "5196-1 10828004, 29610-3 260373001, 42595-9 2000 [IU]/mL, 29615-2 9000 {copies}/mL, "
            "7905-3 10828004, 13954-3 10828004, 24113-3 10828004",
            "5196-1 260385009, 42595-9 2 [IU]/mL, 13952-7 10828004",
        ),
        # In copies or, as some laboratories do under the code of copies, in units.
        "hepatitis_c": (
            "13955-0 10828004, 11259-9 260373001, 16128-1 11214006, 20416-4 1000000 {copies}/mL, "
            "20416-4 1000000 [IU]/mL, 11011-4 1000000 [IU]/mL",
            "13955-0 260385009, 11011-4 10 [IU]/mL",
        ),
        "syphilis": (
            "24110-9 10828004, 20507-0 11214006, 24312-1 11214006",
            "24110-9 260385009, 20507-0 131194007",
        ),
        "tuberculosis": ("38379-4 260373001, 543-9 113861009", "38379-4 260415000"),
        "covid_19": ("94558-4 10828004, 94759-8 260373001", "94558-4 260385009"),
    },
    "pregnancy": {
        "pregnancy": (
            "82810-3 77386006, 82810-3 102874004, 21198-7 5000 [IU]/L, 18185-9 20 wk, "
            "2110-5 10828004, 2112-1 10828004, 55283-6 140 /min",
            "82810-3 60001007, 21198-7 2 [IU]/L, 2112-1 260385009",
        ),
    },
    "renal": {
        "chronic_kidney_disease": (
            "33914-3 25 mL/min/{1.73_m2}, 77147-7 25 mL/min/{1.73_m2}, "
            "62238-1 25 mL/min/{1.73_m2}, "
            "69405-9 25 mL/min/{1.73_m2}, 98980-6 25 mL/min/{1.73_m2}, 32294-1 900 mg/g, "
            "14959-1 900 mg/g",
            "62238-1 75 mL/min/{1.73_m2}, 32294-1 12 mg/g",
        ),
    },
    "cardiology": {
        "heart_failure": ("10230-1 40 %, 88020-3 420913000", "10230-1 41 %"),
        "atrial_fibrillation": ("8601-7 164889003", "8601-7 164890007"),
    },
    "diabetes": {
        "diabetes": ("4548-4 7.1 %", "4548-4 5.9 %"),
        "type_2_diabetes": ("", "4548-4 7.1 %"),
    },
    "hematology": {
        "anemia": ("718-7 8 g/dL", "718-7 12 g/dL"),
        "thrombocytopenia": ("777-3 40 10*9/L", "777-3 100 10*9/L"),
        "neutropenia": ("751-8 0.9 10*9/L", "751-8 1.6 10*9/L"),
    },
    "oncology.staging": {
        "metastasis": ("44667-4 10200004, 44667-4 91723000", "44667-4 260413007"),
        "liver_metastasis": ("", "44667-4 39607008"),
    },
}  # fmt: skip


def beside_a_list(tmp_path: Path, told: Sequence[dict[str, object]]) -> dict[str, Any]:
    """The criteria of patients p0, p1, ..., of each of whom one resource tells beside a list."""
    records = []
    for number, resource in enumerate(told):
        of = {"reference": f"Patient/p{number}"}
        patient = {"resourceType": "Patient", "id": f"p{number}", "gender": "female"}
        parts = [patient, {**resource, "id": f"a{number}", "subject": of}, {**LIST, "subject": of}]
        entry = [{"resource": part} for part in parts]
        records.append(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry}))
    (tmp_path / "p.ndjson").write_text("\n".join(records))
    done = run(
        "screen", tmp_path / "p.elig", tmp_path / "p.ndjson",
        "--as-of", "2026-01-15", "--format", "ndjson",
    )  # fmt: skip
    return {row["patient"]: row["criteria"] for row in map(json.loads, done.stdout.splitlines())}


def result(said: str) -> dict[str, object]:
    code, value, *unit = said.split()
    quantity = {"value": float(value), "code": unit[0] if unit else "", "system": UCUM}
    coded = {"coding": [{"system": SNOMED, "code": value}]}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "effectiveDateTime": "2026-01-08",
        **({"valueQuantity": quantity} if unit else {"valueCodeableConcept": coded}),
    }


UCUM = "http://unitsofmeasure.org"


@pytest.mark.parametrize("file", SPOKEN)
def test_a_complete_list_does_not_deny_what_results_speak_for(file: str, tmp_path: Path) -> None:
    asked = SPOKEN[file]
    said = sorted({s for each in asked.values() for told in each for s in told.split(", ") if s})
    lines = [f"protocol told\n  title Told\n  uses {file}\n"]
    lines += [f"exclude c{n}\n  > c{n}\n  {name}\n" for n, name in enumerate(asked)]
    (tmp_path / "p.elig").write_text("\n".join(lines))
    rows = beside_a_list(tmp_path, [result(each) for each in said])
    for number, (name, (open_, denied)) in enumerate(asked.items()):
        for outcome, told in (("unknown", open_), ("not_met", denied)):
            for each in filter(None, told.split(", ")):
                got = rows[f"p{said.index(each)}"][number]["outcome"]
                assert (name, each, got) == (name, each, outcome)


# File -> concept -> the resource that speaks for it, by its type and codes.
DONE = {
    "pregnancy": {
        "pregnancy": {
            "unknown": "Encounter 424619006, Encounter 424441002, Procedure 225158009",
            "not_met": "Procedure 265764009",
        }
    },
    "renal": {
        "chronic_kidney_disease": {"unknown": "Procedure 70536003", "not_met": "Procedure 18027006"}
    },
    "gout": {"gout": {"unknown": "MedicationStatement 519, MedicationStatement 197319"}},
}


def act(said: str, day: str) -> dict[str, object]:
    kind, code = said.split()
    coded = {"coding": [{"system": SNOMED, "code": code}]}
    period = {"start": day, "end": day}
    match kind:
        case "Encounter":
            return {"resourceType": kind, "status": "finished", "type": [coded], "period": period}
        case "Procedure":
            done = {"performedPeriod": period, "code": coded}
            return {"resourceType": kind, "status": "completed", **done}
    drug = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code}
    taken = {"medicationCodeableConcept": {"coding": [drug]}, "effectivePeriod": period}
    return {"resourceType": kind, "status": "completed", **taken}


@pytest.mark.parametrize("file", DONE)
def test_a_complete_list_does_not_deny_what_care_speaks_for(file: str, tmp_path: Path) -> None:
    [(name, told)] = DONE[file].items()
    (tmp_path / "p.elig").write_text(
        f"protocol told\n  title Told\n  uses {file}\n\nexclude c\n  > c\n  {name}\n"
    )
    cases = [(o, each, "2025-12-01") for o, said in told.items() for each in said.split(", ")]
    if file == "pregnancy":  # over for long
        cases.append(("not_met", "Encounter 424619006", "2019-12-01"))
    rows = beside_a_list(tmp_path, [act(each, day) for _, each, day in cases])
    got = [(rows[f"p{n}"][0]["outcome"], *case[1:]) for n, case in enumerate(cases)]
    assert got == cases
