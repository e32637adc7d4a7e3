"""An audit record as a screening log: who was assessed, and the counts that a CONSORT diagram
needs. A patient counts once for a protocol, by the last decision; what people noted stands until
they note otherwise."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from protocol_logic.answering.audit.chain import Body

JOINTLY = "(together)"
"""In the place of a criterion where none fails by itself, and no scenario lets all pass."""


@dataclass(slots=True)
class Standing:
    """Where a patient stands: the last decision, and the notes of people."""

    decision: Body
    notes: list[Body] = field(default_factory=list)

    def override(self, criterion: str | None) -> Body | None:
        """The last override of a criterion, or of eligibility (None)."""
        found = [
            note
            for note in self.notes
            if note["decision"] == "override" and note["criterion"] == criterion
        ]
        return found[-1] if found else None

    def stands(self, criterion: str | None) -> str:
        """What stands in the end: what a person decided, else what was computed."""
        note = self.override(criterion)
        return str(self.computed(criterion) if note is None else note["to"])

    def computed(self, criterion: str | None) -> str:
        """The recorded eligibility, or the verdict of a criterion."""
        if criterion is None:
            return str(self.decision["eligibility"])
        verdicts = {each["id"]: each["verdict"] for each in self.decision["criteria"]}
        return str(verdicts[criterion])

    @property
    def overridden(self) -> bool:
        """Whether a person decided otherwise of eligibility."""
        return self.stands(None) != self.computed(None)

    def has(self, decision: str) -> bool:
        """Whether there is a note of a kind."""
        return any(note["decision"] == decision for note in self.notes)


class Log:
    """The patients of one protocol, in the order of their first decision."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.patients: dict[str, Standing] = {}
        self.versions: dict[str, None] = {}
        self.decisions = 0
        self.first = self.last = ""

    def add(self, body: Body) -> None:
        """Count a decision or a note of the protocol."""
        if body["kind"] == "note":
            if body["patient"] in self.patients:
                self.patients[body["patient"]].notes.append(body)
            return
        self.decisions += 1
        self.first = self.first or body["at"]
        self.last = body["at"]
        self.versions[body["protocol"]["version"]] = None
        known = self.patients.get(body["patient"])
        if known is None:
            self.patients[body["patient"]] = Standing(_short(body))
        else:
            known.decision = _short(body)

    def counts(self) -> dict[str, Any]:
        """The counts, ready for JSON."""
        all_of_them = list(self.patients.values())
        by = Counter(each.computed(None) for each in all_of_them)
        after = Counter(each.stands(None) for each in all_of_them)
        changed = Counter(each.stands(None) for each in all_of_them if each.overridden)
        return {
            "protocol": self.protocol,
            "versions": list(self.versions),
            "first": self.first,
            "last": self.last,
            "decisions": self.decisions,
            "assessed": len(all_of_them),
            "excluded": by["ineligible"],
            "excluded_by": list(self._excluded()),
            "undetermined": by["undetermined"],
            "undetermined_by": list(self._undetermined()),
            "eligible": by["eligible"],
            "scopes": self._scopes(),
            "overridden": {
                "patients": changed.total(),
                "to_eligible": changed["eligible"],
                "to_ineligible": changed["ineligible"],
                "criteria": sum(len(_criteria_overridden(each)) for each in all_of_them),
            },
            "after_overrides": {
                name: after[name] for name in ("eligible", "ineligible", "undetermined")
            },
            "noted": {
                name: sum(each.has(name) for each in all_of_them)
                for name in ("confirmed", "declined", "deviation")
            },
        }

    def _excluded(self) -> Iterator[dict[str, Any]]:
        """Of each criterion that fails for an excluded patient: for how many it is the first that
        does, and for how many it does at all."""
        first, each_time = Counter[str](), Counter[str]()
        for standing in self.patients.values():
            if standing.computed(None) == "ineligible":
                failing = _of_verdict(standing.decision, "fail") or [JOINTLY]
                first[failing[0]] += 1
                each_time.update(failing)
        for name, polarity in self._in_order(each_time):
            yield {
                "criterion": name,
                "polarity": polarity,
                "first": first[name],
                "any": each_time[name],
            }

    def _undetermined(self) -> Iterator[dict[str, Any]]:
        each_time = Counter[str]()
        for standing in self.patients.values():
            if standing.computed(None) == "undetermined":
                each_time.update(_of_verdict(standing.decision, "open"))
        for name, polarity in self._in_order(each_time):
            yield {"criterion": name, "polarity": polarity, "any": each_time[name]}

    def _in_order(self, counted: Counter[str]) -> Iterator[tuple[str, str | None]]:
        """The criteria that are counted, as the last protocol text has them, and their polarity."""
        known: dict[str, str | None] = {}
        for standing in reversed(self.patients.values()):
            for each in standing.decision["criteria"]:
                known.setdefault(each["id"], each["polarity"])
        known[JOINTLY] = None
        yield from ((name, polarity) for name, polarity in known.items() if counted[name])

    def _scopes(self) -> dict[str, dict[str, int]]:
        found: dict[str, Counter[str]] = {}
        for standing in self.patients.values():
            for scope in standing.decision["scopes"]:
                found.setdefault(scope["id"], Counter())[scope["eligibility"]] += 1
        return {
            name: {key: by[key] for key in ("eligible", "ineligible", "undetermined")}
            for name, by in found.items()
        }


class Logs:
    """The log of each protocol of a record, in the order of their first decisions."""

    def __init__(self) -> None:
        self._by_protocol: dict[str, Log] = {}

    def add(self, body: Body) -> None:
        """Count a line of any kind."""
        if body["kind"] == "decision":
            name = body["protocol"]["id"]
        elif body["kind"] == "note":
            name = body["of"]["protocol"]
        else:
            return
        self._by_protocol.setdefault(name, Log(name)).add(body)

    def __iter__(self) -> Iterator[Log]:
        return (log for log in self._by_protocol.values() if log.patients)


def _short(decision: Body) -> Body:
    """What a log needs of a decision; a record can hold a great many."""
    criteria = [
        {key: sys.intern(each[key]) for key in ("id", "polarity", "verdict")}
        for each in decision["criteria"]
    ]
    kept = {key: decision[key] for key in ("number", "id", "eligibility", "scopes")}
    return {**kept, "protocol": {"id": decision["protocol"]["id"]}, "criteria": criteria}


def _of_verdict(decision: Body, verdict: str) -> list[str]:
    return [each["id"] for each in decision["criteria"] if each["verdict"] == verdict]


def _criteria_overridden(standing: Standing) -> list[str]:
    ids = [each["id"] for each in standing.decision["criteria"]]
    return [name for name in ids if standing.stands(name) != standing.computed(name)]
