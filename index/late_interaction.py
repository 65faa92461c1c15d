"""Token vectors of chunks, one bit a dimension, and how well the tokens of a question find their like among them.

A chunk's one vector blurs what its words say; compared token by token, the best match for each token of the question
counts (Khattab and Zaharia 2020, ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction
over BERT). The sign of each dimension keeps the angles (Charikar 2002, Similarity Estimation Techniques from Rounding
Algorithms), in 48 bytes for 384 dimensions. Tokens of stop words and punctuation are left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from index.arrays import read_array
from index.vectors import Floats, Ints

Bits = np.ndarray[Any, np.dtype[np.uint8]]

_BLOCK_ROWS = 1024  # which a processor's cache holds unpacked


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text that count.

    Attributes:
        vectors: ``(n, dim)`` float32, unit rows, after the mean of all tokens was taken away.
        starts: ``(n,)`` where each begins in the text, in characters.
    """

    vectors: Floats
    starts: Ints

    def __len__(self) -> int:
        return len(self.starts)


NO_TOKENS = Tokens(np.empty((0, 0), np.float32), np.empty(0, np.int64))
"""Of an embedder that gives none."""


def packed(tokens: Tokens) -> Bits:
    """Return ``(n, 4 + dim / 8)`` bytes: where each token begins, little-endian, and the signs of its vector.

    >>> packed(Tokens(np.array([[0.6, -0.8]], np.float32), np.array([258]))).tolist()
    [[2, 1, 0, 0, 128]]
    """
    starts = tokens.starts.astype("<u4").view(np.uint8).reshape(-1, 4)
    return np.hstack([starts, np.packbits(tokens.vectors > 0, axis=1)])


class TokenTable:
    """Packed tokens of a segment's chunks, memory-mapped.

    On disk: ``tokens.bin`` ``(n, width)`` bytes as ``packed`` gives them, chunk after chunk, and ``token_offsets.bin``
    ``(chunks + 1,)`` int64, where each chunk's rows begin.
    """

    def __init__(self, folder: Path) -> None:
        self.offsets: Ints = read_array(folder / "token_offsets.bin", "<i8")
        rows = int(self.offsets[-1])
        mapped = np.asarray(read_array(folder / "tokens.bin", np.uint8))
        self._rows: Bits = mapped.reshape(rows, -1) if rows else _no_rows()

    def of(self, chunks: Ints) -> Iterator[Bits]:
        """Yield the packed tokens of each chunk."""
        for first, last in zip(self.offsets[chunks].tolist(), self.offsets[chunks + 1].tolist(), strict=True):
            yield self._rows[first:last]


def _no_rows() -> Bits:
    return np.empty((0, 4), np.uint8)


def write_tokens(folder: Path, chunks: Iterable[Bits]) -> None:
    """Write what ``TokenTable`` reads, chunk by chunk, so that memory stays small."""
    offsets = [0]
    with (folder / "tokens.bin").open("wb") as file:
        for rows in chunks:
            file.write(rows.tobytes())
            offsets.append(offsets[-1] + len(rows))
    (folder / "token_offsets.bin").write_bytes(np.array(offsets, "<i8").tobytes())


@dataclass(frozen=True)
class Matches:
    """The best match of each token of a question in each passage.

    Attributes:
        cosines: ``(tokens, passages)`` float32 in [-1, 1]; 0 where the passage has no tokens.
        starts: ``(tokens, passages)``, where the matched token begins in the passage.
    """

    cosines: Floats
    starts: Ints


def best_matches(question: Tokens, passages: Sequence[Bits]) -> Matches:
    """Return for each token of the question its like in each passage.

    >>> axes = np.eye(2, dtype=np.float32) * 2 - 1  # (1, -1) and (-1, 1)
    >>> question = Tokens(axes / np.sqrt(2), np.array([0, 4]))
    >>> matches = best_matches(question, [packed(Tokens(axes, np.array([7, 9])))])
    >>> matches.cosines.round(2).tolist(), matches.starts.tolist()
    ([[1.0], [1.0]], [[7], [9]])
    """
    shape = len(question), len(passages)
    matches = Matches(np.zeros(shape, np.float32), np.zeros(shape, np.int64))
    filled = [number for number, rows in enumerate(passages) if len(rows)]
    if filled and len(question):
        rows = np.concatenate([passages[number] for number in filled])
        cosines, starts, first = _cosines(question.vectors, rows), _starts(rows), 0
        for number in filled:
            last = first + len(passages[number])
            best = cosines[:, first:last].argmax(axis=1)
            matches.cosines[:, number] = cosines[np.arange(len(question)), first + best]
            matches.starts[:, number] = starts[first + best]
            first = last
    return matches


def late_scores(question: Tokens, passages: Sequence[Bits]) -> Floats:
    """Return for each passage the mean, over the question's tokens, of the best cosine among its tokens.

    ``(passages,)`` float32 in [-1, 1]; 0 where the question or the passage has no tokens.

    >>> axes = np.eye(2, dtype=np.float32) * 2 - 1  # (1, -1) and (-1, 1)
    >>> question = Tokens(axes / np.sqrt(2), np.array([0, 4]))
    >>> first, second = (packed(Tokens(axes[[n]], np.array([0]))) for n in (0, 1))
    >>> late_scores(question, [first, np.vstack([first, second]), _no_rows()]).round(2).tolist()
    [0.0, 1.0, 0.0]
    """
    scores = np.zeros(len(passages), np.float32)
    filled = [number for number, rows in enumerate(passages) if len(rows)]
    if filled and len(question):
        cosines = _cosines(question.vectors, np.concatenate([passages[number] for number in filled]))
        starts = np.cumsum([0, *(len(passages[number]) for number in filled[:-1])])
        scores[filled] = np.maximum.reduceat(cosines, starts, axis=1).mean(axis=0)
    return scores


def sentence_scores(question: Tokens, passage: Bits, bounds: Sequence[int]) -> Floats:
    """Return what ``late_scores`` gives for each part of a passage that begins at one of the bounds.

    Args:
        question: Its tokens.
        passage: Packed tokens, in the order of the text.
        bounds: Where each part begins, in characters of the text, ascending; what is before the first is left out.
    """
    cuts = [*np.searchsorted(_starts(passage), bounds), len(passage)]
    return late_scores(question, [passage[first:last] for first, last in pairwise(cuts)])


def _starts(passages: Bits) -> Ints:
    starts: Ints = np.ascontiguousarray(passages[:, :4]).view("<u4").ravel().astype(np.int64)
    return starts


def _cosines(vectors: Floats, passages: Bits) -> Floats:
    """``(question tokens, passage tokens)``: the values added up, each turned in sign where the passage's bit is 0."""
    dimension = vectors.shape[1]
    sums = np.empty((len(passages), len(vectors)), np.float32)  # of the values where the bit is 1
    for start in range(0, len(passages), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        bits = np.unpackbits(passages[block, 4:], axis=1, count=dimension)
        np.matmul(bits.astype(np.float32), vectors.T, out=sums[block])
    cosines: Floats = (2 * sums.T - vectors.sum(axis=1, keepdims=True)) / np.float32(np.sqrt(dimension))
    return cosines
