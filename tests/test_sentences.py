"""Sentences against texts that were cut by hand, and against the text itself."""

import random
import time
from itertools import pairwise

import pytest

from index.sentences import split_sentences

# Each row is one text; " | " stands where a reader of German cuts (the text itself has a space there).
HARD = """
Die Messe dauerte vom 6. bis 8. Juli. | Danach wurde abgebaut.
Am 3. Oktober 1990 trat die DDR bei. | Das war ein Mittwoch.
Der 2. Weltkrieg endete am 8. Mai 1945 in Europa.
Im 19. Jahrhundert wuchs die Stadt schnell. | Um 1900 hatte sie 40.000 Einwohner.
Er kam als 5. und letzter ins Ziel.
Sie wohnt im 3. Stock. | Der Aufzug ist defekt.
Die Frist endet am 31. Dezember. | Danach verfällt der Anspruch.
Kaiser Karl V. regierte bis 1556. | Sein Sohn war Philipp II.
Ludwig XIV. baute Versailles aus. | Er lebte dort bis zu seinem Tod.
Papst Johannes Paul II. besuchte Polen im Jahr 1979.
Man braucht Werkzeug, z. B. Hammer und Zange. | Beides liegt bereit.
Wir liefern z.B. Schrauben und Muttern.
Das gilt auch bei Regen, d. h. Sie brauchen einen Schirm.
In der Regel, i. d. R. Montags, ist geöffnet.
Es kamen u. a. Vertreter der Stadt und des Kreises.
Obst, Gemüse usw. Werden getrennt gelagert?
Er verkauft Äpfel, Birnen usw. | Das Geschäft läuft gut.
Nach § 5 Abs. 2 Nr. 3 BGB ist die Klage unzulässig. | Die Kosten trägt der Kläger.
Vgl. Art. 12 Abs. 1 Satz 2 GG.
Die Verordnung vom 5. Februar 2014 (BGBl. I S. 293) bleibt unberührt. | Sie gilt weiter.
Siehe Abb. 4 auf S. 17 in Bd. 2 der Ausgabe.
Frau Dr. Müller und Prof. Dr. Schmidt leiten das Institut. | Beide lehren in Bonn.
Herr Dipl.-Ing. Weber prüft die Anlage.
Der Hl. Nikolaus kam aus Myra. | Die Kirche St. Nikolai ist nach ihm benannt.
Wir fuhren nach St. Gallen. | Dort blieben wir drei Tage.
J. S. Bach starb 1750 in Leipzig. | Er war Thomaskantor.
Das Buch schrieb E. T. A. Hoffmann in Berlin.
Die Müller GmbH & Co. KG sitzt in Köln. | Sie beschäftigt 40 Leute.
Die Firma Krupp AG. | Sie wurde 1811 gegründet.
Im Jahr 44 v. Chr. wurde Caesar ermordet. | Der Täter war Brutus.
Rom wurde 753 v. Chr. gegründet, so die Sage.
Der Bau kostete 4,5 Mio. Euro. | Bezahlt hat ihn das Land.
Der Umsatz stieg auf 3,2 Mrd. US-Dollar.
Der Zug fährt um 14.30 Uhr ab. | Er kommt um 16.05 Uhr an.
Geöffnet ist Mo. bis Fr. von 9.00 bis 17.00 Uhr.
Version 3.11.7 ist installiert. | Die Datei heißt config.ini.
Mehr steht auf www.example.de/seite.html. | Dort finden Sie Formulare.
Schreiben Sie an info@stadt.de. | Wir antworten bald.
„Kommst du?“, fragte sie. | „Nein.“ | Er blieb sitzen.
Er sagte: „Das ist falsch.“ | Dann ging er.
»Halt!« | Der Wächter hob die Hand.
Sie rief: „Komm!“ und lief davon.
Das war’s. | Oder doch nicht? | Wer weiß!
Was nun?! | Niemand antwortete.
Er zögerte … und ging dann doch.
Sie schwieg... | Dann lachte sie.
Das Tier (Canis lupus f. familiaris) ist der Haushund.
Er kam (wie immer zu spät). | Niemand wunderte sich.
(Das steht im Vertrag.) | Der Mieter muss zahlen.
Die Miete beträgt ca. 800 Euro inkl. Nebenkosten zzgl. Strom.
Bitte melden Sie sich ggf. bei Frau Huber, Tel. 089 1234.
Er wohnt in der Kantstr. 5 in Berlin. | Das Haus ist alt.
Die Berliner Str. 12 ist gesperrt.
Das Patent hat die Nr. 225. | Der Erfinder ist unbekannt.
Der Begriff (engl. Sentence) ist alt. | Er stammt aus Rom.
Laut Müller et al. 2019 sinkt der Wert. | Andere sehen das anders.
Die Temperatur sank auf -12,5 °C. | Am Abend schneite es.
Er wurde am 1.1.1950 geboren. | Seine Eltern waren arm.
1. Der Antrag wird gestellt. | 2. Die Behörde prüft ihn.
a) Der Verein ist gemeinnützig. | Er verfolgt keine Gewinne.
Die Sendung „Wer wird Millionär?“ Kandidaten zu empfehlen, ist schwer.
Der FC Bayern e. V. wurde 1900 gegründet. | Er sitzt in München.
Das Gesetz trat 2002 in Kraft. | 2013 wurde es geändert.
Die Steuer beträgt 19 %. | Bei Büchern sind es 7 %.
""".strip().splitlines()

