"""A synthetic patient under construction, for ``bundles``: values, resources, reference."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
AJCC = "http://cancerstaging.org"
UCUM = "http://unitsofmeasure.org"
LOCAL = "http://eligibility.example.org/fhir/CodeSystem/local"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
HL7 = "http://terminology.hl7.org/CodeSystem/"

OBSERVED: dict[str, list[tuple[str, str]]] = {
    "ecog": [(LOINC, "89247-1")],
    "life": [(LOCAL, "life-expectancy")],
    "er": [(LOINC, "85337-4")],
    "pr": [(LOINC, "85339-0")],
    "ihc": [(LOINC, "85319-2")],
    "fish": [(LOINC, "85318-4")],
    "her2": [(LOINC, "48676-1")],
    "stage": [(LOINC, "21908-9"), (LOINC, "21902-2")],
    "mcat": [(LOINC, "21907-1"), (LOINC, "21901-4")],
    "meno": [(SNOMED, "161712005")],
    "lesion": [(LOINC, "21889-1")],
    "hgb": [(LOINC, "718-7"), (LOINC, "59260-0")],
    "anc": [(LOINC, "751-8"), (LOINC, "26499-4"), (LOINC, "753-4")],
    "plt": [(LOINC, "777-3"), (LOINC, "26515-7")],
    "tbil": [(LOINC, "1975-2"), (LOINC, "14631-6")],
    "alt": [(LOINC, "1742-6"), (LOINC, "1743-4")],
    "ast": [(LOINC, "1920-8"), (LOINC, "30239-8")],
    "cr": [(LOINC, "2160-0"), (LOINC, "14682-9")],
    "crcl": [(LOINC, "35591-7")],
    "weight": [(LOINC, "29463-7")],
}
COUNT = (LOCAL, "recist-measurable-lesion-count")
CELLS = {
    "10*9/L": Decimal(1),
    "10*3/uL": Decimal(1),
    "/uL": Decimal("0.001"),
    "{cells}/uL": Decimal("0.001"),
}
UNITS: dict[str, dict[str, Decimal]] = {
    "hgb": {"g/L": Decimal(1), "g/dL": Decimal(10), "mmol/L": Decimal("16.114")},
    "anc": CELLS,
    "plt": CELLS,
    "tbil": {"umol/L": Decimal(1), "mg/dL": Decimal("17.104")},
    "alt": {"U/L": Decimal(1)},
    "ast": {"U/L": Decimal(1)},
    "cr": {"umol/L": Decimal(1), "mg/dL": Decimal("88.4"), "mmol/L": Decimal(1000)},
    "crcl": {"mL/min": Decimal(1)},
    "weight": {"kg": Decimal(1), "g": Decimal("0.001"), "[lb_av]": Decimal("0.45359237")},
    "life": {"d": Decimal(1), "wk": Decimal(7), "mo": Decimal("30.4375"), "a": Decimal("365.25")},
    "size": {"mm": Decimal(1), "cm": Decimal(10)},
    "percent": {"%": Decimal(1)},
}
UNLISTED = ["mg/L", "ng/mL", "1", "mol/L", "[in_i]", "{score}", "h", "kg/m2"]
LIMITS = {"hgb": "90", "anc": "1.5", "plt": "80", "crcl": "60", "life": "84"}
USUAL_ULN = {"tbil": "21", "alt": "40", "ast": "35", "cr": "84"}
RATIOS = {
    "tbil": ["0.5", "1.4999", "1.5", "1.5001", "2"],
    "cr": ["0.7", "1.4999", "1.5", "1.5001", "1.6", "2"],
    "alt": ["0.5", "2.4999", "2.5", "2.5001", "3", "3", "4", "5", "5.0001", "6"],
}
RATIOS["ast"] = RATIOS["alt"]
SITES: dict[str, list[tuple[str, str]]] = {
    "liver": [(SNOMED, "94381002"), (ICD10, "C78.7")],
    "lung": [(SNOMED, "94391008"), (ICD10, "C78.00")],
    "bone": [(SNOMED, "94222008"), (ICD10, "C79.51")],
    "brain": [(SNOMED, "94225005"), (ICD10, "C79.31")],
    "any": [(SNOMED, "128462008")],
}
BREAST = [(SNOMED, "254837009"), (ICD10, "C50.919")]
LISTS = {"list_med": "10160-0", "list_proc": "47519-4", "list_prob": "11450-4"}
INTENT = {
    "adjuvant": "373846009",
    "neoadjuvant": "373847000",
    "palliative": "363676003",
    "curative": "373808002",
}
ENDOCRINE = ["72965", "84857", "258494", "10324", "38409", "282357"]
CHEMO = ["194000", "56946", "72962", "3639", "3995", "3002", "12574", "40048", "39541", "1045452"]
OTHER_DRUGS = ["1601374", "1873916", "1946825", "141704"]
GNRH = ["50610", "42375"]
POSITIVE, NEGATIVE, EQUIVOCAL = "10828004", "260385009", "42425007"
DAYS_OF_JUDGEMENT = [
    date(2026, 11, 2),
    date(2024, 2, 29),
    date(2025, 2, 28),
    date(2025, 3, 1),
    date(2026, 8, 31),
    date(2025, 12, 31),
    date(2026, 1, 1),
]


def concept(*codes: tuple[str, str]) -> Json:
    return {"coding": [{"system": system, "code": code} for system, code in codes]}


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or the last one that this month has."""
    steps = day.year * 12 + day.month - 1 + months
    year, month = steps // 12, steps % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def last_day(text: str) -> date:
    """The last day that a possibly partial date can mean."""
    padded = {4: f"{text}-12-31", 7: f"{text}-01"}.get(len(text), text)
    day = date.fromisoformat(padded)
    return months_after(day, 1) - timedelta(days=1) if len(text) == 7 else day


