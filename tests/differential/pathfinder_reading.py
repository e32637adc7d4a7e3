"""Where the criteria read a rule of Trial Pathfinder otherwise: the same plain script over tables,
or a rule, in which that is changed.

What is dated after the day of judgement is not known on it. What else there is stands in `CHANGES`,
with the name of the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tests.differential.plain_pathfinder import Rule, Tables, excluded, rule_of

DATED = {
    "ecog": "date",
    "lab": "date",
    "diagnosis": "date",
    "progression": "date",
    "biomarkers": "specimencollecteddate",
    "medication": "orderdate",
    "enhanced_advnsclc_orals": "startdate",
    "medicationadministration": "administereddate",
}
DAY = timedelta(1)
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Patient:
    """The rows of one patient that are known on the day of judgement, by table."""

    id: str
    tables: Mapping[str, Rows]
    day: date

    def taken(self, *drugs: str) -> Rows:
        """What a record has of drugs before the day, wherever: rows with `startdate`, `enddate`."""
        orders = [
            {**row, "startdate": row["orderdate"], "enddate": row["orderdate"]}
            for row in self.tables["medication"]
        ]
        rows = [*self.tables["treatments"], *self.tables["enhanced_advnsclc_orals"], *orders]
        return [
            row
            for row in rows
            if row["startdate"] <= self.day
            and any(
                drug.casefold() in str(row.get("linename", row.get("name"))).casefold().split(",")
                for drug in drugs
            )
        ]


def excluded_as_read(
    rules: list[Rule], tables: Tables, days: Mapping[str, date]
) -> dict[str, set[str]]:
    """Patient -> the rules that exclude the patient, read as the criteria do."""
    found: dict[str, set[str]] = {}
    read = [rule_of("\n".join(r.text).replace(*TEXTS.get(r.name, ("", "")))) for r in rules]
    for patient, rows in by_patient(tables).items():
        known = Patient(patient, _known(rows, days[patient]), days[patient])
        found[patient] = set()
        for rule in read:
            change = CHANGES.get(rule.name)
            changed = known.tables if change is None else {**known.tables, **change(known)}
            found[patient] |= excluded([rule], changed)[patient]
    return found


def by_patient(tables: Tables) -> dict[str, dict[str, Rows]]:
    found: dict[str, dict[str, Rows]] = {}
    for name, rows in tables.items():
        for row in rows:
            found.setdefault(row["PatientID"], {each: [] for each in tables})[name].append(row)
    return found


def _known(tables: Mapping[str, Rows], day: date) -> dict[str, Rows]:
    return {
        name: [row for row in rows if name not in DATED or row[DATED[name]] <= day]
        for name, rows in tables.items()
    }


# ---- one rule after the other ------------------------------------------------------------------


def _other_histology(patient: Patient) -> dict[str, Rows]:
    """A histology of neither kind is no histology that is known."""
    rows = patient.tables["features"]
    return {"features": [row for row in rows if row["histology"] != "NSCLC histology NOS"]}


def _brain_too(patient: Patient) -> dict[str, Rows]:
    """A metastasis of the brain is one of the central nervous system."""
    codes = {"198.3": "198.4", "C79.31": "C79.4"}
    rows = patient.tables["diagnosis"]
    return {"diagnosis": [{**row, "code": codes.get(row["code"], row["code"])} for row in rows]}


def _newest(patient: Patient) -> dict[str, Rows]:
    """The newest result of each before the day counts."""
    newest = {}
    for row in sorted(patient.tables["biomarkers"], key=lambda r: r["specimencollecteddate"]):
        if row["specimencollecteddate"] < patient.day:
            newest[row["name"]] = row
    return {"biomarkers": list(newest.values())}


def _not_taken(*drugs: str) -> Callable[[Patient], dict[str, Rows]]:
    """What is asked is whether one of the drugs was taken, not whether another one was."""

    def change(patient: Patient) -> dict[str, Rows]:
        other = {"PatientID": patient.id, "name": "another"}
        return {**_newest(patient), "medication": [] if patient.taken(*drugs) else [other]}

    return change


def _also_together(drug: str) -> Callable[[Patient], dict[str, Rows]]:
    """A drug counts also together with others, wherever it is recorded before the day."""

    def change(patient: Patient) -> dict[str, Rows]:
        rows = [row for row in patient.taken(drug) if row["startdate"] < patient.day]
        return {"treatments": [{**row, "linenumber": 1, "linename": drug} for row in rows]}

    return change


def _anticancer(patient: Patient) -> dict[str, Rows]:
    """Tablets, orders and lines of anticancer drugs count as those that were administered."""
    rows = patient.taken(
        "afatinib", "erlotinib", "crizotinib", "ceritinib", "gefitinib", "paclitaxel",
        "pemetrexed", "docetaxel", "ipilimumab",
    )  # fmt: skip
    days = {
        row["startdate"] + DAY * number
        for row in rows
        for number in range((min(row["enddate"], patient.day) - row["startdate"]).days + 1)
    }
    added = [
        {"PatientID": patient.id, "drugcategory": "antineoplastic", "administereddate": day}
        for day in days
    ]
    return {"medicationadministration": [*patient.tables["medicationadministration"], *added]}


def _any_line(*drugs: str) -> Callable[[Patient], dict[str, Rows]]:
    """The drugs before the day, with or without others, in whatever line."""

    def change(patient: Patient) -> dict[str, Rows]:
        row = {"PatientID": patient.id, "linenumber": 1, "maintenance": False}
        return {
            "treatments": [
                {**row, "linename": "Carboplatin,Paclitaxel", "startdate": each["startdate"]}
                for each in patient.taken(*drugs)
                if each["startdate"] < patient.day
            ]
        }

    return change


def _any_erlotinib(patient: Patient) -> dict[str, Rows]:
    rows = _any_line("erlotinib")(patient)["treatments"]
    return {"treatments": [{**r, "maintenance": True, "linename": "Erlotinib"} for r in rows]}


def _meant(patient: Patient) -> dict[str, Rows]:
    """Posaconazole is a strong inhibitor too."""
    rows = patient.tables["medication"]
    same = {"posaconazole": "ketoconazole"}
    return {"medication": [{**row, "name": same.get(row["name"], row["name"])} for row in rows]}


CHANGES: dict[str, Callable[[Patient], dict[str, Rows]]] = {
    "Histology_NonSquamous": _other_histology,
    "Histology_Squamous": _other_histology,
    "Histology_Any": _other_histology,
    "CNS_Metastasis": _brain_too,
    "EGFR_ALK_positive": _newest,
    "EGFR_drug": _not_taken("erlotinib", "gefitinib"),
    "ALK_drug": _not_taken("crizotinib"),
    "PDL1-exclude-Docetaxel": _also_together("Docetaxel"),
    "PDL1-exclude-lpilimumab": _also_together("Ipilimumab"),
    "neoadjuvant_treatment": _anticancer,
    "prior_treatment": _anticancer,
    "FirstProgression": _any_line("paclitaxel", "pemetrexed"),
    "maintenance": _any_erlotinib,
    "CYP3A4": _meant,
}
# Of biomarkers what was known before the second line; the names as they are spelt.
TEXTS = {
    "EGFR_drug": ("['linenumber']==1", "['linenumber']==2"),
    "ALK_drug": ("['linenumber']==1", "['linenumber']==2"),
    "CYP3A4": ("atazanvir", "atazanavir"),
}
