"""Terms against German that a reader would search for."""

import threading
import unicodedata

import pytest

from index.analysis import german_terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Haus", "Häuser"),
        ("Vertrag", "Verträge"),
        ("kündigen", "kündige"),
        ("Straße", "STRASSE"),
        ("Kosten", "kosten"),
        ("Müller", "Mu\u0308ller"),
        ("Rechts\u00adschutz", "Rechtsschutz"),
        ("ﬁnden", "finden"),
    ],
)
def test_forms_of_one_word_are_one_term(one: str, other: str) -> None:
    assert german_terms(one) == german_terms(other) != []


@pytest.mark.parametrize(("one", "other"), [("Miete", "Kaution"), ("2023", "2024"), ("4,5", "45")])
def test_different_words_are_different_terms(one: str, other: str) -> None:
    assert german_terms(one) != german_terms(other)


def test_numbers_keep_their_separators() -> None:
    assert german_terms("10.000 Euro, 4,5 % um 14:30") == ["10.000", "euro", "4,5", "14:30"]


def test_stop_words_of_both_languages_are_left_out_but_not_the_negation() -> None:
    assert german_terms("Wann ist das und wer hat es?") == german_terms("What is the and of it?") == []
    assert german_terms("nicht kein ohne") == ["nicht", "kein"]


def test_repetition_and_order_are_kept() -> None:
    assert german_terms("Rhein, Main, Rhein") == ["rhein", "main", "rhein"]


def test_terms_hold_neither_white_space_nor_lone_surrogates() -> None:
    text = "".join(map(chr, range(0x3000))) + "\ud800\udfff a\ud800b " + "".join(map(chr, range(0x1F000, 0x1FA00)))
    for term in german_terms(text):
        assert term
        assert not any(character.isspace() or unicodedata.category(character) == "Cs" for character in term)


def test_threads_get_the_same_terms() -> None:
    text = "Die Häuser am Rhein kosten viel, die Verträge laufen aus. " * 200
    expected = german_terms(text)
    seen: list[list[str]] = []
    threads = [threading.Thread(target=lambda: seen.extend(german_terms(text) for _ in range(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert all(terms == expected for terms in seen)
