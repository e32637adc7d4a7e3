"""Explains programs with xasp: run by a Python that has it, since it pins other versions than ours.

`python bench/explain_xasp.py < programs.json`: a list of `[program, atoms]`; prints the processor
seconds and how many were explained. See bench_explain.py.
"""

from __future__ import annotations

import json
import sys
import warnings
from time import process_time

warnings.filterwarnings("ignore")


def main() -> None:
    import clingo
    from dumbo_asp.primitives.models import Model  # type: ignore[import-not-found]
    from xasp.entities import Explain  # type: ignore[import-not-found]

    programs = json.load(sys.stdin)
    explained = 0
    start = process_time()
    for program, asked in programs:
        control = clingo.Control(["--warn=none"])
        control.add("base", [], program)
        control.ground([("base", [])])
        with control.solve(yield_=True) as solved:
            atoms = [str(symbol) for symbol in solved.model().symbols(atoms=True)]
        targets = Model.of_atoms(*asked)
        try:
            explain = Explain.the_program(
                program,
                the_answer_set=Model.of_atoms(*atoms),
                the_atoms_to_explain=targets,
                the_additional_atoms_in_the_base=targets,
            )
            explain.explanation_dag()
            explained += 1
        except Exception as error:
            print(type(error).__name__, str(error)[:100], file=sys.stderr)
    print(json.dumps([process_time() - start, explained]))


if __name__ == "__main__":
    main()
