"""Words that exclude each other: a name that says one of them is no name of what has another."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SIDES = tuple(
    tuple((said, re.compile(pattern, re.IGNORECASE)) for said, pattern in sides)
    for sides in (
        (
            ("type 1", r"\btype[ _-]?(?:1|i|one)\b"),
            ("type 2", r"\btype[ _-]?(?:2|ii|two)\b"),
            ("type 3", r"\btype[ _-]?(?:3|iii|three)\b"),
        ),
        (("left", r"\bleft\b"), ("right", r"\bright\b")),
        (("hyper", r"\bhyper"), ("hypo", r"\bhypo")),
        (("systolic", r"\bsystolic\b"), ("diastolic", r"\bdiastolic\b")),
        (("upper", r"\bupper\b"), ("lower", r"\blower\b")),
        (("acute", r"\bacute\b"), ("chronic", r"\bchronic\b")),
        (("benign", r"\bbenign\b"), ("malignant", r"\bmalignan(?:t|cy)\b")),
    )
)


def opposed(wanted: str, names: Iterable[str]) -> str | None:
    """What names say that excludes what is wanted: "`type 2`, not `type 1`"."""
    texts = [wanted.replace("_", " "), " ".join(names)]
    for sides in _SIDES:
        mine, its = ([word for word, way in sides if way.search(text)] for text in texts)
        if mine and its and not {*mine} & {*its}:
            return f"`{its[0]}`, not `{mine[0]}`"
    return None
