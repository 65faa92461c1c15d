"""Some collections of an index as an index of their own: what is outside them is not there."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from index.adding import Changes, Progress
from index.collections import Collections
from index.document import Document, Failure, KnownDocument
from index.embedding import Embedder
from index.late_interaction import NO_TOKENS, Tokens
from index.manifest import EmbedderIdentity, StoreError
from index.protocol import AnyIndex, AnySearch, SearchPart, StoredDocument
from index.vectors import Floats


class Part:
    """The documents of an index that are in some collections; an ``AnyIndex``.

    Whoever holds it cannot reach another document: searching, reading, counting, changing and removing know of none.

    Args:
        index: The whole.
        names: Of the collections.
    """

    def __init__(self, index: AnyIndex, names: Iterable[str]) -> None:
        self._index = index
        self.names = tuple(dict.fromkeys(names))
        self._collections = Collections(index.folder)
        self._held: tuple[object, frozenset[str]] = (None, frozenset())

    def _ids(self) -> frozenset[str]:
        """Return the ids of the documents that are there."""
        version = (self._index.version, self._collections.version)
        if self._held[0] != version:
            named = self._collections.ids(self.names)
            self._held = version, frozenset(one for one in named if one in self._index)
        return self._held[1]

    @property
    def address(self) -> str:
        """What the index is called in messages."""
        return self._index.address

    @property
    def folder(self) -> Path:
        """Folder of this machine for files beside the index."""
        return self._index.folder

    @property
    def search_parts(self) -> frozenset[SearchPart]:
        """By what its chunks are searched."""
        return self._index.search_parts

    @property
    def embedder(self) -> Embedder:
        """The embedder of the vectors."""
        return self._index.embedder

    @property
    def built_with(self) -> EmbedderIdentity | None:
        """The embedder of the vectors, which is not loaded for it."""
        return self._index.built_with

    @property
    def version(self) -> str:
        """Changes with every commit, and with what is in the collections."""
        return f"{self._index.version} {self._collections.version}"

    @property
    def chunk_count(self) -> int:
        """Number of chunks, which are counted one by one."""
        return sum(len(stored.passages) for stored in self._index.stored(self._ids()))

    def __len__(self) -> int:
        """Count the documents."""
        return len(self._ids())

    def __contains__(self, document_id: object) -> bool:
        return document_id in self._ids()

    def document(self, document_id: str) -> Document:
        """Return a document with its whole text; ``StoreError`` where no document has this id."""
        return self._index.document(self._known(document_id))

    def documents(self) -> Iterator[Document]:
        """Yield all documents, in an order that stays until the index changes."""
        held = self._ids()
        return (document for document in self._index.documents() if document.id in held)

    def content_hash(self, document_id: str) -> str | None:
        """Return the hash of the document with this id; None where there is none."""
        return self._index.content_hash(document_id) if document_id in self else None

    def content_hashes(self) -> Iterator[tuple[str, str]]:
        """Yield id and content hash of all documents."""
        held = self._ids()
        return (pair for pair in self._index.content_hashes() if pair[0] in held)

    def stored(self, wanted: Iterable[str]) -> Iterator[StoredDocument]:
        """Yield the documents with these ids as they are stored."""
        return self._index.stored(one for one in wanted if one in self)

    def search(
        self,
        vector: Floats,
        *,
        tokens: Tokens = NO_TOKENS,
        candidates: int = 100,
        documents: Iterable[str] | None = None,
    ) -> AnySearch:
        """Begin the search for a question; see ``Index.search``."""
        wanted = self._ids() if documents is None else map(self._known, documents)
        return self._index.search(vector, tokens=tokens, candidates=candidates, documents=wanted)

    def add(self, documents: Iterable[Document | KnownDocument], *, progress: Progress | None = None) -> Changes:
        """Index new and changed documents, and put the new ones into the first collection; see ``Index.add``.

        A document whose id one outside the collections has is left out, and told of.
        """
        refused: list[Failure] = []

        def ours() -> Iterator[Document | KnownDocument]:
            for document in documents:
                if document.id in self or document.id not in self._index:
                    yield document
                else:
                    refused.append(Failure(document.source, f"the id {document.id!r} is taken; choose another one"))

        changes = self._index.add(ours(), progress=progress)
        changes.failed += refused
        self._collections.put(changes.added, self.names[0])
        return changes

    def remove(self, document_ids: Iterable[str]) -> Changes:
        """Remove documents: all of them, or none where an id is unknown."""
        return self._index.remove(list(map(self._known, document_ids)))

    def _known(self, document_id: str) -> str:
        if document_id not in self:
            raise StoreError(f"no document {document_id!r} in {self.address}; see: beleg index list")
        return document_id
