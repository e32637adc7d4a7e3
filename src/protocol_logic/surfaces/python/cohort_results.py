"""The report of a cohort in pieces: one result for each question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from protocol_logic.surfaces.python.arrow import Columns
from protocol_logic.surfaces.python.results import Report, Result

if TYPE_CHECKING:
    from protocol_logic.answering.cohort.report import Report as Counts

Json: TypeAlias = Mapping[str, Any]
Cells: TypeAlias = tuple[Any, ...]

_COUNTS: Columns = {"eligible": "whole", "undetermined": "whole", "ineligible": "whole"}
_COLUMNS: Mapping[str, Columns] = {
    "attrition": {
        "scope": "text", "criterion": "text", "entering": "whole", "passed": "whole",
        "failed": "whole", "open": "whole", "jointly": "whole", "possibly": "whole",
        "certainly": "whole",
    },
    "influence": {
        "scope": "text", "criterion": "text", "polarity": "text", "text": "text",
        "passed": "whole", "failed": "whole", "open": "whole", "lost_only": "whole",
        "open_only": "whole", "excludes": "number", "holds_back": "number",
        "excludes_exact": "text", "holds_back_exact": "text",
        **{f"{name}_without": kind for name, kind in _COUNTS.items()},
    },
    "missing_data": {
        "scope": "text", "element": "text", "only": "whole", "among": "whole", "reasons": "texts",
    },
    "curves": {
        "scope": "text", "condition": "text", "criteria": "texts", "sign": "text", "unit": "text",
        "limit": "text", "known": "whole", "tried": "text", "eligible": "whole", "added": "whole",
    },
    "relaxations": {
        "scope": "text", "step": "whole", "conditions": "texts", "instead_of": "texts",
        "added": "whole", "eligible": "whole",
    },
    "strata": {
        "by": "text", "value": "text", "patients": "whole", **_COUNTS, "scope": "text",
        "criterion": "text", "passed": "whole", "failed": "whole", "open": "whole",
        "lost_only": "whole", "open_only": "whole", "excludes": "number", "holds_back": "number",
    },
    "ranked": {
        "patient": "text", "source": "text", "as_of": "day", "cost": "whole", "elements": "texts",
        "others": "whole",
    },
}  # fmt: skip
_NOTHING = {
    "missing_data": "No patient is undetermined for want of data.",
    "curves": "No other limit that was tried lets more patients in.",
    "relaxations": "No limit is suggested.",
    "ranked": "No patient is undetermined.",
}


def part_result(report: Counts, what: str) -> Result:
    """Of each part of a report what stands under a key."""
    parts = report["parts"]
    data = [
        {"scope": part["scope"], "eligibility": part["eligibility"], what: part[what]}
        for part in parts
    ]

    def rows() -> Iterator[Cells]:
        for part in parts:
            scope = part["scope"] and part["scope"]["id"]
            for cells in _ROWS[what](part[what]):
                yield scope, *cells

    return Result(
        data, lambda: _lines(report, what), lambda: _fragment(report, what), _COLUMNS[what], rows
    )


def whole_result(report: Counts) -> Report:
    """The whole report; a row of its table is a criterion, as of `attrition`."""
    from protocol_logic.surfaces.cohort_page import cohort_page
    from protocol_logic.surfaces.cohort_text import CohortText
    from protocol_logic.surfaces.terminal import terminal_width

    attrition = part_result(report, "attrition")

    def lines() -> Iterable[str]:
        return CohortText(report, width=terminal_width(), colour=False, encoding="utf-8").lines()

    def html() -> str:
        """All that is counted, one below the other."""
        parts = [what for what in _ROWS if report["patients"] or what == "attrition"]
        told = [_fragment(report, what) for what in parts]
        told += [_fragment(report, "strata", n) for n in range(len(report["strata"]))]
        return "\n".join(told + [_fragment(report, "ranked")] * (report["ranked"] is not None))

    return Report(
        report,
        lines,
        html,
        _COLUMNS["attrition"],
        attrition._rows,
        lambda: cohort_page(report),
    )


def stratum_result(report: Counts) -> Result:
    """The only stratum of a report."""
    [stratum] = report["strata"]
    return Result(
        stratum,
        lambda: _lines(report, "strata"),
        lambda: _fragment(report, "strata"),
        _COLUMNS["strata"],
        lambda: _stratum_rows(stratum, report["parts"]),
    )


def ranked_result(report: Counts, ranked: list[dict[str, Any]]) -> Result:
    """The list of undetermined patients; `report`: of the same cohort."""
    report = {**report, "ranked": ranked}
    columns = _COLUMNS["ranked"]
    return Result(
        ranked,
        lambda: _lines(report, "ranked"),
        lambda: _fragment(report, "ranked"),
        columns,
        lambda: ([each[name] for name in columns] for each in ranked),
    )


# ---- rows ----------------------------------------------------------------------------------------


def _attrition(steps: Iterable[Json]) -> Iterator[Cells]:
    names = [name for name in _COLUMNS["attrition"] if name != "scope"]
    for step in steps:
        yield tuple(step[name] for name in names)


def _influence(criteria: Iterable[Json]) -> Iterator[Cells]:
    names = ("criterion", "polarity", "text", "passed", "failed", "open", "lost_only", "open_only")
    shares = ("excludes", "holds_back")
    for each in criteria:
        yield (
            *(each[name] for name in names),
            *(each[name]["value"] for name in shares),
            *(each[name]["exact"] for name in shares),
            *(each["without"][name] for name in _COUNTS),
        )


def _missing(found: Json) -> Iterator[Cells]:
    for each in found["elements"]:
        yield each["element"], each["only"], each["among"], list(each["reasons"])


def _curves(curves: Iterable[Json]) -> Iterator[Cells]:
    names = ("condition", "criteria", "sign", "unit", "limit", "known")
    for curve in curves:
        for at in curve["tried"]:
            yield *(curve[name] for name in names), at["limit"], at["eligible"], at["added"]


def _relaxations(steps: Iterable[Json]) -> Iterator[Cells]:
    for number, step in enumerate(steps, 1):
        conditions = [each["condition"] for each in step["conditions"]]
        instead = [each["instead_of"] for each in step["conditions"]]
        yield number, conditions, instead, step["added"], step["eligible"]


_ROWS: Mapping[str, Callable[[Any], Iterator[Cells]]] = {
    "attrition": _attrition,
    "influence": _influence,
    "missing_data": _missing,
    "curves": _curves,
    "relaxations": _relaxations,
}


def _stratum_rows(stratum: Json, parts: Sequence[Json]) -> Iterator[Cells]:
    names = ("criterion", "passed", "failed", "open", "lost_only", "open_only")
    for value in stratum["values"]:
        counts = (value["eligibility"][name] for name in _COUNTS)
        about = (stratum["by"], value["value"], value["patients"], *counts)
        for part, here in zip(parts, value["parts"], strict=True):
            scope = part["scope"] and part["scope"]["id"]
            for each in here["influence"]:
                shares = (each[name]["value"] for name in ("excludes", "holds_back"))
                yield *about, scope, *(each[name] for name in names), *shares


# ---- text and notebooks --------------------------------------------------------------------------


def _lines(report: Counts, what: str) -> Iterator[str]:
    from protocol_logic.surfaces import cohort_words as words
    from protocol_logic.surfaces.cohort_text import CohortText
    from protocol_logic.surfaces.terminal import terminal_width

    if not report["patients"]:
        yield words.NO_PATIENT
        return
    drawing = CohortText(report, width=terminal_width(), colour=False, encoding="utf-8")
    nothing = _NOTHING.get(what, "")
    if what == "strata":
        yield from drawing.stratum(0)
    elif what == "ranked":
        yield from list(drawing.ranked(report["ranked"])) or [nothing]
    else:
        draw = {
            "attrition": drawing.attrition,
            "influence": drawing.influence,
            "missing_data": drawing.missing,
            "curves": drawing.curves,
            "relaxations": drawing.relaxations,
        }[what]
        for part in report["parts"]:
            title = words.title_of(part)
            yield from ["", title] if title else []
            yield from list(draw(part)) or [nothing]


def _fragment(report: Counts, what: str, number: int = 0) -> str:
    from protocol_logic.surfaces import cohort_words as words
    from protocol_logic.surfaces.cohort_page import part_view
    from protocol_logic.surfaces.cohort_plots import stratum_plot
    from protocol_logic.surfaces.report import fragment
    from protocol_logic.surfaces.terminal import visible

    titles = {
        "attrition": words.ATTRITION,
        "influence": words.INFLUENCE,
        "missing_data": words.MISSING,
        "curves": words.CURVES,
        "relaxations": words.EASED,
        "ranked": words.RANKED,
    }
    stratum = report["strata"][number] if what == "strata" else None
    title = titles[what] if stratum is None else f"By {visible(stratum['by'])}"
    counted = bool(report["patients"])
    return fragment(
        "cohort_fragment.html",
        what=what if counted else "",
        title=title,
        heading=words.heading(report),
        report=report,
        parts=[part_view(part) for part in report["parts"]] if counted and what != "ranked" else [],
        stratum=stratum,
        plot=None if stratum is None else stratum_plot(stratum),
        ranked=report["ranked"] or [],
        nothing=_NOTHING.get(what, ""),
        name=unique(report, what),
    )


def unique(data: Json, what: str) -> str:
    """A name for what a fragment shows: another for other data, the same for the same."""
    text = json.dumps([what, data], ensure_ascii=False, sort_keys=True, default=str)
    return f"{what}-{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
