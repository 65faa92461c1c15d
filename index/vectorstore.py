"""An index in any vector store of LangChain's: search by meaning there, late interaction here, and no search by words.

A chunk is one entry, and carries what lies between it and the one before, so that a document is put together from its
entries. The store commits no documents but entries; therefore a document counts, and its chunks are found, only
once its first entry is there, which is written last and deleted first.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from langchain_core.documents import Document as Entry
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from index.adding import Changes, Group, Progress, groups, new_documents, storable, tell, with_storable_ids
from index.address import StoreURL, folder_of
from index.document import Document, KnownDocument
from index.embedding import Embedder, load_embedder
from index.encodings import encodable
from index.late_interaction import NO_TOKENS, Tokens, late_scores
from index.manifest import EmbedderIdentity, StoreError, identity
from index.protocol import SearchPart, StoredDocument
from index.search import Hit
from index.vectors import Floats, one_thread
from index.vectorstore_entries import chunk_of, document_id_of, document_of, entries_of, tokens_of

GROUP_CHUNKS = 1024
_FIRST = 0
_ABOUT = -1
"""Number of the one entry that is no chunk: it names the embedder."""


class Listing(Protocol):
    """What an index needs of a store beside LangChain's interface: entries by what they carry."""

    def failing(self) -> AbstractContextManager[None]:
        """Turn the store's errors into ``StoreError``, in words, without a password."""

    def entries(self, *, documents: Sequence[str] | None, number: int | None, short: bool) -> Iterator[Entry]:
        """Yield entries, of these documents alone and with this number alone; ``short``: without text and tokens."""

    def vectors(self, ids: Sequence[str]) -> Floats:
        """Return the vectors of entries, in the order of their ids."""

    def only(self, documents: Sequence[str] | None) -> Mapping[str, Any]:
        """Return the arguments by which the store's search finds chunks, of these documents alone."""


class KeptEmbeddings(Embeddings):
    """Gives the store the vectors that we have made already."""

    def __init__(self) -> None:
        self.kept: dict[str, list[float]] = {}

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of texts that were just embedded."""
        return [self.kept[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of one of them: the store is asked by vectors."""
        return self.kept[text]


