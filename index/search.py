"""A question's vector and terms -> the chunks of all segments that answer best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from index.chunking import Chunk
from index.late_interaction import NO_TOKENS, Bits, Tokens, late_scores, packed
from index.lexical import bm25
from index.segment import Segment
from index.vectors import Floats, Ints, Mask


@dataclass(frozen=True)
class Hit:
    """A chunk found for a question.

    ``score`` orders the hits, best first; ``dense`` is the cosine in [-1, 1]; ``lexical`` the BM25 score, 0 where no
    term of the question occurs; ``late`` the score of the late interaction in [-1, 1], 0 for an embedder without
    tokens; ``tokens`` are the packed tokens of ``chunk.searchable``.
    """

    chunk: Chunk
    score: float
    dense: float
    lexical: float
    late: float = 0.0
    tokens: Bits = field(default_factory=lambda: packed(NO_TOKENS), compare=False, repr=False)


_Found = tuple[Ints, Floats, Floats]
"""Numbers, cosines and BM25 scores of chunks of one segment."""


@dataclass(frozen=True)
class Query:
    """What a question is searched by.

    Attributes:
        vector: ``(dim,)`` unit vector.
        terms: As ``german_terms`` gives them.
        tokens: For the late interaction.
    """

    vector: Floats
    terms: Iterable[str]
    tokens: Tokens = NO_TOKENS


@dataclass(frozen=True)
class _Candidate:
    """A chunk that one of the searches found; its text is read only if it stays among the best."""

    segment: Segment
    number: int
    dense: float
    lexical: float


def search_segments(segments: Sequence[Segment], allowed: Sequence[Mask], query: Query, k: int) -> list[Hit]:
    """Return the ``k`` nearest chunks by meaning and the ``k`` best by words, each with all scores.

    Args:
        segments: All segments, for the term statistics are those of the whole index.
        allowed: ``(chunks,)`` bool for each segment; only these chunks are found.
        query: What to look for.
        k: How many chunks each of the two searches contributes at most.
    """
    lexical = bm25(
        [segment.postings for segment in segments], [segment.living_mask for segment in segments], query.terms
    )
    found = [
        _found(segment, mask, query.vector, scores, k)
        for segment, mask, scores in zip(segments, allowed, lexical, strict=True)
    ]
    return _hits(_overall(segments, found, k), query.tokens) if found else []


def _hits(candidates: Sequence[_Candidate], tokens: Tokens) -> list[Hit]:
    passages = [rows for one in candidates for rows in one.segment.tokens.of(np.array([one.number]))]
    return [
        Hit(one.segment.chunk(one.number), one.dense, one.dense, one.lexical, late, of_chunk)
        for one, late, of_chunk in zip(candidates, late_scores(tokens, passages).tolist(), passages, strict=True)
    ]


def _found(segment: Segment, allowed: Mask, query: Floats, lexical: Floats, k: int) -> _Found:
    """Return those among the first ``k`` of one segment by meaning or by words."""
    everything = bool(allowed.all())
    if not everything:
        lexical = np.where(allowed, lexical, np.float32(0))
    by_meaning, _ = segment.vectors.search(query, k, None if everything else allowed)
    numbers = np.union1d(by_meaning, _best(lexical, k))
    return numbers, segment.vectors.rows(numbers) @ query, lexical[numbers]


def _best(scores: Floats, k: int) -> Ints:
    """Numbers of the ``k`` highest scores above 0.

    >>> sorted(_best(np.array([0.5, 0, 2, 1], np.float32), k=2).tolist())
    [2, 3]
    """
    found = np.flatnonzero(scores)
    return found if len(found) <= k else found[np.argpartition(scores[found], -k)[-k:]]


def _overall(segments: Sequence[Segment], found: Sequence[_Found], k: int) -> list[_Candidate]:
    """Of what each segment found, return what is among the first ``k`` of all by meaning or by words."""
    numbers, dense, lexical = (np.concatenate(column) for column in zip(*found, strict=True))
    places = np.repeat(np.arange(len(segments)), [len(of_segment) for of_segment, _, _ in found])
    best = np.union1d(np.argsort(-dense)[:k], _best(lexical, k))
    columns = (column[best].tolist() for column in (places, numbers, dense, lexical))
    return [_Candidate(segments[place], *scored) for place, *scored in zip(*columns, strict=True)]
