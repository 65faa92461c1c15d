"""A question's vector, tokens and terms -> the chunks of all segments that answer best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from index.chunking import Chunk
from index.late_interaction import NO_TOKENS, Bits, Tokens, late_scores, packed
from index.lexical import bm25
from index.segment import Segment
from index.vectors import Floats, Ints, Mask, one_thread


@dataclass(frozen=True)
class Hit:
    """A chunk found for a question.

    ``score`` orders the hits, best first; ``dense`` is the cosine in [-1, 1]; ``lexical`` the BM25 score, 0 where no
    term of the question occurs; ``late`` the score of the late interaction in [-1, 1], 0 for an embedder without
    tokens; ``neighbours`` the mean cosine of the chunks before and after it in its document, for each that is not there
    its own; ``tokens`` are the packed tokens of ``chunk.searchable``.
    """

    chunk: Chunk
    score: float
    dense: float
    lexical: float
    late: float = 0.0
    neighbours: float = 0.0
    tokens: Bits = field(default_factory=lambda: packed(NO_TOKENS), compare=False, repr=False)


class Search:
    """The search for one question; asked again with other terms it computes only what depends on them.

    Args:
        segments: All segments, for the term statistics are those of the whole index.
        allowed: ``(chunks,)`` bool for each segment; only these chunks are found.
        vector: ``(dim,)`` unit vector of the question.
        tokens: Of the question, for the late interaction.
        k: How many chunks the search by meaning and the search by words each contribute at most.
    """

    def __init__(
        self, segments: Sequence[Segment], allowed: Sequence[Mask], vector: Floats, tokens: Tokens, k: int
    ) -> None:
        self._segments, self._vector, self._tokens, self._k = segments, vector, tokens, k
        self._limits = [None if mask.all() else mask for mask in allowed]
        self._nearest = [
            segment.vectors.search(vector, k, limit)[0] for segment, limit in zip(segments, self._limits, strict=True)
        ]
        self._read: dict[_Place, _Passage] = {}

    def hits(self, terms: Iterable[str]) -> list[Hit]:
        """Return the nearest chunks by meaning and the best by words, each with all scores, in no useful order.

        Args:
            terms: Of the question, as ``german_terms`` gives them.
        """
        if not self._segments:
            return []
        with one_thread():
            return self._hits(terms)

    def _hits(self, terms: Iterable[str]) -> list[Hit]:
        postings = [segment.postings for segment in self._segments]
        lexical = bm25(postings, [segment.living_mask for segment in self._segments], terms)
        found = [self._found(place, scores) for place, scores in enumerate(lexical)]
        scored = self._overall(found)
        self._read_passages([place for place, _, _ in scored])
        return [
            Hit(passage.chunk, dense, dense, words, passage.late, passage.neighbours, passage.tokens)
            for passage, dense, words in ((self._read[place], dense, words) for place, dense, words in scored)
        ]

    def _found(self, place: int, lexical: Floats) -> tuple[Ints, Floats, Floats]:
        """Return numbers, cosines and BM25 of those among the first of one segment by meaning or by words."""
        limit = self._limits[place]
        if limit is not None:
            lexical = np.where(limit, lexical, np.float32(0))
        numbers = np.union1d(self._nearest[place], _best(lexical, self._k))
        return numbers, self._segments[place].vectors.rows(numbers) @ self._vector, lexical[numbers]

    def _overall(self, found: Sequence[tuple[Ints, Floats, Floats]]) -> list[tuple["_Place", float, float]]:
        """Of what each segment found, return what is among the first of all by meaning or by words."""
        numbers, dense, lexical = (np.concatenate(column) for column in zip(*found, strict=True))
        segments = np.repeat(np.arange(len(found)), [len(of_segment) for of_segment, _, _ in found])
        best = np.union1d(np.argsort(-dense)[: self._k], _best(lexical, self._k))
        places = zip(segments[best].tolist(), numbers[best].tolist(), strict=True)
        return list(zip(places, dense[best].tolist(), lexical[best].tolist(), strict=True))

    def _read_passages(self, places: Sequence["_Place"]) -> None:
        """Read the chunks that have not been read yet, and compare their tokens with the question's."""
        new = [place for place in places if place not in self._read]
        tokens = [next(self._segments[segment].tokens.of(np.array([number]))) for segment, number in new]
        late = late_scores(self._tokens, tokens).tolist()
        for place, score, beside, rows in zip(new, late, self._neighbours(new), tokens, strict=True):
            self._read[place] = _Passage(self._segments[place[0]].chunk(place[1]), score, beside, rows)

    def _neighbours(self, places: Sequence["_Place"]) -> list[float]:
        """Return the mean cosine of the two chunks beside each."""
        segments = [self._segments[segment] for segment, _ in places]
        beside = [segment.beside(number) for segment, (_, number) in zip(segments, places, strict=True)]
        vectors = [segment.vectors.rows(numbers) for segment, numbers in zip(segments, beside, strict=True)]
        return (np.array(vectors).mean(axis=1) @ self._vector).tolist() if places else []


_Place = tuple[int, int]
"""Number of a segment, number of a chunk in it."""


@dataclass(frozen=True)
class _Passage:
    """What a hit has whatever the terms are."""

    chunk: Chunk
    late: float
    neighbours: float
    tokens: Bits


def _best(scores: Floats, k: int) -> Ints:
    """Numbers of the ``k`` highest scores above 0.

    >>> sorted(_best(np.array([0.5, 0, 2, 1], np.float32), k=2).tolist())
    [2, 3]
    """
    found = np.flatnonzero(scores)
    return found if len(found) <= k else found[np.argpartition(scores[found], -k)[-k:]]
