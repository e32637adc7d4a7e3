"""Tables of what may be bad in a bundle that can be read: what is done, said, and becomes unknown.

`BAD`: a resource of a patient who meets all criteria is spoiled; the patient keeps the row.
`WITHHELD`: the bundle gets no row. The tests are in test_bad_resources.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.contracts.changes import Change, add, both, drop, on, put
from tests.contracts.command import Json

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
ANASTROZOLE = "MedicationStatement/ines-anastrozole"
LIST = "List/ines-medication-history"
CONSENT = "Consent/ines-consent"

RESTS = {
    HGB: ("organ_function", "hgb"),
    ANC: ("organ_function", "anc"),
    PLT: ("organ_function", "plt"),
    ALT: ("organ_function", "alt"),
    CREATININE: ("organ_function", "creatinine"),
    ECOG: ("performance", "ecog"),
    LIFE: ("prognosis", "life_expectancy"),
    MENOPAUSE: ("ovarian_suppressed", "menopausal_status"),
    LESION: ("measurable_disease", "measurable_lesion"),
    CANCER: ("disease", "breast_cancer"),
    ANASTROZOLE: ("endocrine_resistance", "endocrine_dates"),
    LIST: ("prior_chemotherapy", "medication_history"),
    CONSENT: ("consented", "consent"),
}
"""The criterion that rests on a resource, and the element that is missing without it."""


@dataclass(frozen=True)
class Bad:
    """What is done to the bundle, and the problem: its code, part of its message, its resource.

    `unknown`: the one criterion that is not met any more, and the element missing for it; None:
    all are. `reason`: why it is missing; None: any.
    """

    name: str
    change: Change
    code: str
    says: str
    resource: str | None
    unknown: tuple[str, str] | None
    reason: str | None


def spoiled(
    name: str, resource: str, change: Change, code: str, says: str, reason: str | None
) -> Bad:
    """A changed resource, and what becomes of what rests on it."""
    return Bad(name, on(resource, change), code, says, resource, RESTS[resource], reason)


def unreadable(
    name: str, resource: str, change: Change, says: str, code: str = "unreadable-value"
) -> Bad:
    return spoiled(name, resource, change, code, says, "unreadable")


def absent(name: str, resource: str, change: Change, says: str, code: str = "unmapped-code") -> Bad:
    return spoiled(name, resource, change, code, says, "absent")


def alike(name: str, resource: str, change: Change, says: str, code: str = "unmapped-code") -> Bad:
    """It may be the result that is asked for, by its name: then that is not merely absent."""
    return spoiled(name, resource, change, code, says, "unreadable")


def undated(name: str, resource: str, change: Change, says: str) -> Bad:
    return spoiled(name, resource, change, "unreadable-date", says, None)


def no_range(name: str, change: Change, code: str, says: str) -> Bad:
    unknown = ("organ_function", "reference_range:alt")
    return Bad(name, on(ALT, change), code, says, ALT, unknown, "no_reference_range")


def patient(name: str, path: str, value: object, code: str) -> Bad:
    """A `gender` or `birthDate` that cannot be read."""
    element = {"gender": "gender", "birthDate": "birth_date"}[path]
    shown = value if isinstance(value, str) else "something else than text"
    says, unknown = f"`{path}` is `{shown}`", ("adult_woman", element)
    return Bad(name, on("Patient", put(path, value)), code, says, PATIENT, unknown, None)


def no_resource(name: str, entry: object, says: str) -> Bad:
    says = f"entry 27 of the bundle has {says}"
    return Bad(name, add(entry), "no-resource", says, None, None, None)


def quantity(value: object, code: str) -> Change:
    return put("valueQuantity", {"value": value, "unit": code, "code": code})


CODE = "code.coding.0.code"
SYSTEM = "code.coding.0.system"
UNIT = "valueQuantity.code"
NUMBER = "valueQuantity.value"
ANSWER = "valueCodeableConcept.coding"
ONLY_TEXT: dict[str, Any] = {
    "resourceType": "MedicationStatement",
    "id": "taxol",
    "status": "completed",
    "medicationCodeableConcept": {"text": "Taxol"},
    "effectivePeriod": {"start": "2026-02-02", "end": "2026-06-01"},
}

# an older hemoglobin of 87 g/L stands in the record: the newest result decides, readable or not
BAD = [
    # ---- units
    unreadable("a unit that is only printed", HGB,
        drop(UNIT, "valueQuantity.system"), "its unit has no UCUM code"),
    unreadable("a value without any unit", HGB,
        put("valueQuantity", {"value": 124}), "its unit has no UCUM code"),
    unreadable("a unit of another system than UCUM", HGB,
        put("valueQuantity.system", "http://example.org/units"), "its unit `g/L` is not from UCUM"),
    unreadable("a unit of another dimension", CREATININE,
        put("valueQuantity", {"value": 0.7, "code": "kg"}), "its unit `kg`"),
    unreadable("kelvin per microlitre", PLT, put(UNIT, "K/uL"), "its unit `K/uL`"),
    unreadable("units of IU per litre", ALT, put(UNIT, "IU/L"), "its unit `IU/L`"),
    unreadable("an invisible character in a unit", HGB, put(UNIT, "g/L\u200b"), r"`g/L\u200b`"),
    # ---- numbers
    unreadable("a thousandfold slip", ANC,
        quantity(3000, "10*3/uL"), "`3000 10*3/uL` is implausible", "implausible-value"),
    unreadable("a number below zero", HGB,
        put(NUMBER, -124), "`-124 g/L` is implausible", "implausible-value"),
    unreadable("a number of 400 digits", HGB, put(NUMBER, int("9" * 400)), "cannot be read"),
    unreadable("a number beyond all floats", HGB,
        put(NUMBER, "EXACTLY 1e400"), "the number `1e400` cannot be read"),
    unreadable("a number in quotes", HGB, put(NUMBER, "124"), "its value is not a number"),
    unreadable("no number", HGB, drop(NUMBER), "it has no number"),
    unreadable("an unknown comparator", HGB,
        put("valueQuantity.comparator", "about"), "comparator"),
    unreadable("a fraction of a performance status", ECOG,
        put("valueInteger", 0.5), "not a whole number"),
    unreadable("a quantity that is text", HGB, put("valueQuantity", "124 g/L"), "`hemoglobin`"),
    unreadable("text for a number", HGB,
        both(drop("valueQuantity"), put("valueString", "normal")), "`valueString`"),
    unreadable("two values in one result", HGB,
        put("valueString", "124 g/L"), "`more than one value`"),
    unreadable("no value, and no reason", HGB, drop("valueQuantity"), "`no value`"),
    no_range("a reference range that is text",
        put("referenceRange", "0-35 U/L"), "no-reference-range", "the result has no usable"),
    no_range("an upper limit in a wrong unit",
        put("referenceRange.0.high.code", "mg"), "unreadable-value",
        "upper limit of `alt`: its unit `mg`"),
    unreadable("a lesion whose size has no unit code", LESION,
        drop(f"component.0.{UNIT}"), "`measured_lesion longest`: its unit has no UCUM code"),
    # ---- coded answers
    Bad("an answer of an unknown code system",
        on(PR, put(f"{ANSWER}.0.system", "urn:oid:1.2.3")), "unknown-code",
        "`urn:oid:1.2.3|10828004`", PR, None, None),  # the estrogen receptor is positive
    unreadable("an answer that is only text", MENOPAUSE,
        put("valueCodeableConcept", {"text": "postmenopausal"}), "has no code with its system",
        "unknown-code"),
    unreadable("an answer with an invisible character in its code", MENOPAUSE,
        put(f"{ANSWER}.0.code", "76498008\u200b"), r"76498008\u200b`", "unknown-code"),
    unreadable("a coding that is text", MENOPAUSE,
        put(ANSWER, "76498008"), "has no code with its system", "unknown-code"),
    unreadable("a truth value in quotes", LIFE, put("valueBoolean", "true"), "`life_expectancy`"),
    # ---- codes: what it is about is not known, so it is evidence of nothing
    alike("a code of an unknown code system", PLT,
        put(SYSTEM, "urn:oid:1.2.3"), "code system `urn:oid:1.2.3` of code `777-3` is not known"),
    alike("a code without its system", PLT, drop(SYSTEM), "code `777-3` has no system"),
    alike("a code under a false system", PLT,
        put(SYSTEM, "http://snomed.info/sct"),
        "`777-3` is no code of SNOMED CT; it looks like a code of LOINC"),
    alike("an id of another terminology under a false system", PLT,
        put(CODE, "5089" + "A" * 32), "` is no code of LOINC"),
    alike("a code that a spreadsheet has damaged", MENOPAUSE,
        put(CODE, "6.7811E+13"), "`6.7811E+13` is no code of SNOMED CT"),
    alike("a code with a false check digit", PLT,
        put(CODE, "777-4"), "`777-4` is no code of LOINC"),
    alike("an invisible character in a code", PLT,
        put(CODE, "777-3\u200b"), r"`777-3\u200b` is no code of LOINC"),
    absent("an invisible character in a code of a system without check digits", LIFE,
        put(CODE, "life-expectancy-ge-12wk\u200b"), r"`life-expectancy-ge-12wk\u200b`"),
    absent("a percentage that is taken for a count", ANC,
        both(put(CODE, "770-8"), quantity(61, "%")), "is not `neutrophils`: a percentage",
        "look-alike"),
    alike("only text for a code", PLT,
        put("code", {"text": "Platelets"}), "it has no code, only the text `Platelets`"),
    absent("no code", PLT, drop("code"), "it has no code"),
    absent("a code that is a list", PLT,
        put("code", [{"coding": [{"system": "http://loinc.org", "code": "777-3"}]}]),
        "it has no code"),
    absent("codings in quotes", PLT, put("code.coding", "777-3"), "it has no code"),
    spoiled("a diagnosis whose code was damaged, and a closed problem list", CANCER,
        put(CODE, "2.54837E+08"), "unmapped-code", "`2.54837E+08` is no code of SNOMED CT", None),
    Bad("a medication that is only text, and a closed medication history",
        add({"resource": ONLY_TEXT}), "unmapped-code", "only the text `Taxol`",
        "MedicationStatement/taxol", RESTS[LIST], "not_closed"),
    # ---- statuses
    absent("a preliminary result", PLT,
        put("status", "preliminary"), "status `preliminary`", "not-usable"),
    absent("a result without status", PLT, drop("status"), "no status", "not-usable"),
    absent("a status that is a list", PLT, put("status", ["final"]), "status", "not-usable"),
    spoiled("a clinical status that is text", CANCER,
        put("clinicalStatus", "active"), "unknown-code", "clinicalStatus has no code", "imprecise"),
    spoiled("a list that is no snapshot", LIST,
        put("mode", "working"), "not-usable", "a list that is no snapshot", "not_closed"),
    # ---- dates
    undated("a date that is none", PLT,
        put("effectiveDateTime", "0000-13-45"), "`effectiveDateTime` is `0000-13-45`"),
    undated("the 30th of February", PLT, put("effectiveDateTime", "2026-02-30"), "`2026-02-30`"),
    undated("a time of day that FHIR forbids", PLT,
        put("effectiveDateTime", "2026-10-20T24:00:00Z"), "`2026-10-20T24:00:00Z`"),
    undated("a date that is a number", PLT,
        put("effectiveDateTime", 20261020), "something else than text"),
    undated("an end before the start", ANASTROZOLE,
        put("effectivePeriod", {"start": "2025-11-14", "end": "2020-11-02"}),
        "ends before it starts"),
    # ---- the patient
    patient("a sex in other words", "gender", "Female", "unknown-code"),
    patient("a sex that is an object", "gender", {"coding": [{"code": "female"}]}, "unknown-code"),
    patient("a birth date that is none", "birthDate", "22.07.1964", "unreadable-date"),
    # ---- what changes the meaning
    spoiled("a provision that is no object", CONSENT,
        put("provision", [{"type": "deny"}]), "unreadable-value", "`provision`", None),
    unreadable("an extension that may change the meaning", PLT,
        put("modifierExtension", [{"url": "http://example.org/not-done"}]),
        "`modifierExtension` may change its meaning", "not-read"),
    # ---- whose it is
    absent("a result of somebody else", PLT,
        put("subject.reference", "Patient/somebody-else"), "`Patient/somebody-else`",
        "foreign-subject"),
    absent("a subject that is a list", PLT,
        put("subject", [{"reference": "Patient/somebody-else"}]),
        "about somebody who cannot be known", "foreign-subject"),
    absent("an identifier that is not the patient's", PLT,
        put("subject", {"identifier": {"system": "urn:oid:1.2", "value": "17"}}),
        "about somebody who cannot be known", "foreign-subject"),
    # ---- entries
    no_resource("an entry that is null", None, "no resource"),
    no_resource("an entry without a resource", {"fullUrl": "urn:uuid:1"}, "no resource"),
    no_resource("an empty resource", {"resource": {}}, "a resource without a resourceType"),
    no_resource("a resourceType that is a number",
        {"resource": {"resourceType": 7, "id": "x"}}, "a resource without a resourceType"),
    no_resource("a bundle in the bundle",
        {"resource": {"resourceType": "Bundle", "entry": []}}, "a Bundle"),
]  # fmt: skip


def no_patient(content: Json) -> None:
    content["entry"] = content["entry"][1:]


OTHER = {"resource": {"resourceType": "Patient", "id": "other"}}
NO_ID = "the Patient has no id"
WITHHELD: list[tuple[str, Change, str, str]] = [
    ("two patients", add(OTHER), "two-patients", "2 patients in one bundle"),
    ("no patient", no_patient, "no-patient", "there is no Patient"),
    ("no patient id", on("Patient", drop("id")), "no-patient", NO_ID),
    ("an empty patient id", on("Patient", put("id", "")), "no-patient", NO_ID),
    ("a patient id of 7", on("Patient", put("id", 7)), "no-patient", NO_ID),
    ("entries in an object", put("entry", {}), "no-patient", "there is no Patient"),
    ("no as-of date", drop("timestamp"), "no-as-of", "the bundle has no timestamp"),
    ("a time that is no day", put("timestamp", "2026-10"), "no-as-of", "no timestamp"),
]
"""Bundles that get no row: name, change, code, part of the message."""
