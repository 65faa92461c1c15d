"""Sentences as they are written, whatever the pieces they come in; refusals in any words."""

import pytest

from rag.draft import is_refusal, sentences_of
from rag.llm import BrokenAnswerError

DRAFTS = [
    (
        "Er ist Direktor [2]. Das war am 6. Dienstag im Juli. [1, 3] Dr. Tan kam, z. B. am Montag! [4]",
        ["Er ist Direktor [2].", "Das war am 6. Dienstag im Juli. [1, 3]", "Dr. Tan kam, z. B. am Montag! [4]"],
    ),
    ("Er ist Direktor.[1][2] Ja.\n[3]\n\nNein [1]", ["Er ist Direktor. [1][2]", "Ja.\n[3]", "Nein [1]"]),
    ("- Er ist Direktor [1]\n- Sie kam im Juli [2]\n", ["Er ist Direktor [1]", "Sie kam im Juli [2]"]),
    ("1. Er ist Direktor. [1]\n2. Sie kam im Juli. [2]", ["Er ist Direktor. [1]", "Sie kam im Juli. [2]"]),
    ("6. Juli 2024 [1].", ["6. Juli 2024 [1]."]),
    ("KEINE ANTWORT", ["KEINE ANTWORT"]),
    ("Er sagte „Das ist gut.“ Dann ging er [1].", ["Er sagte „Das ist gut.“", "Dann ging er [1]."]),
    (
        "Er sagte: „Das ist gut. Das bleibt.“ Dann ging er [1].",
        ["Er sagte: „Das ist gut. Das bleibt.“", "Dann ging er [1]."],
    ),
    ("Er sagte: „Das ist gut. Das bleibt. [1]\n- Ja.", ["Er sagte: „Das ist gut. Das bleibt. [1]\n- Ja."]),
    ("Ein [offenes Ende. Und dann?", ["Ein [offenes Ende.", "Und dann?"]),
    ("", []),
    (" \n ", []),
]


def pieces(draft: str, size: int) -> list[str]:
    return [draft[start : start + size] for start in range(0, len(draft), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("draft", "sentences"), DRAFTS)
def test_sentences_do_not_depend_on_the_pieces(draft, sentences, size):
    assert list(sentences_of(pieces(draft, size))) == sentences


def test_a_sentence_is_given_out_before_the_next_is_complete():
    read = []

    def tokens():
        for token in ("Er ", "ist Direktor.", " [1", "] ", "Das ", "war ", "im Juli [2]."):
            read.append(token)
            yield token

    sentences = sentences_of(tokens())
    assert next(sentences) == "Er ist Direktor. [1]"
    assert read[-1] == "Das "
    assert list(sentences) == ["Das war im Juli [2]."]


@pytest.mark.parametrize(
    ("begun", "whole"),
    [
        ("Er ist Direktor [1]. Das war", ["Er ist Direktor [1]."]),
        ("Er ist Direktor [1]. Das war im Juli. [2]", ["Er ist Direktor [1].", "Das war im Juli. [2]"]),
        ("Er ist Direktor.", ["Er ist Direktor."]),
        ("Er kam am 6.", []),  # of July, perhaps
        ("Er ist Direktor [1", []),
        ("", []),
    ],
)
def test_at_a_break_whole_sentences_are_kept(begun, whole):
    def tokens():
        yield from pieces(begun, 4)
        raise BrokenAnswerError("die Leitung brach")

    sentences = []
    with pytest.raises(BrokenAnswerError, match="die Leitung brach"):
        sentences.extend(sentences_of(tokens()))
    assert sentences == whole


@pytest.mark.parametrize(
    "sentence",
    [
        "KEINE ANTWORT",
        "KeINE ANTWORT.",
        "„KEINE ANTWORT“",
        "Keine Antwort in den Belegen.",
        "Die Belege enthalten keine Angabe zur Zahl der Besucher.",
        "In den Belegen steht nicht, wie viele Besucher kamen [1].",
        "Das geht aus dem Text nicht hervor.",
        "Der Text nennt weder Ort noch Zeit.",
        "Aus den vorliegenden Informationen geht das nicht hervor, es wird nichts gesagt, nicht einmal genannt.",
        "Es gibt keine Informationen über die Besucherzahl.",
        "Keine Angaben vorhanden.",
        "Die Besucherzahl wird nicht genannt [2].",
        "Die Besucherzahl ist nicht ausdrücklich angegeben.",
        "Die Frage kann nicht beantwortet werden.",
        "Leider kann ich das nicht sagen.".replace("kann ich", "ich kann"),
        "Ich weiß es nicht.",
        "The evidence does not mention visitors [1].",
        "The provided evidence doesn't say who won.",
        "The documents do not contain information about that.",
        "There is no information about the number of visitors.",
        "The number of visitors is not specified in the text.",
        "The question cannot be answered from the given evidence.",
        "I don't know.",
        "No information is available.",
    ],
)
def test_refusals(sentence):
    assert is_refusal(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Die Messe fand in Shanghai statt [1].",
        "Das Dokument darf nicht kopiert werden [1].",
        "Die Quelle des Rheins liegt nicht in Deutschland.",
        "Die Regierung gab auf die Anfrage keine Antwort.",
        "Nein, die App speichert keine Informationen über den Standort [1].",
        "Personenbezogene Daten werden nicht weitergegeben.",
        "Die Telefonnummer muss nicht angegeben werden [2].",
        "Es gibt keine Hinweise auf Nebenwirkungen.",
        "Anfragen werden am Wochenende nicht beantwortet.",
        "Der Text stammt von Heinrich Heine.",
        "Der Vertrag gilt nicht für Mieter.",
        "No, the app does not store the location [1].",
        "Nobody was injured.",
        "Kein Mieter muss die Treppe putzen.",
        "",
    ],
)
def test_plain_negations_are_answers(sentence):
    assert not is_refusal(sentence)