def plain(value: Decimal) -> Decimal:
    """At most nine decimals, no exponent."""
    rounded = value.quantize(Decimal("1e-9")).normalize()
    return Decimal(format(rounded, "f"))


class Draft:
    """A patient under construction: resources by element, changed by the functions below."""

    def __init__(self, rng: random.Random, case: int) -> None:
        self.rng = rng
        self.id = f"R{case:05d}"
        some_day = date(2024, 1, 1) + timedelta(days=rng.randrange(1096))
        self.as_of = rng.choice(DAYS_OF_JUDGEMENT) if rng.random() < 0.6 else some_day
        age = rng.randrange(30, 75)
        birth = months_after(self.as_of, -12 * age) - timedelta(days=rng.randrange(365))
        self.patient: Json = {"gender": "female", "birthDate": birth.isoformat()}
        self.facts: dict[str, list[Json]] = {}
        self.vague_left = 0  # how many more days of a therapy or relapse may be left imprecise

    # -------------------------------------------------------------------------------------- choices

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def vaguely(self, probability: float) -> bool:
        """A chance for one more imprecise day; few of them, as their completions multiply."""
        if self.vague_left > 0 and self.chance(probability):
            self.vague_left -= 1
            return True
        return False

    def pick(self, options: dict[str, int]) -> str:
        return self.rng.choices(list(options), weights=list(options.values()))[0]

    def ago(self, first: int, last: int) -> date:
        return self.as_of - timedelta(days=self.rng.randint(first, last))

    def near(self, day: date) -> date:
        """The day itself or one beside it."""
        return day + timedelta(days=self.rng.choice([-1, -1, 0, 0, 0, 1, 1]))

    def blurred(self, day: date, late: bool = False) -> str:
        """A partial date that covers the day; past the as-of date only where ``late`` allows it."""
        text = day.isoformat()[: self.rng.choice([4, 7, 7])]
        return (
            text if late or last_day(text) <= self.as_of or self.chance(0.05) else day.isoformat()
        )

    # -------------------------------------------------------------------------------------- values

    def quantity(self, value: Decimal, unit: str, comparators: bool = True) -> Json:
        value = plain(value)
        number: Decimal | int = value
        if value == value.to_integral_value() and self.chance(0.7):
            number = int(value)
        quantity: Json = {"value": number, "unit": unit, "system": UCUM, "code": unit}
        if comparators and self.chance(0.08):
            quantity["comparator"] = self.rng.choice(["<", "<=", ">", ">="])
        return quantity

    def unreadable(self, quantity: Json) -> Json:
        if self.chance(0.5):
            return {k: v for k, v in quantity.items() if k not in ("code", "system")}
        unit = self.rng.choice(UNLISTED)
        return {**quantity, "unit": unit, "code": unit}

    def around(self, limit: Decimal, element: str, fine: bool = True) -> Json:
        """A quantity on, beside, or well off a limit that is given in the first unit."""
        unit = self.rng.choice(list(UNITS[element]))
        value = limit / UNITS[element][unit]
        step = Decimal("0.001") if fine and self.chance(0.5) else Decimal("0.1")
        how = self.pick({"on": 4, "below": 3, "above": 3, "far_below": 1, "far_above": 4})
        if how == "far_below":
            value = value * Decimal("0.6")
        elif how == "far_above":
            value = value * Decimal("1.8")
        elif how != "on":
            value += step if how == "above" else -step
        return self.quantity(max(value, Decimal("0.001")), unit)

    def ranged(self, element: str, ratio: str | None = None, normal: bool = False) -> Json:
        """A laboratory value with its upper limit of normal."""
        units = UNITS[element]
        uln = Decimal(USUAL_ULN[element]) + self.rng.choice([0, 0, 4, -3])
        unit, other = self.rng.choice(list(units)), self.rng.choice(list(units))
        high = (uln / units[unit]).quantize(Decimal("0.0001")).normalize()
        high = Decimal(format(high, "f"))
        value = high * Decimal(ratio or self.rng.choice(RATIOS[element]))
        fields: Json = {"valueQuantity": self.quantity(value, unit, comparators=not normal)}
        kinds = {"same": 6, "bare": 1, "other": 1, "none": 1, "unlisted": 1, "sexes": 2, "one": 1}
        kind = "same" if normal else self.pick(kinds)
        if kind == "none":
            return fields
        bound: Json = {"value": high, "unit": unit, "system": UCUM, "code": unit}
        if kind == "bare":
            bound = {"value": high}
        elif kind == "other":
            exact = plain(high * units[unit] / units[other])
            bound = {"value": exact, "unit": other, "system": UCUM, "code": other}
        elif kind == "unlisted":
            bound = self.unreadable({**bound, "code": "mg/L"})
            bound.setdefault("code", "mg/L")
        ranges: list[Json] = [{"high": bound}]
        if kind in ("sexes", "one"):
            codes = {"female": "248152002", "male": "248153007"}
            lower = {**bound, "value": plain(high * Decimal("0.8"))}
            highs = [bound, lower] if self.chance(0.5) else [lower, bound]
            normal_range = concept((HL7 + "referencerange-meaning", "normal"))
            ranges = [
                {"high": h, "type": normal_range, "appliesTo": [concept((SNOMED, codes[sex]))]}
                for sex, h in zip(codes, highs, strict=True)
            ]
            ranges = ranges if kind == "sexes" else [self.rng.choice(ranges)]
        return {**fields, "referenceRange": ranges}

    def lesion(self) -> Json:
        """One lesion, or a count of measurable ones."""
        if self.chance(0.4):
            return {"code": concept(COUNT), "valueInteger": self.rng.choice([0, 0, 0, 1, 2])}
        sites = ["59441001", "68171009", "272673000", "39607008", "10200004", "76752008"]
        site = self.rng.choice(sites)
        method = self.rng.choice(["77477000", "113091000", "399208008", "399208008", "5880005"])
        nodal = site in sites[:2]
        limit = Decimal(15 if nodal else 20 if method == "399208008" else 10)
        axis = self.around(self.rng.choice([limit, limit, Decimal(10)]), "size")
        if self.chance(0.08):
            axis = self.unreadable(axis)
        part = {"code": concept((LOINC, "33729-5" if nodal else "33728-7")), "valueQuantity": axis}
        longest = self.quantity(Decimal(self.rng.choice([16, 25, 31])), "mm", comparators=False)
        parts = [part]
        if nodal:
            parts.append({"code": concept((LOINC, "33728-7")), "valueQuantity": longest})
            parts = parts[1:] if self.chance(0.08) else parts
        return {
            "bodySite": concept((SNOMED, site)),
            "method": concept((SNOMED, method)),
            "component": parts,
        }

    def coded(self, system: str, options: dict[str, int]) -> Json:
        return {"valueCodeableConcept": concept((system, self.pick(options)))}

    def receptor(self, element: str) -> Json:
        if self.chance(0.4):
            code = {"er": "85329-1", "pr": "85325-9"}[element]
            limit = Decimal(self.rng.choice([1, 1, 1, 40]))
            return {"code": concept((LOINC, code)), "valueQuantity": self.around(limit, "percent")}
        if self.chance(0.3):
            return self.coded(LOINC, {"LA6576-8": 2, "LA6577-6": 2})
        return self.coded(SNOMED, {POSITIVE: 3, NEGATIVE: 4, EQUIVOCAL: 1})

    def value(self, element: str) -> Json:
        """The value fields (and a code, where it is not one of the usual) of a new observation."""
        if element == "ecog":
            score = self.rng.choice([0, 1, 1, 2, 2, 3, 4, 5])
            codes = ["LA9622-7", "LA9623-5", "LA9624-3", "LA9625-0", "LA9626-8", "LA9627-6"]
            coded = {"valueCodeableConcept": concept((LOINC, codes[score]))}
            return coded if self.chance(0.5) else {"valueInteger": score}
        if element == "life" and self.chance(0.3):
            code = concept((LOCAL, "life-expectancy-ge-12wk"))
            return {"code": code, "valueBoolean": self.chance(0.5)}
        if element in ("er", "pr"):
            return self.receptor(element)
        if element == "ihc":
            scores = {NEGATIVE: 3, "260347006": 3, "260348001": 4, "260349009": 2}
            return self.coded(SNOMED, {**scores, POSITIVE: 1, EQUIVOCAL: 1})
        if element in ("fish", "her2"):
            return self.coded(SNOMED, {POSITIVE: 2, NEGATIVE: 3, EQUIVOCAL: 2})
        if element == "stage":
            stages = dict.fromkeys(["0", "1", "1A", "1B", "2A", "2B", "3", "4", "4"], 1)
            return self.coded(AJCC, {**stages, "3A": 2, "3B": 2, "3C": 2, "4": 3})
        if element == "mcat":
            return self.coded(SNOMED, {"1229901006": 4, "1229903009": 1, "1229916009": 1})
        if element == "meno":
            before = {"309606002": 2, "22636003": 2, "161541000119104": 2}
            return self.coded(SNOMED, {**before, "307429007": 2, "76498008": 2})
        if element == "lesion":
            return self.lesion()
        if element in USUAL_ULN:
            return self.ranged(element)
        limit = Decimal(LIMITS.get(element, "55"))
        return {"valueQuantity": self.around(limit, element)}

    def broken(self, fields: Json) -> Json:
        """The same observation with a value that nobody can read."""
        fields = dict(fields)
        if "valueQuantity" in fields:
            fields["valueQuantity"] = self.unreadable(fields["valueQuantity"])
        elif "valueCodeableConcept" in fields:
            fields["valueCodeableConcept"] = concept((SNOMED, "261665006"))
        return fields

    # ------------------------------------------------------------------------------------ resources

    def observation(self, element: str, day: date, fields: Json, status: str = "") -> Json:
        usable = status or self.pick({"final": 8, "amended": 1, "corrected": 1})
        codes = OBSERVED.get(element)
        code = {"code": concept(self.rng.choice(codes))} if codes else {}
        hour = self.rng.choice(["T08:15:00Z", "T17:40:00Z"]) if self.chance(0.04) else ""
        base = {
            "resourceType": "Observation",
            "status": usable,
            "effectiveDateTime": f"{day}{hour}",
        }
        return {**base, **code, **fields}

    def condition(
        self,
        codes: list[tuple[str, str]],
        recorded: date,
        verification: str = "confirmed",
        clinical: str | None = "active",
        **fields: Any,
    ) -> Json:
        condition: Json = {
            "resourceType": "Condition",
            "verificationStatus": concept((HL7 + "condition-ver-status", verification)),
            "code": concept(self.rng.choice(codes)),
            "recordedDate": recorded.isoformat(),
            **fields,
        }
        if clinical is not None:
            condition["clinicalStatus"] = concept((HL7 + "condition-clinical", clinical))
        return condition

    def medication(
        self, drug: str, start: str, end: str | None, intent: str | None, status: str = ""
    ) -> Json:
        administered = self.chance(0.3)
        if not status:
            ended = self.pick({"completed": 4, "stopped": 2})
            status = ended if end else self.pick({"active": 4, "on-hold": 1})
        if administered and status == "active":
            status = "in-progress"
        record: Json = {
            "resourceType": "MedicationAdministration" if administered else "MedicationStatement",
            "status": status,
            "medicationCodeableConcept": concept((RXNORM, drug)),
            "effectivePeriod": {"start": start, **({"end": end} if end else {})},
        }
        if intent:
            coded = concept((SNOMED, INTENT[intent]))
            extension = {"url": MCODE + "mcode-procedure-intent", "valueCodeableConcept": coded}
            record["extension"] = [extension]
        return record

    def closing(
        self, code: str, day: date, status: str = "current", mode: str = "snapshot"
    ) -> Json:
        return {
            "resourceType": "List",
            "status": status,
            "mode": mode,
            "code": concept((LOINC, code)),
            "date": day.isoformat(),
        }

    def consent(self, status: str, day: date, provision: str | None, scope: str) -> Json:
        consent: Json = {
            "resourceType": "Consent",
            "status": status,
            "scope": concept((HL7 + "consentscope", scope)),
            "category": [concept((LOINC, "59284-0"))],
            "dateTime": day.isoformat(),
            "policyRule": {"text": "Study consent form"},
        }
        return {**consent, "provision": {"type": provision}} if provision else consent


