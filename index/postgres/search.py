"""A question's vector, tokens and terms -> the chunks of a collection in PostgreSQL that answer best."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pgvector import HalfVector
from psycopg import sql

from index.chunking import Chunk
from index.late_interaction import Bits, Tokens, late_scores
from index.postgres.connection import Connection, Database
from index.postgres.terms import Found, Vocabulary, bm25, frequencies, weights
from index.search import Hit
from index.vectors import Floats, Ints, one_thread

MOST_COMPARED = 20_000
"""Chunks of the documents asked for that are compared one by one; of more, those near the question are filtered."""

_NEAREST = """
    select number from beleg_chunk where collection = %(collection)s {among}
    order by {vector} <#> %(vector)s limit %(k)s
"""
_PASSAGES = """
    select c.number, d.id, d.title::text, c.first, c.last, c.heading::text, c.sentences, c.text, c.tokens, c.width,
    c.vector, coalesce(b.vector, c.vector), coalesce(a.vector, c.vector)
    from beleg_chunk c join beleg_document d on d.collection = c.collection and d.number = c.document
    left join beleg_chunk b on b.collection = c.collection and b.number = c.number - 1 and b.document = c.document
    left join beleg_chunk a on a.collection = c.collection and a.number = c.number + 1 and a.document = c.document
    where c.collection = %s and c.number = any(%s)
"""


@dataclass(frozen=True)
class _Passage:
    """What a hit has whatever the terms are."""

    chunk: Chunk
    dense: float
    late: float
    neighbours: float
    tokens: Bits


class PostgresSearch:
    """The search for one question; see ``index.search.Search``.

    Args:
        database: Where the chunks are.
        collection: The tenant's number.
        vector: ``(dim,)`` unit vector of the question.
        tokens: Of the question, for the late interaction.
        k: How many chunks the search by meaning and the search by words each contribute at most.
        allowed: Numbers of the only chunks to find, in order; ``None``: all.
    """

    def __init__(
        self, database: Database, collection: int, vector: Floats, tokens: Tokens, k: int, *, allowed: Ints | None
    ) -> None:
        self._database, self._collection = database, collection
        self._vector, self._tokens, self._k, self._allowed = vector, tokens, k, allowed
        self._nearest = database.read(self._find_nearest)
        self._read: dict[int, _Passage] = {}

    def hits(self, terms: Iterable[str]) -> list[Hit]:
        """Return the nearest chunks by meaning and the best by words, each with all scores, in no useful order."""
        with one_thread():
            numbers, scores = self._database.read(lambda connection: self._score_words(connection, list(terms)))
            best = np.union1d(self._nearest, numbers[_best(scores, self._k)])
            lexical = dict(zip(numbers.tolist(), scores.tolist(), strict=True))
            self._read_passages([number for number in best.tolist() if number not in self._read])
            found = [(self._read[number], lexical.get(number, 0.0)) for number in best.tolist() if number in self._read]
        return [
            Hit(passage.chunk, passage.dense, passage.dense, words, passage.late, passage.neighbours, passage.tokens)
            for passage, words in found
        ]

    def _find_nearest(self, connection: Connection) -> Ints:
        among = sql.SQL("" if self._allowed is None else "and number = any(%(allowed)s)")
        indexed = sql.SQL("(vector::halfvec({}))").format(sql.Literal(len(self._vector)))
        few = self._allowed is not None and len(self._allowed) <= MOST_COMPARED
        statement = sql.SQL(_NEAREST).format(among=among, vector=sql.SQL("vector") if few else indexed)
        values = {
            "collection": self._collection,
            "vector": HalfVector(self._vector),
            "k": self._k,
            "allowed": [] if self._allowed is None else self._allowed.tolist(),
        }
        return np.array([row[0] for row in connection.execute(statement, values)], np.int64)

    def _score_words(self, connection: Connection, terms: Sequence[str]) -> tuple[Ints, Floats]:
        """Return the chunks with one of the terms, of those that may be found, and their BM25 scores."""
        if not terms:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        vocabulary = Vocabulary(lambda asked: frequencies(connection, self._collection, asked))
        weighted = weights(terms, vocabulary)
        numbers, scores = bm25(Found(connection, self._collection, weighted), weighted)
        if self._allowed is None:
            return numbers, scores
        kept = np.isin(numbers, self._allowed)
        return numbers[kept], scores[kept]

    def _read_passages(self, numbers: Sequence[int]) -> None:
        """Read chunks, compare their vectors and their tokens with the question's; those removed meanwhile are none."""
        if not numbers:
            return
        rows = self._database.read(
            lambda connection: (
                connection.cursor(binary=True).execute(_PASSAGES, (self._collection, list(numbers))).fetchall()
            )
        )
        tokens = [np.frombuffer(row[8], np.uint8).reshape(-1, row[9]) for row in rows]
        late = late_scores(self._tokens, tokens).tolist()
        vectors = np.array([[of.to_numpy() for of in row[10:13]] for row in rows], np.float32)
        cosines = vectors.reshape(-1, 3, len(self._vector)) @ self._vector
        for row, (own, *beside), score, bits in zip(rows, cosines.tolist(), late, tokens, strict=True):
            self._read[row[0]] = _Passage(_chunk(row), own, score, sum(beside) / 2, bits)


def _chunk(row: Sequence[object]) -> Chunk:
    document_id, title, first, last, heading, sentences, text = row[1:8]
    spans = np.frombuffer(sentences, "<i4").reshape(-1, 2).tolist()  # type: ignore[call-overload]
    decoded = bytes(text).decode("utf-8", "surrogatepass")  # type: ignore[call-overload]
    headings = json.loads(title), json.loads(heading)  # type: ignore[arg-type]  # faster than the client does it
    return Chunk(document_id, headings[0], decoded, first, last, tuple(map(tuple, spans)), headings[1])  # type: ignore[arg-type]


def _best(scores: Floats, k: int) -> Ints:
    """Places of the ``k`` highest scores."""
    return np.arange(len(scores)) if len(scores) <= k else np.argpartition(scores, -k)[-k:]
