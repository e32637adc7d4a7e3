"""`what-if`: what would change what is decided of a patient, and what a value that is set does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.surfaces.explaining import the_one
from protocol_logic.surfaces.inputs import (
    Patients,
    SourceErrors,
    answers_of,
    compiled_protocol,
    existing_paths,
)
from protocol_logic.surfaces.outputs import STDOUT, opened_output, print_problems, written
from protocol_logic.surfaces.terminal import colour_wanted

if TYPE_CHECKING:
    from protocol_logic.answering.rows import AsOf
    from protocol_logic.answering.what_if.trying import Settings
    from protocol_logic.compiling.changing import Said
    from protocol_logic.pipeline import Compiled, Judged, WhatIf
    from protocol_logic.records.facts import PatientRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfOptions:
    """The arguments of `what-if`."""

    protocol: str
    patients: tuple[str, ...]
    patient: str | None
    as_of: date | None
    settings: tuple[str, ...]
    policies: str | None
    parameters: tuple[str, ...]
    dates: tuple[str, ...]
    answers: str | None
    changes: tuple[str, ...]
    acquire: bool
    form: str
    output: str | None


def what_if(options: WhatIfOptions) -> int:
    """Ask about one patient; the exit code: 1 where an input could not be read, else 0."""
    from protocol_logic.pipeline import WhatIf, as_of_date

    paths = existing_paths(options.patients)
    compiled = compiled_protocol(
        options.protocol, options.policies, options.parameters, options.dates
    )
    changes = changes_named(options.changes, compiled)
    patients = Patients(compiled, paths)
    record = the_one(patients, options.patient, None)
    if record is None:
        print_problems(patients.problems.sorted())
        return 1
    as_of = as_of_date(record, options.as_of)
    if isinstance(as_of, Problem):
        raise click.UsageError(f"{as_of.message}; {as_of.hint}")
    answers = None
    if options.answers is not None:
        answers = answers_of(options.answers, compiled, patients.problems)
    asking = WhatIf(compiled, answers, changes, options.acquire)
    settings = settings_named(options.settings, asking, record, as_of)
    plain = None
    if options.policies or options.parameters or options.dates:
        plain = partial(compiled_protocol, options.protocol, tell=False)
    with opened_output(options.output) as out:
        report = report_asked(asking, record, as_of, settings, plain)
        out.write(_written(options, report, compiled.protocol.title))
    print_problems(patients.problems.sorted())
    return 1 if patients.problems.has_errors else 0


def changes_named(texts: Iterable[str], compiled: Compiled) -> tuple[Said, ...]:
    """What texts such as `hemoglobin never` say of how entries can change."""
    from protocol_logic.compiling.change_lines import changes_of_run

    problems = Problems()
    found = changes_of_run(texts, compiled.protocol, problems)
    if problems.has_errors:
        raise SourceErrors("--change", problems.sorted())
    return found


def settings_named(
    texts: Iterable[str], asking: WhatIf, record: PatientRecord, as_of: AsOf
) -> Settings:
    """What texts such as `hemoglobin is 95 g/L` set; what changes nothing is told on stderr."""
    problems = Problems()
    found = asking.read(texts, record, as_of.date, problems)
    if problems.has_errors:
        raise SourceErrors("--set", problems.items)
    for name in found.unread:
        click.echo(f"no criterion reads `{name}`, so it changes nothing", err=True)
    return found


def report_asked(
    asking: WhatIf,
    record: PatientRecord,
    as_of: AsOf,
    settings: Settings,
    plain: Callable[[], Compiled] | None,
) -> dict[str, Any]:
    """The report of a patient, as `--format json` writes it.

    `plain`: gives the protocol by its own parameters and without policies, where `asking` has it
    otherwise.
    """
    from protocol_logic.answering.comparing import compared
    from protocol_logic.answering.justification import node_link
    from protocol_logic.answering.why import sentence

    judged = asking.judge(record, as_of, settings)
    report = asking.report(record, judged, settings)
    before = _before(asking, record, as_of, settings, plain)
    report["sentence"] = sentence(judged.graph)
    report["changed"] = None
    if before is not None:
        changed = report["changed"] = compared(node_link(before.graph), node_link(judged.graph))
        # Text and knowledge are the same; that parameters are in the digest is no news.
        changed["about"] = [each for each in changed["about"] if each["name"] != "protocol"]
    return report


def _before(
    asking: WhatIf,
    record: PatientRecord,
    as_of: AsOf,
    settings: Settings,
    plain: Callable[[], Compiled] | None,
) -> Judged | None:
    """The patient as recorded: on the record's own day, by the protocol's own parameters, without
    policies. None where all is as recorded."""
    from protocol_logic.answering.rows import AsOf
    from protocol_logic.answering.what_if.trying import Settings
    from protocol_logic.pipeline import WhatIf

    own = record.index_date
    if own is not None and own != as_of.date:
        as_of = AsOf(own, record.index_source)
    elif not settings.texts and plain is None:
        return None
    if plain is not None:
        asking = WhatIf(plain(), asking.answers)
    return asking.judge(record, as_of, Settings())


def _written(options: WhatIfOptions, report: dict[str, Any], title: str) -> bytes:
    if options.form == "json":
        return written(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    if options.form == "html":
        from protocol_logic.surfaces.what_if_page import what_if_page

        return written(what_if_page(report, title))
    from protocol_logic.surfaces.what_if_text import what_if_lines

    to_stdout = options.output is None or options.output == STDOUT
    encoding = (sys.stdout.encoding or "ascii") if to_stdout else "utf-8"
    lines = what_if_lines(report, colour=to_stdout and colour_wanted(sys.stdout))
    return "".join(f"{line}\n" for line in lines).encode(encoding, "backslashreplace")
