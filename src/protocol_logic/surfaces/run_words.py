"""Under what a run judges, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from protocol_logic.answering.rows import set_for_run
from protocol_logic.surfaces.terminal import visible


def circumstances(report: Mapping[str, Any]) -> Iterator[str]:
    """The policies of a site and the parameters of a run that a report was made under, if any."""
    policies = report["policies"]
    if policies is not None:
        site = f"{policies['id']} {policies['version']}".strip()
        yield visible(f"Under {site}: {', '.join(policies['lines'])}.")
    if set_here := set_for_run(report["parameters"]):
        yield visible(f"Set for this run: {', '.join(set_here)}.")
