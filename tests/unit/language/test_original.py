"""A protocol's own text is cut where an author would cut it, and nothing of it is lost."""

from __future__ import annotations

import os
import random
import re
from collections import Counter

import pytest
from hypothesis import given, strategies as st

from protocol_logic.compiling.check import check_file
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.language.format import format_text
from protocol_logic.language.original.coverage import Coverage, compare
from protocol_logic.language.original.draft import draft_of, name_of
from protocol_logic.language.original.record import NoCriteria, Original, read_original
from protocol_logic.language.original.sentences import items_of
from tests.originals import SETS, needs_data, originals


def outline(text: str) -> list[str]:
    """Each item: its kind, polarity, depth and mark, and its sentences."""

    def words(span: Span | None) -> str:
        return text[span.start : span.end] if span else ""

    return [
        f"{item.kind} {item.polarity[:2]} {item.level} {words(item.mark)}: "
        + " | ".join(" ".join((words(s.mark), words(s.span))).strip() for s in item.sentences)
        for item in items_of(text)
    ]


def pieces(text: str) -> list[Span]:
    """Every mark and every sentence, in order."""
    return [
        span
        for item in items_of(text)
        for span in (item.mark, *(s for each in item.sentences for s in (each.mark, each.span)))
        if span is not None
    ]


def covers(text: str) -> bool:
    """Whether marks and sentences, in order, are all of a text but its space."""
    end = 0
    for span in pieces(text):
        if span.start < end or text[end : span.start].strip():
            return False
        end = span.end
    return not text[end:].strip()


# ---- where a text is cut -------------------------------------------------------------------------


def test_headings_of_old_records_have_no_colon() -> None:
    """As the National Cancer Institute wrote them; elsewhere such a word is a criterion."""
    text = """\
PATIENT CHARACTERISTICS:
  Age
  18 and over
  Sex
  Not specified
  Hepatic
  Bilirubin < 1.5 times ULN
  Renal
"""
    assert outline(text) == [
        "heading in 0 : PATIENT CHARACTERISTICS:",
        "heading in 1 : Age",
        "item in 1 : 18 and over",
        "heading in 1 : Sex",
        "item in 1 : Not specified",
        "heading in 1 : Hepatic",
        "item in 1 : Bilirubin < 1.5 times ULN",
        "heading in 1 : Renal",
    ]
    assert outline(text.replace("PATIENT CHARACTERISTICS:", "They have:"))[1] == "item in 1 : Age"


def test_bullets_numbers_and_headings() -> None:
    text = """\
Inclusion Criteria:

* Age \\> 18 years
* Adequate hepatic function as evidenced by:

  * Bilirubin \\< 1.5 mg/dL
  * ALT \\< 3X the ULN

Exclusion Criteria:

1. Active CNS metastases. Stable CNS disease is eligible
2) E. coli infection
"""
    assert outline(text) == [
        "polarity in 0 : Inclusion Criteria:",
        "item in 0 *: Age \\> 18 years",
        "heading in 0 *: Adequate hepatic function as evidenced by:",
        "item in 1 *: Bilirubin \\< 1.5 mg/dL",
        "item in 1 *: ALT \\< 3X the ULN",
        "polarity ex 0 : Exclusion Criteria:",
        "item ex 0 1.: Active CNS metastases. | Stable CNS disease is eligible",
        "item ex 0 2): E. coli infection",
    ]


def test_a_list_whose_line_ends_were_lost() -> None:
    text = (
        "Inclusion Criteria Patients must have: - HIV infection. - Isoniazid, 25 - 50 mg/day. "
        "Class II - IV. Prior Medication: Allowed: - Nystatin Exclusion Criteria: - Famotidine."
    )
    assert outline(text) == [
        "polarity in 0 : Inclusion Criteria",
        "heading in 0 : Patients must have:",
        "item in 0 -: HIV infection.",
        "item in 0 -: Isoniazid, 25 - 50 mg/day. | Class II - IV.",
        "heading in 0 : Prior Medication: Allowed:",
        "item in 0 -: Nystatin",
        "polarity ex 0 : Exclusion Criteria:",
        "item ex 0 -: Famotidine.",
    ]


