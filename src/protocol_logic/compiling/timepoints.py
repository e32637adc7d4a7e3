"""The time points of a protocol: days of the trial at which windows of time end."""

from __future__ import annotations

from collections.abc import Iterable

from protocol_logic.compiling.entries import claim
from protocol_logic.compiling.library import Unit
from protocol_logic.compiling.names import Names
from protocol_logic.knowledge.vocabulary import Timepoint
from protocol_logic.language import tree


def declare_timepoints(units: Iterable[Unit], names: Names) -> None:
    """Make the time points that a protocol declares known to its conditions."""
    for unit in units:
        kind = unit.heading.kind if unit.heading is not None else "protocol"
        for node in unit.statements:
            if not isinstance(node, tree.Timepoint):
                continue
            names.begin("", unit.source)
            if kind != "protocol":
                message = "a time point is a day of a trial"
                names.problem("misplaced", message, node.name.span, "put it into the protocol")
            elif claim(names.found, node.name, unit.source):
                name = node.name.text
                label = next((t.text for t in node.texts if t.key == "label"), None)
                names.timepoints[name] = Timepoint(
                    name=name, element=name, label=label or name.replace("_", " ")
                )
