import unicodedata

import pytest

from index.clean_text import clean, join_lines, join_with_spans, known_words


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Straße", "Straße"),
        ("Mu\u0308nchen", "München"),
        ("A\u034f\u0308", "Ä"),
        ("ﬁnden, öﬀnen, Auﬂage, Kaﬃee, Rafﬂe, ﬅ ﬆ", "finden, öffnen, Auflage, Kaffiee, Raffle, st st"),
        ("Ver\u00adsiche\u00adrung", "Versicherung"),
        ("a\u200bb\u200cc\u200dd\u2060e\ufefff", "abcdef"),
        ("\u202aRhein\u202c \u200eRuhr\u200f \u2066x\u2069", "Rhein Ruhr x"),
        ("Satz\U000e0049\U000e006e", "Satz"),
        ("❤\ufe0f", "❤"),
        ("5\u00a0km, 10\u202f€, 3\u2009%, a\u3000b", "5 km, 10 €, 3 %, a b"),
        ("a\tb", "a b"),
        ("a\r\nb\rc\u2028d\u0085e\x0bf", "a\nb\nc\nd\ne\nf"),
        ("a\u2029b", "a\n\nb"),
        ("E\u2011Mail, Nord\u2010Süd", "E-Mail, Nord-Süd"),
        ("x\x00\x01\x1b\x7f\ufffe\ufffcy", "xy"),
        ("x\ud800y", "xy"),
        ("\uf0b7 Punkt", "• Punkt"),
        ("m² ½ „so“ – ‚da‘ … № ™ ſ", "m² ½ „so“ – ‚da‘ … № ™ ſ"),
        ("zwei  Leerzeichen", "zwei  Leerzeichen"),
        ("", ""),
    ],
)
def test_clean_text_holds_nothing_invisible_and_keeps_what_means_something(raw, expected):
    assert clean(raw) == expected
    assert clean(clean(raw)) == clean(raw)


