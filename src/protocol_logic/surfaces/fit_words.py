"""What is said of a data fit in words, alike in text and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from protocol_logic.answering.fit.likeness import system_name
from protocol_logic.answering.fit.report import Report, resources
from protocol_logic.answering.fit.standing import REASONS
from protocol_logic.surfaces.run_words import circumstances
from protocol_logic.surfaces.terminal import count, visible

Json: TypeAlias = Mapping[str, Any]

LAST_LINE = (
    "Suggestions are guesses by words and units, and map nothing: a person decides, and writes it "
    "into a knowledge file."
)


def heading(report: Report) -> str:
    """What was fitted to what, and for which day."""
    protocol, as_of = report["protocol"], report["as_of"]
    text = f"{protocol['id']} {protocol['version']}, "
    text += count(report["summary"]["patients"], "patient")
    if as_of["first"] is None:
        return visible(text)
    days = {as_of["first"], as_of["last"]}
    return visible(f"{text}, as of {' to '.join(sorted(days))}")


def summary(report: Report) -> Iterator[str]:
    """The most important of it, in sentences."""
    found = report["summary"]
    yield from circumstances(report)
    patients, without = found["patients"], report["as_of"]["patients_without"]
    if not patients:
        yield "There is no patient, so nothing is recorded."
        return
    yield (
        f"{count(found['elements'], 'element')} wanted: {found['usable_for_more_than_half']:,} "
        f"usable for more than half of the patients, {found['usable_for_some']:,} for fewer, "
        f"{found['never_usable']:,} for nobody."
    )
    absent, alike = found["never_recorded"], found["never_recorded_but_suggested"]
    if found["never_usable"]:
        yield (
            f"For nobody: {found['never_usable'] - absent:,} recorded but not usable; {absent:,} "
            f"not recorded, {alike:,} of them with an unknown code that may be it (missing "
            f"mapping?), {absent - alike:,} without (missing data)."
        )
    never = found["criteria_never_decided"]
    if never is not None:
        said = "Criteria that can be decided for nobody as the records are"
        yield f"{said}: {never:,} of {found['criteria']:,}."
    if without:
        who = "There is" if without == patients else f"For {count(without, 'patient')} there is"
        yield (
            f"{who} no as-of date (no Bundle.timestamp, no --as-of): every fact counts, and ages "
            "and criteria are left out."
        )


def called(element: Json) -> str:
    """The id of an element, or what part of it is wanted where the part has no id."""
    part = element["part"]
    return visible(
        f"{part} of {element['name']}" if part in ("side", "intent") else element["element"]
    )


def details(element: Json) -> Iterator[str]:
    """Why what is recorded is not usable, values that cannot be read, units and codes."""
    why = element["patients"]["not_usable"]
    if why:
        yield "not usable: " + ", ".join(f"{REASONS[r]} ({n:,})" for r, n in why.items())
    if element["unread_values"]:
        yield "values not read: " + _first(
            (f"{coded(each, 'text')} ({each['resources']:,})" for each in element["unread_values"]),
            len(element["unread_values"]),
            4,
        )
    if element["units"]:
        yield "units: " + ", ".join(map(_unit, element["units"]))
    if element["codes"]:
        yield f"codes: {_codes(element['codes'])}; in {_types(element)}"


def _unit(unit: Json) -> str:
    name = f"`{visible(unit['unit'])}`" if unit["unit"] else "none"
    note = "" if unit["accepted"] else ", not accepted" if unit["ucum"] else ", no UCUM code"
    return f"{name} ({unit['resources']:,}{note})"


def _first(texts: Iterable[str], number: int, most: int) -> str:
    kept = [text for text, _ in zip(texts, range(most), strict=False)]
    return ", ".join(kept) + (f" and {number - most:,} more" if number > most else "")


def _codes(codes: Sequence[Json]) -> str:
    texts = (f"{coded(code, 'display')} ({code['resources']:,})" for code in codes)
    return _first(texts, len(codes), 6)


def _types(found: Json) -> str:
    return ", ".join(resources(visible(t), n) for t, n in found["resource_types"].items())


def coded(code: Json, named: str) -> str:
    """A code with its system and what it is called: `LOINC 718-7 "Hemoglobin"`."""
    system = code.get("system_name") or system_name(code["system"] or "")
    parts = [visible(part) for part in (system, code["code"]) if part]
    text = visible(code[named])
    return " ".join([*parts, f'"{text}"'] if text else parts) or "no value"


def where(code: Json) -> str:
    """In how many resources and patients a code was met, with which units and values."""
    types = _types(code)
    if code["components"]:
        types += f" ({code['components']:,} as a component)"
    parts = [f"{types}, {count(code['patients'], 'patient')}"]
    if code.get("values"):
        parts.append("such as " + ", ".join(f"`{visible(v)}`" for v in code["values"]))
    return "; ".join(parts)


def gaps(criterion: Json, most: int) -> str:
    """What keeps a criterion open, most often first."""
    found: Mapping[str, int] = criterion["gaps"]
    return _first((f"{visible(g)} ({n:,})" for g, n in found.items()), len(found), most)


CAPPED = "More than {:,} codes are unknown: nothing is said of those beyond."
PROBLEMS = "`screen --problems FILE` lists the problems."
NEVER = "What these records never say"
NEVER_CRITERIA = "criteria that are open for everybody with it among their gaps"
NEVER_ASKED = "criteria that ask for it"


class Never(NamedTuple):
    """Elements that no record says for one reason, and the criteria of which they are gaps for
    everybody (without as-of dates: that ask for them)."""

    elements: Sequence[str]
    why: str
    criteria: Sequence[str]


ASKED = "Asked of a person"
ASKED_CAPTION = "What no record says, and the criteria that ask for it."


def answered(asked: Json) -> str:
    """Of how many patients the records hold an answer, as tables can."""
    return f"answered for {count(asked['answered'], 'patient')}"


def _read_by(reader: Json) -> str:
    """What an entry reads that the protocol does not use."""
    return (
        f"`{visible(reader['name'])}`, which the protocol does not use, reads "
        f"{_types(reader)} of {coded(reader, 'display')}"
    )


def never(report: Report) -> list[Never]:
    """What records never say; elements with one reason and consequence together."""
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for each in report["never"]:
        why = each["why"]
        if each["suggestions"]:
            why += f"; {count(each['suggestions'], 'unknown code')} may be it, see above"
        if each["read_by"]:
            why += f"; {_first(map(_read_by, each['read_by']), len(each['read_by']), 3)}"
        criteria = each["open_for_all"] if report["criteria"] is not None else each["criteria"]
        grouped.setdefault((why, tuple(criteria)), []).append(called(each))
    return [Never(names, why, criteria) for (why, criteria), names in grouped.items()]


LISTS_OPEN = "Codes that no entry knows, and that keep lists from closing"


def lists_open(found: Mapping[str, Any]) -> str:
    """What the entries are for that follow."""
    number = found["patients"]
    whose = "a list of 1 patient closes" if number == 1 else f"lists of {number:,} patients close"
    return (
        f"Beside them {whose} nothing of their kind. These entries, in the protocol, make them "
        "known, each for what it is; a code of what a criterion asks for belongs into that entry, "
        "by extend."
    )
