"""Terms of chunks on disk and BM25 over them.

The postings of each segment are kept as counts, not as finished scores, so that document frequencies are those of the
whole index however many segments it has, and adding or removing documents rewrites nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from index.arrays import read_array, write_array
from index.vectors import Floats, Ints, Mask

K1, B = 1.5, 0.75


class Postings:
    """For every term of a segment the chunks that hold it, and how often.

    On disk: ``terms.txt`` (one a line), ``posting_offsets.bin`` ``(terms + 1,)`` int64 and ``postings.bin``
    ``(n, 2)`` int32 with rows (chunk, count) sorted by term, then chunk; ``lengths.bin`` ``(chunks,)`` int32 with the
    number of terms.
    """

    def __init__(self, folder: Path) -> None:
        self._terms_file = folder / "terms.txt"
        self._offsets = read_array(folder / "posting_offsets.bin", "<i8")
        self._postings = read_array(folder / "postings.bin", "<i4").reshape(-1, 2)
        self.lengths: Ints = read_array(folder / "lengths.bin", "<i4")
        self._numbers = self._read_numbers()

    def _read_numbers(self) -> dict[str, int]:
        text = self._terms_file.read_text("utf-8", "surrogatepass")
        return {term: number for number, term in enumerate(text.split("\n")[:-1])}

    def of(self, term: str) -> tuple[Ints, Ints]:
        """Return the chunks that hold the term, and the counts; both empty for an unknown term."""
        number = self._numbers.get(term)
        if number is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        rows = self._postings[self._offsets[number] : self._offsets[number + 1]]
        return rows[:, 0], rows[:, 1]

    def triples(self) -> tuple[list[str], Ints]:
        """Return all terms, and ``(n, 3)`` rows (term number, chunk, count): the form in which segments are merged."""
        numbers = np.repeat(np.arange(len(self._numbers)), np.diff(self._offsets))
        return list(self._numbers), np.column_stack([numbers, self._postings]).astype(np.int64)


def count_terms(chunks: Iterable[Sequence[str]]) -> tuple[list[str], Ints, Ints]:
    """Count the terms of each chunk: the terms, rows (term number, chunk, count), and each chunk's length.

    >>> terms, rows, lengths = count_terms([["haus", "rhein", "haus"], ["rhein"]])
    >>> terms, rows.tolist(), lengths.tolist()
    (['haus', 'rhein'], [[0, 0, 2], [1, 0, 1], [1, 1, 1]], [3, 1])
    """
    numbers: dict[str, int] = {}
    rows, lengths = [], []
    for chunk, terms in enumerate(chunks):
        lengths.append(len(terms))
        rows += [(numbers.setdefault(term, len(numbers)), chunk, n) for term, n in Counter(terms).items()]
    return list(numbers), np.array(rows, np.int64).reshape(-1, 3), np.array(lengths, np.int64)


def write_postings(folder: Path, terms: list[str], rows: Ints, lengths: Ints) -> None:
    """Write what ``Postings`` reads; ``rows`` is ``(n, 3)`` (term number, chunk, count) in any order."""
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    offsets = np.searchsorted(rows[:, 0], np.arange(len(terms) + 1))
    (folder / "terms.txt").write_bytes("".join(f"{term}\n" for term in terms).encode("utf-8", "surrogatepass"))
    write_array(folder / "posting_offsets.bin", offsets, "<i8")
    write_array(folder / "postings.bin", rows[:, 1:], "<i4")
    write_array(folder / "lengths.bin", lengths, "<i4")


def bm25(segments: Sequence[Postings], living: Sequence[Mask], terms: Iterable[str]) -> list[Floats]:
    """Score every chunk of every segment against the question's terms, each term once; 0 where none occurs.

    Sum over terms of ``idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length))`` with
    ``idf = ln(1 + (N - df + 0.5) / (df + 0.5))`` over the whole index (Robertson and Zaragoza 2009, The Probabilistic
    Relevance Framework; idf as in Lucene).

    Args:
        segments: All of the index.
        living: ``(chunks,)`` bool for each; only these chunks count in N, df and the mean length.
        terms: Of the question.
    """
    count = sum(int(mask.sum()) for mask in living)
    total_length = sum(int(postings.lengths[mask].sum()) for postings, mask in zip(segments, living, strict=True))
    mean_length = max(total_length / max(1, count), 1e-9)
    scores = [np.zeros(len(postings.lengths), np.float32) for postings in segments]
    for term in dict.fromkeys(terms):
        found = [postings.of(term) for postings in segments]
        frequency = sum(int(mask[chunks].sum()) for mask, (chunks, _) in zip(living, found, strict=True))
        idf = np.log(1 + (count - frequency + 0.5) / (frequency + 0.5))
        for segment_scores, postings, (chunks, tf) in zip(scores, segments, found, strict=True):
            norm = K1 * (1 - B + B * postings.lengths[chunks] / mean_length)
            segment_scores[chunks] += (idf * tf * (K1 + 1) / (tf + norm)).astype(np.float32)
    return scores
