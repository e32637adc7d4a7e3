"""Justifications: the graph says what the engine decides, and the independent check accepts it.

`MANY=300 pytest tests/differential/test_explained.py` runs a longer campaign.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from protocol_logic.answering.justification import node_link, only_findings
from protocol_logic.answering.rows import AsOf
from protocol_logic.answering.why import criteria, reasons, sentence
from protocol_logic.compiling import core
from protocol_logic.pipeline import Compiled, Explaining, findings_of
from protocol_logic.reasoning.engine import Engine
from protocol_logic.reasoning.support import States, View
from protocol_logic.records.facts import Fact, PatientRecord
from tests.differential import bundles
from tests.differential.corrupted import corrupted
from tests.differential.protocols import random_protocol
from tests.differential.trials import compiled, record_of, seed, trials
from tests.patient_notation import bundle_of

MANY = int(os.environ.get("MANY", "12"))
CHUNK = 12
CORRUPTED = 50 if "MANY" in os.environ else 10
"""How many corruptions of each of the twenty seed cases are tried."""
SEED = Path(__file__).resolve().parents[3] / "shared" / "data" / "seed_cases"
needs_seed = pytest.mark.skipif(not SEED.is_dir(), reason="the seed cases (../shared) are not here")


def explained(
    found: Compiled, engine: Engine, explaining: Explaining, record: PatientRecord, as_of: AsOf
) -> tuple[Any, dict[str, Any]]:
    """The graph, checked against the engine's decision, and its data."""
    graph = explaining.explain(record, as_of)
    findings = findings_of(found, record, as_of.date)
    decision = engine.decide(findings)
    assert graph.nodes["eligibility"]["outcome"] == decision.eligibility
    for each in decision.criteria:
        node = graph.nodes[f"criterion:{each.id}"]
        assert (node["outcome"], node["verdict"], node["applies"]) == (
            each.outcome, each.verdict, each.applies
        )  # fmt: skip
    for scope in decision.scopes:
        assert graph.nodes[f"scope:{scope.id}"]["outcome"] == scope.eligibility
    assert nx.is_directed_acyclic_graph(graph)
    assert set(nx.descendants(graph, "eligibility")) == set(graph) - {"eligibility"}
    for name, node in graph.nodes(data=True):
        assert {"kind", "label", "outcome"} <= node.keys(), name
        if node["kind"] in ("criterion", "condition", "finding"):
            assert graph[name], name
    data: dict[str, Any] = json.loads(json.dumps(node_link(graph)))
    return graph, data


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_random_protocols_are_explained_as_they_are_decided(start: int) -> None:
    for case in range(start, start + CHUNK):
        explaining: Explaining | None = None
        for trial in trials(case):
            # One for all patients: skeletons made for one are used for others who look alike.
            if explaining is None or trial.told.program is not explaining.compiled.program:
                explaining = Explaining(trial.told)
            explaining.compiled = trial.told  # its days of time points
            as_of = AsOf(trial.as_of, "option")
            graph, data = explained(trial.told, trial.engine, explaining, trial.record, as_of)
            assert explaining.audit(data, trial.record, as_of) == [], (case, trial.number)
            assert sentence(graph)
            assert all(reasons(graph, node) for node in criteria(graph))


@pytest.mark.parametrize("start", range(0, MANY, CHUNK))
def test_the_rules_support_what_they_say(start: int) -> None:
    """An atom holds just where a rule does, and fails where all do, by literals that fail."""
    for case in range(start, start + CHUNK):
        rng = random.Random(f"protocol {case}")
        found = compiled(random_protocol(rng))
        bundle, day = bundles.random_bundle(rng, 1)
        bundles.blur(rng, bundle)
        findings = findings_of(found, record_of(found, bundles.dumps(bundle)), day)
        view = View.of(findings)
        justifier = Explaining(found).justifier
        states = States(justifier.rules.ground(view), view)
        for criterion in found.protocol.criteria:
            for name in (f"met({criterion.id})", f"holds({criterion.id})"):
                rules = states.reasons(name)
                said = [rule.truth for rule in rules]
                truth = states.literal(name)
                assert truth is not False or (True not in said and None not in said)
                assert truth is not True or True in said or len(said) > 1
                for rule in rules:
                    literals = [each for _, each in rule.literals]
                    if rule.truth is True:
                        assert True in literals or not literals
                    elif rule.truth is False:
                        assert False in literals


