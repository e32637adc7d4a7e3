"""What holds, beside xclingo's explanations of the same rules, where xclingo is installed.

xclingo 2 explains what holds; it says nothing of what does not, and takes neither conditional
literals nor aggregates, so the ground rules are given to it. Its explanations of them with a
scenario of a patient must be ours: every atom rests on the same.
`pip install xclingo`, then `MANY=200 pytest tests/differential/test_xclingo.py`.
"""

from __future__ import annotations

import os
import random
from typing import Any

import clingo
import pytest

from protocol_logic.answering.skeleton import Rules
from protocol_logic.pipeline import findings_of
from protocol_logic.reasoning.ground import Ground
from protocol_logic.reasoning.support import States, View
from tests.differential.trials import trials

pytest.importorskip("xclingo", reason="xclingo is not installed")

MANY = int(os.environ.get("MANY", "20"))
MOST = 300
_TRACE = "_xclingo_label(Atom, Atom) :- _xclingo_f_atom(Atom).\n"

Bodies = dict[str, set[frozenset[str]]]


def scenario(rng: random.Random, view: View) -> View:
    """A view in which every finding lies in one of its cells."""

    def one(cells: frozenset[str]) -> frozenset[str]:
        return frozenset({rng.choice(sorted(cells))})

    groups = {}
    for name, rows in view.groups.items():
        groups[name] = ({n: one(c) for n, c in rng.choice(rows).items()},)
    return View({n: one(c) for n, c in view.single.items()}, groups)


def cells_of(view: View) -> list[str]:
    rows = [row for group in view.groups.values() for row in group]
    pairs = [*view.single.items(), *(pair for row in rows for pair in row.items())]
    return [f"cell({name},{cell})" for name, cells in pairs for cell in cells if cell]


def rules_text(ground: Ground, asked: list[str]) -> str | None:
    """The ground rules for some atoms as a program; None where some count, or have no name."""
    lines = []
    queue, seen = [ground.numbers[name] for name in asked], set[int]()
    while queue:
        head = queue.pop()
        if head in seen:
            continue
        seen.add(head)
        for body in ground.bodies.get(head, ()):
            atoms = [abs(literal) for literal, _ in body.literals]
            if body.bound != len(body.literals) or not all(a in ground.names for a in atoms):
                return None
            said = [("" if n > 0 else "not ") + ground.names[abs(n)] for n, _ in body.literals]
            lines.append(f"{ground.names[head]}{' :- ' if said else ''}{', '.join(said)}.")
            queue += atoms
    return "\n".join(lines)


def of_xclingo(rules: str, facts: list[str], asked: list[str]) -> Bodies | None:
    """Atom -> what it rests on in some explanation; None where there are too many of them."""
    from xclingo.explainer import Explainer  # type: ignore[import-not-found]
    from xclingo.preprocessor import (  # type: ignore[import-not-found]
        DefaultExplainingPipeline,
    )

    text = rules + "".join(f"\n{fact}." for fact in facts)
    show = "".join(f"\n%!show_trace {{{atom}}}." for atom in asked)
    translated = DefaultExplainingPipeline().translate("rules", text + show + "\n")
    explainer: Any = Explainer(["0", "--warn=none"], logger=lambda *_: None)
    explainer.add("base", [], translated + _TRACE)
    control = clingo.Control(["--warn=none"])
    control.add("base", [], text)
    control.ground([("base", [])])
    found: Bodies = {}
    with control.solve(yield_=True) as solved:
        for number, graph in enumerate(explainer._compute_graphs(solved.model())):
            if number == MOST:
                return None
            for atom, explanation in graph.index.items():
                causes = frozenset(str(cause.atom) for cause in explanation.causes)
                found.setdefault(str(atom), set()).add(causes)
    return found


def of_ours(states: States, atom: str) -> set[frozenset[str]]:
    """The rules for an atom that hold, by what they ask for."""
    return {
        frozenset(name for name, _ in rule.literals if not name.startswith("not "))
        for rule in states.reasons(atom)
        if rule.truth is True
    }


@pytest.mark.parametrize("case", range(MANY))
def test_what_holds_rests_on_what_xclingo_says(case: int) -> None:
    rng = random.Random(case)
    trial = next(trials(case))
    found = trial.told
    view = scenario(rng, View.of(findings_of(found, trial.record, trial.as_of)))
    ground = Rules(found.protocol, found.plan, found.program).ground(view)
    states = States(ground, view)
    compared = 0
    names = [f"met({criterion.id})" for criterion in found.protocol.criteria]
    for atom in (name for name in names if states.literal(name) is True):
        text = rules_text(ground, [atom])
        if text is None:
            continue  # rules that count
        said = of_xclingo(text, cells_of(view), [atom])
        for each, bodies in (said or {}).items():
            if not each.startswith("cell("):
                assert bodies == of_ours(states, each), (case, atom, each)
                compared += 1
    if not compared:
        pytest.skip("nothing is met, or by rules that count, which xclingo cannot explain")
