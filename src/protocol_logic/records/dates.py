"""The day of a resource: read at the first of the paths of its row that is there.

Source: docs/records.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from protocol_logic.foundation.calendar import PartialDate, first_day_reaching
from protocol_logic.foundation.text import shown
from protocol_logic.records.item import Item, text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.quantities import UCUM, Unreadable, number

_MONTHS = {"a": 12, "mo": 1}
_OLDEST = 1800
"""More than anybody's age in years or months: 150 years."""


def day_of(item: Item, paths: Sequence[str]) -> PartialDate | None:
    """The day at the first of the paths that is there; None, with a problem, without one."""
    for path in paths:
        if item.json.get(path) is not None:
            return day_at(item, path)
    item.problem("undated", _undated(item.json, paths))
    return None


def is_dated(json: Object, paths: Sequence[str]) -> bool:
    """Whether `day_of` reads a day; of paths of dates and periods alone."""
    path = next((path for path in paths if json.get(path) is not None), None)
    if path is None:
        return False
    if not path.lower().endswith("period"):
        return _if_readable(json[path]) is not None
    period = json[path] if isinstance(json[path], dict) else {}
    start, end = (_if_readable(period.get(edge)) for edge in ("start", "end"))
    return (start or end) is not None and not (start and end and end.last < start.first)


def day_if_any(item: Item, paths: Sequence[str]) -> PartialDate | None:
    """As `day_of`, but nothing is said where none of the paths is there."""
    return day_of(item, paths) if any(item.json.get(path) is not None for path in paths) else None


def day_at(item: Item, path: str) -> PartialDate | None:
    """The date, a day of the period, or a day of the age at a path; None, with a problem, where it
    cannot be read. The end of `path` tells which of them it is."""
    value = item.json[path]
    if path.lower().endswith("period"):
        return _in_period(item, value, path)
    if path.endswith("Age"):
        return _at_age(item, value, path)
    return item.date(value, path)


def unread(item: Item, paths: Sequence[str], stem: str) -> bool:
    """Whether elements of a choice (`onset[x]`) are there that are not read, which is told."""
    others = [key for key in item.json if key.startswith(stem) and key not in paths]
    for key in others:
        item.problem("not-read", f"`{shown(key)}` is not read", "read are " + _listed(paths))
    return bool(others)


def _in_period(item: Item, value: object, path: str) -> PartialDate | None:
    period = value if isinstance(value, dict) else {}
    start = item.date(period.get("start"), f"{path}.start")
    end = item.date(period.get("end"), f"{path}.end")
    if start is None and end is None:
        item.problem("unreadable-date", f"`{path}` has no start and no end that can be read")
        return None
    try:
        return PartialDate.between(start, end)
    except ValueError:
        item.problem("unreadable-date", f"`{path}` ends before it starts")
        return None


def period_at(value: object, read: PartialDate) -> tuple[PartialDate | None, PartialDate | None]:
    """Start and end of a period that was `read` as some day in it; None for what is not there, and
    for both where nothing could be read or the period is one day."""
    period = value if isinstance(value, dict) else {}
    found = [_if_readable(period.get(edge)) for edge in ("start", "end")]
    if read.exact or (read.first, read.last) == (date.min, date.max):
        return None, None
    return found[0], found[1]


def _if_readable(value: object) -> PartialDate | None:
    try:
        return PartialDate.parse(value if isinstance(value, str) else "")
    except ValueError:
        return None


def _at_age(item: Item, value: object, path: str) -> PartialDate | None:
    """The days on which the patient had an age in completed years or months."""
    age = value if isinstance(value, dict) else {}
    try:
        code = text_in(age, "code") or ""
        if age.get("system", UCUM) != UCUM or code not in _MONTHS or age.get("comparator"):
            raise Unreadable("its unit is none of `a`, `mo`, or it has a comparator")
        value = number(age.get("value"))
        if not 0 <= value <= _OLDEST:
            raise Unreadable("it is no age of a living person")
        months = _MONTHS[code] * int(value)
        if item.born is None:
            raise Unreadable("the patient has no birth date that can be read")
        first = first_day_reaching(item.born.first, months)
        last = first_day_reaching(item.born.last, months + _MONTHS[code])
    except (Unreadable, OverflowError) as error:
        item.problem("unreadable-date", f"`{path}` cannot be read: {error}")
        return None
    last -= timedelta(days=last > date.min)
    # The text is the day itself or the span of days, since an age is no date.
    start, end = (PartialDate(day, day, day.isoformat()) for day in (first, max(first, last)))
    return PartialDate.between(start, end)


def _undated(json: Object, paths: Sequence[str]) -> str:
    stems = {path.removesuffix("DateTime").removesuffix("Period") for path in paths} | {"issued"}
    others = [shown(key) for key in json if any(map(key.startswith, stems)) and key not in paths]
    return f"no {_listed(paths)}" + "".join(f", and `{other}` is not read" for other in others)


def _listed(paths: Sequence[str]) -> str:
    return " or ".join(f"`{path}`" for path in paths)
