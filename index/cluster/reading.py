"""The rows that come from the workers -> the documents of each file, what was embedded of them kept for the index."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path

import numpy as np

from index.carried import CarriedEmbedder
from index.cluster.rows import Row, read_value, unpacked_embeddings
from index.document import Document, DocumentError
from index.errors import BelegError
from index.loading import Read, ReadFile
from index.protocol import StoredDocument

_log = logging.getLogger(__name__)

Run = Callable[[Sequence[Path]], AbstractContextManager[Iterator[Row]]]
"""Begins to read and to embed files, which are numbered from 0; gives their rows in order."""


class ClusterError(BelegError):
    """Workers that cannot be had, or do not what is expected of them."""


class ClusterReading:
    """Reads files on workers, for ``Loader.reading``.

    Args:
        run: What the workers do.
        embedder: The index's; is given what the workers embed.
        progress: Told how many chunks are embedded, which the index is given in groups later.
    """

    def __init__(self, run: Run, embedder: CarriedEmbedder, progress: Callable[[int], None] | None = None) -> None:
        self._run = run
        self._embedder = embedder
        self._progress = progress
        self._chunks = 0

    @contextmanager
    def __call__(self, files: Sequence[Path]) -> Iterator[ReadFile]:
        """Begin to read these files, and give what yields the documents of each, asked for in this order."""
        if not files:
            yield _refused
            return
        numbers = {path: number for number, path in enumerate(files)}
        with self._run([path.absolute() for path in files]) as rows:

            def read(path: Path) -> Read:
                return self._read(path, _rows_of(path, numbers[path], rows)) if path in numbers else _refused(path)

            yield read

    def _read(self, path: Path, rows: Iterable[Row]) -> Read:
        """Yield what stands in the rows of a file."""
        passages: list[Row] = []
        for row in rows:
            if row.kind == "passages":
                passages.append(row)
            elif row.kind == "warning":
                _log.warning("%s", _as_given(path, row.value))
            else:
                read = read_value(row)
                if isinstance(read, Document):
                    self._keep(read, passages)
                    passages = []
                yield (_named(path, read) if isinstance(read, DocumentError) else read), row.position

    def _keep(self, document: Document, rows: Sequence[Row]) -> None:
        """Keep for the index what was embedded of a document."""
        if not rows:
            return
        made = [unpacked_embeddings(row.embedded) for row in rows]
        wrong = {one.fingerprint for one in made} - {self._embedder.fingerprint}
        if wrong:
            raise ClusterError(
                f"a worker embeds with {wrong.pop()}, this process with {self._embedder.fingerprint}; "
                "install the same beleg with the same model on every machine"
            )
        passages = [*chain.from_iterable(row.value for row in rows)]
        tokens = [*chain.from_iterable(one.tokens for one in made)]
        self._embedder.keep(StoredDocument(document, passages, np.concatenate([one.vectors for one in made]), tokens))
        self._chunks += len(passages)
        if self._progress:
            self._progress(self._chunks)


def _rows_of(path: Path, number: int, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the rows of one file; those of files that were not asked for are passed over.

    Raises:
        ClusterError: They end in the middle, or with an error.
    """
    for row in rows:
        if row.kind == "error":
            raise ClusterError(row.value)
        if row.file == number and row.kind == "end":
            return
        if row.file == number:
            yield row
    raise ClusterError(f"{path}: the workers ended in the middle of it; run the same again to go on")


def _refused(path: Path) -> Read:
    yield DocumentError(f"{path}: was changed while others were read; add it again"), 0


def _named(path: Path, error: DocumentError) -> DocumentError:
    return DocumentError(_as_given(path, str(error)))


def _as_given(path: Path, message: str) -> str:
    """Return a message with the path as the user gave it: workers have another folder of their own.

    >>> _as_given(Path("brief.pdf"), f"{Path('brief.pdf').absolute()}: the file is empty")
    'brief.pdf: the file is empty'
    """
    return message.replace(str(path.absolute()), str(path))
