"""All subset-minimal sets that force something, by the MARCO algorithm (Liffiton et al. 2016).

Whether a set forces it is asked of a function, which must be monotone: what a set forces, each set
that holds it forces. clingo keeps the map of sets that are still to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from clingo import Control, Function, Model, Number


def shrunk(
    kept: Sequence[str], forces: Callable[[Collection[str]], bool], first: Sequence[str]
) -> list[str]:
    """A set that forces, made minimal: members are let go one after the other, in this order."""
    left = dict.fromkeys(kept)
    for name in first:
        if name in left and forces([each for each in left if each != name]):
            del left[name]
    return list(left)


def minimal_sets(
    units: Sequence[str], forces: Callable[[Collection[str]], bool]
) -> Iterator[list[str]]:
    """Each minimal set of units that forces, in an order that is always the same."""
    control = Control(["--models=1", "--heuristic=Domain"])
    control.add("map", [], f"{{in(0..{len(units) - 1})}}. #heuristic in(U). [1,true]")
    control.ground([("map", [])])
    while (seed := _next(control)) is not None:
        kept = [unit for number, unit in enumerate(units) if number in seed]
        if forces(kept):
            found = shrunk(kept, forces, units)
            yield found
            _forbid(control, [n for n, unit in enumerate(units) if unit in found], True)
        else:
            # As large as it gets by the heuristic: every set that forces has one of the others.
            _forbid(control, [n for n in range(len(units)) if n not in seed], False)


def _next(control: Control) -> set[int] | None:
    found: list[set[int]] = []

    def keep(model: Model) -> None:
        found.append({symbol.arguments[0].number for symbol in model.symbols(atoms=True)})

    control.solve(on_model=keep)
    return found[0] if found else None


def _forbid(control: Control, numbers: Sequence[int], held: bool) -> None:
    """No set that holds them all; or none that holds none of them."""
    with control.backend() as backend:
        atoms = [backend.add_atom(Function("in", [Number(n)])) for n in numbers]
        backend.add_rule([], atoms if held else [-atom for atom in atoms])
