"""Numbers with very many digits are shown rounded, and said to be so."""

from __future__ import annotations

import pytest

from protocol_logic.surfaces.digits import rounded


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("120.8157334708505 mg/dL is at most 150 mg/dL (29.1842665291495 mg/dL below)",
         "about 120.816 mg/dL is at most 150 mg/dL (about 29.184 mg/dL below)"),
        ("89.91612 g/L", "89.91612 g/L"),
        ("about 20.4345678 mL/min", "about 20.435 mL/min"),
        ("89.9999999 g/L is below 90 g/L", "89.9999999 g/L is below 90 g/L"),
        ("urn 1.2.840.1136190 and 2.16.84.11376224", "urn 1.2.840.1136190 and 2.16.84.11376224"),
    ],
)  # fmt: skip
def test_rounded(text: str, said: str) -> None:
    assert rounded(text) == said
