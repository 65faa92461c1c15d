"""BM25 against bm25s and, with compounds, against its definition; over one segment and over several."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import log
from pathlib import Path

import bm25s
import numpy as np
import pytest

from index import lexical
from index.compounds import Count, split
from index.lexical import (
    COMPOUND_WEIGHT,
    K1,
    PART_WEIGHT,
    B,
    Postings,
    bm25,
    count_terms,
    document_frequency,
    merge_postings,
    vocabulary,
    write_postings,
)
from index.vectors import Floats


def corpus(seed: int, n: int = 120) -> list[list[str]]:
    """Chunks of words as frequent as Zipf's law has it; some chunks are empty."""
    chance = random.Random(seed)
    words = [f"wort{number}" for number in range(80)]
    weights = [1 / (number + 1) for number in range(80)]
    return [chance.choices(words, weights, k=chance.choice([0, 1, 5, 30, 60])) for _ in range(n)]


def postings_of(chunks: list[list[str]], folder: Path, elsewhere: Count | None = None) -> Postings:
    folder.mkdir()
    write_postings(folder, count_terms(chunks), elsewhere)
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
    chunks = [*corpus(2), ["ä", "z", "\U0001f600", "\ue000", "\ud800", "x" * 100_000, "", "ä"], []]
    postings = postings_of(chunks, tmp_path / "s")
    terms = {term for chunk in chunks for term in chunk}
    assert list(postings.terms) == sorted(terms)
    assert postings.lengths.tolist() == [len(chunk) for chunk in chunks]
    for term in terms:
        found, counts = postings.of(term)
        expected = {number: chunk.count(term) for number, chunk in enumerate(chunks) if term in chunk}
        assert list(zip(found.tolist(), counts.tolist(), strict=True)) == sorted(expected.items())
        assert postings.frequency(term) == len(expected)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000])
def test_a_term_is_found_among_others_that_are_like_it(tmp_path: Path, size: int) -> None:
    chance = random.Random(size)
    words = {"".join(chance.choices("aäz\U0001f600\ufffd", k=chance.randint(0, 5))) for _ in range(size)}
    postings = postings_of([[word] for word in sorted(words)], tmp_path / "s")
    others = {word + "a" for word in words} | {word[:-1] for word in words} | {"", "\U0010ffff", "\ud800"}
    for word in words | others:
        assert (postings.frequency(word) == 1) == (word in words)


# Compounds

PARTS = "recht schutz versicher haus rat miet vertrag steu wohn"
KNOWN = [*PARTS.split(), *"rechtsschutz rechtsschutzversicher hausrat hausratversicher mietvertrag wohnrecht".split()]


def compound_corpus(seed: int, n: int = 150) -> list[list[str]]:
    chance = random.Random(seed)
    weights = [1 / (number + 1) for number in range(len(KNOWN))]
    return [chance.choices(KNOWN, weights, k=chance.choice([0, 1, 4, 20])) for _ in range(n)]


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


def test_the_words_of_other_segments_split_compounds_too(tmp_path: Path) -> None:
    first = postings_of([["miet"], ["vertrag"]], tmp_path / "a")
    alone = postings_of([["mietvertrag"]], tmp_path / "b")
    beside = postings_of([["mietvertrag"]], tmp_path / "c", document_frequency([first]))
    assert alone.compounds("miet").tolist() == []
    assert beside.compounds("miet").tolist() == beside.compounds("vertrag").tolist() == [0]


@pytest.mark.parametrize("small", [0, 100_000])
def test_frequencies_are_those_of_all_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(lexical, "_SMALL", small)
    parts = [corpus(1)[:10], corpus(2)[:70], []]
    segments = [postings_of(part, tmp_path / str(number)) for number, part in enumerate(parts)]
    expected = Counter(term for part in parts for chunk in part for term in set(chunk))
    for count in (document_frequency(segments), vocabulary(segments)):
        assert {term: count(term) for term in [*expected, "unbekannt"]} == {**expected, "unbekannt": 0}


@pytest.mark.parametrize("width", [40, 5_000])
def test_matches_add_up_what_each_chunk_holds(tmp_path: Path, width: int) -> None:
    """In few chunks they are sorted, in many they have a place each."""
    chunks = [*compound_corpus(4, 40), *([["andere"]] * (width - 40))]
    segment = postings_of(chunks, tmp_path / "s")
    assert segment.compounds("recht").size == 3
    found, counts = segment.matches("recht")
    expected = {
        number: sum(1 if term == "recht" else 0.5 * (term.startswith("recht") or term == "wohnrecht") for term in chunk)
        for number, chunk in enumerate(chunks)
    }
    assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == {k: v for k, v in expected.items() if v}
    assert sorted(found.tolist()) == found.tolist()


def test_totals_are_those_of_the_mask(tmp_path: Path) -> None:
    postings = postings_of([["a"], ["a", "b"], ["a", "b", "c"]], tmp_path / "s")
    every, some = np.ones(3, np.bool_), np.array([True, False, True])
    for _ in range(2):
        assert (postings.totals(every), postings.totals(some)) == ((3, 6), (2, 4))


@pytest.mark.parametrize("block", [1, 7, 1_000_000])
@pytest.mark.parametrize("words", [corpus, compound_corpus])
def test_merged_postings_are_those_of_the_chunks_that_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, words: Callable[[int], list[list[str]]]
) -> None:
    monkeypatch.setattr(lexical, "_BLOCK", block)
    parts = [words(1)[:60], words(2)[:1], [], words(3)[:80]]
    stay = [np.random.default_rng(number).random(len(part)) < 0.5 for number, part in enumerate(parts)]
    kept = [
        (postings_of(part, tmp_path / str(number)), np.flatnonzero(mask))
        for number, (part, mask) in enumerate(zip(parts, stay, strict=True))
    ]
    (tmp_path / "merged").mkdir()
    merge_postings(tmp_path / "merged", kept)
    chunks = [
        chunk for part, mask in zip(parts, stay, strict=True) for chunk, alive in zip(part, mask, strict=True) if alive
    ]
    postings_of(chunks, tmp_path / "fresh")
    for file in (tmp_path / "fresh").iterdir():
        assert (tmp_path / "merged" / file.name).read_bytes() == file.read_bytes(), file.name


def test_nothing_is_merged_from_nothing(tmp_path: Path) -> None:
    empty = postings_of([["a"]], tmp_path / "s")
    (tmp_path / "merged").mkdir()
    merge_postings(tmp_path / "merged", [(empty, np.empty(0, np.int64))])
    assert list(Postings(tmp_path / "merged").terms) == []
