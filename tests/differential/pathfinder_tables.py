"""Tables with the columns that the rule sets of Trial Pathfinder name, drawn by lot.

The tables that the rules were written for are not public. Two results of one thing never have one
day here: of such Trial Pathfinder takes the row that comes first.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

# name -> a value that limits of the rules are about, and the upper limit of normal
LABS: dict[str, tuple[float, int]] = {
    "White Blood Cell Count": (2.25, 11),
    "Neutrophil count (absolute)": (1.5, 8),
    "Granulocytes #": (0.0015, 1),
    "Lymphocyte Count Absolute": (0.5, 4),
    "Platelet count": (100, 400),
    "Hemoglobin, whole blood": (9, 17),
    "Alanine aminotransferase (ALT or SGPT)": (80, 40),
    "Aspartate aminotransferase (AST or SGOT)": (80, 40),
    "Bilirubin (Total), serum": (1.25, 1),
    "Albumin, serum": (2.5, 5),
}
FACTORS = (0.5, 0.75, 0.8, 1, 1.2, 1.25, 1.3, 2)
HISTOLOGIES = (
    "Squamous cell carcinoma", "Non-squamous cell carcinoma", "NSCLC histology NOS",
)  # fmt: skip
FIRST = (
    "Carboplatin,Paclitaxel", "Carboplatin,Pemetrexed", "Cisplatin,Pemetrexed", "Pembrolizumab",
    "Docetaxel", "Docetaxel,Ramucirumab", "Ipilimumab", "Ipilimumab,Nivolumab", "Erlotinib",
)  # fmt: skip
SECOND = ("Docetaxel", "Nivolumab", "Erlotinib", "Carboplatin,Pemetrexed")
ORALS = ("afatinib", "erlotinib", "crizotinib", "ceritinib", "osimertinib")
MEDICATIONS = (
    "Erlotinib", "Gefitinib", "Crizotinib", "Aspirin", "Aspirin", "ketoconazole", "clarithromycin",
    "atazanavir", "posaconazole",
)  # fmt: skip
CODES = ("198.4", "C79.4", "198.3", "C79.31", "C79.51")
STATUSES = {
    "EGFR": ("Mutation positive", "Mutation negative"),
    "ALK": ("Rearrangement present", "Rearrangement not present"),
    "KRAS": ("Mutation positive", "Mutation negative"),
}
CATEGORIES = ("antineoplastic", "antiemetic")
COLUMNS = {
    "demographics": ("birthyear",),
    "features": ("histology", "advanceddate"),
    "treatments": ("linenumber", "maintenance", "linename", "startdate", "enddate"),
    "ecog": ("date", "ecogvalue"),
    "lab": ("name", "date", "value", "maxnorm"),
    "diagnosis": ("date", "code"),
    "progression": ("date",),
    "biomarkers": ("name", "status", "specimencollecteddate"),
    "enhanced_advnsclc_orals": ("name", "startdate", "enddate"),
    "medication": ("name", "orderdate"),
    "medicationadministration": ("administereddate", "drugcategory"),
}


def write_tables(folder: Path, seed: int, patients: int) -> None:
    """Write a CSV file for each table."""
    random = Random(seed)
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    for number in range(patients):
        _patient(random, rows, f"p{number:04}")
    for name, columns in COLUMNS.items():
        write_table(folder / f"{name}.csv", ("PatientID", *columns), rows[name])


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def _patient(random: Random, rows: dict[str, list[tuple[Any, ...]]], patient: str) -> None:
    def add(table: str, *cells: Any) -> None:
        rows[table].append((patient, *cells))

    def day(around: date, before: int, after: int) -> date:
        return around + timedelta(random.randint(-before, after))

    def days(count: int, around: date, before: int, after: int) -> list[date]:
        offsets = random.sample(range(-before, after + 1), random.randint(0, count))
        return [around + timedelta(offset) for offset in offsets]

    first = date(2015, 1, 1) + timedelta(random.randrange(1000))
    second = first + timedelta(random.randint(60, 300))
    advanced = first - timedelta(random.randint(0, 60))
    adult = random.choice((first, second)) - timedelta(18 * 365)
    add("demographics", random.choice((adult, adult + timedelta(1), date(1950, 5, 5))))
    add("features", random.choice(HISTOLOGIES), advanced)
    name = random.choice(FIRST)
    add("treatments", 1, False, name, first, day(first, 0, 50))
    if random.random() < 0.3:
        start = day(second, 40, 5)
        add("treatments", 1, True, "Erlotinib", start, start + timedelta(10))
    add("treatments", 2, False, random.choice(SECOND), second, second + timedelta(60))
    for when in (first, second):
        for each in days(3, when, 40, 12):
            add("ecog", each, random.choice((0, 1, 2, 3)))
        for kind in (each for each in LABS if each != "Granulocytes #"):
            for each in days(3, when, 32, 3):
                _lab(random, add, kind, each)
    for each in days(2, second, 300, 100):
        add("progression", each)
    for each in days(2, second, 300, 30):
        add("diagnosis", each, random.choice(CODES))
    for name, statuses in STATUSES.items():
        for each in days(2, first, 30, 60):
            add("biomarkers", name, random.choice(statuses), each)
    if random.random() < 0.4:
        start = day(first, 150, 100)
        add("enhanced_advnsclc_orals", random.choice(ORALS), start, start + timedelta(5))
    for each in days(2, second, 60, 60):
        add("medication", random.choice(MEDICATIONS), each)
    for each in days(2, random.choice((first, advanced - timedelta(190))), 200, 20):
        add("medicationadministration", each, random.choice(CATEGORIES))


def _lab(random: Random, add: Any, kind: str, when: date) -> None:
    if kind.startswith("Neutro") and random.random() < 0.3:
        kind = "Granulocytes #"  # of another day than its neutrophils
    middle, upper = LABS[kind]
    add("lab", kind, when, f"{middle * random.choice(FACTORS):.6f}", upper)
