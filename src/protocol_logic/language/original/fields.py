"""What a registry's record says beside the text of a protocol: sex and ages that no criterion has.

The criteria are read as text, since a file may be checked that cannot be used yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.language.original.record import Original

_AGE = re.compile(r"(\d+) (year|month|week|day)s?", re.IGNORECASE)
_LIMIT = re.compile(r"(<=|>=|<|>|\bvalue)\s*(\d+) (year|month|week|day)s?\b")
_SEX = re.compile(r"(?<!if )\bsex is (?:female|male)\b(?! or )")
"""A test of the sex that stands neither behind `if` nor before `or`: it may be what is wanted."""
_HEADING = re.compile(r"^protocol[ \t]+(\S+)", re.MULTILINE)
_SEXES = ("female", "male")


def compare_fields(source: Source, original: Original, problems: Problems) -> None:
    """Tell the sex and the limits of age of a record that no condition of a protocol file has."""
    lines = [line for line in source.text.splitlines() if not re.match(r"\s*[#>]", line)]
    conditions = "\n".join(lines)
    limits = {(op, int(number), unit) for op, number, unit in _LIMIT.findall(conditions)}
    ages = sorted({found[0] for found in re.finditer(r"\bage [<>]=? ?\d+ \w+", conditions)})
    for said, value in original.fields:
        if said == "sex" and value.lower() in _SEXES and not _SEX.search(conditions):
            message = "and no criterion asks for the sex"
            criterion = (value.lower(), f"sex is {value.lower()}")
        elif said in ("minimum age", "maximum age"):
            age = _AGE.fullmatch(value.strip())
            if age is None or limits & set(_same(said, int(age[1]), age[2].lower())):
                continue
            which, op = said.replace(" ", "_"), ">=" if said == "minimum age" else "<="
            has = f"; the file has {', '.join(f'`{each}`' for each in ages)}" if ages else ""
            message = f"and no criterion has that limit{has}"
            criterion = (which, f"age {op} {age[1]} {age[2].lower()}s")
        else:
            continue
        name, condition = criterion
        hint = (
            f"compare it with the text; a criterion of its own is `include {name}`, "
            f"`> [{said}: {shown(value)}]`, `{condition}`, a line each"
        )
        message = f"the record says `{said}: {shown(value)}`, {message}"
        span = _place(source.text, said)
        problems.add(
            Problem(code="field-not-covered", message=message, source=source, span=span, hint=hint)
        )


def _same(said: str, age: int, unit: str) -> Iterator[tuple[str, int, str]]:
    """The limits that say the same, as what is wanted or as what excludes."""
    at, next_ = (">=", ">") if said == "minimum age" else ("<=", "<")
    other = {">=": "<", "<=": ">", ">": "<=", "<": ">="}
    beside = age - 1 if said == "minimum age" else age + 1
    for op, number in ((at, age), (next_, beside)):
        yield op, number, unit
        yield other[op], number, unit
    yield "value", age, unit


def _place(text: str, said: str) -> Span | None:
    """The comment that `new` wrote of a field, else the name of the protocol."""
    found = re.search(rf"^[ \t]*#[ \t]*({re.escape(said)}:.*?)[ \t]*$", text, re.MULTILINE)
    found = found or _HEADING.search(text)
    return Span(*found.span(1)) if found is not None else None
