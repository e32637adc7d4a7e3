"""Numbers as people read them: one with very many digits is shown rounded, and said to be so."""

from __future__ import annotations

import re

_MANY = re.compile(r"(?P<about>\babout )?(?<![\w.])(?P<number>-?[0-9]+\.[0-9]{7,})(?![\w.]*[\w])")
_KEPT = 3


def rounded(text: str) -> str:
    """A text whose numbers with more than six decimals are rounded to three: `about 120.816`.

    One that would then look like a whole number stays as it is. What is written for programs is
    exact.
    """
    return _MANY.sub(_shorter, text)


def _shorter(found: re.Match[str]) -> str:
    short = f"{float(found['number']):.{_KEPT}f}"
    return found[0] if short.endswith("0" * _KEPT) else f"about {short}"
