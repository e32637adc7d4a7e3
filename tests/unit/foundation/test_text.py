"""`shown`: text of unknown origin on one line, with nothing hidden in it."""

import pytest

from protocol_logic.foundation.text import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8 g/dL", "8.8 g/dL"),
        ("Zoë µg ≥ 3", "Zoë µg ≥ 3"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("safe\u202egnp", "safe\\u202egnp"),
        ("Mass/\u200bvolume", "Mass/\\u200bvolume"),
        ("\u3164\ufe0f\u2800", "\\u3164\\ufe0f\\u2800"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("C:\\n", "C:\\\\n"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_escaped(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_eighty_characters_stay_and_more_are_cut() -> None:
    assert shown("x" * 80) == "x" * 80
    assert shown("x" * 81) == "x" * 79 + "…"
    assert shown("\n" * 10_000) == "\\n" * 39 + "…"
