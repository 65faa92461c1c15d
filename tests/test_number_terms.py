"""Numbers and quantities, written as German and English write them, among the terms of a text."""

import pytest

from index.analysis import german_terms


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("1234.56", ["1.234,56", "1,234.56", "1 234,56", "1\u00a0234,56", "1\u202f234,56", "1'234.56", "1234,56"]),
        ("4.5", ["4,5", "4.5", "4,50"]),
        ("1234", ["1234", "1.234", "1,234", "1 234"]),
        ("1.234", ["1.234", "1,234"]),
        ("10000000", ["10.000.000", "10 Mio.", "10 Millionen", "10 million", "10,0 Mio"]),
        ("4500000000", ["4,5 Mrd. Euro", "4,5 Milliarden", "4.5 billion", "4.5 bn", "4500 Millionen", "4.500.000.000"]),
        ("2000000000000", ["2 Billionen", "2 Billion", "2 trillion"]),
        ("10000", ["10 Tsd.", "10 Tausend", "10 thousand", "10.000", "10,000"]),
        ("4.5%", ["4,5 %", "4.5%", "4,5 Prozent", "4.5 percent", "4.5 per cent", "4,5 v. H.", "4,5 vom Hundert"]),
    ],
)
def test_a_number_is_the_same_term_however_it_is_written(value: str, texts: list[str]) -> None:
    assert [text for text in texts if value not in german_terms(text)] == []


@pytest.mark.parametrize("text", ["1990", "14:30", "007", "30123456", "mp3", "Version 2.3.1"])
def test_nothing_is_added_to_other_numbers(text: str) -> None:
    assert len(german_terms(text)) == len(text.split())


def test_numbers_keep_their_separators() -> None:
    assert set(german_terms("10.000 Euro, 4,5 % um 14:30")) >= {"10.000", "euro", "4,5", "14:30"}
    assert set(german_terms("5 €")) == set(german_terms("5 Euro"))


@pytest.mark.parametrize("text", ["5 MİO", "5 mıo", "5 MİLLİON"])
def test_letters_that_only_look_like_a_unit_are_read_as_one(text: str) -> None:
    assert "5000000" in german_terms(text)
