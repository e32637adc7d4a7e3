"""`audit replay`: every recorded decision made again from the sources, and what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from protocol_logic.answering.audit.chain import Body, canonical
from protocol_logic.answering.audit.digests import Masks
from protocol_logic.answering.audit.lines import AnswersFile, decision_body, run_body
from protocol_logic.answering.audit.replay import (
    Difference,
    differences,
    parameter_texts,
    policies_text,
    run_key,
)
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.surfaces.audit_file import masks_of, versions, visit_lines
from protocol_logic.surfaces.inputs import (
    Patients,
    SourceErrors,
    answers_of,
    existing_paths,
    source_named,
)
from protocol_logic.surfaces.outputs import opened_output, print_problems, written
from protocol_logic.surfaces.terminal import count, visible

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled, Screening
    from protocol_logic.records.facts import PatientRecord

_MOST_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """The arguments of `audit replay`."""

    file: str
    patients: tuple[str, ...]
    protocols: tuple[str, ...]
    answers: tuple[str, ...]
    mask: str | None
    form: str
    output: str | None


@dataclass(slots=True)
class _Replayed:
    """A recorded decision, and what differs where it was made again; `match`: how sure it is that
    this was made from the same source."""

    line: bytes
    match: int = -1
    found: list[Difference] = field(default_factory=list)

    @property
    def body(self) -> Body:
        """What the line says; as an object it would take five times the room."""
        found: Body = json.loads(self.line)
        return found


def replay(options: ReplayOptions) -> int:
    """Decide again what a record holds; the exit code: 1 where something came out otherwise."""
    masks = masks_of(options.mask)
    paths = existing_paths(options.patients)
    all_of_it: list[_Replayed] = []

    def look(body: Body) -> None:
        if body["kind"] == "decision":
            all_of_it.append(_Replayed(canonical(body)))

    visit_lines(options.file, masks, look)
    if not all_of_it:
        raise click.UsageError(f"`{visible(options.file)}` holds no decision")
    known: set[str] = set()
    runs: dict[bytes, list[_Replayed]] = {}
    for each in all_of_it:
        body = each.body
        known.add(body["protocol"]["id"])
        runs.setdefault(run_key(body), []).append(each)
    sources = _sources(options.protocols, known)
    problems: list[Problem] = []
    for run in runs.values():
        _Again(run, masks, sources, paths, options.answers).decide(problems)
    for each in all_of_it:
        if each.match < 0 and not each.found:
            text = "the sources hold no such patient"
            each.found.append(Difference("missing", text))
    with opened_output(options.output) as out:
        text = _json(all_of_it) if options.form == "json" else "\n".join(_text(all_of_it)) + "\n"
        out.write(written(text))
    print_problems(list(dict.fromkeys(problems)))
    return 1 if any(d.counts for each in all_of_it for d in each.found) else 0


def _sources(names: Sequence[str], known: set[str]) -> dict[str, Source]:
    """The protocols that are given in the place of those that the record names, by id."""
    from protocol_logic.language.parse import parse
    from protocol_logic.language.tree import Heading

    found: dict[str, Source] = {}
    for name in names:
        source = source_named(name)
        headings = (s for s in parse(source, Problems()) if isinstance(s, Heading))
        heading = next(headings, None)
        if heading is None or heading.name.text not in known:
            listed = ", ".join(f"`{visible(each)}`" for each in sorted(known))
            raise click.UsageError(
                f"`{visible(name)}` is none of the protocols of the record; it has {listed}"
            )
        found[heading.name.text] = source
    return found


class _Again:
    """The decisions of a record that can be made together."""

    def __init__(
        self,
        run: list[_Replayed],
        masks: Masks,
        sources: dict[str, Source],
        paths: Sequence[Path],
        answers: Sequence[str],
    ) -> None:
        self.run = run
        self.masks = masks
        self.sources = sources
        self.paths = paths
        self.first = run[0].body
        self.answers = self._answers(answers)
        self.by_patient: dict[str, list[_Replayed]] = {}
        for each in run:
            self.by_patient.setdefault(each.body["patient"], []).append(each)

    def _answers(self, names: Sequence[str]) -> str | None:
        """The file of answers of these decisions among those that are given, by its digest; the
        last one where none is it."""
        used = self.first["answers"]
        if used is None or not names:
            return None
        for name in names:
            path = Path(name)  # one that is not there is told by whoever reads it
            if not path.is_file() or self.masks.digest(path.read_bytes()) == used["digest"]:
                return name
        return names[-1]

    def decide(self, problems: list[Problem]) -> None:
        """Note what differs at each decision; problems of inputs go to their list."""
        from protocol_logic.pipeline import Screening
        from protocol_logic.records.facts import PatientRecord
        from protocol_logic.records.sources import Unread

        compiled = self._compiled()
        if isinstance(compiled, Difference):
            for each in self.run:
                each.found.append(compiled)
            return
        patients = Patients(compiled, self.paths, self.first["merged"])
        answers = asked = None
        if self.answers is not None:
            answers = answers_of(self.answers, compiled, patients.problems)
            asked = AnswersFile(self.answers, Path(self.answers).read_bytes())
        c = compiled
        shared = run_body(c.protocol, c.policies, c.dates, asked, self.masks)
        shared["versions"] = versions()
        screening = Screening(compiled, answers, graphs=True)
        for item in patients.items():
            if isinstance(item, Problem):
                patients.problems.add(item)
                continue
            data = item.text if isinstance(item, Unread) else None
            found = patients.problems
            record = item if isinstance(item, PatientRecord) else screening.read(item, found)
            if record is not None:
                patients.passed(record.patient, record.source)
                self._patient(screening, record, data, shared)
        for _ in patients.end():
            pass  # one patient in two sources is no fault here: a record may name both
        problems += patients.problems.sorted()

    def _patient(
        self, screening: Screening, record: PatientRecord, data: bytes | None, shared: Body
    ) -> None:
        for each in self.by_patient.get(self.masks(record.patient), ()):
            body = each.body
            match = self._match(body["source"], record.source, data)
            if match > each.match:
                each.match = match
                each.found = list(self._differences(screening, body, record, data, shared))

    def _match(self, source: dict[str, Any], file: str, data: bytes | None) -> int:
        if source["file"] == self.masks(file):
            return 3
        if data is not None and source["digest"] == self.masks.digest(data):
            return 2
        return int(Path(source["file"]).name == Path(file).name)

    def _differences(
        self,
        screening: Screening,
        body: Body,
        record: PatientRecord,
        data: bytes | None,
        shared: Body,
    ) -> Iterator[Difference]:
        from protocol_logic.answering.justification import node_link

        day = body["as_of"]
        done = screening.screen(record, date.fromisoformat(day))
        assert done.row is not None and done.read is not None and done.graph is not None
        row: dict[str, Any] = dict(done.row)
        if body["as_of_source"] != "option":
            # Decided on the recorded day; what the record says of it now is told.
            row["as_of"] = None if record.index_date is None else record.index_date.isoformat()
        file = screening.compiled.protocol.source.name
        again = decision_body(row, done.read, node_link(done.graph), data, self.masks, file)
        yield from differences(body, {**shared, **again})

    # ---- the protocol ----------------------------------------------------------------------------

    def _compiled(self) -> Compiled | Difference:
        """The protocol as it is now, under what the record says that it was used with."""
        from protocol_logic.compiling.parameters import settings_of_run
        from protocol_logic.compiling.policies import check_policies
        from protocol_logic.pipeline import compile_source

        name = visible(self.first["protocol"]["id"])
        source = self._source()
        if source is None:
            file = visible(self.first["protocol"]["file"])
            text = f"the protocol's file `{file}` is missing; give it by --protocol FILE"
            return Difference("missing", text, of_run=True)
        problems = Problems()
        site = None
        if self.first["policies"] is not None:
            text = policies_text(self.first["policies"])
            site = check_policies(Source("the recorded policies", text), problems)
        settings = settings_of_run(parameter_texts(self.first), problems)
        compiled = None
        if not problems.has_errors:
            compiled = compile_source(source, problems, site, settings)
        if compiled is None:
            errors = [problem for problem in problems.sorted() if problem.severity == "error"]
            raise SourceErrors(name, errors)
        dates = self.first["dates"]
        known = {point.name for point in compiled.protocol.timepoints}
        days = {n: date.fromisoformat(day) for n, day in dates.items() if n in known}
        return replace(compiled, dates=days)

    def _source(self) -> Source | None:
        said = self.first["protocol"]
        if said["id"] in self.sources:
            return self.sources[said["id"]]
        in_kb = said["file"] == f"kb/protocols/{said['id']}/{said['id']}.elig"
        for name in (said["id"],) if in_kb else (said["file"],):
            try:
                return source_named(name)
            except click.UsageError:
                continue
        return None


# ---- what is written -----------------------------------------------------------------------------


_MOST_TOLD = 10
"""Decisions of which the text tells what differs."""


def _text(decisions: list[_Replayed]) -> Iterator[str]:
    shared: dict[str, list[int]] = {}
    for each in decisions:
        told = [difference for difference in each.found if difference.of_run]
        number = each.body["number"] if told else 0
        for difference in told:
            shared.setdefault(difference.text, []).append(number)
    for text, numbers in shared.items():
        yield visible(f"{_of_lines(numbers)}: {text}")
    differing = [each for each in decisions if any(not d.of_run for d in each.found)]
    for each in differing[:_MOST_TOLD]:
        own = [d for d in each.found if not d.of_run]
        body = each.body
        yield visible(f"line {body['number']}, {body['patient']} on {body['as_of']}:")
        for d in own:
            name = d.what.removeprefix("criterion:")
            lead = "" if name in ("source", "facts", "justification", "missing") else f"{name}: "
            yield visible(f"  {lead}{d.text}")
    if len(differing) > _MOST_TOLD:
        more = count(len(differing) - _MOST_TOLD, "more decision")
        yield f"and {more} with differences of their own; --format json has all"
    same = sum(not any(d.counts for d in each.found) for each in decisions)
    yield f"{count(len(decisions), 'decision')}: {same:,} the same, {len(decisions) - same:,} not"


def _of_lines(numbers: list[int]) -> str:
    listed = ", ".join(map(str, numbers[:_MOST_LINES]))
    if len(numbers) == 1:
        return f"line {listed}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"lines {numbers[0]} to {numbers[-1]}"
    more = len(numbers) - _MOST_LINES
    return f"lines {listed}" + (f" and {more:,} more" if more > 0 else "")


def _json(decisions: list[_Replayed]) -> str:
    found = []
    for each in decisions:
        body = each.body
        told = [
            {"what": d.what, "text": d.text, "before": d.before, "now": d.now, "counts": d.counts}
            for d in each.found
        ]
        found.append(
            {
                "line": body["number"],
                "id": body["id"],
                "patient": body["patient"],
                "as_of": body["as_of"],
                "same": not any(d.counts for d in each.found),
                "differences": told,
            }
        )
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"
