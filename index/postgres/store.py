"""PostgresIndex: the documents of one collection in a PostgreSQL database."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from index.adding import Changes, Group, Progress, groups, new_documents, storable, tell, with_storable_ids
from index.address import StoreURL, folder_of
from index.document import Document, KnownDocument
from index.embedding import Embedder, load_embedder
from index.late_interaction import NO_TOKENS, Tokens
from index.manifest import EmbedderIdentity, StoreError, identity
from index.place import Place
from index.postgres.connection import Connection, Database
from index.postgres.schema import check_schema, find_collection, make_collection, migrate, schema_version
from index.postgres.search import PostgresSearch
from index.postgres.writing import Embedded, commit_documents, merge_blocks, remove_documents, split_again
from index.protocol import SEARCH_PARTS, SearchPart, StoredDocument
from index.vectors import Floats, Ints

GROUP_CHUNKS = 1024  # chunks embedded between two commits: what a crash can cost


class PostgresIndex:
    """An index in PostgreSQL; see ``AnyIndex``. Any number of processes read and write at a time.

    Each group of documents is one transaction, and each collection has its own rows, of which no other's query reads
    any.
    """

    def __init__(self, url: StoreURL, database: Database, collection: int, embedder: Embedder | None) -> None:
        self._url, self._database, self._collection = url, database, collection
        self._embedder = embedder
        self._loading = threading.Lock()
        self._checked = False

    @classmethod
    def open(cls, url: StoreURL, *, embedder: Embedder | None = None, must_exist: bool = False) -> "PostgresIndex":
        """Open a collection; where there is none, and it need not exist, make it, and its tables too.

        Raises:
            StoreError: No server answers, it lets us not in, it has no pgvector, or its schema is another one.
        """
        database = Database(url)
        name = collection_name(url)
        if must_exist:
            check_schema(database)
            collection = database.read(lambda connection: find_collection(connection, name))
            if collection is None:
                raise StoreError(f"{url}: no collection {name!r} there; make it: beleg index add PATH --index URL")
        else:
            migrate(database)
            collection = database.write(lambda connection: make_collection(connection, name))
        index = cls(url, database, collection, embedder)
        index._check_embedder()
        return index

    @staticmethod
    def exists(url: StoreURL) -> bool:
        """Whether the collection is there, in an older schema too."""

        def work(connection: Connection) -> bool:
            return schema_version(connection) > 0 and find_collection(connection, collection_name(url)) is not None

        database = Database(url)
        try:
            return database.read(work)
        finally:
            database.close()

    def close(self) -> None:
        """Give the connections back; the next call makes new ones."""
        self._database.close()

    # What it is

    @property
    def address(self) -> str:
        """The URL without its password."""
        return str(self._url)

    @property
    def folder(self) -> Path:
        """Folder of this machine for files beside the index; made here."""
        folder = folder_of(self._url)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def search_parts(self) -> frozenset[SearchPart]:
        """By what its chunks are searched."""
        return SEARCH_PARTS

    @property
    def embedder(self) -> Embedder:
        """The embedder of the vectors, loaded at the first use and checked against the collection."""
        with self._loading:
            if self._embedder is None:
                self._embedder = load_embedder()
        self._check_embedder()
        return self._embedder

    @property
    def built_with(self) -> EmbedderIdentity | None:
        """The embedder of the vectors, which is not loaded for it; None where there are none yet."""
        [row] = self._rows("select embedder, fingerprint, dimension from beleg_collection where id = %s")
        return EmbedderIdentity(*row) if row[0] else None

    @property
    def version(self) -> str:
        """Changes with every commit."""
        return str(self._counts()[0])

    @property
    def chunk_count(self) -> int:
        """Number of chunks."""
        return self._counts()[2]

    def __len__(self) -> int:
        """Count the documents."""
        return self._counts()[1]

    def _counts(self) -> tuple[int, int, int]:
        """Return the version, and how many documents and chunks there are."""
        [row] = self._rows("select version, documents, chunks from beleg_collection where id = %s")
        return int(row[0]), int(row[1]), int(row[2])

    def _rows(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement whose first value is the collection."""
        return self._database.read(
            lambda connection: connection.cursor(binary=True).execute(statement, (self._collection, *values)).fetchall()
        )

    def _check_embedder(self) -> None:
        """Compare with the embedder where it is loaded, else with the name in the settings; once, for it stays."""
        if not self._checked and (built_with := self.built_with):
            built_with.check(self._embedder, self.address)
            self._checked = self._embedder is not None

    # Reading

    def __contains__(self, document_id: object) -> bool:
        return self.content_hash(str(document_id)) is not None

    def content_hash(self, document_id: str) -> str | None:
        """Return the hash of the document with this id; None where there is none."""
        rows = self._rows(
            "select content_hash from beleg_document where collection = %s and id = %s", storable(document_id)
        )
        return str(rows[0][0]) if rows else None

    def content_hashes(self) -> Iterator[tuple[str, str]]:
        """Yield id and content hash of all documents."""
        statement = (
            "select number, id, content_hash from beleg_document where collection = %s and number > %s "
            "order by number limit 10000"
        )
        yield from ((document_id, content_hash) for _, document_id, content_hash in self._pages(statement))

    def document(self, document_id: str) -> Document:
        """Return a document with its whole text.

        Raises:
            StoreError: No document has this id.
        """
        rows = self._rows(
            "select number, id, title, fields, text from beleg_document where collection = %s and id = %s",
            storable(document_id),
        )
        if not rows:
            raise self._unknown(document_id)
        return _document(rows[0])

    def documents(self) -> Iterator[Document]:
        """Yield all documents, in the order in which they were added."""
        statement = (
            "select number, id, title, fields, text from beleg_document where collection = %s and number > %s "
            "order by number limit 100"
        )
        yield from map(_document, self._pages(statement))

    def _pages(self, statement: str) -> Iterator[Any]:
        """Yield rows of documents by their number, some at a time, and so without a transaction that lasts."""
        last = -1
        while rows := self._rows(statement, last):
            yield from rows
            last = rows[-1][0]

    def stored(self, wanted: Iterable[str]) -> Iterator[StoredDocument]:
        """Yield the documents with these ids as they are stored, those that are gone left out."""
        for document_id in wanted:
            rows = self._rows(
                "select d.title, c.heading, c.text, c.tokens, c.width, c.vector, d.number, d.id, d.title, d.fields, "
                "d.text from beleg_document d join beleg_chunk c on c.collection = d.collection "
                "and c.document = d.number where d.collection = %s and d.id = %s order by c.first",
                document_id,
            )
            if rows:
                yield _stored(rows)

    def _unknown(self, document_id: str) -> StoreError:
        return StoreError(f"no document {document_id!r} in {self.address}; see: beleg index list")

    def search(
        self,
        vector: Floats,
        *,
        tokens: Tokens = NO_TOKENS,
        candidates: int = 100,
        documents: Iterable[str] | None = None,
    ) -> PostgresSearch:
        """Begin the search for a question; see ``Index.search``.

        Raises:
            StoreError: A document id is unknown.
        """
        allowed = None if documents is None else self._chunks_of(list(dict.fromkeys(documents)))
        return PostgresSearch(self._database, self._collection, vector, tokens, candidates, allowed=allowed)

    def _chunks_of(self, documents: Sequence[str]) -> Ints:
        rows = self._rows(
            "select d.id, array_agg(c.number order by c.number) from beleg_document d join beleg_chunk c "
            "on c.collection = d.collection and c.document = d.number where d.collection = %s and d.id = any(%s) "
            "group by d.id",
            list(filter(None, map(storable, documents))),
        )
        found = dict(rows)
        for document_id in documents:
            if document_id not in found:
                raise self._unknown(document_id)
        return np.sort(np.array([*chain.from_iterable(found.values())], np.int64))

    # Writing

    def add(self, documents: Iterable[Document | KnownDocument], *, progress: Progress | None = None) -> Changes:
        """Index new and changed documents, in groups that are committed one by one; see ``Index.add``.

        Raises:
            StoreError: The server cannot be reached any more, or the embedder is not the index's.
        """
        changes = Changes()
        chunks_done = 0
        new = new_documents(with_storable_ids(documents, changes), self._committed_hash, changes)
        for group in groups(new, GROUP_CHUNKS):
            documents_done = len(changes.added) + len(changes.updated) + len(changes.unchanged)
            replaced = self._commit_documents(group, partial(tell, progress, documents_done, chunks_done))
            ids = [document.id for document, _ in group]
            changes.updated += [document_id for document_id in ids if document_id in replaced]
            changes.added += [document_id for document_id in ids if document_id not in replaced]
            chunks_done += sum(len(chunks) for _, chunks in group)
            tell(progress, documents_done + len(group), chunks_done, 0, 0)
        if chunks_done:
            self._write(split_again)
        return changes

    def remove(self, document_ids: Iterable[str]) -> Changes:
        """Remove documents, their terms and vectors too; all of them, or none where an id is unknown.

        Raises:
            StoreError: An id is unknown, or the server cannot be reached.
        """
        wanted = list(dict.fromkeys(document_ids))
        unknown = [document_id for document_id in wanted if self._committed_hash(document_id) is None]
        if unknown:
            raise StoreError(f"no document {unknown[0]!r} in {self.address}; nothing removed; see: beleg index list")
        if wanted:
            self._write(partial(_remove, ids=wanted))
        return Changes(removed=wanted)

    def _write(self, work: Callable[[Connection, int], Any]) -> Any:
        return self._database.write(lambda connection: work(connection, self._collection))

    def _committed_hash(self, document_id: str) -> str | None:
        """Return the hash on the server that takes writes: a replica may be behind."""
        statement = "select content_hash from beleg_document where collection = %s and id = %s"
        row = self._write(lambda connection, number: connection.execute(statement, (number, document_id)).fetchone())
        return row and str(row[0])

    def _commit_documents(self, group: Group, embedding: Callable[[int, int], None]) -> list[str]:
        """Return the ids of those that were there before."""
        passages = [chunk.searchable for _, chunks in group for chunk in chunks]
        vectors, tokens = self.embedder.embed_passages(passages, progress=embedding)
        embedded = Embedded(group, vectors, tokens, identity(self.embedder))
        replaced: list[str] = self._write(partial(commit_documents, embedded=embedded))
        while self._write(merge_blocks):
            pass
        return replaced


def _remove(connection: Connection, collection: int, ids: Sequence[str]) -> None:
    connection.execute("select from beleg_collection where id = %s for update", (collection,))
    remove_documents(connection, collection, ids)


def collection_name(url: StoreURL) -> str:
    """Return the tenant that a URL names."""
    return url.option("collection", "default")


def _document(row: Sequence[Any]) -> Document:
    _, document_id, title, fields, text = row
    places = tuple(
        Place(start, end, page, tuple(box) if box else None, name, target)
        for start, end, page, box, name, target in fields.pop("places")
    )
    return Document(document_id, title, text=bytes(text).decode("utf-8", "surrogatepass"), places=places, **fields)


def _stored(rows: Sequence[Sequence[Any]]) -> StoredDocument:
    passages = [
        "\n".join(part for part in (title, heading, bytes(text).decode("utf-8", "surrogatepass")) if part)
        for title, heading, text, *_ in rows
    ]
    tokens = [np.frombuffer(row[3], np.uint8).reshape(-1, row[4]) for row in rows]
    return StoredDocument(_document(rows[0][6:]), passages, np.array([row[5].to_numpy() for row in rows]), tokens)
