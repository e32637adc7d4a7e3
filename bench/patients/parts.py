"""What a protocol asks of a record, with the codes by which it can be recorded."""

from __future__ import annotations

from collections.abc import Sequence

from protocol_logic.compiling.plan import Finding
from protocol_logic.compiling.reach import reached
from protocol_logic.knowledge.resources import known_codes
from protocol_logic.knowledge.vocabulary import (
    Age,
    Code,
    Concept,
    Consent,
    Event,
    History,
    Lesion,
    PatientField,
    Quantity,
    Status,
)
from protocol_logic.pipeline import Compiled
from protocol_logic.records.codings import Key, Table

from .favour import fitting_of

_LOINC = "http://loinc.org"


class Parts:
    """What a protocol asks of a record, with the codes by which it can be recorded.

    An entry none of whose codes is its alone is left out, for it cannot be recorded by itself.
    """

    def __init__(self, compiled: Compiled) -> None:
        protocol = compiled.protocol
        self.compiled = compiled
        names = reached(protocol)
        entries = [e for e in protocol.vocabulary.entries.values() if e.name in names]
        self.fitting = fitting_of(compiled)
        self.by_entry: dict[str, list[Finding]] = {}
        for finding in compiled.plan.findings.values():
            self.by_entry.setdefault(finding.entry, []).append(finding)
        self.sexes = next((e for e in entries if isinstance(e, PatientField) and e.values), None)
        self.ages = [
            f for e in entries if isinstance(e, Age) for f in self.by_entry.get(e.name, ())
        ]
        self.quantities = [
            (e, code)
            for e in entries
            if isinstance(e, Quantity) and (code := self._own(e)) is not None
        ]
        self.statuses = [
            (e, code, _answers(e))
            for e in entries
            if isinstance(e, Status) and (code := self._own(e)) is not None and _answers(e)
        ]
        self.lesions = [e for e in entries if isinstance(e, Lesion)]
        self.consents = [e for e in entries if isinstance(e, Consent)]
        self.histories = [e for e in entries if isinstance(e, History) and e.codes]
        self.events = {e.name: e for e in entries if isinstance(e, Event)}
        self.concepts = self._concepts([e for e in entries if isinstance(e, Concept)])
        self.noise = sorted(
            key
            for key in known_codes()
            if key[0] == _LOINC and key[1][0].isdigit() and not _asked(key, compiled)
        )
        self.clinical = sorted({s for e in self.events.values() for s in e.statuses} | {"active"})

    def _own(self, entry: Quantity | Status) -> Code | None:
        table = self.compiled.codings.observations
        attested = entry.attested if isinstance(entry, Quantity) else ()
        return next(
            (c for c in entry.codes if table.get(c.key) == (entry,) and c.key not in attested), None
        )

    def _concepts(
        self, asked: Sequence[Concept]
    ) -> list[tuple[Concept, bool | None, list[tuple[Key, tuple[Concept, ...]]]]]:
        """Concepts that are no kind of another one that is asked for; whether a patient who fits
        has it; and the codes of it and its kinds, with all that each stands for."""
        codings, voc = self.compiled.codings, self.compiled.protocol.vocabulary
        names = {concept.name for concept in asked}
        tables: dict[str, Table[Concept]] = {
            "condition": codings.conditions,
            "procedure": codings.procedures,
            "medication": codings.medications,
            "allergy": codings.allergies,
        }
        found = []
        for concept in asked:
            if names.intersection(voc.above(concept.name)):
                continue
            table = tables[concept.kind]
            codes: list[tuple[Key, tuple[Concept, ...]]] = []
            for name in voc.below(concept.name):
                kind = voc.entries[name]
                if isinstance(kind, Concept) and kind.kind == concept.kind and name in names:
                    keys = [code.key for code in kind.codes if code.key in table]
                    codes += [(key, table[key]) for key in keys[:2]]
            codes = [(k, e) for k, e in codes if not any(each.past for each in e)]
            if codes:
                wanted = [
                    self.fitting.concepts[name]
                    for name in voc.below(concept.name)
                    if name in self.fitting.concepts
                ]
                found.append((concept, any(wanted) if wanted else None, codes))
        return found


def _answers(entry: Status) -> dict[str, tuple[str, str]]:
    """A code of each value of a status that has one."""
    found: dict[str, tuple[str, str]] = {}
    for key, value in entry.meanings.items():
        found.setdefault(value, key)
    return found


def _asked(key: Key, compiled: Compiled) -> bool:
    codings = compiled.codings
    return any(key in t for t in (codings.observations, codings.lists, codings.unlike))
