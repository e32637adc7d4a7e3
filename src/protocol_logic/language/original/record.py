"""A registry's record, a document or a plain text to the protocol's own text in it.

Known are records of the ClinicalTrials.gov API (version 2), flat JSON with `eligibility_text`, and
text; in Markdown the criteria are what stands below a heading `Eligibility criteria`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from protocol_logic.foundation.source import Source
from protocol_logic.foundation.text import shown

_FIELDS = {
    "sex": "sex",
    "genderDescription": "sex, in words",
    "minimumAge": "minimum age",
    "maximumAge": "maximum age",
    "healthyVolunteers": "healthy volunteers",
    "studyPopulation": "study population",
}
_FLAT = {
    "sex": "sex",
    "gender": "sex",
    "minimum_age": "minimum age",
    "maximum_age": "maximum age",
    "healthy_volunteers": "healthy volunteers",
}
_REGISTRY_ID = re.compile(r"NCT\d{8}")
_HEADING = re.compile(r"^#{1,6}[ \t].*\beligibility criteria\b.*$", re.IGNORECASE | re.MULTILINE)
_TITLE = re.compile(r"^#[ \t]+(?:(NCT\d{8}):[ \t]*)?(.+)$", re.MULTILINE)
_LINE = re.compile(r"^[-*][ \t]+(\w+):[ \t]*(.+)$", re.MULTILINE)


_TEXTS = ("eligibility_text", "eligibility_criteria", "eligibility")
"""Where a record without the parts of ClinicalTrials.gov v2 has the text."""


class NoCriteria(ValueError):
    """An input without a protocol's text: why (safe to show)."""


@dataclass(frozen=True, slots=True)
class Original:
    """A protocol's own text: what stands in `source` from `start` on.

    `id`: the registry's. `fields`: what its record says beside the text, by its own words.
    """

    source: Source
    start: int = 0
    id: str = ""
    title: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def read_original(name: str, text: str) -> Original:
    """The protocol's text in a file; raises NoCriteria."""
    if text.lstrip()[:1] == "{":
        return _of_json(name, _json(text))
    stem = PurePath(name).stem
    number = stem if _REGISTRY_ID.fullmatch(stem) else ""
    heading = _HEADING.search(text)
    if heading is None:
        start, title, head = 0, "", ""
    else:
        start, title = heading.end(), ""
        head = text[: heading.start()]
        if (first := _TITLE.search(head)) is not None:
            number, title = first[1] or number, first[2].strip()
    fields = _fields(dict(_LINE.findall(head)), _FLAT)
    if not text[start:].strip():
        raise NoCriteria("it holds no text")
    return Original(Source(name, text), start, number, title, fields)


def _json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoCriteria(f"it is no JSON that can be read: {shown(str(error))}") from error
    assert isinstance(content, dict)
    return content


def _of_json(name: str, content: Mapping[str, Any]) -> Original:
    studies = content.get("studies")
    if isinstance(studies, list):
        if len(studies) != 1 or not isinstance(studies[0], dict):
            raise NoCriteria(f"it holds {len(studies)} records, and one is wanted")
        content = studies[0]
    section = content.get("protocolSection")
    if isinstance(section, dict):
        about, module = _part(section, "identificationModule"), _part(section, "eligibilityModule")
        text, names = module.get("eligibilityCriteria"), _FIELDS
        number = about.get("nctId")
        title = about.get("officialTitle") or about.get("briefTitle")
    else:
        module, names = content, _FLAT
        text = next((said for key in _TEXTS if (said := content.get(key))), None)
        number = content.get("nct_id")
        title = content.get("official_title") or content.get("title") or content.get("brief_title")
    if not isinstance(text, str) or not text.strip():
        told = ", ".join(f"`{key}`" for key in ("eligibilityModule.eligibilityCriteria", *_TEXTS))
        raise NoCriteria(f"the record holds no eligibility criteria as text; looked for is {told}")
    # The places of problems are those in the text of the criteria, not in the JSON around it.
    source = Source(f"{name}#eligibility", text)
    return Original(source, 0, _text(number), _text(title), _fields(module, names))


def _part(section: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = section.get(key)
    return part if isinstance(part, dict) else {}


def _fields(module: Mapping[str, Any], names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found = {said: _text(module.get(key)) for key, said in names.items() if key in module}
    return tuple((said, text) for said, text in found.items() if text)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else ""
