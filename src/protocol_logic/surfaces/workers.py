"""A job done to many items by processes beside this one; the results come in the items' order.

A worker holds one batch at a time and is sent the next when it has answered, so neither side ever
waits for the other with a full pipe. Where a worker dies (killed for want of memory), its batch is
tried again item by item, and the item that kills again is given up.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from time import process_time
from typing import Generic, TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Job: TypeAlias = Callable[[Item], Result]

ALONE_SECONDS = 0.5
"""How long this process computes alone: what is done by then is not worth starting others for."""
_FEW_SECONDS = 2.0
"""How long it does so where fewer items than a batch are left: to start others takes a second."""
_BATCH_ITEMS = 16
_BATCH_SIZE = 500_000
_AHEAD = 4  # batches for each worker that may be read before the oldest is done


def usable_cores() -> int:
    """The cores that this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@dataclass(slots=True)
class _Batch(Generic[Item, Result]):
    """Items that are sent together, or `singly` after they killed a worker."""

    items: list[Item]
    results: list[Result] = field(default_factory=list)
    singly: bool = False

    @property
    def left(self) -> list[Item]:
        return self.items[len(self.results) :]


@dataclass(slots=True, eq=False)
class _Worker(Generic[Item, Result]):
    """A process, the pipe to it, whether it has begun, and the batch that it holds."""

    process: BaseProcess
    pipe: Connection
    ready: bool = False
    batch: _Batch[Item, Result] | None = None


class Workers(Generic[Item, Result]):
    """Up to `number` processes; 1 is this process alone. A context: at its end none is left.

    `start` makes the job, in each process; it is pickled, as are items and results. `size`: the
    bytes of an item, roughly. `lost`: the result of an item whose worker died.
    """

    def __init__(
        self,
        start: Callable[[], Job[Item, Result]],
        number: int,
        *,
        size: Callable[[Item], int],
        lost: Callable[[Item], Result],
    ) -> None:
        self._start = start
        self._number = number
        self._size = size
        self._lost = lost
        self._workers: list[_Worker[Item, Result]] = []
        self._todo: deque[_Batch[Item, Result]] = deque()

    def __enter__(self) -> Workers[Item, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()

    def results(self, items: Iterable[Item]) -> Iterator[Result]:
        """The result of each item, in order; workers are started where there is enough to do."""
        job, left = self._start(), iter(items)
        begun = process_time()
        ahead: deque[Item] = deque()
        while ahead or (ahead := deque(islice(left, 1))):
            yield job(ahead.popleft())
            if self._number == 1:
                continue
            took = process_time() - begun
            if not self._workers and took > ALONE_SECONDS:
                ahead.extend(islice(left, _BATCH_ITEMS - len(ahead)))
                if len(ahead) < _BATCH_ITEMS and took < _FEW_SECONDS:
                    continue
                for _ in range(self._number if ahead else 0):
                    self._start_worker()
            if any(worker.pipe.poll() for worker in self._workers):
                break
        yield from self._shared(job, chain(ahead, left))

    def _shared(self, job: Job[Item, Result], items: Iterator[Item]) -> Iterator[Result]:
        """Results of batches that the workers do."""
        batches = self._batches(items)
        order: deque[_Batch[Item, Result]] = deque()
        ended = False
        while True:
            while not ended and not self._todo and len(order) < _AHEAD * self._number:
                batch = next(batches, None)
                if batch is None:
                    ended = True
                else:
                    order.append(batch)
                    self._todo.append(batch)
            for worker in [w for w in self._workers if w.ready and w.batch is None]:
                if self._todo:
                    worker.batch = self._todo.popleft()
                    self._send(worker)
            if not self._workers and order:  # none could be started
                order[0].results += map(job, order[0].left)
                self._todo.clear()
            if order and not order[0].left:
                yield from order.popleft().results
            elif order:
                waited = [w for w in self._workers if w.batch is not None or not w.ready]
                heard = wait([w.pipe for w in waited])
                for worker in waited:
                    if worker.pipe in heard:
                        self._receive(worker)
            elif ended:
                return

    def _batches(self, items: Iterator[Item]) -> Iterator[_Batch[Item, Result]]:
        batch: list[Item] = []
        total = 0
        for item in items:
            batch.append(item)
            total += self._size(item)
            if len(batch) == _BATCH_ITEMS or total > _BATCH_SIZE:
                yield _Batch(batch)
                batch, total = [], 0
        if batch:
            yield _Batch(batch)

    # ---- one worker ------------------------------------------------------------------------------

    def _start_worker(self) -> None:
        context = get_context("spawn")  # a fork would copy what clingo and the reader hold
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, self._start), daemon=True)
        with _deaf():
            process.start()
            self._workers.append(_Worker(process, here))
        there.close()

    def _send(self, worker: _Worker[Item, Result]) -> None:
        assert worker.batch is not None
        left = worker.batch.left
        try:
            worker.pipe.send(left[:1] if worker.batch.singly else left)
        except OSError:
            self._died(worker)

    def _receive(self, worker: _Worker[Item, Result]) -> None:
        try:
            results = worker.pipe.recv()
        except (EOFError, OSError):
            self._died(worker)
            return
        if isinstance(results, _Failure):
            raise RuntimeError(results.message) from RuntimeError(results.traceback)
        worker.ready = True
        if worker.batch is not None:
            worker.batch.results += results
            if worker.batch.left:
                self._send(worker)
            else:
                worker.batch = None

    def _died(self, worker: _Worker[Item, Result]) -> None:
        """Take a dead worker's batch back, and start another in its place."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        if worker.ready:  # one that cannot even begin would die again
            self._start_worker()
        batch = worker.batch
        if batch is not None:
            if batch.singly or len(batch.items) == 1:
                batch.results.append(self._lost(batch.left[0]))
            batch.singly = True
            if batch.left:
                self._todo.appendleft(batch)


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error of this program in a worker."""

    message: str
    traceback: str


def _serve(pipe: Connection, start: Callable[[], Job[Item, Result]]) -> None:
    """The life of a worker: an empty answer when it is ready, then one for each part of a batch."""
    answer: list[Result] | _Failure
    with suppress(EOFError, OSError):  # nobody is there any more
        items: list[Item] = []
        job: Job[Item, Result] | None = None
        while True:
            try:
                job = job or start()
                answer = [job(item) for item in items]
            except Exception as error:
                answer = _Failure(f"{type(error).__name__}: {error}", traceback.format_exc())
            pipe.send(answer)
            items = pipe.recv()


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started here never hears a signal to stop, not even while it is being loaded.

    A terminal sends Ctrl-C to all processes; only the one that started the others answers it, and
    ends them. It hears it after this, and so knows all that it started.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Its start unblocks signals, so it comes first.
    resource_tracker.ensure_running()
    stops = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
