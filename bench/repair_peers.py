"""Repairs by clingexplaid: run by `bench_what_if.py` with a Python that has it.

Reads JSON, a list of ASP programs of repairs as `kb/logic/repair.lp` states them, with the atoms
that say what is changed; writes the seconds and the minimal sets of each.
"""

from __future__ import annotations

import json
import sys
from time import process_time
from typing import Any

import clingo


def minimal_changes(program: str, most: int) -> list[list[str]]:
    """The complements of the maximal satisfiable sets of `this is not changed`."""
    from clingexplaid.unsat import SubsetComputer  # type: ignore[import-not-found]
    from clingexplaid.unsat.sets import (  # type: ignore[import-not-found]
        MaximalSatisfiableSubset,
    )

    control = clingo.Control(["--warn=none"])
    control.add("base", [], program)
    control.ground([("base", [])])
    changes = [
        atom.symbol
        for name, arity in (("change", 1), ("drop", 2))
        for atom in control.symbolic_atoms.by_signature(name, arity)
    ]
    computer: Any = SubsetComputer(control, [(symbol, False) for symbol in changes])
    sets = computer.multiple(types={MaximalSatisfiableSubset}, maximum=most)
    everything = {str(symbol) for symbol in changes}
    found = []
    for each in sets:
        if isinstance(each, MaximalSatisfiableSubset):
            found.append(sorted(everything - {str(one.symbol) for one in each.assumptions}))
    return found


def main() -> None:
    told = json.load(sys.stdin)
    answers = []
    for program in told["programs"]:
        start = process_time()
        found = minimal_changes(program, told["most"])
        answers.append([process_time() - start, found])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
