"""What is needed of an index, whatever keeps it: the folder of ``index.store``, PostgreSQL, or a vector store.

``index.opening.open_index`` gives the one that an address names.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from index.adding import Changes, Progress
from index.document import Document, KnownDocument
from index.embedding import Embedder
from index.late_interaction import NO_TOKENS, Bits, Tokens
from index.manifest import EmbedderIdentity
from index.search import Hit
from index.vectors import Floats

SearchPart = Literal["meaning", "words", "tokens"]
"""A part of the search: vectors of chunks, BM25 over German terms, late interaction of tokens."""
SEARCH_PARTS: frozenset[SearchPart] = frozenset({"meaning", "words", "tokens"})


class AnySearch(Protocol):
    """The search for one question; asked again with other terms it computes only what depends on them."""

    def hits(self, terms: Iterable[str]) -> list[Hit]:
        """Return the nearest chunks by meaning and the best by words, each with all scores, in no useful order."""


@dataclass(frozen=True)
class StoredDocument:
    """A document as an index holds it.

    Attributes:
        document: With its whole text.
        passages: What was embedded of each chunk, in order.
        vectors: ``(chunks, dim)`` unit rows.
        tokens: Of each chunk, packed.
    """

    document: Document
    passages: list[str]
    vectors: Floats
    tokens: list[Bits]


class AnyIndex(Protocol):
    """Documents, their chunks, vectors and terms; a reader sees what is committed, and no half of it.

    Every method raises ``StoreError`` where the store cannot be reached, in words that name the store, not its
    password; the next call tries again.
    """

    @property
    def address(self) -> str:
        """What the index is called in messages: a folder, or a URL without its password."""

    @property
    def folder(self) -> Path:
        """Folder of this machine for files beside the index."""

    @property
    def search_parts(self) -> frozenset[SearchPart]:
        """By what its chunks are searched."""

    @property
    def embedder(self) -> Embedder:
        """The embedder of the vectors, loaded at the first use and checked."""

    @property
    def built_with(self) -> EmbedderIdentity | None:
        """The embedder of the vectors, which is not loaded for it; None where there are none yet."""

    @property
    def version(self) -> str:
        """Changes with every commit."""

    @property
    def chunk_count(self) -> int:
        """Number of chunks."""

    def __len__(self) -> int:
        """Count the documents."""

    def __contains__(self, document_id: object) -> bool: ...

    def document(self, document_id: str) -> Document:
        """Return a document with its whole text; ``StoreError`` where no document has this id."""

    def documents(self) -> Iterator[Document]:
        """Yield all documents, in an order that stays until the index changes."""

    def content_hash(self, document_id: str) -> str | None:
        """Return the hash of the document with this id; None where there is none."""

    def content_hashes(self) -> Iterator[tuple[str, str]]:
        """Yield id and content hash of all documents."""

    def stored(self, wanted: Iterable[str]) -> Iterator[StoredDocument]:
        """Yield the documents with these ids as they are stored, in any order; those that are gone are left out."""

    def search(
        self,
        vector: Floats,
        *,
        tokens: Tokens = NO_TOKENS,
        candidates: int = 100,
        documents: Iterable[str] | None = None,
    ) -> AnySearch:
        """Begin the search for a question; see ``Index.search``."""

    def add(self, documents: Iterable[Document | KnownDocument], *, progress: Progress | None = None) -> Changes:
        """Index new and changed documents in groups that are committed one by one; see ``Index.add``."""

    def remove(self, document_ids: Iterable[str]) -> Changes:
        """Remove documents: all of them, or none where an id is unknown."""
