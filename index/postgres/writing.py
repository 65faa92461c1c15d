"""What a commit does to the tables: documents in, documents out, blocks of postings merged, compounds split again.

Each function is a part of one transaction, which begins by locking the collection's row: one writer at a time commits
to a collection, while any number read and embed.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import chain
from typing import Any

import numpy as np
from pgvector import HalfVector

from index.adding import Group
from index.analysis import german_terms
from index.chunking import Chunk
from index.document import Document
from index.late_interaction import Bits
from index.manifest import EmbedderIdentity, StoreError
from index.postgres.connection import Connection
from index.postgres.schema import index_vectors
from index.postgres.terms import MOST_CHUNKS, Vocabulary, frequencies, packed, unpacked
from index.postings import count_terms
from index.store import segments_to_merge
from index.vectors import Floats, Ints

SPLIT_AGAIN = 1.5
"""Growth of a collection since its compounds were split, from which on all are split again, by the words now known."""


@dataclass(frozen=True)
class Embedded:
    """Documents ready to be committed: their chunks, and of all chunks the vectors and the packed tokens."""

    group: Group
    vectors: Floats
    tokens: Sequence[Bits]
    embedder: EmbedderIdentity


@dataclass(frozen=True)
class _State:
    """What the row of a collection says."""

    embedder: EmbedderIdentity | None
    next_document: int
    next_chunk: int
    next_block: int


def commit_documents(connection: Connection, collection: int, embedded: Embedded) -> list[str]:
    """Put documents in, in place of those with the same ids; return the ids that were there before.

    Done again after it was committed, it leaves the same.
    """
    state = _locked(connection, collection)
    _check_embedder(connection, collection, state, embedded.embedder)
    documents = [document for document, _ in embedded.group]
    replaced = remove_documents(connection, collection, [document.id for document in documents])
    sizes = [len(chunks) for _, chunks in embedded.group]
    first, last = state.next_chunk, state.next_chunk + sum(sizes)
    if last > MOST_CHUNKS:
        raise StoreError(f"collection {collection} has given all {MOST_CHUNKS} numbers to chunks; copy it to a new one")
    numbers = range(state.next_document, state.next_document + len(documents))
    _copy_documents(connection, collection, zip(numbers, documents, strict=True))
    chunks = list(chain.from_iterable(of_document for _, of_document in embedded.group))
    terms = [german_terms(chunk.searchable) for chunk in chunks]
    owners = np.repeat(numbers, sizes).tolist()
    _copy_chunks(connection, collection, first, owners, chunks, [len(of_chunk) for of_chunk in terms], embedded)
    new = _copy_postings(connection, collection, state.next_block, first, terms)
    _add_compounds(connection, collection, new)
    connection.execute(
        "update beleg_collection set version = version + 1, next_document = %s, next_chunk = %s, next_block = %s, "
        "documents = documents + %s, chunks = chunks + %s, terms = terms + %s where id = %s",
        (
            numbers.stop,
            last,
            state.next_block + 1,
            len(documents),
            len(chunks),
            sum(map(len, terms)),
            collection,
        ),
    )
    return replaced


def _locked(connection: Connection, collection: int) -> _State:
    row = connection.execute(
        "select embedder, fingerprint, dimension, next_document, next_chunk, next_block from beleg_collection "
        "where id = %s for update",
        (collection,),
    ).fetchone()
    if row is None:
        raise StoreError(f"collection {collection} is gone; open the index again")
    return _State(EmbedderIdentity(*row[:3]) if row[0] else None, *row[3:])


def _check_embedder(connection: Connection, collection: int, state: _State, embedder: EmbedderIdentity) -> None:
    """Remember the embedder of the first vectors, and refuse another's."""
    if state.embedder is None:
        connection.execute(
            "update beleg_collection set embedder = %s, fingerprint = %s, dimension = %s where id = %s",
            (embedder.name, embedder.fingerprint, embedder.dimension, collection),
        )
        index_vectors(connection, collection, embedder.dimension)
    elif state.embedder != embedder:
        raise StoreError(f"another process began this index with {state.embedder}, the embedder is {embedder}")


