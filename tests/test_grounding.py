"""What code can check of a sentence against its evidence."""

import pytest

from rag.evidence import Evidence
from rag.grounding import check_sentence, numbers

EVIDENCE = [
    Evidence("a", "", "Die Messe dauerte vom 6. bis 8. Juli 2024 und zählte 1.234 Besucher.", 0, 69, 1.0),
    Evidence("a", "", "Sie kostete 4,5 Mrd. Euro, sagte er: „Das war eine eindrucksvolle\nMesse.“", 70, 143, 1.0),
]


@pytest.mark.parametrize(
    "sentence",
    [
        "Die Messe dauerte vom 6. bis 8. Juli 2024.",
        "The fair ran from July 6 to 8, 2024.",
        "The fair counted 1,234 visitors and cost 4.5 billion euros.",
        "Er sprach von einer „eindrucksvolle Messe“.",
        "Er nannte es „Das war eine eindrucksvolle Messe.“",
        "Er nannte es „gut“.",  # too short to be a quote
        "Die 300 Gäste kamen.",  # the question's own number
        "Sie fragten nach der „Zahl der Gäste insgesamt“.",  # the question's own words
        "Ein Satz ohne Zahl.",
        "",
    ],
)
def test_carried(sentence):
    verdict = check_sentence(sentence, EVIDENCE, "Kamen 300 Gäste? Wie hoch war die Zahl der Gäste insgesamt?")
    assert (verdict.supported, verdict.reason, verdict.sentence) == (True, "", sentence)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Die Messe dauerte vom 6. bis 9. Juli.", "number 9 is not in the evidence"),
        ("Es kamen 10.000 Besucher.", "number 10.000 is not in the evidence"),
        ("Es kamen 234 Besucher.", "number 234 is not in the evidence"),
        ("Das war 2023.", "number 2023 is not in the evidence"),
        (
            "Er sprach von einer „völlig misslungenen Messe“.",
            "quote 'völlig misslungenen Messe' is not in the evidence",
        ),
        ("He called it “an impressive fair”.", "quote 'an impressive fair' is not in the evidence"),
    ],
)
def test_not_carried(sentence, reason):
    verdict = check_sentence(sentence, EVIDENCE, "Was geschah?")
    assert (verdict.supported, verdict.reason) == (False, reason)


def test_without_evidence_a_number_has_no_ground():
    assert not check_sentence("Es waren 3.", [], "").supported
    assert check_sentence("Es waren 3.", [], "Waren es 3?").supported


@pytest.mark.parametrize(
    ("one", "other"), [("4,5", "4.5"), ("1.234", "1,234"), ("1.234", "1234"), ("007", "7"), ("9:30", "9.30")]
)
def test_the_same_number_in_either_language(one, other):
    assert numbers(f"Es sind {one} Euro.") == numbers(f"It is {other} euros.") != set()


@pytest.mark.parametrize(
    ("one", "other"),
    [("10.000", "1.000"), ("0", "10"), ("4,5", "4,6"), ("4,5", "45"), ("0,125", "125"), ("2023", "2024")],
)
def test_other_numbers(one, other):
    assert numbers(one).isdisjoint(numbers(other))


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        ("Am 06.07.2024 begann sie.", "It began on July 6, 2024."),
        ("Es kamen 10 000 Besucher.", "Es kamen 10.000 Besucher."),
        ("Es kamen 10\u202f000 Besucher.", "Es kamen 10000 Besucher."),
        ("Die Kaution beträgt drei Monatsmieten.", "The deposit is 3 months' rent."),
        ("Die Kaution beträgt 3 Monatsmieten.", "The deposit is three months' rent."),
        ("Der Preis: 1.234,50 Euro.", "The price: 1,234.50 euros."),
    ],
)
def test_the_same_number_in_other_words(evidence, sentence):
    assert check_sentence(sentence, [Evidence("a", "", evidence, 0, len(evidence), 1.0)], "").supported


@pytest.mark.parametrize(
    "sentence", ["The deposit is four months' rent.", "Es sind 1,5 Millionen.", "Es sind 150 Millionen."]
)
def test_another_number_in_other_words(sentence):
    text = "Die Kaution beträgt drei Monatsmieten, es sind 15 Millionen."
    assert not check_sentence(sentence, [Evidence("a", "", text, 0, len(text), 1.0)], "").supported


def test_no_numbers():
    assert numbers("ganz ohne") == numbers("") == set()
