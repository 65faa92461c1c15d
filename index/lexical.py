"""Terms of chunks on disk and BM25 over them.

The postings of each segment are kept as counts, not as finished scores, so that document frequencies are those of the
whole index however many segments it has, and adding or removing documents rewrites nothing.
"""

import mmap
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, compress, count
from pathlib import Path
from typing import Any

import numpy as np

from index.arrays import read_array, write_array
from index.compounds import Count, Splitter
from index.vectors import Floats, Ints, Mask

K1, B = 1.5, 0.75
COMPOUND_WEIGHT = 0.5  # what a compound counts for a word that is part of it
PART_WEIGHT = 0.4  # what a part counts in a question for a compound
_BLOCK = 2_000_000  # postings held in memory by a merge
_SMALL = 100_000  # terms read at once where many are looked up

Rows = np.ndarray[Any, np.dtype[np.int32]]


class Postings:
    """For every term of a segment the chunks that hold it, and how often; for every part of a compound its compounds.

    On disk, terms and parts sorted by code points:

    - ``terms.txt`` (one a line) with ``term_offsets.bin`` ``(terms + 1,)`` int64, where each line begins;
    - ``posting_offsets.bin`` ``(terms + 1,)`` int64 and ``postings.bin`` ``(n, 2)`` int32 with rows (chunk, count)
      sorted by term, then chunk;
    - ``lengths.bin`` ``(chunks,)`` int32 with the number of terms;
    - ``parts.txt`` with ``part_offsets.bin`` as for terms, ``compound_offsets.bin`` ``(parts + 1,)`` int64 and
      ``compounds.bin`` ``(m,)`` int32 with the numbers of the terms that hold each part, ascending.
    """

    def __init__(self, folder: Path) -> None:
        self.terms = _Lines(folder / "terms.txt", folder / "term_offsets.bin")
        self.offsets: Ints = np.asarray(read_array(folder / "posting_offsets.bin", "<i8"))
        self.rows: Rows = np.asarray(read_array(folder / "postings.bin", "<i4").reshape(-1, 2))
        self.lengths: Rows = np.asarray(read_array(folder / "lengths.bin", "<i4"))
        self._parts = _Lines(folder / "parts.txt", folder / "part_offsets.bin")
        self._compound_offsets = np.asarray(read_array(folder / "compound_offsets.bin", "<i8"))
        self._compounds = np.asarray(read_array(folder / "compounds.bin", "<i4"))
        self._totals: tuple[Mask, int, int] | None = None

    def frequency(self, term: str) -> int:
        """Return the number of chunks that hold the term, removed ones too."""
        number = self.terms.number(term)
        return 0 if number is None else int(self.offsets[number + 1] - self.offsets[number])

    def of(self, term: str) -> tuple[Rows, Rows]:
        """Return the chunks that hold the term, and the counts; both empty for an unknown term."""
        number = self.terms.number(term)
        rows = self.rows[:0] if number is None else self.rows[self.offsets[number] : self.offsets[number + 1]]
        return rows[:, 0], rows[:, 1]

    def compounds(self, part: str) -> Ints:
        """Return the numbers of the terms that hold the part."""
        number = self._parts.number(part)
        if number is None:
            return np.empty(0, np.int64)
        found = self._compounds[self._compound_offsets[number] : self._compound_offsets[number + 1]]
        return found.astype(np.int64)

    def matches(self, term: str) -> tuple[Ints, Floats]:
        """Return the chunks that hold the term or a compound with it, and the counts, those of compounds weighted."""
        chunks, counts = self.of(term)
        compounds = self.compounds(term)
        if not len(compounds):
            return chunks.astype(np.int64), counts.astype(np.float32)
        places = _ranges(self.offsets[compounds], self.offsets[compounds + 1])
        rows = self.rows.view("<i8")[places].view("<i4")  # a row as one number is taken four times as fast
        return _summed(
            np.concatenate([chunks, rows[:, 0]]),
            np.concatenate([counts.astype(np.float32), rows[:, 1] * np.float32(COMPOUND_WEIGHT)]),
            len(self.lengths),
        )

    def totals(self, living: Mask) -> tuple[int, int]:
        """Return how many chunks live and how many terms they have; remembered for this mask, which must not change."""
        known = self._totals
        if known is None or known[0] is not living:
            known = (living, int(np.count_nonzero(living)), int(self.lengths[living].sum()))
            self._totals = known
        return known[1:]


