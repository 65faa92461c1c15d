"""Postings of a segment on disk: the terms of its chunks, and the compounds among the terms.

Kept are counts, not finished scores, so that document frequencies are those of the whole index however many segments
it has, and adding or removing documents rewrites nothing.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from index.arrays import read_array, write_array
from index.compounds import Count, Splitter
from index.ranges import bounds
from index.sorted_lines import SortedLines, write_lines
from index.vectors import Ints, Mask

Rows = np.ndarray[Any, np.dtype[np.int32]]


class Postings:
    """For every term of a segment the chunks that hold it, and how often; for every part of a compound its compounds.

    On disk, terms and parts sorted by code points:

    - ``SortedLines`` of the terms, ``terms``, and of the parts, ``parts``;
    - ``posting_offsets.bin`` ``(terms + 1,)`` int64 and ``postings.bin`` ``(n, 2)`` int32 with rows (chunk, count)
      sorted by term, then chunk;
    - ``lengths.bin`` ``(chunks,)`` int32 with the number of terms;
    - ``compound_offsets.bin`` ``(parts + 1,)`` int64 and
      ``compounds.bin`` ``(m,)`` int32 with the numbers of the terms that hold each part, ascending.
    """

    def __init__(self, folder: Path) -> None:
        self.terms = SortedLines(folder, "terms")
        self.offsets: Ints = read_array(folder / "posting_offsets.bin", "<i8")
        self.rows: Rows = read_array(folder / "postings.bin", "<i4").reshape(-1, 2)
        self.lengths: Rows = read_array(folder / "lengths.bin", "<i4")
        self._parts = SortedLines(folder, "parts")
        self._compound_offsets = read_array(folder / "compound_offsets.bin", "<i8")
        self._compounds = read_array(folder / "compounds.bin", "<i4")
        self._totals: tuple[Mask, int, int] | None = None

    def frequency(self, term: str) -> int:
        """Return the number of chunks that hold the term, removed ones too."""
        number = self.terms.number(term)
        return 0 if number is None else int(self.offsets[number + 1] - self.offsets[number])

    @cached_property
    def frequencies(self) -> dict[str, int]:
        """Return what ``frequency`` does, for every term."""
        return dict(zip(self.terms, np.diff(self.offsets).tolist(), strict=True))

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

    def totals(self, living: Mask) -> tuple[int, int]:
        """Return how many chunks live and how many terms they have; remembered for this mask, which must not change."""
        known = self._totals
        if known is None or known[0] is not living:
            known = (living, int(np.count_nonzero(living)), int(self.lengths[living].sum()))
            self._totals = known
        return known[1:]


def document_frequency(segments: Sequence[Postings]) -> Count:
    """Return a function that tells in how many chunks of these segments a term occurs, removed ones too.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_postings(Path(folder), count_terms([["dom"], ["dom", "dom"], ["rhein"]]))
    ...     frequency = document_frequency([Postings(Path(folder))])
    ...     frequency("dom"), frequency("haus")
    (2, 0)
    """

    @lru_cache(maxsize=100_000)
    def frequency(term: str) -> int:
        return sum(postings.frequency(term) for postings in segments)

    return frequency


def vocabulary(segments: Sequence[Postings]) -> Count:
    """Return the same function for many calls, the ``elsewhere`` of a writer: all terms are held in memory.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_postings(Path(folder), count_terms([["dom"], ["dom", "dom"], ["rhein"]]))
    ...     frequency = vocabulary([Postings(Path(folder))])
    ...     frequency("dom"), frequency("haus")
    (2, 0)
    """
    gets = [postings.frequencies.get for postings in segments]

    def frequency(term: str) -> int:
        chunks = 0
        for get in gets:
            chunks += get(term, 0)
        return chunks

    return frequency


@dataclass(frozen=True)
class Counts:
    """Terms of some chunks, counted.

    Attributes:
        terms: Sorted.
        offsets: ``(terms + 1,)`` where the rows of each term begin.
        rows: All of them in blocks of ``(n, 2)``: chunk and count, sorted by term, then chunk.
        lengths: ``(chunks,)`` the number of terms.
    """

    terms: list[str]
    offsets: Ints
    rows: Iterable[Rows]
    lengths: "np.ndarray[Any, Any]"


def count_terms(chunks: Iterable[Sequence[str]]) -> Counts:
    """Count the terms of each chunk.

    >>> counts = count_terms([["rhein", "haus", "rhein"], ["haus"]])
    >>> counts.terms, counts.offsets.tolist(), [rows.tolist() for rows in counts.rows], counts.lengths.tolist()
    (['haus', 'rhein'], [0, 2, 3], [[[0, 1], [1, 1], [0, 2]]], [3, 1])
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
    return Counts(sorted_terms, offsets, [rows], np.array(lengths, np.int64))


def write_postings(folder: Path, counts: Counts, elsewhere: Count | None = None) -> None:
    """Write what ``Postings`` reads.

    Args:
        folder: Of the segment.
        counts: Of its chunks.
        elsewhere: In how many chunks of the index's other segments a term occurs; more words split more compounds.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_postings(Path(folder), count_terms([["recht", "recht"], ["mietrecht", "miet", "recht"]]))
    ...     postings = Postings(Path(folder))
    ...     list(postings.terms), postings.compounds("recht").tolist(), [part.tolist() for part in postings.of("recht")]
    (['miet', 'mietrecht', 'recht'], [1], [[0, 1], [2, 1]])
    """
    with (folder / "postings.bin").open("wb") as file:
        for rows in counts.rows:
            file.write(rows.astype("<i4").tobytes())
    write_array(folder / "posting_offsets.bin", counts.offsets, "<i8")
    write_array(folder / "lengths.bin", counts.lengths, "<i4")
    write_lines(folder, "terms", counts.terms)
    frequencies = dict(zip(counts.terms, np.diff(counts.offsets).tolist(), strict=True))
    _write_compounds(folder, _compounds(counts.terms, _added(frequencies, elsewhere)))


def _added(frequencies: Mapping[str, int], elsewhere: Count | None) -> Count:
    if elsewhere is None:
        return frequencies.get
    return lambda term: frequencies.get(term, 0) + (elsewhere(term) or 0)


def _compounds(terms: Sequence[str], frequency: Count) -> dict[str, Sequence[int]]:
    """Return for each part, sorted, the numbers of the terms that hold it.

    >>> compounds = _compounds(["haus", "hausrecht", "recht", "wahlrecht"], {"haus": 2, "recht": 9, "wahl": 1}.get)
    >>> {part: list(numbers) for part, numbers in compounds.items()}
    {'haus': [1], 'recht': [1, 3], 'wahl': [3]}
    """
    splitter = Splitter(frequency)
    compounds: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
    for number, term in enumerate(terms):
        for part in splitter.split(term):
            compounds[part].append(number)
    return {part: compounds[part] for part in sorted(compounds)}


def _write_compounds(folder: Path, compounds: Mapping[str, Sequence[int]]) -> None:
    write_lines(folder, "parts", list(compounds))
    sizes = np.fromiter(map(len, compounds.values()), np.int64, len(compounds))
    write_array(folder / "compound_offsets.bin", bounds(sizes), "<i8")
    numbers = np.fromiter(chain.from_iterable(compounds.values()), np.int32, int(sizes.sum()))
    write_array(folder / "compounds.bin", numbers, "<i4")
