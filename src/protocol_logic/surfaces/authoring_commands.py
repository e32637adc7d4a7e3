"""The command line of what is about protocols and knowledge: what each command takes."""

from __future__ import annotations

from typing import Any

import click

from protocol_logic.surfaces.options import AS_OF, DATES, OUTPUT, PARAMETERS, POLICIES, PROTOCOL


@click.command()
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


@click.command()
@click.argument("code", required=False)
@click.pass_context
def problem(ctx: click.Context, code: str | None) -> None:
    """Print the page of a problem's code: what it means, an example, the cure.

    Without CODE: all codes.
    """
    from protocol_logic.surfaces.checking import print_page

    ctx.exit(print_page(code))


@click.command()
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


@click.command("format")
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


@click.command()
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


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit"]),
    default="text",
    show_default=True,
    help="junit: XML for build servers.",
)
@OUTPUT
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


@click.command("compile")
@PROTOCOL
@click.argument("patients", nargs=-1, metavar="[PATIENTS...]")
@click.option("--to", type=click.Choice(["asp", "json", "basis", "facts"]), required=True)
@click.option("--patient", metavar="ID", help="With --to facts: which patient.")
@AS_OF
@POLICIES
@PARAMETERS
@DATES
@OUTPUT
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