class _Lines:
    """Sorted lines in a memory-mapped file, found by binary search."""

    def __init__(self, text: Path, offsets: Path) -> None:
        self._text: bytes | mmap.mmap = b""
        if text.stat().st_size:  # an empty file cannot be mapped
            with text.open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._offsets = np.asarray(read_array(offsets, "<i8")).data

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._text[:].decode("utf-8", "surrogatepass").split("\n")[:-1])

    def number(self, line: str) -> int | None:
        """Return which line it is, from 0; None where there is none like it."""
        wanted = line.encode("utf-8", "surrogatepass")
        number = bisect_left(range(len(self)), wanted, key=self._line)
        return number if number < len(self) and self._line(number) == wanted else None

    def _line(self, number: int) -> bytes:
        return self._text[self._offsets[number] : self._offsets[number + 1] - 1]


def _write_lines(text: Path, offsets: Path, lines: Sequence[str]) -> None:
    encoded = [f"{line}\n".encode("utf-8", "surrogatepass") for line in lines]
    text.write_bytes(b"".join(encoded))
    write_array(offsets, _bounds(np.fromiter(map(len, encoded), np.int64, len(encoded))), "<i8")


@dataclass(frozen=True)
class Counts:
    """Terms of some chunks, sorted; the rows (chunk, count) of term ``i`` are ``rows[offsets[i] : offsets[i + 1]]``."""

    terms: list[str]
    offsets: Ints
    rows: Rows
    lengths: Ints


def count_terms(chunks: Iterable[Sequence[str]]) -> Counts:
    """Count the terms of each chunk.

    >>> counts = count_terms([["rhein", "haus", "rhein"], ["haus"]])
    >>> counts.terms, counts.offsets.tolist(), counts.rows.tolist(), counts.lengths.tolist()
    (['haus', 'rhein'], [0, 2, 3], [[0, 1], [1, 1], [0, 2]], [3, 1])
    """
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    lengths, occurrences = array("q"), array("q")
    for terms in chunks:
        lengths.append(len(terms))
        occurrences.extend(map(numbers.__getitem__, terms))
    sorted_terms = sorted(numbers)
    ranks = np.empty(len(numbers), np.int64)
    ranks[[numbers[term] for term in sorted_terms]] = np.arange(len(numbers))
    width = max(1, len(lengths))
    chunk_numbers = np.repeat(np.arange(len(lengths)), lengths)
    keys, counts = np.unique(ranks[np.array(occurrences)] * width + chunk_numbers, return_counts=True)
    offsets = np.searchsorted(keys, np.arange(len(numbers) + 1) * width)
    rows = np.column_stack([keys % width, counts]).astype(np.int32)
    return Counts(sorted_terms, offsets, rows, np.array(lengths, np.int64))


def write_postings(folder: Path, counts: Counts, elsewhere: Count | None = None) -> None:
    """Write what ``Postings`` reads.

    Args:
        folder: Of the segment.
        counts: Of its chunks.
        elsewhere: In how many chunks of the index's other segments a term occurs; more words split more compounds.
    """
    with (folder / "postings.bin").open("wb") as file:
        file.write(counts.rows.astype("<i4").tobytes())
    _write_terms(folder, counts.terms, counts.offsets, counts.lengths, elsewhere)


def merge_postings(folder: Path, kept: Sequence[tuple[Postings, Ints]], elsewhere: Count | None = None) -> None:
    """Write the postings of some chunks of several segments as one segment's, in bounded memory.

    Args:
        folder: Of the merged segment.
        kept: Each segment with the numbers of the chunks that stay, ascending; they are numbered on in this order.
        elsewhere: As for ``write_postings``.
    """
    firsts = np.cumsum([0, *(len(chunks) for _, chunks in kept)])
    sources = [_Source(postings, chunks, first) for (postings, chunks), first in zip(kept, firsts[:-1], strict=True)]
    terms = sorted({term for source in sources for term in source.terms()})
    targets = _numbered(terms, sources)
    sizes = np.zeros(len(terms), np.int64)
    for source, target in zip(sources, targets, strict=True):
        sizes[target] += source.sizes
    offsets = _bounds(sizes)
    with (folder / "postings.bin").open("wb") as file:
        for first, end in _blocks(offsets):
            file.write(_merged_rows(sources, targets, offsets, first, end).astype("<i4").tobytes())
    lengths = np.concatenate([postings.lengths[chunks] for postings, chunks in kept])
    _write_terms(folder, terms, offsets, lengths, elsewhere)


