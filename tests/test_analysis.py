"""Terms against German that a reader would search for."""

import threading
import time
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
        ("Müller", "Mueller"),
        ("Häuser", "Haeuser"),
        ("Öffnungszeit", "Oeffnungszeiten"),
        ("daß", "dass"),
        ("Prozeß", "Prozess"),
        ("Schiffahrt", "Schifffahrt"),
        ("Brennessel", "Brennnesseln"),
        ("Café", "Cafe"),
        ("İstanbul", "Istanbul"),
        ("Rechts\u00adschutz", "Rechtsschutz"),
        ("Rechts\u200bschutz", "Rechtsschutz"),
        ("ﬁnden", "finden"),
    ],
)
def test_forms_of_one_word_are_one_term(one: str, other: str) -> None:
    assert german_terms(one) == german_terms(other)
    assert german_terms(f"{one} Rhein") == german_terms(f"{other} Rhein") != []


@pytest.mark.parametrize(("one", "other"), [("Miete", "Kaution"), ("2023", "2024"), ("4,5", "45"), ("Zoë", "Zoo")])
def test_different_words_are_different_terms(one: str, other: str) -> None:
    assert set(german_terms(one)).isdisjoint(german_terms(other))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("E-Mail", "E Mail Email"),
        ("Rechtsschutz-Versicherung", "Rechtsschutz Versicherung Rechtsschutzversicherung"),
        ("Rechtsschutz\u2011Versicherung", "Rechtsschutz Versicherung Rechtsschutzversicherung"),
        ("Nord-Süd-Gefälle", "Nord Süd Gefälle Nordsüdgefälle"),
        ("Schiff-Fahrt", "Schifffahrt"),
        ("Versiche-\nrung", "Versicherung"),
        ("Versiche-\r\n  rung", "Versicherung"),
        ("Ein- und Ausfuhr", "Einfuhr Ausfuhr"),
        ("Ein-/Auszahlung", "Einzahlung Auszahlung"),
        ("An-, Um- oder Abmeldung", "Anmeldung Ummeldung Abmeldung"),
        ("Vor- und Nachteile", "Vorteile Nachteile"),
        ("Hin- sowie Rückfahrt", "Hinfahrt Rückfahrt"),
        ("Ein-\nund Ausfuhr", "Einfuhr Ausfuhr"),
    ],
)
def test_what_a_hyphen_joins_or_stands_for_is_a_term(text: str, words: str) -> None:
    assert set(german_terms(words)) <= set(german_terms(text))


def test_two_words_are_not_joined_by_a_line_between_them() -> None:
    assert german_terms("Ein-\nund Ausfuhr").count("einund") == 0
    assert "19901995" not in german_terms("1990-1995")


def test_a_suspended_noun_keeps_both_words_for_the_splitting() -> None:
    assert german_terms("Haft- oder Geldstrafen") == ["haft", "geldstraf", "haft-/geldstraf"]
    assert german_terms("Arbeitgeberanteil und -zuschuss")[-1] == "arbeitgeberanteil/-zuschuss"
    assert german_terms("Länder-, Bundes- und EU-Recht")[-1] == "bundes-/eu"
    assert not any(
        "/" in term for term in german_terms("Bürger/-innen, Informations- und andere Rechte, z.B. - und so")
    )


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "1" * 100_000,
        "1." * 50_000,
        "1 000 " * 20_000,
        "a-" * 50_000,
        "ab-, " * 20_000,
        "§ 1, " * 20_000,
        "§§ 1" + ", 2 Abs. 1" * 10_000,
        "Aa" * 50_000,
        "mai 1990 " * 10_000,
        "\ud800§ \udfff1",
        "",
    ],
)
def test_odd_texts_take_no_time(text: str) -> None:
    started = time.perf_counter()
    german_terms(text)
    assert time.perf_counter() - started < 2


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