def _copy_documents(connection: Connection, collection: int, documents: Iterable[tuple[int, Document]]) -> None:
    statement = "copy beleg_document (collection, number, id, content_hash, title, fields, text) from stdin"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for number, document in documents:
            fields = {name: getattr(document, name) for name in ("language", "source", "date")}
            fields["places"] = [astuple(place) for place in document.places]
            text = document.text.encode("utf-8", "surrogatepass")
            shown = json.dumps(document.title), json.dumps(fields)
            copy.write_row((collection, number, document.id, document.content_hash, *shown, text))


def _copy_chunks(  # noqa: PLR0917 - columns
    connection: Connection,
    collection: int,
    first: int,
    owners: Sequence[int],
    chunks: Sequence[Chunk],
    lengths: Sequence[int],
    embedded: Embedded,
) -> None:
    columns = "collection, number, document, first, last, terms, heading, sentences, text, tokens, width, vector"
    types = "int4 int8 int8 int4 int4 int4 json bytea bytea bytea int4".split()
    statement = f"copy beleg_chunk ({columns}) from stdin (format binary)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([*types, "halfvec"])
        rows = zip(owners, chunks, lengths, embedded.tokens, embedded.vectors, strict=True)
        for number, (owner, chunk, length, tokens, vector) in enumerate(rows, first):
            sentences = np.array(chunk.sentences, "<i4").tobytes()
            text = chunk.text.encode("utf-8", "surrogatepass")
            packed_tokens = np.ascontiguousarray(tokens).tobytes()
            copy.write_row(
                (
                    collection,
                    number,
                    owner,
                    chunk.start,
                    chunk.end,
                    length,
                    chunk.heading,
                    sentences,
                    text,
                    packed_tokens,
                    tokens.shape[1],
                    HalfVector(vector),
                )
            )


def _copy_postings(
    connection: Connection, collection: int, block: int, first: int, terms: Sequence[Sequence[str]]
) -> list[str]:
    """Write the postings of a block's chunks, numbered from ``first``; return the terms that are new."""
    counts = count_terms(terms)
    [rows] = counts.rows
    postings = packed(rows[:, 0].astype(np.int64) + first, rows[:, 1].astype(np.int64), counts.lengths[rows[:, 0]])
    known = frequencies(connection, collection, counts.terms)
    with (
        connection.cursor() as cursor,
        cursor.copy("copy beleg_posting (collection, term, block, rows) from stdin (format binary)") as copy,
    ):
        copy.set_types(["int4", "text", "int4", "bytea"])
        offsets = counts.offsets.tolist()
        for number, term in enumerate(counts.terms):
            copy.write_row((collection, term, block, postings[offsets[number] : offsets[number + 1]].tobytes()))
    connection.execute(
        "insert into beleg_block values (%s, %s, %s, %s, %s)",
        (collection, block, first, first + len(terms) - 1, len(terms)),
    )
    return [term for term in counts.terms if term not in known]


def _add_compounds(connection: Connection, collection: int, terms: Sequence[str]) -> None:
    """Split terms by all words of the collection, and note their parts."""
    vocabulary = Vocabulary(lambda asked: frequencies(connection, collection, asked))
    _copy_compounds(connection, collection, vocabulary.split(terms))


def _copy_compounds(connection: Connection, collection: int, parts: dict[str, list[str]]) -> None:
    pairs = [(part, term) for term, of_term in parts.items() for part in of_term]
    connection.execute(
        "insert into beleg_compound select %s, * from unnest(%s::text[], %s::text[]) on conflict do nothing",
        (collection, [part for part, _ in pairs], [term for _, term in pairs]),
    )


# Removing


