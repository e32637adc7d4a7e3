"""Patients in plain words: one fact a line, made into the FHIR R4 bundle that records it.

    as of 2026-11-02
    female                                also: male, sex other, sex unknown
    born 1970-05
    hemoglobin 8.8 g/dL on 2026-10-26
    creatinine < 0.5 mg/dL
    alt 120 U/L, ULN 40 U/L for women, ULN 50 U/L for men
    platelets 140 10*9/L, LLN 150 10*9/L
    hemoglobin 12 without unit            the value cannot be read
    hemoglobin no value                   dataAbsentReason
    ecog coded 1                          an answer by code
    life_expectancy attested yes
    er positive                           also: er 5 %, er unreadable, er positive or negative
    liver_metastasis absent on 2026-10    also: present, provisional, inactive, entered in error
    liver_metastasis observed absent      an Observation, not a Condition
    heart_failure coded 417996009 resolved              by that code of the entry
    myocardial_infarction history         by a history code; also: history absent, history resolved
    breast_cancer present, relapse, onset 2024-02, by histology
    brain_metastasis present, severity severe           also: severity unreadable; a site
    oophorectomy left, site pelvis
    oophorectomy left                     also: right, both, without side
    tamoxifen adjuvant from 2021-03-15 to 2023-03-14
    endocrine_therapy unrecorded intent from 2021, completed       also: stopped, ongoing, on-hold
    tamoxifen ordered on 2021-03-15       a MedicationRequest
    liver_metastasis present, abated 2026-03
    lesion 12 mm lung CT                  also: lesion 16 mm short lymph_node; lesion 9 mm
    informed_consent signed               also: rejected, draft, denied
    hospitalization finished on 2026-05-01 to 2026-05-09      also: in-progress, without an end
    medication_history closed             also: working; closed empty unavailable (or nilknown)
    allergy to paclitaxel                 also: resolved, refuted, unconfirmed, intolerance after it
    allergy to something                  without a code; also: no known allergy
    pregnancy named by encounter on 2026-10-01            in a place that is not read as that; also:
    asthma named by result                the value of an Observation; by order (a ServiceRequest),
                                          reason (of a prescription), conclusion, answer, plan,
                                          complication, finding, part, refuted, entered in error
    problem_list closed naming Gout       a list with an item that is only called so
    visceral_crisis answered no           what is asked of a person: an answer, see `answers_of`
    first_dose answered 2026-11-30        the day of a time point for this patient

A fact without `on DATE` is of the as-of date, one `on DATE to DATE` of a period, one that ends in
`undated` has no date, and one that ends in `status WORD` has that status. Names, codes and units
are those of the vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

from protocol_logic.knowledge import vocabulary as voc

Json: TypeAlias = dict[str, Any]

_LOINC, _SNOMED = "http://loinc.org", "http://snomed.info/sct"
_HL7 = "http://terminology.hl7.org/CodeSystem/"
_MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
_UCUM = "http://unitsofmeasure.org"
_SEXES = {"women": "248152002", "men": "248153007"}
_SIDES = {"both": "51440002", "left": "7771000", "right": "24028007"}
_INTENTS = {
    "adjuvant": "373846009",
    "neoadjuvant": "373847000",
    "palliative": "363676003",
    "curative": "373808002",
}
_ELSEWHERE = {"lung": "39607008", "liver": "10200004", "breast": "76752008"}
_OTHERWISE = {"CT": "77477000", "MRI": "113091000"}
_UNSURE = ("provisional", "unconfirmed", "differential")

_DATE = r"\d{4}(?:-\d\d){0,2}"
_ANSWER = re.compile(
    r"(?P<element>\S+) answered (?P<value>[\w-]+(?: since [\d-]+| by \w+)?)"
    rf"(?: on (?P<date>{_DATE}))?"
)
_ON = re.compile(rf"\s+on (?P<date>{_DATE})(?: to (?P<end>{_DATE}))?$")
_STATUS = re.compile(r",? status (?P<status>[a-z-]+)$")
_AMOUNT = re.compile(r"(?:(?P<sign>[<>]=?) )?(?P<number>\d+(?:\.\d+)?)(?: (?P<unit>\S+))?")
_LIMIT = re.compile(r"(?P<end>ULN|LLN) (?P<amount>.+?)(?: for (?P<sex>women|men))?")
_PERIOD = re.compile(
    rf"(?:(?P<intent>\w+|unrecorded intent) )?(?:from (?P<start>{_DATE}))?"
    rf"(?: ?to (?P<end>{_DATE}))?(?:,? ?(?P<status>completed|stopped|on-hold|ongoing))?"
)
_SIZE = re.compile(r"(?P<amount>(?:[<>]=? )?[\d.]+ (?:mm|cm))(?P<short> short)?")


class NotPlain(ValueError):
    """A line that is no fact in this notation."""


def answers_of(text: str) -> str:
    """The file of answers that people give: those lines that say `answered`."""
    lines = [line.strip() for line in text.splitlines()]
    as_of = next(line.removeprefix("as of ") for line in lines if line.startswith("as of "))
    rows = ["patient,element,value,who,when,source"]
    for line in lines:
        match = _ANSWER.fullmatch(line)
        if match is not None:
            rows.append(f"p,{match['element']},{match['value']},w,{match['date'] or as_of},")
    return "\n".join(rows)


def bundle_of(text: str, vocabulary: voc.Vocabulary) -> Json:
    """The bundle that records the facts; resources are numbered in the order of their lines."""
    writer = _Writer(vocabulary)
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            writer.line(line)
        except (NotPlain, KeyError, StopIteration) as error:
            raise NotPlain(f"cannot be read as a fact of a patient: `{line}` ({error})") from error
    return writer.bundle()


class _Writer:
    def __init__(self, vocabulary: voc.Vocabulary) -> None:
        self.entries = vocabulary.entries
        self.patient: Json = {"resourceType": "Patient", "id": "p"}
        self.resources: list[tuple[Json, str | None]] = []
        self.as_of = ""
        concepts = [c for c in vocabulary.of(voc.Concept) if c.kind == "medication"]
        self.drugs = {code.display: code for c in concepts for code in c.codes}
        self.lesion = next(vocabulary.of(voc.Lesion), None)
        self.qualifiers = {q.name: q for q in vocabulary.of(voc.Qualifier)}

    def bundle(self) -> Json:
        if not self.as_of:
            raise NotPlain("the patient has no `as of DATE`")
        entries = [self.patient]
        for number, (resource, path) in enumerate(self.resources, 1):
            if path is not None:
                resource.setdefault(path, self.as_of)
            kinds = ("Consent", "AllergyIntolerance")
            person = "patient" if resource["resourceType"] in kinds else "subject"
            entries.append({**resource, "id": f"{number}", person: {"reference": "Patient/p"}})
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": f"{self.as_of}T00:00:00Z",
            "entry": [{"resource": entry} for entry in entries],
        }

    def line(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        if line.startswith("as of "):
            self.as_of = line.removeprefix("as of ")
        elif _ANSWER.fullmatch(line):
            pass  # no record holds it
        elif line in ("female", "male"):
            self.patient["gender"] = line
        elif name == "sex":
            self.patient["gender"] = rest
        elif name == "allergy" or line.startswith("no known allergy"):
            self._allergy(line)
        elif name == "born":
            self.patient["birthDate"] = rest
        else:
            self._fact(name, rest)

    def _allergy(self, line: str) -> None:
        on = _ON.search(line)
        line = line[: on.start()] if on else line
        status = {"resolved", "refuted", "unconfirmed", "intolerance"} & {line.split()[-1]}
        said = status.pop() if status else "active"
        what = line.removeprefix("allergy to ").removesuffix(f" {said}")
        code: Json = {"text": what}
        if what == "no known allergy":
            code = _concept((_SNOMED, "716186003"))
        elif what in self.drugs or what in self.entries:
            drug = self.drugs.get(what) or self.entries[what].codes[0]  # type: ignore[union-attr]
            code = _concept(drug.key)
        verification = said if said in ("refuted", "unconfirmed") else "confirmed"
        allergy = "allergyintolerance-"
        resource = {
            "resourceType": "AllergyIntolerance",
            "type": "intolerance" if said == "intolerance" else "allergy",
            "code": code,
            "clinicalStatus": _concept(
                (f"{_HL7}{allergy}clinical", said if said == "resolved" else "active")
            ),
            "verificationStatus": _concept((f"{_HL7}{allergy}verification", verification)),
        }
        if on:
            resource["recordedDate"] = on["date"]
        self.resources.append((resource, None if on else "recordedDate"))

    def _fact(self, name: str, rest: str) -> None:
        status = _STATUS.search(rest)
        rest = rest[: status.start()] if status else rest
        on = _ON.search(rest)
        undated = rest.endswith(", undated")
        rest = rest[: on.start()] if on else rest.removesuffix(", undated")
        resource, path = self._resource(name, rest)
        if resource["resourceType"] == "Encounter" and on:
            ends = {"start": on["date"], "end": on["end"]}
            resource["period"] = {edge: day for edge, day in ends.items() if day}
        elif path is not None and on and on["end"]:
            period = path.replace("DateTime", "Period")
            resource[period], path = {"start": on["date"], "end": on["end"]}, None
        elif path is not None and on:
            resource[path] = on["date"]
        if status:
            resource["status"] = status["status"]
        self.resources.append((resource, None if undated else path))

    def _resource(self, name: str, rest: str) -> tuple[Json, str | None]:
        """The resource of a fact, and the path of its date."""
        if rest == "ordered":
            code = self.drugs.get(name) or self.entries[name].codes[0]  # type: ignore[union-attr]
            return _order(code), "authoredOn"
        if name in self.drugs:
            return self._medication(self.drugs[name], rest), None
        if name == "lesion":
            return self._lesion(rest), "effectiveDateTime"
        entry = self.entries[name]
        if rest.startswith("named by "):
            return _naming(entry, rest.removeprefix("named by "))
        kinds: Mapping[type[voc.Named], tuple[Callable[[Any, str], Json], str | None]] = {
            voc.Quantity: (_quantity, "effectiveDateTime"),
            voc.Status: (_named, "effectiveDateTime"),
            voc.Consent: (_consent, "dateTime"),
            voc.History: (_list, "date"),
        }
        if type(entry) in kinds:
            write, path = kinds[type(entry)]
            return write(entry, rest), path
        if not isinstance(entry, voc.Concept):
            raise NotPlain(f"nothing is recorded under `{name}`")
        if entry.kind == "medication":
            return self._medication(entry.codes[0], rest), None
        if rest in ("finished", "in-progress"):
            coding = {"system": entry.codes[0].system, "code": entry.codes[0].code}
            return {"resourceType": "Encounter", "status": rest, "class": coding}, None
        if rest.startswith("coded "):
            said, _, rest = rest.removeprefix("coded ").partition(" ")
            codes, past = ([c for c in of if c.code == said] for of in (entry.codes, entry.past))
            entry = replace(entry, codes=tuple(codes), past=tuple(past))
        if rest.partition(" ")[0].rstrip(",") == "history":
            said = rest.removeprefix("history").lstrip(" ,") or "present"
            then = replace(entry, codes=entry.past)
            return _condition(then, said, self.qualifiers), "recordedDate"
        if entry.kind == "procedure":
            return _procedure(entry, rest, self.qualifiers), "performedDateTime"
        if rest.startswith("observed "):
            value = {"observed present": True, "observed absent": False}[rest]
            return _observation(entry.codes[0], {"valueBoolean": value}), "effectiveDateTime"
        return _condition(entry, rest, self.qualifiers), "recordedDate"

    def _medication(self, code: voc.Code, rest: str) -> Json:
        match = _matched(_PERIOD, rest)
        if match["end"] is None and match["status"] is None:
            raise NotPlain("say `to DATE`, `ongoing`, `completed` or `stopped`")
        resource: Json = {
            "resourceType": "MedicationStatement",
            "status": {"ongoing": "active", None: "completed"}.get(match["status"])
            or match["status"],
            "medicationCodeableConcept": _concept((code.system, code.code)),
            "effectivePeriod": {k: match[k] for k in ("start", "end") if match[k] is not None},
        }
        if match["intent"] not in (None, "unrecorded intent"):
            resource["extension"] = _extension("procedure-intent", _INTENTS[match["intent"]])
        return resource

    def _lesion(self, rest: str) -> Json:
        lesion = self.lesion
        assert lesion is not None
        components = []
        for match in _SIZE.finditer(rest):
            axis = lesion.axes["short" if match["short"] else "longest"][0]
            size = {"valueQuantity": _amount(match["amount"])}
            components.append({"code": _concept(axis.key), **size})
        resource = _observation(lesion.codes[0], {"component": components})
        for word in _SIZE.sub("", rest).split():
            sites = {name: codes[0].key for name, codes in lesion.sites.items()}
            sites |= {name: (_SNOMED, code) for name, code in _ELSEWHERE.items()}
            methods = {name: codes[0].key for name, codes in lesion.methods.items()}
            methods |= {name: (_SNOMED, code) for name, code in _OTHERWISE.items()}
            if word in sites:
                resource["bodySite"] = _concept(sites[word])
            else:
                resource["method"] = _concept(methods[word])
        return resource


# ---- observations --------------------------------------------------------------------------------


def _quantity(entry: voc.Quantity, rest: str) -> Json:
    said, *limits = rest.split(", ")
    code = entry.codes[0].key
    value: Json
    if said == "no value":
        value = {"dataAbsentReason": _concept((_HL7 + "data-absent-reason", "unknown"))}
    elif said in ("attested yes", "attested no"):
        code = next(iter(entry.attested))
        value = {"valueBoolean": said == "attested yes"}
    elif said.startswith("coded "):
        number = int(said.removeprefix("coded "))
        value = {
            "valueCodeableConcept": _concept(next(k for k, n in entry.coded.items() if n == number))
        }
    elif entry.unit == "1" and said.isdigit():
        value = {"valueInteger": int(said)}
    else:
        value = {"valueQuantity": _amount(said)}
    ranges = [_range(limit) for limit in limits]
    return _observation(code, {**value, **({"referenceRange": ranges} if ranges else {})})


def _range(limit: str) -> Json:
    match = _matched(_LIMIT, limit)
    found: Json = {"high" if match["end"] == "ULN" else "low": _amount(match["amount"])}
    if match["sex"]:
        found["appliesTo"] = [_concept((_SNOMED, _SEXES[match["sex"]]))]
    return found


def _named(entry: voc.Status, rest: str) -> Json:
    """A coded answer, several of them for `A or B`, or a number."""
    words = rest.split(" or ")
    if rest == "unreadable":
        value: Json = {"text": "see report"}
    elif set(words) <= set(entry.values):
        meaning = {name: key for key, name in reversed([*entry.meanings.items()])}
        value = _concept(*(meaning[word] for word in words))
    else:
        # Where there are codes for statuses and for numbers, those for numbers stand last.
        return _observation(entry.codes[-1], {"valueQuantity": _amount(rest)})
    return _observation(entry.codes[0], {"valueCodeableConcept": value})


def _observation(code: voc.Code | tuple[str, str], fields: Json) -> Json:
    key = code.key if isinstance(code, voc.Code) else code
    return {"resourceType": "Observation", "status": "final", "code": _concept(key), **fields}


def _amount(text: str) -> Json:
    match = _matched(_AMOUNT, text.removesuffix(" without unit"))
    found: Json = {"value": Decimal(match["number"])}
    if match["sign"]:
        found["comparator"] = match["sign"]
    if match["unit"]:
        found |= {"unit": match["unit"], "system": _UCUM, "code": match["unit"]}
    return found


# ---- other resources -----------------------------------------------------------------------------


def _condition(entry: voc.Concept, rest: str, qualifiers: Mapping[str, voc.Qualifier]) -> Json:
    said, *more = rest.split(", ")
    verification, clinical = "confirmed", "active"
    if said == "absent":
        verification = "refuted"
    elif said == "entered in error":
        verification = "entered-in-error"
    elif said in _UNSURE:
        verification = said
    elif said != "present":
        clinical = said
    resource: Json = {"resourceType": "Condition", "code": _concept(entry.codes[0].key)}
    for word in more:
        if word.startswith("onset "):
            resource["onsetDateTime"] = word.removeprefix("onset ")
        elif word.startswith("abated "):
            resource["abatementDateTime"] = word.removeprefix("abated ")
        elif word.startswith("by "):
            proof = entry.evidence[word.removeprefix("by ")][0].key
            resource["evidence"] = [{"code": [_concept(proof)]}]
        elif word.partition(" ")[0] in qualifiers:
            _qualify(resource, qualifiers, word)
        else:
            clinical = {"relapse": "relapse", "recurrence": "recurrence"}[word]
    resource["verificationStatus"] = _concept((_HL7 + "condition-ver-status", verification))
    resource["clinicalStatus"] = _concept((_HL7 + "condition-clinical", clinical))
    return resource


def _naming(entry: voc.Entry, where: str) -> tuple[Json, str | None]:
    """A resource that names an entry where it is not read as that."""
    assert isinstance(entry, voc.Concept)
    named = _concept(entry.codes[0].key)
    if where == "encounter":
        ambulatory = {"system": f"{_HL7}v3-ActCode", "code": "AMB"}
        visit = {"resourceType": "Encounter", "status": "finished", "class": ambulatory}
        return {**visit, "reasonCode": [named]}, None
    if where == "order":
        order = {"resourceType": "ServiceRequest", "status": "active", "intent": "order"}
        return {**order, "code": named}, None
    if where in _PLACES:
        return {**_PLACES[where], **_placed(where, named)}, None
    code = {"result": "29308-4", "family history": "10157-6"}[where]
    return _observation((_LOINC, code), {"valueCodeableConcept": named}), "effectiveDateTime"


_PLACES: Mapping[str, Json] = {
    "reason": {"resourceType": "MedicationRequest", "status": "active", "intent": "order"},
    "conclusion": {"resourceType": "DiagnosticReport", "status": "final"},
    "answer": {"resourceType": "QuestionnaireResponse", "status": "completed"},
    "plan": {"resourceType": "CarePlan", "status": "active", "intent": "plan"},
    "complication": {"resourceType": "Procedure", "status": "completed"},
    "finding": {"resourceType": "ClinicalImpression", "status": "completed"},
    "part": {"resourceType": "Observation", "status": "final"},
    "code of a procedure": {"resourceType": "Procedure", "status": "completed"},
    "refuted": {"resourceType": "Condition"},
    "entered in error": {"resourceType": "DiagnosticReport", "status": "entered-in-error"},
    "relative": {"resourceType": "FamilyMemberHistory", "status": "completed"},
}


def _placed(where: str, named: Json) -> Json:
    """The element that names it, and what the resource is about: something of no entry."""
    hernia = {"code": _concept((_SNOMED, "396232000"))}
    panel = {"code": _concept((_LOINC, "29308-4"))}
    refuted = {"verificationStatus": _concept((_HL7 + "condition-ver-status", "refuted"))}
    ibuprofen = _concept(("http://www.nlm.nih.gov/research/umls/rxnorm", "5640"))
    found: Mapping[str, Json] = {
        "reason": {"medicationCodeableConcept": ibuprofen, "reasonCode": [named]},
        "conclusion": {"conclusionCode": [named]},
        "entered in error": {"conclusionCode": [named]},
        "answer": {"item": [{"answer": [{"valueCoding": named["coding"][0]}]}]},
        "plan": {"activity": [{"detail": {"code": named}}]},
        "complication": {"code": _concept((_SNOMED, "80146002")), "complication": [named]},
        "finding": {"finding": [{"itemCodeableConcept": named}]},
        "part": {**panel, "component": [{**panel, "valueCodeableConcept": named}]},
        "code of a procedure": {"code": named},
        "refuted": {**hernia, **refuted, "evidence": [{"code": [named]}]},
        "relative": {"condition": [{"code": named}]},
    }
    return found[where]


_ELEMENTS = {"severity": "severity", "stage": "stage", "site": "bodySite"}


def _qualify(resource: Json, qualifiers: Mapping[str, voc.Qualifier], text: str) -> None:
    """`severity severe`, `severity unreadable`; of stages and sites there may be several."""
    name, _, value = text.partition(" ")
    qualifier = qualifiers[name]
    said: Json = {"text": "see report"}
    if value != "unreadable":
        said = _concept(next(key for key, meant in qualifier.meanings.items() if meant == value))
    path = _ELEMENTS[qualifier.of]
    if path == "severity":
        coding = [*resource.get(path, {}).get("coding", []), *said.get("coding", [])]
        resource[path] = {**said, "coding": coding} if coding else said
    else:
        said = {"summary": said} if path == "stage" else said
        resource[path] = [*resource.get(path, []), said]


def _procedure(entry: voc.Concept, rest: str, qualifiers: Mapping[str, voc.Qualifier]) -> Json:
    rest, *more = rest.split(", ")
    resource: Json = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": _concept(entry.codes[0].key),
    }
    if rest != "without side":
        side = _extension("laterality-qualifier", _SIDES[rest])
        resource["bodySite"] = [{**_concept((_SNOMED, "15497006")), "extension": side}]
    for word in more:
        _qualify(resource, qualifiers, word)
    return resource


def _order(code: voc.Code) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": _concept(code.key),
    }


def _consent(entry: voc.Consent, rest: str) -> Json:
    status = {"signed": "active", "denied": "active"}.get(rest, rest)
    resource: Json = {
        "resourceType": "Consent",
        "status": status,
        "scope": _concept(entry.scope.key),
    }
    if rest == "denied":
        resource["provision"] = {"type": "deny"}
    return resource


def _list(entry: voc.History, rest: str) -> Json:
    rest, _, named = rest.partition(" naming ")
    rest, _, reason = rest.partition(" empty ")
    mode = {"closed": "snapshot", "working": "working"}[rest]
    code = _concept(entry.codes[0].key)
    found = {"resourceType": "List", "status": "current", "mode": mode, "code": code}
    if reason:
        found["emptyReason"] = _concept((f"{_HL7}list-empty-reason", reason))
    item = {"reference": named} if "/" in named else {"display": named}
    return {**found, "entry": [{"item": item}]} if named else found


def _concept(*keys: tuple[str, str]) -> Json:
    return {"coding": [{"system": system, "code": code} for system, code in keys]}


def _extension(name: str, code: str) -> list[Json]:
    concept = _concept((_SNOMED, code))
    return [{"url": f"{_MCODE}mcode-{name}", "valueCodeableConcept": concept}]


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise NotPlain(f"what is `{text}`?")
    return match
