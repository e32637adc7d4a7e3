"""The leaves of a justification, checked: findings, facts, gaps and assumptions as re-read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import networkx as nx

from protocol_logic.answering.audited_truth import Cells, Truth
from protocol_logic.answering.finding_words import FindingWords
from protocol_logic.answering.leaves import Leaves
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import CellSet, PatientFindings
from protocol_logic.records.facts import PatientRecord

if TYPE_CHECKING:
    from protocol_logic.answering.auditing import _Auditor


class AuditedLeaves:
    """Findings as the record, read again, has them."""

    def __init__(
        self,
        auditor: _Auditor,
        plan: Plan,
        protocol: core.Protocol,
        record: PatientRecord,
        found: PatientFindings,
    ) -> None:
        self.auditor, self.plan = auditor, plan
        self.expected: nx.DiGraph[str] = nx.DiGraph()
        self._words = FindingWords(protocol, plan)
        self._leaves = Leaves(self._words, found, self.expected)
        self._facts = {
            (f.resource, f.date.text or None if f.date else None, f.recorded, f.entry)
            for f in record.facts
        }
        self._checked: set[str] = set()

    def words(self, finding: str, cells: Iterable[str]) -> str:
        return self._words.said(finding, cells)

    def comparison(self, test: core.Condition, finding: str) -> dict[str, Any]:
        limit = self._words.limit(test, finding) if isinstance(test, core.Within) else {}
        return {**limit, **self._leaves.comparison(test, finding)}

    def finding(self, name: str, prefix: str, cells: Cells) -> str:
        """The node of a finding, in a case its own where the case says more than the record."""
        recorded, now = self.auditor.record.of(name), cells.of(name)
        base = self._base(self._leaves.finding(name, recorded))
        if not prefix or now == recorded:
            return base
        node = f"{prefix}finding:{name}"
        if node not in self._checked:
            self._checked.add(node)
            self.auditor.node(
                node,
                {
                    "kind": "finding", "op": "supposed", "label": self.words(name, now),
                    "cells": sorted(now), "outcome": "known" if len(now) == 1 else "open",
                },
            )  # fmt: skip
            self.auditor.children(node, [("record", base, None)])
        return node

    def courses(self, concept: str, prefix: str, cells: Cells) -> str:
        group = concept_group(concept)
        recorded, now = self.auditor.record.groups.get(group, []), cells.groups.get(group, [])
        base = self._base(self._leaves.courses(group, tuple(recorded)))
        if not prefix or now == recorded:
            return base
        node = f"{prefix}finding:{group}"
        if node not in self._checked:
            self._checked.add(node)
            self.auditor.node(
                node,
                {
                    "kind": "finding", "op": "supposed", "readings": len(now),
                    "label": f"courses of {concept}: {len(now)} readings",
                    "outcome": "known" if len(now) == 1 else "open",
                },
            )  # fmt: skip
            self.auditor.children(node, [("record", base, None)])
        return node

    def _base(self, node: str) -> str:
        """Check a finding of the record, with all that it rests on."""
        if node in self._checked:
            return node
        self._checked.add(node)
        truths: Mapping[str, Truth] = {"supports": True, "missing": None}
        edges = []
        self.auditor.node(node, self.expected.nodes[node])
        for child in self.expected[node]:
            edge = self.expected.edges[node, child]
            edges += [(part, child, truths[edge["role"]]) for part in edge["parts"]]
            if child not in self._checked:
                self._checked.add(child)
                self._leaf(child)
        self.auditor.children(node, edges)
        return node

    def _leaf(self, name: str) -> None:
        found = self.auditor.node(name, self.expected.nodes[name])
        self.auditor.children(name, [])
        if found.get("kind") == "fact":
            stated = tuple(found.get(key) for key in ("resource", "date", "recorded", "entry"))
            if stated not in self._facts:
                self.auditor.wrong(name, "the record has no such fact")

    # ---- courses -----------------------------------------------------------------------------

    def pattern(self, pattern: core.Pattern, cells: Cells) -> Truth:
        """Whether every reading of the courses holds a course and an event that fit, or none."""
        rows = cells.groups.get(concept_group(pattern.concept), [])
        sure = [self._fits(pattern, row, cells, sure=True) for row in rows]
        may = [self._fits(pattern, row, cells, sure=False) for row in rows]
        if rows and all(sure):
            return True
        return None if any(may) or not rows else False

    def _fits(
        self, pattern: core.Pattern, row: Mapping[str, CellSet], cells: Cells, sure: bool
    ) -> bool:
        names = self.plan.courses[pattern.concept].names[pattern.name]

        def lies(finding: str, cell: str) -> bool:
            allowed = row[finding] if finding in row else cells.of(finding)
            return allowed == {cell} if sure else cell in allowed

        if lies(names.unrecorded_course, "some"):
            return True
        intent = pattern.intent or core.ANY_INTENT
        starts = f"course({pattern.concept},"
        chosen = [n[len(starts) : -1] for n in row if n.startswith(starts) and lies(n, intent)]
        starts = f"event({pattern.event},"
        events = [n[len(starts) : -1] for n in row if n.startswith(starts) and lies(n, "recorded")]
        return any(
            (lies(f"{names.room}({course})", "yes") and lies(names.unrecorded_event, "some"))
            or any(
                all(lies(f"{clause}({course},{event})", "yes") for clause in names.clauses)
                for event in events
            )
            for course in chosen
        )
