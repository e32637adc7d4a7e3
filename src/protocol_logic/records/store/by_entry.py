"""The facts of a store once more, sorted by entry and patient, as plain numbers: what is asked of
many patients at once is asked of one entry after another. Source: docs/store.md.

No column has a NULL. A patient goes by the position among the patients in the order of the sources,
from 0; a text by its number in `words`; a day by its number from 1970-01-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BLOCK = 2**13
"""So many patients lie together, sorted by entry: who asks for these does not read the others."""
NO_DAY = -2_000_000_000
NO_INSTANT = -(2**62)
KINDS = (
    "measured", "stated", "condition", "therapy", "ordered", "nottaken", "done", "lesion",
    "closed", "born",
)  # fmt: skip
STATES = ("present", "absent", "unknown")
INTENTS = ("adjuvant", "neoadjuvant", "palliative", "curative")
SIDES = ("both", "left", "right")
SHAPES = ("point", "interval", "wide")
"""Texts that are stored by their place from 1; what is not recorded is 0."""

NO_LO, NO_HI, LO_CLOSED, HI_CLOSED = 1, 2, 4, 8
"""Bits of `ends`."""

PLAIN_TEXTS = 3
OTHER_TEXT = 2**20
NEVER = 2**62
"""`dated` is the first day times `OTHER_TEXT` plus the kind of text in which the date is written: a
year, a month, a day, or from `PLAIN_TEXTS` the text of this number among `day_texts`. So the least
is the oldest, and of those the first text. `NEVER`: no day, or any up to another."""

_WORDS = {
    "limits": "limits",
    "stated": "array_to_string(stated, chr(10))",
    "clinical": "clinical",
    "evidence": "array_to_string(evidence, chr(10))",
    "sizes": "sizes",
    "site": "site",
    "method": "method",
}
_PAIRS = [
    f"{end}{sex}_{part}" for end in ("uln", "lln") for sex in ("", "_f", "_m") for part in "nd"
]
_DAYS = ("start_first", "start_last", "end_first", "end_last")


def unsorted(connection: DuckDBPyConnection) -> None:
    """Facts change: they have to be sorted again."""
    connection.execute("DELETE FROM meta WHERE key = 'by_entry'")


def is_sorted(connection: DuckDBPyConnection) -> bool:
    """Whether the facts by entry are those of the store as it is now."""
    found = connection.execute("SELECT 1 FROM meta WHERE key = 'by_entry'").fetchone()
    return found is not None


def sort_by_entry(connection: DuckDBPyConnection) -> None:
    """Make `by_entry` of the facts, and the small tables that go with it."""
    run = connection.execute
    run(f"CREATE OR REPLACE TABLE positions AS {_POSITIONS}")
    run(f"CREATE OR REPLACE TABLE words AS {_words()}")
    run(f"CREATE OR REPLACE TABLE day_texts AS {_DAY_TEXTS}")
    run(f"CREATE OR REPLACE TABLE by_entry AS {_by_entry()}")
    run("CREATE OR REPLACE TABLE stands AS SELECT DISTINCT about, part, entry FROM by_entry")
    run("INSERT INTO meta VALUES ('by_entry', 'yes')")


_POSITIONS = """
    SELECT (row_number() OVER (ORDER BY place) - 1)::INTEGER AS position, patient
    FROM patients ORDER BY position
"""


def _words() -> str:
    each = " UNION ALL ".join(
        f"SELECT DISTINCT '{kind}' AS kind, {text} AS content FROM facts WHERE {kind} IS NOT NULL"
        for kind, text in _WORDS.items()
    )
    numbered = "(row_number() OVER (ORDER BY kind, content))::INTEGER AS word"
    return f"SELECT {numbered}, kind, content FROM ({each}) ORDER BY word"


_DAY_TEXT = """
    CASE WHEN day IS NULL OR day = first::VARCHAR THEN 2
        WHEN day = left(first::VARCHAR, 7) THEN 1
        WHEN day = left(first::VARCHAR, 4) THEN 0
        WHEN starts_with(day, left(first::VARCHAR, 4)) THEN 3
        ELSE 4 END
