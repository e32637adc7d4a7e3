"""`compile`: the ASP program, the checked protocol as JSON, what its criteria rest on, or one
patient's findings as facts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from protocol_logic.answering.rows import parameters_of
from protocol_logic.foundation.problems import Problem, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.basis_text import basis_text
from protocol_logic.surfaces.inputs import Patients
from protocol_logic.surfaces.outputs import opened_output, print_problems, written

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled


def print_program(compiled: Compiled, to: str, output: str | None) -> int:
    """Print the program (`asp`), the checked protocol (`json`) or what it rests on (`basis`)."""
    if to == "asp":
        text = compiled.program.text()
    elif to == "basis":
        text = basis_text(compiled)
    else:
        text = json.dumps(protocol_json(compiled), ensure_ascii=False, indent=1) + "\n"
    with opened_output(output) as out:
        out.write(written(text))
    return 0


def print_facts(
    compiled: Compiled,
    paths: Sequence[Path],
    patient: str | None,
    as_of: date | None,
    output: str | None,
) -> int:
    """Print the findings of one patient as ASP facts; exit code 1 where an input is at fault."""
    from protocol_logic.findings.facts_text import facts_text
    from protocol_logic.pipeline import as_of_date, findings_of

    inputs = Patients(compiled, paths)
    names, record = [], None
    for each in inputs:
        names.append(each.patient)
        if each.patient == patient or (record is None and patient is None):
            record = each
    print_problems(inputs.problems.sorted())
    _refuse_unless_one(names, patient)
    if record is None or inputs.is_withheld(record.patient):
        return 1
    day = as_of_date(record, as_of)
    if isinstance(day, Problem):
        raise click.UsageError(f"{day.message}; give one with --as-of YYYY-MM-DD, or --as-of today")
    found = findings_of(compiled, record, day.date)
    with opened_output(output) as out:
        if compiled.policies is not None:
            site = compiled.policies
            out.write(
                written(f"% under the policies {shown(f'{site.id} {site.version}'.strip())}\n")
            )
        out.write(written(facts_text(record.patient, found)))
    return 1 if inputs.problems.has_errors else 0


def _refuse_unless_one(names: Sequence[str], patient: str | None) -> None:
    """A usage error where `--patient` names nobody, or is missing though there are several."""
    listed = ", ".join(f"`{shown(name)}`" for name in names[:20])
    listed += f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    if patient is not None and names and patient not in names:
        hint = did_you_mean(patient, names) or f"there are {listed}"
        raise click.UsageError(f"there is no patient `{shown(patient)}`; {hint}")
    if patient is None and len(set(names)) > 1:
        raise click.UsageError(f"there are several patients; choose one by --patient: {listed}")


# ---- the checked protocol as JSON ----------------------------------------------------------------


def protocol_json(compiled: Compiled) -> dict[str, Any]:
    """A checked protocol as nested objects; exact numbers are strings (`"3/2"`), lines from 1."""
    protocol = compiled.protocol
    own = protocol.source
    return {
        "id": protocol.id,
        "version": protocol.version,
        "title": protocol.title,
        "registry": protocol.registry,
        "digest": compiled.digest,
        "parameters": parameters_of(protocol),
        "criteria": [_value(c, own) for c in protocol.criteria],
        "definitions": {name: _value(d, d.source) for name, d in protocol.definitions.items()},
        "derived": {name: _value(d, None) for name, d in protocol.derived.items()},
        "denials": {name: _value(c, None) for name, c in protocol.denials.items()},
        "findings": [_value(f, None) for f in compiled.plan.findings.values()],
    }


def _value(value: object, source: Source | None) -> Any:
    """Dataclasses as objects with a `kind`; `source`: where their spans stand (None: not told)."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Source):
        return value.name
    if isinstance(value, tuple | list | frozenset):
        items = sorted(value, key=repr) if isinstance(value, frozenset) else value
        return [_value(item, source) for item in items]
    if isinstance(value, Mapping):
        return {str(key): _value(item, source) for key, item in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    found: dict[str, Any] = {"kind": _snake(type(value).__name__)}
    for field in fields(value):
        item = getattr(value, field.name)
        if isinstance(item, Span):
            if source is not None:
                found["line"] = source.line_column(item.start)[0]
        else:
            found[field.name] = _value(item, source)
    return found


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
