"""What justifications cost beside deciding alone: `python bench/bench_explain.py [patients]`.

1,000 patients by default, made as facts, judged by the seed protocol. Processor time; the ratio is
to deciding with nothing solved before. xclingo explains the same ground rules where it is installed
(`pip install xclingo`): one explanation of what holds in one scenario of each patient, and nothing
of what does not hold; it is timed with 50 of them. xasp explains both, where `XASP_PYTHON` names a
Python that has it (`pip install xasp clingo==5.8.0` in an environment of its own); with 5 of them.
s(CASP) is not measured here: it is no package, but a checkout.
"""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

from patients import AS_OF, Drawing

from protocol_logic.answering.justification import node_link
from protocol_logic.answering.rows import AsOf
from protocol_logic.answering.why import with_why
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Explaining, compile_source, findings_of
from protocol_logic.reasoning.ground import Ground
from protocol_logic.reasoning.support import View

PROTOCOL = "anlotinib_fulvestrant"
XCLINGO_PATIENTS = 50
XASP_PATIENTS = 5


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    start = process_time()
    result = do()
    return process_time() - start, result


def main(size: int) -> None:
    path = protocol_path(PROTOCOL)
    assert path is not None
    compiled = compile_source(Source(PROTOCOL, path.read_text(encoding="utf-8")), Problems())
    assert compiled is not None
    records = list(Drawing(compiled).records(size))
    explaining, as_of = Explaining(compiled), AsOf(AS_OF, "option")
    justifier = explaining.justifier
    found = [findings_of(compiled, record, AS_OF) for record in records]

    def decide() -> list[Any]:
        return [explaining.engine.decide(each) for each in found]

    cold, decisions = timed(decide)
    judged = list(zip(records, found, decisions, strict=True))

    def support() -> int:
        return sum(len(s.edges) for _, f, d in judged for s in justifier.support(f, d))

    def graphs(use: Callable[[Any], Any]) -> Callable[[], None]:
        def run() -> None:
            for record, each, decision in judged:
                use(explaining.graph(record, as_of, each, decision))

        return run

    row = {"criteria": [{"id": c.id, "verdict": d.verdict}
                        for c, d in zip(compiled.protocol.criteria, decisions[0].criteria,
                                        strict=True)]}  # fmt: skip
    phases = [
        ("deciding, nothing solved before", cold),
        ("deciding, all solved before", timed(decide)[0]),
        ("support edges of both sides, no skeleton known", timed(support)[0]),
        ("support edges of both sides, skeletons known", timed(support)[0]),
        ("networkx graphs down to the facts", timed(graphs(len))[0]),
        ("the same and sentences (screen --why)", timed(graphs(lambda g: with_why(row, g)))[0]),
        ("the same as JSON", timed(graphs(lambda g: json.dumps(node_link(g))))[0]),
    ]
    print(f"{size} patients, {support() / size:.0f} edges between conditions and findings each")
    print(f"{'phase':52}{'ms a patient':>13}{'ratio':>8}")
    for name, seconds in phases:
        print(f"{name:52}{1000 * seconds / size:13.4f}{seconds / cold:8.2f}")
    rng = random.Random(1)
    sample = found[:XCLINGO_PATIENTS]
    programs = [scenario_program(justifier.rules.ground(View.of(f)), View.of(f), rng)
                for f in sample]  # fmt: skip
    names = [c.id for c in compiled.protocol.criteria]
    seconds = xclingo_seconds(programs, names)
    report(f"xclingo, one explanation, {len(sample)} patients", seconds, len(sample), cold / size)
    seconds = xasp_seconds(programs[:XASP_PATIENTS], names)
    report(f"xasp, {XASP_PATIENTS} patients", seconds, XASP_PATIENTS, cold / size)


def report(name: str, seconds: float | None, number: int, deciding: float) -> None:
    """A line of the table; None: the peer is not installed."""
    if seconds is None:
        print(f"{name:52}{'not installed':>13}")
    else:
        each = seconds / number
        print(f"{name:52}{1000 * each:13.4f}{each / deciding:8.2f}")


def xasp_seconds(programs: list[str], criteria: list[str]) -> float | None:
    """The time that xasp takes to explain what is met and what is not."""
    python = os.environ.get("XASP_PYTHON")
    if python is None:
        return None
    script = Path(__file__).with_name("explain_xasp.py")
    asked = json.dumps([[program, [f"met({c})" for c in criteria]] for program in programs])
    done = subprocess.run([python, script], input=asked, capture_output=True, text=True)
    print(done.stderr, end="", file=sys.stderr)
    if done.returncode:
        return None
    seconds, explained = json.loads(done.stdout)
    print(f"xasp explained {explained} of {len(programs)}", file=sys.stderr)
    return float(seconds)


def scenario_program(ground: Ground, view: View, rng: random.Random) -> str:
    """The ground rules that do not count, and one scenario of a patient as facts."""
    lines = []
    for head, bodies in ground.bodies.items():
        for body in bodies:
            atoms = [head, *(abs(literal) for literal, _ in body.literals)]
            if body.bound == len(body.literals) and all(a in ground.names for a in atoms):
                said = [("" if n > 0 else "not ") + ground.names[abs(n)] for n, _ in body.literals]
                lines.append(f"{ground.names[head]}{' :- ' if said else ''}{', '.join(said)}.")
    rows = [rng.choice(rows) for rows in view.groups.values()]
    pairs = [*view.single.items(), *(pair for row in rows for pair in row.items())]
    lines += [f"cell({name},{rng.choice(sorted(cells))})." for name, cells in pairs]
    return "\n".join(lines)


def xclingo_seconds(programs: list[str], criteria: list[str]) -> float | None:
    try:
        from xclingo.explainer import Explainer  # type: ignore[import-not-found]
        from xclingo.preprocessor import (  # type: ignore[import-not-found]
            DefaultExplainingPipeline,
        )
    except ImportError:
        return None
    import clingo

    show = "".join(f"\n%!show_trace {{met({name})}}." for name in criteria)
    trace = "_xclingo_label(Atom, Atom) :- _xclingo_f_atom(Atom).\n"
    start = process_time()
    for program in programs:
        control = clingo.Control(["--warn=none"])
        control.add("base", [], program)
        control.ground([("base", [])])
        translated = DefaultExplainingPipeline().translate("rules", program + show + "\n")
        explainer: Any = Explainer(["1", "--warn=none"], logger=lambda *_: None)
        explainer.add("base", [], translated + trace)
        with control.solve(yield_=True) as solved:
            for graph in explainer._compute_graphs(solved.model()):
                for atom in graph.show_trace:
                    explained = graph.explain(atom)
                    if explained is not None:
                        explained.ascii_tree()
    return process_time() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
