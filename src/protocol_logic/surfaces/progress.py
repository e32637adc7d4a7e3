"""How far a long run is, on stderr; silent where nobody waits."""

from __future__ import annotations

import time
from typing import TextIO

_REDRAW = 0.1
_TELL_FIRST, _TELL_AGAIN = 2.0, 10.0


class Progress:
    """Counts patients: one line redrawn on a terminal, else a line now and then after 2 s."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._start = time.monotonic()
        self._next = self._start + (3 * _REDRAW if self._live else _TELL_FIRST)
        self._told = False
        self.count = 0

    def step(self) -> None:
        """One more patient is done."""
        self.count += 1
        now = time.monotonic()
        if now < self._next:
            return
        self._told = True
        if self._live:
            self._write(f"\r\x1b[2K{self._line(now)}")
            self._next = now + _REDRAW
        else:
            self._write(self._line(now) + "\n")
            self._next = now + _TELL_AGAIN

    def close(self) -> None:
        """Leave a terminal as it was; say the final count elsewhere."""
        if not self._told:
            return
        self._write("\r\x1b[2K" if self._live else self._line(time.monotonic()) + "\n")
        self._told = False

    def _line(self, now: float) -> str:
        seconds = now - self._start
        return (
            f"screened {self.count:,} patients in {seconds:.0f} s ({self.count / seconds:,.0f}/s)"
        )

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