def reference(draft: Draft) -> None:
    """Facts of a woman who meets all ten criteria."""
    facts, day = draft.facts, draft.ago(3, 20)
    usual: dict[str, Json] = {
        "ecog": {"valueInteger": draft.rng.choice([0, 1])},
        "life": {"valueQuantity": draft.quantity(Decimal(26), "wk", comparators=False)},
        "er": {"valueCodeableConcept": concept((SNOMED, POSITIVE))},
        "pr": {"valueCodeableConcept": concept((SNOMED, draft.rng.choice([POSITIVE, NEGATIVE])))},
        "ihc": {
            "valueCodeableConcept": concept((SNOMED, draft.rng.choice([NEGATIVE, "260347006"])))
        },
        "meno": {"valueCodeableConcept": concept((SNOMED, "307429007"))},
        "hgb": {"valueQuantity": draft.quantity(Decimal(121), "g/L", comparators=False)},
        "anc": {"valueQuantity": draft.quantity(Decimal("2.9"), "10*9/L", comparators=False)},
        "plt": {"valueQuantity": draft.quantity(Decimal(233), "10*9/L", comparators=False)},
        "weight": {"valueQuantity": draft.quantity(Decimal("64.5"), "kg", comparators=False)},
    }
    for element in ("tbil", "alt", "ast", "cr"):
        usual[element] = draft.ranged(element, ratio="0.75", normal=True)
    for element, fields in usual.items():
        facts[element] = [draft.observation(element, day, fields, status="final")]
    size = {"code": concept((LOINC, "33728-7"))}
    size["valueQuantity"] = draft.quantity(Decimal(22), "mm", comparators=False)
    lesion = {"bodySite": concept((SNOMED, "39607008")), "component": [size]}
    lesion["method"] = concept((SNOMED, "77477000"))
    facts["lesion"] = [draft.observation("lesion", day, lesion, status="final")]
    relapse = months_after(draft.as_of, -draft.rng.randint(14, 34))
    end = months_after(relapse, -draft.rng.randint(0, 9))
    start = months_after(end, -draft.rng.randint(30, 60))
    primary = start - timedelta(days=60)
    proof = [{"code": [concept((SNOMED, "252416005"))]}]
    facts["breast"] = [draft.condition(BREAST, primary, evidence=proof)]
    facts["lung"] = [
        draft.condition(
            SITES["lung"],
            relapse + timedelta(days=2),
            clinical="recurrence",
            onsetDateTime=str(relapse),
        )
    ]
    letrozole = draft.medication("72965", str(start), str(end), "adjuvant")
    capecitabine = draft.medication(
        "194000",
        str(relapse + timedelta(days=20)),
        str(relapse + timedelta(days=200)),
        "palliative",
    )
    facts["endocrine"], facts["chemo"] = [letrozole], [capecitabine]
    for name, code in LISTS.items():
        facts[name] = [draft.closing(code, day)]
    facts["consent"] = [draft.consent("active", draft.ago(0, 5), None, "research")]
