"""BM25 against bm25s, over one segment and over several."""

import random
from itertools import pairwise
from pathlib import Path

import bm25s
import numpy as np
import pytest

from index.lexical import K1, B, Postings, bm25, count_terms, write_postings
from index.vectors import Floats


def corpus(seed: int, n: int = 120) -> list[list[str]]:
    """Chunks of words as frequent as Zipf's law has it; some chunks are empty."""
    chance = random.Random(seed)
    words = [f"wort{number}" for number in range(80)]
    weights = [1 / (number + 1) for number in range(80)]
    return [chance.choices(words, weights, k=chance.choice([0, 1, 5, 30, 60])) for _ in range(n)]


def postings_of(chunks: list[list[str]], folder: Path) -> Postings:
    folder.mkdir()
    write_postings(folder, *count_terms(chunks))
    return Postings(folder)


def scores_of(segments: list[Postings], question: list[str]) -> list[Floats]:
    return bm25(segments, [np.ones(len(postings.lengths), np.bool_) for postings in segments], question)


def reference(chunks: list[list[str]], question: list[str]) -> list[float]:
    """Score by bm25s, which leaves out the factor k1 + 1 as Lucene does."""
    retriever = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    retriever.index(chunks, show_progress=False)
    return (retriever.get_scores(question) * (1.5 + 1)).tolist()


@pytest.mark.parametrize("sizes", [[120], [40, 80], [1, 2, 117], [10] * 12])
@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_bm25s_however_the_chunks_are_divided(tmp_path: Path, sizes: list[int], seed: int) -> None:
    chunks = corpus(seed)
    bounds = np.cumsum([0, *sizes])
    segments = [postings_of(chunks[start:end], tmp_path / str(start)) for start, end in pairwise(bounds)]
    for question in (["wort0"], ["wort3", "wort50"], ["wort79", "wort1", "unbekannt"], [f"wort{n}" for n in range(80)]):
        scores = np.concatenate(scores_of(segments, question))
        np.testing.assert_allclose(scores, reference(chunks, question), rtol=1e-5, atol=1e-6)


def test_removed_chunks_do_not_count(tmp_path: Path) -> None:
    chunks = corpus(5)
    living = np.random.default_rng(5).random(len(chunks)) < 0.6
    segments = [postings_of(chunks[:70], tmp_path / "a"), postings_of(chunks[70:], tmp_path / "b")]
    scores = np.concatenate(bm25(segments, [living[:70], living[70:]], ["wort2", "wort20"]))
    expected = reference([chunk for chunk, alive in zip(chunks, living, strict=True) if alive], ["wort2", "wort20"])
    np.testing.assert_allclose(scores[living], expected, rtol=1e-5, atol=1e-6)


def test_one_score_by_hand(tmp_path: Path) -> None:
    postings = postings_of([["rhein", "rhein", "dom"], ["dom"]], tmp_path / "s")
    idf = np.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    expected = idf * 2 * (1.5 + 1) / (2 + 1.5 * (1 - 0.75 + 0.75 * 3 / 2))
    [scores] = scores_of([postings], ["rhein"])
    assert scores.tolist() == pytest.approx([expected, 0])
    assert (K1, B) == (1.5, 0.75)


def test_a_term_counts_once_however_often_the_question_has_it(tmp_path: Path) -> None:
    postings = postings_of(corpus(9), tmp_path / "s")
    once, twice = scores_of([postings], ["wort1"]), scores_of([postings], ["wort1", "wort1"])
    assert np.array_equal(once[0], twice[0])


@pytest.mark.parametrize("question", [[], ["unbekannt"], [""]])
def test_unknown_terms_score_nothing(tmp_path: Path, question: list[str]) -> None:
    [scores] = scores_of([postings_of(corpus(1), tmp_path / "s")], question)
    assert not scores.any()


@pytest.mark.parametrize("chunks", [[], [[]], [[], []]])
def test_chunks_without_terms_score_nothing(tmp_path: Path, chunks: list[list[str]]) -> None:
    [scores] = scores_of([postings_of(chunks, tmp_path / "s")], ["rhein"])
    assert scores.tolist() == [0] * len(chunks)


def test_no_segment_no_score() -> None:
    assert scores_of([], ["rhein"]) == []


def test_postings_come_back_as_they_were_counted(tmp_path: Path) -> None:
    chunks = corpus(2)
    terms, rows, lengths = count_terms(chunks)
    postings = postings_of(chunks, tmp_path / "s")
    read_terms, triples = postings.triples()
    assert read_terms == terms
    assert sorted(map(tuple, triples.tolist())) == sorted(map(tuple, rows.tolist()))
    assert postings.lengths.tolist() == lengths.tolist() == [len(chunk) for chunk in chunks]
    for term in terms:
        found, counts = postings.of(term)
        assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == {
            number: chunk.count(term) for number, chunk in enumerate(chunks) if term in chunk
        }
