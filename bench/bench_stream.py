"""Screening as a stream: `python bench/bench_stream.py [lines ...]`, 1,000 and 10,000 by default.

Bundle lines are made of the demo patients with new ids, and screened for the seed protocol by one
process and by two. Memory is the most that a process held; it should not grow with the lines.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import perf_counter, sleep

DEMO = Path(__file__).parents[1] / "demo" / "patients"
CLI = [sys.executable, "-m", "protocol_logic.surfaces.cli"]
PROTOCOL = "anlotinib_fulvestrant"
FORMATS = ("csv", "json", "table")


def main(sizes: list[int]) -> None:
    print(f"{'lines':>7}{'format':>8}{'workers':>9}{'s':>8}{'CPU s':>8}{'patients/s':>12}", end="")
    print(f"{'main MB':>9}{'worker MB':>11}{'file MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.ndjson"
            with path.open("w") as out:
                out.writelines(bundle_lines(size))
            for form in FORMATS:
                for workers in (1, 2):
                    seconds, cpu, own, others = run(path, form, workers)
                    rate, megabytes = size / seconds, path.stat().st_size / 1e6
                    print(f"{size:7,}{form:>8}{workers:9}{seconds:8.1f}{cpu:8.1f}", end="")
                    print(f"{rate:12,.0f}{own:9.0f}{others:11.0f}{megabytes:9.0f}", flush=True)
            path.unlink()


def bundle_lines(number: int) -> Iterator[str]:
    """Bundles of the demo patients, again and again, each with an id of its own."""
    texts = [json.dumps(json.loads(path.read_bytes())) for path in sorted(DEMO.glob("*.json"))]
    names = [re.findall(r'"Patient/([a-z]+)"', text)[0] for text in texts]
    for each in range(number):
        text, name = texts[each % len(texts)], names[each % len(texts)]
        text = text.replace(f'"Patient/{name}"', f'"Patient/p{each}"')
        yield text.replace(f'"id": "{name}"', f'"id": "p{each}"') + "\n"


def run(path: Path, form: str, workers: int) -> tuple[float, float, float, float]:
    """Seconds, those of all processors, and the most memory in MB of main process and worker."""
    command = [*CLI, "screen", PROTOCOL, str(path), "--format", form, "--workers", str(workers)]
    output = path.with_suffix(".out")
    start = perf_counter()
    process = subprocess.Popen([*command, "-o", str(output)], stderr=subprocess.DEVNULL)
    peaks: dict[int, float] = {}
    watch = threading.Thread(target=_watch, args=(process.pid, peaks))
    watch.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.join()
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {' '.join(command)}")
    cpu = usage.ru_utime + usage.ru_stime
    own = peaks.pop(process.pid, 0)
    return seconds, cpu, own, max(peaks.values(), default=0)


def _watch(process: int, peaks: dict[int, float]) -> None:
    """Note the peak memory of a process and of each child, in MB, until it is gone.

    The kernel's own count of a process that has ended would hold this one's memory too.
    """
    with suppress(OSError):
        while True:
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
            for each in (str(process), *children):
                with suppress(OSError):
                    status = Path(f"/proc/{each}/status").read_text()
                    if found := re.search(r"VmHWM:\s+(\d+) kB", status):
                        peaks[int(each)] = int(found[1]) / 1e3
            sleep(0.05)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1_000, 10_000])
