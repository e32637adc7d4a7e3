"""Time to check and to format a long protocol: `python bench/bench_check.py`.

Target: 1,000 lines under 300 ms each, after start-up. Start-up is all that a short protocol takes
that uses the same knowledge: imports, the grammar, the knowledge files. Processor time, best of
seven; the bare loop tells how fast the machine is. `--profile` shows where the time goes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from time import process_time

START = process_time()

from protocol_logic.compiling.check import check_file  # noqa: E402
from protocol_logic.foundation.problems import Problems  # noqa: E402
from protocol_logic.foundation.source import Source  # noqa: E402
from protocol_logic.knowledge.resources import protocol_path  # noqa: E402
from protocol_logic.language.format import format_text  # noqa: E402

LINES = 1000
TARGET = 0.3
_CRITERION = re.compile(r"^(?:include|exclude) \w+$", re.MULTILINE)


def long_protocol(lines: int) -> str:
    """The seed protocol with its criteria again and again, under other names."""
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    text = path.read_text(encoding="utf-8")
    start = _CRITERION.search(text)
    assert start is not None
    parts, criteria = [text], text[start.start() :]
    while sum(part.count("\n") + 1 for part in parts) < lines:
        parts.append(_CRITERION.sub(rf"\g<0>_{len(parts)}", criteria))
    return "\n".join("\n".join(parts).split("\n")[:lines]).rpartition("\n\n")[0] + "\n"


def check(source: Source) -> Problems:
    problems = Problems()
    check_file(source, problems)
    return problems


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)


def main() -> None:
    text = long_protocol(LINES)
    short = text[: text.index("\n\n", text.index("\ninclude "))] + "\n"
    check(Source("short.elig", short))
    format_text(Source("short.elig", short))
    startup = process_time() - START
    source = Source("long.elig", text)
    assert not check(source).has_errors
    number = text.count("\n")
    if "--profile" in sys.argv:
        _profile(lambda: check(source))
        return
    print(f"{'':28}{'ms':>8}")
    print(f"{'a million additions':28}{best(lambda: sum(range(1_000_000))) * 1000:8.0f}")
    print(f"{'start-up':28}{startup * 1000:8.0f}")
    for name, work in (
        ("check", lambda: check(source)),
        ("format", lambda: format_text(source)),
    ):
        time = best(work)
        verdict = "" if time <= TARGET else f"   above {TARGET * 1000:.0f}"
        print(f"{f'{name}, {number} lines':28}{time * 1000:8.0f}{verdict}")


def _profile(work: Callable[[], object]) -> None:
    import cProfile
    import pstats

    profile = cProfile.Profile()
    profile.runcall(work)
    pstats.Stats(profile).sort_stats("cumtime").print_stats(40)


if __name__ == "__main__":
    main()
