"""What goes from one worker to the next, and to the process that writes: rows in tables of Arrow."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from index.document import Document, DocumentError, KnownDocument
from index.late_interaction import Bits
from index.reading_process import document_of
from index.vectors import Floats

Table = Any
"""A table of Arrow, whose library is imported late."""
Kind = Literal["passages", "document", "known", "failure", "warning", "error", "end"]
_FIELDS = {"file": "int64", "position": "int64", "kind": "string", "content": "binary", "embedded": "binary"}


@dataclass(frozen=True)
class Row:
    """A part of what is read of a file; a document comes after its passages, and ``end`` after all of a file.

    Attributes:
        file: Number of the file.
        position: How many of the file's bytes are read by then.
        kind: What ``content`` is: texts of passages, fields of a document or of a known one, why one failed, or why
            nothing more can be embedded.
        content: JSON.
        embedded: Of passages, once it is there: fingerprint of the embedder, vectors and tokens.
    """

    file: int
    position: int
    kind: Kind
    content: bytes = b"null"
    embedded: bytes = b""

    @property
    def value(self) -> Any:
        """What is in ``content``."""
        return json.loads(self.content)


@dataclass(frozen=True)
class Embeddings:
    """What the embedder of a worker gave for some passages.

    Attributes:
        fingerprint: Of the embedder.
        vectors: ``(n, dim)`` float32, unit rows.
        tokens: Of each passage, packed.
    """

    fingerprint: str
    vectors: Floats
    tokens: Sequence[Bits]


def content(value: object) -> bytes:
    r"""Return a value as JSON; of a document or another dataclass, its fields.

    >>> content("Straße")
    b'"Stra\\u00dfe"'
    """
    return json.dumps(value, default=vars).encode()


def read_value(row: Row) -> Document | KnownDocument | DocumentError:
    """Return the document that was read, or what stands in its place."""
    if row.kind == "document":
        return document_of(row.value)
    return KnownDocument(**row.value) if row.kind == "known" else DocumentError(row.value)


def table_of(rows: Iterable[Row]) -> Table:
    """Return rows as a table.

    >>> [row.kind for row in rows_of(table_of([Row(0, 7, "failure", content("leer")), Row(0, 7, "end")]))]
    ['failure', 'end']
    """
    import pyarrow as pa

    return pa.Table.from_pylist([vars(row) for row in rows], pa.schema([*_FIELDS.items()]))


def table_of_files(files: Iterable[tuple[int, Path]]) -> Table:
    """Return numbered files as a table."""
    import pyarrow as pa

    rows = [{"file": number, "path": os.fsencode(path)} for number, path in files]
    return pa.Table.from_pylist(rows, pa.schema({"file": pa.int64(), "path": pa.binary()}))


def files_of(table: Table) -> Iterator[tuple[int, Path]]:
    """Yield the numbered files of a table.

    >>> list(files_of(table_of_files([(7, Path("akten"))]))) == [(7, Path("akten"))]
    True
    """
    yield from ((fields["file"], Path(os.fsdecode(fields["path"]))) for fields in table.to_pylist())


def rows_of(table: Table) -> Iterator[Row]:
    """Yield the rows of a table."""
    yield from (Row(**fields) for fields in table.to_pylist())


def packed_embeddings(embeddings: Embeddings) -> bytes:
    r"""Return a line of JSON, then the vectors, then the tokens of one passage after the other, little-endian.

    >>> tokens = [np.empty((0, 4), np.uint8), np.ones((2, 4), np.uint8)]
    >>> packed = packed_embeddings(Embeddings("sha256:e5/2", np.eye(2, dtype=np.float32), tokens))
    >>> len(packed.partition(b"\n")[2]) == 2 * 2 * 4 + 2 * 4
    True
    """
    rows = [len(of_passage) for of_passage in embeddings.tokens]
    head = [embeddings.fingerprint, embeddings.vectors.shape, rows, embeddings.tokens[0].shape[1]]
    tokens = np.concatenate(embeddings.tokens)
    return content(head) + b"\n" + embeddings.vectors.astype("<f4").tobytes() + tokens.astype(np.uint8).tobytes()


def unpacked_embeddings(packed: bytes) -> Embeddings:
    """Return what was packed.

    >>> embeddings = Embeddings("sha256:e5/2", np.eye(2, dtype=np.float32), [np.empty((0, 4), np.uint8)] * 2)
    >>> unpacked_embeddings(packed_embeddings(embeddings)).vectors.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    head, _, arrays = packed.partition(b"\n")
    fingerprint, shape, rows, width = json.loads(head)
    vectors = np.frombuffer(arrays, "<f4", shape[0] * shape[1]).reshape(shape)
    tokens = np.frombuffer(arrays, np.uint8, offset=vectors.nbytes).reshape(-1, width)
    return Embeddings(fingerprint, vectors, np.split(tokens, np.cumsum(rows)[:-1]))
