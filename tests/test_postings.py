"""Postings, and the frequencies of terms over several segments, against counting by hand."""

from collections import Counter
from pathlib import Path

import numpy as np

from index.postings import document_frequency, vocabulary
from tests.postings_corpora import corpus, postings_of


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


def test_the_words_of_other_segments_split_compounds_too(tmp_path: Path) -> None:
    first = postings_of([["miet"], ["vertrag"]], tmp_path / "a")
    alone = postings_of([["mietvertrag"]], tmp_path / "b")
    beside = postings_of([["mietvertrag"]], tmp_path / "c", document_frequency([first]))
    assert alone.compounds("miet").tolist() == []
    assert beside.compounds("miet").tolist() == beside.compounds("vertrag").tolist() == [0]


def test_frequencies_are_those_of_all_segments(tmp_path: Path) -> None:
    parts = [corpus(1)[:10], corpus(2)[:70], []]
    segments = [postings_of(part, tmp_path / str(number)) for number, part in enumerate(parts)]
    expected = Counter(term for part in parts for chunk in part for term in set(chunk))
    for count in (document_frequency(segments), vocabulary(segments)):
        assert {term: count(term) for term in [*expected, "unbekannt"]} == {**expected, "unbekannt": 0}


def test_totals_are_those_of_the_mask(tmp_path: Path) -> None:
    postings = postings_of([["a"], ["a", "b"], ["a", "b", "c"]], tmp_path / "s")
    every, some = np.ones(3, np.bool_), np.array([True, False, True])
    for _ in range(2):
        assert (postings.totals(every), postings.totals(some)) == ((3, 6), (2, 4))
