"""`audit show`: what a record holds, line by line or as a screening log."""

from __future__ import annotations

import csv
import io
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import click

from protocol_logic.answering.audit.chain import Body
from protocol_logic.answering.audit.digests import MASK, Masks
from protocol_logic.answering.audit.log import Log, Logs
from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.foundation.text import guarded
from protocol_logic.surfaces.audit_file import masks_of, visit_lines
from protocol_logic.surfaces.outputs import opened_output, written
from protocol_logic.surfaces.terminal import count, visible

_COLUMNS = (
    "line", "at", "kind", "patient", "as_of", "protocol", "version", "eligibility", "criterion",
    "outcome", "verdict", "gaps", "decision", "to", "by", "reason",
)  # fmt: skip
_LOG_COLUMNS = ("protocol", "count", "criterion", "polarity", "first", "patients")
_MOST = 3
_VERDICTS = {"pass": "passes", "fail": "fails", "open": "is open"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """The arguments of `audit show`."""

    file: str
    patient: str | None
    criterion: str | None
    since: date | None
    until: date | None
    log: bool
    mask: str | None
    form: str
    output: str | None


def show(options: ShowOptions) -> int:
    """Show a record; the exit code."""
    if options.log and (options.patient is not None or options.criterion is not None):
        raise click.UsageError("--log counts all patients; leave --patient and --criterion out")
    masks = None if options.mask is None else masks_of(options.mask)
    wanted = patient_of(options.patient, masks or Masks())
    known = Known()
    writer = _writer(options)

    def look(body: Body) -> None:
        known.add(body)
        if (
            _in_time(body, options.since, options.until)
            and (wanted is None or body.get("patient") == wanted)
            and (options.criterion is None or _has(body, options.criterion))
        ):
            writer.add(body)

    with opened_output(options.output) as out:
        visit_lines(options.file, masks, look)
        if options.patient is not None:
            known.identifier(options.patient, masks or Masks())
        if options.criterion is not None and options.criterion not in known.criteria:
            raise click.UsageError(_unknown("criterion", options.criterion, known.criteria))
        out.write(written(writer.text()))
    return 0


def patient_of(patient: str | None, masks: Masks) -> str | None:
    """A patient as a record names patients; a mask stands for itself."""
    return patient if patient is None or patient.startswith(MASK) else masks(patient)


class Known:
    """Whom and what a record knows, for those who ask for something else."""

    def __init__(self) -> None:
        self.patients: set[str] = set()
        self.criteria: set[str] = set()
        self.masked = False
        self.lines = 0

    def add(self, body: Body) -> None:
        """Note what a line is about."""
        self.lines += 1
        if body["kind"] == "start":
            self.masked = body["mask"] is not None
        if "patient" in body:
            self.patients.add(body["patient"])
        self.criteria.update(each["id"] for each in body.get("criteria", ()))

    def identifier(self, patient: str, masks: Masks) -> str:
        """A patient as the record names patients; a usage error where there is none."""
        wanted = patient_of(patient, masks)
        if wanted is None or wanted not in self.patients:
            hidden = masks.key is None and self.masked
            cure = "identifiers are masked; give the key by --mask KEY" if hidden else ""
            raise click.UsageError(
                _unknown("patient", patient, set() if cure else self.patients, cure)
            )
        return wanted


def _unknown(what: str, name: str, known: set[str], cure: str = "") -> str:
    hint = cure or did_you_mean(visible(name), map(visible, known))
    return f"the record has no {what} `{visible(name)}`" + (f"; {hint}" if hint else "")


def _in_time(body: Body, since: date | None, until: date | None) -> bool:
    day = date.fromisoformat(body["at"][:10])
    return (since is None or since <= day) and (until is None or day <= until)


def _has(body: Body, criterion: str) -> bool:
    ids = [each["id"] for each in body.get("criteria", ())]
    return criterion in ids or (body["kind"] == "note" and body["criterion"] == criterion)


# ---- line by line --------------------------------------------------------------------------------


class _Writer(ABC):
    """Takes the lines that are wanted, and gives the text that is written of them."""

    def __init__(self, options: ShowOptions) -> None:
        self.criterion = options.criterion
        self.form = options.form
        self.parts: list[str] = []

    @abstractmethod
    def add(self, body: Body) -> None:
        """Take a line."""

    @abstractmethod
    def text(self) -> str:
        """All that is written."""


class _Lines(_Writer):
    """Each decision and note in a line."""

    def __init__(self, options: ShowOptions) -> None:
        super().__init__(options)
        self.numbers: list[int] = []
        self.kinds = Counter[str]()

    def add(self, body: Body) -> None:
        if body["kind"] in _TEXTS:
            self.kinds[body["kind"]] += 1
            self.numbers.append(body["number"])
            said = _TEXTS[body["kind"]](body, self.criterion)
            self.parts.append(visible(f"{body['at'][:10]}  {said}"))

    def text(self) -> str:
        width = len(str(self.numbers[-1])) if self.numbers else 0
        told = zip(self.numbers, self.parts, strict=True)
        lines = [f"{number:{width}}  {part}" for number, part in told]
        lines.append(", ".join(count(self.kinds[kind], kind) for kind in ("decision", "note")))
        return "".join(f"{line}\n" for line in lines)


class _Json(_Writer):
    """The lines themselves, as a list."""

    def add(self, body: Body) -> None:
        self.parts.append(json.dumps(body, ensure_ascii=False))

    def text(self) -> str:
        return "[\n" + ",\n".join(self.parts) + "\n]\n" if self.parts else "[]\n"


class _Csv(_Writer):
    """A line for each criterion of a decision, and for each note."""

    def add(self, body: Body) -> None:
        self.parts.append(_csv(_rows(body, self.criterion)))

    def text(self) -> str:
        return "".join([_csv([_COLUMNS]), *self.parts])


class _Log(_Writer):
    """The screening log of each protocol."""

    def __init__(self, options: ShowOptions) -> None:
        super().__init__(options)
        self.logs = Logs()

    def add(self, body: Body) -> None:
        self.logs.add(body)

    def text(self) -> str:
        if self.form == "json":
            counts = [log.counts() for log in self.logs]
            return json.dumps(counts, ensure_ascii=False, indent=1) + "\n"
        if self.form == "csv":
            return _csv([_LOG_COLUMNS, *(row for log in self.logs for row in _log_rows(log))])
        parts = ["".join(f"{visible(line)}\n" for line in _log_lines(log)) for log in self.logs]
        return "\n".join(parts) or "no decisions\n"


def _writer(options: ShowOptions) -> _Writer:
    if options.log:
        return _Log(options)
    if options.form == "json":
        return _Json(options)
    return _Csv(options) if options.form == "csv" else _Lines(options)


def _decision_text(body: Body, criterion: str | None) -> str:
    protocol = f"{body['protocol']['id']} {body['protocol']['version']}"
    lead = f"{body['patient']} on {body['as_of']}, {protocol}: "
    if criterion is not None:
        found = next(each for each in body["criteria"] if each["id"] == criterion)
        return lead + f"{criterion} {_VERDICTS[found['verdict']]}{_why(found['gaps'])}"
    if body["decided_jointly"]:
        return (
            lead + f"{body['eligibility']}, not met together: {', '.join(body['decided_jointly'])}"
        )
    wanted = {"ineligible": "fail", "undetermined": "open"}.get(body["eligibility"])
    which = [each for each in body["criteria"] if each["verdict"] == wanted]
    named = _few([each["id"] + _why(each["gaps"]) for each in which])
    return f"{lead}{body['eligibility']}" + (f": {named}" if named else "")


def _why(gaps: list[dict[str, str]]) -> str:
    return f" ({_few(list(dict.fromkeys(gap['element'] for gap in gaps)))})" if gaps else ""


def _few(texts: Sequence[str]) -> str:
    """The first of some texts and how many more there are; csv and json have them all."""
    more = len(texts) - _MOST
    return ", ".join(texts[:_MOST]) + (f" and {more:,} more" if more > 0 else "")


def _note_text(body: Body, criterion: str | None) -> str:
    about = "" if body["criterion"] is None else f", {body['criterion']}"
    to = "" if body["to"] is None else f" to {body['to']}"
    text = f"{body['patient']}{about}: {body['decision']}{to} by {body['by']}"
    return f"{text} of line {body['of']['number']}: {body['reason']}"


def _repair_text(body: Body, criterion: str | None) -> str:
    return f"repair: {count(body['bytes'], 'byte')} of a torn line were taken away"


_TEXTS: dict[str, Callable[[Body, str | None], str]] = {
    "decision": _decision_text,
    "note": _note_text,
    "repair": _repair_text,
}


def _rows(body: Body, criterion: str | None) -> Iterator[tuple[Any, ...]]:
    """The cells of a line: of a decision criterion by criterion."""
    lead = (body["number"], body["at"], body["kind"])
    if body["kind"] == "decision":
        protocol = body["protocol"]
        about = (body["patient"], body["as_of"], protocol["id"], protocol["version"])
        for each in body["criteria"]:
            if criterion in (None, each["id"]):
                gaps = " ".join(gap["element"] for gap in each["gaps"])
                said = (each["id"], each["outcome"], each["verdict"], gaps)
                yield (*lead, *about, body["eligibility"], *said, "", "", "", "")
    elif body["kind"] == "note":
        about = (body["patient"], "", body["of"]["protocol"], "")
        noted = (body["decision"], body["to"], body["by"], body["reason"])
        yield (*lead, *about, "", body["criterion"], "", "", "", *noted)


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        cells = ["" if value is None else value for value in row]
        # What a terminal or a spreadsheet would act on is escaped.
        writer.writerow([visible(guarded(c)) if isinstance(c, str) else c for c in cells])
    return out.getvalue()


# ---- the screening log ---------------------------------------------------------------------------


def _log_lines(log: Log) -> Iterator[str]:
    c = log.counts()
    yield f"{c['protocol']} {', '.join(c['versions'])}".strip()
    days = dict.fromkeys((c["first"][:10], c["last"][:10]))
    made = f"{count(c['decisions'], 'decision')}, {' to '.join(days)}"
    yield f"assessed for eligibility: {c['assessed']:,} ({made})"
    yield f"excluded: {c['excluded']:,}"
    for polarity, text in (
        ("inclusion", "not meeting inclusion criteria"),
        ("exclusion", "meeting exclusion criteria"),
        (None, "no criterion fails by itself, but not all can pass together"),
    ):
        found = [each for each in c["excluded_by"] if each["polarity"] == polarity]
        if found:
            yield f"  {text}: {sum(each['first'] for each in found):,}"
        for each in found if polarity else ():
            yield f"    {each['criterion']}: first {each['first']:,}, in all {each['any']:,}"
    yield f"undetermined: {c['undetermined']:,}"
    for each in c["undetermined_by"]:
        yield f"    {each['criterion']}: open {each['any']:,}"
    yield f"eligible: {c['eligible']:,}"
    for name, by in c["scopes"].items():
        yield f"    for {name}: {by['eligible']:,}"
    changed, after = c["overridden"], c["after_overrides"]
    if changed["patients"]:
        ways = f"{changed['to_eligible']:,} to eligible, {changed['to_ineligible']:,} to ineligible"
        yield f"decided otherwise by a person: {changed['patients']:,} ({ways})"
        left = f"{after['eligible']:,} eligible, {after['ineligible']:,} excluded"
        yield f"    after that: {left}, {after['undetermined']:,} undetermined"
    if changed["criteria"]:
        yield f"criteria decided otherwise by a person: {changed['criteria']:,}"
    texts = {
        "confirmed": "confirmed by a person",
        "declined": "declined to participate",
        "deviation": "with a protocol deviation",
    }
    for name, text in texts.items():
        if c["noted"][name]:
            yield f"{text}: {c['noted'][name]:,}"


def _log_rows(log: Log) -> Iterator[tuple[Any, ...]]:
    c = log.counts()
    for name in ("assessed", "excluded", "undetermined", "eligible"):
        yield (log.protocol, name, "", "", "", c[name])
    for name in ("excluded_by", "undetermined_by"):
        for each in c[name]:
            polarity, first = each["polarity"] or "", each.get("first", "")
            yield (log.protocol, name, each["criterion"], polarity, first, each["any"])
    for name, number in c["overridden"].items():
        yield (log.protocol, f"overridden_{name}", "", "", "", number)
    for name, number in {**c["after_overrides"]}.items():
        yield (log.protocol, f"{name}_after_overrides", "", "", "", number)
    for name, number in c["noted"].items():
        yield (log.protocol, name, "", "", "", number)
