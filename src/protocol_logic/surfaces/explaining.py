"""`explain`: why one patient is eligible or not, as a sentence, a tree or the whole graph."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from protocol_logic.foundation.problems import Problem, did_you_mean
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.inputs import (
    Patients,
    answers_of,
    compiled_protocol,
    existing_paths,
    text_at,
)
from protocol_logic.surfaces.outputs import STDOUT, opened_output, print_problems, written
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.raw_records import Resources
from protocol_logic.surfaces.terminal import all_visible, colour_wanted, count, visible

if TYPE_CHECKING:
    from protocol_logic.answering.minimal import Forcing
    from protocol_logic.answering.rows import AsOf
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.pipeline import Compiled, Explaining
    from protocol_logic.records.answers import Answers
    from protocol_logic.records.facts import PatientRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """The arguments of `explain`."""

    protocol: str
    patients: tuple[str, ...]
    patient: str | None
    criterion: str | None
    depth: str
    minimal: bool
    all_sets: bool
    as_of: date | None
    policies: str | None
    parameters: tuple[str, ...]
    dates: tuple[str, ...]
    answers: str | None
    graph: str | None
    against: str | None
    form: str
    output: str | None


def explain(options: ExplainOptions) -> int:
    """Explain one patient; the exit code: 1 where an input could not be read, else 0."""
    from protocol_logic.answering.justification import subgraph
    from protocol_logic.pipeline import Explaining, as_of_date

    _refuse_what_does_not_go_together(options)
    before = None if options.against is None else graph_in(options.against)
    paths = existing_paths(options.patients)
    compiled = compiled_protocol(
        options.protocol, options.policies, options.parameters, options.dates
    )
    refuse_unknown_criterion(options.criterion, compiled)
    resources = Resources() if options.form == "html" else None
    patients = Patients(compiled, paths, meet=None if resources is None else resources.meet)
    record = the_one(patients, options.patient, resources)
    if record is None:
        print_problems(patients.problems.sorted())
        return 1
    as_of = as_of_date(record, options.as_of)
    if isinstance(as_of, Problem):
        raise click.UsageError(f"{as_of.message}; {as_of.hint}")
    answers = None
    if options.answers is not None:
        answers = answers_of(options.answers, compiled, patients.problems)
        record = answers.apply(record, as_of.date)
    explaining = Explaining(compiled)
    with opened_output(options.output) as out:
        refused = False
        if options.graph is not None:
            text, refused = _checked(explaining, options.graph, record, as_of)
        elif before is not None:
            text = _changes(before, explaining.explain(record, as_of), options)
        else:
            graph = explaining.explain(record, as_of)
            if options.minimal or options.all_sets:
                graph = forced_part(
                    graph, explaining, record, as_of, options.criterion, options.all_sets
                )
            elif options.criterion is not None:
                graph = subgraph(graph, options.criterion)
            if resources is not None:
                text = _page(graph, compiled, options, paths, resources, answers)
            else:
                text = _explained(graph, options)
        out.write(text)
    print_problems(patients.problems.sorted())
    return 1 if patients.problems.has_errors or refused else 0


def the_one(
    patients: Patients, wanted: str | None, resources: Resources | None
) -> PatientRecord | None:
    """The patient who is asked for; None where none could be read. The resources that are kept
    are this patient's."""
    found: list[PatientRecord] = []
    known: set[str] = set()
    kept: dict[str, Any] = {}
    for record in patients:
        known.add(record.patient)
        met = {} if resources is None else resources.take()
        if wanted is None or record.patient == wanted:
            found.append(record)
            kept = met
    if resources is not None:
        resources.found = kept
    if wanted is not None and not found and known:
        hint = did_you_mean(wanted, known)
        raise click.UsageError(
            f"there is no patient `{visible(wanted)}` in the inputs" + (f"; {hint}" if hint else "")
        )
    if len(known) > 1 and wanted is None:
        raise click.UsageError(f"there are {len(known):,} patients; name one with `--patient ID`")
    return found[0] if len(found) == 1 else None


def _refuse_what_does_not_go_together(options: ExplainOptions) -> None:
    for name, value in (("--check", options.graph), ("--against", options.against)):
        parts = {"--criterion": options.criterion, "--minimal": options.minimal,
                 "--all": options.all_sets}  # fmt: skip
        given = [part for part, chosen in parts.items() if chosen]
        if value is not None and given:
            raise click.UsageError(f"{name} takes whole graphs; leave {given[0]} out")
        if value is not None and options.form not in ("text", "json"):
            raise click.UsageError(f"{name} has no --format {options.form}")
    if options.graph is not None and options.against is not None:
        raise click.UsageError("--check and --against are two questions; ask one of them")


def refuse_unknown_criterion(criterion: str | None, compiled: Compiled) -> None:
    """A usage error where a protocol has no criterion of that id."""
    known = [each.id for each in compiled.protocol.criteria]
    if criterion is not None and criterion not in known:
        hint = did_you_mean(criterion, known) or f"it has {', '.join(known)}"
        raise click.UsageError(f"the protocol has no criterion `{visible(criterion)}`; {hint}")


