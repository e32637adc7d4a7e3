"""The command line: what each command takes. What it does is imported when it runs.

Exit codes: 0, all went well; 1, an input or a file has errors; 2, the command line, the protocol
or the output cannot be used; 3, an error of this program; 130 and 143, stopped by Ctrl-C or by
SIGTERM; 141, nobody reads the output any more.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import click

from protocol_logic import __version__
from protocol_logic.surfaces.audit_commands import audit
from protocol_logic.surfaces.once import once

_OUTPUT_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Group(click.Group):
    """Says what was meant by an unknown command, and ends well whatever a command meets."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from protocol_logic.foundation.problems import did_you_mean
            from protocol_logic.foundation.text import shown

            known = self.list_commands(ctx)
            hint = did_you_mean(name, known) or "commands are " + ", ".join(f"`{c}`" for c in known)
            ctx.fail(f"there is no command `{shown(name)}`; {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("stopped", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            _forget_stdout()
            ctx.exit(141)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _OUTPUT_FULL:
                _forget_stdout()
                raise click.UsageError(f"the output cannot be written: {error.strerror}") from error
            _internal_error(ctx, error)


def _forget_stdout() -> None:
    """Let what is still to be flushed at exit go nowhere, without a message."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _internal_error(ctx: click.Context, error: Exception) -> NoReturn:
    from protocol_logic.foundation.text import shown

    if os.environ.get("PROTOCOL_LOGIC_TRACEBACK") == "1":
        import traceback

        traceback.print_exception(error)
    what = shown(f"{type(error).__name__}: {error}")
    cure = "please report it with the command and, if you may, its inputs"
    more = "PROTOCOL_LOGIC_TRACEBACK=1 shows where"
    click.echo(f"internal error: {what}; {cure} ({more})", err=True)
    ctx.exit(3)


class _Stopped(BaseException):
    """A signal to end, which lets everything be cleared away that would be left."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise _Stopped(number)


def main() -> None:
    """The command `protocol-logic`."""
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


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="protocol-logic %(version)s")
def group() -> None:
    """Clinical trial eligibility criteria as readable, executable and explainable logic.

    PROTOCOL is a file, or the id of a protocol in the knowledge base. PATIENTS are FHIR R4 bundles,
    single resources, NDJSON, any of these with .gz, or folders of these; or CSV and Parquet tables
    with a mapping file.
    """


@group.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "plain", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How problems are shown. plain: a line each, for screen readers; github: as annotations.",
)
@click.option(
    "--source",
    "original",
    metavar="FILE",
    help="The protocol's own text or registry record: tell what no criterion quotes.",
)
@click.option("--fix", is_flag=True, help="Mend what has one cure; what is left is told.")
@click.option("--diff", is_flag=True, help="With --fix: change nothing, show it, and exit 1.")
@click.pass_context
def check(ctx: click.Context, /, files: tuple[str, ...], **options: Any) -> None:
    """Check protocols, knowledge files and site policies: all problems, sorted by place.

    FILE is a path, a folder with .elig files, or the id of a protocol or knowledge file in the
    knowledge base.
    """
    from protocol_logic.surfaces.checking import check_files

    ctx.exit(check_files(files, **options))


@group.command()
@click.argument("code", required=False)
@click.pass_context
def problem(ctx: click.Context, code: str | None) -> None:
    """Print the page of a problem's code: what it means, an example, the cure.

    Without CODE: all codes.
    """
    from protocol_logic.surfaces.checking import print_page

    ctx.exit(print_page(code))


@group.command()
@click.argument("text", metavar="NCT_RECORD_OR_TEXT")
@click.option("-o", "--output", metavar="FILE", help="Write there instead of stdout: a new file.")
@click.pass_context
def new(ctx: click.Context, text: str, output: str | None) -> None:
    """Start a protocol file: every sentence of the text quoted, each criterion still to be written.

    NCT_RECORD_OR_TEXT is a record of the ClinicalTrials.gov API (JSON, version 2), a Markdown or
    plain text with the criteria, or `-` for stdin. Nothing of it is understood: see what `check`
    counts, and look at each `include` and `exclude`.
    """
    from protocol_logic.surfaces.starting import start_protocol

    ctx.exit(start_protocol(text, output))


