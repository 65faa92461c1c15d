"""Search over segments against numpy and bm25s over all chunks at once."""

from pathlib import Path

import bm25s
import numpy as np
import pytest

from index.analysis import german_terms
from index.chunking import Chunk, split_document
from index.document import Document
from index.late_interaction import NO_TOKENS
from index.search import Hit, Search
from index.segment import Segment, write_segment
from index.vectors import Mask
from tests.conftest import WordEmbedder

WORDS = (
    "Satzung Verein Mitglied Beitrag Vorstand Frist Kündigung Köln Rhein Juli Vertrag Miete Haus Hund Straße".split()
)
QUESTION = "Kündigung der Miete eines Hauses in Köln"


def document(number: int) -> Document:
    chance = np.random.default_rng(number)
    text = " ".join(f"{' '.join(chance.choice(WORDS, 9))}." for _ in range(chance.integers(1, 40)))
    return Document(f"d{number}", f"Titel {number}", text)


@pytest.fixture(params=[[30], [1, 20, 9], [5] * 6])
def segments(request: pytest.FixtureRequest, tmp_path: Path, embedder: WordEmbedder) -> list[Segment]:
    found, first = [], 0
    for size in request.param:
        documents = [document(number) for number in range(first, first + size)]
        chunks = [list(split_document(one)) for one in documents]
        texts = [chunk.searchable for of_document in chunks for chunk in of_document]
        write_segment(tmp_path / str(first), documents, chunks, *embedder.embed_passages(texts))
        found.append(Segment(tmp_path / str(first)))
        first += size
    return found


def all_chunks() -> list[Chunk]:
    return [chunk for number in range(30) for chunk in split_document(document(number))]


def found(segments: list[Segment], embedder: WordEmbedder, k: int, allowed: list[Mask] | None = None) -> list[Hit]:
    masks = allowed or [segment.living_mask for segment in segments]
    return Search(segments, masks, embedder.embed_query(QUESTION), NO_TOKENS, k).hits(german_terms(QUESTION))


def reference(embedder: WordEmbedder) -> tuple[dict[str, float], dict[str, float]]:
    """Chunk id -> cosine, and -> BM25, over all chunks."""
    chunks = all_chunks()
    cosines = embedder.embed_documents([chunk.searchable for chunk in chunks]) @ embedder.embed_query(QUESTION)
    lexical = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    lexical.index([german_terms(chunk.searchable) for chunk in chunks], show_progress=False)
    scores = lexical.get_scores(list(dict.fromkeys(german_terms(QUESTION)))) * 2.5
    ids = [chunk.id for chunk in chunks]
    return dict(zip(ids, cosines.tolist(), strict=True)), dict(zip(ids, scores.tolist(), strict=True))


@pytest.mark.parametrize("k", [1, 7, 40, 10_000])
def test_hits_are_the_first_by_meaning_and_by_words(segments: list[Segment], embedder: WordEmbedder, k: int) -> None:
    hits = found(segments, embedder, k)
    cosines, scores = reference(embedder)
    chunks = {chunk.id: chunk for chunk in all_chunks()}
    for hit in hits:
        assert hit.chunk == chunks[hit.chunk.id]
        assert hit.score == hit.dense == pytest.approx(cosines[hit.chunk.id], abs=1e-3)
        assert hit.lexical == pytest.approx(scores[hit.chunk.id], rel=1e-4, abs=1e-6)
    for reached, expected in (([hit.dense for hit in hits], cosines), ([hit.lexical for hit in hits], scores)):
        best = sorted(expected.values(), reverse=True)[:k]
        assert sorted(reached, reverse=True)[: len(best)] == pytest.approx(best, rel=1e-3, abs=1e-5)
    assert len(hits) <= 2 * k


def test_neighbours_are_the_chunks_beside_in_the_same_document(segments: list[Segment], embedder: WordEmbedder) -> None:
    cosines = reference(embedder)[0]
    expected = {}
    for number in range(30):
        ids = [chunk.id for chunk in split_document(document(number))]
        for place, own in enumerate(ids):
            before, after = ids[max(0, place - 1)], ids[min(len(ids) - 1, place + 1)]
            expected[own] = (cosines[before] + cosines[after]) / 2
    hits = found(segments, embedder, 10_000)
    assert {hit.chunk.id: hit.neighbours for hit in hits} == pytest.approx(expected, abs=1e-3)
    assert any(hit.neighbours != pytest.approx(hit.dense, abs=1e-2) for hit in hits)


def test_only_allowed_chunks_are_found_with_the_scores_of_the_whole_index(
    segments: list[Segment], embedder: WordEmbedder
) -> None:
    everything = {hit.chunk.id: (hit.dense, hit.lexical) for hit in found(segments, embedder, 10_000)}
    allowed = [np.arange(len(segment)) % 3 == 0 for segment in segments]
    kept = {segment.chunk(number).id for segment in segments for number in range(0, len(segment), 3)}
    limited = {hit.chunk.id: (hit.dense, hit.lexical) for hit in found(segments, embedder, 10_000, allowed)}
    assert set(limited) == kept
    for chunk_id, scores in limited.items():
        assert scores == pytest.approx(everything[chunk_id], abs=1e-6)


def test_nothing_is_found_in_nothing(embedder: WordEmbedder) -> None:
    assert Search([], [], embedder.embed_query(QUESTION), NO_TOKENS, 5).hits(["miete"]) == []
