"""What every index does with documents that are added: compare, chunk, group, and tell what became of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from index.chunking import Chunk, split_document
from index.document import Document, Failure, KnownDocument

Progress = Callable[[int, int, int], None]
"""Told documents done, chunks done, and chunks read so far, which is known a group ahead."""

Group = list[tuple[Document, list[Chunk]]]
"""Documents with their chunks, committed together."""


@dataclass
class Changes:
    """What an ``add`` or ``remove`` did, by document id."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


def new_documents(
    documents: Iterable[Document | KnownDocument], content_hash: Callable[[str], str | None], changes: Changes
) -> Iterator[tuple[Document, list[Chunk]]]:
    """Chunk what is new or changed; note in ``changes`` what is not.

    Args:
        documents: Read as a stream.
        content_hash: Gives the hash of the document with an id in the index, None where there is none.
        changes: Filled in on the way.
    """
    seen: dict[str, str] = {}
    for document in documents:
        new_hash = document.content_hash
        if document.id in seen:
            if seen[document.id] != new_hash:
                reason = f"id {document.id!r} occurs twice with different contents; the first was kept"
                changes.failed.append(Failure(document.source, reason))
            continue
        seen[document.id] = new_hash
        if content_hash(document.id) == new_hash:
            changes.unchanged.append(document.id)
            continue
        if isinstance(document, KnownDocument):
            reason = f"document {document.id!r} was changed meanwhile; add its file again"
            changes.failed.append(Failure(document.source, reason))
            continue
        chunks = list(split_document(document))
        if chunks:
            yield document, chunks
        else:
            changes.failed.append(Failure(document.source, f"document {document.id!r} has no text"))


def groups(documents: Iterable[tuple[Document, list[Chunk]]], least_chunks: int) -> Iterator[Group]:
    """Yield documents in groups of so many chunks or some more; the last one may have fewer."""
    group: Group = []
    size = 0
    for document, chunks in documents:
        group.append((document, chunks))
        size += len(chunks)
        if size >= least_chunks:
            yield group
            group, size = [], 0
    if group:
        yield group


def tell(progress: Progress | None, documents: int, chunks: int, embedded: int, of: int) -> None:
    """Pass on how far the embedding of a group is."""
    if progress:
        progress(documents, chunks + embedded, chunks + of)


def storable(text: str) -> str:
    r"""Return a text that servers can store and compare, "" for one that they cannot.

    >>> storable("satzung-2024"), storable("\0"), storable("\ud800")
    ('satzung-2024', '', '')
    """
    return "" if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text) else text


def with_storable_ids(
    documents: Iterable[Document | KnownDocument], changes: Changes
) -> Iterator[Document | KnownDocument]:
    """Leave out, and name, documents whose ids a server cannot store; texts and titles may hold what they like."""
    for document in documents:
        if storable(document.id):
            yield document
        else:
            reason = f"id {document.id!r} holds what the store cannot keep; give the document another id"
            changes.failed.append(Failure(document.source, reason))
