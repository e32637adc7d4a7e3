"""A protocol, checked and ready to judge patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from os import PathLike, fspath

from protocol_logic.surfaces.inputs import compiled_protocol, day_given
from protocol_logic.surfaces.python.cohort import Cohort, read_cohort
from protocol_logic.surfaces.python.errors import input_errors
from protocol_logic.surfaces.python.inputs import Prepared
from protocol_logic.surfaces.terminal import visible


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion: its id, whether it is an `inclusion` or an `exclusion`, the protocol's own
    sentence, and the scopes (arms, cohorts, parts) that it is for; without any, for all."""

    id: str
    polarity: str
    text: str
    scopes: tuple[str, ...]


class Protocol:
    """A protocol with the policies, parameters and dates of a run; `load` gives one.

    One engine serves all that is asked of it, and keeps what it has solved.
    """

    def __init__(self, prepared: Prepared) -> None:
        """See `load`."""
        self._prepared = prepared

    @classmethod
    def load(
        cls,
        name: str | PathLike[str],
        *,
        policies: str | PathLike[str] | None = None,
        parameters: Mapping[str, str] | None = None,
        dates: Mapping[str, date | str] | None = None,
    ) -> Protocol:
        """The protocol in a file, or that of an id in the knowledge base.

        `policies`: a file with those of a site. `parameters`: name -> value with its unit, as
        `{"min_age": "21 years"}`. `dates`: time point -> its day. Raises InputError with all that
        is wrong with them; warnings go to stderr.
        """
        texts = [f"{each} is {value}" for each, value in (parameters or {}).items()]
        days = [f"{each}={day}" for each, day in (dates or {}).items()]
        site = None if policies is None else fspath(policies)
        with input_errors():
            compiled = compiled_protocol(fspath(name), site, texts, days)
        own = not (site or texts or days)
        plain = None if own else partial(compiled_protocol, fspath(name), tell=False)
        return cls(Prepared(compiled, plain))

    @property
    def id(self) -> str:
        """The id, as after `protocol` in its file."""
        return self._prepared.compiled.protocol.id

    @property
    def title(self) -> str:
        """The title."""
        return self._prepared.compiled.protocol.title

    @property
    def version(self) -> str:
        """The version."""
        return self._prepared.compiled.protocol.version

    @property
    def digest(self) -> str:
        """The digest of the protocol with all that it rests on, as in rows and `pin`."""
        return self._prepared.compiled.digest

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria, in the order of the protocol."""
        return tuple(
            Criterion(each.id, each.polarity, each.sentence, each.scopes)
            for each in self._prepared.compiled.protocol.criteria
        )

    def __repr__(self) -> str:
        return visible(f"<Protocol {self.id} {self.version}, {len(self.criteria)} criteria>")

    def cohort(
        self,
        *patients: str | PathLike[str],
        as_of: date | str | None = None,
        answers: str | PathLike[str] | None = None,
        merge_patients: bool = False,
    ) -> Cohort:
        """The patients of files, folders, mapped tables and stores, as the commands take them.

        `as_of`: the day of judgement (`2026-10-30`, `today`), else the one that each record names.
        `answers`: a file of what people answered. `merge_patients`: join documents about the same
        patient, who would be withheld otherwise. Raises InputError where an argument cannot be
        used, or no record names a day; what is wrong inside a file is in `cohort.problems`.
        """
        with input_errors():
            day = None if as_of is None else day_given(as_of)
        names = [fspath(each) for each in patients]
        given = None if answers is None else fspath(answers)
        return read_cohort(self._prepared, names, day, given, merge_patients)
