"""The tables of a store. Source: docs/store.md."""

from __future__ import annotations

VERSION = 3

_PATIENTS = """
    patient INTEGER, place BIGINT, id VARCHAR, source VARCHAR, line BIGINT, digest BLOB,
    knowledge INTEGER, index_date DATE, index_source VARCHAR, counted VARCHAR, nothing INTEGER
"""
_RESOURCES = """
    patient INTEGER, resource INTEGER, type VARCHAR, name VARCHAR, about INTEGER,
    stopped BOOLEAN, stated BOOLEAN, day VARCHAR, via VARCHAR, status VARCHAR
"""
_FACTS = """
    patient INTEGER, resource INTEGER, part INTEGER, entry INTEGER, sure BOOLEAN, kind VARCHAR,
    first DATE, last DATE, day VARCHAR, time VARCHAR, recorded VARCHAR,
    shape VARCHAR, lo_n BIGINT, lo_d BIGINT, lo_closed BOOLEAN,
    hi_n BIGINT, hi_d BIGINT, hi_closed BOOLEAN, number VARCHAR,
    uln_n BIGINT, uln_d BIGINT, lln_n BIGINT, lln_d BIGINT, limits VARCHAR, relative BOOLEAN,
    stated VARCHAR[],
    state VARCHAR, clinical VARCHAR, confirmed BOOLEAN, "after" VARCHAR, past BOOLEAN,
    evidence VARCHAR[], qualifiers VARCHAR,
    start_first DATE, start_last DATE, start_day VARCHAR, start_time VARCHAR,
    end_first DATE, end_last DATE, end_day VARCHAR, end_time VARCHAR,
    ongoing BOOLEAN, intent VARCHAR, side VARCHAR, known BOOLEAN,
    sizes VARCHAR, site VARCHAR, method VARCHAR,
    place INTEGER, about INTEGER, instant BIGINT,
    uln_f_n BIGINT, uln_f_d BIGINT, uln_m_n BIGINT, uln_m_d BIGINT,
    lln_f_n BIGINT, lln_f_d BIGINT, lln_m_n BIGINT, lln_m_d BIGINT, odd INTEGER,
    mixed BOOLEAN, codes VARCHAR
"""
_PROBLEM = "code VARCHAR, message VARCHAR, hint VARCHAR, name VARCHAR, file VARCHAR"
_PROBLEMS = f"""
    patient INTEGER, resource INTEGER, part INTEGER, entry INTEGER, scope VARCHAR,
    qualifiers VARCHAR, {_PROBLEM}
"""

TABLES = {
    "meta": "key VARCHAR, value VARCHAR",
    "given": "name VARCHAR, what VARCHAR, text VARCHAR",
    "entries": "entry INTEGER, name VARCHAR, kind VARCHAR, digest VARCHAR",
    "knowledge": "knowledge INTEGER, entry INTEGER",
    "abouts": "about INTEGER, kind VARCHAR, content VARCHAR, times BIGINT",
    "patients": _PATIENTS,
    "resources": _RESOURCES,
    "facts": _FACTS,
    "problems": _PROBLEMS,
    "told": f"place BIGINT, {_PROBLEM}",
}
"""Name of a table -> its columns."""


def columns_of(table: str) -> list[tuple[str, str]]:
    """The columns of a table: name and type."""
    pairs = (column.split() for column in TABLES[table].split(","))
    return [(name.strip('"'), kind) for name, kind in pairs]
