"""Who decides stretches and documents: processes of this machine, or Apache Spark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import click

from protocol_logic.foundation.text import shown
from protocol_logic.records.store.stretch import Stretch
from protocol_logic.surfaces.inputs import Many, Patients
from protocol_logic.surfaces.screening_job import size_of

if TYPE_CHECKING:
    from protocol_logic.surfaces.progress import Progress

Result = TypeVar("Result")

MOST_WORKERS = 2
LOCAL_SPARK = "spark"
"""A session of Spark on this machine, or, within `spark-submit`, that one's."""
_MASTER = re.compile(r"spark://\S+|k8s://\S+|yarn")
_PARTS_EACH = 2
"""Each part has a cost of its own, that of some 400 patients."""


@dataclass(frozen=True, slots=True)
class Engine(Generic[Result]):
    """`results`: of items, in their order. `parts`: in how many a store is cut at least, so that
    all who decide have something to do until the end."""

    results: Callable[[Iterable[Many]], Iterator[Result]]
    parts: int


@contextmanager
def engine_of(
    name: str | None,
    workers: int | None,
    start: Callable[[int | None], Callable[[], Callable[[Many], Result]]],
    lost: Callable[[Many], Result],
    progress: Progress,
    total: int,
) -> Iterator[Engine[Result]]:
    """What decides. `name`: of an engine of Spark; None for processes of this machine, and then
    `workers` how many. `start`: what makes the job of a process, by the threads that it may use.
    `total`: the bytes that there are."""
    from protocol_logic.surfaces.workers import Workers, usable_cores

    if name is None:
        number = workers or min(usable_cores(), MOST_WORKERS)
        threads = max(1, usable_cores() // number)
        with Workers(start(threads), number, size=size_of, lost=lost) as processes:
            yield Engine(processes.results, _parts(number))
        return
    from protocol_logic.surfaces.spark import Spark

    def tell(done: int, of: int) -> None:
        progress.pulse(total * done // of)

    with Spark(start(1), name, workers or usable_cores()) as spark:
        yield Engine(lambda items: spark.results(map(_anywhere, items), tell), _parts(spark.number))


def _anywhere(item: Many) -> Many:
    return item.anywhere() if isinstance(item, Stretch) else item


def _parts(number: int) -> int:
    return _PARTS_EACH * number if number > 1 else 1


def checked_engine(name: str | None) -> None:
    """Refuse what is no engine."""
    if name is not None and name != LOCAL_SPARK and not _MASTER.fullmatch(name):
        raise click.BadParameter(
            f"`{shown(name)}` is no engine; it is `spark` for a session on this machine, or the "
            "master of a cluster, as in `spark://HOST:7077`, `yarn` or `k8s://HOST`",
            param_hint="'--engine'",
        )


def refuse_with_engine(patients: Patients, given: Mapping[str, object]) -> None:
    """Refuse what Spark does not do: it takes stores, and rows alone."""
    refuse_documents("--engine", patients)
    refuse("--engine", given)


def refuse_documents(option: str, patients: Patients) -> None:
    """Refuse what is no store, for an option that takes stores."""
    if not patients.of_stores_alone:
        raise click.UsageError(
            f"{option} takes stores; `protocol-logic ingest` makes one of records, and `export` a "
            "dataset of that"
        )


def refuse(option: str, given: Mapping[str, object]) -> None:
    """Refuse what an option does not go with."""
    for other, value in given.items():
        if value:
            raise click.UsageError(f"{option} does not go with {other}")
