"""A seeded cohort of records for the seed protocol, made as facts: no file, no parsing.

Shares are chosen to look like a hospital's: most elements recorded, some missing, some near a
limit, few conflicts, some partial dates and unrecorded intents, histories sometimes closed.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from fractions import Fraction

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    LesionSize,
    Limit,
    Measured,
    PatientRecord,
    Reading,
    Stated,
    Therapy,
)

AS_OF = date(2026, 11, 2)
_SITES = ("liver_metastasis", "lung_metastasis", "bone_metastasis", "brain_metastasis")


def cohort(size: int, seed: int = 1) -> list[PatientRecord]:
    """`size` records, the same for the same seed."""
    rng = random.Random(seed)
    return [_Patient(rng, number).record() for number in range(size)]


class _Patient:
    def __init__(self, rng: random.Random, number: int) -> None:
        self.rng = rng
        self.number = number
        self.facts: list[Fact] = []

    def add(self, entry: str, reading: Reading, days_ago: int | None = None) -> None:
        day = AS_OF - timedelta(days=days_ago if days_ago is not None else self.rng.randrange(60))
        self.facts.append(
            Fact(
                entry=entry,
                resource=f"Observation/{self.number}-{len(self.facts)}",
                date=PartialDate.parse(day.isoformat()),
                recorded="",
                reading=reading,
            )
        )

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def number_of(self, entry: str, low: int, high: int, uln: int | None = None) -> None:
        if self.chance(0.07):
            return
        for _ in range(2 if self.chance(0.02) else 1):
            value = Interval.point(Fraction(self.rng.randrange(low, high), 10))
            if self.chance(0.01):
                value = Interval.at_most(Fraction(high, 20))
            limits = ()
            if uln is not None and not self.chance(0.05):
                limits = (Limit(None, Fraction(uln, 10), ""),)
            self.add(entry, Measured(value, limits), 5)

    def stated(self, entry: str, *values: str, missing: float = 0.1) -> None:
        if not self.chance(missing):
            self.add(entry, Stated(frozenset({self.rng.choice(values)})))

    def therapy(self, entry: str, ago: int, length: int, intents: tuple[str, ...]) -> None:
        start, end = (AS_OF - timedelta(days=d) for d in (ago, max(ago - length, 0)))
        intent = None if self.chance(0.05) else self.rng.choice(intents)
        text = start.isoformat()[:7] if self.chance(0.05) else start.isoformat()
        ongoing = self.chance(0.2)
        self.facts.append(
            Fact(
                entry=entry,
                resource=f"MedicationStatement/{self.number}-{len(self.facts)}",
                date=PartialDate.parse(text),
                recorded="",
                reading=Therapy(
                    PartialDate.parse(text),
                    None if ongoing else PartialDate.parse(end.isoformat()),
                    ongoing,
                    intent,  # type: ignore[arg-type]
                ),
            )
        )

    def condition(self, entry: str, clinical: str = "active", ago: int = 200) -> None:
        onset = PartialDate.parse((AS_OF - timedelta(days=ago)).isoformat())
        evidence = frozenset({"histology"}) if self.chance(0.9) else frozenset()
        self.add(entry, ConditionStated("present", clinical, True, onset, evidence), ago)

    def record(self) -> PatientRecord:
        rng = self.rng
        if not self.chance(0.01):
            self.add("sex", Stated(frozenset({"male" if self.chance(0.02) else "female"})))
        birth = AS_OF - timedelta(days=rng.randrange(30 * 365, 85 * 365))
        text = birth.isoformat()[:4] if self.chance(0.02) else birth.isoformat()
        self.add("birth_date", Born(PartialDate.parse(text)))
        self.number_of("hemoglobin", 800, 1500)
        self.number_of("neutrophils", 8, 80)
        self.number_of("platelets", 600, 4000)
        self.number_of("bilirubin", 30, 350, 210)
        for enzyme in ("alt", "ast"):
            self.number_of(enzyme, 100, 1500, 400)
        self.number_of("creatinine", 5, 22, 12)
        self.number_of("body_weight", 450, 1100)
        if not self.chance(0.1):
            self.add("ecog", Measured(Interval.point(Fraction(rng.choice((0, 0, 1, 1, 1, 2))))))
        if not self.chance(0.3):
            self.add("life_expectancy", Measured(Interval.point(Fraction(rng.randrange(60, 900)))))
        self.stated("er", "positive", "positive", "negative")
        self.stated("pr", "positive", "negative")
        self.stated("her2_ihc", "negative", "1+", "2+", "3+")
        self.stated("her2_fish", "positive", "negative", "negative", missing=0.6)
        self.stated("stage", "2B", "3A", "3B", "4")
        self.stated("m_category", "M0", "M1", missing=0.4)
        self.stated("menopausal_status", "premenopausal", "postmenopausal", "postmenopausal")
        self.stated("informed_consent", "signed", missing=0.3)
        self.condition("breast_cancer", rng.choice(("active", "recurrence")), rng.randrange(900))
        for site in _SITES:
            if self.chance(0.25):
                self.condition(site, rng.choice(("active", "recurrence")), rng.randrange(700))
        for history in ("medication_history", "procedure_history", "problem_list"):
            if self.chance(0.6):
                self.add(history, Closed())
        if self.chance(0.1):
            self.add("oophorectomy", Done(rng.choice(("both", "left", "right", None))))
        if self.chance(0.3):
            self.therapy("gnrh_analogue", rng.randrange(30, 900), 400, ("palliative",))
        for _ in range(rng.choice((0, 1, 1, 2))):
            self.therapy("chemotherapy", rng.randrange(30, 1500), 120, ("palliative", "adjuvant"))
        for _ in range(rng.choice((0, 1, 1, 2))):
            ago, length = rng.randrange(200, 2500), rng.randrange(100, 1800)
            self.therapy("endocrine_therapy", ago, length, ("adjuvant", "palliative"))
        self.stated("disease_trend", "worsened", "stable", missing=0.5)
        if not self.chance(0.2):
            size = Interval.point(Fraction(rng.randrange(4, 60)))
            site = rng.choice(("other", "lymph_node", "bone"))
            self.add(
                "measured_lesion",
                LesionSize((("longest", size), ("short", size)), site, "other"),
                3,
            )
        facts = sorted(self.facts, key=lambda f: f.resource)
        return PatientRecord(
            patient=f"p{self.number}", source="bench", index_date=AS_OF, facts=tuple(facts)
        )