def test_numbers_whose_line_ends_were_lost() -> None:
    assert outline("Exclusion Criteria: 1. Pregnancy 2. INR above 1.5 3. Fever") == [
        "polarity ex 0 : Exclusion Criteria:",
        "item ex 0 1.: Pregnancy",
        "item ex 0 2.: INR above 1.5",
        "item ex 0 3.: Fever",
    ]


def test_headings_in_capitals_and_running_text() -> None:
    text = (
        "INCLUSION CRITERIA: DIABETIC SUBJECTS: Adults, e.g. with type 2. VOLUNTEERS AND "
        "OTHERS: Anybody. EXCLUSION CRITERIA: ALL SUBJECTS: None."
    )
    assert outline(text) == [
        "polarity in 0 : INCLUSION CRITERIA:",
        "heading in 0 : DIABETIC SUBJECTS:",
        "item in 0 : Adults, e.g. with type 2.",
        "heading in 0 : VOLUNTEERS AND OTHERS:",
        "item in 0 : Anybody.",
        "polarity ex 0 : EXCLUSION CRITERIA:",
        "heading ex 0 : ALL SUBJECTS:",
        "item ex 0 : None.",
    ]


def test_one_criterion_a_line_with_sub_items() -> None:
    text = """\
Inclusion Criteria Phase 1
18-80 year, male or female.
Laboratory values: a. ANC at least 1.5; b. Hemoglobin at least 9
Women must agree to use
contraception.
1. Adequate function:
- Platelets
- Creatinine
2. Consent
"""
    assert outline(text) == [
        "heading in 0 : Inclusion Criteria Phase 1",
        "item in 0 : 18-80 year, male or female.",
        "item in 0 : Laboratory values: | a. ANC at least 1.5; | b. Hemoglobin at least 9",
        "item in 0 : Women must agree to use\ncontraception.",
        "heading in 0 1.: Adequate function:",
        "item in 1 -: Platelets",
        "item in 1 -: Creatinine",
        "item in 0 2.: Consent",
    ]


@pytest.mark.parametrize(
    ("heading", "polarity"),
    [
        ("Key Inclusion Criteria:", "inclusion"),
        ("* EXCLUSION CRITERIA", "exclusion"),
        ("Non-inclusion criteria:", "exclusion"),
        ("Exclusion criteria for healthy volunteers:", "exclusion"),
        ("INCLUSION FOR APHERESIS:", "inclusion"),
    ],
)
def test_headings_say_which_criteria_follow(heading: str, polarity: str) -> None:
    assert items_of(f"Exclusion Criteria:\n{heading}\n* A\n")[-1].polarity == polarity


@pytest.mark.parametrize("line", ["All the above exclusion criteria.", "Exclusion of pregnancy"])
def test_other_lines_do_not(line: str) -> None:
    (item,) = items_of(line)
    assert (item.kind, item.polarity) == ("item", "inclusion")


# ---- nothing is lost -----------------------------------------------------------------------------


@given(st.text(alphabet=st.sampled_from("aA1.:;-*•()b \n\t\\E xclusionCrt")))
def test_every_text_is_covered(text: str) -> None:
    assert covers(text)


@needs_data
def test_every_shared_text_is_covered() -> None:
    assert len(originals()) == sum(SETS.values()) + 9
    assert [number for number, text in originals() if not covers(text)] == []


# ---- the first protocol file ---------------------------------------------------------------------


def compared(draft: str, text: str) -> tuple[Coverage, list[Problem]]:
    problems = Problems()
    coverage = compare(Source("draft", draft), Original(Source("text", text)), problems)
    return coverage, problems.items


def drafted(text: str) -> str:
    return draft_of(Original(Source("text", text)), "trial").text


