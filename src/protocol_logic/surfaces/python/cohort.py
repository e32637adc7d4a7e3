"""Patients read once, and what the commands say of them: rows, and the counts of a cohort."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from protocol_logic.foundation.problems import Problem, did_you_mean
from protocol_logic.surfaces.counting import Piece, counted
from protocol_logic.surfaces.inputs import Patients, answers_of, existing_paths
from protocol_logic.surfaces.python.errors import InputError, input_errors
from protocol_logic.surfaces.python.inputs import Inputs, Prepared
from protocol_logic.surfaces.python.patient import Patient
from protocol_logic.surfaces.terminal import count, visible

if TYPE_CHECKING:
    import pyarrow

    from protocol_logic.answering.cohort.report import Report as Counts
    from protocol_logic.answering.cohort.strata import Stratum
    from protocol_logic.compiling.changing import Said
    from protocol_logic.pipeline import Compiled, Surveyed
    from protocol_logic.surfaces.python.results import Report, Result

_NO_AS_OF = (
    "no patient has a day of judgement: the inputs have no Bundle.timestamp; "
    'give one with as_of="YYYY-MM-DD"'
)


class Cohort:
    """The patients of some inputs who can be judged by a protocol.

    Iteration gives them in the order of the inputs, `cohort["hanne"]` one by id. `problems`: what
    was wrong with inputs, each with `code`, `message` and its place; patients whom they concern
    are not in the cohort, as `screen` writes no row of them. Records are held in memory.
    """

    def __init__(self, inputs: Inputs, patients: dict[str, Patient], problems: Sequence[Problem]):
        self._inputs = inputs
        self._patients = patients
        self.problems = tuple(problems)

    def __repr__(self) -> str:
        protocol = self._inputs.compiled.protocol
        said = f"{count(len(self), 'patient')} for {protocol.id} {protocol.version}"
        more = f", {count(len(self.problems), 'problem')}" if self.problems else ""
        return visible(f"<Cohort of {said}{more}>")

    def __len__(self) -> int:
        return len(self._patients)

    def __iter__(self) -> Iterator[Patient]:
        return iter(self._patients.values())

    def __contains__(self, patient: object) -> bool:
        return patient in self._patients

    def __getitem__(self, patient: str) -> Patient:
        """The patient of an id; raises KeyError where there is none."""
        if patient not in self._patients:
            hint = did_you_mean(patient, self._patients)
            said = f"there is no patient `{visible(patient)}`"
            raise KeyError(f"{said}; {hint}" if hint else said)
        return self._patients[patient]

    def rows(self, *, why: bool = False) -> list[dict[str, Any]]:
        """A row for each patient, as `screen --format json` writes it (docs/rows.md).

        `why`: whether they say why, as with `--why`.
        """
        return [self._inputs.row(each._record, why) for each in self]

    def answers_form(self) -> str:
        """The empty form of answers as CSV: what would close the gaps (docs/answers.md).

        Filled in and saved, it is what `answers` of `Protocol.cohort` takes.
        """
        from protocol_logic.surfaces.answers_form import form_header

        lines = (self._inputs.questions(each._record) for each in self)
        return b"".join([form_header(), *lines]).decode()

    def to_arrow(
        self, per: Literal["criterion", "patient"] = "criterion", *, why: bool = False
    ) -> pyarrow.Table:
        """The rows as a table: one for each patient and criterion, with the columns of
        `screen --format parquet`, or one for each patient. `why`: with a column that says why.

        Raises ImportError where pyarrow is not installed.
        """
        from protocol_logic.surfaces.python.what_if_results import rows_table

        return rows_table(self.rows(why=why), per, why)

    def report(
        self, *, by: Iterable[str] = (), rank: bool = False, changes: Iterable[str] = ()
    ) -> Report:
        """All that the command `cohort` says, with its page; `by`, `rank` and `changes` as its
        options.

        Raises InputError where the cohort cannot be divided so, or a change cannot be said.
        """
        from protocol_logic.surfaces.python.cohort_results import whole_result

        return whole_result(self._told(list(by), rank, changes))

    def attrition(self) -> Result:
        """Who is left after each criterion, in the order of the protocol; counts of patients."""
        return self._part("attrition")

    def influence(self) -> Result:
        """What each criterion does whatever its place: counts of patients, and exact shares of
        the exclusions."""
        return self._part("influence")

    def missing(self) -> Result:
        """For want of which elements patients are undetermined."""
        return self._part("missing_data")

    def curves(self) -> Result:
        """How many patients would be eligible under other limits, one limit at a time."""
        return self._part("curves")

    def relaxations(self) -> Result:
        """Which limits to ease next, each step after those before it, screened again."""
        return self._part("relaxations")

    def by(self, name: str) -> Result:
        """The cohort divided by `sex`, `age`, or another name that the protocol can use; reads the
        inputs again. Raises InputError where it cannot be divided so."""
        from protocol_logic.surfaces.python.cohort_results import stratum_result

        return stratum_result(self._told([name], rank=False))

    def rank(self, changes: Iterable[str] = ()) -> Result:
        """The undetermined patients, the cheapest to settle first; costs in points.

        `changes`: what it costs to have something, as for `--change`: `["obtain ecog cost 5"]`.
        Raises InputError with all that is wrong with them.
        """
        from protocol_logic.answering.cohort.rank import ranking
        from protocol_logic.surfaces.python.cohort_results import ranked_result

        surveyed = self._surveyed(self._inputs.compiled, (), True, self._named(changes))
        ranked = ranking(each.ranked for each in surveyed if each.ranked is not None)
        return ranked_result(self._report, ranked)

    def _part(self, what: str) -> Result:
        from protocol_logic.surfaces.python.cohort_results import part_result

        return part_result(self._report, what)

    @cached_property
    def _report(self) -> Counts:
        return self._counted(self._inputs.compiled, (), rank=False)

    def _named(self, changes: Iterable[str]) -> Sequence[Said]:
        from protocol_logic.surfaces.what_if import changes_named

        with input_errors():
            return changes_named(changes, self._inputs.compiled)

    def _told(self, by: Sequence[str], rank: bool, changes: Iterable[str] = ()) -> Counts:
        from protocol_logic.pipeline import for_strata
        from protocol_logic.surfaces.cohort import strata_of

        if not by and not rank:
            return self._report
        with input_errors():
            strata = strata_of(self._inputs.compiled, by)
        compiled = for_strata(self._inputs.compiled, strata)
        return self._counted(compiled, strata, rank, self._named(changes))

    def _counted(
        self,
        compiled: Compiled,
        strata: Sequence[Stratum],
        rank: bool,
        changes: Sequence[Said] = (),
    ) -> Counts:
        surveyed = list(self._surveyed(compiled, strata, rank, changes))
        days = [each.as_of.date for each in surveyed if each.as_of is not None]
        pieces = list(map(_piece, surveyed))
        ends = [min(days), max(days)] if days else []
        return counted(compiled, strata, ends, lambda: iter(pieces), rank)

    def _surveyed(
        self,
        compiled: Compiled,
        strata: Sequence[Stratum],
        rank: bool,
        changes: Sequence[Said],
    ) -> Iterator[Surveyed]:
        from protocol_logic.pipeline import Surveying

        inputs = self._inputs
        engine = inputs.prepared.engine
        surveying = Surveying(compiled, strata, inputs.answers, rank, changes, engine)
        # What divides a cohort may stand in resources that the protocol does not read.
        items = (
            Patients(compiled, inputs.paths, inputs.merge).items()
            if strata
            else (p._record for p in self)
        )
        for item in items:
            if isinstance(item, Problem):
                continue
            done = surveying.survey(item, inputs.as_of)
            if done.seen is not None and done.record is not None and done.record.patient in self:
                yield done


def _piece(done: Surveyed) -> Piece:
    record, as_of, seen = done.record, done.as_of, done.seen
    assert record is not None and as_of is not None and seen is not None
    return Piece(seen, done.ranked, (lambda: (record, as_of)) if seen.is_near else None)


def read_cohort(
    prepared: Prepared,
    names: Sequence[str],
    as_of: date | None,
    answers: str | None,
    merge: bool,
) -> Cohort:
    """The cohort of files and folders."""
    from protocol_logic.pipeline import as_of_date

    if not names:
        raise InputError("name the files or folders of patients")
    with input_errors():
        paths = existing_paths(names)
        read = Patients(prepared.compiled, paths, merge)
        given = None
        if answers is not None:
            given = answers_of(answers, prepared.compiled, read.problems)
        records = list(read)
    inputs = Inputs(prepared, paths, as_of, given, merge)
    patients: dict[str, Patient] = {}
    undated = 0
    for record in records:
        day = as_of_date(record, as_of)
        if isinstance(day, Problem):
            undated += 1
            read.problems.add(day)
        elif not read.is_withheld(record.patient):
            patients[record.patient] = Patient(inputs, record, day)
    if undated and undated == len(records):
        raise InputError(_NO_AS_OF)
    if given is not None:
        read.problems.extend(given.unknown_patients(read.known()))
    return Cohort(inputs, patients, read.problems.sorted())
