"""The quote gate: what stands in the document, at that place, and nothing else."""

import numpy as np
import pytest

from index import Document, Index
from index.place import Place
from rag.citations import Citation, cite, find_quote, markers, without_markers
from rag.evidence import Evidence
from rag.quotations import quoted

TEXT = "Die Messe dauerte vom 6. bis 8. Juli.\nTan Wenkan ist Direktor.\nEr ist 45 Jahre alt."
DIRECTOR = "Tan Wenkan ist Direktor."


@pytest.fixture
def index(tmp_path, embedder) -> Index:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add(
        [Document("messe", "Messe in Shanghai", TEXT, source="/archiv/messe.txt"), Document("leer", "", "Nichts.")]
    )
    return index


def evidence(text: str, start: int, document_id: str = "messe") -> Evidence:
    return Evidence(
        document_id, "Titel der Zeit des Suchens", text, start, start + len(text), 1.0, np.zeros(2, np.float32)
    )


def test_a_citation_stands_letter_for_letter_in_the_document(index):
    start = TEXT.index(DIRECTOR)
    citation = cite(evidence(DIRECTOR, start), 3, index)
    assert citation == Citation(
        marker=3,
        quote=DIRECTOR,
        document_id="messe",
        title="Messe in Shanghai",
        start=start,
        end=start + len(DIRECTOR),
        source="/archiv/messe.txt",
    )
    assert index.document("messe").text[citation.start : citation.end] == citation.quote
    assert citation.to_dict() == {
        "marker": 3,
        "quote": DIRECTOR,
        "document_id": "messe",
        "title": "Messe in Shanghai",
        "start": start,
        "end": start + len(DIRECTOR),
        "page": None,
        "source": "/archiv/messe.txt",
        "gloss": "",
        "place": "",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        evidence(DIRECTOR, TEXT.index(DIRECTOR) + 1),  # one character beside
        evidence(DIRECTOR.replace("Wenkan", "Wenken"), TEXT.index(DIRECTOR)),
        evidence(DIRECTOR.casefold(), TEXT.index(DIRECTOR)),
        evidence(DIRECTOR, TEXT.index(DIRECTOR), "leer"),
        evidence(DIRECTOR, TEXT.index(DIRECTOR), "gibt-es-nicht"),
        evidence(DIRECTOR, 10_000),
        evidence("", 3),
        evidence("\n", TEXT.index("\n")),
        Evidence("messe", "", "alt.", -4, len(TEXT), 1.0),  # text[-4:] is the same
    ],
    ids=range(9),
)
def test_what_does_not_stand_there_is_no_citation(index, wrong):
    assert cite(wrong, 1, index) is None


def test_a_removed_document_is_not_cited(index):
    index.remove(["messe"])
    assert cite(evidence(DIRECTOR, TEXT.index(DIRECTOR)), 1, index) is None


def test_a_changed_document_is_cited_only_where_it_is_the_same(index, tmp_path, embedder):
    other_process = Index.open(tmp_path / "index", embedder=embedder)
    other_process.add([Document("messe", "Messe", TEXT.replace("45", "46"))])
    assert cite(evidence("Er ist 45 Jahre alt.", TEXT.index("Er ist 45")), 1, index) is None
    citation = cite(evidence(DIRECTOR, TEXT.index(DIRECTOR)), 1, index)
    assert citation is not None
    assert citation.title == "Messe"


# Quotes in a text


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("vom 6. bis 8. Juli", "vom 6. bis 8. Juli"),
        ("  8. Juli.   Tan\tWenkan ", "8. Juli.\nTan Wenkan"),
        ("Direktor.", "Direktor."),
        ("vom 6. bis 9. Juli", None),
        ("tan wenkan", None),
        ("an Wenkan", None),  # not in whole words
        ("bis 8. Jul", None),
        ("", None),
        (" \n", None),
        ("(.*)", None),
    ],
)
def test_a_quote_is_found_letter_for_letter_in_whole_words(quote, found):
    span = find_quote(quote, TEXT)
    assert (TEXT[slice(*span)] if span else None) == found


