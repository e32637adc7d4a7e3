"""The five rules of the Trial Pathfinder tutorial, in plain Python over its tables.

Shares no code with the program. A rule keeps of each patient the row nearest the start date among
those of the 28 days up to it; a patient without such a row is not excluded by the rule. Values are
compared as the decimals that stand in the files. A year has 365 days, as in Trial Pathfinder's
`cohort_select.py`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

RULES = ("age", "histology_squamous", "ecog", "platelets", "bilirubin")


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream)


def excluded(folder: Path) -> dict[str, set[str]]:
    """Patient -> the rules that exclude the patient."""
    people = {row["PatientID"]: row for row in rows(folder / "demographics.csv")}
    labs: dict[tuple[str, str], list[tuple[date, Decimal]]] = {}
    for row in rows(folder / "lab.csv"):
        result = (date.fromisoformat(row["TestDate"]), Decimal(row["LabValue"]))
        labs.setdefault((row["PatientID"], row["LabName"]), []).append(result)
    found = {}
    for row in rows(folder / "features.csv"):
        patient = row["PatientID"]
        person = people[patient]
        start = date.fromisoformat(row["StartDate"])
        platelets = nearest(labs.get((patient, "Platelet count"), ()), start)
        bilirubin = nearest(labs.get((patient, "Total bilirubin"), ()), start)
        passed = {
            "age": start >= date.fromisoformat(person["BirthDate"]) + timedelta(18 * 365),
            "histology_squamous": person["Histology"] == "Squamous cell carcinoma",
            "ecog": row["ECOG"] in ("0", "1"),
            "platelets": platelets is None or platelets >= 100,
            "bilirubin": bilirubin is None or bilirubin <= 1,
        }
        found[patient] = {rule for rule in RULES if not passed[rule]}
    return found


def nearest(results: Iterable[tuple[date, Decimal]], start: date) -> Decimal | None:
    """The value of the result nearest the start date in the 28 days up to it."""
    allowed = [
        (start - day, value) for day, value in results if start - timedelta(28) <= day <= start
    ]
    return min(allowed, default=(None, None))[1]


def younger_than_18_years(folder: Path) -> set[str]:
    """The patients whose 18th birthday is after the start date."""
    births = {row["PatientID"]: row["BirthDate"] for row in rows(folder / "demographics.csv")}
    found = set()
    for row in rows(folder / "features.csv"):
        year, rest = births[row["PatientID"]].split("-", 1)
        if row["StartDate"] < f"{int(year) + 18}-{rest}":  # 29 February falls on 1 March
            found.add(row["PatientID"])
    return found