ENGLISH = """
Dr. Smith met Mr. Jones at 5 p.m. on Monday. | They talked for an hour.
The U.S. Senate voted. | It passed the bill, i.e. the budget.
See No. 5 on pp. 3 and 4 there. | It is short.
""".strip().splitlines()


def cut(text: str, language: str = "de") -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, language)]


@pytest.mark.parametrize("row", HARD)
def test_cuts_german_where_a_reader_does(row: str) -> None:
    assert cut(row.replace(" | ", " ")) == row.split(" | ")


@pytest.mark.parametrize("row", ENGLISH)
def test_cuts_english_where_a_reader_does(row: str) -> None:
    assert cut(row.replace(" | ", " "), "en") == row.split(" | ")


def test_there_are_sixty_hard_cases() -> None:
    assert len(HARD) >= 60


def test_a_sentence_goes_on_over_the_lines_of_wrapped_text() -> None:
    text = (
        "Die Mitgliederversammlung findet einmal im Jahr statt, und zwar vom 6.\n"
        "Juli an. Der Vorstand lädt mit einer Frist von vier Wochen schriftlich\n"
        "ein.\n"
        "\n"
        "Anträge müssen eine Woche vorher vorliegen.\n"
    )
    assert cut(text) == [
        "Die Mitgliederversammlung findet einmal im Jahr statt, und zwar vom 6.\nJuli an.",
        "Der Vorstand lädt mit einer Frist von vier Wochen schriftlich\nein.",
        "Anträge müssen eine Woche vorher vorliegen.",
    ]


def test_a_date_at_the_start_of_a_wrapped_line_is_no_list_item() -> None:
    text = "Die Mitgliederversammlung des Vereins findet in jedem Jahr immer am\n6. Juli statt, und sonst nie."
    assert cut(text) == [text]


def test_headings_and_list_items_are_sentences_of_their_own() -> None:
    text = (
        "# Satzung des Vereins\n\n## § 1 Name\nDer Verein heißt „Rhein“.\n\n"
        "Mitbringen:\n- Ausweis\n- Passfoto\n* Antrag\n1. Erstens\n2. Zweitens\n"
    )
    assert cut(text) == [
        "# Satzung des Vereins",
        "## § 1 Name",
        "Der Verein heißt „Rhein“.",
        "Mitbringen:",
        "- Ausweis",
        "- Passfoto",
        "* Antrag",
        "1. Erstens",
        "2. Zweitens",
    ]


def test_short_lines_are_not_joined() -> None:
    text = "Rathaus\nMarktplatz 1\n12345 Musterstadt\nTelefon 0123 456\n"
    assert cut(text) == text.splitlines()


def test_the_last_line_of_full_width_is_kept() -> None:
    line = "Diese Zeile ist so breit wie der Rand und hat am Ende einen Umbruch.\n"
    assert cut(line * 3) == [line.strip()] * 3


@pytest.mark.parametrize("seed", range(40))
def test_spans_are_exact_in_order_and_leave_nothing_out(seed: int) -> None:
    text = random_text(random.Random(seed))
    spans = split_sentences(text)
    for start, end in spans:
        assert text[start:end] == text[start:end].strip() != ""
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())


def random_text(chance: random.Random) -> str:
    """Words, marks and white space of all kinds: emoji, combining marks, lone surrogates, control characters."""
    pieces = ["Wort", "straße", "Dr.", "z. B.", "6.", "Juli", "!", "?", "…", "...", "„", "“", " ", "  ", "\n", "\n\n"]
    pieces += [
        "\r\n",
        "\t",
        "\u00a0",
        "\u2028",
        "\x0c",
        "\x1c",
        "\ufeff",
        "👩‍👩‍👧",
        "e\u0301",
        "\ud800",
        "\udfff",
        "\0",
        "中文。",
    ]
    return "".join(chance.choices(pieces, k=chance.randrange(400)))


@pytest.mark.parametrize(
    "text",
    ["wort " * 100_000, "a" * 500_000, "wort\n" * 100_000, "Dr. " * 125_000, "a" + " " * 500_000 + "b", "# " * 250_000],
    ids=["words", "one word", "lines", "abbreviations", "spaces", "marks"],
)
def test_half_a_million_characters_are_quick(text: str) -> None:
    began = time.process_time()
    split_sentences(text)
    assert time.process_time() - began < 2


def test_no_text_no_sentence() -> None:
    assert split_sentences("") == split_sentences(" \n\t\n") == []
