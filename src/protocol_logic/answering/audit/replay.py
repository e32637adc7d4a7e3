"""A recorded decision made again: by what it was made, and what differs now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from protocol_logic.answering.audit.chain import Body, canonical

_CHANGED = {
    "protocol": "the protocol's own text was changed",
    "knowledge": "the knowledge that the protocol rests on was changed",
    "logic": "kb/logic was changed",
    "policies": "the site's policies are read otherwise",
    "parameters": "the parameters have other values, or other defaults",
    "answers": "the file of answers is another",
    "program": "the program was changed (its modules or its grammar)",
}
_TELLING = ("program",)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was recorded.

    `of_run`: it is one of all that was decided together. `counts`: whether a replay fails by it;
    another version of a library or another place of a file does not make it fail.
    """

    what: str
    text: str
    before: Any = None
    now: Any = None
    of_run: bool = False
    counts: bool = True


def differences(recorded: Body, again: Body) -> list[Difference]:
    """All that differs; `again`: the body of the same decision made now."""
    return [
        *_of_run(recorded, again),
        *_of_sources(recorded, again),
        *_of_outcomes(recorded, again),
    ]


def _of_run(recorded: Body, again: Body) -> Iterator[Difference]:
    for what, text in _CHANGED.items():
        before, now = recorded["digests"][what], again["digests"][what]
        if before == now:
            continue
        if what == "answers" and now is None:
            text = "answers were used, and are not given now (--answers FILE)"
        if what == "knowledge" and recorded["digests"]["protocol"] != again["digests"]["protocol"]:
            text = "the protocol rests on other knowledge: its text or the entries changed"
        versions = [each["protocol"]["version"] for each in (recorded, again)]
        if what == "protocol" and versions[0] != versions[1]:
            text += f": its version was {versions[0]}, and is {versions[1]}"
        yield Difference(what, text, before, now, True, what not in _TELLING)
    for name in sorted(recorded["versions"].keys() | again["versions"].keys()):
        before, now = recorded["versions"].get(name), again["versions"].get(name)
        if before != now:
            text = f"{name} was {before or 'not there'}, and is {now or 'not there'}"
            yield Difference(f"version:{name}", text, before, now, True, False)


def _of_sources(recorded: Body, again: Body) -> Iterator[Difference]:
    before, now = recorded["source"], again["source"]
    facts = recorded["facts"] != again["facts"]
    bytes_changed = before["digest"] != now["digest"]
    if before["file"] != now["file"]:
        text = f"it stood in `{before['file']}`, and stands in `{now['file']}`"
        yield Difference("source", text, before["file"], now["file"], counts=False)
    if bytes_changed and not facts:
        text = "the source has other bytes; the same facts were read"
        yield Difference("source", text, before["digest"], now["digest"], counts=False)
    if facts:
        why = "the source has other bytes" if bytes_changed else "the source is the same"
        if not bytes_changed and before["digest"] is None:
            why = "the source has no digest"
        text = f"other facts were read ({why})"
        yield Difference("facts", text, recorded["facts"], again["facts"])
    for key in ("as_of", "timepoints"):
        if recorded[key] != again[key]:
            text = f"the record says {_listed(again[key])} now, and not {_listed(recorded[key])}"
            yield Difference(key, text, recorded[key], again[key])


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{point['id']} {point['date']}" for point in value)
    return str(value)


def _of_outcomes(recorded: Body, again: Body) -> Iterator[Difference]:
    before, now = recorded["eligibility"], again["eligibility"]
    if before != now:
        yield Difference("eligibility", f"was {before}, and is {now}", before, now)
    earlier = {each["id"]: each for each in recorded["criteria"]}
    later = {each["id"]: each for each in again["criteria"]}
    for name in [*earlier, *(n for n in later if n not in earlier)]:
        yield from _of_criterion(f"criterion:{name}", earlier.get(name), later.get(name))
    for key in ("decided_jointly", "scopes"):
        if recorded[key] != again[key]:
            yield Difference(key, f"`{key}` is another", recorded[key], again[key])
    if recorded["justification"] != again["justification"]:
        text = "the justification is another"
        yield Difference("justification", text, recorded["justification"], again["justification"])


def _of_criterion(
    what: str, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None
) -> Iterator[Difference]:
    if before == now:
        return
    if before is None or now is None:
        text = "it was not there" if before is None else "it is not there any more"
        yield Difference(what, text, before, now)
        return
    for key in ("outcome", "verdict", "applies", "polarity"):
        if before[key] != now[key]:
            text = f"its {key} was {before[key]}, and is {now[key]}"
            yield Difference(what, text, before[key], now[key])
    if before["gaps"] != now["gaps"]:
        texts = [_gaps(each["gaps"]) for each in (before, now)]
        text = f"its gaps were {texts[0]}, and are {texts[1]}"
        yield Difference(what, text, before["gaps"], now["gaps"])


def _gaps(gaps: list[dict[str, str]]) -> str:
    return ", ".join(f"{gap['element']} ({gap['reason']})" for gap in gaps) or "none"


# ---- by what it was made -------------------------------------------------------------------------


def run_key(body: Body) -> bytes:
    """What the decisions that can be made together share."""
    keys = ("policies", "parameters", "dates", "answers", "merged")
    return canonical([body["protocol"]["id"], body["protocol"]["file"], *map(body.get, keys)])


def policies_text(policies: dict[str, Any]) -> str:
    """A file of the site's policies that a line holds."""
    lines = [f"policies {policies['id']}"]
    if policies["version"]:
        lines.append(f"  version {policies['version']}")
    for line in policies["lines"]:
        lines += ["", line if line.startswith("parameter ") else f"policy {line}"]
    return "\n".join(lines) + "\n"


def parameter_texts(body: Body) -> list[str]:
    """The values that the run gave to parameters."""
    return [f"{p['name']} is {p['value']}" for p in body["parameters"] if p["from"] == "run"]
