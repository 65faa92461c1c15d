"""BM25 against bm25s and, with compounds, against its definition; over one segment and over several."""

from collections import Counter
from itertools import pairwise
from math import log
from pathlib import Path

import bm25s
import numpy as np
import pytest

from index.compounds import split
from index.lexical import COMPOUND_WEIGHT, K1, PART_WEIGHT, B, bm25, matches
from index.postings import Postings
from index.vectors import Floats
from tests.postings_corpora import KNOWN, compound_corpus, corpus, postings_of


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


# Compounds


def by_definition(chunks: list[list[str]], question: list[str]) -> list[float]:
    """Score chunk by chunk with one vocabulary, that of all chunks, for documents and question."""
    frequency = Counter(term for chunk in chunks for term in set(chunk))
    parts = {term: split(term, frequency.get) for term in {*frequency, *question}}
    weights = {part: PART_WEIGHT for term in question for part in parts[term]} | dict.fromkeys(question, 1.0)
    mean_length = sum(map(len, chunks)) / len(chunks)
    scores = [0.0] * len(chunks)
    for term, weight in weights.items():
        tf = [
            sum(1.0 if held == term else COMPOUND_WEIGHT if term in parts[held] else 0.0 for held in chunk)
            for chunk in chunks
        ]
        df = sum(count > 0 for count in tf)
        idf = log(1 + (len(chunks) - df + 0.5) / (df + 0.5))
        for number, chunk in enumerate(chunks):
            norm = K1 * (1 - B + B * len(chunk) / mean_length)
            scores[number] += weight * idf * tf[number] * (K1 + 1) / (tf[number] + norm)
    return scores


QUESTIONS = [
    ["recht"],
    ["rechtsschutzversicher"],
    ["hausrat", "versicher"],
    ["mietrecht", "steu"],
    ["wohnvertrag"],
    KNOWN,
]


@pytest.mark.parametrize("sizes", [[150], [50, 100], [1, 2, 147], [15] * 10])
@pytest.mark.parametrize("seed", range(3))
def test_scores_with_compounds_are_those_of_the_definition(tmp_path: Path, sizes: list[int], seed: int) -> None:
    chunks = compound_corpus(seed)
    bounds = np.cumsum([0, *sizes])
    segments = []
    for start, end in pairwise(bounds.tolist()):
        rest = Counter(term for chunk in [*chunks[:start], *chunks[end:]] for term in set(chunk))
        segments.append(postings_of(chunks[start:end], tmp_path / str(start), rest.get))
    for question in QUESTIONS:
        scores = np.concatenate(scores_of(segments, question))
        np.testing.assert_allclose(scores, by_definition(chunks, question), rtol=1e-5, atol=1e-6)


def test_removed_chunks_do_not_count_for_compounds_either(tmp_path: Path) -> None:
    chunks = compound_corpus(7)
    living = np.random.default_rng(7).random(len(chunks)) < 0.6
    whole = Counter(term for chunk in chunks for term in set(chunk))
    [scores] = bm25([postings_of(chunks, tmp_path / "s")], [living], ["hausrat"])
    kept = [chunk for chunk, alive in zip(chunks, living, strict=True) if alive]
    assert split("hausrat", whole.get) == split("hausrat", Counter(t for c in kept for t in set(c)).get) != []
    np.testing.assert_allclose(scores[living], by_definition(kept, ["hausrat"]), rtol=1e-5, atol=1e-6)


def test_a_compound_counts_half_for_its_part_and_a_part_less_for_its_compound(tmp_path: Path) -> None:
    chunks = [["mietvertrag", "x"], ["miet", "x"], ["vertrag", "x"], ["miet", "vertrag"], ["y", "y"]]
    segment = postings_of(chunks, tmp_path / "s")
    [for_part], [for_compound] = scores_of([segment], ["vertrag"]), scores_of([segment], ["mietvertrag"])
    idf = log(1 + (5 - 3 + 0.5) / (3 + 0.5))  # one with the compound, two with the word
    assert for_part.tolist() == pytest.approx(
        [idf * 0.5 * 2.5 / (0.5 + 1.5), 0, idf * 2.5 / (1 + 1.5), idf * 2.5 / (1 + 1.5), 0]
    )
    one_part = 0.4 * idf * 2.5 / (1 + 1.5)
    whole = log(1 + (5 - 1 + 0.5) / (1 + 0.5)) * 2.5 / (1 + 1.5)
    assert for_compound.tolist() == pytest.approx(
        [whole + 2 * 0.4 * idf * 0.5 * 2.5 / (0.5 + 1.5), one_part, one_part, 2 * one_part, 0]
    )
    assert (COMPOUND_WEIGHT, PART_WEIGHT) == (0.5, 0.4)


@pytest.mark.parametrize("width", [40, 5_000])
def test_matches_add_up_what_each_chunk_holds(tmp_path: Path, width: int) -> None:
    """In few chunks they are sorted, in many they have a place each."""
    chunks = [*compound_corpus(4, 40), *([["andere"]] * (width - 40))]
    segment = postings_of(chunks, tmp_path / "s")
    assert segment.compounds("recht").size == 3
    found, counts = matches(segment, "recht")
    expected = {
        number: sum(1 if term == "recht" else 0.5 * (term.startswith("recht") or term == "wohnrecht") for term in chunk)
        for number, chunk in enumerate(chunks)
    }
    assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == {k: v for k, v in expected.items() if v}
    assert sorted(found.tolist()) == found.tolist()
