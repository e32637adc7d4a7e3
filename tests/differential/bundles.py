"""Random FHIR R4 Bundles made by the rules of ``seed_cases/README.md``, for differential tests.

``random_bundle(rng, case)`` starts from a patient who meets all ten seed criteria and applies 0 to
8 random changes, weighted towards boundaries: values on, just below and just above each limit, days
on and beside each anniversary, statuses that do not count, conflicts, partial dates, open
histories. The same ``rng`` state and ``case`` give the same bundle. Numbers are ``Decimal`` or
``int``; ``dumps`` writes them as they are.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from tests.differential.seed_oracle_draft import (
    BREAST,
    CHEMO,
    ENDOCRINE,
    GNRH,
    LISTS,
    LOINC,
    MCODE,
    OTHER_DRUGS,
    SITES,
    SNOMED,
    Draft,
    Json,
    concept,
    last_day,
    months_after,
    plain,
    reference,
)

DAY = timedelta(days=1)


def dumps(bundle: Json) -> str:
    """JSON text; a Decimal is written as a number, digit for digit."""

    def write(value: object, indent: str) -> str:
        if isinstance(value, Decimal):
            return format(value, "f")
        inner = indent + " "
        if isinstance(value, dict) and value:
            items = [f"{inner}{json.dumps(k)}: {write(v, inner)}" for k, v in value.items()]
            return "{\n" + ",\n".join(items) + f"\n{indent}}}"
        if isinstance(value, list) and value:
            return "[\n" + ",\n".join(inner + write(v, inner) for v in value) + f"\n{indent}]"
        return json.dumps(value)

    return write(bundle, "") + "\n"


# ---------------------------------------------------------------------------- observations, lists


MEASURED = {
    "ecog": 12,
    "life": 12,
    "er": 3,
    "pr": 3,
    "ihc": 3,
    "fish": 2,
    "meno": 2,
    "lesion": 18,
    "hgb": 2,
    "anc": 2,
    "plt": 2,
    "tbil": 3,
    "alt": 4,
    "ast": 3,
    "cr": 4,
    "weight": 2,
    "crcl": 2,
}


def remeasure(draft: Draft, element: str = "") -> None:
    """Change what is known of one observed element, in a way that section 1 or 2 rules on."""
    element = element or draft.pick(MEASURED)
    known = draft.facts.setdefault(element, [])
    fields, rng = draft.value(element), draft.rng
    stamps = [o["effectiveDateTime"] for o in known if "effectiveDateTime" in o]
    days = [date.fromisoformat(stamp[:10]) for stamp in stamps]
    day = max((d for d in days if d <= draft.as_of), default=draft.ago(0, 40))
    later = day + timedelta(days=rng.randint(0, max(0, (draft.as_of - day).days)))
    how = draft.pick(
        {
            "replace": 20,
            "remove": 3,
            "conflict": 5,
            "newer": 3,
            "older": 2,
            "duplicate": 1,
            "unreadable": 3,
            "half": 2,
            "absent": 2,
            "unusable": 2,
            "future": 2,
            "undated": 1,
        }
    )
    status = ""
    if how == "remove":
        known.clear()
        return
    if how == "duplicate" and known:
        known.append(json_copy(known[-1]))
        return
    if how in ("replace", "unreadable"):
        known.clear()
    if how in ("unreadable", "half"):
        fields = draft.broken(fields)
    elif how == "absent":
        reason = concept(("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown"))
        fields = {"dataAbsentReason": reason, **{k: v for k, v in fields.items() if k == "code"}}
    elif how == "unusable":
        status = rng.choice(
            ["preliminary", "entered-in-error", "cancelled", "registered", "unknown"]
        )
    when = {
        "newer": later,
        "absent": later,
        "unusable": later,
        "older": day - timedelta(days=rng.randint(1, 90)),
        "future": draft.as_of + timedelta(days=rng.randint(1, 30)),
        "replace": draft.as_of if draft.chance(0.1) else day,
    }.get(how, day)
    known.append(draft.observation(element, when, fields, status))
    if how == "undated":
        del known[-1]["effectiveDateTime"]
    if how in ("conflict", "replace") and draft.chance(0.08):
        known.append(draft.observation(element, when, draft.value(element)))


def json_copy(resource: Json) -> Json:
    copy: Json = json.loads(dumps(resource), parse_float=Decimal)
    return copy


def relist(draft: Draft) -> None:
    """Leave a history open, or close it in a way that does not count."""
    name = draft.pick({"list_med": 3, "list_proc": 1, "list_prob": 4})
    how = draft.pick({"none": 6, "working": 1, "retired": 1, "future": 1, "older": 1, "today": 1})
    code, future = LISTS[name], draft.as_of + timedelta(days=draft.rng.randint(1, 9))
    draft.facts[name] = {
        "none": [],
        "working": [draft.closing(code, draft.ago(0, 9), mode="working")],
        "retired": [draft.closing(code, draft.ago(0, 9), status="retired")],
        "future": [draft.closing(code, future)],
        "older": [draft.closing(code, draft.ago(100, 900)), draft.closing(code, future)],
        "today": [draft.closing(code, draft.as_of)],
    }[how]


# -------------------------------------------------------------------------- patient, clearance


def repatient(draft: Draft) -> None:
    """Another sex, or a birth date at the limit, partial or missing."""
    patient, t = draft.patient, draft.as_of
    if draft.chance(0.4):
        sex = draft.pick({"male": 3, "other": 2, "unknown": 1, "": 3})
        patient["gender"] = sex
        if not sex:
            del patient["gender"]
        if sex != "male" and draft.chance(0.5):  # both sexes are possible: let them differ
            draft.rng.choice([resuppress, resuppress, reclearance])(draft)
        return
    birth = draft.near(months_after(t, -12 * 18))
    if draft.chance(0.2):
        leap = [y for y in range(t.year - 60, t.year - 17) if y % 4 == 0 and y % 100]
        birth = date(draft.rng.choice(leap), 2, 29)
    patient["birthDate"] = birth.isoformat()
    if draft.chance(0.5):
        patient["birthDate"] = birth.isoformat()[: draft.rng.choice([4, 7])]
    elif draft.chance(0.2):
        del patient["birthDate"]


def reclearance(draft: Draft) -> None:
    """Creatinine above its limit, clearance on or beside 60 mL/min: the formula decides."""
    rng, male = draft.rng, draft.patient.get("gender") == "male"
    age, per_unit = rng.choice(
        [(40, "43.2"), (44, "45"), (50, "48"), (60, "54"), (68, "60"), (80, "72")]
    )
    units = Decimal(rng.choice(["1.3", "1.5", "1.6", "1.75"]))
    value = units if male else units * Decimal("0.85")  # mg/dL
    weight = units * Decimal(per_unit) + Decimal(rng.choice(["0", "0", "0.1", "-0.1", "20", "-9"]))
    birthday = rng.choice([draft.as_of, draft.as_of + DAY, draft.as_of - timedelta(days=150)])
    birth = months_after(birthday, -12 * age)
    draft.patient["birthDate"] = birth.isoformat()
    if draft.chance(0.25):
        draft.patient["birthDate"] = birth.isoformat()[: rng.choice([4, 7])]
    unit, factor = rng.choice([("mg/dL", "1"), ("umol/L", "88.4"), ("mmol/L", "0.0884")])
    amount, high = plain(value * Decimal(factor)), plain(value * Decimal(factor) / Decimal(2))
    quantity = draft.quantity(amount, unit)
    fields: Json = {"valueQuantity": quantity}
    if draft.chance(0.85):
        bound = draft.quantity(high, unit, comparators=False)
        fields["referenceRange"] = [{"high": bound}]
    day = draft.ago(0, 9)
    draft.facts["cr"] = [draft.observation("cr", day, fields, "final")]
    weights = [weight, weight + 1] if draft.chance(0.1) else [weight]
    draft.facts["weight"] = []
    for kilograms in weights:
        unit, scale = rng.choice(
            [("kg", "1"), ("kg", "1"), ("g", "1000"), ("[lb_av]", "2.2046226")]
        )
        shown = draft.quantity(kilograms * Decimal(scale), unit)
        draft.facts["weight"].append(
            draft.observation("weight", day, {"valueQuantity": shown}, "final")
        )
    if draft.chance(0.35):
        remeasure(draft, "crcl")
    if draft.chance(0.3):
        draft.facts[rng.choice(["weight", "weight", "cr"])] = []
    if draft.chance(0.06):
        draft.patient.pop("birthDate")


# ------------------------------------------------------------------------------------ disease


def restate(draft: Draft, name: str = "") -> None:
    """Say something else about the breast cancer or about a metastasis site."""
    name = name or draft.pick({"breast": 3, "liver": 6, "lung": 3, "bone": 2, "brain": 2, "any": 2})
    codes = BREAST if name == "breast" else SITES[name]
    day = draft.ago(0, 400)
    if draft.chance(0.5):
        draft.facts[name] = []
    statements = draft.facts.setdefault(name, [])
    if draft.chance(0.1):
        return
    for _ in range(2 if draft.chance(0.25) else 1):
        if draft.chance(0.25):
            code = {"code": concept(codes[0])}
            answers = {"52101004": 2, "2667000": 2, "261665006": 1}
            fields: Json = {"valueBoolean": draft.chance(0.5)}
            if draft.chance(0.5):
                fields = draft.coded(SNOMED, answers)
            status = "preliminary" if draft.chance(0.1) else ""
            statements.append(draft.observation(name, day, {**code, **fields}, status))
            continue
        said = draft.pick({"present": 7, "refuted": 3, "doubtful": 4, "gone": 2, "error": 1})
        if name == "any" and said == "refuted" and draft.chance(0.7):
            said = "doubtful"
        proof: Json = {}
        if name == "breast" and draft.chance(0.6):
            proof = {"evidence": [{"code": [concept((SNOMED, "252416005"))]}]}
        verification, clinical = {
            "present": ("confirmed", draft.rng.choice(["active", "active", None])),
            "refuted": ("refuted", draft.rng.choice(["active", "inactive"])),
            "doubtful": (
                draft.rng.choice(["unconfirmed", "provisional", "differential"]),
                "active",
            ),
            "gone": ("confirmed", draft.rng.choice(["inactive", "remission", "resolved"])),
            "error": ("entered-in-error", None),
        }[said]
        recorded = day if draft.chance(0.92) else draft.as_of + DAY
        statements.append(draft.condition(codes, recorded, verification, clinical, **proof))


def respread(draft: Draft) -> None:
    """No metastasis on record: stage and M category decide, or the problem list."""
    for site in SITES:
        relapses = [c for c in draft.facts.get(site, []) if "onsetDateTime" in c]
        draft.facts[site] = []
        for relapse in relapses if draft.chance(0.8) else []:
            relapse["code"] = concept(BREAST[0])
            draft.facts.setdefault("breast", []).append(relapse)
    draft.facts["stage"] = []
    draft.facts["mcat"] = []
    which = draft.pick({"stage": 4, "mcat": 2, "both": 3, "none": 2})
    if which in ("stage", "both"):
        for _ in range(draft.rng.choice([1, 1, 2])):
            remeasure(draft, "stage")
    if which in ("mcat", "both"):
        remeasure(draft, "mcat")
    if draft.chance(0.5):
        draft.facts["list_prob"] = []
    if draft.chance(0.25):
        restate(draft, draft.pick({"liver": 1, "bone": 1, "any": 1}))
    if draft.chance(0.5):
        ratio = draft.rng.choice(["2.4", "2.5", "2.6", "3", "5"])
        fields = draft.ranged("alt", ratio)
        draft.facts["alt"] = [draft.observation("alt", draft.ago(0, 9), fields, "final")]


def rehistology(draft: Draft) -> None:
    """Only an unproven or superseded breast cancer condition remains."""
    for resource in draft.facts.get("breast", []):
        resource.pop("evidence", None)
    if draft.chance(0.2):
        draft.facts["breast"] = []


def rereceptor(draft: Draft) -> None:
    """Both hormone receptors at once, or both HER2 tests at once."""
    if draft.chance(0.5):
        remeasure(draft, "er")
        remeasure(draft, "pr")
        return
    if draft.chance(0.5):
        draft.facts["ihc"] = []
    for element in ("ihc", "fish") if draft.chance(0.5) else ("her2",):
        remeasure(draft, element)


def resuppress(draft: Draft) -> None:
    """A premenopausal (or unclear) woman with some ovarian suppression, or none."""
    t, rng = draft.as_of, draft.rng
    if draft.chance(0.8):
        fields = draft.coded(SNOMED, {"309606002": 3, "22636003": 1, "161541000119104": 2})
        draft.facts["meno"] = [draft.observation("meno", draft.ago(1, 60), fields, "final")]
    if draft.chance(0.15):
        remeasure(draft, "meno")
    draft.facts["gnrh"], draft.facts["surgery"] = [], []
    start, status, end, partial = draft.ago(20, 900), "", None, ""
    how = draft.pick(
        {"none": 3, "ongoing": 4, "ended": 5, "no_end": 2, "partial": 3, "unstarted": 2}
    )
    if how == "ongoing" and draft.chance(0.3):
        partial = draft.blurred(start)
    if how == "ended":
        end = str(rng.choice([t, t, t - DAY, t - DAY, t + DAY, draft.ago(2, 19)]))
        status = rng.choice(["active", "completed", "stopped"])
    elif how == "no_end":
        status = rng.choice(["completed", "stopped"])
    elif how == "partial":
        end = rng.choice([t, t, t, start]).isoformat()[: rng.choice([4, 7])]
        start = min(start, last_day(end))
        status = rng.choice(["completed", "stopped", "active"])
    elif how == "unstarted":
        start, status = rng.choice([(t, "active"), (t + DAY, "active"), (start, "not-taken")])
    if how != "none":
        intent = rng.choice(["palliative", "adjuvant", None])
        draft.facts["gnrh"].append(
            draft.medication(rng.choice(GNRH), partial or str(start), end, intent, status)
        )
    sides = {"both": "51440002", "left": "7771000", "right": "24028007", "none": ""}
    for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2])):
        site = concept((SNOMED, "15497006"))
        code = sides[draft.pick({"both": 2, "left": 4, "right": 3, "none": 2})]
        if code:
            extension = {"url": MCODE + "mcode-laterality-qualifier"}
            site["extension"] = [{**extension, "valueCodeableConcept": concept((SNOMED, code))}]
        draft.facts["surgery"].append(
            {
                "resourceType": "Procedure",
                "status": draft.pick({"completed": 7, "not-done": 1, "in-progress": 1}),
                "code": concept((SNOMED, "83152002")),
                "performedDateTime": str(
                    rng.choice([t, t + DAY, draft.ago(9, 999), draft.ago(9, 999)])
                ),
                "bodySite": [site],
            }
        )
    for name in ("list_med", "list_proc"):
        if draft.chance(0.15):
            draft.facts[name] = []


# ------------------------------------------------------------------------------------ therapy


def spans(draft: Draft, start: date, end: date) -> list[tuple[date, date]]:
    """The time from start to end, in one record or in several that overlap or nearly touch."""
    length = (end - start).days
    count = draft.rng.choice([0, 0, 0, 1, 1, 2] if length < 400 or draft.chance(0.9) else [3, 4])
    cuts = sorted(draft.rng.sample(range(1, max(2, length)), min(count, max(1, length - 1))))
    found: list[tuple[date, date]] = []
    first = start
    for cut in cuts:
        last = start + timedelta(days=cut)
        if last >= first:
            found.append((first, last))
            gap = draft.rng.choice([28, 28, 29, 29, 1, 14, -20])
            first = max(start, last + timedelta(days=gap))
    if first <= end:
        found.append((first, end))
    return found


def record(
    draft: Draft, drug: str, span: tuple[date, date], intent: str | None, vague: float
) -> Json:
    """A medication record, with less precise dates or no end where ``vague`` says so."""
    start, end = span
    first, last, status = str(start), str(end), draft.rng.choice(["completed", "stopped"])
    if draft.vaguely(vague):
        first = draft.blurred(start)
    kind = "exact"
    if draft.vaguely(vague):
        kind = draft.pick({"blurred": 4, "missing": 2})
    if end > draft.as_of:
        kind = draft.pick({"ongoing": 3, "exact": 2, "blurred": 1})
        status = draft.rng.choice(["active", "active", "on-hold", "completed"])
    if kind == "blurred":
        last = draft.blurred(end, late=True)
    if kind == "ongoing":
        status = draft.rng.choice(["active", "on-hold"])
    if draft.chance(0.04):
        status = draft.rng.choice(["entered-in-error", "intended", "not-taken", "unknown"])
    return draft.medication(
        drug, first, None if kind in ("missing", "ongoing") else last, intent, status
    )


def reendocrine(draft: Draft) -> None:
    """Courses, relapse and progression on and beside the 24, 12 and 6 month anniversaries."""
    rng, t, facts = draft.rng, draft.as_of, draft.facts
    kind = draft.pick({"adjuvant": 7, "salvage": 5, "both": 2, "none": 1})
    vague, draft.vague_left = rng.choice([0, 0, 0.2, 0.45]), rng.choice([1, 2, 2, 3])
    facts["endocrine"] = []
    for site in [*SITES, "breast"]:
        facts[site] = [c for c in facts.get(site, []) if "onsetDateTime" not in c]
    facts["progression"] = []
    if kind in ("adjuvant", "both"):
        start = draft.ago(900, 3000)
        enough = draft.near(months_after(start, 24))
        end = enough if draft.chance(0.5) else months_after(start, rng.randint(14, 80))
        end = min(end, t + timedelta(days=60))
        edges = [months_after(end, 12), months_after(end, 12), enough, end, draft.ago(1, 500)]
        relapse = draft.near(rng.choice(edges))
        add_course(draft, start, end, "adjuvant", vague)
        if not draft.chance(0.1):
            add_relapse(draft, min(relapse, t), vague)
    if kind in ("salvage", "both"):
        start = draft.ago(120, 800)
        worse = draft.near(months_after(start, 6)) if draft.chance(0.6) else draft.ago(1, 400)
        end = rng.choice(
            [worse, worse, draft.near(months_after(start, 6)), t + DAY, draft.ago(0, 100)]
        )
        add_course(draft, start, max(end, start), "palliative", vague)
        facts["progression"].append(progress(draft, worse, True))
        if draft.chance(0.3):
            facts["progression"].append(progress(draft, draft.ago(0, 300), False))
    if kind == "none" and draft.chance(0.5):
        add_relapse(draft, draft.ago(10, 700), vague)
    for name in ("list_med", "list_prob"):
        if draft.chance(0.12):
            facts[name] = []


def add_course(draft: Draft, start: date, end: date, intent: str, vague: float) -> None:
    silent = draft.rng.choice([0, 0, 0, 0.5, 1])
    if silent:
        draft.vague_left = min(draft.vague_left, 2)
    for span in spans(draft, start, end):
        shown = None if draft.chance(silent) else intent
        if draft.chance(0.05):
            shown = draft.rng.choice(["neoadjuvant", "curative"])
        drug = draft.rng.choice(ENDOCRINE if draft.chance(0.95) else OTHER_DRUGS)
        draft.facts["endocrine"].append(record(draft, drug, span, shown, vague))


def add_relapse(draft: Draft, day: date, vague: float) -> None:
    """A relapse, of the breast cancer or as a metastasis."""
    name = draft.pick({"lung": 4, "breast": 3, "bone": 1, "any": 1})
    onset = draft.blurred(day) if draft.vaguely(vague) else str(day)
    dated = {} if draft.chance(0.04) else {"onsetDateTime": onset}
    recorded = draft.as_of - (draft.as_of - max(day, last_day(onset[:10]))) * draft.rng.random()
    recorded = min(recorded, draft.as_of) if draft.chance(0.96) else draft.as_of + DAY
    clinical = draft.rng.choice(["recurrence", "recurrence", "relapse"])
    verification = (
        "confirmed" if draft.chance(0.94) else draft.rng.choice(["provisional", "refuted"])
    )
    codes = BREAST if name == "breast" else SITES[name]
    relapse = draft.condition(codes, recorded, verification, clinical, **dated)
    draft.facts.setdefault(name, []).append(relapse)


def progress(draft: Draft, day: date, worse: bool) -> Json:
    answer = "271299001" if worse else draft.rng.choice(["359746009", "268910001"])
    value = {"valueCodeableConcept": concept((SNOMED, answer))}
    code = {"code": concept((LOINC, "97509-4"))}
    status = "entered-in-error" if draft.chance(0.04) else "final"
    return draft.observation("progression", day, {**code, **value}, status)


def rechemo(draft: Draft) -> None:
    """Lines that share a day, touch, or lie apart, of several intents."""
    rng = draft.rng
    vague, draft.vague_left = rng.choice([0, 0, 0.2, 0.45]), rng.choice([1, 2, 2, 3])
    count = rng.choice([0, 1, 1, 2, 2, 3, 3, 4])
    draft.facts["chemo"] = []
    start = draft.ago(200, 900)
    for _ in range(count):
        end = start + timedelta(days=rng.randint(20, 150))
        intents = {"palliative": 9, "adjuvant": 1, "neoadjuvant": 1, "curative": 1, "": 2}
        drug = rng.choice(CHEMO if draft.chance(0.93) else OTHER_DRUGS)
        draft.facts["chemo"].append(
            record(draft, drug, (start, end), draft.pick(intents) or None, vague)
        )
        start = end + timedelta(days=rng.choice([-15, -1, 0, 0, 1, 1, 2, 40, 120]))
    if draft.chance(0.15):
        draft.facts["list_med"] = []


# ------------------------------------------------------------------------------ consent, noise


def reconsent(draft: Draft) -> None:
    """Another latest consent: its status, its provision, its scope, its date."""
    statuses = {"active": 4, "inactive": 3, "rejected": 3, "draft": 1, "proposed": 1}
    found = draft.facts.setdefault("consent", [])
    if draft.chance(0.6):
        found.clear()
    day = draft.ago(0, 30)
    for _ in range(draft.rng.choice([0, 1, 1, 1, 1, 2])):
        status = draft.pick({**statuses, "entered-in-error": 1})
        provisions = [None, None, "permit", "deny"]
        provision = draft.rng.choice(
            provisions[:3] if status in ("draft", "proposed") else provisions
        )
        scope = draft.pick({"research": 8, "treatment": 1, "patient-privacy": 1})
        when = draft.rng.choice([day, day, draft.as_of, draft.as_of + DAY])
        found.append(draft.consent(status, when, provision, scope))


def distract(draft: Draft) -> None:
    """Resources that no criterion reads."""
    day = draft.ago(0, 60)
    value = {"valueQuantity": draft.quantity(Decimal("4.2"), "mmol/L", comparators=False)}
    sodium = {"code": concept((LOINC, "2951-2")), **value}
    measured = {"code": concept((LOINC, "2164-2")), **draft.value("crcl")}  # 24-hour clearance
    cyclin = draft.medication(
        draft.rng.choice(OTHER_DRUGS), str(draft.ago(90, 400)), None, "palliative"
    )
    draft.facts["distraction"] = [
        draft.observation("other", day, sodium),
        draft.observation("other", day, measured),
        cyclin,
        draft.condition([(SNOMED, "38341003")], day),
    ]


CHANGES: dict[Callable[[Draft], None], int] = {
    remeasure: 55,
    relist: 4,
    repatient: 8,
    reclearance: 8,
    restate: 5,
    respread: 6,
    rehistology: 1,
    rereceptor: 6,
    resuppress: 9,
    reendocrine: 11,
    rechemo: 9,
    reconsent: 8,
    distract: 1,
}


def random_bundle(rng: random.Random, case: int) -> tuple[Json, date]:
    """A Bundle and its as-of date; the patient's id is ``R`` and the case in five digits."""
    draft = Draft(rng, case)
    reference(draft)
    changes = rng.choices([0, 1, 2, 3, 4, 5, 6, 7, 8], weights=[2, 5, 6, 7, 7, 6, 5, 4, 4])[0]
    for change in rng.choices(list(CHANGES), weights=list(CHANGES.values()), k=changes):
        change(draft)
    patient = {"resourceType": "Patient", "id": draft.id, **draft.patient}
    entries = [patient]
    for element, resources in draft.facts.items():
        for number, resource in enumerate(resources, 1):
            name = f"{draft.id}-{element.replace('_', '-')}-{number}"
            subject = "patient" if resource["resourceType"] == "Consent" else "subject"
            link = {subject: {"reference": f"Patient/{draft.id}"}}
            entries.append({**resource, "id": name, **link})
    rng.shuffle(entries)
    base = "http://eligibility.example.org/fhir/"
    bundle: Json = {
        "resourceType": "Bundle",
        "id": draft.id,
        "type": "collection",
        "timestamp": f"{draft.as_of}T00:00:00Z",
        "entry": [
            {"fullUrl": f"{base}{r['resourceType']}/{r['id']}", "resource": r} for r in entries
        ],
    }
    return bundle, draft.as_of


def blur(rng: random.Random, bundle: Json) -> None:
    """Forget the day, or the month, of some observations, consents and lists.

    Lesions keep theirs: which of them are of one day is then not read exactly (docs/semantics.md).
    """
    for entry in bundle["entry"]:
        resource = entry["resource"]
        paths = {"Observation": "effectiveDateTime", "Consent": "dateTime", "List": "date"}
        path = paths.get(resource["resourceType"], "")
        if path in resource and "lesion" not in resource["id"] and rng.random() < 0.1:
            resource[path] = resource[path][: rng.choice([4, 7, 7, 7])]
