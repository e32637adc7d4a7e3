"""The command line: what each command takes. What it does is imported when it runs.

Exit codes: 0, all went well; 1, an input or a file has errors; 2, the command line, the protocol
or the output cannot be used; 3, an error of this program; 130 and 143, stopped by Ctrl-C or by
SIGTERM; 141, nobody reads the output any more.
"""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from protocol_logic import __version__
from protocol_logic.surfaces import authoring_commands as authoring, patient_commands as patients
from protocol_logic.surfaces.audit_commands import audit
from protocol_logic.surfaces.command_group import Group


class _Stopped(BaseException):
    """A signal to end, which lets everything be cleared away that would be left."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise _Stopped(number)


def main() -> None:
    """The command `protocol-logic`."""
    # Little of what a command makes is garbage: looking for it less often spares it a twentieth.
    gc.set_threshold(10_000, 20, 20)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        # What a terminal cannot write is escaped, never an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        group(prog_name="protocol-logic")
    except _Stopped as stopped:
        click.echo("stopped", err=True)
        sys.exit(128 + stopped.number)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="protocol-logic %(version)s")
def group() -> None:
    """Clinical trial eligibility criteria as readable, executable and explainable logic.

    PROTOCOL is a file, or the id of a protocol in the knowledge base. PATIENTS are FHIR R4 bundles,
    single resources, NDJSON, any of these with .gz, or folders of these; CSV and Parquet tables
    with a mapping file; or a store that `ingest` made.
    """


for _command in (
    authoring.new,
    authoring.check,
    authoring.format_command,
    authoring.problem,
    authoring.names,
    authoring.test_command,
    authoring.compile_command,
    patients.ingest,
    patients.export,
    patients.fit,
    patients.screen,
    patients.explain,
    patients.what_if_command,
    patients.cohort,
    audit,
):
    group.add_command(_command)


if __name__ == "__main__":
    main()
