"""An independent oracle for the ten criteria of the seed protocol, by brute force over completions.

It is written from ``seed_cases/README.md`` alone and shares no code with the system that it checks.
The record of a patient leaves some *elements* uncertain. Every completion (one choice for each of
them) is decided by two-valued logic; a criterion is met (not met) when it is so in all completions,
and an element is a gap when two completions that differ only in it have different outcomes. Where
the README leaves room, the reading taken is marked READING.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import product

from tests.differential.seed_oracle_lab import organ_function
from tests.differential.seed_oracle_logic import BOTH, Choice, Conjunction, Factor
from tests.differential.seed_oracle_record import (
    AJCC,
    BREAST_CANCER,
    LOCAL,
    LOINC,
    MCODE,
    SITES,
    SNOMED,
    Json,
    Record,
    codes_of,
    loinc,
    one_code,
    parse_day,
    samples,
    snomed,
    span_of,
)
from tests.differential.seed_oracle_time import chemotherapy_lines, endocrine_resistance

# READING: section 8 lets M0 (or a stage below 4) deny the sites that nobody mentions "while no site
# is present", and liver_metastasis "is then false too, since it implies metastatic". With M1 or
# stage 4 beside it, metastatic is true, so that reason is gone. True: the denial needs metastatic
# to be false. False: the condition alone, to the letter.
DENIAL_NEEDS_NOT_METASTATIC = True

GNRH = {"50610", "42375"}
RESULT = {
    (SNOMED, "10828004"): "positive",
    (SNOMED, "260385009"): "negative",
    (SNOMED, "42425007"): "equivocal",
}


@dataclass(frozen=True)
class Judgement:
    """``outcomes`` and ``gaps`` are by criterion, "1" to "10".

    ``eligibility`` is the joint reading, ``kleene`` the plain conjunction of the outcomes;
    ``vacuous`` names the criteria that are met because their condition does not apply.
    """

    outcomes: dict[str, str]
    eligibility: str
    kleene: str
    gaps: dict[str, list[str]]
    vacuous: list[str]

    @property
    def missing_data(self) -> list[str]:
        return sorted({element for gaps in self.gaps.values() for element in gaps})


# ---------------------------------------------------------------------------- criteria 1, 2, 3, 10


def possible_ages(record: Record) -> list[int]:
    """No birth date: either side of 18; nothing else reads the age then."""
    return record.ages() or [17, 18]


def adult_woman(record: Record) -> Conjunction:
    sex: dict[Choice, bool] = {(s,): s == "female" for s in record.sexes}
    adult: dict[Choice, bool] = {(a,): a >= 18 for a in possible_ages(record)}
    return Conjunction([Factor(("gender",), sex), Factor(("birth_date",), adult)])


def ecog_0_1(record: Record) -> set[bool]:
    answers = {
        (LOINC, code): score
        for score, code in enumerate(
            ["LA9622-7", "LA9623-5", "LA9624-3", "LA9625-0", "LA9626-8", "LA9627-6"]
        )
    }

    def read(observation: Json) -> list[int] | None:
        score = one_code(observation.get("valueCodeableConcept"), answers)
        if "valueInteger" in observation:
            score = observation["valueInteger"]
        return None if score is None or score not in range(6) else [score]

    scores = record.values(loinc("89247-1"), read)
    return {score <= 1 for score in (scores or range(6))}


def life_expectancy(record: Record) -> set[bool]:
    def read(observation: Json) -> list[bool] | None:
        if "valueBoolean" in observation:
            return [observation["valueBoolean"]]
        span = span_of(observation.get("valueQuantity"), "life_expectancy")
        return None if span is None else [v >= 84 for v in samples(span, [Fraction(84)])]

    codes = frozenset([(LOCAL, "life-expectancy"), (LOCAL, "life-expectancy-ge-12wk")])
    return set(record.values(codes, read) or BOTH)


def consent(record: Record) -> set[bool]:
    scope = ("http://terminology.hl7.org/CodeSystem/consentscope", "research")
    statuses = ("active", "inactive", "rejected", "draft", "proposed")
    found = []
    for resource in record.resources:
        if resource["resourceType"] == "Consent" and resource.get("status") in statuses:
            day = parse_day(resource.get("dateTime"))
            if day is not None and day <= record.as_of and scope in codes_of(resource["scope"]):
                found.append((day, resource))
    last = max((day for day, _ in found), default=None)
    values: set[bool] = set()
    for _, resource in (pair for pair in found if pair[0] == last):
        denied = resource.get("provision", {}).get("type") == "deny"
        if denied or resource["status"] in ("inactive", "rejected"):
            values.add(False)
        else:
            values |= {True} if resource["status"] == "active" else BOTH
    return values or set(BOTH)


# ------------------------------------------------------------------------------------- criterion 4


def receptor(record: Record, status: str, percent: str) -> set[bool]:
    answers = {
        (SNOMED, "10828004"): True,
        (SNOMED, "260385009"): False,
        (LOINC, "LA6576-8"): True,
        (LOINC, "LA6577-6"): False,
    }

    def read(observation: Json) -> list[bool] | None:
        if "valueQuantity" in observation:
            span = span_of(observation["valueQuantity"], "receptor")
            return None if span is None else [v >= 1 for v in samples(span, [Fraction(1)])]
        answer = one_code(observation.get("valueCodeableConcept"), answers)
        return None if answer is None else [answer]

    return set(record.values(loinc(status, percent), read) or BOTH)


def her2_negative(record: Record) -> set[bool]:
    """Decided on what is recorded: an unreadable result is completed, an absent one is not."""
    scores = {(SNOMED, "260347006"): "1+", (SNOMED, "260348001"): "2+", (SNOMED, "260349009"): "3+"}

    def results(code: str, table: dict[tuple[str, str], str]) -> set[str] | None:
        if not record.newest(loinc(code)):
            return None

        def read(observation: Json) -> list[str] | None:
            value = one_code(observation.get("valueCodeableConcept"), table)
            return None if value is None else [value]

        return record.values(loinc(code), read) or set(table.values())

    ihc, fish = results("85319-2", {**scores, **RESULT}), results("85318-4", RESULT)
    known = {"positive": {False}, "negative": {True}}
    if ihc is None and fish is None:
        interpreted = results("48676-1", RESULT) or {"equivocal"}
        return {v for value in interpreted for v in known.get(value, BOTH)}
    found: set[bool] = set()
    for by_ihc, by_fish in product(ihc or {"none"}, fish or {"none"}):
        if by_ihc in ("3+", "positive") or by_fish == "positive":
            found.add(False)
        elif by_ihc in ("1+", "negative") or by_fish == "negative":
            found.add(True)
        else:
            found |= BOTH
    return found


def spread(record: Record) -> set[tuple[bool, bool]]:
    """All possible pairs (liver metastasis, metastatic or locally advanced)."""
    return {(liver, metastatic or local) for liver, metastatic, local in extent(record)}


def extent(record: Record) -> set[tuple[bool, bool, bool]]:
    """All possible triples (liver metastasis, metastatic, locally advanced)."""
    names = ("0", "1", "1A", "1B", "2A", "2B", "3", "3A", "3B", "3C", "4")
    stages = {(AJCC, name): name for name in names}
    categories = {(SNOMED, "1229901006"): 0, (SNOMED, "1229903009"): 1, (SNOMED, "1229916009"): 1}

    def read_stage(observation: Json) -> list[str] | None:
        stage = one_code(observation.get("valueCodeableConcept"), stages)
        return None if stage is None else [stage]

    def read_category(observation: Json) -> list[int] | None:
        category = one_code(observation.get("valueCodeableConcept"), categories)
        return None if category is None else [category]

    stage_codes, m_codes = loinc("21908-9", "21902-2"), loinc("21907-1", "21901-4")
    # READING: an M category or a stage that is not recorded at all is not taken for M1 or stage 4.
    stage_values: list[str | None] = [None]
    if record.newest(stage_codes):
        stage_values = list(record.values(stage_codes, read_stage) or stages.values())
    m_values: list[int | None] = [None]
    if record.newest(m_codes):
        m_values = list(record.values(m_codes, read_category) or {0, 1})
    stated = {site: record.statement(codes) for site, codes in SITES.items()}
    closed = record.closed("11450-4")
    choices = {"present": [True], "absent": [False], "unknown": [True, False], None: [False]}
    silent = [site for site, value in stated.items() if value is None]
    found: set[tuple[bool, bool, bool]] = set()
    for sites in product(*(choices[value] for value in stated.values())):
        said = dict(zip(stated, sites, strict=True))
        for stage, m in product(stage_values, m_values):
            metastatic_otherwise = m == 1 or stage == "4"
            denied = m == 0 or (stage is not None and stage != "4")
            if DENIAL_NEEDS_NOT_METASTATIC and metastatic_otherwise:
                denied = False
            free = silent if not closed and (any(sites) or not denied) else []
            for extra in product([True, False], repeat=len(free)):
                present = {**said, **dict(zip(free, extra, strict=True))}
                metastatic = any(present.values()) or metastatic_otherwise
                advanced = BOTH if stage is None else {stage.startswith("3")}
                found |= {(present["liver"], metastatic, local) for local in advanced}
    return found


def disease(record: Record, pairs: set[tuple[bool, bool]]) -> Conjunction:
    choices = {"present": [True], "absent": [False], "unknown": [True, False]}
    silent = "absent" if record.closed("11450-4") else "unknown"
    cancer = choices[record.statement(BREAST_CANCER) or silent]
    histology = any(
        (SNOMED, "252416005") in codes_of(code)
        for condition in record.confirmed(BREAST_CANCER)
        for evidence in condition.get("evidence", [])
        for code in evidence.get("code", [])
    )
    er, pr = receptor(record, "85337-4", "85329-1"), receptor(record, "85339-0", "85325-9")
    return Conjunction(
        [
            Factor.of("breast_cancer", cancer),
            Factor.of("histology", [True] if histology else [True, False]),
            Factor(("er", "pr"), {(e, p): e or p for e in er for p in pr}),
            Factor.of("her2", her2_negative(record)),
            Factor.of("stage_or_metastasis", {advanced for _, advanced in pairs}),
        ]
    )


# -------------------------------------------------------------------------------- criteria 5 and 6


def premenopausal(record: Record) -> set[bool]:
    before = ("309606002", "22636003", "161541000119104")
    answers = {(SNOMED, code): True for code in before}
    answers |= {(SNOMED, code): False for code in ("307429007", "76498008")}

    def read(observation: Json) -> list[bool] | None:
        answer = one_code(observation.get("valueCodeableConcept"), answers)
        return None if answer is None else [answer]

    return set(record.values(snomed("161712005"), read) or BOTH)


def suppression(record: Record) -> set[bool]:
    """Bilateral oophorectomy, or a GnRH analogue that has started and not ended before that day."""
    sides = {
        (SNOMED, "51440002"): {"left", "right"},
        (SNOMED, "7771000"): {"left"},
        (SNOMED, "24028007"): {"right"},
    }
    removed: list[list[set[str]]] = []
    for resource in record.resources:
        if resource["resourceType"] == "Procedure" and resource.get("status") == "completed":
            day = parse_day(resource.get("performedDateTime"))
            if day and day <= record.as_of and codes_of(resource["code"]) & snomed("83152002"):
                found = [
                    side
                    for body in resource.get("bodySite", [])
                    for extension in body.get("extension", [])
                    if extension.get("url") == MCODE + "mcode-laterality-qualifier"
                    and (side := one_code(extension.get("valueCodeableConcept"), sides))
                ]
                removed.append(found[:1] or list(sides.values()))
    values = {len(set().union(*sides)) == 2 for sides in product(*removed)}
    for medication in record.medications:
        if medication.drug in GNRH and not medication.end_missing:
            started = {medication.start.last <= record.as_of, True}
            ended = {False}
            if medication.end is not None:
                earliest = max(medication.end.first, medication.start.first)
                ended = {earliest < record.as_of, medication.end.last < record.as_of}
            values = {v or (s and not e) for v in values for s in started for e in ended}
    if False in values and not (record.closed("10160-0") and record.closed("47519-4")):
        values.add(True)
    return values


def ovarian_suppression(record: Record) -> Conjunction:
    rows: dict[Choice, bool] = {}
    for sex, pre, suppressed in product(record.sexes, premenopausal(record), suppression(record)):
        rows[sex, pre, suppressed] = sex == "male" or not pre or suppressed
    return Conjunction([Factor(("gender", "menopausal_status", "ofs"), rows)])


def measurable(lesion: Json) -> set[bool]:
    """Whether one lesion is measurable; a size that is missing or unreadable may be anything."""
    site, method = codes_of(lesion.get("bodySite")), codes_of(lesion.get("method"))
    if site & snomed("272673000"):
        return {False}
    nodal = bool(site & snomed("59441001", "68171009"))
    code, limit = ("33729-5", Fraction(15)) if nodal else ("33728-7", Fraction(10))
    if not nodal and method & snomed("399208008"):
        limit = Fraction(20)
    spans = [
        span_of(component.get("valueQuantity"), "lesion")
        for component in lesion.get("component", [])
        if codes_of(component["code"]) & loinc(code)
    ]
    if not spans or not site:
        return set(BOTH)
    found: set[bool] = set()
    for span in spans:
        found |= BOTH if span is None else {v >= limit for v in samples(span, [limit])}
    return found


def measurable_lesion(record: Record) -> set[bool]:
    count_code = (LOCAL, "recist-measurable-lesion-count")
    newest = record.newest(loinc("21889-1") | {count_code})
    lesions, counts = [], set()
    for observation in newest:
        if count_code in codes_of(observation["code"]):
            counts.add(observation.get("valueInteger"))
        else:
            lesions.append(measurable(observation))
    found: set[bool] = set()
    for count in counts or {None}:
        for seen in product(*lesions):
            if count is not None and count >= 1:
                found.add(True)
            elif count == 0:
                found |= BOTH if any(seen) else {False}
            else:  # no count, or one that cannot be read
                found |= {True} if any(seen) and not counts else BOTH
    return found


# ----------------------------------------------------------------------------------------- verdict


def judge(bundle: Json, as_of: date) -> Judgement:
    """Decide the ten criteria for one FHIR Bundle; its numbers must be ``Decimal`` or ``int``."""
    record = Record(bundle, as_of)
    pairs = spread(record)
    woman, cancer = adult_woman(record), disease(record, pairs)
    ovaries = ovarian_suppression(record)
    organs = organ_function(record, {liver for liver, _ in pairs})
    verdicts = {
        "1": woman.verdict(),
        "2": Conjunction([Factor.of("ecog", ecog_0_1(record))]).verdict(),
        "3": Conjunction([Factor.of("life_expectancy", life_expectancy(record))]).verdict(),
        "4": cancer.verdict(),
        "5": ovaries.verdict(),
        "6": Conjunction([Factor.of("measurable_lesion", measurable_lesion(record))]).verdict(),
        "7": chemotherapy_lines(record),
        "8": endocrine_resistance(record),
        "9": organs.verdict(),
        "10": Conjunction([Factor.of("consent", consent(record))]).verdict(),
    }
    words = {BOTH: "unknown", frozenset([True]): "met", frozenset([False]): "not_met"}
    outcomes = {key: words[verdict.possible] for key, verdict in verdicts.items()}
    kleene = "undetermined"
    if "not_met" in outcomes.values():
        kleene = "ineligible"
    elif set(outcomes.values()) == {"met"}:
        kleene = "eligible"
    together = kleene
    if kleene == "undetermined":
        possible = any(
            advanced
            and cancer.can_hold()
            and woman.can_hold(gender=sex, birth_date=age)
            and ovaries.can_hold(gender=sex)
            and organs.can_hold(gender=sex, birth_date=age, liver_metastasis=liver)
            for sex, age, (liver, advanced) in product(record.sexes, possible_ages(record), pairs)
        )
        together = "undetermined" if possible else "ineligible"
    idle = record.sexes == ["male"] or premenopausal(record) == {False}
    return Judgement(
        outcomes,
        together,
        kleene,
        {key: sorted(v.gaps) if outcomes[key] == "unknown" else [] for key, v in verdicts.items()},
        ["5"] if idle and outcomes["5"] == "met" else [],
    )
