"""Whether a code can be one of its system: by its form and, where there is one, its check digit.

A code that cannot be one was damaged (`6.7811E+13` by a spreadsheet) or stands under a false
system. Nothing is corrected. Sources: LOINC Users' Guide (mod 10 check digit); SNOMED CT Release
File Specifications, SCTID (Verhoeff check digit); ICD-10-CM Official Guidelines; RxNorm Technical
Documentation; HL7 Terminology (URLs of the systems).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from protocol_logic.foundation.text import shown


def _loinc(code: str) -> bool:
    if not re.fullmatch(r"(?:LA|LP|MTHU)?[0-9]{1,7}-[0-9]", code):
        return False
    digits = re.sub(r"[^0-9]", "", code[:-2])
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return (10 - total % 10) % 10 == int(code[-1])


# Verhoeff's dihedral multiplication and permutation.
_D5 = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_P8 = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def _snomed(code: str) -> bool:
    if not re.fullmatch(r"[1-9][0-9]{5,17}", code):
        return False
    check = "0"
    for place, digit in enumerate(reversed(code)):
        check = _D5[int(check)][int(_P8[place % 8][int(digit)])]
    return check == "0"


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda code: re.fullmatch(pattern, code) is not None


_ICD10 = _matches(r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?")
_DIGITS = _matches(r"[0-9]{1,8}")

SYSTEMS: dict[str, tuple[str, Callable[[str], bool] | None]] = {
    "http://loinc.org": ("LOINC", _loinc),
    "http://snomed.info/sct": ("SNOMED CT", _snomed),
    "http://www.nlm.nih.gov/research/umls/rxnorm": ("RxNorm", _DIGITS),
    "http://hl7.org/fhir/sid/icd-10-cm": ("ICD-10-CM", _ICD10),
    "http://hl7.org/fhir/sid/icd-10": ("ICD-10", _ICD10),
    "http://hl7.org/fhir/sid/cvx": ("CVX", _DIGITS),
    "http://hl7.org/fhir/sid/ndc": ("NDC", None),
    "http://hl7.org/fhir/sid/icd-9-cm": ("ICD-9-CM", None),
    "http://www.whocc.no/atc": ("ATC", None),
    "http://www.ama-assn.org/go/cpt": ("CPT", None),
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl": ("NCI Thesaurus", _matches(r"C[0-9]+")),
    "http://ncithesaurus-stage.nci.nih.gov": ("NCI Thesaurus", None),
    "http://ncimeta.nci.nih.gov": ("NCI Metathesaurus", None),
    "http://unitsofmeasure.org": ("UCUM", None),
}
"""URL of a code system -> its name, and whether a code has the form of its codes."""


def _is_code(code: str) -> bool:
    """Whether it has the form that FHIR asks of any code, and no spreadsheet made it a number."""
    visible = all(shown(char) == char for char in code if char != "\\")
    words = re.fullmatch(r"\S+(?:\s\S+)*", code)
    return visible and words is not None and not re.fullmatch(r"[0-9](?:\.[0-9]+)?E\+[0-9]+", code)


_HL7 = ("http://terminology.hl7.org/", "http://hl7.org/fhir/")


@lru_cache(maxsize=8192)
def why_unusable(system: str | None, code: str | None, own: frozenset[str]) -> str | None:
    """Why nothing can be known of a coding, safe to show; None for a code that can be one.

    `own`: the systems of the knowledge base.
    """
    if not code:
        return "a coding has no code"
    if not system:
        return f"code `{shown(code)}` has no system"
    if system not in SYSTEMS and system not in own and not system.startswith(_HL7):
        return f"code system `{shown(system)}` of code `{shown(code)}` is not known here"
    name, fits = SYSTEMS.get(system, ("", None))
    if fits is None:
        return None if _is_code(code) else f"`{shown(code)}` has not the form of a code"
    if fits(code):
        return None
    others = [
        other for other, check in SYSTEMS.values() if check in (_loinc, _snomed) and check(code)
    ]
    looks = f"; it looks like a code of {others[0]}" if others else ""
    return f"`{shown(code)}` is no code of {name}{looks}"