@cache
def seed_explaining() -> Explaining:
    return Explaining(seed()[0])


def seed_cases() -> dict[str, Any]:
    if not SEED.is_dir():
        return {}
    cases: dict[str, Any] = json.loads((SEED / "expected.json").read_text("utf-8"))["cases"]
    return cases


def seed_case(name: str) -> tuple[PatientRecord, AsOf, dict[str, Any]]:
    case = seed_cases()[name]
    record = record_of(seed()[0], (SEED / case["file"]).read_text("utf-8"))
    # The bundle is known by its name in the folder, not by where that lies.
    return record, AsOf(date.fromisoformat(case["as_of"]), "option"), case


@needs_seed
@pytest.mark.parametrize("name", seed_cases())
def test_every_criterion_of_the_seed_cases_is_explained(name: str) -> None:
    record, as_of, case = seed_case(name)
    found, engine = seed()
    graph, data = explained(found, engine, seed_explaining(), record, as_of)
    assert seed_explaining().audit(data, record, as_of) == []
    ids = [criterion.id for criterion in found.protocol.criteria]
    # The cases give what the criteria say one by one.
    root = graph.nodes["eligibility"]
    assert ("undetermined" if "jointly" in root else root["outcome"]) == case["overall"]
    for number, outcome in case["criteria"].items():
        node = f"criterion:{ids[int(number) - 1]}"
        assert graph.nodes[node]["outcome"] == outcome
        leaves = {graph.nodes[n]["kind"] for n in nx.descendants(graph, node)}
        assert leaves & {"fact", "gap", "assumption"}


@needs_seed
@pytest.mark.parametrize("name", seed_cases())
def test_corrupted_justifications_are_refused(name: str) -> None:
    record, as_of, _ = seed_case(name)
    data = json.dumps(node_link(seed_explaining().explain(record, as_of)))
    rng = random.Random(name)
    for _ in range(CORRUPTED):
        kind, wrong = corrupted(rng, json.loads(data))
        assert seed_explaining().audit(wrong, record, as_of), (kind, wrong)


@needs_seed
def test_a_justification_of_another_patient_is_refused() -> None:
    record, as_of, _ = seed_case("D01")
    other, day, _ = seed_case("D02")
    data = json.loads(json.dumps(node_link(seed_explaining().explain(record, as_of))))
    assert seed_explaining().audit(data, other, day)


@pytest.mark.parametrize("wrong", [{}, {"nodes": []}, {"nodes": [], "edges": [], "graph": {}},
                                   {"nodes": 3, "edges": [], "graph": {}},
                                   {"nodes": [{}], "edges": [], "graph": {}}])  # fmt: skip
def test_what_is_no_justification_is_refused(wrong: dict[str, Any]) -> None:
    found, _ = seed()
    bundle, day = bundles.random_bundle(random.Random(1), 1)
    record = record_of(found, bundles.dumps(bundle))
    assert seed_explaining().audit(wrong, record, AsOf(day, "option"))


def test_a_condition_is_never_left_out() -> None:
    """All conditions of a criterion stand in its graph, whichever of them decide."""
    found, _ = seed()
    bundle, day = bundles.random_bundle(random.Random(2), 2)
    record = record_of(found, bundles.dumps(bundle))
    graph = seed_explaining().explain(record, AsOf(day, "option"))

    def count(condition: core.Condition) -> int:
        return 1 + sum(map(count, core.parts_of(condition)))

    for criterion in found.protocol.criteria:
        start = f"condition:criterion/{criterion.id}/condition"
        nodes = [n for n in graph if n == start or n.startswith(f"{start}/")]
        assert len(nodes) == count(criterion.condition)


HER2 = """\
protocol example
  title Example
  version 1
  language 1
  uses demographics, performance, oncology.breast

include negative
  > HER2 negative
  her2 is negative

exclude any_result
  > HER2 negative or positive by immunohistochemistry, or ECOG 0 or 1
  at least 2 of
    her2_ihc is negative or her2_ihc is 1+
    not er is positive
    ecog is not recorded or ecog <= 1 or ecog > 1
"""


