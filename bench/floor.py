"""The floor: the findings of the seed protocol hand-written in SQL over the facts of a store.

What is not recorded is NULL, and of what is unclear one reading is taken: nothing of it is a
verdict. It is what a good author of SQL would write, to measure the program beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

LATEST_BY_ENTRY = "facts_by_entry"
"""The facts once more, sorted by entry and patient: then what an entry needs lies together."""
COLUMNS = (
    "patient, entry, kind, first, last, lo_n, lo_d, uln_n, uln_d, stated, state, clinical, "
    "confirmed, evidence, start_first, end_first, ongoing, intent, side, sizes, site"
)


class Phase(NamedTuple):
    """A step: what it is called, and the statements."""

    name: str
    statements: tuple[str, ...]


class Floor:
    """The statements for a store whose entries have these numbers, on one day.

    `floor` has a row for each patient: a column for each finding.
    """

    def __init__(self, numbers: Mapping[str, int], as_of: date) -> None:
        self.numbers = numbers
        self.day = f"DATE '{as_of.isoformat()}'"

    def phases(self, table: str) -> Iterator[Phase]:
        """The phases over a table of facts: the store's, or the one sorted by entry."""
        yield Phase("latest values, statements, lists", tuple(self._latest(table)))
        lines = self._courses(table, _CHEMOTHERAPY, "palliative", 0)
        yield Phase(
            "lines of chemotherapy",
            (
                "CREATE TEMP TABLE lines AS SELECT patient, count(*) AS lines "
                f"FROM ({lines}) GROUP BY patient",
            ),
        )
        yield Phase("courses and events", (self._resistance(table),))
        yield Phase("age, clearance, one table", (self._joined(),))

    # ---- the newest of each entry ------------------------------------------------------------

    def _last(self, entry: str, value: str, name: str) -> tuple[int, str]:
        number = self.numbers[entry]
        seen = f"entry = {number} AND first <= {self.day}"
        return number, f"arg_max({value}, first) FILTER ({seen}) AS {name}"

    def _columns(self) -> Iterator[tuple[int, str]]:
        """The entry, and the column that is made of its facts."""
        for entry, numerator, denominator in (
            ("hemoglobin", 90, 1),
            ("neutrophils", 3, 2),
            ("platelets", 80, 1),
            ("life_expectancy", 84, 1),
        ):
            yield self._last(entry, f"lo_n * {denominator} >= {numerator} * lo_d", entry)
        yield self._last("ecog", "lo_n <= lo_d", "ecog")
        yield self._last("bilirubin", "2 * lo_n * uln_d <= 3 * uln_n * lo_d", "bilirubin")
        yield self._last("creatinine", "2 * lo_n * uln_d <= 3 * uln_n * lo_d", "creatinine")
        for entry in ("alt", "ast"):
            low, high = "2 * lo_n * uln_d <= 5 * uln_n * lo_d", "lo_n * uln_d <= 5 * uln_n * lo_d"
            steps = f"CASE WHEN {low} THEN 1 WHEN {high} THEN 2 WHEN uln_n > 0 THEN 3 END"
            yield self._last(entry, steps, entry)
        for entry, short in (("creatinine", "cr"), ("body_weight", "weight")):
            yield self._last(entry, "lo_n", f"{short}_n")
            yield self._last(entry, "lo_d", f"{short}_d")
        yield self._last("reported_clearance", "lo_n >= 60 * lo_d", "reported")
        for entry in _STATUSES:
            yield self._last(entry, "stated[1]", entry)
        sex, born = self.numbers["sex"], self.numbers["birth_date"]
        yield sex, f"any_value(stated[1]) FILTER (entry = {sex}) AS sex"
        yield born, f"any_value(start_first) FILTER (entry = {born} AND kind = 'born') AS birth"
        for entry in _CANCERS:
            yield self._last(entry, "state", entry)
        cancer = self.numbers["breast_cancer"]
        histology = "bool_or(list_contains(evidence, 'histology'))"
        yield cancer, f"{histology} FILTER (entry = {cancer} AND confirmed) AS histology"
        for entry in ("medication_history", "procedure_history", "problem_list"):
            number = self.numbers[entry]
            yield (
                number,
                (f"bool_or(true) FILTER (entry = {number} AND last <= {self.day}) AS {entry}"),
            )
        for entry, short in _REMOVALS.items():
            number = self.numbers[entry]
            for side in ("both", "left", "right"):
                done = f"bool_or(side = '{side}') FILTER (entry = {number})"
                yield number, f"coalesce({done}, false) AS {short}_{side}"
        number, day = self.numbers["gnrh_analogue"], self.day
        going = f"end_first >= {day} OR (end_first IS NULL AND ongoing)"
        yield (
            number,
            (
                f"bool_or(start_first <= {day} AND ({going})) "
                f"FILTER (entry = {number} AND kind = 'therapy') AS gnrh_analogue"
            ),
        )
        measurable = (
            f"CASE WHEN site = 'lymph_node' THEN {_at_least(1, 15)} "
            f"WHEN site = 'bone' THEN false ELSE {_at_least(0, 10)} END"
        )
        yield self._last("measured_lesion", measurable, "measured_lesion")
        yield self._last("lesion_count", "lo_n >= 1", "lesions")

    def _latest(self, table: str) -> Iterator[str]:
        columns = list(self._columns())
        if table != LATEST_BY_ENTRY:
            made = ", ".join(column for _, column in columns)
            latest = f"SELECT patient, {made} FROM {table} GROUP BY patient"
            yield f"CREATE TEMP TABLE latest AS {latest}"
            return
        by_entry: dict[int, list[str]] = {}
        for number, column in columns:
            by_entry.setdefault(number, []).append(column)
        joins = []
        for number, own in by_entry.items():
            yield (
                f"CREATE TEMP TABLE of_{number} AS SELECT patient, {', '.join(own)} "
                f"FROM {table} WHERE entry = {number} GROUP BY patient"
            )
            joins.append(f"LEFT JOIN of_{number} USING (patient)")
        yield (
            "CREATE TEMP TABLE latest AS SELECT * FROM (SELECT patient FROM patients) "
            + " ".join(joins)
        )

    # ---- courses -----------------------------------------------------------------------------

    def _courses(self, table: str, classes: tuple[str, ...], intent: str, gap: int) -> str:
        """Periods of an intent joined while the next starts at most so many days after the end."""
        numbers = ", ".join(str(self.numbers[name]) for name in classes)
        until = f"CASE WHEN ongoing THEN {self.day} + 1 ELSE start_first END"
        return f"""
            SELECT patient, min(s) AS s, max(e) AS e FROM (
                SELECT *, sum(CASE WHEN s <= before + {gap} THEN 0 ELSE 1 END)
                    OVER (PARTITION BY patient ORDER BY s, e ROWS UNBOUNDED PRECEDING) AS course
                FROM (
                    SELECT *, max(e) OVER (
                        PARTITION BY patient ORDER BY s, e
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                    FROM (
                        SELECT patient, start_first AS s, coalesce(end_first, {until}) AS e
                        FROM {table}
                        WHERE entry IN ({numbers}) AND kind = 'therapy' AND intent = '{intent}'
                            AND start_first <= {self.day})))
            GROUP BY patient, course"""

    def _resistance(self, table: str) -> str:
        day, trend = self.day, self.numbers["disease_trend"]
        cancers = ", ".join(str(self.numbers[name]) for name in _CANCERS)
        return f"""
            CREATE TEMP TABLE resistance AS
            WITH adjuvant AS ({self._courses(table, _ENDOCRINE, "adjuvant", 28)}),
            salvage AS ({self._courses(table, _ENDOCRINE, "palliative", 28)}),
            relapse AS (
                SELECT patient, start_first AS d FROM {table}
                WHERE entry IN ({cancers}) AND kind = 'condition' AND confirmed
                    AND state = 'present' AND clinical IN ('recurrence', 'relapse')
                    AND start_first <= {day}),
            progression AS (
                SELECT patient, first AS d FROM {table}
                WHERE entry = {trend} AND list_contains(stated, 'worsened') AND first <= {day})
            SELECT patient, bool_or(holds) AS resistant FROM (
                SELECT patient, d >= s AND NOT {_passed("e", 12, "d")}
                    AND {_reached("s", 24, "least(e, d)")} AS holds
                FROM adjuvant JOIN relapse USING (patient)
                UNION ALL
                SELECT patient, d >= s AND {_reached("s", 6, "least(e, d)")}
                FROM salvage JOIN progression USING (patient))
            GROUP BY patient"""

    def _joined(self) -> str:
        day = self.day
        age = (
            f"(year({day}) - year(birth)) "
            f"- ((month({day}), day({day})) < (month(birth), day(birth)))::INT"
        )
        factor = "CASE WHEN sex = 'female' THEN 85 ELSE 100 END"
        left = f"(140 - ({age}))::HUGEINT * weight_n * cr_d * {factor}"
        clearance = f"{left} >= 60::HUGEINT * 72 * 100 * cr_n * weight_d"
        both, left_one, right_one = (
            " OR ".join(f"coalesce({short}_{side}, false)" for short in _REMOVALS.values())
            for side in ("both", "left", "right")
        )
        removed = f"{both} OR (({left_one}) AND ({right_one}))"
        return f"""
            CREATE TEMP TABLE floor AS
            SELECT latest.*, coalesce({removed}, false) AS oophorectomy,
                coalesce(lines, 0) AS lines, coalesce(resistant, false) AS resistant,
                {age} >= 18 AS adult,
                CASE WHEN cr_n IS NULL OR weight_n IS NULL THEN reported
                    ELSE {clearance} END AS clearance
            FROM latest LEFT JOIN lines USING (patient) LEFT JOIN resistance USING (patient)"""