@group.command("format")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change, and exit 1.")
@click.option(
    "--upgrade",
    is_flag=True,
    help="Say the language, and pin protocols to the knowledge that they reach as it is now.",
)
@click.pass_context
def format_command(
    ctx: click.Context, files: tuple[str, ...], check: bool, diff: bool, upgrade: bool
) -> None:
    """Write protocols, knowledge files and site policies in canonical form."""
    from protocol_logic.surfaces.checking import format_files

    ctx.exit(format_files(files, check=check, diff=diff, upgrade=upgrade))


_AS_OF = click.option(
    "--as-of",
    metavar="DATE",
    help="The day to judge on: YYYY-MM-DD or `today`. Default: Bundle.timestamp or index date.",
)
_POLICIES = click.option(
    "--policies", metavar="FILE", help="A site's policies: how old evidence may be."
)
_PARAMETERS = click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar='"NAME is VALUE"',
    help="Set a parameter of the protocol for this run; it beats the site's policies.",
)
_DATES = click.option(
    "--date",
    "dates",
    multiple=True,
    metavar="NAME=DATE",
    help="The day of a time point of the protocol. Default: the as-of date.",
)
_ANSWERS = click.option(
    "--answers",
    metavar="FILE",
    multiple=True,
    callback=once,
    help="Facts that people attest, as CSV: patient, element, value, who, when, source.",
)
_MERGE = click.option(
    "--merge-patients", "merge", is_flag=True, help="Join bundles that hold the same patient id."
)
_WORKERS = click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that share the work. Default: one a core, two at most.",
)
_OUTPUT = click.option(
    "-o", "--output", metavar="FILE", help="Write there instead of stdout, all or nothing."
)


