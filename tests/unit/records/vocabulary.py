"""A small vocabulary built by hand with the codes of seed_cases/README.md, section 5."""

from fractions import Fraction

from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import (
    Code,
    Concept,
    Consent,
    Entry,
    Event,
    History,
    Lesion,
    PatientField,
    Quantity,
    SizeLimit,
    Status,
    Vocabulary,
)

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
AJCC = "http://cancerstaging.org"
LOCAL = "http://eligibility.example.org/fhir/CodeSystem/local"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"

F = Fraction
COUNTS = {"10*9/L": F(1), "10*3/uL": F(1), "/uL": F(1, 1000), "{cells}/uL": F(1, 1000)}
DAYS = {"d": F(1), "wk": F(7), "mo": F("30.4375"), "a": F("365.25")}


def loinc(*codes: str) -> tuple[Code, ...]:
    return tuple(Code(LOINC, code) for code in codes)


def snomed(*codes: str) -> tuple[Code, ...]:
    return tuple(Code(SNOMED, code) for code in codes)


def between(lo: int, hi: int) -> Interval:
    return Interval(F(lo), True, F(hi), True)


def lab(
    name: str,
    unit: str,
    accepts: dict[str, Fraction],
    *codes: str,
    plausible: Interval | None = None,
) -> Quantity:
    return Quantity(
        name=name,
        element=name,
        label=name,
        codes=loinc(*codes),
        unit=unit,
        accepts=accepts,
        plausible=plausible,
    )


def receptor(name: str, *codes: str) -> Status:
    return Status(
        name=name,
        element=name,
        label=name,
        codes=loinc(*codes),
        values=("positive", "negative"),
        meanings={
            (SNOMED, "10828004"): "positive",
            (LOINC, "LA6576-8"): "positive",
            (SNOMED, "260385009"): "negative",
            (LOINC, "LA6577-6"): "negative",
        },
        unit="%",
        ranges=((Interval.at_least(1), "positive"), (Interval.below(1), "negative")),
    )


def status(name: str, codes: tuple[Code, ...], meanings: dict[tuple[str, str], str]) -> Status:
    values = tuple(dict.fromkeys(meanings.values()))
    return Status(
        name=name, element=name, label=name, codes=codes, values=values, meanings=meanings
    )


def site(name: str, snomed_code: str, icd: str) -> Concept:
    codes = (Code(SNOMED, snomed_code), Code(ICD10, icd))
    return Concept(
        name=name,
        element=name,
        label=name,
        kind="condition",
        codes=codes,
        parents=("metastasis",),
        closed_by="problem_list",
    )


def drugs(name: str, *codes: str) -> Concept:
    return Concept(
        name=name,
        element=name,
        label=name,
        kind="medication",
        codes=tuple(Code(RXNORM, code) for code in codes),
        closed_by="medication_history",
    )


STAGES = ("0", "1", "1A", "1B", "2A", "2B", "3", "3A", "3B", "3C", "4")
HER2 = {
    (SNOMED, "10828004"): "positive",
    (SNOMED, "260385009"): "negative",
    (SNOMED, "42425007"): "equivocal",
}
PRE, POST = "premenopausal", "postmenopausal"