def graph_in(name: str) -> dict[str, Any]:
    """The graph in a file that `--format json` wrote."""
    from protocol_logic.answering.comparing import NoJustification, nodes_of

    path = Path(name)
    if not path.is_file():
        raise click.UsageError(f"there is no file `{visible(name)}`")
    try:
        data = json.loads(text_at(path, name))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"`{visible(name)}` is not JSON: {shown(str(error))}") from error
    try:
        nodes_of(data)
    except NoJustification as wrong:
        raise click.UsageError(
            f"`{visible(name)}` is no justification, as `--format json` writes it: {wrong}"
        ) from wrong
    found: dict[str, Any] = data
    return found


def _checked(
    explaining: Explaining, name: str, record: PatientRecord, as_of: AsOf
) -> tuple[bytes, bool]:
    wrong = explaining.audit(graph_in(name), record, as_of)
    lines = [visible(line) for line in wrong]
    lines.append(
        f"refused: {count(len(wrong), 'fault')}"
        if wrong
        else "accepted: each step follows from the record"
    )
    return written("".join(f"{line}\n" for line in lines)), bool(wrong)


def _changes(before: dict[str, Any], graph: Graph, options: ExplainOptions) -> bytes:
    from protocol_logic.answering.why import sentence
    from protocol_logic.surfaces.explain_changes import changes_text

    change = changes_since(before, graph, str(options.against))
    if options.form == "json":
        return written(json.dumps(change, ensure_ascii=False, indent=2) + "\n")
    return written("".join(f"{line}\n" for line in changes_text(change, sentence(graph))))


def changes_since(before: Mapping[str, Any], graph: Graph, name: str) -> dict[str, Any]:
    """What changed since an earlier justification; a usage error, with the `name` of that one,
    where it is about another patient."""
    from protocol_logic.answering.comparing import compared
    from protocol_logic.answering.justification import node_link

    earlier, now = str(before["graph"]["patient"]), graph.graph["patient"]
    if earlier != now:
        raise click.UsageError(
            f"`{visible(name)}` is about `{visible(earlier)}`, not about `{visible(now)}`"
        )
    return compared(before, node_link(graph))


def forced_part(
    graph: Graph,
    explaining: Explaining,
    record: PatientRecord,
    as_of: AsOf,
    criterion: str | None,
    all_sets: bool,
) -> Graph:
    """Of a graph only findings that force what is decided, or the outcome of one criterion: those
    of one minimal set, or of all."""
    from protocol_logic.answering.justification import only_findings, subgraph

    if criterion is not None:
        graph = subgraph(graph, criterion)
    about = "eligibility" if criterion is None else f"criterion:{criterion}"
    node = graph.nodes[about]
    sets, complete = _forcing(explaining.forcing(record, as_of, criterion), all_sets)
    graph = only_findings(graph, [name for each in sets for name in each])
    forced = node.get("verdict", node["outcome"])
    graph.graph.update(forced=forced, forcing=sets, complete=complete)
    return graph


def _forcing(forcing: Forcing, all_sets: bool) -> tuple[list[list[str]], bool]:
    """One set of findings that forces what is decided, or all; whether there are no others."""
    from protocol_logic.answering.minimal import MOST_SETS

    if not all_sets:
        first = forcing.first()
        return ([], True) if first is None else ([first], False)
    sets: list[list[str]] = []
    with closing(Progress(sys.stderr, noun="set")) as progress:
        for found in islice(forcing.all(), MOST_SETS + 1):
            sets.append(found)
            progress.step()
    order = {name: number for number, name in enumerate(forcing.units)}
    sets.sort(key=lambda each: (len(each), [order[name] for name in each]))
    return sets[:MOST_SETS], len(sets) <= MOST_SETS


def _page(
    graph: Graph,
    compiled: Compiled,
    options: ExplainOptions,
    paths: list[Path],
    resources: Resources,
    answers: Answers | None,
) -> bytes:
    from protocol_logic.compiling.answerable import elements_of
    from protocol_logic.surfaces.explain_page import explain_page, resources_of
    from protocol_logic.surfaces.raw_records import raw_records

    raw = raw_records(
        resources_of(graph),
        resources.found,
        paths,
        elements_of(compiled.protocol),
        None if answers is None else answers.file,
    )
    return written(explain_page(graph, compiled.protocol, raw, criterion=options.criterion))


def _explained(graph: Graph, options: ExplainOptions) -> bytes:
    from protocol_logic.answering.justification import node_link

    if options.form == "json":
        return written(json.dumps(node_link(graph), ensure_ascii=False, indent=2) + "\n")
    if options.form == "dot":
        from protocol_logic.surfaces.explain_dot import dot

        return written(dot(graph))
    if options.form == "graphml":
        from protocol_logic.answering.graphml import graphml

        return written(graphml(all_visible(node_link(graph))))
    from protocol_logic.surfaces.explain_text import ExplainText

    to_stdout = options.output is None or options.output == STDOUT
    encoding = (sys.stdout.encoding or "ascii") if to_stdout else "utf-8"
    drawing = ExplainText(
        graph,
        criterion=options.criterion,
        colour=to_stdout and colour_wanted(sys.stdout),
        encoding=encoding,
    )
    return "".join(f"{line}\n" for line in drawing.lines(options.depth)).encode(
        encoding, "backslashreplace"
    )