@group.command()
@click.argument("protocol", metavar="PROTOCOL")
@click.argument("patients", nargs=-1, required=True, metavar="PATIENTS...")
@_AS_OF
@_POLICIES
@_PARAMETERS
@_DATES
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "ndjson", "csv", "parquet"]),
    default="table",
    show_default=True,
    help="json: a list of rows; ndjson: a row a line; csv and parquet: a line a criterion.",
)
@_OUTPUT
@click.option(
    "--problems",
    "problems_file",
    metavar="FILE",
    help="Write what is wrong with the records there, as JSON lines.",
)
@_ANSWERS
@click.option(
    "--answers-form",
    metavar="FILE",
    help="Write the empty form of answers there: what would close the gaps.",
)
@click.option(
    "--record",
    metavar="FILE",
    help="Append each decision to an audit record, a line each (see `audit`).",
)
@click.option(
    "--mask",
    metavar="KEY",
    help="With --record: write masks of identifiers, made with the key in this file.",
)
@_MERGE
@click.option("--why", is_flag=True, help="Say why of each criterion that fails or is open.")
@_WORKERS
@click.pass_context
def screen(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Judge patients by a protocol's criteria, one row for each.

    Exit code 1: an input could not be screened; the others are still written.
    """
    from protocol_logic.surfaces.inputs import as_of_option
    from protocol_logic.surfaces.screening import ScreenOptions, screen

    ctx.exit(screen(ScreenOptions(as_of=as_of_option(as_of), **options)))


@group.command()
@click.argument("protocol", metavar="PROTOCOL")
@click.argument("patients", nargs=-1, required=True, metavar="PATIENTS...")
@click.option("--patient", metavar="ID", help="The patient; may be left out where there is one.")
@click.option("--criterion", metavar="ID", help="Explain only this criterion, in full.")
@click.option(
    "--depth",
    type=click.Choice(["sentence", "tree", "graph"]),
    default="tree",
    show_default=True,
    help="Of text. tree: failed and open branches in full; graph: every node and edge.",
)
@click.option(
    "--minimal",
    is_flag=True,
    help="Only findings that force what is decided, whatever all others are.",
)
@click.option("--all", "all_sets", is_flag=True, help="All minimal sets of such findings.")
@_AS_OF
@_POLICIES
@_PARAMETERS
@_DATES
@_ANSWERS
@click.option(
    "--check",
    "graph",
    metavar="FILE",
    help="Instead: check a graph that was written as json, against PROTOCOL and PATIENTS.",
)
@click.option(
    "--against",
    metavar="FILE",
    help="Instead: say what changed since a graph that was written as json.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html", "dot", "graphml"]),
    default="text",
    show_default=True,
    help="html: one file that needs no network; json: the graph as networkx node-link data; "
    "dot: for Graphviz; graphml: for other programs.",
)
@_OUTPUT
@click.pass_context
def explain(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Say why a patient is eligible or not, down to the facts of the record.

    Exit code 1: an input could not be read, or a checked graph is refused.
    """
    from protocol_logic.surfaces.explaining import ExplainOptions, explain
    from protocol_logic.surfaces.inputs import as_of_option

    ctx.exit(explain(ExplainOptions(as_of=as_of_option(as_of), **options)))


@group.command("what-if")
@click.argument("protocol", metavar="PROTOCOL")
@click.argument("patients", nargs=-1, required=True, metavar="PATIENTS...")
@click.option("--patient", metavar="ID", help="The patient; may be left out where there is one.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar='"NAME is VALUE"',
    help="Try it: a value as in an example, of the as-of date and newer than all others.",
)
@_AS_OF
@_POLICIES
@_PARAMETERS
@_DATES
@_ANSWERS
@click.option(
    "--change",
    "changes",
    multiple=True,
    metavar='"NAME treat cost 3"',
    help="Say how something can change in this run: treat, correct or never, and its cost.",
)
@click.option(
    "--acquire",
    is_flag=True,
    help="Also ask for what a patient should not get, such as a disease.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="html: one file that needs no network; json: all that is found.",
)
@_OUTPUT
@click.pass_context
def what_if_command(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Say what would make a patient eligible, or no longer so: changes, their costs, and days.

    With --set, another day, parameters or policies: what that changes, against the record as it is.
    Exit code 1: an input could not be read.
    """
    from protocol_logic.surfaces.inputs import as_of_option
    from protocol_logic.surfaces.what_if import WhatIfOptions, what_if

    ctx.exit(what_if(WhatIfOptions(as_of=as_of_option(as_of), **options)))


@group.command()
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: all that is known of each name, with its codes.",
)
@click.pass_context
def names(ctx: click.Context, words: tuple[str, ...], form: str) -> None:
    """Find names of the knowledge base by words of theirs, and how a protocol tests them.

    Exit code 1: there is no such name.
    """
    from protocol_logic.surfaces.names import find_names

    ctx.exit(find_names(words, form))


@group.command()
@click.argument("protocol", metavar="PROTOCOL")
@click.argument("patients", nargs=-1, required=True, metavar="PATIENTS...")
@_AS_OF
@_POLICIES
@_PARAMETERS
@_DATES
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="html: one file that needs no network; json: all counts and suggestions.",
)
@_OUTPUT
@click.pass_context
def fit(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Say what records hold of that which a protocol asks, before screening.

    For each element the patients who have it, what cannot be used and why, and codes that look
    like it and are not mapped. Exit code 1: an input could not be read.
    """
    from protocol_logic.surfaces.fit import FitOptions, fit
    from protocol_logic.surfaces.inputs import as_of_option

    ctx.exit(fit(FitOptions(as_of=as_of_option(as_of), **options)))


@group.command()
@click.argument("protocol", metavar="PROTOCOL")
@click.argument("patients", nargs=-1, required=True, metavar="PATIENTS...")
@_AS_OF
@click.option(
    "--by",
    multiple=True,
    metavar="NAME",
    help="Count by sex, age or any other name with values that the protocol can use.",
)
@click.option(
    "--rank", is_flag=True, help="List the undetermined patients, the cheapest to settle first."
)
@_POLICIES
@_PARAMETERS
@_DATES
@_ANSWERS
@_MERGE
@_WORKERS
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="html: one file that needs no network; json: all counts.",
)
@_OUTPUT
@click.pass_context
def cohort(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Count whom each criterion of a protocol excludes, and what other limits would do.

    Attrition in the protocol's order, the influence of each criterion without order, what missing
    data cost, and how many would be eligible under other limits. Exit code 1: an input could not be
    judged; the others are still counted.
    """
    from protocol_logic.surfaces.cohort import CohortOptions, cohort
    from protocol_logic.surfaces.inputs import as_of_option

    ctx.exit(cohort(CohortOptions(as_of=as_of_option(as_of), **options)))


@group.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit"]),
    default="text",
    show_default=True,
    help="junit: XML for build servers.",
)
@_OUTPUT
@click.option("--filter", metavar="TEXT", help="Only tests with this in their name, or about it.")
@click.option("--coverage", is_flag=True, help="Show in which states each condition was seen.")
@click.option(
    "--min-coverage",
    type=click.IntRange(0, 100),
    metavar="PERCENT",
    help="Fail where fewer of the states of conditions were seen.",
)
@click.option(
    "--boundaries",
    is_flag=True,
    help="For every limit also run the values just below, at and just above it, and none.",
)
@click.option(
    "--write", metavar="FILE", help="With --boundaries: write these cases as a file of examples."
)
@click.pass_context
def test_command(ctx: click.Context, /, **options: Any) -> None:
    """Run the examples and worked cases of protocols.

    PATH is a protocol, a file of examples, a folder, or the id of a protocol in the knowledge base.
    Default: the folder one stands in, or the knowledge base. Exit code 1: a test failed, or none
    ran.
    """
    from protocol_logic.surfaces.testing import TestOptions, test

    if options["write"] is not None and not options["boundaries"]:
        raise click.UsageError("--write goes with --boundaries")
    ctx.exit(test(TestOptions(**options)))


@group.command("compile")
@click.argument("protocol", metavar="PROTOCOL")
@click.argument("patients", nargs=-1, metavar="[PATIENTS...]")
@click.option("--to", type=click.Choice(["asp", "json", "basis", "facts"]), required=True)
@click.option("--patient", metavar="ID", help="With --to facts: which patient.")
@_AS_OF
@_POLICIES
@_PARAMETERS
@_DATES
@_OUTPUT
@click.pass_context
def compile_command(
    ctx: click.Context,
    protocol: str,
    patients: tuple[str, ...],
    to: str,
    patient: str | None,
    as_of: str | None,
    policies: str | None,
    parameters: tuple[str, ...],
    dates: tuple[str, ...],
    output: str | None,
) -> None:
    """Print the ASP program of a protocol, its checked form as JSON, what each criterion rests on
    (computed, attested, judged, opaque, todo), or a patient's facts.

    `python -m clingo program.lp facts.lp --enum-mode=cautious` shows what is met in all scenarios,
    `brave` what is possible.
    """
    from protocol_logic.surfaces.inputs import as_of_option, compiled_protocol, existing_paths
    from protocol_logic.surfaces.programs import print_facts, print_program

    day = as_of_option(as_of)
    if to == "facts" and not patients:
        raise click.UsageError("--to facts needs PATIENTS")
    if to != "facts" and (patients or patient is not None or day is not None):
        raise click.UsageError(f"--to {to} takes no patients; they go with --to facts")
    paths = existing_paths(patients)
    compiled = compiled_protocol(protocol, policies, parameters, dates)
    if to == "facts":
        ctx.exit(print_facts(compiled, paths, patient, day, output))
    ctx.exit(print_program(compiled, to, output))


group.add_command(audit)


if __name__ == "__main__":
    main()