ENTRIES: tuple[Entry, ...] = (
    PatientField(
        name="sex", element="gender", label="sex", field="gender", values=("female", "male")
    ),
    PatientField(name="birth_date", element="birth_date", label="birth date", field="birthDate"),
    Quantity(
        name="ecog",
        element="ecog",
        label="ECOG",
        codes=loinc("89247-1"),
        unit="1",
        accepts={"1": F(1), "{score}": F(1)},
        plausible=between(0, 5),
        coded={
            (LOINC, code): F(score)
            for score, code in enumerate(
                ("LA9622-7", "LA9623-5", "LA9624-3", "LA9625-0", "LA9626-8", "LA9627-6")
            )
        },
    ),
    Quantity(
        name="life_expectancy",
        element="life_expectancy",
        label="life expectancy",
        codes=(Code(LOCAL, "life-expectancy"),),
        unit="d",
        accepts=DAYS,
        attested={(LOCAL, "life-expectancy-ge-12wk"): Interval.at_least(84)},
    ),
    Concept(
        name="breast_cancer",
        element="breast_cancer",
        label="breast cancer",
        kind="condition",
        codes=(Code(SNOMED, "254837009"), Code(ICD10, "C50.919")),
        closed_by="problem_list",
        evidence={"histology": snomed("252416005")},
    ),
    Concept(
        name="metastasis",
        element="metastasis",
        label="metastasis",
        kind="condition",
        codes=snomed("128462008"),
        closed_by="problem_list",
    ),
    site("liver_metastasis", "94381002", "C78.7"),
    site("lung_metastasis", "94391008", "C78.00"),
    site("bone_metastasis", "94222008", "C79.51"),
    site("brain_metastasis", "94225005", "C79.31"),
    receptor("er", "85337-4", "85329-1"),
    receptor("pr", "85339-0", "85325-9"),
    status(
        "her2_ihc",
        loinc("85319-2"),
        HER2
        | {
            (SNOMED, "260347006"): "1+",
            (SNOMED, "260348001"): "2+",
            (SNOMED, "260349009"): "3+",
        },
    ),
    status("her2_fish", loinc("85318-4"), HER2),
    status("her2_interpretation", loinc("48676-1"), HER2),
    status("stage", loinc("21908-9", "21902-2"), {(AJCC, stage): stage for stage in STAGES}),
    status(
        "m_category",
        loinc("21907-1", "21901-4"),
        {
            (SNOMED, "1229901006"): "M0",
            (SNOMED, "1229903009"): "M1",
            (SNOMED, "1229916009"): "M1",
        },
    ),
    status(
        "menopausal_status",
        snomed("161712005"),
        {(SNOMED, code): PRE for code in ("309606002", "22636003", "161541000119104")}
        | {(SNOMED, code): POST for code in ("307429007", "76498008")},
    ),
    Concept(
        name="oophorectomy",
        element="oophorectomy",
        label="oophorectomy",
        kind="procedure",
        codes=snomed("83152002"),
        closed_by="procedure_history",
    ),
    drugs("gnrh_analogue", "50610", "42375"),
    drugs("endocrine_therapy", "72965", "84857", "258494", "10324", "38409", "282357"),
    drugs(
        "chemotherapy",
        *("194000", "56946", "72962", "3639", "3995", "3002", "12574", "40048", "39541"),
        "1045452",
    ),
    Event(
        name="relapse",
        element="relapse_date",
        label="relapse",
        concepts=("breast_cancer", "metastasis"),
        statuses=("recurrence", "relapse"),
        closed_by="problem_list",
    ),
    status(
        "disease_course",
        loinc("97509-4"),
        {
            (SNOMED, "271299001"): "worsened",
            (SNOMED, "359746009"): "stable",
            (SNOMED, "268910001"): "improved",
        },
    ),
    Lesion(
        name="lesion",
        element="measurable_lesion",
        label="lesion",
        codes=loinc("21889-1"),
        unit="mm",
        accepts={"mm": F(1), "cm": F(10)},
        axes={"longest": loinc("33728-7"), "short": loinc("33729-5")},
        sites={"node": snomed("59441001", "68171009"), "bone": snomed("272673000")},
        methods={
            "ct": snomed("77477000"),
            "mri": snomed("113091000"),
            "chest_x_ray": snomed("399208008"),
            "clinical": snomed("5880005"),
        },
        limits=(
            SizeLimit(None, None, "site", "bone"),
            SizeLimit("short", F(15), "site", "node"),
            SizeLimit("longest", F(20), "method", "chest_x_ray"),
            SizeLimit("longest", F(10)),
        ),
        counted="lesion_count",
    ),
    Quantity(
        name="lesion_count",
        element="measurable_lesion",
        label="count of measurable lesions",
        codes=(Code(LOCAL, "recist-measurable-lesion-count"),),
        unit="1",
        accepts={"1": F(1)},
    ),
    lab(
        "hemoglobin",
        "g/L",
        {"g/L": F(1), "g/dL": F(10), "mmol/L": F("16.114")},
        "718-7",
        "59260-0",
        plausible=between(20, 250),
    ),
    lab("neutrophils", "10*9/L", COUNTS, "751-8", "26499-4", "753-4"),
    lab("platelets", "10*9/L", COUNTS, "777-3", "26515-7"),
    lab("bilirubin", "umol/L", {"umol/L": F(1), "mg/dL": F("17.104")}, "1975-2", "14631-6"),
    lab("alt", "U/L", {"U/L": F(1)}, "1742-6", "1743-4"),
    lab("ast", "U/L", {"U/L": F(1)}, "1920-8", "30239-8"),
    lab(
        "creatinine",
        "umol/L",
        {"umol/L": F(1), "mmol/L": F(1000), "mg/dL": F("88.4")},
        "2160-0",
        "14682-9",
    ),
    lab("reported_clearance", "mL/min", {"mL/min": F(1)}, "35591-7"),
    lab("body_weight", "kg", {"kg": F(1), "g": F(1, 1000), "[lb_av]": F("0.45359237")}, "29463-7"),
    Consent(name="consent", element="consent", label="consent", scope=Code(SCOPE, "research")),
    History(
        name="medication_history",
        element="medication_history",
        label="medications",
        codes=loinc("10160-0"),
    ),
    History(
        name="procedure_history",
        element="procedure_history",
        label="procedures",
        codes=loinc("47519-4"),
    ),
    History(name="problem_list", element="problem_list", label="problems", codes=loinc("11450-4")),
)

VOCABULARY = Vocabulary({entry.name: entry for entry in ENTRIES})
