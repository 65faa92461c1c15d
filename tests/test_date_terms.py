"""Dates, written as German and English write them, among the terms of a text."""

import pytest

from index.analysis import german_terms


@pytest.mark.parametrize(
    "text",
    [
        "3. Oktober 1990",
        "03.10.1990",
        "3.10.1990",
        "3. 10. 1990",
        "3.10.90",
        "October 3, 1990",
        "October 3rd, 1990",
        "3 October 1990",
        "3rd of October 1990",
        "Oct. 3, 1990",
        "1990-10-03",
        "am 3.\u00a0Okt. 1990.",
    ],
)
def test_a_date_is_the_same_term_however_it_is_written(text: str) -> None:
    assert {"1990-10-03", "1990-10"} <= set(german_terms(text))


def test_dates_have_a_month_a_year_and_a_century() -> None:
    assert "2024-05" in german_terms("im Mai 2024")
    assert {"2024-03-01", "2024"} <= set(german_terms("1.3.24"))
    assert {"1999-03-01", "1999"} <= set(german_terms("1.3.99"))
    assert german_terms("31.13.2020 40.1.2020") == ["31.13.2020", "40.1.2020"]
    assert not any("-" in term for term in german_terms("Markt 1990, Abschnitt 3.10.199, 0.3.10.1990"))
