"""One resource being read, and the small readings that every resource type needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Named, Qualifier
from protocol_logic.records.codings import Codings, Key, keys_of
from protocol_logic.records.facts import Fact, Reading
from protocol_logic.records.json_text import Object

SNOMED = "http://snomed.info/sct"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"

_T = TypeVar("_T")


@dataclass(slots=True)
class Item:
    """A resource with its name (`Type/id`), its file, and where its facts and problems go.

    `born`: the patient's birth date, where one can be read. `unclear`: kind of concept -> a
    resource of the record that may be about any concept of the kind. `made`: the day of the record,
    where it has one.
    """

    json: Object
    name: str
    source: str
    codings: Codings
    facts: list[Fact]
    problems: list[Problem]
    born: PartialDate | None = None
    unclear: Mapping[str, str] = field(default_factory=dict)
    made: PartialDate | None = None

    def fact(self, entry: Named, date: PartialDate | None, recorded: str, reading: Reading) -> None:
        self.facts.append(
            Fact(
                entry=entry.name,
                resource=self.name,
                date=date,
                recorded=recorded,
                reading=reading,
            )
        )

    def problem(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        of: Sequence[Qualifier] = (),
        keys: Sequence[Key] = (),
    ) -> None:
        """Tell what is wrong. `of`: the qualifiers of which one is asked for, else it were not
        told, and `keys` the codes of which none is of a qualifier: for who reads for others."""
        self.problems.append(
            Problem(code=code, message=message, hint=hint, resource=self.name, file=self.source)
        )

    def date(self, value: object, path: str) -> PartialDate | None:
        """The date at `path`; None when there is none, or with a problem when it is unreadable."""
        if value is None:
            return None
        try:
            return PartialDate.parse(value if isinstance(value, str) else "")
        except ValueError:
            text = shown(value) if isinstance(value, str) else "something else than text"
            self.problem(
                "unreadable-date",
                f"`{path}` is `{text}`, which is not a date",
                "dates are written YYYY-MM-DD, with or without a time",
            )
            return None

    def one_of(self, keys: list[Key], meanings: Mapping[Key, _T], what: str) -> _T | None:
        """The one meaning of coded answers; None with a problem when none or several apply."""
        found = {meanings[key] for key in keys if key in meanings}
        if len(found) == 1:
            return found.pop()
        if found:
            self.problem("unreadable-value", f"the codes of {what} contradict each other")
        else:
            self.problem("unknown-code", f"{what} {codes_shown(keys)}, not known here")
        return None


def text_in(json: Object, key: str) -> str | None:
    """The text under a key, or None when there is none or it is something else."""
    value = json.get(key)
    return value if isinstance(value, str) else None


def objects_in(json: Object, key: str) -> list[Object]:
    """The objects in the list under a key; a single object counts as a list of one."""
    value = json.get(key)
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def display(concept: object) -> str:
    """A CodeableConcept as the record has it: first display, else its text, else its first code."""
    if not isinstance(concept, dict):
        return ""
    codings = objects_in(concept, "coding")
    named = [text for coding in codings if (text := text_in(coding, "display"))]
    coded = [text for coding in codings if (text := text_in(coding, "code"))]
    return next(iter([*named, *filter(None, [text_in(concept, "text")]), *coded]), "")


def codes_shown(keys: list[Key]) -> str:
    """Codes as a message names them: `system|code`, or that there are none."""
    if not keys:
        return "has no code with its system"
    return "has " + ", ".join(f"`{shown(f'{system}|{code}')}`" for system, code in keys)


def status_code(concept: object, system: str) -> str | None:
    """The code of a status CodeableConcept with a required code system (which may go unsaid).

    None when it is not given; empty when it is given without just one code of the system.
    """
    if concept is None:
        return None
    codings = objects_in(concept, "coding") if isinstance(concept, dict) else []
    codes = {text_in(c, "code") for c in codings if c.get("system", system) == system}
    return (codes.pop() or "") if len(codes) == 1 else ""


def snomed(code: str) -> Key:
    return (SNOMED, code)


def extension_keys(json: Object, *names: str) -> list[Key] | None:
    """The codes of the mCODE extensions of these names; None when there is no such extension."""
    urls = {MCODE + name for name in names}
    found = [e for e in objects_in(json, "extension") if text_in(e, "url") in urls]
    if not found:
        return None
    return [key for e in found for key in keys_of(e.get("valueCodeableConcept"))]