def remove_documents(connection: Connection, collection: int, ids: Sequence[str]) -> list[str]:
    """Take documents out, their terms too; return the ids that were there. The collection's row must be locked."""
    gone = connection.execute(
        "select number, id, title from beleg_document where collection = %s and id = any(%s)",
        (collection, list(ids)),
    ).fetchall()
    if not gone:
        return []
    titles = {number: title for number, _, title in gone}
    chunks = connection.execute(
        "delete from beleg_chunk where collection = %s and document = any(%s) "
        "returning number, document, terms, heading, text",
        (collection, list(titles)),
    ).fetchall()
    searched = (
        Chunk("", titles[document], text.decode("utf-8", "surrogatepass"), 0, 0, (), heading).searchable
        for _, document, _, heading, text in chunks
    )
    terms = set(chain.from_iterable(map(german_terms, searched)))
    _remove_postings(connection, collection, np.array([row[0] for row in chunks], np.int64), sorted(terms))
    connection.execute(
        "delete from beleg_document where collection = %s and number = any(%s)", (collection, list(titles))
    )
    connection.execute(
        "update beleg_collection set version = version + 1, documents = documents - %s, chunks = chunks - %s, "
        "terms = terms - %s where id = %s",
        (len(gone), len(chunks), sum(row[2] for row in chunks), collection),
    )
    return [document_id for _, document_id, _ in gone]


def _remove_postings(connection: Connection, collection: int, chunks: Ints, terms: Sequence[str]) -> None:
    found = connection.cursor(binary=True).execute(
        "select term, block, rows from beleg_posting join beleg_block using (collection, block) "
        "where collection = %s and term = any(%s) and exists "
        "(select from unnest(%s::bigint[]) as number where number between first_chunk and last_chunk)",
        (collection, terms, chunks.tolist()),
    )
    emptied: list[tuple[Any, ...]] = []
    smaller: list[tuple[Any, ...]] = []
    for term, block, rows in found.fetchall():
        postings = unpacked(rows)
        kept = postings[~np.isin(postings["chunk"], chunks)]
        if not len(kept):
            emptied.append((collection, term, block))
        elif len(kept) < len(postings):
            smaller.append((kept.tobytes(), collection, term, block))
    with connection.cursor() as cursor:
        cursor.executemany("delete from beleg_posting where collection = %s and term = %s and block = %s", emptied)
        cursor.executemany(
            "update beleg_posting set rows = %s where collection = %s and term = %s and block = %s", smaller
        )


# Tidying


class _Block:
    def __init__(self, number: int, chunks: int) -> None:
        self.number, self._chunks = number, chunks

    def __len__(self) -> int:
        return self._chunks


def merge_blocks(connection: Connection, collection: int) -> bool:
    """Make one block of those that are small, where they are many; return whether there were such.

    A question reads a row of each block for each of its terms.
    """
    state = _locked(connection, collection)
    rows = connection.execute("select block, chunks from beleg_block where collection = %s", (collection,)).fetchall()
    merged = [block.number for block in segments_to_merge([_Block(*row) for row in rows])]
    if not merged:
        return False
    connection.execute(
        "with gone as (delete from beleg_posting where collection = %(collection)s and block = any(%(merged)s) "
        "returning term, block, rows) insert into beleg_posting select %(collection)s, term, %(new)s, "
        "string_agg(rows, ''::bytea order by block) from gone group by term",
        {"collection": collection, "merged": merged, "new": state.next_block},
    )
    connection.execute(
        "with gone as (delete from beleg_block where collection = %(collection)s and block = any(%(merged)s) "
        "returning first_chunk, last_chunk, chunks) insert into beleg_block select %(collection)s, %(new)s, "
        "min(first_chunk), max(last_chunk), sum(chunks) from gone",
        {"collection": collection, "merged": merged, "new": state.next_block},
    )
    connection.execute("update beleg_collection set next_block = next_block + 1 where id = %s", (collection,))
    return True


def split_again(connection: Connection, collection: int) -> bool:
    """Split all compounds by the words known now, where the collection has grown since; return whether it has."""
    _locked(connection, collection)
    row = connection.execute(
        "select chunks from beleg_collection where id = %s and chunks > %s * split_chunks", (collection, SPLIT_AGAIN)
    ).fetchone()
    if row is None:
        return False
    words = connection.execute(
        "select term, sum(octet_length(rows))::bigint / 8 from beleg_posting where collection = %s group by term "
        "order by term",
        (collection,),
    ).fetchall()
    known: dict[str, int] = dict(words)
    parts = Vocabulary(lambda asked: {term: known[term] for term in asked if term in known}).split(list(known))
    connection.execute("delete from beleg_compound where collection = %s", (collection,))
    _copy_compounds(connection, collection, parts)
    connection.execute(
        "update beleg_collection set split_chunks = %s, version = version + 1 where id = %s", (row[0], collection)
    )
    return True
