"""Numbers and dates in the writing of the answer's language."""

import pytest

from rag.wording import dates_in_english, spelled_out


@pytest.mark.parametrize(
    ("sentence", "language", "expected"),
    [
        ("2 Teams [1]", "de", "zwei Teams [1]"),
        ("2 teams [1]", "en", "two teams [1]"),
        ("12 Mannschaften [2][3]", "de", "12 Mannschaften [2][3]"),
        ("2.500 Zuschauer [2]", "de", "2.500 Zuschauer [2]"),
        ("2 % [2]", "de", "2 % [2]"),
        ("Am 2. Juli [2]", "de", "Am 2. Juli [2]"),
        ("§ 2 [2]", "de", "§ 2 [2]"),
    ],
)
def test_small_numbers_are_written_as_the_evidence_writes_them(sentence, language, expected):
    assert spelled_out(sentence, "Zwei Teams mit 12 Spielern.", language) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("4. Juli 2024 [1]", "4 July 2024 [1]"),
        ("On 30. April and 1. Mai [2].", "On 30 April and 1 May [2]."),
        ("on Sonntag, from Oktober to März", "on Sunday, from October to March"),
        ("It began on 4 July. August was dry.", "It began on 4 July. August was dry."),
        ("Platz 12. Mailand was second.", "Platz 12. Mailand was second."),
    ],
)
def test_german_dates_are_written_as_english_does(sentence, expected):
    assert dates_in_english(sentence) == expected
