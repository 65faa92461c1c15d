"""Routing by language and fusion, by arithmetic."""

from dataclasses import replace

import numpy as np
import pytest

from index import Chunk, Document, Hit, Index
from index.settings import index_settings
from index.store import StoreError
from rag.language import language_shift
from rag.retriever import WEIGHTS, Retriever, fuse

DOCUMENTS = [
    Document("messe", "Messe", "Die Messe in Shanghai dauerte vom 6. bis 8. Juli."),
    Document("miete", "Miete", "Die Kaution beträgt drei Monatsmieten. Der Mieter zahlt sie zu Beginn."),
    Document("rhein", "Rhein", "Der Rhein entspringt in der Schweiz und mündet in die Nordsee."),
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    index_settings.cache_clear()
    yield
    index_settings.cache_clear()


@pytest.fixture
def index(tmp_path, embedder) -> Index:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add(DOCUMENTS)
    return index


def hit(name: str, dense: float, lexical: float, late: float = 0.0, start: int = 100) -> Hit:
    return Hit(Chunk(name, "", "", start, start + 1, ()), dense, dense, lexical, late)


def order(hits: list[Hit]) -> list[str]:
    return [hit.chunk.document_id for hit in hits]


# Fusion


def test_the_score_is_the_cosine_and_a_share_of_the_weight():
    fused = fuse([hit("a", 0.80, 0.0), hit("b", 0.78, 6.0), hit("c", 0.79, 3.0)], "de")
    assert [(h.chunk.document_id, pytest.approx(h.score)) for h in fused] == [
        ("b", 0.78 + WEIGHTS["de"].lexical * 6 / 6),
        ("c", 0.79 + WEIGHTS["de"].lexical * 3 / 6),
        ("a", 0.80),
    ]
    assert [(h.dense, h.lexical) for h in fused] == [(0.78, 6.0), (0.79, 3.0), (0.80, 0.0)]


def test_without_a_word_in_common_the_cosines_order_stays():
    hits = [hit("a", 0.3, 0.0), hit("b", 0.9, 0.0), hit("c", -0.2, 0.0)]
    assert order(fuse(hits, "de")) == ["b", "a", "c"]
    assert [h.score for h in fuse(hits, "de")] == [0.9, 0.3, -0.2]


def test_words_decide_between_near_equals_only():
    """What equal-weight rank fusion gets wrong: the best word match does not beat a clearly better meaning."""
    hits = [hit("meaning", 0.90, 0.0), hit("word", 0.865, 9.0)]
    assert order(fuse(hits, "de")) == ["word", "meaning"]
    assert order(fuse(hits, "en")) == ["meaning", "word"]


def test_the_late_interaction_adds_its_share():
    fused = fuse([hit("near", 0.85, 0.0, 0.2), hit("word by word", 0.84, 0.0, 0.5)], "en")
    assert [(h.chunk.document_id, pytest.approx(h.score)) for h in fused] == [
        ("word by word", 0.84 + WEIGHTS["en"].late * 0.5),
        ("near", 0.85 + WEIGHTS["en"].late * 0.2),
    ]


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_first_chunk_of_a_document_gains(language):
    fused = fuse([hit("later", 0.8, 0.0), hit("first", 0.795, 0.0, start=0)], language)
    assert order(fused) == ["first", "later"]
    assert fused[0].score == pytest.approx(0.795 + WEIGHTS[language].lead)


@pytest.mark.parametrize("language", ["de", "en"])
def test_what_stands_beside_a_chunk_counts(language):
    alone, among = hit("alone", 0.8, 0.0), replace(hit("among its like", 0.78, 0.0), neighbours=0.7)
    fused = fuse([replace(alone, neighbours=0.5), among], language)
    assert [(h.chunk.document_id, pytest.approx(h.score)) for h in fused] == [
        ("among its like", 0.78 + WEIGHTS[language].neighbours * 0.7),
        ("alone", 0.8 + WEIGHTS[language].neighbours * 0.5),
    ]


def test_ties_are_broken_by_id_and_nothing_gives_nothing():
    assert order(fuse([hit("b", 0.5, 0.0), hit("a", 0.5, 0.0)], "de")) == ["a", "b"]
    assert fuse([], "de") == []


# Routing


def test_a_german_question_is_embedded_as_it_is(index, embedder):
    question = "Wie hoch ist die Kaution?"
    vector = Retriever(index).embed(question, "de").vector
    np.testing.assert_allclose(vector, embedder.embed_query(question), atol=1e-6)


def test_an_english_question_is_shifted_and_of_unit_length(index, embedder):
    question = "How high is the deposit?"
    vector = Retriever(index).embed(question, "en").vector
    moved = embedder.embed_query(question) + language_shift(embedder)
    np.testing.assert_allclose(vector, moved / np.sqrt(np.sum(moved**2)), atol=1e-6)
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert (vector.shape, vector.dtype) == ((embedder.dimension,), np.float32)


@pytest.mark.parametrize(
    ("question", "language"), [("Wie hoch ist die Kaution?", "de"), ("How high is the Kaution for tenants?", "en")]
)
def test_the_language_is_detected_and_weighs_the_words(index, question, language):
    retriever = Retriever(index)
    hits = retriever.retrieve(question)
    assert hits == retriever.retrieve(question, language=language)
    [matched] = [h for h in hits if h.lexical > 0]
    assert matched.chunk.document_id == "miete"
    weights = WEIGHTS[language]
    own = (1 + weights.neighbours) * matched.dense  # it has none beside it
    assert matched.score == pytest.approx(own + weights.lexical + weights.lead)
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)


def test_no_more_than_k_and_no_more_than_there_are(index):
    retriever = Retriever(index)
    assert len(retriever.retrieve("Rhein", 2)) == 2
    assert len(retriever.retrieve("Rhein", 1000)) == len(DOCUMENTS)
    assert retriever.retrieve("Rhein", 0) == []


def test_only_these_documents(index):
    retriever = Retriever(index)
    assert {h.chunk.document_id for h in retriever.retrieve("Kaution", documents=["rhein", "messe"])} == {
        "rhein",
        "messe",
    }
    assert retriever.retrieve("Kaution", documents=[]) == []
    with pytest.raises(StoreError, match="no document 'mosel'"):
        retriever.retrieve("Kaution", documents=["mosel"])


def test_an_empty_index_has_no_hits(tmp_path, embedder):
    assert Retriever(Index.open(tmp_path / "leer", embedder=embedder)).retrieve("Wer ist das eigentlich?") == []


@pytest.mark.parametrize("question", ["", "?!", "🙂", "a\ud800b", "Wort " * 2000])
def test_any_text_is_a_question(index, question):
    assert len(Retriever(index).retrieve(question)) == len(DOCUMENTS)
