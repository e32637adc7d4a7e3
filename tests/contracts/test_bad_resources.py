"""Bad resources in otherwise good bundles: each is told, none is used, all others are screened.

A row of `BAD` for each: what is done to the bundle of a patient who meets all criteria, what is
said of it, of which resource, and what becomes of the criterion that rested on it. Files that
cannot be read as JSON are in test_cli_screen.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from protocol_logic.answering.rows import AsOf
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, Screening, compile_source
from protocol_logic.records.facts import Measured, PatientRecord
from protocol_logic.records.fhir import read_record
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.contracts.command import PROTOCOL, Json, bundle, renamed, run, written

PATIENT = "Patient/{}"  # of the row's own id
HGB = "Observation/ines-hgb-2026-10-20"
ANC = "Observation/ines-anc-2026-10-20"
PLT = "Observation/ines-plt-2026-10-20"
ALT = "Observation/ines-alt-2026-10-20"
CREATININE = "Observation/ines-creatinine-2026-10-20"
ECOG = "Observation/ines-ecog-2026-10-29"
LIFE = "Observation/ines-life-expectancy-2026-10-29"
PR = "Observation/ines-pr-2026-09-02"
MENOPAUSE = "Observation/ines-menopause-2026-09-02"
LESION = "Observation/ines-lesion-lung-2026-10-16"
CANCER = "Condition/ines-breast-cancer"
LUNG = "Condition/ines-lung-metastasis"
ANASTROZOLE = "MedicationStatement/ines-anastrozole"
LIST = "List/ines-medication-history"
CONSENT = "Consent/ines-consent"

Change = Callable[[Json], None]


@dataclass(frozen=True)
class Bad:
    """`said`: code, part of the message, resource. `effect`: criterion, outcome, gap, reason."""

    name: str
    change: Change
    said: tuple[str, str, str | None]
    effect: tuple[str, str, str | None, str | None] | None


def entry_of(content: Json, name: str) -> Json:
    kind, _, identity = name.partition("/")
    [found] = [
        entry
        for entry in content["entry"]
        if entry["resource"]["resourceType"] == kind
        and (kind == "Patient" or entry["resource"]["id"] == identity)
    ]
    return dict(found)


def at(name: str, path: str, value: Any) -> Change:
    """A change that puts a value at a path (`valueQuantity.code`, `code.coding.0`)."""

    def change(content: Json) -> None:
        target: Any = entry_of(content, name)["resource"]
        *steps, last = path.split(".")
        for step in steps:
            target = target[int(step) if step.isdigit() else step]
        target[int(last) if last.isdigit() else last] = value

    return change


def without(name: str, *paths: str) -> Change:
    def change(content: Json) -> None:
        for path in paths:
            target: Any = entry_of(content, name)["resource"]
            *steps, last = path.split(".")
            for step in steps:
                target = target[int(step) if step.isdigit() else step]
            del target[last]

    return change


def both(*changes: Change) -> Change:
    def change(content: Json) -> None:
        for each in changes:
            each(content)

    return change


def with_entry(entry: Any) -> Change:
    return lambda content: content["entry"].append(entry)


def unreadable(element: str, criterion: str = "organ_function") -> tuple[str, str, str, str]:
    return (criterion, "unknown", element, "unreadable")


ONLY_TEXT = {
    "resourceType": "MedicationStatement",
    "id": "taxol",
    "status": "completed",
    "medicationCodeableConcept": {"text": "Taxol"},
    "effectivePeriod": {"start": "2026-02-02", "end": "2026-06-01"},
}

# an older hemoglobin of 87 g/L stands in the record: the newest result decides, readable or not
BAD = [
    # ---- units
    Bad(
        "a unit that is only printed",
        without(HGB, "valueQuantity.code", "valueQuantity.system"),
        ("unreadable-value", "its unit has no UCUM code", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "a value without any unit",
        at(HGB, "valueQuantity", {"value": 124}),
        ("unreadable-value", "its unit has no UCUM code", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "a unit of another system than UCUM",
        at(HGB, "valueQuantity.system", "http://example.org/units"),
        ("unreadable-value", "its unit `g/L` is not from UCUM", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "a unit of another dimension",
        at(CREATININE, "valueQuantity", {"value": 0.7, "code": "kg"}),
        ("unreadable-value", "its unit `kg`", CREATININE),
        unreadable("creatinine"),
    ),
    Bad(
        "kelvin per microlitre",
        at(PLT, "valueQuantity.code", "K/uL"),
        ("unreadable-value", "its unit `K/uL`", PLT),
        unreadable("plt"),
    ),
    Bad(
        "units of IU per litre",
        at(ALT, "valueQuantity.code", "IU/L"),
        ("unreadable-value", "its unit `IU/L`", ALT),
        unreadable("alt"),
    ),
    Bad(
        "an invisible character in a unit",
        at(HGB, "valueQuantity.code", "g/L\u200b"),
        ("unreadable-value", r"`g/L\u200b`", HGB),
        unreadable("hgb"),
    ),
    # ---- numbers
    Bad(
        "a thousandfold slip",
        at(ANC, "valueQuantity", {"value": 3000, "unit": "10*3/uL", "code": "10*3/uL"}),
        ("implausible-value", "`3000 10*3/uL` is implausible", ANC),
        unreadable("anc"),
    ),
    Bad(
        "a number below zero",
        at(HGB, "valueQuantity.value", -124),
        ("implausible-value", "`-124 g/L` is implausible", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "a number of 400 digits",
        at(HGB, "valueQuantity.value", int("9" * 400)),
        ("unreadable-value", "cannot be read", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "a number beyond all floats",
        at(HGB, "valueQuantity.value", "EXACTLY 1e400"),
        ("unreadable-value", "the number `1e400` cannot be read", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "a number in quotes",
        at(HGB, "valueQuantity.value", "124"),
        ("unreadable-value", "its value is not a number", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "no number",
        without(HGB, "valueQuantity.value"),
        ("unreadable-value", "it has no number", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "an unknown comparator",
        at(HGB, "valueQuantity.comparator", "about"),
        ("unreadable-value", "comparator", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "a fraction of a performance status",
        at(ECOG, "valueInteger", 0.5),
        ("unreadable-value", "not a whole number", ECOG),
        unreadable("ecog", "performance"),
    ),
    Bad(
        "a quantity that is text",
        at(HGB, "valueQuantity", "124 g/L"),
        ("unreadable-value", "`hemoglobin`", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "text for a number",
        both(without(HGB, "valueQuantity"), at(HGB, "valueString", "normal")),
        ("unreadable-value", "`valueString`", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "two values in one result",
        at(HGB, "valueString", "124 g/L"),
        ("unreadable-value", "`more than one value`", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "no value, and no reason",
        without(HGB, "valueQuantity"),
        ("unreadable-value", "`no value`", HGB),
        unreadable("hgb"),
    ),
    Bad(
        "a reference range that is text",
        at(ALT, "referenceRange", "0-35 U/L"),
        ("no-reference-range", "the result has no usable", ALT),
        ("organ_function", "unknown", "reference_range:alt", "no_reference_range"),
    ),
    Bad(
        "an upper limit in a wrong unit",
        at(ALT, "referenceRange.0.high.code", "mg"),
        ("unreadable-value", "upper limit of `alt`: its unit `mg`", ALT),
        ("organ_function", "unknown", "reference_range:alt", "no_reference_range"),
    ),
    Bad(
        "a lesion whose size has no unit code",
        without(LESION, "component.0.valueQuantity.code"),
        ("unreadable-value", "`measured_lesion longest`: its unit has no UCUM code", LESION),
        unreadable("measurable_lesion", "measurable_disease"),
    ),
    # ---- coded answers
    Bad(
        "an answer of an unknown code system",
        at(PR, "valueCodeableConcept.coding.0.system", "urn:oid:1.2.3"),
        ("unknown-code", "`urn:oid:1.2.3|10828004`", PR),
        None,  # the estrogen receptor is positive
    ),
    Bad(
        "an answer that is only text",
        at(MENOPAUSE, "valueCodeableConcept", {"text": "postmenopausal"}),
        ("unknown-code", "has no code with its system", MENOPAUSE),
        ("ovarian_suppressed", "unknown", "menopausal_status", "unreadable"),
    ),
    Bad(
        "an answer with an invisible character in its code",
        at(MENOPAUSE, "valueCodeableConcept.coding.0.code", "76498008\u200b"),
        ("unknown-code", r"76498008\u200b`", MENOPAUSE),
        ("ovarian_suppressed", "unknown", "menopausal_status", "unreadable"),
    ),
    Bad(
        "a coding that is text",
        at(MENOPAUSE, "valueCodeableConcept.coding", "76498008"),
        ("unknown-code", "has no code with its system", MENOPAUSE),
        ("ovarian_suppressed", "unknown", "menopausal_status", "unreadable"),
    ),
    Bad(
        "a truth value in quotes",
        at(LIFE, "valueBoolean", "true"),
        ("unreadable-value", "`life_expectancy`", LIFE),
        unreadable("life_expectancy", "prognosis"),
    ),
    # ---- codes: what it is about is not known, so it is evidence of nothing
    Bad(
        "a code of an unknown code system",
        at(PLT, "code.coding.0.system", "urn:oid:1.2.3"),
        ("unmapped-code", "code system `urn:oid:1.2.3` of code `777-3` is not known", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a code without its system",
        without(PLT, "code.coding.0.system"),
        ("unmapped-code", "code `777-3` has no system", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a code under a false system",
        at(PLT, "code.coding.0.system", "http://snomed.info/sct"),
        ("unmapped-code", "`777-3` is no code of SNOMED CT; it looks like a code of LOINC", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "an id of another terminology under a false system",
        at(PLT, "code.coding.0.code", "5089" + "A" * 32),
        ("unmapped-code", "` is no code of LOINC", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a code that a spreadsheet has damaged",
        at(MENOPAUSE, "code.coding.0.code", "6.7811E+13"),
        ("unmapped-code", "`6.7811E+13` is no code of SNOMED CT", MENOPAUSE),
        ("ovarian_suppressed", "unknown", "menopausal_status", "absent"),
    ),
    Bad(
        "a code with a false check digit",
        at(PLT, "code.coding.0.code", "777-4"),
        ("unmapped-code", "`777-4` is no code of LOINC", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "an invisible character in a code",
        at(PLT, "code.coding.0.code", "777-3\u200b"),
        ("unmapped-code", r"`777-3\u200b` is no code of LOINC", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "an invisible character in a code of a system without check digits",
        at(LIFE, "code.coding.0.code", "life-expectancy-ge-12wk\u200b"),
        ("unmapped-code", r"`life-expectancy-ge-12wk\u200b`", LIFE),
        ("prognosis", "unknown", "life_expectancy", "absent"),
    ),
    Bad(
        "a percentage that is taken for a count",
        both(
            at(ANC, "code.coding.0.code", "770-8"),
            at(ANC, "valueQuantity", {"value": 61, "unit": "%", "code": "%"}),
        ),
        ("look-alike", "is not `neutrophils`: a percentage", ANC),
        ("organ_function", "unknown", "anc", "absent"),
    ),
    Bad(
        "only text for a code",
        at(PLT, "code", {"text": "Platelets"}),
        ("unmapped-code", "it has no code, only the text `Platelets`", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "no code",
        without(PLT, "code"),
        ("unmapped-code", "it has no code", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a code that is a list",
        at(PLT, "code", [{"coding": [{"system": "http://loinc.org", "code": "777-3"}]}]),
        ("unmapped-code", "it has no code", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "codings in quotes",
        at(PLT, "code.coding", "777-3"),
        ("unmapped-code", "it has no code", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a diagnosis whose code was damaged, and a closed problem list",
        at(CANCER, "code.coding.0.code", "2.54837E+08"),
        ("unmapped-code", "`2.54837E+08` is no code of SNOMED CT", CANCER),
        ("disease", "unknown", "breast_cancer", None),
    ),
    Bad(
        "a medication that is only text, and a closed medication history",
        with_entry({"resource": ONLY_TEXT}),
        ("unmapped-code", "only the text `Taxol`", "MedicationStatement/taxol"),
        ("prior_chemotherapy", "unknown", "medication_history", "not_closed"),
    ),
    # ---- statuses
    Bad(
        "a preliminary result",
        at(PLT, "status", "preliminary"),
        ("not-usable", "status `preliminary`", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a result without status",
        without(PLT, "status"),
        ("not-usable", "no status", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a status that is a list",
        at(PLT, "status", ["final"]),
        ("not-usable", "status", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a clinical status that is text",
        at(CANCER, "clinicalStatus", "active"),
        ("unknown-code", "clinicalStatus has no code", CANCER),
        ("disease", "unknown", "breast_cancer", "imprecise"),
    ),
    Bad(
        "a list that is no snapshot",
        at(LIST, "mode", "working"),
        ("not-usable", "a list that is no snapshot", LIST),
        ("prior_chemotherapy", "unknown", "medication_history", "not_closed"),
    ),
    # ---- dates
    Bad(
        "a date that is none",
        at(PLT, "effectiveDateTime", "0000-13-45"),
        ("unreadable-date", "`effectiveDateTime` is `0000-13-45`", PLT),
        ("organ_function", "unknown", "plt", None),
    ),
    Bad(
        "the 30th of February",
        at(PLT, "effectiveDateTime", "2026-02-30"),
        ("unreadable-date", "`2026-02-30`", PLT),
        ("organ_function", "unknown", "plt", None),
    ),
    Bad(
        "a time of day that FHIR forbids",
        at(PLT, "effectiveDateTime", "2026-10-20T24:00:00Z"),
        ("unreadable-date", "`2026-10-20T24:00:00Z`", PLT),
        ("organ_function", "unknown", "plt", None),
    ),
    Bad(
        "a date that is a number",
        at(PLT, "effectiveDateTime", 20261020),
        ("unreadable-date", "something else than text", PLT),
        ("organ_function", "unknown", "plt", None),
    ),
    Bad(
        "an end before the start",
        at(ANASTROZOLE, "effectivePeriod", {"start": "2025-11-14", "end": "2020-11-02"}),
        ("unreadable-date", "ends before it starts", ANASTROZOLE),
        ("endocrine_resistance", "unknown", "endocrine_dates", None),
    ),
    # ---- the patient
    Bad(
        "a sex in other words",
        at("Patient/", "gender", "Female"),
        ("unknown-code", "`gender` is `Female`", PATIENT),
        ("adult_woman", "unknown", "gender", None),
    ),
    Bad(
        "a sex that is an object",
        at("Patient/", "gender", {"coding": [{"code": "female"}]}),
        ("unknown-code", "`gender` is `something else than text`", PATIENT),
        ("adult_woman", "unknown", "gender", None),
    ),
    Bad(
        "a birth date that is none",
        at("Patient/", "birthDate", "22.07.1964"),
        ("unreadable-date", "`birthDate` is `22.07.1964`", PATIENT),
        ("adult_woman", "unknown", "birth_date", None),
    ),
    # ---- what changes the meaning
    Bad(
        "a provision that is no object",
        at(CONSENT, "provision", [{"type": "deny"}]),
        ("unreadable-value", "`provision`", CONSENT),
        ("consented", "unknown", "consent", None),
    ),
    Bad(
        "an extension that may change the meaning",
        at(PLT, "modifierExtension", [{"url": "http://example.org/not-done"}]),
        ("not-read", "`modifierExtension` may change its meaning", PLT),
        unreadable("plt"),
    ),
    # ---- whose it is
    Bad(
        "a result of somebody else",
        at(PLT, "subject.reference", "Patient/somebody-else"),
        ("foreign-subject", "`Patient/somebody-else`", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "a subject that is a list",
        at(PLT, "subject", [{"reference": "Patient/somebody-else"}]),
        ("foreign-subject", "about somebody who cannot be known", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    Bad(
        "an identifier that is not the patient's",
        at(PLT, "subject", {"identifier": {"system": "urn:oid:1.2", "value": "17"}}),
        ("foreign-subject", "about somebody who cannot be known", PLT),
        ("organ_function", "unknown", "plt", "absent"),
    ),
    # ---- entries
    Bad(
        "an entry that is null",
        with_entry(None),
        ("no-resource", "entry 27 of the bundle has no resource", None),
        None,
    ),
    Bad(
        "an entry without a resource",
        with_entry({"fullUrl": "urn:uuid:1"}),
        ("no-resource", "entry 27 of the bundle has no resource", None),
        None,
    ),
    Bad(
        "an empty resource",
        with_entry({"resource": {}}),
        ("no-resource", "entry 27 of the bundle has a resource without a resourceType", None),
        None,
    ),
    Bad(
        "a resourceType that is a number",
        with_entry({"resource": {"resourceType": 7, "id": "x"}}),
        ("no-resource", "entry 27 of the bundle has a resource without a resourceType", None),
        None,
    ),
    Bad(
        "a bundle in the bundle",
        with_entry({"resource": {"resourceType": "Bundle", "entry": []}}),
        ("no-resource", "entry 27 of the bundle has a Bundle", None),
        None,
    ),
]


def without_clock(content: Json) -> None:
    del content["timestamp"]


def two_patients(content: Json) -> None:
    content["entry"].append({"resource": {"resourceType": "Patient", "id": "other"}})


def no_patient(content: Json) -> None:
    content["entry"] = content["entry"][1:]


WITHHELD: list[tuple[str, Change, str, str]] = [
    ("two patients", two_patients, "two-patients", "2 patients in one bundle"),
    ("no patient", no_patient, "no-patient", "there is no Patient"),
    ("no patient id", without("Patient/", "id"), "no-patient", "the Patient has no id"),
    ("an empty patient id", at("Patient/", "id", ""), "no-patient", "the Patient has no id"),
    ("a patient id of 7", at("Patient/", "id", 7), "no-patient", "the Patient has no id"),
    ("entries in an object", lambda c: c.update(entry={}), "no-patient", "there is no Patient"),
    ("no as-of date", without_clock, "no-as-of", "the bundle has no timestamp"),
    ("a time that is no day", lambda c: c.update(timestamp="2026-10"), "no-as-of", "no timestamp"),
]
"""Bundles that get no row: name, change, code, part of the message."""


def text_of(content: Json) -> str:
    return re.sub(r'"EXACTLY ([^"]*)"', r"\1", json.dumps(content))


def changed(change: Change, patient: str) -> str:
    content = renamed(bundle(), patient)
    change(content)
    return text_of(content)


@cache
def _screened(folder: Path) -> tuple[int, dict[str, Json], list[Json], str]:
    told = folder.with_suffix(".notes")
    done = run("screen", PROTOCOL, folder, "--format", "json", "--problems", told)
    rows = {row["patient"]: row for row in json.loads(done.stdout)}
    notes = told.read_text(encoding="utf-8").splitlines()
    return done.returncode, rows, [json.loads(note) for note in notes], done.stderr


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good patient, and one for each row of BAD, screened in one run."""
    folder = tmp_path_factory.mktemp("bad")
    written(folder / "good.json", bundle())
    for number, bad in enumerate(BAD):
        written(folder / f"{number}.json", changed(bad.change, f"p{number}"))
    return folder


