"""Changes to FHIR documents, for tools/fuzz_records.py: wild ones, and ones that spoil a resource.

A document is plain JSON, with numbers as they are written (`Number`). A wild change may do
anything. A spoil makes one thing that was read of a resource unreadable, never another readable
thing.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from protocol_logic.records.json_text import Number

Place = tuple[Any, Any]
"""A list or object, and an index or key of it."""


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number)


def load(data: bytes) -> Any:
    return _DECODER.decode(data.decode("utf-8").lstrip("\ufeff"))


def dump(value: Any) -> bytes:
    text = json.dumps(value, default=lambda raw: f"\x00{raw.text}")
    return re.sub(r'"\\u0000([^"]*)"', r"\1", text).encode()


def places(value: Any) -> Iterator[Place]:
    """All places inside a value."""
    keys: Any = value if isinstance(value, dict) else ()
    for key in range(len(value)) if isinstance(value, list) else keys:
        yield value, key
        yield from places(value[key])


# ---- what is put in ------------------------------------------------------------------------------

NUMBERS = ["0", "-1", "1e400", "9" * 400, "1e-400", "0.1", "3000", "1E5", "-0", "87.99", "90"]
TEXTS = [
    "", " ", "x", "7", "true", "null", "NaN", "\u200b", "\u202e", "\n", '"). :-', "é" * 3, "\x00",
    "%", "a" * 5000, "\ud83d\ude00", "Patient/x", "urn:uuid:x", "#x", "../..", "\\",
]  # fmt: skip
DATES = [
    "0000-13-45", "2016-12-31T23:59:60Z", "2026-10-20T24:00:00Z", "2026-02-30", "2026", "2026-10",
    "9999-12-31", "0001-01-01", "2026-10-20T10:00:00+14:00", "2026-10-20T10:00:00-12:00",
    "20261020", "2026-10-20T10:00", "10/20/2026", "today", "2026-10-20 10:00:00",
    "2026-10-20T10:00:00+99:00", "1900-01-01", "2027-01-01", "-2026-10-20", "2026-10-20Z",
    "2026-1-2", "２０２６-10-20",
]  # fmt: skip
UNITS = [
    "K/uL", "IU/L", "kg", "g/L", "g/dL", "mg/dL", "10*9/L", "10*3/uL", "/uL", "U/L", "%", "1", "",
    "mL/min", "mL/min/{1.73_m2}", "mmol/L", "umol/L", "d", "wk", "mo", "a", "mm", "cm", "[lb_av]",
    "{cells}/uL", "G/L", "g /L", "g/L\u200b", "10^9/L",
]  # fmt: skip
CODES = [
    "6.7811E+13", "5089AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "718-7", "770-8", "33914-3", "751-8",
    "254837009", "94381002", "10828004", "260385009", "LA6576-8", "2160-0", "38483-4", "3A", "4",
    "final", "entered-in-error", "preliminary", "active", "resolved", "refuted", "completed",
    "stopped", "female", "male", "other", "deny", "permit", "working", "snapshot", "718-7\u200b",
]  # fmt: skip
SYSTEMS = [
    "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org", "https://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm", "urn:oid:1.2.3", "", "http://LOINC.org",
]  # fmt: skip
KEYS = [
    "code", "valueQuantity", "valueString", "valueBoolean", "valueInteger", "status", "system",
    "effectiveDateTime", "effectivePeriod", "effectiveInstant", "component", "referenceRange",
    "dataAbsentReason", "modifierExtension", "contained", "comparator", "onsetAge", "onsetDateTime",
    "abatementDateTime", "abatementAge", "medicationReference", "implicitRules", "coding",
    "subject", "deceasedBoolean", "active", "verificationStatus", "clinicalStatus", "resourceType",
    "entry", "provision", "emptyReason", "doNotPerform", "performedPeriod", "recordedDate", "high",
    "value",
]  # fmt: skip


def anything(rng: random.Random) -> Any:
    """A fresh value of any JSON type."""
    pick: list[Callable[[], Any]] = [
        lambda: None,
        lambda: rng.random() < 0.5,
        lambda: Number(rng.choice(NUMBERS)),
        lambda: rng.choice([*TEXTS, *DATES, *UNITS, *CODES, *SYSTEMS]),
        lambda: [],
        lambda: {},
        lambda: [[]],
        lambda: [None],
        lambda: {rng.choice(KEYS): anything(rng)},
        lambda: [anything(rng) for _ in range(rng.randint(1, 3))],
    ]
    return rng.choice(pick)()


def _alike(rng: random.Random, key: Any, value: Any) -> Any:
    """Another value of the kind that stands there."""
    if isinstance(value, Number):
        return Number(rng.choice([*NUMBERS, value.text + "0", "-" + value.text, value.text + "e3"]))
    if isinstance(value, bool):
        return not value
    if not isinstance(value, str):
        return anything(rng)
    if re.match(r"\d{4}(-|$)", value):
        return rng.choice([*DATES, value[:4], value[:7], value[:10], value + "Z"])
    if key == "system":
        return rng.choice(SYSTEMS)
    if key in ("code", "unit"):
        return rng.choice([*UNITS, *CODES, value + "\u200b", value.lower(), value[1:]])
    return rng.choice([*TEXTS, *CODES, value.upper(), value + " "])


# ---- wild changes --------------------------------------------------------------------------------


def wild(rng: random.Random, document: Any, other: Any) -> None:
    """Change something somewhere; `other` gives parts of another document."""
    found = list(places(document))
    if not found:
        return
    holder, key = rng.choice(found)
    value = holder[key]
    match rng.randrange(11):
        case 0:
            del holder[key]
        case 1 | 2:
            holder[key] = anything(rng)
        case 3 | 4 | 5:
            holder[key] = _alike(rng, key, value)
        case 6:
            if isinstance(holder, list):
                holder.insert(rng.randrange(len(holder) + 1), value)
            else:
                holder[rng.choice(KEYS)] = value
        case 7:
            holder[key] = rng.choice([[value], {"resource": value}, {key: value}, [[value]]])
        case 8:
            there, name = rng.choice(list(places(other)) or [(document, None)])
            if name is not None:
                holder[key] = there[name]
        case 9:
            there, name = rng.choice(found)
            holder[key] = deepcopy(there[name])  # so that nothing holds itself
        case _:
            target = value if isinstance(value, dict) else holder
            if isinstance(target, dict):
                target[rng.choice(KEYS)] = anything(rng)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """The bytes cut, with some flipped, or with some put in."""
    at = rng.randrange(len(data)) if data else 0
    match rng.randrange(4):
        case 0:
            return data[:at]
        case 1:
            flipped = bytearray(data)
            for _ in range(rng.randint(1, 8)):
                flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return bytes(flipped)
        case 2:
            odd = [b"\xff", b"\xef\xbb\xbf", b"\x00", b"\xc3", b"NaN", b"[" * 3000, b'"\\ud800"']
            return data[:at] + rng.choice(odd) + data[at:]
        case _:
            end = min(len(data), at + rng.randint(1, 200))
            return data[:at] + data[end:]


# ---- spoils --------------------------------------------------------------------------------------


class Spoil(NamedTuple):
    """What of a resource was made unreadable: its `code`, `value`, `status` or `date`."""

    part: str
    text: str


CODE_PATHS = {
    "Consent": "scope",
    "MedicationStatement": "medicationCodeableConcept",
    "MedicationAdministration": "medicationCodeableConcept",
    "MedicationRequest": "medicationCodeableConcept",
    "MedicationDispense": "medicationCodeableConcept",
}
DATE_PATHS = [
    "effectiveDateTime", "effectivePeriod", "recordedDate", "performedDateTime", "performedPeriod",
    "date", "dateTime", "authoredOn", "onsetDateTime",
]  # fmt: skip
_NO_DATES: list[Any] = [
    "0000-13-45",
    "2026-02-30",
    "today",
    "",
    [],
    {},
    ["2026-01-01"],
    Number("7"),
]
_WRONG: list[Any] = ["x", Number("7"), [], [[]], True]


def spoil(rng: random.Random, resource: Any) -> Spoil | None:
    """Make one thing unreadable; None where the resource has nothing of the kind picked."""
    kind = resource["resourceType"]
    if kind == "Patient":
        field = rng.choice(["gender", "birthDate"])
        if field not in resource:
            return None
        resource[field] = rng.choice(["Female", "x", Number("7"), [], {}, ["female"], True])
        return Spoil("patient", field)
    picked = rng.choice([_code, _value, _value, _status, _date])
    return picked(rng, resource)


def _code(rng: random.Random, resource: Any) -> Spoil | None:
    path = CODE_PATHS.get(resource["resourceType"], "code")
    concept = resource.get(path)
    codings = concept.get("coding") if isinstance(concept, dict) else None
    if not isinstance(codings, list) or not codings:
        return None
    way = rng.randrange(4)
    if way == 0:
        resource[path] = rng.choice(
            [
                *_WRONG,
                {},
                {"coding": "x"},
                {"coding": [None]},
                {"coding": {}},
                {"text": "some text"},
            ]
        )
    elif way == 1:
        for coding in codings:
            coding["system"] = rng.choice(
                ["urn:oid:1.2.3", "", "http://example.org/x", [], Number("7")]
            )
    elif way == 2:
        for coding in codings:
            coding["code"] = rng.choice(
                ["6.7811E+13", "718-7\u200b", "", " ", [], Number("7"), None]
            )
    else:
        del codings[:]
    return Spoil("code", json.dumps(resource.get(path), default=str)[:100])


def _value(rng: random.Random, resource: Any) -> Spoil | None:
    if resource["resourceType"] != "Observation":
        return None
    keys = [key for key in resource if key.startswith("value")]
    if len(keys) != 1:
        return None
    [key] = keys
    value = resource[key]
    way = rng.randrange(4)
    if way == 0:
        resource[key] = rng.choice([*[x for x in _WRONG if x is not True], {}, None])
        if key in ("valueInteger", "valueString") and isinstance(resource[key], Number | str):
            return None  # those are readable
    elif way == 1:
        del resource[key]
        resource["valueAttachment"] = {"title": "a scan"}
    elif isinstance(value, dict) and "value" in value:
        field, bad = rng.choice(
            [
                (
                    "value",
                    rng.choice([None, "1", [], Number("1e400"), Number("9" * 400), {}, True]),
                ),
                (
                    "code",
                    rng.choice([None, "", "K/uL", "mol", "kg/L/s", [], Number("7"), "g/L\u200b"]),
                ),
                ("system", rng.choice(["urn:oid:1.2.3", "", [], Number("7")])),
                ("comparator", rng.choice(["~", "about", [], Number("7"), ["<"]])),
            ]
        )
        value[field] = bad
    elif isinstance(value, dict) and isinstance(value.get("coding"), list):
        for coding in value["coding"]:
            coding[rng.choice(["code", "system"])] = rng.choice(
                [None, "x\u200b", [], Number("7"), "-"]
            )
    else:
        return None
    return Spoil("value", json.dumps(resource.get(key), default=str)[:100])


_VERIFICATION = ["verificationStatus"]


def _status(rng: random.Random, resource: Any) -> Spoil | None:
    if resource["resourceType"] == "Condition":
        # only of a confirmed condition does the clinical status say anything
        said = '"confirmed"' in json.dumps(resource.get("verificationStatus", "confirmed"))
        field = rng.choice(["clinicalStatus", "verificationStatus"] if said else _VERIFICATION)
        bad: list[Any] = ["x", Number("7"), [], {}, {"coding": "x"}, {"coding": [{"code": "x"}]}]
    elif resource["resourceType"] == "Consent" and rng.random() < 0.5:
        field = "provision"
        bad = ["deny", Number("7"), [{"type": "deny"}], {"type": ["deny"]}, {"type": "DENY"}]
    else:
        field = "status"
        bad = ["x", Number("7"), [], {}, ["final"], None, ""]
    resource[field] = rng.choice(bad)
    return Spoil("status", f"{field} {json.dumps(resource[field], default=str)}")


def _date(rng: random.Random, resource: Any) -> Spoil | None:
    found = [path for path in DATE_PATHS if path in resource]
    if not found:
        return None
    for path in found:
        resource[path] = rng.choice(_NO_DATES)
    return Spoil("date", " ".join(found))
