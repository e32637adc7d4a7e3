"""Which codes stand anywhere in the knowledge base."""

from __future__ import annotations

from protocol_logic.records.codings import is_known


def test_a_code_on_the_line_of_its_keyword_is_known() -> None:
    rxnorm, snomed = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
    assert is_known((rxnorm, "10600"))  # `code rxnorm 10600 "timolol"`
    assert is_known((rxnorm, "1202"))  # on a line of its own
    assert is_known((snomed, "367336001"))  # `unlike snomed 367336001`
    assert not is_known((rxnorm, "833036"))
