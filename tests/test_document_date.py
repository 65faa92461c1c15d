"""The day that a document gives as its own."""

from datetime import date

import pytest

from rag.document_date import document_date


@pytest.mark.parametrize(
    "said",
    [
        "Stand: 3. Mai 2024",
        "Stand 3.5.2024",
        "Stand vom 03.05.24",
        "(Stand: 2024-05-03)",
        "Aktualisiert am 3.5.2024",
        "Zuletzt geändert am 3. Mai 2024.",
        "Letzte Aktualisierung: 03.05.2024",
        "Veröffentlicht am 3. Mai 2024",
        "In der Fassung vom 3. Mai 2024",
    ],
)
def test_a_day_that_is_said(said):
    assert document_date("Gebühren", f"Der Ausweis kostet 5 Euro.\n{said}\n") == date(2024, 5, 3)
    assert document_date(f"Gebühren {said}", "Stand: 4. Juni 2025") == date(2024, 5, 3)


@pytest.mark.parametrize("said", ["Stand 05/2024", "Stand: Mai 2024", "Aktualisiert im Mai 2024"])
def test_a_month_counts_as_its_last_day(said):
    assert document_date("", said) == date(2024, 5, 31)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Das Fest ist am 3. Mai 2024.",
        "Beschluss vom 3. Mai 2024",
        "Der Stand am Markt hat 2024 geöffnet.",
        "Stand: 31.2.2024",
        "Stand 13/2024",
        "Verstand 05/2024",
        "Stand: heute",
    ],
)
def test_no_date_is_guessed(text):
    assert document_date("Gebühren 2024", text) is None


@pytest.mark.parametrize(("given", "day"), [("2022-01-05", 5), ("2022-01-05T23:00:00+01:00", 5)])
def test_what_the_file_gives_counts_first(given, day):
    assert document_date("Satzung vom 3. Mai 2023", "", given) == date(2022, 1, day)
    assert document_date("Satzung vom 3. Mai 2023", "", "gestern") == date(2023, 5, 3)


def test_the_title_counts_before_the_text_and_the_latest_of_several():
    assert document_date("Satzung vom 3. Mai 2023", "Stand: 1.1.2025") == date(2023, 5, 3)
    assert document_date("", "Stand: 1.1.2023. Zuletzt geändert am 2.2.2024.") == date(2024, 2, 2)