def test_no_invisible_character_of_unicode_is_left():
    """Checked against Unicode's own categories: of format characters only those with a shape of their own stay."""
    left = clean(
        "".join(f"a{chr(sign)}" for sign in range(0x110000) if unicodedata.category(chr(sign)) in ("Cc", "Cf"))
    )
    assert {
        unicodedata.name(sign, "") for sign in left if unicodedata.category(sign) in ("Cc", "Cf") and sign != "\n"
    } <= {
        *(f"ARABIC {name}" for name in ("NUMBER SIGN", "SIGN SANAH", "FOOTNOTE MARKER", "SIGN SAFHA", "SIGN SAMVAT")),
        *("ARABIC NUMBER MARK ABOVE", "ARABIC END OF AYAH", "SYRIAC ABBREVIATION MARK", "ARABIC POUND MARK ABOVE"),
        *("ARABIC PIASTRE MARK ABOVE", "ARABIC DISPUTED END OF AYAH", "KAITHI NUMBER SIGN", "KAITHI NUMBER SIGN ABOVE"),
        *(unicodedata.name(chr(sign), "") for sign in range(0x13430, 0x13440)),
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Die Bundes-", "regierung"], "Die Bundesregierung"),
        (["Die Bundes\u00ad", "regierung"], "Die Bundesregierung"),
        (["Die Bundes\u2010", "regierung"], "Die Bundesregierung"),
        (["der Mitar\u00ad ", "beiter"], "der Mitarbeiter"),
        (["E-", "Mail"], "E-Mail"),
        (["E-", "mail"], "E-mail"),
        (["Ein-", "und Ausfuhr"], "Ein- und Ausfuhr"),
        (["Vor-", "oder Nachname"], "Vor- oder Nachname"),
        (["Haupt-", "bzw. Nebenfach"], "Haupt- bzw. Nebenfach"),
        (["Innen-", "sowie Außenpolitik"], "Innen- sowie Außenpolitik"),
        (["Mittel-", "bis Osteuropa"], "Mittel- bis Osteuropa"),
        (["Innen-", "als auch Außenminister"], "Innen- als auch Außenminister"),
        (["ein Kür-", "bis"], "ein Kürbis"),
        (["die Kür-", "bisse"], "die Kürbisse"),
        (["er hat den-", "noch"], "er hat dennoch"),
        (["Hun-", "dert"], "Hundert"),
        (["CDU-", "Fraktion"], "CDU-Fraktion"),
        (["Nord-", "Süd-Gefälle"], "Nord-Süd-Gefälle"),
        (["Nord-Süd-Ge-", "fälle"], "Nord-Süd-Gefälle"),
        (["EU-", "weit"], "EU-weit"),
        (["pH-", "neutral"], "pH-neutral"),
        (["20-", "jährig"], "20-jährig"),
        (["2024-", "2025"], "2024-2025"),
        (["2024–", "2025"], "2024–2025"),
        (["Covid-", "19"], "Covid-19"),
        (["Haupt-/", "Nebenfach"], "Haupt-/Nebenfach"),
        (["Haupt-", "/Nebenfach"], "Haupt-/Nebenfach"),
        (["Nord-/Süd-", "Achse"], "Nord-/Süd-Achse"),
        (["und/", "oder"], "und/oder"),
        (["deutsch-", "französische Grenze"], "deutsch-französische Grenze"),
        (["wissenschaftlich-", "technischer Dienst"], "wissenschaftlich-technischer Dienst"),
        (["(Verkehrs-", "teilnehmer)"], "(Verkehrsteilnehmer)"),
        (["„Wohn-", "geld“"], "„Wohngeld“"),
        (["so –", "wie gesagt"], "so – wie gesagt"),
        (["so -", "wie gesagt"], "so - wie gesagt"),
        (["Haupt-", "(und Neben-)fach"], "Haupt- (und Neben-)fach"),
        (["DIE BUNDES-", "REGIERUNG"], "DIE BUNDESREGIERUNG"),
        (["CDU-", "CSU"], "CDU-CSU"),
        (["https://www.beleg.de/ein-", "ausfuhr"], "https://www.beleg.de/ein-ausfuhr"),
        (["https://www.beleg.de/", "pfad/seite.html"], "https://www.beleg.de/pfad/seite.html"),
        (["unter https://www.beleg.de/", "finden Sie"], "unter https://www.beleg.de/ finden Sie"),
        (["zwei", "Zeilen"], "zwei Zeilen"),
        (["  zwei  ", "", "  Zeilen \n"], "zwei Zeilen"),
        (["Auﬂa-", "gen"], "Auflagen"),
        (["Donau-", "dampf-", "schiff"], "Donaudampfschiff"),
        (["-", "und"], "- und"),
        ([], ""),
    ],
)
def test_words_cut_at_a_lines_end_are_whole_and_real_hyphens_stay(lines, expected):
    assert join_lines(lines) == expected


@pytest.mark.parametrize(
    ("written", "lines", "expected"),
    [
        ("eine schwarz-weiße Katze", ["schwarz-", "weiße"], "schwarz-weiße"),
        ("ein One-to-one", ["schwarz-", "weiße"], "schwarzweiße"),
        ("Bis Kürbis oder Albis", ["Al-", "bis"], "Albis"),
        ("die SPD-FRAKTION", ["DIE SPDX-", "FRAKTION"], "DIE SPDXFRAKTION"),
        ("die SPDX-FRAKTION", ["DIE SPDX-", "FRAKTION"], "DIE SPDX-FRAKTION"),
    ],
)
def test_in_doubt_the_words_of_the_document_itself_decide(written, lines, expected):
    assert join_lines(lines, known_words([written])) == expected


def test_spans_tell_which_characters_come_from_which_line():
    lines = ["Die Bundes-", "regierung und die CDU-", "Fraktion in Nord-/", "", "Süd"]
    joined = join_with_spans(lines)
    assert joined.text == "Die Bundesregierung und die CDU-Fraktion in Nord-/Süd"
    pieces = [joined.text[start:end] for start, end in joined.spans]
    assert pieces == ["Die Bundes", "regierung und die CDU-", "Fraktion in Nord-/", "", "Süd"]
