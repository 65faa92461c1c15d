"""Postings of several segments -> those of one, without removed chunks and in bounded memory."""

from collections.abc import Iterator, Sequence
from itertools import compress, count
from pathlib import Path

import numpy as np

from index.compounds import Count
from index.postings import Counts, Postings, Rows, write_postings
from index.ranges import bounds, numbers_between
from index.vectors import Ints, Mask

_BLOCK = 2_000_000  # postings held in memory at once


def merge_postings(folder: Path, kept: Sequence[tuple[Postings, Ints]], elsewhere: Count | None = None) -> None:
    """Write the postings of some chunks of several segments as one segment's.

    Args:
        folder: Of the merged segment.
        kept: Each segment with the numbers of the chunks that stay, ascending; they are numbered on in this order.
        elsewhere: As for ``write_postings``.

    >>> import tempfile
    >>> from index.postings import count_terms
    >>> with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as merged:
    ...     write_postings(Path(one), count_terms([["rhein"], ["haus"], ["haus", "rhein"]]))
    ...     merge_postings(Path(merged), [(Postings(Path(one)), np.array([0, 2]))])
    ...     [array.tolist() for array in Postings(Path(merged)).of("rhein")]
    [[0, 1], [1, 1]]
    """
    firsts = np.cumsum([0, *(len(chunks) for _, chunks in kept)])
    sources = [_Source(postings, chunks, first) for (postings, chunks), first in zip(kept, firsts[:-1], strict=True)]
    terms = sorted({term for source in sources for term in source.terms()})
    targets = _numbered(terms, sources)
    sizes = np.zeros(len(terms), np.int64)
    for source, target in zip(sources, targets, strict=True):
        sizes[target] += source.sizes
    offsets = bounds(sizes)
    rows = (_merged_rows(sources, targets, offsets, first, end) for first, end in _blocks(offsets))
    lengths = np.concatenate([postings.lengths[chunks] for postings, chunks in kept])
    write_postings(folder, Counts(terms, offsets, rows, lengths), elsewhere)


class _Source:
    """What stays of a segment: ``sizes`` rows of each of its terms, in ``rows`` between ``starts`` and ``ends``."""

    def __init__(self, postings: Postings, chunks: Ints, first: int) -> None:
        self.rows = postings.rows
        self.new_numbers = np.full(len(postings.lengths), -1, np.int32)  # of chunks; -1 for one that goes
        self.new_numbers[chunks] = np.arange(first, first + len(chunks))
        sizes = _sizes(postings, self.new_numbers >= 0)
        self._terms, self._held = postings.terms, sizes > 0
        self.sizes = sizes[self._held]
        self.starts, self.ends = postings.offsets[:-1][self._held], postings.offsets[1:][self._held]

    def terms(self) -> Iterator[str]:
        """Yield the terms that stay, sorted."""
        return compress(self._terms, self._held.tolist())


def _sizes(postings: Postings, stays: Mask) -> Ints:
    """Return how many rows of each term stay."""
    sizes = np.zeros(len(postings.terms), np.int64)
    for first, end in _blocks(postings.offsets):
        places = postings.offsets[first : end + 1]
        staying = bounds(stays[postings.rows[places[0] : places[-1], 0]])
        sizes[first:end] = np.diff(staying[places - places[0]])
    return sizes


def _numbered(terms: Sequence[str], sources: Sequence[_Source]) -> list[Ints]:
    """Return the number among all terms of each term of each source."""
    numbers = dict(zip(terms, count()))
    return [np.fromiter(map(numbers.__getitem__, source.terms()), np.int64) for source in sources]


def _merged_rows(sources: Sequence[_Source], targets: Sequence[Ints], offsets: Ints, first: int, end: int) -> Rows:
    """Return the rows of the merged terms from ``first`` to ``end``."""
    merged = np.empty((offsets[end] - offsets[first], 2), np.int32)
    free = offsets[first:end] - offsets[first]
    for source, target in zip(sources, targets, strict=True):
        start, stop = np.searchsorted(target, [first, end])
        if start == stop:
            continue
        rows = source.rows[source.starts[start] : source.ends[stop - 1]]
        chunks = source.new_numbers[rows[:, 0]]
        own, sizes = target[start:stop] - first, source.sizes[start:stop]
        places = numbers_between(free[own], free[own] + sizes)
        merged[places, 0], merged[places, 1] = chunks[chunks >= 0], rows[chunks >= 0, 1]
        free[own] += sizes
    return merged


def _blocks(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Yield runs of terms that have at most ``_BLOCK`` postings together, or are a single term.

    >>> list(_blocks(np.array([0, 1_500_000, 1_900_000, 5_000_000])))
    [(0, 2), (2, 3)]
    """
    first, end = 0, len(offsets) - 1
    while first < end:
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK, "right")) - 1
        yield first, (first := min(end, max(first + 1, last)))