def test_a_draft_quotes_the_text_and_understands_nothing() -> None:
    text = """\
Inclusion Criteria:
1. Adequate function as evidenced by:
   - Platelets [in blood] >= 100
   - Creatinine < 2; OR
2. Adults OR
3. Children
Exclusion Criteria:
Pregnancy
Pregnancy
"""
    assert drafted(text).split("\n\n", 1)[1] == (
        """\
# Inclusion Criteria:

include adequate_function_evidenced
  > Adequate function as evidenced by:
  > - Platelets \\[in blood\\] >= 100
  > - Creatinine < 2; OR
  todo

include adults
  > Adults OR
  > 3. Children
  todo

# Exclusion Criteria:

exclude pregnancy
  > Pregnancy
  todo

exclude pregnancy_2
  > Pregnancy
  todo
"""
    )


def test_names_are_made_of_the_words() -> None:
    assert name_of("Patients must not have a history of Sjögren's syndrome") == (
        "not_history_sjogrens_syndrome"
    )
    assert name_of("18 years or older") == "years_older"
    assert "include confirmed_2\n" in drafted("Confirmed.")  # `confirmed` starts no statement
    assert name_of("≥ 60 %") == name_of("患者") == ""
    assert len(name_of("Pneumonoultramicroscopicsilicovolcanoconiosis" * 3)) == 40


@pytest.mark.slow
@needs_data
def test_drafts_of_all_shared_texts_are_protocols() -> None:
    for number, text in random.Random(5).sample(originals(), 400):
        draft = drafted(text)
        names = re.findall(r"^(?:include|exclude) ([a-z][a-z0-9_]*)$", draft, re.MULTILINE)
        assert len(set(names)) == len(names)
        coverage, found = compared(draft, text)
        assert found == [], number
        assert coverage.covered == coverage.sentences, number


@needs_data
def test_a_letter_that_is_typed_wrong_is_found() -> None:
    rng = random.Random(4)
    for number, text in rng.sample(originals(), 150 if "MANY" in os.environ else 50):
        draft = drafted(text)
        letters = [
            place
            for quote in re.finditer(r"^  > (.*)$", draft, re.MULTILINE)
            for place in range(*quote.span(1))
            if draft[place].isalpha()
        ]
        place = rng.choice(letters)
        other = rng.choice([c for c in "abcdeX" if c != draft[place]])
        found = compared(f"{draft[:place]}{other}{draft[place + 1 :]}", text)[1]
        assert found, (number, draft[place - 40 : place + 40], other)


@needs_data
def test_check_counts_the_to_dos_of_a_draft_and_finds_nothing_else() -> None:
    # What a text has lost on its way is told too.
    for number, text in originals()[::12]:
        draft = draft_of(Original(Source(number, text)), "trial")
        source, problems = Source(number, draft.text), Problems()
        check_file(source, problems)
        codes = Counter(problem.code for problem in problems.items)
        assert codes.pop("to-do") == draft.criteria
        assert codes.keys() <= {"text-defect", "mixed-scripts"}, number
        assert format_text(source) == draft.text, number


# ---- records -------------------------------------------------------------------------------------


def test_a_record_of_the_registry() -> None:
    record = """{"protocolSection": {
      "identificationModule": {"nctId": "NCT01234567", "briefTitle": "A trial"},
      "eligibilityModule": {"eligibilityCriteria": "* Adults", "sex": "ALL",
        "minimumAge": "18 Years", "healthyVolunteers": false}}}"""
    found = read_original("r.json", record)
    assert (found.id, found.title, found.source.text) == ("NCT01234567", "A trial", "* Adults")
    assert found.fields == (
        ("sex", "ALL"),
        ("minimum age", "18 Years"),
        ("healthy volunteers", "no"),
    )
    assert read_original("r.json", f'{{"studies": [{record}]}}') == found


def test_a_document_with_a_heading() -> None:
    text = (
        "# NCT01234567: A trial\n\n- sex: All\n\n## Eligibility criteria (verbatim)\n\n* Adults\n"
    )
    found = read_original("r.md", text)
    assert (found.id, found.title, found.fields) == ("NCT01234567", "A trial", (("sex", "All"),))
    assert text[found.start :].strip() == "* Adults"


@pytest.mark.parametrize(
    "text",
    ["", " \n", "{", '{"a": 1}', '{"studies": []}', '{"a":' * 5000, '{"eligibility_text": 1}'],
)
def test_inputs_without_criteria(text: str) -> None:
    with pytest.raises(NoCriteria):
        read_original("r.json", text)
