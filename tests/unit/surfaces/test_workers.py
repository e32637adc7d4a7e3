"""Jobs shared by processes: in order, whole, and without end when a worker dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from protocol_logic.surfaces import workers
from protocol_logic.surfaces.workers import Workers, usable_cores

Job = Callable[[str], str]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of Unix")


def first() -> bool:
    """Whether this is the process that started the others."""
    return os.environ["FIRST"] == str(os.getpid())


def job(item: str) -> str:
    """Where an item was done, how it begins and how long it is; or what it says is done."""
    if item == "die" and not first():
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "fail" and not first():
        raise KeyError("lost")
    if item == "wait":
        time.sleep(0.005)
    return f"{os.getpid()} {item[:5]} {len(item)}"


def start() -> Job:
    return job


def start_in_vain() -> Job:
    if not first():
        os._exit(1)
    return job


def run(
    items: list[str], monkeypatch: pytest.MonkeyPatch, begin: Callable[[], Job] = start
) -> tuple[set[str], list[str]]:
    """The other processes that worked, and what all did, when there were two."""
    monkeypatch.setattr(workers, "ALONE_SECONDS", -1.0)
    monkeypatch.setenv("FIRST", str(os.getpid()))
    waited = 0

    def given() -> Iterator[str]:
        nonlocal waited
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if waited > 20 and all(
                worker.ready for worker in shared._workers
            ):  # or none could begin
                break
            waited += 1
            yield "wait"
        yield from items

    with Workers(begin, 2, size=len, lost="lost {}".format) as shared:
        results = list(shared.results(given()))
        processes = [worker.process for worker in shared._workers]
    assert not any(process.is_alive() for process in processes)
    done = [result.split(maxsplit=1) for result in results]
    places = {place for place, _ in done[waited:]} - {"lost", str(os.getpid())}
    return places, [text for _, text in done[waited:]]


def expected(items: list[str]) -> list[str]:
    return [f"{item[:5]} {len(item)}" for item in items]


def test_results_come_in_order_from_both(monkeypatch: pytest.MonkeyPatch) -> None:
    # Some items are larger than what a pipe holds.
    items = [f"{n:05}" + "x" * (n % 7 * 100_000) for n in range(200)]
    places, results = run(items, monkeypatch)
    assert results == expected(items)
    assert len(places) == 2


def test_an_item_that_kills_costs_no_other_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [str(n) for n in range(200)]
    items[50] = items[51] = items[199] = "die"
    _, results = run(items, monkeypatch)
    lost = {50, 51, 199}
    assert results == ["die" if n in lost else f"{n} {len(str(n))}" for n in range(200)]


def test_workers_that_cannot_begin_are_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [str(n) for n in range(100)]
    places, results = run(items, monkeypatch, start_in_vain)
    assert (places, results) == (set(), expected(items))


def test_an_error_of_the_program_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'lost'") as caught:
        run(["1", "fail", "2"], monkeypatch)
    assert "in job" in str(caught.value.__cause__)


def test_what_takes_no_time_is_done_alone() -> None:
    with Workers(lambda: str, 2, size=len, lost=str) as shared:  # a job that no pickle takes
        assert list(shared.results(map(str, range(50)))) == [str(n) for n in range(50)]
        assert shared._workers == []


def test_nothing_is_started_for_the_last_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "ALONE_SECONDS", -1.0)
    with Workers(lambda: str, 2, size=len, lost=str) as shared:  # a job that no pickle takes
        assert list(shared.results(map(str, range(16)))) == [str(n) for n in range(16)]
        assert shared._workers == []


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1
