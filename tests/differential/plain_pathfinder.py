"""The rules of Trial Pathfinder in plain Python, read from its files, over its tables.

Shares no code with the program. A rule narrows the joined rows of a patient line by line;
MIN(ABS(...)) keeps the row nearest a day. A patient of whom nothing is left before the last line
is not excluded. Values are compared as the decimals that stand in the files. A year has 365 days.

`as_programmed`: as upstream's `cohort_select.py` (version 1.1.0 was run beside this script) works
out a line with OR once a rule has joined two tables: each alternative is looked for among the rows
that the one before it left, so that only the first counts.
"""

from __future__ import annotations

import ast
import csv
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
Tables: TypeAlias = Mapping[str, list[dict[str, Any]]]
Joined: TypeAlias = dict[str, Row]

DAYS = {"DAYS": 1, "YEARS": 365}


@dataclass(frozen=True)
class Rule:
    """A rule: its name, whether it excludes, its text line by line, and what each line says."""

    name: str
    excludes: bool
    text: tuple[str, ...]
    lines: tuple[ast.expr, ...]


def rules_of(path: Path) -> list[Rule]:
    """The rules of a file of criteria, one in each quoted cell."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [rule_of(row[0]) for row in csv.reader(stream) if row]


def rule_of(cell: str) -> Rule:
    text = tuple(line for line in (" ".join(each.split()) for each in cell.split("\n")) if line)
    lines = tuple(ast.parse(plain(line), mode="eval").body for line in text[2:])
    return Rule(text[0], text[1].casefold().startswith("#ex"), text, lines)


def plain(line: str) -> str:
    line = re.sub("[‘’]", "'", line).replace("@", "")
    return re.sub(r"\b(AND|OR)\b", lambda word: word[0].lower(), line)


def read_table(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [
            {k: v if k == "code" else typed(v) for k, v in row.items()}
            for row in csv.DictReader(stream)
        ]


def typed(cell: str) -> Any:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
        return date.fromisoformat(cell)
    if cell in ("True", "False"):
        return cell == "True"
    return Decimal(cell) if re.fullmatch(r"-?\d+(\.\d+)?", cell) else cell


def excluded(
    rules: Iterable[Rule], tables: Tables, *, as_programmed: bool = False
) -> dict[str, set[str]]:
    """Patient -> the names of the rules that exclude the patient. The key is `PatientID`."""
    per_patient: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for name, rows in tables.items():
        for row in rows:
            per_patient[str(row["PatientID"])][name].append(row)
    return {
        patient: {r.name for r in rules if excludes(r, of_patient, as_programmed)}
        for patient, of_patient in per_patient.items()
    }


def excludes(rule: Rule, tables: Mapping[str, list[Row]], as_programmed: bool) -> bool:
    names = sorted({name for line in rule.lines for name in tables_of(line)})
    kept = {name: list(tables.get(name, ())) for name in names}
    alone = list(itertools.takewhile(lambda line: len(tables_of(line)) == 1, rule.lines[:-1]))
    for line in alone:
        (name,) = tables_of(line)
        kept[name] = [row for row in kept[name] if value(line, {name: row}, False)]
    rows: list[Joined] = [
        dict(zip(names, each, strict=True)) for each in itertools.product(*kept.values())
    ]
    first_only = as_programmed and len(names) > 1
    for line in rule.lines[len(alone) : -1]:
        rows = list(left(line, rows, first_only=first_only))
    matches = any(left(rule.lines[-1], rows, first_only=first_only))
    return bool(rows) and matches == rule.excludes


def tables_of(line: ast.expr) -> set[str]:
    return {
        node.value.id
        for node in ast.walk(line)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
    }


def left(line: ast.expr, rows: list[Joined], *, first_only: bool) -> Iterator[Joined]:
    """The rows that a line leaves."""
    if isinstance(line, ast.Call) and ast.unparse(line.func) == "MIN":
        if rows:
            yield min(rows, key=lambda row: value(line.args[0], row, first_only))
        return
    for row in rows:
        if value(line, row, first_only):
            yield row


def value(node: ast.expr, row: Joined, first_only: bool) -> Any:
    """What an expression is in a row; of an OR the first alternative alone where that is all."""

    def of(each: ast.expr) -> Any:
        return value(each, row, first_only)

    match node:
        case ast.Constant(value=float() | int() as number) if not isinstance(number, bool):
            return Decimal(str(number))
        case ast.Constant():
            return node.value
        case ast.Subscript(value=ast.Name(id=table), slice=ast.Constant(value=str(column))):
            return row[table][column]
        case ast.BoolOp(op=ast.And()):
            return all(map(of, node.values))
        case ast.BoolOp(op=ast.Or()):
            return any(map(of, node.values[:1] if first_only else node.values))
        case ast.BinOp(op=ast.Add()):
            return of(node.left) + of(node.right)
        case ast.BinOp(op=ast.Sub()):
            return of(node.left) - of(node.right)
        case ast.BinOp(op=ast.Mult()):
            return of(node.left) * of(node.right)
        case ast.Call(func=ast.Name(id="ABS"), args=[inner]):
            return abs(of(inner))
        case ast.Call(func=ast.Name(id=unit), args=[inner]):
            return timedelta(DAYS[unit] * int(of(inner)))
        case ast.Compare(left=first, ops=[sign], comparators=[second]):
            return compared(of(first), sign, of(second))
    raise AssertionError(ast.unparse(node))


def compared(a: Any, sign: ast.cmpop, b: Any) -> bool:
    match sign:
        case ast.Eq():
            return bool(a == b)
        case ast.NotEq():
            return bool(a != b)
        case ast.Lt():
            return bool(a < b)
        case ast.LtE():
            return bool(a <= b)
        case ast.Gt():
            return bool(a > b)
        case ast.GtE():
            return bool(a >= b)
    raise AssertionError(sign)


def younger_than_18_years(folder: Path) -> set[str]:
    """The patients whose 18th birthday is after the start date."""
    births = {row["PatientID"]: row["BirthDate"] for row in read_table(folder / "demographics.csv")}
    return {
        str(row["PatientID"])
        for row in read_table(folder / "features.csv")
        # 29 February falls on 1 March
        if f"{row['StartDate']}"
        < f"{births[row['PatientID']].year + 18}" + f"{births[row['PatientID']]}"[4:]
    }
