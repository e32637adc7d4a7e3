"""The three criteria by duckcdm over OMOP tables: one JSON object on stdout.

`python duckcdm_peer.py`, in a folder with `omop.duckdb` and `circe_seed.json` of shared scripts.
A cohort of Circe holds who is eligible by any value of the last year; it cannot ask for the latest.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import duckdb
from duckcdm.circe import build_cohort_query
from duckcdm.sqlrender import render, translate

REPEAT = 3


def main() -> None:
    connection = duckdb.connect("omop.duckdb")
    start = process_time()
    said = Path("circe_seed.json").read_text(encoding="utf-8")
    query = build_cohort_query(said, cdm_schema="main", target_table="main.cohort", cohort_id=1)
    statements = [each for each in translate(render(query), "duckdb").split(";") if each.strip()]
    prepare = process_time() - start
    best = float("inf")
    for _ in range(REPEAT):
        start = process_time()
        for statement in statements:
            connection.execute(statement)
        best = min(best, process_time() - start)
    rows = connection.execute("SELECT subject_id FROM cohort").fetchall()
    cohort = {f"p{number - 1:05d}" for (number,) in rows}
    everybody = connection.execute("SELECT person_id FROM person").fetchall()
    patients = [f"p{number - 1:05d}" for (number,) in everybody]
    verdicts = {patient: {"Eligible": patient in cohort} for patient in patients}
    print(
        json.dumps(
            {"patients": len(patients), "load": prepare, "decide": best, "verdicts": verdicts}
        )
    )


if __name__ == "__main__":
    main()
