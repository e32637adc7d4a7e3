"""SeedLite by fhir4ds-v2 over NDJSON of resources: one JSON object on stdout.

`python fhir4ds_peer.py FOLDER`, in an environment that has it. SeedLite.cql as it is does not bind;
these are the formulations of its criteria that do, of those that were tried.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import process_time

import fhir4ds

CQL = """library T version '1'
using FHIR version '4.0.1'
codesystem "LOINC": 'http://loinc.org'
code "Hb": '718-7' from "LOINC"
code "Bili": '1975-2' from "LOINC"
context Patient
define LH: Last([Observation: "Hb"] O sort by (effective as FHIR.dateTime))
define LB: Last([Observation: "Bili"] O sort by (effective as FHIR.dateTime))
define HgbOK: (LH.value as FHIR.Quantity) >= 90 'g/L'
define BiliOK: (LB.value as Quantity).value <= 1.5 * LB.referenceRange[0].high.value
"""
COLUMNS = {"Hgb OK": "HgbOK", "Bili OK": "BiliOK"}
REPEAT = 3


def main(folder: Path) -> None:
    connection = fhir4ds.create_connection()
    start = process_time()
    fhir4ds.FHIRDataLoader(connection).load_ndjson(str(folder / "all.ndjson"))
    load = process_time() - start
    source = folder / "t.cql"
    source.write_text(CQL, encoding="utf-8")
    columns = {f"c{n}": name for n, name in enumerate(COLUMNS.values())}
    best = float("inf")
    for _ in range(REPEAT):
        start = process_time()
        found = fhir4ds.evaluate_measure(str(source), connection, output_columns=columns)
        best = min(best, process_time() - start)
    verdicts = {}
    for patient, *values in found[["patient_id", *columns]].values.tolist():
        said = [None if value is None or value != value else bool(value) for value in values]
        verdicts[patient] = dict(zip(COLUMNS, said, strict=True))
    print(
        json.dumps({"patients": len(verdicts), "load": load, "decide": best, "verdicts": verdicts})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
