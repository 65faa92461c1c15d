"""A question's vector and terms -> the chunks of all segments that answer best."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from index.chunking import Chunk
from index.lexical import bm25
from index.segment import Segment
from index.vectors import Floats, Ints, Mask


@dataclass(frozen=True)
class Hit:
    """A chunk found for a question.

    ``score`` orders the hits, best first; ``dense`` is the cosine in [-1, 1], ``lexical`` the BM25 score, 0 where no
    term of the question occurs.
    """

    chunk: Chunk
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True)
class _Candidate:
    """A chunk that one of the searches found; its text is read only if it stays among the best."""

    segment: Segment
    number: int
    dense: float
    lexical: float

    def hit(self) -> Hit:
        return Hit(self.segment.chunk(self.number), self.dense, self.dense, self.lexical)


def search_segments(
    segments: Sequence[Segment], allowed: Sequence[Mask], query: Floats, terms: Iterable[str], k: int
) -> list[Hit]:
    """Return the ``k`` nearest chunks by meaning and the ``k`` best by words, each with both scores.

    Args:
        segments: All segments, for the term statistics are those of the whole index.
        allowed: ``(chunks,)`` bool for each segment; only these chunks are found.
        query: ``(dim,)`` unit vector.
        terms: As ``german_terms`` gives them.
        k: How many chunks each of the two searches contributes at most.
    """
    lexical = bm25([segment.postings for segment in segments], [segment.living_mask for segment in segments], terms)
    found = [
        candidate
        for segment, mask, scores in zip(segments, allowed, lexical, strict=True)
        for candidate in _candidates(segment, mask, query, scores, k)
    ]
    return [candidate.hit() for candidate in _overall(found, k)]


def _candidates(segment: Segment, allowed: Mask, query: Floats, lexical: Floats, k: int) -> Iterator[_Candidate]:
    """Yield those among the first ``k`` of one segment by meaning or by words."""
    lexical = np.where(allowed, lexical, np.float32(0))
    by_meaning, _ = segment.vectors.search(query, k, None if allowed.all() else allowed)
    numbers = np.union1d(by_meaning, _best(lexical, k))
    if len(numbers):
        for number, cosine in zip(numbers.tolist(), segment.vectors.rows(numbers) @ query, strict=True):
            yield _Candidate(segment, number, float(cosine), float(lexical[number]))


def _best(scores: Floats, k: int) -> Ints:
    """Numbers of the ``k`` highest scores above 0.

    >>> sorted(_best(np.array([0.5, 0, 2, 1], np.float32), k=2).tolist())
    [2, 3]
    """
    found = np.flatnonzero(scores)
    return found if len(found) <= k else found[np.argpartition(scores[found], -k)[-k:]]


def _overall(found: Sequence[_Candidate], k: int) -> list[_Candidate]:
    """Of the candidates of all segments, those among the first ``k`` by meaning or by words."""
    by_meaning = sorted(found, key=lambda candidate: -candidate.dense)[:k]
    by_words = sorted((candidate for candidate in found if candidate.lexical > 0), key=lambda one: -one.lexical)[:k]
    return list(dict.fromkeys(chain(by_meaning, by_words)))
