"""OMOP tables: real sets against counts made by hand from the CSV, the same patients as FHIR and as
OMOP, and what cannot be read."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.patients import AS_OF, Drawing, Shares
from bench.patients.__main__ import compiled_of
from protocol_logic.answering.rows import AsOf
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.pipeline import Screening, read_records
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.files import Reading
from protocol_logic.records.sources import Document, Unread
from tests.contracts.command import run

pytest.importorskip("duckdb", reason="needs the extra `cohort`")
from protocol_logic.records.omop.meanings import SYSTEMS
from protocol_logic.records.omop.origins import origin_at
from protocol_logic.records.omop.reading import iter_persons

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared")
Json = dict[str, Any]
MANY = "MANY" in os.environ

# ---- real sets -----------------------------------------------------------------------------------

COUNTS = """\
protocol counts
  title What can be counted by hand
  language 1
  uses demographics, labs, cardiology, digestive, drugs.cardiac

include woman
  > Women
  sex is female

include ulcer
  > A history of peptic ulcer
  history of peptic_ulcer

include stroke
  > A history of stroke
  history of stroke

include ulcer_now
  > Peptic ulcer
  peptic_ulcer

include clopidogrel
  > Treated with clopidogrel
  history of clopidogrel

include platelets
  > Platelets
  platelets >= 250 10*9/L
