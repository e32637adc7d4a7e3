"""OMOP tables in a file of DuckDB and in PostgreSQL: the rows of the same tables as files.

PostgreSQL is one of our own, in a temporary folder, where the machine has it.
"""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.command import PROTOCOL, run

duckdb = pytest.importorskip("duckdb", reason="needs the extra `cohort`")

TABLES = {
    "person": "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth\n"
    "2,8532,1961,4,12\n10,8507,1970,,\n",
    "concept": "concept_id,vocabulary_id,concept_code,concept_name,concept_class_id\n"
    "100,LOINC,718-7,Hemoglobin,Lab Test\n101,UCUM,g/dL,gram per deciliter,Unit\n"
    "102,SNOMED,254837009,Malignant neoplasm of breast,Disorder\n103,SNOMED,1,unused,Disorder\n",
    "measurement": "measurement_id,person_id,measurement_concept_id,measurement_date,"
    "measurement_datetime,value_as_number,unit_concept_id,range_low\n"
    "9,2,100,2025-12-01,2025-12-01 10:30:00,8.90,101,12.0\n"
    "10,2,100,2025-12-01,2025-12-01 11:30:00,10.10,101,\n"
    "11,10,100,2025-11-01,,7.5,101,\n12,99,100,2025-11-01,,7.5,101,\n",
    "condition_occurrence": "condition_occurrence_id,person_id,condition_concept_id,"
    "condition_start_date\n1,10,102,2020-01-01\n",
    "note": "note_id\n1\n",
}
TYPES = {"date": "DATE", "datetime": "TIMESTAMP", "number": "NUMERIC(9,2)", "low": "NUMERIC(9,1)"}
AS_OF = ("--as-of", "2026-01-15")


def statements(schema: str) -> Iterator[str]:
    """The tables in SQL, their rows turned round."""
    yield f"CREATE SCHEMA {schema}"
    for name, text in TABLES.items():
        header, *rows = [line.split(",") for line in text.splitlines()]
        columns = ", ".join(f"{c} {_type(c)}" for c in header)
        yield f"CREATE TABLE {schema}.{name} ({columns})"
        for row in reversed(rows):
            cells = ", ".join("NULL" if not c else "'" + c + "'" for c in row)
            yield f"INSERT INTO {schema}.{name} VALUES ({cells})"