class VectorStoreIndex:
    """An index in a vector store; see ``AnyIndex``.

    Args:
        url: Where it is.
        store: Gives the similarity as the inner product, in ``similarity_search_with_score_by_vector``.
        listing: Of the same store.
        kept: The store's embeddings.
        embedder: Of the vectors; ``None``: the one of the settings.
    """

    def __init__(
        self, url: StoreURL, store: VectorStore, listing: Listing, kept: KeptEmbeddings, embedder: Embedder | None
    ) -> None:
        self._url, self._store, self._listing, self._kept = url, store, listing, kept
        self._embedder = embedder
        self._check_embedder()

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
        """By what its chunks are searched: not by words."""
        return frozenset({"meaning", "tokens"})

    @property
    def built_with(self) -> EmbedderIdentity | None:
        """The embedder of the vectors, which is not loaded for it; None where there are none yet."""
        for entry in self._entries(number=_ABOUT, short=False):
            return EmbedderIdentity(**json.loads(entry.metadata["data"]))
        return None

    @property
    def embedder(self) -> Embedder:
        """The embedder of the vectors, loaded at the first use and checked."""
        if self._embedder is None:
            self._embedder = load_embedder()
            self._check_embedder()
        return self._embedder

    def _check_embedder(self) -> None:
        if built_with := self.built_with:
            built_with.check(self._embedder, self.address)

    @property
    def version(self) -> str:
        """Changes with every commit; all documents are counted for it."""
        return hashlib.sha256(repr(sorted(self.content_hashes())).encode()).hexdigest()[:12]

    @property
    def chunk_count(self) -> int:
        """Number of chunks; all documents are counted for it."""
        return sum(entry.metadata["chunks"] for entry in self._entries(number=_FIRST))

    def __len__(self) -> int:
        """Count the documents."""
        return sum(1 for _ in self._entries(number=_FIRST))

    # Reading

    def _entries(
        self, *, documents: Sequence[str] | None = None, number: int | None = None, short: bool = True
    ) -> Iterator[Entry]:
        with self._listing.failing():
            yield from self._listing.entries(documents=documents, number=number, short=short)

    def __contains__(self, document_id: object) -> bool:
        return self.content_hash(str(document_id)) is not None

    def content_hash(self, document_id: str) -> str | None:
        """Return the hash of the document with this id; None where there is none."""
        return self._hashes([document_id]).get(document_id)

    def _hashes(self, documents: Sequence[str]) -> dict[str, str]:
        entries = self._entries(documents=[*filter(None, map(storable, documents))], number=_FIRST)
        return {document_id_of(entry): entry.metadata["hash"] for entry in entries}

    def content_hashes(self) -> Iterator[tuple[str, str]]:
        """Yield id and content hash of all documents."""
        yield from ((document_id_of(entry), entry.metadata["hash"]) for entry in self._entries(number=_FIRST))

    def document(self, document_id: str) -> Document:
        """Return a document with its whole text.

        Raises:
            StoreError: No document has this id.
        """
        return document_of(self._of(document_id))

    def _of(self, document_id: str) -> list[Entry]:
        """Return the entries of a document, in order."""
        wanted = self._entries(documents=[storable(document_id)], short=False)
        entries = sorted(wanted, key=lambda entry: entry.metadata["number"])
        if not entries or entries[0].metadata["number"] != _FIRST:
            raise self._unknown(document_id)
        return [entry for entry in entries if entry.metadata["hash"] == entries[0].metadata["hash"]]

    def documents(self) -> Iterator[Document]:
        """Yield all documents, in the order of their ids."""
        for document_id in sorted(document_id for document_id, _ in self.content_hashes()):
            yield self.document(document_id)

    def stored(self, wanted: Iterable[str]) -> Iterator[StoredDocument]:
        """Yield the documents with these ids as they are stored, those that are gone left out."""
        for document_id in wanted:
            if document_id in self:
                entries = self._of(document_id)
                passages = [chunk_of(entry).searchable for entry in entries]
                with self._listing.failing():
                    vectors = self._listing.vectors([entry.metadata["pk"] for entry in entries])
                yield StoredDocument(document_of(entries), passages, vectors, [tokens_of(entry) for entry in entries])

    def _unknown(self, document_id: str) -> StoreError:
        return StoreError(f"no document {document_id!r} in {self.address}; see: beleg index list")

    def search(
        self,
        vector: Floats,
        *,
        tokens: Tokens = NO_TOKENS,
        candidates: int = 100,
        documents: Iterable[str] | None = None,
    ) -> "VectorStoreSearch":
        """Begin the search for a question; see ``Index.search``.

        Raises:
            StoreError: A document id is unknown.
        """
        wanted = None if documents is None else list(dict.fromkeys(documents))
        known = {} if wanted is None else self._hashes(wanted)
        for document_id in wanted or ():
            if document_id not in known:
                raise self._unknown(document_id)
        return VectorStoreSearch(self._nearest(vector, candidates, wanted), tokens)

    def _nearest(self, vector: Floats, k: int, documents: Sequence[str] | None) -> list[tuple[Entry, float]]:
        """Return the nearest chunks of documents that are there as a whole."""
        if documents == []:
            return []
        with self._listing.failing():
            search: Any = self._store
            found: list[tuple[Entry, float]] = search.similarity_search_with_score_by_vector(
                vector.tolist(), k=k, **self._listing.only(documents)
            )
        hashes = self._hashes(sorted({document_id_of(entry) for entry, _ in found}))
        return [(entry, score) for entry, score in found if hashes.get(document_id_of(entry)) == entry.metadata["hash"]]

    # Writing

    def add(self, documents: Iterable[Document | KnownDocument], *, progress: Progress | None = None) -> Changes:
        """Index new and changed documents in groups; see ``Index.add``.

        While a group with changed documents is written, these cannot be seen.

        Raises:
            StoreError: The store cannot be reached any more, or the embedder is not the index's.
        """
        changes = Changes()
        chunks_done = 0
        new = new_documents(with_storable_ids(documents, changes), self.content_hash, changes)
        for group in groups(new, GROUP_CHUNKS):
            documents_done = len(changes.added) + len(changes.updated) + len(changes.unchanged)
            self._write(group, changes, partial(tell, progress, documents_done, chunks_done))
            chunks_done += sum(len(chunks) for _, chunks in group)
            tell(progress, documents_done + len(group), chunks_done, 0, 0)
        return changes

    def _write(self, group: Group, changes: Changes, embedding: Callable[[int, int], None]) -> None:
        passages = [chunk.searchable for _, chunks in group for chunk in chunks]
        vectors, tokens = self.embedder.embed_passages(passages, progress=embedding)
        self._kept.kept = {encodable(text): vector.tolist() for text, vector in zip(passages, vectors, strict=True)}
        waiting = iter(tokens)
        ids = [document.id for document, _ in group]
        with self._listing.failing():
            self._name_embedder(vectors[0])
            before = self._hashes(ids)
            self._delete(ids)
            entries = [
                entry
                for document, chunks in group
                for entry in entries_of(document, chunks, [next(waiting) for _ in chunks])
            ]
            for is_first in (False, True):
                self._put([entry for entry in entries if (entry.metadata["number"] == _FIRST) is is_first])
        changes.updated += [document_id for document_id in ids if document_id in before]
        changes.added += [document_id for document_id in ids if document_id not in before]

    def _put(self, entries: Sequence[Entry]) -> None:
        if entries:
            ids = [entry.metadata.pop("pk") for entry in entries]
            texts, metadata = [entry.page_content for entry in entries], [entry.metadata for entry in entries]
            self._store.add_texts(texts, metadata, ids=ids)

    def _name_embedder(self, vector: Floats) -> None:
        if self.built_with is None:
            self._kept.kept["about"] = vector.tolist()
            data = json.dumps(vars(identity(self.embedder)))
            metadata = {"document": "", "hash": "", "number": _ABOUT, "chunks": 0, "data": data, "tokens": ""}
            self._store.add_texts(["about"], [metadata], ids=["about"])

    def remove(self, document_ids: Iterable[str]) -> Changes:
        """Remove documents: all of them, or none where an id is unknown.

        Raises:
            StoreError: An id is unknown, or the store cannot be reached.
        """
        wanted = list(dict.fromkeys(document_ids))
        known = self._hashes(wanted) if wanted else {}
        unknown = [document_id for document_id in wanted if document_id not in known]
        if unknown:
            raise StoreError(f"no document {unknown[0]!r} in {self.address}; nothing removed; see: beleg index list")
        with self._listing.failing():
            self._delete(wanted)
        return Changes(removed=wanted)

    def _delete(self, documents: Sequence[str]) -> None:
        """Delete documents, their first entries first."""
        entries = list(self._entries(documents=documents)) if documents else []
        for is_first in (True, False):
            ids = [one.metadata["pk"] for one in entries if (one.metadata["number"] == _FIRST) is is_first]
            if ids and self._store.delete(ids=ids) is False:
                raise StoreError(f"{self.address}: the store deletes nothing; try again")


class VectorStoreSearch:
    """The search for one question; terms change nothing, for no words are searched, nor are neighbours read."""

    def __init__(self, nearest: Sequence[tuple[Entry, float]], tokens: Tokens) -> None:
        with one_thread():
            bits = [tokens_of(entry) for entry, _ in nearest]
            late = late_scores(tokens, bits).tolist()
        found = zip(nearest, late, bits, strict=True)
        self._hits = [
            Hit(chunk_of(entry), score, score, 0.0, near, score, rows) for (entry, score), near, rows in found
        ]

    def hits(self, terms: Iterable[str]) -> list[Hit]:  # noqa: ARG002 - of the interface
        """Return the nearest chunks by meaning, in no useful order."""
        return self._hits
