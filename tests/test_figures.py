"""Figures of German sentences: what is read, what is not, and which two cannot both be right."""

import time

import pytest

from rag.figures import conflict, figures, without_figures


@pytest.mark.parametrize(
    ("sentence", "kind", "low", "high"),
    [
        ("Er kostet € 1.200,50.", "euro", (1200.5,), (1200.5,)),
        ("Er kostet 5,– €.", "euro", (5,), (5,)),
        ("Er kostet 50 Cent.", "euro", (0.5,), (0.5,)),
        ("Es sind 10 000 Besucher.", "besuch", (10_000,), (10_000,)),
        ("Es sind 10\u202f000 Besucher.", "besuch", (10_000,), (10_000,)),
        ("Der Bau kostete 2 bis 3 Mio. Euro.", "euro", (2e6,), (3e6,)),
        ("Es kostet zwischen 10 und 20 Euro.", "euro", (10,), (20,)),
        ("Die Frist beträgt zwei Wochen.", "second", (14 * 86_400,), (14 * 86_400,)),
        ("Es dauert 1,5 Jahre.", "month", (18,), (18,)),
        ("Sie steigt auf 4,5 v. H. an.", "percent", (4.5,), (4.5,)),
        ("Sie steigt um 4,5 Prozent.", "by percent", (4.5,), (4.5,)),
        ("Geöffnet 8.30 - 12.00 Uhr.", "time", (8 * 60 + 30,), (12 * 60,)),
        ("Geöffnet von 08:00 bis 12:00.", "time", (8 * 60,), (12 * 60,)),
        ("Vom 4. bis 6. Juli 2024.", "date", (2024, 7, 4), (2024, 7, 6)),
        ("Vom 3.5.24 an.", "date", (2024, 5, 3), (2024, 5, 3)),
        ("Am Montag, dem 3. Mai.", "date", (0, 5, 3), (0, 5, 3)),
        ("Im Mai 2024 kam er.", "date", (2024, 5, 0), (2024, 5, 0)),
        ("Das war im Jahre 1950.", "date", (1950, 0, 0), (1950, 0, 0)),
        ("Die Einwohnerzahl liegt bei 12.400.", "number", (12_400,), (12_400,)),
    ],
)
def test_read(sentence, kind, low, high):
    (figure,) = figures(sentence)
    assert (figure.kind, figure.low, figure.high) == (kind, low, high)
    assert sentence[figure.start : figure.end] == figure.words


@pytest.mark.parametrize(
    "sentence",
    ["§ 5 Abs. 2", "Art. 5 GG", "Zimmer 12", "Tel. 089/12345", "im 2. Stock", "Version 1.2.3 ist da", "31.13.2024", ""],
)
def test_not_read(sentence):
    assert figures(sentence) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("18 Euro", "20 Euro"),
        ("rund 500 Besucher", "620 Besucher"),
        ("mindestens 8 Personen", "mindestens 10 Personen"),
        ("bis zu 500 Euro", "600 Euro"),
        ("mehr als 2.000 Leute", "rund 1.200 Leute"),
        ("15 bis 25 Euro", "30 Euro"),
        ("8 bis 12 Uhr", "8 bis 13 Uhr"),
        ("0 Uhr", "8 Uhr"),
        ("3. Mai 2024", "4. Mai 2024"),
        ("3. Mai 2024", "2023"),
        ("1.000 Euro", "950 Euro"),
    ],
)
def test_in_conflict(one, other):
    (mine,), (theirs,) = figures(f"Es sind {one}."), figures(f"Es sind {other}.")
    assert mine.kind == theirs.kind
    assert conflict(mine, theirs)
    assert conflict(theirs, mine)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("18 Euro", "18,00 €"),
        ("rund 500 Besucher", "480 Besucher"),
        ("4,5 Mio. Einwohner", "4.483.000 Einwohner"),
        ("253.000 Leute", "253.418 Leute"),
        ("1 km", "1000 m"),
        ("2 Wochen", "14 Tage"),
        ("mindestens 8 Personen", "12 Personen"),
        ("bis zu 500 Euro", "320 Euro"),
        ("15 bis 25 Euro", "20 Euro"),
        ("18.30 Uhr", "18:30 Uhr"),
        ("ab 8 Uhr", "bis 12 Uhr"),
        ("8 Uhr", "8 bis 12 Uhr"),
        ("3. Mai 2024", "2024"),
        ("3. Mai 2024", "3.5."),
    ],
)
def test_not_in_conflict(one, other):
    (mine,), (theirs,) = figures(f"Es sind {one}."), figures(f"Es sind {other}.")
    assert mine.kind == theirs.kind
    assert not conflict(mine, theirs)
    assert not conflict(theirs, mine)


@pytest.mark.parametrize("part", ["1,", "1.2 ", "12 bis ", "1 000 ", "zwei ", "Montag, ", "ab ", "5 sehr große ", "9"])
def test_a_long_line_takes_no_long_time(part):
    line = part * (20_000 // len(part))
    before = time.process_time()
    without_figures(line, figures(line))
    assert time.process_time() - before < 5
