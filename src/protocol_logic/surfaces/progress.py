"""How far a long run is, on stderr: a line redrawn on a terminal, nothing elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

from protocol_logic.surfaces.terminal import count

_BEGIN = 0.5
_REDRAW = 0.25


class Progress:
    """Counts patients, or what `noun` says.

    `total`: the bytes that there are to read; 0 where that is not known.
    """

    def __init__(self, stream: TextIO, total: int = 0, noun: str = "patient") -> None:
        self._noun = noun
        self._stream = stream
        self._total = total
        self._start = time.monotonic()
        self._next = self._start + _BEGIN if stream.isatty() else float("inf")
        self._drawn = False
        self.count = 0

    def step(self, done: int = 0) -> None:
        """One more patient is done, and `done` bytes have been read in all."""
        self.count += 1
        self.pulse(done)

    def pulse(self, done: int) -> None:
        """Nothing is done but reading: `done` bytes in all."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _REDRAW
        self._drawn = True
        self._write(f"\r\x1b[2K{self._line(now - self._start, done)}")

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._drawn:
            self._write("\r\x1b[2K")
            self._drawn = False

    def _line(self, seconds: float, done: int) -> str:
        rate = self.count / seconds
        line = f"{count(self.count, self._noun)}, {rate:,.{0 if rate >= 10 else 1}f}/s"
        if 0 < done < self._total:
            line += f", {_time(seconds * (self._total - done) / done)} left"
        return line

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
