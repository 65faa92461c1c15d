"""BM25 over the postings of all segments, where a compound counts for its parts and a part for its compound."""

from collections.abc import Iterable, Sequence

import numpy as np

from index.compounds import Splitter
from index.postings import Postings, Rows, document_frequency
from index.ranges import numbers_between
from index.vectors import Floats, Ints, Mask

K1, B = 1.5, 0.75
COMPOUND_WEIGHT = 0.5  # what a compound counts for a word that is part of it
PART_WEIGHT = 0.4  # what a part counts in a question for a compound


def bm25(segments: Sequence[Postings], living: Sequence[Mask], terms: Iterable[str]) -> list[Floats]:
    """Score every chunk of every segment against the question's terms, each term once; 0 where none occurs.

    Sum over terms of ``weight * idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length))`` with
    ``idf = ln(1 + (N - df + 0.5) / (df + 0.5))`` over the whole index (Robertson and Zaragoza 2009, The Probabilistic
    Relevance Framework; idf as in Lucene).

    A compound counts for each of its parts: its tf is added, times ``COMPOUND_WEIGHT``, to the part's own, and df
    counts the chunks with the one or the other, as if they were one word. A question's terms have weight 1, and the
    parts of its compounds are terms too, of weight ``PART_WEIGHT``.

    Args:
        segments: All of the index.
        living: ``(chunks,)`` bool for each; only these chunks count in N, df and the mean length. The same array must
            not change between two calls.
        terms: Of the question.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from index.postings import count_terms, write_postings
    >>> with TemporaryDirectory() as folder:
    ...     write_postings(Path(folder), count_terms([["rhein", "dom"], ["dom", "dom"]]))
    ...     [scores] = bm25([Postings(Path(folder))], [np.array([True, True])], ["rhein"])
    >>> [f"{score:.4f}" for score in scores]  # ln(1 + 1.5 / 1.5) * 1 * 2.5 / (1 + 1.5 * 1)
    ['0.6931', '0.0000']
    """
    totals = [postings.totals(mask) for postings, mask in zip(segments, living, strict=True)]
    number = sum(chunks for chunks, _ in totals)
    mean_length = max(sum(length for _, length in totals) / max(1, number), 1e-9)
    scores = [np.zeros(len(postings.lengths), np.float32) for postings in segments]
    for term, weight in _weights(terms, segments).items():
        found = [matches(postings, term) for postings in segments]
        frequency = sum(int(np.count_nonzero(mask[chunks])) for mask, (chunks, _) in zip(living, found, strict=True))
        idf = np.log(1 + (number - frequency + 0.5) / (frequency + 0.5))
        for segment_scores, postings, (chunks, tf) in zip(scores, segments, found, strict=True):
            lengths = postings.lengths[chunks].astype(np.float32)
            norm = lengths * np.float32(K1 * B / mean_length) + np.float32(K1 * (1 - B))
            segment_scores[chunks] += np.float32(weight * idf * (K1 + 1)) * tf / (tf + norm)
    return scores


def _weights(terms: Iterable[str], segments: Sequence[Postings]) -> dict[str, float]:
    """Return the question's terms and their parts with their weights."""
    weights = dict.fromkeys(terms, 1.0)
    splitter = Splitter(document_frequency(segments))
    for part in [part for term in weights for part in splitter.split(term)]:
        weights.setdefault(part, PART_WEIGHT)
    return weights


def matches(postings: Postings, term: str) -> tuple[Ints, Floats]:
    """Return the chunks that hold the term or a compound with it, and the counts, those of compounds weighted.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from index.postings import count_terms, write_postings
    >>> with TemporaryDirectory() as folder:
    ...     write_postings(Path(folder), count_terms([["mietrecht", "miet"], ["recht"]]))
    ...     [part.tolist() for part in matches(Postings(Path(folder)), "recht")]
    [[0, 1], [0.5, 1.0]]
    """
    chunks, counts = postings.of(term)
    compounds = postings.compounds(term)
    if not len(compounds):
        return chunks.astype(np.int64), counts.astype(np.float32)
    places = numbers_between(postings.offsets[compounds], postings.offsets[compounds + 1])
    rows = postings.rows.view("<i8")[places].view("<i4")  # a row as one number is taken four times as fast
    return _summed(
        np.concatenate([chunks, rows[:, 0]]),
        np.concatenate([counts.astype(np.float32), rows[:, 1] * np.float32(COMPOUND_WEIGHT)]),
        len(postings.lengths),
    )


def _summed(chunks: Rows, counts: Floats, width: int) -> tuple[Ints, Floats]:
    """Add up the counts of each chunk below ``width``.

    >>> [array.tolist() for array in _summed(np.array([3, 1, 3], np.int32), np.array([1, 1, 0.5], np.float32), 5)]
    [[1, 3], [1.0, 1.5]]
    """
    if len(chunks) * 128 < width:  # then sorting is faster than a place for every chunk
        found, places = np.unique(chunks.astype(np.int64), return_inverse=True)
        return found, np.bincount(places, counts).astype(np.float32)
    sums = np.bincount(chunks, counts, width)
    found = np.flatnonzero(sums > 0)
    return found, sums[found].astype(np.float32)
