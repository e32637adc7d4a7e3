"""`compile --to basis`: what each criterion of a protocol rests on, without any patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from protocol_logic.compiling.basis import KINDS
from protocol_logic.surfaces.terminal import count, pad, visible

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled


def basis_text(compiled: Compiled) -> str:
    """The criteria counted by basis, then one a line, each with what it asks under its id."""
    return "".join(f"{line}\n" for line in _lines(compiled))


def _lines(compiled: Compiled) -> Iterator[str]:
    protocol, basis = compiled.protocol, compiled.plan.basis
    kinds = Counter(each.kind for each in basis.values())
    counted = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS if kinds[kind])
    title = visible(f"{protocol.id} {protocol.version}".strip())
    said = count(len(protocol.criteria), "criterion", "criteria")
    yield f"{title}, {said}" + (f": {counted}" if counted else "")
    yield ""
    widest = max((len(c.id) for c in protocol.criteria), default=0)
    for criterion in protocol.criteria:
        found = basis[criterion.id]
        side = "include" if criterion.polarity == "inclusion" else "exclude"
        yield f"{side}  {pad(criterion.id, widest)}  {found.kind}"
        for question in found.asked:
            why = f", because {question.because}" if question.because else ""
            yield visible(f'    {question.id}: {question.how} "{question.text}"{why}')
