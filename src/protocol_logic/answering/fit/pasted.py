"""Entries that make codes known which nobody knows, and which keep lists from closing.

They are text that an author pastes into a protocol; what they hold of records is cut to what can
stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from protocol_logic.answering.fit.codes import Coded, Seen
from protocol_logic.compiling.library import knowledge_unit
from protocol_logic.foundation.text import shown
from protocol_logic.language import tree
from protocol_logic.records.codings import is_known
from protocol_logic.records.terminologies import why_unusable

_KINDS = {"Condition": "condition", "Procedure": "procedure", "Medication": "medication"}
_OTHERS = {
    "http://hl7.org/fhir/sid/ndc": "ndc",
    "http://hl7.org/fhir/sid/icd-9-cm": "icd9cm",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://www.whocc.no/atc": "atc",
    "http://www.ama-assn.org/go/cpt": "cpt",
}
_WORDS = 4


def entries_to_paste(
    found: Iterable[tuple[Coded, Seen]], systems: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The entries, most met first; `systems`: URL -> name. A system without a name is declared by
    the first entry that needs it."""
    each = [
        (coded, seen)
        for coded, seen in found
        if coded.family in _KINDS
        and coded.system in {**_OTHERS, **systems}
        and not is_known((coded.system, coded.code))
        and why_unusable(coded.system, coded.code, frozenset(systems)) is None
    ]
    each.sort(key=lambda pair: (-pair[1].patients, pair[0]))
    declared: set[str] = set()
    told = []
    for coded, seen in each:
        lines = []
        if coded.system not in systems and coded.system not in declared:
            declared.add(coded.system)
            lines += [f"system {_OTHERS[coded.system]} {coded.system}", ""]
        name = systems.get(coded.system) or _OTHERS[coded.system]
        display = next(iter(seen.names.counts()), "")
        lines.append(f"{_KINDS[coded.family]} {_name(display, coded.code)}")
        quoted = f' "{shown(display).replace(chr(34), chr(39))}"' if display else ""
        lines.append(f"  code {name} {coded.code}{quoted}")
        told.append(
            {
                "system": coded.system,
                "code": coded.code,
                "display": display,
                "resources": seen.resources,
                "patients": seen.patients,
                "entry": "\n".join(lines),
            }
        )
    return told


def _name(display: str, code: str) -> str:
    """A name that no other entry has: some words of the display, and the code."""
    words = re.findall(r"[a-z][a-z0-9]*", display.casefold())[:_WORDS]
    return "_".join([*(words or ["code"]), *re.findall(r"[a-z0-9]+", code.casefold())])


def known_systems() -> dict[str, str]:
    """The code systems that the knowledge base names: URL -> name."""
    statements = knowledge_unit("systems").statements
    return {s.url: s.name.text for s in statements if isinstance(s, tree.System)}
