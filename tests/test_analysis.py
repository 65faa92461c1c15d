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


@pytest.mark.parametrize(
    ("term", "texts"),
    [
        (
            "§15",
            ["§ 15", "§15 Abs. 3 Nr. 2 UStG", "§§ 15, 16", "§§ 14 bis 15", "section 15", "Sec. 15", "Paragraph 15"],
        ),
        ("§16", ["§§ 15, 16", "§§ 15 und 16 BGB", "sections 15 and 16", "§ 15 Abs. 2, § 16"]),
        ("§573c", ["§ 573c", "§ 573 c BGB", "§ 573c Abs. 1"]),
        ("art5", ["Art. 5 GG", "Artikel 5", "Artikels 5", "Article 5", "Art 5"]),
        ("§15abs3", ["§ 15 Abs. 3 Nr. 2 UStG", "§ 15 Absatz 3 Nummer 2", "section 15(3)", "§ 15 (3)"]),
        (
            "§108bgb",
            [
                "BGB: § 108 Vertragsschluss ohne Einwilligung",
                "§ 108 BGB",
                "§ 108 bgb",
                "§ 108 Abs. 2 BGB",
                "§ 108 Abs. 2 Satz 1 Nr. 3 lit. a) BGB",
                "§ 108 II BGB",
                "§ 108 ff. BGB",
                "§§ 107, 108 BGB",
                "§ 108 des Bürgerlichen Gesetzbuchs",
                "§ 108 (BGB)",
                "section 108 of the German Civil Code",
            ],
        ),
        (
            "art106agg",
            ["GG: Art 106a", "Art. 106a GG", "Artikel 106a des Grundgesetzes", "Article 106a of the Basic\nLaw"],
        ),
        ("§5sgb9", ["SGB 9 2018: § 5", "§ 5 SGB IX", "§ 5 SGB 9", "§ 5 des Neunten Buches Sozialgesetzbuch"]),
        ("art6dsgvo", ["Art. 6 Abs. 1 lit. f DSGVO", "Art. 6 DS-GVO", "Article 6 GDPR"]),
        ("§15estg", ["§ 15 EStG", "§ 15 a EStG § 15 EStG", "EStG § 15"]),
    ],
)
def test_a_reference_to_a_law_is_the_same_term_however_it_is_written(term: str, texts: list[str]) -> None:
    assert [text for text in texts if term not in german_terms(text)] == []


def test_only_what_belongs_to_a_reference_is_read_into_it() -> None:
    assert "§16" not in german_terms("§ 5 und 16 Personen")
    assert german_terms("auf diese Art und Weise, Sektion 5, der Smart 5") == [
        "art",
        "weis",
        "sektion",
        "5",
        "smart",
        "5",
    ]
    assert "§5bgb" not in german_terms("Das steht im BGB. § 5 regelt anderes.")


def test_stop_words_of_both_languages_are_left_out_but_not_the_negation() -> None:
    assert german_terms("Wann ist das und wer hat es?") == german_terms("What is the and of it?") == []
    assert german_terms("nicht kein ohne") == ["nicht", "kein"]


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
