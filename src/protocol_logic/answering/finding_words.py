"""Findings and limits in words: the cells a finding may lie in, the limit it is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from protocol_logic.answering.readings import interval_words
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.findings.rows import CellSet
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Asked

_MAKE = {">=": Interval.at_least, ">": Interval.above, "<=": Interval.at_most,
         "<": Interval.below}  # fmt: skip


_CALENDAR = {"a": "years", "mo": "months", "d": "days"}
NUMBERS = ("number", "ratio", "derived", "age")
"""Kinds of findings that are cut from one number."""


class FindingWords:
    """The words of one protocol's findings; each text is made once."""

    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.entries = protocol.vocabulary.entries
        self.plan = plan
        self.derived = protocol.derived
        self._said: dict[tuple[str, CellSet], str] = {}

    def said(self, name: str, cells: Iterable[str]) -> str:
        """A finding with the cells it may lie in, in words."""
        key = (name, frozenset(cells))
        known = self._said.get(key)
        if known is None:
            known = self._said[key] = self._say(*key)
        return known

    def _say(self, name: str, cells: CellSet) -> str:
        finding = self.plan.findings.get(name)
        label = self._label(name, finding)
        order = {c: i for i, c in enumerate(finding.cells)} if finding is not None else {}
        kept = sorted(cells, key=lambda c: (order.get(c, -1), c))
        if finding is not None and finding.ranges:
            unit = self.unit(finding)
            ranges = dict(finding.parts)
            said = [interval_words(ranges[c], unit) if c in ranges else _plain(c) for c in kept]
        else:
            said = [_plain(cell) for cell in kept]
        return f"{label}: {' or '.join(said)}"

    def nothing(self, name: str) -> str:
        """That a finding rests on nothing, in words."""
        finding = self.plan.findings.get(name)
        label = self._label(name, finding)
        if finding is not None and finding.kind == "in_record":
            return f"nothing is recorded of {label.replace(' recorded', '', 1)}"
        return f"nothing recorded says anything of {label}"

    def _label(self, name: str, finding: Finding | None) -> str:
        """A finding's name as a person writes it: what is asked in its own words."""
        entry = None if finding is None else self.entries.get(finding.entry)
        if isinstance(entry, Asked):
            return entry.label
        label = name.replace("_", " ")
        if finding is not None and finding.kind == "in_record" and label.startswith("recorded("):
            what, _, window = label.removeprefix("recorded(").removesuffix(")").partition(",")
            return f"{what} recorded {window}".rstrip()
        if finding is not None and finding.kind == "ratio":
            return label.replace(f" per {finding.detail.lower()}", f" x {finding.detail}", 1)
        return label

    def unit(self, finding: Finding) -> str:
        """The unit of a finding's numbers."""
        if finding.kind == "ratio":
            return f"x {finding.detail}"
        if finding.kind in ("lines", "count"):
            return ""
        entry = self.derived.get(finding.entry) or self.entries.get(finding.entry)
        unit = str(getattr(entry, "unit", None) or "")
        return _CALENDAR.get(unit, unit) if finding.kind == "age" else unit

    def limit(self, test: core.Within, name: str) -> dict[str, Any]:
        """What a number is compared with."""
        finding = self.plan.findings[name]
        if finding.kind not in NUMBERS:
            return {}
        return {"limit": interval_words(_MAKE[test.op](test.limit), self.unit(finding))}


def _plain(cell: str) -> str:
    return cell.replace("_", " ") or "not there"