def _type(column: str) -> str:
    known = TYPES.get(column.rpartition("_")[2])
    return known or ("VARCHAR" if column.startswith(("voc", "concept_")) else "BIGINT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "omop"
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def screened(patients: str | Path) -> tuple[int, str, str]:
    """What `screen` gives, without the name of the source."""
    done = run("screen", PROTOCOL, patients, *AS_OF, "--format", "ndjson")
    name = str(patients).replace(":secret", "")
    told = done.stderr.replace(f"{name}: ", "SOURCE: ").replace(f"--> {name}", "--> SOURCE")
    return done.returncode, done.stdout.replace(f'"{name}"', '"SOURCE"'), told


def test_a_file_of_duckdb(folder: Path, tmp_path: Path) -> None:
    file, store = tmp_path / "hospital.duckdb", tmp_path / "store.duckdb"
    with duckdb.connect(str(file)) as connection:
        for statement in statements("cdm"):
            connection.execute(statement)
        connection.execute("CREATE SCHEMA words; CREATE TABLE words.concept AS FROM cdm.concept")
    done = run("ingest", file, store)
    assert done.returncode == 1
    assert "CONCEPT stands in the schemas `cdm` and `words`" in done.stderr
    with duckdb.connect(str(file)) as connection:
        connection.execute("DROP TABLE cdm.concept")
    of_files, of_file = screened(folder), screened(file)
    assert of_files == of_file
    assert '"measurement/' in of_files[1]
    assert "1 rows of MEASUREMENT are about persons who are not in PERSON" in of_files[2]
    done = run("ingest", file, store)
    assert "2 patients added" in done.stderr
    assert run("ingest", file, store).stderr.endswith("0 patients added, 2 as before\n")
    of_store = run("screen", PROTOCOL, store, *AS_OF, "--format", "ndjson").stdout
    assert of_store == run("screen", PROTOCOL, file, *AS_OF, "--format", "ndjson").stdout


def test_a_table_that_is_cut_changes_nothing(folder: Path, tmp_path: Path) -> None:
    store, measurement = tmp_path / "store.duckdb", folder / "measurement.csv"
    assert "2 patients added" in run("ingest", folder, store).stderr
    before = run("screen", PROTOCOL, store, *AS_OF, "--format", "ndjson")
    data = gzip.compress(measurement.read_bytes() * 50, mtime=0)
    measurement.unlink()
    (folder / "measurement.csv.gz").write_bytes(data[:-20])
    done = run("ingest", folder, store)
    assert done.returncode == 1
    assert "measurement.csv.gz cannot be read" in done.stderr
    assert done.stderr.endswith("\n0 patients added\n")
    after = run("screen", PROTOCOL, store, *AS_OF, "--format", "ndjson")
    assert after.stdout == before.stdout
    assert (before.returncode, after.returncode) == (1, 1)
    assert "measurement.csv.gz cannot be read" in after.stderr


# ---- PostgreSQL ----------------------------------------------------------------------------------


def _binaries() -> Path | None:
    found = shutil.which("postgres")
    folder = None if found is None else Path(found).resolve().parent
    return folder if folder is not None and (folder / "initdb").exists() else None


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """The folder of the socket of a server that ends with the tests."""
    pytest.importorskip("adbc_driver_postgresql", reason="needs the extra `postgresql`")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("there is no PostgreSQL here")
    # The name of a socket is short, and root may not run a server.
    who = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pl-pg") as name:
        if who is not None:
            try:
                shutil.chown(name, who)
            except LookupError:
                pytest.skip("there is no user `postgres`")
        data = f"{name}/data"
        subprocess.run(
            [
                *(binaries / "initdb", "-D", data, "-U", "ada", "-A", "trust", "-N"),
                *("--locale=C", "-E", "UTF8"),
            ],
            user=who,
            check=True,
            capture_output=True,
        )
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", name, "-h", "", "-F"],
            user=who,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _fill(name)
            yield Path(name)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _fill(folder: str) -> None:
    import adbc_driver_postgresql.dbapi as driver

    until = time.monotonic() + 30
    while True:
        try:
            connection = driver.connect(url(Path(folder), password=""))
            break
        except driver.Error:
            assert time.monotonic() < until
            time.sleep(0.05)
    with connection, connection.cursor() as cursor:
        for statement in [*statements("cdm"), "CREATE TABLE public.person (x integer)"]:
            cursor.execute(statement)
        connection.commit()


def url(folder: Path, *, password: str = ":secret", schema: str = "cdm", base: str = "") -> str:
    where = str(folder).replace("/", "%2F")
    query = f"?options=-csearch_path%3D{schema}"
    return f"postgresql://ada{password}@{where}/{base or 'postgres'}{query}"


def test_postgresql(server: Path, folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.duckdb"
    assert screened(url(server)) == screened(folder)
    done = run("ingest", url(server), store)
    assert "2 patients added" in done.stderr
    again = run("ingest", url(server, password=":other"), store)
    assert "0 patients added, 2 as before" in again.stderr
    of_store = run("screen", PROTOCOL, store, *AS_OF, "--format", "ndjson").stdout
    assert of_store == run("screen", PROTOCOL, url(server), *AS_OF, "--format", "ndjson").stdout
    assert f'"{url(server, password="")}"' in of_store
    assert b"secret" not in store.read_bytes()
    assert "secret" not in done.stderr + of_store


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"base": "nowhere"}, 'database "nowhere" does not exist'),
        ({"schema": "public"}, "there is no table CONCEPT"),
        ({"password": ":s@cret%zz"}, 'database "nowhere" does not exist'),
    ],
)
def test_what_is_wrong_is_told_without_the_password(
    change: dict[str, str], told: str, server: Path, tmp_path: Path
) -> None:
    if "password" in change:
        change = {**change, "base": "nowhere"}
    done = run("ingest", url(server, **change), tmp_path / "store.duckdb")
    assert done.returncode == 1
    assert told in done.stderr
    assert "cret" not in done.stderr
