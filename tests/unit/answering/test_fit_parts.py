"""The small parts of a fit: bounded counts, and names taken apart."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from protocol_logic.answering.fit.counts import Tally
from protocol_logic.knowledge.name_parts import name_of


@given(st.lists(st.sampled_from("abcdefghijklmnop")), st.randoms())
def test_a_tally_keeps_the_same_keys_in_any_order_and_counts_them_all(
    keys: list[str], mixer: random.Random
) -> None:
    tally, other = Tally[str](4), Tally[str](4)
    for key in keys:
        tally.add(key)
    mixed = list(keys)
    mixer.shuffle(mixed)
    for key in mixed:
        other.add(key)
    assert list(tally.counts().items()) == list(other.counts().items())
    assert all(keys.count(key) == number for key, number in tally.counts().items())
    assert len(tally.counts()) == min(4, len(set(keys)))
    assert tally.full == (len(set(keys)) > 4)
    assert tally.total == len(keys)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Creatinine [Mass/volume] in Serum or Plasma", {"creatinine"}),
        ("Creatinine [Mass/\u200bvolume] in Blood", {"creatinine"}),
        ("HAEMOGLOBIN", {"hemoglobin"}),
        ("Hgb", {"hemoglobin"}),
        ("Platelet count", {"platelet"}),
        ("Platelets [#/volume] in Blood by Automated count", {"platelet"}),
        ("SGPT", {"alt"}),
        ("Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma", {"alt"}),
        ("Oestrogen receptor Ag [Presence] in Tissue by Immune stain", {"estrogen", "receptor"}),
        ("Human epidermal growth factor receptor 2", {"her2"}),
        ("Blood Pressure", {"pressure"}),
        ("Score", set()),
        ("", set()),
    ],
)
def test_the_words_of_an_observation(text: str, words: set[str]) -> None:
    assert set(name_of(text, observed=True).words) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Secondary malignant neoplasm of liver (disorder)", {"metastasis", "cancer", "liver"}),
        ("Carcinoma in situ of prostate (disorder)", {"cancer", "insitu", "prostate"}),
        ("24 HR tamoxifen 10 MG Oral Tablet", {"hr", "tamoxifen", "mg", "oral", "tablet"}),
    ],
)
def test_the_words_of_other_codes(text: str, words: set[str]) -> None:
    assert set(name_of(text, observed=False).words) == words


def test_specimen_method_and_surface_are_no_words() -> None:
    name = name_of("Glomerular filtration rate/1.73 sq M.predicted in Serum by MDRD", observed=True)
    assert set(name.words) == {"clearance"}
    assert dict(name.specimens) == {"blood": ("serum",)}
    assert name.method == {"mdrd"}
    assert name.per_surface and not name.ratio
    assert name_of("Hemoglobin A1c/Hemoglobin.total in Blood", observed=True).ratio