def sorted_by_entry(entries: Mapping[str, int]) -> str:
    """The statement that makes the table of facts sorted by entry."""
    numbers = ", ".join(map(str, entries.values()))
    return (
        f"CREATE TEMP TABLE {LATEST_BY_ENTRY} AS SELECT {COLUMNS} FROM facts "
        f"WHERE entry IN ({numbers}) ORDER BY entry, patient"
    )


def _at_least(axis: int, millimetres: int) -> str:
    """Whether a lesion has at least a size on an axis; sizes are fractions as text in JSON."""
    text = f"(((sizes->>'$[{axis}][1]')::JSON)->>'$[0]')"
    over = f"split_part({text}, '/', 1)::BIGINT"
    under = f"coalesce(nullif(split_part({text}, '/', 2), '')::BIGINT, 1)"
    return f"{over} >= {millimetres} * {under}"


def _months(one: str, other: str) -> str:
    return f"(12 * (year({other}) - year({one})) + month({other}) - month({one}))"


def _reached(day: str, months: int, other: str) -> str:
    """Whether a day is on or after the anniversary of so many months."""
    pair = f"({_months(day, other)}, day({other}))"
    return f"({pair} >= ({months}, day({day})))"


def _passed(day: str, months: int, other: str) -> str:
    pair = f"({_months(day, other)}, day({other}))"
    return f"({pair} > ({months}, day({day})))"


_STATUSES = (
    "er", "pr", "her2_ihc", "her2_fish", "her2_interpretation", "stage", "m_category",
    "menopausal_status", "informed_consent",
)  # fmt: skip
_REMOVALS = {"oophorectomy": "o", "hysterectomy_with_oophorectomy": "h"}
_CANCERS = (
    "breast_cancer", "metastasis", "liver_metastasis", "lung_metastasis", "bone_metastasis",
    "brain_metastasis",
)  # fmt: skip
_CHEMOTHERAPY = (
    "chemotherapy", "platinum_chemotherapy", "carboplatin", "oxaliplatin", "taxane", "paclitaxel",
    "docetaxel", "gemcitabine", "pemetrexed",
)  # fmt: skip
_ENDOCRINE = ("endocrine_therapy", "fulvestrant")