@pytest.fixture(scope="module")
def withheld_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good patient, and a bundle for each row of WITHHELD."""
    folder = tmp_path_factory.mktemp("withheld")
    written(folder / "good.json", bundle())
    for number, (_, change, _, _) in enumerate(WITHHELD):
        written(folder / f"{number}.json", changed(change, f"p{number}"))
    return folder


def test_bad_resources_withhold_nobody(bad_folder: Path) -> None:
    code, rows, _, stderr = _screened(bad_folder)
    assert code == 0
    assert "error" not in stderr
    assert set(rows) == {"ines", *(f"p{number}" for number in range(len(BAD)))}
    assert rows["ines"]["eligibility"] == "eligible"
    assert not rows["ines"]["problems"]


@pytest.mark.parametrize("number", range(len(BAD)), ids=[bad.name for bad in BAD])
def test_a_bad_resource_is_told_and_not_used(bad_folder: Path, number: int) -> None:
    bad, patient = BAD[number], f"p{number}"
    _, rows, notes, _ = _screened(bad_folder)
    row = rows[patient]
    code, says, resource = bad.said
    resource = resource.format(patient) if resource else None
    told = [(p["code"], p["resource"], p["message"]) for p in row["problems"]]
    assert [t for t in told if t[:2] == (code, resource) and says in t[2]], told
    [note, *_] = [n for n in notes if n["patient"] == patient and n["code"] == code]
    assert note["file"] == str(bad_folder / f"{number}.json")
    unknown = {c["id"] for c in row["criteria"] if c["outcome"] != "met"}
    assert unknown == ({bad.effect[0]} if bad.effect else set())
    if bad.effect:
        [criterion] = [c for c in row["criteria"] if c["id"] == bad.effect[0]]
        gaps = {gap["element"]: gap["reason"] for gap in criterion["gap_details"]}
        assert criterion["outcome"] == bad.effect[1]
        assert bad.effect[2] in gaps
        assert bad.effect[3] in (None, gaps[bad.effect[2]])


def test_bundles_without_a_row_are_told(withheld_folder: Path) -> None:
    code, rows, notes, stderr = _screened(withheld_folder)
    assert code == 1
    assert set(rows) == {"ines"}
    errors = {
        Path(note["file"]).name: (note["code"], note["message"])
        for note in notes
        if note["severity"] == "error"
    }
    for number, (name, _, problem, says) in enumerate(WITHHELD):
        got, message = errors.pop(f"{number}.json")
        assert got == problem, name
        assert says in message, name
        assert f"error[{problem}]" in stderr
    assert not errors


@pytest.mark.parametrize("kind", ["Condition", "Medication"])
def test_resources_about_nobody_are_no_patient(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "x.ndjson", json.dumps({"resourceType": kind, "id": "x"}) + "\n")
    done = run("screen", PROTOCOL, path, "--as-of", "2026-01-01")
    assert done.returncode == 1
    assert "error[no-patient]: there is no patient\n" in done.stderr


# ---- read exactly -------------------------------------------------------------------------------


@cache
def compiled() -> Compiled:
    path = protocol_path(PROTOCOL)
    assert path is not None
    found = compile_source(Source("test", path.read_text(encoding="utf-8")), Problems())
    assert found is not None
    return found


def record_of(text: str) -> PatientRecord:
    content = parse(text.encode())
    assert isinstance(content, dict)
    problems = Problems()
    record = read_record(Document("test", content), compiled().codings, problems)
    assert record is not None, problems.items
    return record


@pytest.mark.parametrize(
    ("at_time", "day"),
    [
        ("2016-12-31T23:59:60Z", date(2016, 12, 31)),
        ("2026-10-20T00:00:00+14:00", date(2026, 10, 20)),
        ("2026-10-20T23:59:59-12:00", date(2026, 10, 20)),
        ("2026-10-20T23:59:59.999999999Z", date(2026, 10, 20)),
    ],
)
def test_the_date_counts_as_written(at_time: str, day: date) -> None:
    record = record_of(changed(at(PLT, "effectiveDateTime", at_time), "p"))
    [fact] = [fact for fact in record.facts if fact.resource == PLT]
    assert fact.date is not None
    assert (fact.date.first, fact.date.last) == (day, day)
    assert not record.problems


def test_a_unit_of_the_right_dimension_is_converted() -> None:
    # 0.0072 g/L = 7.2 mg/L = 0.72 mg/dL
    quantity = {"value": 0.0072, "unit": "g/L", "code": "g/L"}
    record = record_of(changed(at(CREATININE, "valueQuantity", quantity), "p"))
    [fact] = [fact for fact in record.facts if fact.resource == CREATININE]
    assert isinstance(fact.reading, Measured)
    assert fact.reading.value == Interval.point(Fraction(72, 100))


@pytest.mark.parametrize(
    "odd", ["\u200b", "\u202e", "\u2066", "\ufeff", "\u0000", "é", "\U0001f600"]
)
def test_odd_characters_in_what_is_only_shown_change_nothing(odd: str) -> None:
    plain = record_of(changed(lambda content: None, "p"))
    record = record_of(
        changed(
            both(
                at(HGB, "code.coding.0.display", f"Hemoglobin [Mass/{odd}volume] in Blood"),
                at(HGB, "code.text", odd),
                at(HGB, "valueQuantity.unit", f"g/{odd}L"),
            ),
            "p",
        )
    )
    assert [(f.entry, f.reading) for f in record.facts] == [
        (f.entry, f.reading) for f in plain.facts
    ]
    assert not record.problems


def test_odd_characters_are_escaped_where_people_read(tmp_path: Path) -> None:
    odd = "x\u202e\u200b\ny"
    content = bundle()
    at(HGB, "valueQuantity.code", odd)(content)
    at(HGB, "id", odd)(content)
    path = written(tmp_path / "p.json", content)
    table = run("screen", PROTOCOL, path)
    notes = run("screen", PROTOCOL, path, "-o", tmp_path / "rows", "--problems", "-")
    assert (table.returncode, notes.returncode) == (0, 0)
    [note] = [json.loads(line) for line in notes.stdout.splitlines()]
    assert r"its unit `x\u202e\u200b\ny`" in note["message"]
    for text in (table.stdout, table.stderr, note["message"]):
        assert not re.search("[\u200b\u202e]", text)


# ---- anything anywhere --------------------------------------------------------------------------

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
        other: Any = parse(text_of(renamed(bundle(name), "p")).encode())
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
