"""BM25 over postings that lie in PostgreSQL: the server finds and sends them packed, the sum is made here.

The scores are those of ``index.lexical`` for the same chunks and the same splits of compounds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from index.compounds import Splitter
from index.lexical import COMPOUND_WEIGHT, K1, PART_WEIGHT, B
from index.postgres.connection import Connection
from index.vectors import Floats, Ints

ROW = np.dtype([("chunk", "<u4"), ("count", "<u2"), ("length", "<u2")])
"""A posting: the chunk's number, how often it has the term, and how many terms it has."""
MOST_CHUNKS = 2**32 - 1
"""Numbers of a collection, which are given once each."""

Rows = np.ndarray[tuple[int], np.dtype[np.void]]
Frequencies = Callable[[Sequence[str]], Mapping[str, int]]
"""Terms -> in how many chunks each occurs; those that are left out occur in none."""

_FREQUENCIES = """
    select term, sum(octet_length(rows))::bigint / %s from beleg_posting
    where collection = %s and term = any(%s) group by term
"""
_POSTINGS = """
    with wanted as (
        select term as word, term, false as holds from unnest(%(words)s::text[]) as term
        union all
        select part, term, true from beleg_compound where collection = %(collection)s and part = any(%(words)s)
    )
    select word, holds, rows from wanted join beleg_posting using (term) where collection = %(collection)s
"""


def packed(chunks: Ints, counts: Ints, lengths: Ints) -> Rows:
    """Return postings as they are stored.

    >>> packed(np.array([7]), np.array([2]), np.array([90_000])).tolist()
    [(7, 2, 65535)]
    """
    rows = np.empty(len(chunks), ROW)
    rows["chunk"] = chunks
    rows["count"], rows["length"] = (np.minimum(column, 2**16 - 1) for column in (counts, lengths))
    return rows


def unpacked(rows: bytes) -> Rows:
    """Return what ``packed`` gave."""
    return np.frombuffer(rows, ROW)


class Vocabulary:
    """In how many chunks of a collection a term occurs; what is not known yet is asked for many terms at once."""

    def __init__(self, frequencies: Frequencies) -> None:
        self._frequencies = frequencies
        self._known: dict[str, int] = {}
        self._missing: set[str] = set()

    def split(self, terms: Sequence[str]) -> dict[str, list[str]]:
        """Return the parts of each term that is a compound.

        >>> words = {"mietrecht": 1, "miet": 3, "recht": 9}
        >>> vocabulary = Vocabulary(lambda terms: {term: words[term] for term in terms if term in words})
        >>> vocabulary.split(["mietrecht", "miet"])
        {'mietrecht': ['miet', 'recht']}
        """
        while True:
            splitter = Splitter(self._count)
            parts = {term: found for term in terms if (found := splitter.split(term))}
            if not self._missing:
                return parts
            asked, self._missing = sorted(self._missing), set()
            self._known |= dict.fromkeys(asked, 0) | dict(self._frequencies(asked))

    def _count(self, term: str) -> int:
        """Return what is known; a term that is not counts as none until all that are missing have been asked for."""
        if term not in self._known:
            self._missing.add(term)
        return self._known.get(term, 0)


def frequencies(connection: Connection, collection: int, terms: Sequence[str]) -> dict[str, int]:
    """Return in how many chunks each term occurs."""
    return dict(connection.execute(_FREQUENCIES, (ROW.itemsize, collection, list(terms))).fetchall())


class Found:
    """The postings of a question's terms, and of the compounds that hold them."""

    def __init__(self, connection: Connection, collection: int, words: Iterable[str]) -> None:
        parts: dict[str, dict[bool, list[bytes]]] = {word: {False: [], True: []} for word in words}
        cursor = connection.cursor(binary=True)
        cursor.execute(_POSTINGS, {"collection": collection, "words": list(parts)})
        for word, holds, rows in cursor:
            parts[word][holds].append(rows)
        self._parts = parts
        row = connection.execute("select chunks, terms from beleg_collection where id = %s", (collection,)).fetchone()
        self.chunks, self.terms = row or (0, 0)

    def matches(self, word: str) -> tuple[Ints, Floats, Ints]:
        """Return the chunks that hold a term or a compound with it, the counts, those of compounds weighted, lengths.

        The chunks are in order, each once.
        """
        own, compounds = (b"".join(rows) for rows in self._parts[word].values())
        both = unpacked(own + compounds)
        chunks, lengths = both["chunk"].astype(np.int64), both["length"].astype(np.int64)
        counts = both["count"].astype(np.float32)
        counts[len(own) // ROW.itemsize :] *= np.float32(COMPOUND_WEIGHT)
        numbers, places = np.unique(chunks, return_inverse=True)
        return numbers, np.bincount(places, counts, len(numbers)).astype(np.float32), _first(lengths, places, numbers)


def _first(lengths: Ints, places: Ints, numbers: Ints) -> Ints:
    of_chunks = np.empty(len(numbers), np.int64)
    of_chunks[places] = lengths
    return of_chunks


def bm25(found: Found, weights: Mapping[str, float]) -> tuple[Ints, Floats]:
    """Return the chunks that hold a term, by number, and their scores, as ``index.lexical.bm25`` has them."""
    mean_length = max(found.terms / max(1, found.chunks), 1e-9)
    numbers: list[Ints] = [np.empty(0, np.int64)]
    scores: list[Floats] = [np.empty(0, np.float32)]
    for word, weight in weights.items():
        chunks, tf, lengths = found.matches(word)
        idf = np.log(1 + (found.chunks - len(chunks) + 0.5) / (len(chunks) + 0.5))
        norm = lengths.astype(np.float32) * np.float32(K1 * B / mean_length) + np.float32(K1 * (1 - B))
        numbers.append(chunks)
        scores.append((np.float32(weight * idf * (K1 + 1)) * tf / (tf + norm)).astype(np.float32))
    places, inverse = np.unique(np.concatenate(numbers), return_inverse=True)
    return places, np.bincount(inverse, np.concatenate(scores), len(places)).astype(np.float32)


def weights(terms: Iterable[str], vocabulary: Vocabulary) -> dict[str, float]:
    """Return the question's terms and their parts with their weights, as ``index.lexical`` has them."""
    weighted = dict.fromkeys(terms, 1.0)
    parts = vocabulary.split(list(weighted))
    for part in [part for term in weighted for part in parts.get(term, ())]:
        weighted.setdefault(part, PART_WEIGHT)
    return weighted