@pytest.mark.parametrize(
    "facts",
    [
        "her2_ihc negative or 1+",
        "her2_ihc negative\nher2_ihc 1+",
        "her2_ihc negative\nher2_ihc 1+\nher2_fish negative\nher2_fish equivocal",
        "her2_ihc negative\nher2_ihc 1+\nher2_ihc 2+",
        "her2_ihc 3+\nher2_ihc positive\ner positive or negative",
        "her2_ihc negative\nher2_ihc 1+\necog 1\necog 2\ner positive\ner negative",
    ],
)
def test_what_each_result_of_a_day_makes_true_is_explained(facts: str) -> None:
    """Each of two results has a rule of its own for one condition: which of the two does not
    matter, so there are cases."""
    found = compiled(HER2)
    bundle = bundle_of(f"as of 2026-01-15\nfemale\n{facts}\n", found.protocol.vocabulary)
    record = record_of(found, bundles.dumps(bundle))
    explaining, as_of = Explaining(found), AsOf(date(2026, 1, 15), "option")
    engine = Engine(found.protocol, found.plan, found.program)
    graph, data = explained(found, engine, explaining, record, as_of)
    assert explaining.audit(data, record, as_of) == []
    assert sentence(graph)


DEMO = Path(__file__).parents[2] / "demo" / "patients"


@pytest.mark.parametrize("file", sorted(DEMO.glob("*.json")), ids=lambda path: path.stem)
def test_what_a_minimal_explanation_does_not_name_changes_nothing(file: Path) -> None:
    """Facts that it does not name are taken away, one by one and all, and screened again."""
    found, engine = seed()
    record = record_of(found, file.read_text("utf-8"))
    assert record.index_date is not None
    as_of = AsOf(record.index_date, "bundle")
    forcing = seed_explaining().forcing(record, as_of)
    whole = seed_explaining().explain(record, as_of)
    facts = list(record.facts)

    def eligibility(facts: list[Fact]) -> str:
        fewer = replace(record, facts=tuple(facts))
        return engine.decide(findings_of(found, fewer, as_of.date)).eligibility

    decided = eligibility(facts)
    sets = list(forcing.all())
    assert bool(sets) == (decided != "undetermined")
    assert (forcing.first() in sets) == bool(sets)
    for names in sets:
        graph = only_findings(whole, names)
        named = {
            (d["resource"], d["entry"]) for _, d in graph.nodes(data=True) if d["kind"] == "fact"
        }
        others = [fact for fact in facts if (fact.resource, fact.entry) not in named]
        for fact in others:
            assert eligibility([each for each in facts if each is not fact]) == decided, fact
        kept = [fact for fact in facts if (fact.resource, fact.entry) in named]
        assert eligibility(kept) == decided
        if decided == "ineligible" and len(sets) == 1:
            assert eligibility(others) != decided


@pytest.mark.parametrize("start", range(0, min(MANY, 50), CHUNK))
def test_all_minimal_sets_are_those_that_trying_every_subset_finds(start: int) -> None:
    for case in range(start, start + CHUNK):
        for trial in trials(case):
            as_of = AsOf(trial.as_of, "option")
            explaining = Explaining(trial.told)
            for criterion in trial.told.protocol.criteria:
                forcing = explaining.forcing(trial.record, as_of, criterion.id)
                if not 0 < len(forcing.units) <= 6:
                    continue
                sets = sorted(map(sorted, forcing.all()))
                units = forcing.units
                every = [
                    {u for i, u in enumerate(units) if mask >> i & 1}
                    for mask in range(1 << len(units))
                ]
                # A plain script of what a set is: what the others are changes nothing.
                forces = [s for s in every if forcing.decided is not None and forcing.forces(
                    frozenset(s))]  # fmt: skip
                least = [s for s in forces if not any(other < s for other in forces)]
                assert sets == sorted(map(sorted, least)), (case, trial.number, criterion.id)


def test_cases_that_are_too_many_are_said_and_not_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("protocol_logic.reasoning.support.MOST_CASES", 1)
    found, _ = seed()
    record = record_of(found, (DEMO / "robin_sex_unknown.json").read_text("utf-8"))
    assert record.index_date is not None
    as_of = AsOf(record.index_date, "bundle")
    graph = seed_explaining().explain(record, as_of)
    assert graph.nodes["eligibility"]["outcome"] == "ineligible"
    assert graph.nodes["eligibility"]["by"] == "program"
    assert sentence(graph) == (
        "Ineligible: adult_woman and ovarian_suppressed cannot pass together"
    )
    data = json.loads(json.dumps(node_link(graph)))
    assert seed_explaining().audit(data, record, as_of)
