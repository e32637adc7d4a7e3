"""Stores of many patients: copies of those that are made."""

from __future__ import annotations

import shutil
from pathlib import Path


def copied(made: Path, store: Path, size: int) -> None:
    """A store of so many patients, copies of those that are made."""
    import duckdb

    from protocol_logic.records.store.by_entry import sort_by_entry, unsorted

    shutil.copy(made, store)
    with duckdb.connect(str(store)) as connection:
        run = connection.execute
        (number,) = run("SELECT max(patient) FROM patients").fetchall()[0]
        while number < size:  # all that are there once more
            more = min(number, size - number)
            run(
                f"INSERT INTO patients SELECT * REPLACE (patient + {number} AS patient, "
                f"place + {number} AS place, id || '-{number}' AS id) FROM patients "
                f"WHERE patient <= {more}"
            )
            for table in ("resources", "facts", "problems"):
                run(
                    f"INSERT INTO {table} SELECT * REPLACE (patient + {number} AS patient) "
                    f"FROM {table} WHERE patient <= {more}"
                )
            number += more
        run("CHECKPOINT")
        unsorted(connection)
        sort_by_entry(connection)
