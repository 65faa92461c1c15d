"""What the workers do: files -> documents and their passages (a task), passages -> vectors and tokens (an actor).

A stage gives the same again for the same input, so that what a lost worker had begun another one does anew.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from index.chunking import split_document
from index.cluster.rows import Embeddings, Row, Table, content, files_of, packed_embeddings, rows_of, table_of
from index.document import Document, DocumentError, KnownDocument
from index.embedding import Embedder
from index.errors import BelegError
from index.loading import read_file, reading_process
from index.reading_process import ReadingProcess

PASSAGES = 32
"""In a row: a long document is embedded by several workers."""

Digests = np.ndarray[Any, np.dtype[np.bytes_]]
"""``(n,)`` of 32 bytes, ascending: content hashes of the documents that the index holds."""


def digests_of(content_hashes: Iterable[str]) -> Digests:
    """Return content hashes in a form that workers share without a copy."""
    return np.sort(np.array([bytes.fromhex(one) for one in content_hashes], "S32"))


def holds(digests: Digests, content_hash: str) -> bool:
    """Whether a content hash is among these.

    >>> digests = digests_of(["ff" * 32, "a0" * 31 + "00"])
    >>> holds(digests, "a0" * 31 + "00"), holds(digests, "a0" * 32)
    (True, False)
    """
    wanted = np.array([bytes.fromhex(content_hash)], "S32")
    place = np.searchsorted(digests, wanted)[0]
    return bool((digests[place : place + 1] == wanted).any())


def read_files(files: Table, digests: Digests) -> Iterator[Table]:
    """Yield what is read of some files, a table a document; what the index holds is not split."""
    with reading_process() as process, _warnings() as warnings:
        for number, path in files_of(files):
            yield from map(table_of, _rows_of_file(number, path, process, digests, warnings))


def _rows_of_file(
    number: int, path: Path, process: ReadingProcess, digests: Digests, warnings: list[str]
) -> Iterator[list[Row]]:
    position = 0
    for read, position in read_file(path, process):
        yield [*_warned(number, position, warnings), *rows_of_document(number, position, read, digests)]
    yield [*_warned(number, position, warnings), Row(number, position, "end")]


def rows_of_document(file: int, position: int, read: Document | DocumentError, digests: Digests) -> Iterator[Row]:
    """Yield the passages of a document and then itself, or what stands in its place.

    >>> rows = rows_of_document(0, 9, Document("a", "Uhr", "Es ist zwei Uhr."), digests_of([]))
    >>> [row.kind for row in rows]
    ['passages', 'document']
    """
    if isinstance(read, DocumentError):
        yield Row(file, position, "failure", content(str(read)))
    elif holds(digests, read.content_hash):
        known = KnownDocument(read.id, read.content_hash, read.source)
        yield Row(file, position, "known", content(known))
    else:
        passages = [chunk.searchable for chunk in split_document(read)]
        for first in range(0, len(passages), PASSAGES):
            yield Row(file, position, "passages", content(passages[first : first + PASSAGES]))
        yield Row(file, position, "document", content(read))


class EmbeddingWorker:
    """Holds an embedder, and embeds the passages of one table after the other.

    It is loaded for the first of them. An error of beleg's becomes a row, for Ray hands on no more than its traceback.
    """

    def __init__(self, load: Callable[[], Embedder]) -> None:
        self._load = load

    @cached_property
    def _embedder(self) -> Embedder:
        return self._load()

    def __call__(self, table: Table) -> Table:
        """Return the same rows, the passages embedded."""
        rows = list(rows_of(table))
        try:
            return table_of(embedded(rows, self._embedder))
        except BelegError as error:
            return table_of(Row(row.file, row.position, "error", content(str(error))) for row in rows[:1])


def embedded(rows: Sequence[Row], embedder: Embedder) -> Iterator[Row]:
    """Yield the same rows, the passages embedded, all of them at once."""
    passages = [row.value if row.kind == "passages" else [] for row in rows]
    vectors, tokens = embedder.embed_passages(list(chain.from_iterable(passages)))
    last = 0
    for row, of_row in zip(rows, passages, strict=True):
        first, last = last, last + len(of_row)
        made = Embeddings(embedder.fingerprint, vectors[first:last], tokens[first:last])
        yield replace(row, embedded=packed_embeddings(made)) if of_row else row


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what reading warns of, which nobody would see on a worker."""
    told = _Told()
    logger = logging.getLogger("index")
    logger.addHandler(told)
    logger.propagate = False
    try:
        yield told.warnings
    finally:
        logger.propagate = True
        logger.removeHandler(told)


class _Told(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.warnings.append(record.getMessage())


def _warned(number: int, position: int, warnings: list[str]) -> Iterator[Row]:
    while warnings:
        yield Row(number, position, "warning", content(warnings.pop(0)))
