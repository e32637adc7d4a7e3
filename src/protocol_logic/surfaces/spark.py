"""Stretches of a store decided by Apache Spark, with the job that processes of this machine have.

PySpark is an extra, and imported only here and only when it is asked for. What a protocol is, and
all options, go to the executors as data; the program and the store have to be there already.
"""

from __future__ import annotations

import os
import pickle
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

import click

from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.engines import LOCAL_SPARK
from protocol_logic.surfaces.run_digest import program_digest

if TYPE_CHECKING:
    from protocol_logic.surfaces.workers import Job

Item = TypeVar("Item")
Result = TypeVar("Result")

_OTHER_PROGRAM = "another program: "
_LOOPBACK = "127.0.0.1"
_POLL = 0.3
_SHORT = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


class Spark(Generic[Item, Result]):
    """In the place of `Workers`: the same results in the same order. A context.

    `start` makes the job in each process of the executors; `number`: how many on this machine, for
    a session of its own.
    """

    def __init__(self, start: Callable[[], Job[Item, Result]], engine: str, number: int) -> None:
        self._start = start
        self._engine = engine
        self._number = number
        self._stack = ExitStack()
        self._session: Any = None

    def __enter__(self) -> Spark[Item, Result]:
        self._session = self._stack.enter_context(_session(self._engine, self._number))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def number(self) -> int:
        """How many stretches are decided at a time."""
        return int(self._session.sparkContext.defaultParallelism)

    def results(self, items: Iterable[Item], tell: Callable[[int, int], None]) -> Iterator[Result]:
        """The result of each item, in order, when all are done; `tell`: how many are so far, of how
        many."""
        from pyspark import StorageLevel

        each = list(items)
        if not each:
            return
        decide = _Decide(pickle.dumps((program(), self._start, each), pickle.HIGHEST_PROTOCOL))
        numbers = self._session.range(0, len(each), 1, len(each))
        done = numbers.mapInArrow(decide, "number long, result binary")
        # All are decided at once and wait on the disks of the executors until they are asked for.
        done = done.persist(StorageLevel.DISK_ONLY)
        try:
            self._wait_for(done.count, lambda number: tell(number, len(each)))
            for number, row in enumerate(done.toLocalIterator(prefetchPartitions=True)):
                assert row.number == number
                yield pickle.loads(row.result)
        finally:
            with suppress(Exception):  # of a session that broke
                done.unpersist()

    def _wait_for(self, work: Callable[[], object], tell: Callable[[int], None]) -> None:
        """Do the work beside this thread, which hears what stops it, and tells of what is done."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except Exception as error:
                failed.append(error)

        tracker = self._session.sparkContext.statusTracker()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_POLL)
            with suppress(Exception):
                stages = map(tracker.getStageInfo, tracker.getActiveStageIds())
                tell(sum(stage.numCompletedTasks for stage in stages if stage is not None))
        for error in failed:
            raise _told(error) from error


# ---- in the executors ----------------------------------------------------------------------------


class _Decide:
    """What each executor does with numbers of items. `shipped`: a pickle of the program's digest,
    what makes the job, and the items."""

    def __init__(self, shipped: bytes) -> None:
        self.shipped = shipped

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        job, items = _job(self.shipped)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                result = pickle.dumps(job(items[number]), pickle.HIGHEST_PROTOCOL)
                columns = {
                    "number": pyarrow.array([number], pyarrow.int64()),
                    "result": pyarrow.array([result], pyarrow.binary()),
                }
                yield pyarrow.RecordBatch.from_pydict(columns)


_JOBS: dict[bytes, tuple[Job[Any, Any], Sequence[Any]]] = {}
"""The job of this process: it is used for many tasks."""


def _job(shipped: bytes) -> tuple[Job[Any, Any], Sequence[Any]]:
    key = sha256(shipped).digest()
    if key not in _JOBS:
        _JOBS.clear()
        wanted, start, items = pickle.loads(shipped)
        if wanted != program():
            raise RuntimeError(f"{_OTHER_PROGRAM}{program()}")
        _JOBS[key] = start(), items
    return _JOBS[key]


def program() -> str:
    """What this program is: its version, and a digest of all that decides."""
    from protocol_logic import __version__

    return f"{__version__} ({program_digest().hex()[:12]})"


# ---- sessions ------------------------------------------------------------------------------------


@contextmanager
def _session(engine: str, number: int) -> Iterator[Any]:
    """A session of Spark, which is ended with what it left."""
    try:
        import pandas  # noqa: F401  (mapInArrow asks for it)
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise click.UsageError(
            "--engine needs PySpark: pip install 'protocol-logic[spark]'"
        ) from error
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    builder = SparkSession.builder.appName("protocol-logic")
    with tempfile.TemporaryFile() as log:
        if not submitted:
            # Nobody is told who the patients of a session are: no page, and no log of it.
            settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
            if engine == LOCAL_SPARK:
                os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
                settings |= {
                    "spark.master": f"local[{number}]",
                    "spark.driver.host": _LOOPBACK,
                    "spark.driver.bindAddress": _LOOPBACK,
                    # Java moves bytes alone, and for a short time: it is not to be made quick.
                    "spark.driver.extraJavaOptions": _SHORT,
                }
            else:
                settings["spark.master"] = engine
            for name, value in settings.items():
                builder = builder.config(name, value)
        try:
            with _told_to(log):
                session = builder.getOrCreate()
        except Exception as error:  # also Py4J's, which is no package of ours
            raise _cannot_start(str(error), log) from error
        try:
            yield session
        finally:
            if not submitted:
                with suppress(Exception):
                    session.sparkContext.cancelAllJobs()
                session.stop()


@contextmanager
def _told_to(log: IO[bytes]) -> Iterator[None]:
    """What a process that is started here says goes to a file, as long as it lives."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = [(place, os.dup(place)) for place in (1, 2)]
    try:
        for place, _ in kept:
            os.dup2(log.fileno(), place)
        yield
    finally:
        for place, copy in kept:
            os.dup2(copy, place)
            os.close(copy)


def _cannot_start(message: str, log: IO[bytes]) -> click.UsageError:
    log.seek(0)
    said = log.read().decode("utf-8", "replace").strip().splitlines()
    why = next((line for line in reversed(said) if line.strip()), "") or message
    return click.UsageError(
        f"Spark cannot be started: {shown(why.splitlines()[0])}; it needs Java 17, found by "
        "JAVA_HOME or `java`"
    )


def _told(error: BaseException) -> Exception:
    """Why executors could not do their work."""
    text = str(error)
    lacking = re.search(r"ModuleNotFoundError: No module named '(\w+)'", text)
    if lacking is not None:
        return click.UsageError(
            f"an executor has no `{lacking.group(1)}`: install 'protocol-logic[spark]' there, of "
            "this version, for the Python that PYSPARK_PYTHON names"
        )
    other = re.search(re.escape(_OTHER_PROGRAM) + r"([^\n]*)", text)
    if other is not None:
        return click.UsageError(
            f"an executor has protocol-logic {shown(other.group(1))}, and here it is {program()}; "
            "both must be of one version, with one version of Python"
        )
    return RuntimeError(f"Spark: {text}")
