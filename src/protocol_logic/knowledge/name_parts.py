"""Names of codes as words that can be compared: what is measured, in which specimen, how.

For suggestions to people only: nothing is ever mapped by words. Sources of the synonyms: the
LOINC Users' Guide (parts of a name, abbreviations), SNOMED CT (semantic tags), and the usual
abbreviations of laboratories.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Name:
    """A display or label, taken apart.

    `words`: stem -> as written, of what it is about. `specimens`: kind of specimen -> the words for
    it.
    `places`: stems of what it was found in that is no specimen (`in HDL`). `method`: stems of how
    it was found. `ratio`: it sets two things in relation, or names several.
    `per_surface`: it is normalised to a body surface of 1.73 m2. `doubts`: words by which it says
    that something is not so, or not now.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    specimens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: frozenset[str] = frozenset()
    method: frozenset[str] = frozenset()
    ratio: bool = False
    per_surface: bool = False
    doubts: tuple[str, ...] = ()


_TAG = re.compile(
    r"\((?:disorder|finding|procedure|situation|event|person|substance|regime/therapy|"
    r"observable entity|morphologic abnormality|qualifier value|product|clinical drug)\)\s*$"
)
_PROPERTY = re.compile(r"\[[^\]]*\]")
_SURFACE = re.compile(r"[/ ]*1[.,]73 *_?(?:sq\.? *m|m2|m\^2|m²)?")
_METHOD = re.compile(r" by (?P<method>.+)$")
_SYSTEM = re.compile(r" in (?P<system>.+)$")
_WORD = re.compile(r"[a-z0-9]+")
_STRENGTH = re.compile(r"[0-9]+(?:[.,][0-9]+)?(?:mg|ml|mcg|ug|g|hr|unt|meq)?")

# What is said in several words, as one word that is no word of any language.
_PHRASES = tuple(
    (re.compile(pattern), f" {word} ")
    for pattern, word in (
        (r"human epidermal growth factor receptor(?: type)? 2|her[ -]?2(?:[/ ]?neu)?", "her2"),
        (r"(?:o?)estrogen receptor", "estrogen receptor"),
        (r"alanine (?:amino ?transferase|transaminase)", "alt"),
        (r"aspartate (?:amino ?transferase|transaminase)", "ast"),
        (r"e?gfr\b|glomerular filtration rate", "clearance"),
        (r"fluorescen(?:ce|t) in ?situ hybridi[sz]ation", "fish"),
        (r"immune stain|immuno ?histo ?chemi\w+", "ihc"),
        (r"in ?situ", "insitu"),
        (r"white blood cells?", "leukocyte"),
        (r"red blood cells?", "erythrocyte"),
        (r"life[- ]expectancy", "life expectancy"),
    )
)
_SPELLINGS = (
    ("haem", "hem"), ("oestr", "estr"), ("tumour", "tumor"), ("leuco", "leuko"), ("aemia", "emia"),
)  # fmt: skip
_SYNONYMS = {
    "hb": "hemoglobin", "hgb": "hemoglobin", "plt": "platelet", "thrombocyte": "platelet",
    "anc": "neutrophil", "neut": "neutrophil", "granulocyte": "neutrophil", "wbc": "leukocyte",
    "rbc": "erythrocyte", "crea": "creatinine", "creat": "creatinine", "tbil": "bilirubin",
    "bili": "bilirubin", "gpt": "alt", "sgpt": "alt", "alat": "alt", "got": "ast", "sgot": "ast",
    "asat": "ast", "erbb2": "her2", "ovariectomy": "oophorectomy", "metastase": "metastasis",
    "metastatic": "metastasis", "secondary": "metastasis", "neoplasm": "cancer",
    "neoplastic": "cancer", "tumor": "cancer", "carcinoma": "cancer", "malignant": "cancer",
    "malignancy": "cancer", "hepatic": "liver", "pulmonary": "lung", "cerebral": "brain",
    "osseous": "bone", "breasts": "breast", "mammary": "breast", "menopause": "menopausal",
}  # fmt: skip
_SPECIMENS = {
    "blood": "blood", "bld": "blood", "serum": "blood", "ser": "blood", "plasma": "blood",
    "plas": "blood", "venous": "blood", "arterial": "blood", "capillary": "blood",
    "urine": "urine", "stool": "stool", "feces": "stool", "faeces": "stool", "saliva": "saliva",
    "sputum": "sputum", "csf": "CSF", "cerebrospinal": "CSF", "fluid": "fluid", "semen": "semen",
    "marrow": "marrow", "tissue": "tissue", "specimen": "tissue",
}  # fmt: skip
_DOUBTS = {
    "history", "family", "familial", "suspected", "risk", "screening", "fear", "exposure",
    "counseling", "education", "planned", "declined", "refused", "negative", "absence",
}  # fmt: skip
# What is said of so many things that it tells none.
_EMPTY = {
    "a", "ag", "an", "and", "antigen", "as", "at", "auto", "automated", "body", "by",
    "calculated", "class", "clinical", "complete", "count", "current", "disease", "disorder",
    "due", "estimated", "finding", "for", "from", "group", "in", "is", "level", "measured",
    "measurement", "of", "on", "or", "pathology", "patient", "per", "predicted", "presence",
    "procedure", "rate", "ratio", "reported", "result", "score", "signed", "status", "sum", "test",
    "the", "to", "total", "type", "value", "vol", "volume", "with",
}  # fmt: skip


def name_of(text: str, *, observed: bool) -> Name:
    """A display or label taken apart; `observed`: it names an observation, as LOINC does."""
    plain = "".join(
        c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf"
    )
    plain = " ".join(plain.lower().split())
    for spelled, spelling in _SPELLINGS:
        plain = plain.replace(spelled, spelling)
    surface = _SURFACE.search(plain) is not None
    plain = _PROPERTY.sub(" ", _TAG.sub("", _SURFACE.sub(" ", plain)))
    method: frozenset[str] = frozenset()
    system = ""
    if observed:
        if (found := _METHOD.search(plain)) is not None:
            plain = plain[: found.start()]
            method = frozenset(_stems(found["method"]))
        if (found := _SYSTEM.search(plain)) is not None:
            plain, system = plain[: found.start()], found["system"]
    mentioned = _WORD.findall(f"{plain} {system}")
    specimens: dict[str, tuple[str, ...]] = {}
    for word in dict.fromkeys(word for word in mentioned if word in _SPECIMENS):
        specimens[_SPECIMENS[word]] = (*specimens.get(_SPECIMENS[word], ()), word)
    words = _stems(plain)
    return Name(
        words={
            stem: said for stem, said in words.items() if not observed or said not in _SPECIMENS
        },
        specimens=specimens if observed else {},
        places=frozenset(s for s, said in _stems(system).items() if said not in _SPECIMENS),
        method=method,
        ratio=observed and re.search(r"[a-z] ?/ ?[a-z0-9]|\bratio\b", plain) is not None,
        per_surface=surface,
        doubts=tuple(dict.fromkeys(word for word in mentioned if word in _DOUBTS)),
    )


def _stems(text: str) -> dict[str, str]:
    """The words that say something, by stem."""
    for pattern, word in _PHRASES:
        text = pattern.sub(word, text)
    found: dict[str, str] = {}
    for word in _WORD.findall(text):
        if not _STRENGTH.fullmatch(word):
            stem = _singular(word)
            stem = _SYNONYMS.get(word, _SYNONYMS.get(stem, stem))
            if stem not in _EMPTY and word not in _EMPTY:
                found.setdefault(stem, word)
    return found


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