"""
# Of texts of one first day a plain one comes before any other that begins with its year.
_DAY_TEXTS = f"""
    SELECT (2 + row_number() OVER (ORDER BY day))::INTEGER AS number, day AS content
    FROM (SELECT DISTINCT day FROM facts WHERE day IS NOT NULL AND ({_DAY_TEXT}) = 3)
    ORDER BY number
"""


def _by_entry() -> str:
    columns = [
        "position AS patient",
        "entry",
        "facts.place",
        "resource",
        "part",
        "coalesce(about, -1) AS about",
        _listed("kind", KINDS),
        f"{_day('first')} AS first",
        f"{_day('last')} AS last",
        f"CASE WHEN first IS NULL OR first <= DATE '0001-01-01' THEN {NEVER} "
        f"ELSE {_day('first')}::BIGINT * {OTHER_TEXT} + CASE {_DAY_TEXT} WHEN 3 "
        f"THEN least(day_texts.number, {OTHER_TEXT - 1}) WHEN 4 THEN {OTHER_TEXT - 1} "
        f"ELSE {_DAY_TEXT} END END AS dated",
        f"coalesce(instant, {NO_INSTANT}) AS instant",
        _listed("shape", SHAPES),
        "coalesce(lo_n, 0) AS lo_n",
        "coalesce(lo_d, 1) AS lo_d",
        "CASE shape WHEN 'point' THEN lo_n ELSE coalesce(hi_n, 0) END AS hi_n",
        "CASE shape WHEN 'point' THEN lo_d ELSE coalesce(hi_d, 1) END AS hi_d",
        "(CASE WHEN shape = 'point' THEN 12 ELSE (lo_n IS NULL)::INTEGER "
        "+ 2 * (hi_n IS NULL)::INTEGER + 4 * coalesce(lo_closed, false)::INTEGER "
        "+ 8 * coalesce(hi_closed, false)::INTEGER END)::UTINYINT AS ends",
        "coalesce(relative, false) AS relative",
        *(f"coalesce({name}, 0) AS {name}" for name in _PAIRS),
        "coalesce(odd, 0)::UTINYINT AS odd",
        *(f"coalesce(of_{kind}.word, 0) AS {kind}" for kind in _WORDS),
        _listed("state", STATES),
        "coalesce(confirmed, false) AS confirmed",
        _listed('"after"', STATES),
        "coalesce(past, false) AS past",
        "qualifiers IS NOT NULL AS qualified",
        *(f"{_day(name)} AS {name}" for name in _DAYS),
        "coalesce(ongoing, false) AS ongoing",
        _listed("intent", INTENTS),
        _listed("side", SIDES),
        "coalesce(known, false) AS known",
        "mixed",
    ]
    words = " ".join(
        f"LEFT JOIN (SELECT word, content FROM words WHERE kind = '{kind}') AS of_{kind} "
        f"ON {text.replace(kind, 'facts.' + kind)} = of_{kind}.content"
        for kind, text in _WORDS.items()
    )
    return f"""
        SELECT {", ".join(columns)} FROM facts
        JOIN positions USING (patient)
        LEFT JOIN day_texts ON facts.day = day_texts.content {words}
        WHERE sure OR facts.kind <> 'closed'
        ORDER BY position // {BLOCK}, entry, position, facts.place
    """


def _day(column: str) -> str:
    return f"coalesce(({column} - DATE '1970-01-01')::INTEGER, {NO_DAY})"


def _listed(column: str, texts: tuple[str, ...]) -> str:
    """The place of a text from 1; 0 where there is none."""
    listed = ", ".join(f"'{text}'" for text in texts)
    return f"coalesce(list_position([{listed}], {column}), 0)::UTINYINT AS {column}"
