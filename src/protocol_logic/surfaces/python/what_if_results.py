"""The report of what-if, whole or in pieces, and the row of a patient, as results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from protocol_logic.surfaces.python.arrow import Columns, arrow_table
from protocol_logic.surfaces.python.cohort_results import unique
from protocol_logic.surfaces.python.results import Report, Result

if TYPE_CHECKING:
    import pyarrow

    from protocol_logic.answering.rows import Row
    from protocol_logic.pipeline import Compiled

Json: TypeAlias = Mapping[str, Any]

_ALL = ("changed", "measure", "repairs", "sets", "losing", "when", "margins")
_CHANGES: Columns = {
    "repair": "whole", "cost": "whole", "earliest": "day", "kind": "text", "finding": "text",
    "from": "text", "to": "text", "change_cost": "whole", "wait_until": "day", "rounded": "truth",
    "because": "text",
}  # fmt: skip
_CHANGED: Columns = {"criterion": "text", "before": "text", "after": "text"}
_PERIODS: Columns = {"from": "day", "to": "day", "eligibility": "text"}
_SETS: Columns = {"elements": "texts", "cost": "whole"}
_PATIENT: Columns = {
    "patient": "text", "source": "text", "as_of": "day", "eligibility": "text", "failed": "texts",
    "open": "texts", "gaps": "texts", "protocol": "text", "digest": "text",
}  # fmt: skip


def what_if_result(report: Json, title: str) -> Report:
    """All that is told; a row of its table is a change of a repair."""

    def lines() -> Iterator[str]:
        from protocol_logic.surfaces.what_if_text import what_if_lines

        return what_if_lines(report)

    def rows() -> Iterator[Sequence[Any]]:
        for number, repair in enumerate(report["repairs"], 1):
            for each in repair["changes"]:
                yield (
                    number, repair["cost"], repair["earliest"], each["kind"], each["finding"],
                    each["from"], each["to"], each["cost"], each["earliest"], each["rounded"],
                    each["because"],
                )  # fmt: skip

    def page() -> str:
        from protocol_logic.surfaces.what_if_page import what_if_page

        return what_if_page(report, title)

    return Report(report, lines, lambda: _fragment(report, _ALL), _CHANGES, rows, page)


def changes_result(change: Json, sentence: str) -> Result:
    """What changed between two justifications; a row of its table is a criterion.

    `sentence`: of the later one.
    """
    from protocol_logic.surfaces.explain_changes import changes_text

    def html() -> str:
        from protocol_logic.surfaces.report import fragment
        from protocol_logic.surfaces.what_if_page import changed_lines

        return fragment("changes_fragment.html", lines=changed_lines(change, sentence))

    def rows() -> Iterator[Sequence[Any]]:
        for each in change["criteria"]:
            before, after = each["before"] or {}, each["after"] or {}
            yield each["id"], before.get("verdict"), after.get("verdict")

    return Result(change, lambda: changes_text(change, sentence), html, _CHANGED, rows)


def when_result(report: Json) -> Result:
    """The days to come; a row of its table is a period of one eligibility."""
    from protocol_logic.answering.what_if.when import when_lines

    when = report["when"]
    return Result(
        when,
        lambda: when_lines(when),
        lambda: _fragment(report, ("when",)),
        _PERIODS,
        lambda: ([period[name] for name in _PERIODS] for period in when["periods"]),
    )


def measure_result(report: Json) -> Result:
    """What to measure next; a row of its table is a set of elements that decides the case."""
    from protocol_logic.answering.what_if.measure import measure_lines
    from protocol_logic.surfaces.terminal import visible

    found = report["measure_next"]
    nothing = visible(f"{report['patient']} is {report['eligibility']}: nothing need be measured.")
    return Result(
        found,
        lambda: [nothing] if found is None else map(visible, measure_lines(found)),
        lambda: _fragment(report, ("measure",), nothing if found is None else ""),
        _SETS,
        lambda: ([each[name] for name in _SETS] for each in (found or {"sets": []})["sets"]),
    )


def _fragment(report: Json, what: Sequence[str], nothing: str = "") -> str:
    from protocol_logic.surfaces.report import fragment
    from protocol_logic.surfaces.what_if_page import what_if_view

    name = unique(report, "when")
    view = what_if_view(report)
    return fragment("what_if_fragment.html", what=what, name=name, nothing=nothing, **view)


# ---- rows of `screen` ----------------------------------------------------------------------------


def row_result(row: Row, compiled: Compiled) -> Result:
    """The row of a patient; a row of its table is a criterion."""

    def lines() -> list[str]:
        from io import BytesIO

        from protocol_logic.surfaces.table import Table
        from protocol_logic.surfaces.terminal import terminal_width

        table = Table(compiled.protocol, compiled.policies, width=terminal_width(), colour=False)
        out = BytesIO()
        table.write(out, lambda: iter([table.piece(row)]))
        return out.getvalue().decode().splitlines()

    def html() -> str:
        from protocol_logic.surfaces.report import fragment

        return fragment("row_fragment.html", row=row)

    return Result(row, lines, html, _criterion_columns("why" in row), lambda: _flat([row]))


def rows_table(rows: Sequence[Row], per: str, why: bool) -> pyarrow.Table:
    """The table of rows: a row for each patient and `criterion`, or for each `patient`."""
    if per == "criterion":
        return arrow_table(_criterion_columns(why), _flat(rows))
    if per == "patient":
        columns: Columns = {**_PATIENT, "why": "text"} if why else _PATIENT
        return arrow_table(columns, map(_of_patient, rows))
    raise ValueError("per is `criterion` or `patient`")


def _criterion_columns(why: bool) -> Columns:
    from protocol_logic.surfaces.row_formats import columns_of

    return {name: "day" if name == "as_of" else "truth" if name == "applies" else "text"
            for name in columns_of(why)}  # fmt: skip


def _flat(rows: Sequence[Row]) -> Iterator[Sequence[Any]]:
    from protocol_logic.surfaces.row_formats import flat

    for row in rows:
        yield from flat(row)


def _of_patient(row: Row) -> Sequence[Any]:
    criteria, protocol = row["criteria"], row["protocol"]
    return (
        row["patient"],
        row["source"],
        row["as_of"],
        row["eligibility"],
        [each["id"] for each in criteria if each["verdict"] == "fail"],
        [each["id"] for each in criteria if each["verdict"] == "open"],
        list(dict.fromkeys(gap for each in criteria for gap in each["gaps"])),
        f"{protocol['id']} {protocol['version']}",
        protocol["digest"],
        *([row["why"]] if "why" in row else []),
    )
