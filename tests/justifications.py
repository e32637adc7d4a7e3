"""Made-up justifications: of any size, and with texts that are out for harm."""

from __future__ import annotations

from typing import Any

import networkx as nx

HOSTILE = (
    "</script><script>document.title='owned'</script><!-- <img src=x onerror=alert(1)> "
    "\"'\\ \\n \\N &lt; {{7*7}} ${1} ]]> \u202egnp.exe \x07\x00 \u2028 \U0001f600"
)
"""Text that HTML, JavaScript, DOT, XML or a terminal could take for something else."""


class Graph:
    """Builds a graph of criteria, each with a test, a finding and facts of it."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.nx: Any = nx.DiGraph(
            patient=f"p{text}", source=f"p.json{text}", as_of="2026-01-15", as_of_source="option",
            protocol={"id": "made_up", "version": "1", "digest": "sha256:0"},
            policies=None, parameters=[], timepoints=[],
        )  # fmt: skip
        self.node(
            "eligibility", "eligibility", "eligible", "the patient is eligible", op="criteria"
        )

    def node(self, name: str, kind: str, outcome: str, label: str, **data: Any) -> str:
        self.nx.add_node(name, kind=kind, outcome=outcome, label=label + self.text, **data)
        return name

    def edge(self, parent: str, child: str, role: str, part: str = "0") -> None:
        self.nx.add_edge(parent, child, role=role, parts=[part])

    def criterion(self, number: int, verdict: str, facts: int = 1) -> None:
        """A criterion on its line, that passes, fails or is open."""
        outcome = {"pass": "met", "fail": "not_met", "open": "unknown"}[verdict]
        role = {"pass": "supports", "fail": "defeats", "open": "missing"}[verdict]
        name = self.node(
            f"criterion:c{number}", "criterion", outcome, f"Criterion {number} of the protocol",
            op="criterion", line=number, verdict=verdict, applies=True, polarity="inclusion",
            rules=[f"met(c{number})"],
        )  # fmt: skip
        test = self.node(
            f"condition:criterion/c{number}/condition", "condition", outcome,
            f"value_{number} >= {number} g/L", op="test", line=number, rules=[f"holds(c{number})"],
            finding=f"value_{number}", cells=["at_least"], span=[0, 1],
            text=f"value_{number} >= {number} g/L",
        )  # fmt: skip
        finding = self.node(
            f"finding:value_{number}", "finding", "open" if verdict == "open" else "known",
            f"value {number}: known", op="record", cells=["at_least"],
            all_cells=["at_least", "below"], group=None,
        )  # fmt: skip
        self.edge("eligibility", name, role, f"c{number}")
        self.edge(name, test, role, "condition")
        self.edge(test, finding, role, "finding")
        if verdict == "open":
            gap = self.node(
                f"gap:v{number}:absent", "gap", "missing", f"nothing is recorded of v{number}",
                op="gap", element=f"v{number}", reason="absent", resource=None,
            )  # fmt: skip
            self.edge(finding, gap, "missing", "gap")
            facts = 0
        for i in range(facts):
            resource = f"Observation/o{number}-{i}"
            fact = self.node(
                f"fact:{resource}:value_{number}", "fact", "recorded",
                f"value {number} is {i} g/L on 2026-01-02", op="fact", resource=resource,
                date="2026-01-02", recorded=f"{i} g/L", read_as=f"{i} g/L",
                entry=f"value_{number}", range=[], attested=[], closes=False,
            )  # fmt: skip
            self.edge(finding, fact, "supports", "fact")
        root = self.nx.nodes["eligibility"]
        if verdict == "fail" or (verdict == "open" and root["outcome"] == "eligible"):
            root["outcome"] = "ineligible" if verdict == "fail" else "undetermined"
            root["label"] = f"the patient is {root['outcome']}{self.text}"


def justification(
    *, passing: int = 0, failing: int = 0, unclear: int = 0, facts: int = 1, text: str = ""
) -> Any:
    """A networkx graph: so many criteria that fail, are open and pass, each with so many facts."""
    graph = Graph(text)
    verdicts = ["fail"] * failing + ["open"] * unclear + ["pass"] * passing
    for number, verdict in enumerate(verdicts, 1):
        graph.criterion(number, verdict, facts)
    return graph.nx