@pytest.mark.parametrize(
    ("sentence", "quotes"),
    [
        ("Er nannte sie „eine eindrucksvolle Messe“.", ["eine eindrucksvolle Messe"]),
        ("Er nannte sie »eine eindrucksvolle Messe«.", ["eine eindrucksvolle Messe"]),
        ("Er nannte sie «eine eindrucksvolle Messe».", ["eine eindrucksvolle Messe"]),
        ('Er nannte sie "eine eindrucksvolle Messe".', ["eine eindrucksvolle Messe"]),
        ("He called it “an impressive fair.”", ["an impressive fair"]),
        ("Erst war es „gut“, wie er sagte, dann „schlecht“.", []),  # what lies between two quotes is none
        ('Erst war es "gut", wie er sagte, dann "schlecht".', []),
        ("„Die Messe […] war eindrucksvoll“, sagte er.", ["Die Messe", "war eindrucksvoll"]),
        ("„Die Messe … war eindrucksvoll!“", ["Die Messe", "war eindrucksvoll"]),
        ("Ein „offenes Anführungszeichen ohne Ende", ["offenes Anführungszeichen ohne Ende"]),
        ("Ein Ende ohne Anfang“, sagte er.", ["Ein Ende ohne Anfang"]),
        ("Er nannte sie ‚eine eindrucksvolle Messe‘.", ["eine eindrucksvolle Messe"]),
        ("He called it ‘an impressive fair’ and didn’t stay.", ["an impressive fair"]),
        ("Er nannte sie « eine eindrucksvolle Messe ».", ["eine eindrucksvolle Messe"]),
        ("Er nannte sie ''eine eindrucksvolle Messe''.", ["eine eindrucksvolle Messe"]),
        ("„Die »eindrucksvolle Messe« war gut“, sagte er.", ["Die »eindrucksvolle Messe« war gut"]),
        ('Sie sagte: "Das war im Jahr 2024" und ging.', ["Das war im Jahr 2024"]),
        ("Ein 27\" großer Bildschirm und Hans' Haus, das war's.", []),
        ("Hans’ Haus ist älter als das seines Bruders.", []),
        ("Ganz ohne.", []),
    ],
)
def test_quotes_of_a_sentence(sentence, quotes):
    assert quoted(sentence) == quotes


# Markers


@pytest.mark.parametrize(
    ("sentence", "numbers", "rest"),
    [
        ("Er ist Direktor [1].", [1], "Er ist Direktor."),
        ("Er ist Direktor. [1]", [1], "Er ist Direktor."),
        ("Er ist Direktor [2][10] und alt [3, 4; 2].", [2, 10, 3, 4, 2], "Er ist Direktor und alt."),
        ("Er ist Direktor [ 1 ,2 ] .", [1, 2], "Er ist Direktor ."),
        ("Er ist Direktor [1-3].", [1, 2, 3], "Er ist Direktor."),
        ("Er ist Direktor [Beleg 2].", [2], "Er ist Direktor."),
        ("Er ist Direktor [Belege 2 und 3].", [], "Er ist Direktor [Belege 2 und 3]."),
        ("Er ist Direktor [3-1].", [], "Er ist Direktor."),
        ("Im Jahr [2024] war es [so].", [], "Im Jahr [2024] war es [so]."),
        ("[1]", [1], ""),
        ("", [], ""),
    ],
)
def test_markers_of_a_sentence(sentence, numbers, rest):
    assert markers(sentence) == numbers
    assert without_markers(sentence) == rest


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("Grün", "Gru\u0308n ist es."),
        ("Versicherung", "Die Ver\u00adsicherung gilt."),
        ("Versicherung gilt", "Die Versiche-\n  rung gilt."),
        ("Nord-Süd-Achse", "Die Nord-\nSüd-Achse."),
        ("offiziell", "Ganz o\ufb03ziell."),
        ('"sehr gut"', "Er sagte „sehr gut“."),
        ("’s war", "Und 's war so."),
        ("Strasse", "Die Straße."),
        ("Straße", "Die Strasse."),
        ("zwei  Wörter", "Nur zwei\u00a0\nWörter."),
    ],
)
def test_how_a_text_is_set_does_not_matter(quote, text):
    start, end = find_quote(quote, text)
    assert text[start:end].strip() == text[start:end]
    assert len(text[start:end]) >= len(quote) - 3


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("Er ist nicht Direktor", "Er ist Direktor."),
        ("Er ist Direktor", "Er ist nicht Direktor."),
        ("16. Juli", "Am 6. Juli."),
        ("6. Juli", "Am 16. Juli."),
        ("Wohnungen", "Die Wohnung."),
        ("gut-", "Es ist gut."),
        ("masse", "Die Maße."[:6]),
        ("", "Text"),
        (" ", "Ein Text"),
    ],
)
def test_one_word_or_letter_more_or_less_does_not_stand_there(quote, text):
    assert find_quote(quote, text) is None


def test_a_citation_tells_where_in_the_original_it_begins(embedder, tmp_path):
    text = "Erste Seite.\n\nDer Wald ist groß.\n\nEnde."
    places = (Place(0, 12, page=1), Place(14, 32, page=2, name="Kapitel 3: Der Wald"))
    index = Index.open(tmp_path / "ix", embedder=embedder)
    index.add([Document("wald", "Wald", text, places=places)])
    cited = [cite(Evidence("wald", "Wald", text[a:b], a, b, 1.0), 1, index) for a, b in ((0, 12), (14, 32), (34, 39))]
    assert [(citation.page, citation.place) for citation in cited] == [(1, ""), (2, "Kapitel 3: Der Wald"), (None, "")]