class _Source:
    """What stays of a segment: ``sizes`` rows of each of its terms, in ``rows`` between ``starts`` and ``ends``."""

    def __init__(self, postings: Postings, chunks: Ints, first: int) -> None:
        self.rows = postings.rows
        self.new_numbers = np.full(len(postings.lengths), -1, np.int32)  # of chunks; -1 for one that goes
        self.new_numbers[chunks] = np.arange(first, first + len(chunks))
        sizes = np.zeros(len(postings.terms), np.int64)
        for start, end in _blocks(postings.offsets):
            bounds = postings.offsets[start : end + 1]
            stays = _bounds(self.new_numbers[postings.rows[bounds[0] : bounds[-1], 0]] >= 0)
            sizes[start:end] = np.diff(stays[bounds - bounds[0]])
        self._terms, self._held = postings.terms, sizes > 0
        self.sizes = sizes[self._held]
        self.starts, self.ends = postings.offsets[:-1][self._held], postings.offsets[1:][self._held]

    def terms(self) -> Iterator[str]:
        """Yield the terms that stay, sorted."""
        return compress(self._terms, self._held.tolist())


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
        places = _ranges(free[own], free[own] + sizes)
        merged[places, 0], merged[places, 1] = chunks[chunks >= 0], rows[chunks >= 0, 1]
        free[own] += sizes
    return merged


def _write_terms(
    folder: Path, terms: Sequence[str], offsets: Ints, lengths: "np.ndarray[Any, Any]", elsewhere: Count | None
) -> None:
    """Write all but ``postings.bin``."""
    _write_lines(folder / "terms.txt", folder / "term_offsets.bin", terms)
    write_array(folder / "posting_offsets.bin", offsets, "<i8")
    write_array(folder / "lengths.bin", lengths, "<i4")
    frequencies = dict(zip(terms, np.diff(offsets).tolist(), strict=True))
    compounds = _compounds(terms, _added(frequencies, elsewhere))
    _write_lines(folder / "parts.txt", folder / "part_offsets.bin", list(compounds))
    sizes = np.fromiter(map(len, compounds.values()), np.int64, len(compounds))
    write_array(folder / "compound_offsets.bin", _bounds(sizes), "<i8")
    numbers = np.fromiter(chain.from_iterable(compounds.values()), np.int32, int(sizes.sum()))
    write_array(folder / "compounds.bin", numbers, "<i4")


def _added(frequencies: Mapping[str, int], elsewhere: Count | None) -> Count:
    if elsewhere is None:
        return frequencies.get
    return lambda term: frequencies.get(term, 0) + (elsewhere(term) or 0)


def _compounds(terms: Sequence[str], count: Count) -> dict[str, Sequence[int]]:
    """Return for each part, sorted, the numbers of the terms that hold it.

    >>> compounds = _compounds(["haus", "hausrecht", "recht", "wahlrecht"], {"haus": 2, "recht": 9, "wahl": 1}.get)
    >>> {part: list(numbers) for part, numbers in compounds.items()}
    {'haus': [1], 'recht': [1, 3], 'wahl': [3]}
    """
    splitter = Splitter(count)
    compounds: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
    for number, term in enumerate(terms):
        for part in splitter.split(term):
            compounds[part].append(number)
    return {part: compounds[part] for part in sorted(compounds)}


def document_frequency(segments: Sequence[Postings]) -> Count:
    """Return a function that tells in how many chunks of these segments a term occurs, removed ones too."""

    @lru_cache(maxsize=100_000)
    def frequency(term: str) -> int:
        return sum(postings.frequency(term) for postings in segments)

    return frequency


def vocabulary(segments: Sequence[Postings]) -> Count:
    """Return the same function for many calls, the ``elsewhere`` of a writer: the terms of small segments are read."""
    known: Counter[str] = Counter()
    for postings in segments:
        if len(postings.terms) <= _SMALL:
            known.update(dict(zip(postings.terms, np.diff(postings.offsets).tolist(), strict=True)))
    in_large = document_frequency([postings for postings in segments if len(postings.terms) > _SMALL])
    return lambda term: known[term] + (in_large(term) or 0)


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
    """
    totals = [postings.totals(mask) for postings, mask in zip(segments, living, strict=True)]
    number = sum(chunks for chunks, _ in totals)
    mean_length = max(sum(length for _, length in totals) / max(1, number), 1e-9)
    scores = [np.zeros(len(postings.lengths), np.float32) for postings in segments]
    for term, weight in _weights(terms, segments).items():
        found = [postings.matches(term) for postings in segments]
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


def _bounds(sizes: "np.ndarray[Any, Any]") -> Ints:
    """Return where runs of these sizes begin and end: ``(n + 1,)``."""
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _ranges(starts: Ints, ends: Ints) -> Ints:
    """Return the numbers of all ranges one after the other.

    >>> _ranges(np.array([5, 0]), np.array([7, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    bounds = _bounds(ends - starts)
    return np.arange(bounds[-1]) + np.repeat(starts - bounds[:-1], ends - starts)


def _blocks(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Yield runs of terms that have at most ``_BLOCK`` postings together, or are a single term."""
    first, end = 0, len(offsets) - 1
    while first < end:
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK, "right")) - 1
        yield first, (first := min(end, max(first + 1, last)))


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
