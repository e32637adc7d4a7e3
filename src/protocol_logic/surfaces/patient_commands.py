"""The command line of what is asked of patients: what each command takes."""

from __future__ import annotations

from typing import Any

import click

from protocol_logic.surfaces.options import (
    ANSWERS,
    AS_OF,
    DATES,
    MERGE,
    OUTPUT,
    PARAMETERS,
    PATIENT,
    PATIENTS,
    POLICIES,
    PROTOCOL,
    WORKERS,
)


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.argument("store", metavar="STORE")
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="FILE",
    help="Read for this protocol too; those of the knowledge base always are.",
)
@click.option(
    "--policies", multiple=True, metavar="FILE", help="Read for what this site's policies add."
)
@WORKERS
@click.pass_context
def ingest(ctx: click.Context, /, **options: Any) -> None:
    """Read sources once, for all protocols, into a store: a file that stands for PATIENTS.

    What the store has already is not read again; a patient who changed takes the old one's place.
    Exit code 1: an input could not be read; the others are in the store.
    """
    from protocol_logic.surfaces.ingesting import IngestOptions, ingest

    ctx.exit(ingest(IngestOptions(**options)))


@click.command()
@click.argument("store", metavar="STORE")
@click.argument("folder", metavar="FOLDER")
@click.option(
    "--patients",
    type=click.IntRange(min=1),
    default=50_000,
    show_default=True,
    metavar="N",
    help="So many in each shard.",
)
@click.pass_context
def export(ctx: click.Context, /, store: str, folder: str, patients: int) -> None:
    """Write a store as a Parquet dataset: a folder that stands for PATIENTS as the store does.

    Its tables are cut into shards of patients, for other programs, and for machines that share the
    work.
    """
    from protocol_logic.surfaces.exporting import export

    ctx.exit(export(store, folder, patients))


@click.command()
@PROTOCOL
@PATIENTS
@AS_OF
@POLICIES
@PARAMETERS
@DATES
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "ndjson", "csv", "parquet"]),
    default="table",
    show_default=True,
    help="json: a list of rows; ndjson: a row a line; csv and parquet: a line a criterion.",
)
@OUTPUT
@click.option(
    "--problems",
    "problems_file",
    metavar="FILE",
    help="Write what is wrong with the records there, as JSON lines.",
)
@ANSWERS
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
@MERGE
@click.option("--why", is_flag=True, help="Say why of each criterion that fails or is open.")
@click.option(
    "--keep",
    metavar="FILE",
    help="Keep rows of a store there, and take those of whom nothing changed since.",
)
@WORKERS
@click.option(
    "--engine",
    metavar="ENGINE",
    help="Of a store: have Apache Spark decide it, `spark` on this machine, else its master.",
)
@click.pass_context
def screen(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Judge patients by a protocol's criteria, one row for each.

    Where PROTOCOL is a folder, by each protocol in it.

    Exit code 1: an input could not be screened; the others are still written.
    """
    from protocol_logic.surfaces.engines import checked_engine
    from protocol_logic.surfaces.inputs import as_of_option
    from protocol_logic.surfaces.screening import ScreenOptions, screen

    checked_engine(options["engine"])
    ctx.exit(screen(ScreenOptions(as_of=as_of_option(as_of), **options)))


@click.command()
@PROTOCOL
@PATIENTS
@PATIENT
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
@AS_OF
@POLICIES
@PARAMETERS
@DATES
@ANSWERS
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
@OUTPUT
@click.pass_context
def explain(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Say why a patient is eligible or not, down to the facts of the record.

    Exit code 1: an input could not be read, or a checked graph is refused.
    """
    from protocol_logic.surfaces.explaining import ExplainOptions, explain
    from protocol_logic.surfaces.inputs import as_of_option

    ctx.exit(explain(ExplainOptions(as_of=as_of_option(as_of), **options)))


@click.command("what-if")
@PROTOCOL
@PATIENTS
@PATIENT
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar='"NAME is VALUE"',
    help="Try it: a value as in an example, of the as-of date and newer than all others.",
)
@AS_OF
@POLICIES
@PARAMETERS
@DATES
@ANSWERS
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
@OUTPUT
@click.pass_context
def what_if_command(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Say what would make a patient eligible, or no longer so: changes, their costs, and days.

    With --set, another day, parameters or policies: what that changes, against the record as it is.
    Exit code 1: an input could not be read.
    """
    from protocol_logic.surfaces.inputs import as_of_option
    from protocol_logic.surfaces.what_if import WhatIfOptions, what_if

    ctx.exit(what_if(WhatIfOptions(as_of=as_of_option(as_of), **options)))


@click.command()
@PROTOCOL
@PATIENTS
@AS_OF
@POLICIES
@PARAMETERS
@DATES
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="html: one file that needs no network; json: all counts and suggestions.",
)
@OUTPUT
@click.pass_context
def fit(ctx: click.Context, /, as_of: str | None, **options: Any) -> None:
    """Say what records hold of that which a protocol asks, before screening.

    For each element the patients who have it, what cannot be used and why, and codes that look
    like it and are not mapped. Exit code 1: an input could not be read.
    """
    from protocol_logic.surfaces.fit import FitOptions, fit
    from protocol_logic.surfaces.inputs import as_of_option

    ctx.exit(fit(FitOptions(as_of=as_of_option(as_of), **options)))


@click.command()
@PROTOCOL
@PATIENTS
@AS_OF
@click.option(
    "--by",
    multiple=True,
    metavar="NAME",
    help="Count by sex, age or any other name with values that the protocol can use.",
)
@click.option(
    "--rank", is_flag=True, help="List the undetermined patients, the cheapest to settle first."
)
@click.option(
    "--change",
    "changes",
    multiple=True,
    metavar='"obtain NAME cost 2"',
    help="With --rank: say what it costs in this run to have something.",
)
@POLICIES
@PARAMETERS
@DATES
@ANSWERS
@MERGE
@WORKERS
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="html: one file that needs no network; json: all counts.",
)
@OUTPUT
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
