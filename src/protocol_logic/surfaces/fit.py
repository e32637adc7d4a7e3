"""`fit`: what records hold of that which a protocol asks, as text, JSON or one HTML page."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import click

from protocol_logic.records.store.dataset import is_store
from protocol_logic.surfaces.inputs import Patients, compiled_protocol, existing_paths
from protocol_logic.surfaces.outputs import STDOUT, opened_output, print_problems, written
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.terminal import colour_wanted, terminal_width

if TYPE_CHECKING:
    from protocol_logic.answering.fit.report import Report
    from protocol_logic.foundation.problems import Problem
    from protocol_logic.pipeline import Compiled

_COUNTED_TWICE = "each of its bundles is counted as a patient here"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """The arguments of `fit`."""

    protocol: str
    patients: tuple[str, ...]
    as_of: date | None
    policies: str | None
    parameters: tuple[str, ...]
    dates: tuple[str, ...]
    form: str
    output: str | None


def fit(options: FitOptions) -> int:
    """Count all records; the exit code: 1 where an input could not be read, else 0."""
    from protocol_logic.pipeline import Fitting

    paths = existing_paths(options.patients)
    compiled = compiled_protocol(
        options.protocol, options.policies, options.parameters, options.dates
    )
    fitting = Fitting(compiled)
    patients = Patients(compiled, paths, meet=fitting.meet)
    with opened_output(options.output) as out:
        with closing(Progress(sys.stderr, _size(patients))) as progress:
            for record in patients:
                fitting.add(record, options.as_of)
                progress.step(patients.reading.bytes)
        try:
            out.write(_written(compiled, fitting.report(), options))
        finally:
            # Also where nobody reads the output to its end.
            if any(map(is_store, paths)):
                click.echo(_FROM_A_STORE, err=True)
            print_problems([_told(problem) for problem in patients.problems.sorted()])
    return 1 if patients.problems.has_errors else 0


_FROM_A_STORE = "counted from a store: codes that no entry has are told from the sources alone"


def _size(patients: Patients) -> int:
    from protocol_logic.records.files import size_at

    return sum(map(size_at, patients.paths)) if sys.stderr.isatty() else 0


def _told(problem: Problem) -> Problem:
    return replace(problem, hint=_COUNTED_TWICE) if problem.code == "duplicate-patient" else problem


def _written(compiled: Compiled, report: Report, options: FitOptions) -> bytes:
    if options.form == "json":
        return written(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    if options.form == "html":
        from protocol_logic.surfaces.report import page

        return written(page("fit.html", report=report, title=compiled.protocol.title))
    from protocol_logic.surfaces.fit_text import FitText

    to_stdout = options.output is None or options.output == STDOUT
    encoding = (sys.stdout.encoding or "ascii") if to_stdout else "utf-8"
    drawing = FitText(
        report,
        width=terminal_width(sys.stdout if to_stdout else None),
        colour=to_stdout and colour_wanted(sys.stdout),
        encoding=encoding,
    )
    text = "".join(f"{line.rstrip()}\n" for line in drawing.lines())
    return text.encode(encoding, "backslashreplace")
