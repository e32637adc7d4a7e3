"""A cohort as one HTML page: each plot with the table of its numbers beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from protocol_logic.surfaces.cohort_plots import (
    attrition_plot,
    curve_plot,
    influence_plot,
    stratum_plot,
)
from protocol_logic.surfaces.cohort_words import changes
from protocol_logic.surfaces.report import page

if TYPE_CHECKING:
    from protocol_logic.answering.cohort.report import Report


def cohort_page(report: Report) -> str:
    """The page of a report."""
    parts = [part_view(part) for part in report["parts"]] if report["patients"] else []
    return page(
        "cohort.html",
        style="cohort.css",
        report=report,
        parts=parts,
        ranked=report.get("ranked") or [],
        strata=[(stratum, stratum_plot(stratum)) for stratum in report["strata"] if parts],
    )


def part_view(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part with its plots, as `cohort_sections.html` takes it."""
    return {
        "part": part,
        "attrition": attrition_plot(part),
        "influence": influence_plot(part),
        "curves": [
            (curve, curve_plot(curve), changes(curve)) for curve in part["curves"] if changes(curve)
        ],
    }
