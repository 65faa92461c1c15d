"""From one index to another: documents with their vectors and tokens, so that nothing is embedded again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from index.address import Address
from index.carried import CarriedEmbedder
from index.document import Document
from index.manifest import StoreError
from index.opening import open_index
from index.protocol import AnyIndex, StoredDocument

COMPARED = 100
"""Documents whose vectors and tokens are read again from the target and compared at the end."""


@dataclass(frozen=True)
class Copied:
    """What a copying did, in documents: put in, there already, and in the target alone; and chunks of the target."""

    copied: int
    there: int
    others: int
    chunks: int


def copy_index(source: AnyIndex, address: Address, progress: Callable[[int, int], None] = lambda *_: None) -> Copied:
    """Copy all documents into the index at an address, made where there is none; what is there already is left out.

    So a copying that broke off goes on where it was. Documents that only the target has stay; of one that both have,
    the source's is right.

    Args:
        source: Is read as a stream.
        address: Of the target.
        progress: Told how many documents are done, of how many.

    Raises:
        StoreError: One of the two cannot be read or written, the target has vectors of another embedder, or a document
            is not in it as it is in the source after all.
    """
    carried = CarriedEmbedder(source.built_with) if source.built_with else None
    target = open_index(address, embedder=carried)
    if carried is None:
        return Copied(0, 0, len(target), target.chunk_count)
    wanted, there = dict(source.content_hashes()), dict(target.content_hashes())
    missing = [name for name, content_hash in wanted.items() if there.get(name) != content_hash]
    done = len(wanted) - len(missing)
    progress(done, len(wanted))
    documents = _carrying(source, missing, carried)
    changes = target.add(documents, progress=lambda now, *_: progress(done + now, len(wanted)))
    if changes.failed:
        raise StoreError(f"{target.address}: {changes.failed[0].reason}")
    _verify(source, target, wanted, missing)
    return Copied(len(missing), done, len(target) - len(wanted), target.chunk_count)


def _carrying(source: AnyIndex, ids: Sequence[str], carried: CarriedEmbedder) -> Iterator[Document]:
    for stored in source.stored(ids):
        carried.keep(stored)
        yield stored.document


def _verify(source: AnyIndex, target: AnyIndex, wanted: dict[str, str], copied: Sequence[str]) -> None:
    """Compare the counts and hashes of all documents, and the vectors and tokens of some."""
    again = f"copy again to mend it: beleg index copy {source.address} {target.address}"
    there = dict(target.content_hashes())
    wrong = [name for name, content_hash in wanted.items() if there.get(name) != content_hash]
    if wrong:
        what = f"{len(wrong)} documents are not as in the source, first {wrong[0]!r}"
        raise StoreError(f"{target.address}: {what}; {again}")
    if len(there) != len(target):
        raise StoreError(f"{target.address}: counts {len(target)} documents and has {len(there)}; {again}")
    if len(there) == len(wanted) and source.chunk_count != target.chunk_count:
        counts = f"{target.chunk_count} chunks, the source has {source.chunk_count}"
        raise StoreError(f"{target.address}: {counts}; {again}")
    some = copied[:: max(1, len(copied) // COMPARED)]
    for first, second in zip(source.stored(some), target.stored(some), strict=True):
        if not _same(first, second):
            name = first.document.id
            raise StoreError(f"{target.address}: the vectors of {name!r} are not as in the source; {again}")


def _same(first: StoredDocument, second: StoredDocument) -> bool:
    """Whether text, vectors (as float16) and tokens are the same."""
    tokens = ([rows.tobytes() for rows in stored.tokens] for stored in (first, second))
    same_vectors = np.array_equal(first.vectors.astype(np.float16), second.vectors.astype(np.float16))
    return first.document == second.document and same_vectors and next(tokens) == next(tokens)
