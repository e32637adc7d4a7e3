"""The data fit of many records: patients and counts by wanted element, as a dict ready for JSON.

Keys and their order are fixed, and documented in docs/fit.md. Records pass one after the other;
only counts are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeAlias

from protocol_logic.answering.fit.codes import MOST_CODES, Codes, Holding, Seen
from protocol_logic.answering.fit.likeness import Suggestion, suggestions, system_name
from protocol_logic.answering.fit.pasted import entries_to_paste, known_systems
from protocol_logic.answering.fit.standing import REASONS, Patient, Standing
from protocol_logic.answering.fit.unused import Reader, entries_with, readers
from protocol_logic.answering.fit.wanted import Wanted, wanted_of
from protocol_logic.answering.rows import Row, parameters_of, policies_dict
from protocol_logic.compiling import core
from protocol_logic.compiling.basis import Question
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.policies import Policies
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.codings import Codings, Key
from protocol_logic.records.facts import Account, PatientRecord, added

Report: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class _Stand:
    """How patients stand to one wanted thing."""

    recorded: int = 0
    visible: int = 0
    usable: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    ages: Counter[int] = field(default_factory=Counter)
    """Days from the newest usable fact to the as-of date -> patients."""

    def add(self, standing: Standing, as_of: date | None) -> None:
        self.recorded += 1
        self.visible += standing.visible
        if standing.reason:
            self.reasons[standing.reason] += 1
            return
        self.usable += 1
        if standing.newest is not None and as_of is not None:
            self.ages[(as_of - standing.newest).days] += 1


class Fit:
    """The fit of records to one protocol.

    For each record: `codes.meet` for each of its resources, where there are any, then `add`.
    """

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        codings: Codings,
        digest: str,
        policies: Policies | None = None,
    ) -> None:
        self.wanted = wanted_of(protocol, plan)
        self.codes = Codes(
            codings, {w.entry.name: protocol.vocabulary.below(w.entry.name) for w in self.wanted}
        )
        self._protocol = protocol
        self._codings = codings
        self._digest = digest
        self._policies = policies
        self._windows = {} if policies is None else policies.windows(protocol)
        self._stands = [_Stand() for _ in self.wanted]
        self._asked: dict[Question, list[str]] = {}
        for criterion, basis in plan.basis.items():
            for question in basis.asked:
                self._asked.setdefault(replace(question, because=""), []).append(criterion)
        self._answered: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[str]] = {c.id: Counter() for c in protocol.criteria}
        self._gaps: dict[str, Counter[str]] = {c.id: Counter() for c in protocol.criteria}
        self._accounts: tuple[Account, ...] = ()
        self._patients = 0
        self._lists_open = 0
        self._days: Counter[date] = Counter()

    def add(self, record: PatientRecord, as_of: date | None, row: Row | None) -> None:
        """Count one record on its day; None where no day is known, and so no `row`."""
        self._patients += 1
        if as_of is not None:
            self._days[as_of] += 1
        vocabulary = self._protocol.vocabulary
        patient = Patient(record, as_of, vocabulary, self.codes.silent, self._windows)
        for wanted, stand in zip(self.wanted, self._stands, strict=True):
            standing = patient.standing(wanted)
            if standing is not None:
                stand.add(standing, as_of)
        if row is not None:
            codes = (problem["code"] for problem in row["problems"])
            self._lists_open += "list-not-closing" in codes
        self._answered.update(q.id for q in self._asked if patient.visible.of(q.id))
        for criterion in row["criteria"] if row is not None else ():
            self._outcomes[criterion["id"]][criterion["outcome"]] += 1
            self._gaps[criterion["id"]].update(criterion["gaps"])
        self._accounts = added((self._accounts, record.accounting))
        self.codes.close(record.facts)

    # ---- the report ------------------------------------------------------------------------------

    def report(self) -> Report:
        """All counts; see docs/fit.md."""
        protocol = self._protocol
        found = suggestions(self.wanted, self.codes.unmapped.items(), self._codings.systems)
        elements = [
            self._element(wanted, stand, found)
            for wanted, stand in zip(self.wanted, self._stands, strict=True)
        ]
        criteria = [self._criterion(c) for c in protocol.criteria] if self._days else None
        never = self._never(elements)
        return {
            "protocol": {
                "id": protocol.id,
                "version": protocol.version,
                "digest": self._digest,
            },
            "policies": None if self._policies is None else policies_dict(self._policies),
            "parameters": parameters_of(protocol),
            "summary": self._summary(elements, criteria),
            "as_of": {
                "first": min(self._days).isoformat() if self._days else None,
                "last": max(self._days).isoformat() if self._days else None,
                "patients_without": self._patients - self._days.total(),
            },
            "criteria": criteria,
            "elements": elements,
            "asked": [
                {
                    "element": question.id,
                    "text": question.text,
                    "how": question.how,
                    "criteria": criteria,
                    "answered": self._answered[question.id],
                }
                for question, criteria in self._asked.items()
            ],
            "never": never,
            "resources": [
                {
                    "type": account.type,
                    "total": account.total,
                    "facts": account.facts,
                    "irrelevant": account.irrelevant,
                    "problems": account.problems,
                }
                for account in self._accounts
            ],
            "lists_open": {
                "patients": self._lists_open,
                "entries": entries_to_paste(self.codes.unmapped.items(), known_systems())
                if self._lists_open
                else [],
            },
            "unmapped": {
                "codes": len(self.codes.unmapped),
                "resources": self.codes.unmapped_resources,
                "most_codes": MOST_CODES,
                "capped": self.codes.unmapped.full,
            },
        }

    def _summary(
        self, elements: Sequence[Report], criteria: Sequence[Report] | None
    ) -> dict[str, Any]:
        absent = [e for e in elements if not e["patients"]["recorded"]]
        unlike = sum(any(s["likely"] for s in e["suggestions"]) for e in absent)
        usable = [e["patients"]["usable"] for e in elements]
        return {
            "patients": self._patients,
            "elements": len(elements),
            "usable_for_more_than_half": sum(2 * n > self._patients for n in usable),
            "usable_for_some": sum(0 < 2 * n <= self._patients for n in usable),
            "never_usable": usable.count(0),
            "never_recorded": len(absent),
            "never_recorded_but_suggested": unlike,
            "criteria": len(self._protocol.criteria),
            "criteria_never_decided": None
            if criteria is None
            else sum(not c["decided"] for c in criteria),
        }

    def _criterion(self, criterion: core.Criterion) -> dict[str, Any]:
        outcomes, gaps = self._outcomes[criterion.id], self._gaps[criterion.id]
        return {
            "id": criterion.id,
            "polarity": criterion.polarity,
            "text": criterion.sentence,
            "decided": outcomes["met"] + outcomes["not_met"],
            "met": outcomes["met"],
            "not_met": outcomes["not_met"],
            "unknown": outcomes["unknown"],
            "gaps": dict(sorted(gaps.items(), key=lambda item: (-item[1], item[0]))),
        }

    def _element(
        self, wanted: Wanted, stand: _Stand, found: Mapping[str, Sequence[Suggestion]]
    ) -> dict[str, Any]:
        entry = wanted.entry
        whole = not wanted.part
        held = self.codes.held[entry.name]
        alike = [
            (key, seen)
            for (name, key), seen in self.codes.look_alikes.items()
            if name == entry.name
        ]
        return {
            "element": wanted.element,
            "name": entry.name,
            "kind": wanted.kind,
            "part": wanted.part or None,
            "label": wanted.label,
            "criteria": list(wanted.criteria),
            "reported_as": list(wanted.gaps),
            "patients": {
                "recorded": stand.recorded,
                "visible": stand.visible,
                "usable": stand.usable,
                "not_usable": {r: stand.reasons[r] for r in REASONS if stand.reasons[r]},
            },
            "age_days": _ages(stand.ages),
            **_held(held if whole else Holding(), entry),
            "suggestions": [_suggestion(s) for s in found.get(entry.name, ())] if whole else [],
            "look_alikes": _look_alikes(entry, alike) if whole else [],
        }

    # ---- what is never there ---------------------------------------------------------------------

    def _never(self, elements: Sequence[Report]) -> list[dict[str, Any]]:
        """What no record says, and which criteria that leaves open for everybody."""
        found = []
        derived, systems = self._protocol.derived.values(), self._codings.systems
        unused = readers(self.wanted, self.codes, derived, systems)
        for wanted, stand, element in zip(self.wanted, self._stands, elements, strict=True):
            whole = next(e for e in elements if e["name"] == wanted.entry.name and not e["part"])
            if stand.usable or (wanted.part and not whole["patients"]["visible"]):
                continue  # of what is not recorded at all, no part is either
            open_for_all = [
                criterion
                for criterion in wanted.criteria
                if self._days.total()
                and any(self._gaps[criterion][g] == self._days.total() for g in wanted.gaps)
            ]
            found.append(
                {
                    "element": wanted.element,
                    "name": wanted.entry.name,
                    "part": wanted.part or None,
                    "why": self._why(wanted, stand),
                    "criteria": list(wanted.criteria),
                    "open_for_all": open_for_all,
                    "suggestions": sum(s["likely"] for s in element["suggestions"]),
                    "read_by": []
                    if wanted.part or stand.recorded
                    else [_reader(each) for each in unused.get(wanted.entry.name, ())],
                }
            )
        return found

    def _why(self, wanted: Wanted, stand: _Stand) -> str:
        """Why no record says it, in words."""
        if stand.recorded:
            return "recorded, but never usable: " + ", ".join(
                f"{REASONS[reason]} ({number:,})" for reason, number in stand.reasons.most_common()
            )
        match wanted.part:
            case "upper limit" | "lower limit" as part:
                return f"no result states its {part} of normal"
            case "evidence":
                return f"no statement of it has evidence of {wanted.detail}"
            case "":
                pass
            case _:
                return f"no record of it says the {wanted.part}"
        totals = {account.type: account.total for account in self._accounts}
        if "Patient" not in totals:  # then all records are of tables
            return "no row of the tables speaks of it"
        if isinstance(wanted.entry, voc.Event):
            return "no such event is recorded"
        if isinstance(wanted.entry, voc.PatientField):
            return f"no Patient has a `{wanted.entry.field}` that can be read"
        types = [kind for kind in wanted.types if totals.get(kind)]
        if not types:
            return f"no {wanted.types[0]} at all"
        what = "scope" if isinstance(wanted.entry, voc.Consent) else "code"
        found = " and ".join(resources(kind, totals[kind]) for kind in types)
        return f"none of {found} has a {what} of it"


def resources(kind: str, number: int) -> str:
    """`1 Condition`, `2,315 Conditions`, `7 Procedures`."""
    return f"{number:,} {kind if number == 1 else _plural(kind)}"


def _plural(kind: str) -> str:
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def _ages(ages: Counter[int]) -> dict[str, int] | None:
    """Least, median and greatest; of two middle ones the median is the smaller."""
    if not ages:
        return None
    middle, passed = (ages.total() + 1) // 2, 0
    for days in sorted(ages):
        passed += ages[days]
        if passed >= middle:
            break
    return {"patients": ages.total(), "min": min(ages), "median": days, "max": max(ages)}


def _held(held: Holding, entry: voc.Entry) -> dict[str, Any]:
    accepts: Mapping[str, object] = getattr(entry, "accepts", {})
    own = getattr(entry, "unit", None)
    codes = sorted(held.codes.items(), key=lambda item: (-item[1].total, item[0]))
    return {
        "resource_types": dict(sorted(held.types.items())),
        "codes": [
            {
                "system": system,
                "system_name": system_name(system),
                "code": code,
                "display": next(iter(names.counts()), ""),
                "resources": names.total,
            }
            for (system, code), names in codes
        ],
        "units": [
            {
                "unit": unit.text,
                "ucum": unit.ucum,
                "accepted": unit.ucum and (unit.text in accepts or unit.text == own),
                "resources": number,
            }
            for unit, number in held.units.counts().items()
        ],
        "unread_values": [
            {
                "system": answer.system or None,
                "code": answer.code or None,
                "text": answer.text,
                "resources": number,
            }
            for answer, number in held.unread.counts().items()
        ],
        "unread_values_capped": held.unread.full,
    }


def _seen(key: Key, seen: Seen, text: str = "") -> dict[str, Any]:
    system, code = key
    return {
        "system": system or None,
        "system_name": system_name(system) if system else None,
        "code": code or None,
        "display": next(iter(seen.names.counts()), text),
        "resource_types": dict(sorted(seen.types.items())),
        "resources": seen.resources,
        "components": seen.parts,
        "patients": seen.patients,
    }


def _reader(reader: Reader) -> dict[str, Any]:
    return {"name": reader.name, **_seen(reader.key, reader.seen)}


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    coded, seen = suggestion.coded, suggestion.seen
    return {
        **_seen((coded.system, coded.code), seen, coded.text),
        "units": [
            {"unit": unit.text, "ucum": unit.ucum, "resources": number}
            for unit, number in seen.units.counts().items()
        ],
        "values": list(seen.values.counts()),
        "likely": suggestion.likely,
        "for": list(suggestion.reasons),
        "against": list(suggestion.against),
        "remarks": [*_elsewhere((coded.system, coded.code)), *suggestion.remarks],
    }


def _elsewhere(key: Key) -> list[str]:
    named = entries_with(key)
    return [f"{', '.join(named)} has this code; the protocol does not use it"] if named else []


def _look_alikes(entry: voc.Entry, alike: Sequence[tuple[Key, Seen]]) -> list[dict[str, Any]]:
    why = {each.code.key: each for each in entry.unlike}
    found = [
        {**_seen(key, seen, why[key].code.display), "why": why[key].why} for key, seen in alike
    ]
    return sorted(found, key=lambda each: (-each["resources"], each["code"]))