"""
CODES = {"ulcer": "13200003", "stroke": "230690007", "clopidogrel": "309362"}


def rows_in(folder: Path, table: str) -> list[dict[str, str]]:
    """A table as it is, read without any of our own code; ids without `.0`."""
    path = next(p for p in folder.iterdir() if p.name.lower().split(".")[0] == table)
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return [
            {k.lower(): re.sub(r"^(\d+)\.0$", r"\1", v) for k, v in row.items()}
            if table != "measurement"
            else {k.lower(): v for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


@needs_data
@pytest.mark.parametrize(
    ("name", "as_of", "protocols"),
    [
        ("gibleed", "2019-12-31", ["bisoprolol_heart_failure"] if MANY else []),
        ("synthea27nj", "2022-12-31", ["plinabulin", *(["anlotinib_fulvestrant"] if MANY else [])]),
    ],
)
def test_a_real_set_is_screened_as_counted_by_hand(
    name: str, as_of: str, protocols: list[str], tmp_path: Path
) -> None:
    folder, store = DATA / f"omop-{name}", tmp_path / "omop.duckdb"
    done = run("ingest", folder, store)
    assert done.returncode == 0, done.stderr
    persons = rows_in(folder, "person")
    assert f"{len(persons)} patients added" in done.stderr
    (tmp_path / "counts.elig").write_text(COUNTS)
    found: dict[str, dict[str, Json]] = defaultdict(dict)
    order = []
    for row in screened(tmp_path / "counts.elig", store, as_of):
        order.append(row["patient"])
        for criterion in row["criteria"]:
            found[criterion["id"]][row["patient"]] = criterion
    assert order == [person["person_id"] for person in persons]
    concepts = {row["concept_id"]: row["concept_code"] for row in rows_in(folder, "concept")}
    having: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for table, stem in (("condition_occurrence", "condition"), ("drug_exposure", "drug")):
        for row in rows_in(folder, table):
            start = row.get("condition_start_date") or row["drug_exposure_start_date"]
            if start <= as_of:
                end = row.get("condition_end_date") or "9999"
                having[concepts[row[f"{stem}_concept_id"]]][row["person_id"]].append(end)
    for criterion in ("ulcer", "stroke"):
        met = {p for p, each in found[criterion].items() if each["outcome"] == "met"}
        assert met == set(having[CODES[criterion]])
        others = {each["outcome"] for p, each in found[criterion].items() if p not in met}
        assert others <= {"unknown"}
    now = {p for p, ends in having[CODES["ulcer"]].items() if max(ends) > as_of}
    assert {p for p, each in found["ulcer_now"].items() if each["outcome"] == "met"} == now
    # A prescription was written: what was ordered may have been taken.
    ordered = {
        p
        for p, each in found["clopidogrel"].items()
        if any(gap["reason"] == "ordered" for gap in each["gap_details"])
    }
    assert ordered == set(having[CODES["clopidogrel"]])
    assert {each["outcome"] for each in found["clopidogrel"].values()} == {"unknown"}
    women = {p["person_id"] for p in persons if p["gender_concept_id"] == "8532"}
    assert {p for p, each in found["woman"].items() if each["outcome"] == "met"} == women
    assert platelets_by_hand(folder, concepts, as_of) == {
        p: each["outcome"] for p, each in found["platelets"].items() if each["outcome"] != "unknown"
    }
    for protocol in protocols:
        assert len(list(screened(protocol, store, as_of))) == len(persons)


def screened(protocol: str | Path, store: Path, as_of: str) -> Iterable[Json]:
    done = run("screen", protocol, store, "--as-of", as_of, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    return map(json.loads, done.stdout.splitlines())


def platelets_by_hand(folder: Path, concepts: Mapping[str, str], as_of: str) -> dict[str, str]:
    """The newest count of each person against 250; a thousand per microliter is 10*9/L."""
    newest: dict[str, tuple[str, float]] = {}
    for row in rows_in(folder, "measurement"):
        code = concepts.get(row["measurement_concept_id"].removesuffix(".0"))
        if code == "777-3" and row["value_as_number"] and row["measurement_date"] <= as_of:
            assert row["unit_source_value"] == "10*3/uL"
            person = row["person_id"].removesuffix(".0")
            found = (row["measurement_date"], float(row["value_as_number"]))
            newest[person] = max(newest.get(person, found), found)
    return {p: "met" if value >= 250 else "not_met" for p, (_, value) in newest.items()}


@needs_data
def test_units_of_the_source_stand_in_for_concept_0() -> None:
    folder = DATA / "omop-synthea27nj"
    documents = [each for each in persons_of(folder) if isinstance(each, Unread)]
    values = [
        entry["resource"]["valueQuantity"]
        for document in documents
        for entry in json.loads(document.data)["entry"]
        if any(c["code"] in ("1742-6", "1920-8") for c in codings(entry["resource"]))
    ]
    assert values
    assert {(value["system"], value["code"]) for value in values} == {(SYSTEMS["UCUM"], "U/L")}


def codings(resource: Json) -> list[Json]:
    return list(resource.get("code", {}).get("coding", ()))


def persons_of(folder: Path) -> list[Unread | Problem]:
    origin = origin_at(folder)
    assert origin is not None
    return list(iter_persons(origin, Reading(), folder))


# ---- the same patients in FHIR and in OMOP -------------------------------------------------------

TABLE_OF = {
    "Condition": "condition_occurrence",
    "MedicationRequest": "drug_exposure",
    "MedicationStatement": "drug_exposure",
    "Observation": "measurement",
    "Procedure": "procedure_occurrence",
}
ROUGH = Shares(0.1, 0.15, 0.1, 0.1, 0.15, prevalence=0.3, noise=2)
compiled = cache(compiled_of)


@cache
def screening(name: str) -> Screening:
    return Screening(compiled(name))


@pytest.mark.parametrize(
    "name", ["anlotinib_fulvestrant", "plinabulin", "bisoprolol_heart_failure"]
)
def test_the_same_patients_as_fhir_and_as_omop_give_the_same_rows(
    name: str, tmp_path: Path
) -> None:
    bundles = [simple(json.loads(b)) for b in Drawing(compiled(name), ROUGH, seed=3).bundles(20)]
    write_omop(tmp_path, bundles)
    as_fhir = [Document("source", parsed(bundle)) for bundle in bundles]
    items = persons_of(tmp_path)
    assert [item for item in items if isinstance(item, Problem)] == []
    as_omop = [item.document() for item in items if isinstance(item, Unread)]
    assert [said(name, d) for d in as_omop] == [said(name, d) for d in as_fhir]
    told = Counter(f.resource.split("/")[0] for d in as_omop for f in record_of(name, d).facts)
    assert {"person", "measurement", "drug_exposure"} <= told.keys()


def parsed(bundle: Json) -> Json:
    document = Unread("source", json.dumps(bundle).encode()).document()
    assert isinstance(document, Document)
    return document.content


def record_of(name: str, document: Document | Problem) -> PatientRecord:
    assert isinstance(document, Document)
    problems = Problems()
    [record] = read_records(compiled(name), [document], problems)
    assert not problems.items
    return record


def said(name: str, document: Document | Problem) -> tuple[object, ...]:
    """Row and problems, with the names of resources as FHIR has them, but for the source."""
    record = record_of(name, document)
    row: Mapping[str, Any] = screening(name).row(record, AsOf(AS_OF, "option"))
    row = {key: value for key, value in row.items() if key != "source"}
    found = json.dumps([row, [(p.code, p.message, p.resource) for p in record.problems]])
    for kind, table in {**TABLE_OF, "Patient": "person"}.items():
        found = re.sub(rf"\b{kind}/(?=[0-9])", f"{table}/", found)
    counts = [(a.type, a.facts, a.irrelevant, a.problems) for a in record.accounting]
    return found, counts


def simple(bundle: Json) -> Json:
    """Of a made-up patient, what OMOP can say, with ids as it has them."""
    patient, *others = [entry["resource"] for entry in bundle["entry"]]
    identity = str(7000 + int(re.sub(r"\D", "", patient["id"])))
    kept = sorted(filter(None, map(_simple, others)), key=lambda r: str(r["resourceType"]))
    patient = {k: v for k, v in patient.items() if k in ("resourceType", "gender", "birthDate")}
    resources = [patient | {"id": identity}]
    for number, resource in enumerate(kept):
        name = f"{identity}{number:04}"
        resources.append(resource | {"id": name, "subject": {"reference": f"Patient/{identity}"}})
    return {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}


def _simple(resource: Json) -> Json | None:
    kind = resource["resourceType"]
    kept = {"resourceType": kind}
    coded = resource.get("code") or resource.get("medicationCodeableConcept")
    if coded is None or coded["coding"][0]["system"] not in SYSTEMS.values():
        return None
    if kind == "Condition":
        return kept | _only(resource, "code", "onsetDateTime")
    if kind == "Procedure":
        return kept | _only(resource, "code", "performedDateTime") | {"status": "completed"}
    if kind == "MedicationStatement":
        taken = _only(resource, "medicationCodeableConcept", "effectivePeriod")
        return kept | taken | {"status": "completed"}
    if kind == "MedicationRequest":
        ordered = _only(resource, "medicationCodeableConcept", "authoredOn")
        return kept | ordered | {"status": "unknown", "intent": "order"}
    if kind != "Observation" or "component" in resource:
        return None
    kept |= _only(resource, "code", "effectiveDateTime", "valueQuantity", "valueString")
    answer = resource.get("valueCodeableConcept")
    if answer is not None:
        known = [c for c in answer["coding"] if c["system"] in SYSTEMS.values()]
        if not known:
            return None
        kept["valueCodeableConcept"] = {"coding": known[:1]}
    band: Json = {}
    for each in resource.get("referenceRange", ()):
        for end in ("low", "high"):
            if end in each and "appliesTo" not in each:
                band.setdefault(end, {"value": each[end]["value"]})
    if band:
        kept["referenceRange"] = [band]
    return kept | {"status": "final"}


def _only(resource: Json, *keys: str) -> Json:
    return {key: resource[key] for key in keys if resource.get(key) is not None}


def write_omop(folder: Path, bundles: Iterable[Json]) -> None:
    """The tables of simple bundles."""
    tables: dict[str, list[dict[str, str]]] = defaultdict(list)
    concepts: dict[tuple[str, str], str] = {}

    def concept(coding: Json) -> str:
        key = (coding["system"], coding["code"])
        return concepts.setdefault(key, str(len(concepts) + 1))

    for bundle in bundles:
        patient, *others = [entry["resource"] for entry in bundle["entry"]]
        born = [*patient.get("birthDate", "").split("-"), "", ""][:3]
        tables["person"].append(
            {
                "person_id": patient["id"],
                "gender_concept_id": {"female": "8532", "male": "8507"}.get(
                    patient.get("gender", ""), "0"
                ),
                "gender_source_value": patient.get("gender", ""),
                **dict(zip(("year_of_birth", "month_of_birth", "day_of_birth"), born, strict=True)),
            }
        )
        for resource in others:
            table = TABLE_OF[resource["resourceType"]]
            row = _row(resource, concept)
            row |= {"person_id": patient["id"], f"{table}_id": resource["id"]}
            tables[table].append(row)
    vocabularies = {system: name for name, system in SYSTEMS.items()}
    tables["concept"] = [
        {
            "concept_id": number,
            "vocabulary_id": vocabularies.get(system, system),
            "concept_code": code,
            "concept_name": "",
        }
        for (system, code), number in concepts.items()
    ]
    for name, rows in tables.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        write_table(folder / f"{name}.csv", columns, rows)


def write_table(path: Path, columns: list[str], rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _row(resource: Json, concept: Any) -> dict[str, str]:
    kind = resource["resourceType"]
    coded = resource.get("code") or resource["medicationCodeableConcept"]
    number = concept(coded["coding"][0])
    if kind == "Condition":
        day = resource.get("onsetDateTime", "")
        return {"condition_concept_id": number, "condition_start_date": day}
    if kind == "Procedure":
        day = resource.get("performedDateTime", "")
        return {"procedure_concept_id": number, "procedure_date": day}
    if kind.startswith("Medication"):
        period = resource.get("effectivePeriod", {})
        return {
            "drug_concept_id": number,
            "drug_type_concept_id": "38000177" if kind == "MedicationRequest" else "32830",
            "drug_exposure_start_date": resource.get("authoredOn") or period.get("start") or "",
            "drug_exposure_end_date": period.get("end") or "",
        }
    row = {"measurement_concept_id": number, "measurement_date": resource["effectiveDateTime"]}
    quantity = resource.get("valueQuantity")
    operators = {"<": "4171756", "<=": "4171754", ">=": "4171755", ">": "4172704"}
    if quantity is not None:
        row["value_as_number"] = str(quantity["value"])
        row["operator_concept_id"] = operators.get(quantity.get("comparator"), "0")
        row["unit_concept_id"] = concept({"system": SYSTEMS["UCUM"], "code": quantity["code"]})
    if "valueCodeableConcept" in resource:
        row["value_as_concept_id"] = concept(resource["valueCodeableConcept"]["coding"][0])
    row["value_source_value"] = resource.get("valueString", "")
    for band in resource.get("referenceRange", ()):
        row |= {f"range_{end}": str(limit["value"]) for end, limit in band.items()}
    return row


# ---- what cannot be read -------------------------------------------------------------------------

PERSON = "PERSON_ID,GENDER_CONCEPT_ID,YEAR_OF_BIRTH\n1.0,8532,1960\n2,8507,1970\n"
CONCEPT = (
    "concept_id\tvocabulary_id\tconcept_code\tconcept_name\tconcept_class_id\n"
    '10\tLOINC\t718-7\tHemoglobin "Hb"\tLab Test\n11\tUCUM\tg/dL\tgram\tUnit\n'
    "12\tSNOMED\t13200003\tPeptic ulcer\tClinical Finding\n13\tCIEL\tx1\tOther\tDrug\n"
)
MEASUREMENT = (
    "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,"
    "value_as_number,unit_concept_id,measurement_source_value\n"
)


def folder_of(path: Path, **tables: str) -> Path:
    for name, text in {"person": PERSON, "concept": CONCEPT, **tables}.items():
        if text:
            (path / f"{name}.csv").write_bytes(text.encode("latin-1"))
    return path


def resources(items: Iterable[Unread | Problem]) -> dict[str, Json]:
    return {
        entry["fullUrl"]: entry["resource"]
        for item in items
        if isinstance(item, Unread)
        for entry in json.loads(item.data)["entry"]
    }


def told(items: Iterable[Unread | Problem]) -> list[tuple[str, str]]:
    return [(item.code, item.message) for item in items if isinstance(item, Problem)]


def test_cells_are_taken_as_they_stand(tmp_path: Path) -> None:
    rows = (
        "1.0,1,10,2020-05-01,2020-05-01 09:30:00,.50,11,\n"
        "2,1,10,2020-05-02,2020-05-02 00:00:00,7e0,0,\n"
        "3,2,0,05/03/2020,,about 7,99,local Hb\n"
        ",2,13,,,+007.0,11.0,\n"
    )
    found = resources(persons_of(folder_of(tmp_path, measurement=MEASUREMENT + rows)))
    assert found["person/1"] == {
        "resourceType": "Patient", "gender": "female", "birthDate": "1960", "id": "1"
    }  # fmt: skip
    assert persons_of(tmp_path) == persons_of(tmp_path)  # so that a store knows them again
    first, second = found["measurement/1"], found["measurement/2"]
    assert first["effectiveDateTime"] == "2020-05-01T09:30:00"
    assert first["code"]["coding"][0]["display"] == 'Hemoglobin "Hb"'
    assert first["valueQuantity"] == {"value": 0.5, "system": SYSTEMS["UCUM"], "code": "g/dL"}
    assert second["effectiveDateTime"] == "2020-05-02"
    assert second["valueQuantity"] == {"value": 7}
    third, fourth = found["measurement/3"], found["measurement/#4"]
    assert third["code"] == {"text": "local Hb"}
    assert third["effectiveDateTime"] == "05/03/2020"
    assert third["valueQuantity"]["value"] == "about 7"
    assert third["valueQuantity"]["system"] == "OMOP concept that is not in CONCEPT"
    assert fourth["code"]["coding"][0]["system"] == "OMOP CIEL"
    assert fourth["valueQuantity"]["value"] == 7
    assert "effectiveDateTime" not in fourth


def test_rows_of_nobody_are_told(tmp_path: Path) -> None:
    rows = "1,1,10,2020-05-01,,7,11,\n2,9,10,2020-05-01,,7,11,\n3,,10,2020-05-01,,7,11,\n"
    items = persons_of(folder_of(tmp_path, measurement=MEASUREMENT + rows))
    assert told(items) == [
        (
            "no-patient",
            "1 rows of MEASUREMENT are about persons who are not in PERSON; the first is, about "
            "`9` `measurement/2`",
        ),
        (
            "foreign-subject",
            "1 rows of MEASUREMENT have no person_id; the first is `measurement/3`",
        ),
    ]
    assert "measurement/1" in resources(items)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"person": "", "death": "person_id\n1\n"}, "there is no table PERSON"),
        ({"concept": "", "death": "person_id\n1\n"}, "there is no table CONCEPT"),
        ({"person": "person_id,person_id\n1,1\n"}, "does not name its columns, each once"),
        ({"person": "id\n1\n"}, "person.csv is not read: it has no column `person_id`"),
        ({"measurement": "measurement_id,person_id\n1,1\n"}, "no column `measurement_concept_id`"),
        ({"measurement": ""}, ""),
        ({"person": PERSON + "1,8507,1980\n"}, "PERSON has 2 rows of one person"),
        ({"person": PERSON + ",8507,1980\n"}, "1 rows of PERSON have no person_id"),
        ({"measurement": MEASUREMENT + "1,1,10\n2,1,10,2020-05-02,,7,11,\n"}, "line 2"),
        ({"measurement": MEASUREMENT + "1,1,10,2020-05-02,,\xff,11,\n"}, "measurement.csv"),
        ({"measurement": MEASUREMENT + '1,1,10,2020-05-02,,"7,11,\n'}, "measurement.csv"),
    ],
)
def test_what_cannot_be_read_is_told(tables: dict[str, str], message: str, tmp_path: Path) -> None:
    items = persons_of(folder_of(tmp_path, **tables))
    found = told(items)
    assert len(found) == bool(message), found
    assert all(message in text for _, text in found), found


def test_what_the_rows_mean(tmp_path: Path) -> None:
    found = resources(
        persons_of(
            folder_of(
                tmp_path,
                observation="observation_id,person_id,observation_concept_id,observation_date,"
                "value_as_string\n1,1,12,2020-01-01,\n2,1,12,2020-01-01,no\n",
                condition_occurrence="condition_occurrence_id,person_id,condition_concept_id,"
                "condition_start_date,condition_end_date,condition_status_concept_id\n"
                "1,1,12,2020-01-01,2020-02-01,32899\n",
                drug_exposure="drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,"
                "drug_exposure_end_date,drug_type_concept_id\n"
                + "".join(
                    f"{n},1,13,2020-01-01,2020-01-09,{kind}\n"
                    for n, kind in enumerate((38000177, 32869, 32818, 32830, 32817))
                ),
                visit_occurrence="visit_occurrence_id,person_id,visit_concept_id,visit_start_date,"
                "visit_end_date\n1,1,9201,2020-01-01,2020-01-03\n2,1,9202,2020-01-01,\n",
                death="person_id,death_date\n2,2021-01-01\n",
            )
        )
    )
    kinds = {name: resource["resourceType"] for name, resource in found.items()}
    assert (kinds["observation/1"], kinds["observation/2"]) == ("Condition", "Observation")
    assert [kinds[f"drug_exposure/{n}"] for n in range(5)] == [
        "MedicationRequest",
        "MedicationDispense",
        "MedicationAdministration",
        "MedicationStatement",
        "MedicationRequest",
    ]
    assert found["drug_exposure/2"]["effectivePeriod"] == {
        "start": "2020-01-01", "end": "2020-01-09"
    }  # fmt: skip
    condition = found["condition_occurrence/1"]
    assert condition["verificationStatus"]["coding"][0]["code"] == "provisional"
    assert condition["abatementDateTime"] == "2020-02-01"
    stay, visit = found["visit_occurrence/1"], found["visit_occurrence/2"]
    assert (stay["class"]["code"], stay["status"]) == ("IMP", "finished")
    assert (visit["class"]["code"], visit["status"]) == ("AMB", "in-progress")
    assert found["person/2"]["deceasedDateTime"] == "2021-01-01"
    assert date.fromisoformat(found["person/2"]["deceasedDateTime"]).year == 2021


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    csvs, parquets = tmp_path / "csv", tmp_path / "parquet"
    csvs.mkdir()
    parquets.mkdir()
    folder_of(csvs, measurement=MEASUREMENT + "1,1,10,2020-05-01,2020-05-01 09:30:00,7.5,11,\n")
    for path in csvs.iterdir():
        scan = f"read_csv('{path}', quote='', all_varchar=true)"
        if path.stem == "measurement":
            scan = f"read_csv('{path}')"  # with types
        duckdb.sql(f"COPY (FROM {scan}) TO '{parquets / path.stem.upper()}.parquet'")
    assert resources(persons_of(parquets)) == resources(persons_of(csvs))
