"""Files, folders and web addresses -> documents: every failure named, none of them silent, none of them the end.

Plain text, Markdown and JSON lines are read in this process: our own code, linear in the size of the file, which is
limited (of JSON lines, that of a line is). Every other format is parsed in a process of its own.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.document import Document, DocumentError, Failure, KnownDocument
from index.files import find_files
from index.formats import HEAD, PLAIN, READERS, ROWS, format_of, looks_like, reader_in, true_format
from index.invisible import hidden_kinds, hidden_signs
from index.reading_process import ReadingProcess
from index.settings import index_settings
from index.sources import Sources
from index.web import is_web_address, read_web

_log = logging.getLogger(__name__)

Read = Iterator[tuple[Document | KnownDocument | DocumentError, int]]
"""What is read of a file, each with how many of its bytes are read by then."""
ReadFile = Callable[[Path], Read]


@dataclass(frozen=True)
class Loader:
    """How files are read; every part may be left out.

    Attributes:
        on_failure: Told of each file or line that cannot be read; reading goes on. Without it the first one raises.
            A file that is not UTF-8 but can be read as Windows-1252 is no failure: a warning is logged.
        on_skipped: Told of each file in a folder whose format is unknown.
        progress: Told before each document how many bytes of the files are read, and how many there are.
        sources: What is known of files that were indexed: those which have not changed are not read again.
        allow_private: Whether web addresses may be of this machine or its own network.
        reading: Begins to read files, in the order in which they are asked for; by default each is read here, then.
    """

    on_failure: Callable[[Failure], None] | None = None
    on_skipped: Callable[[Path], None] | None = None
    progress: Callable[[int, int], None] | None = None
    sources: Sources | None = None
    allow_private: bool = False
    reading: Callable[[Sequence[Path]], AbstractContextManager[ReadFile]] | None = None

    def load(self, paths: Iterable[str | Path]) -> Iterator[Document | KnownDocument]:
        """Yield the documents of all paths, or for a file that has not changed what stands for them.

        Raises:
            DocumentError: A path does not exist, a format is unknown, or (without ``on_failure``) a file is unreadable.
        """
        given = list(paths)
        addresses = [str(path) for path in given if is_web_address(path)]
        local = [path for path in given if not is_web_address(path)]
        files = find_files(local, lambda error: self._fail(error.args[0].partition(": ")[0], error), self._skip)
        sizes = [_size(path) for path in files]
        total, before = sum(sizes), 0
        with reading_process() as process, self._begin(files, process) as read_one:
            for path, size in zip(files, sizes, strict=True):
                yield from self._load_file(path, read_one, before, total)
                before += size
            for address in addresses:
                yield from self._load_address(address, process)

    def _begin(self, files: Sequence[Path], process: ReadingProcess) -> AbstractContextManager[ReadFile]:
        if self.reading is None:
            return nullcontext(partial(read_file, process=process))
        return self.reading([path for path in files if self._unchanged(path) is None])

    def _unchanged(self, path: Path) -> list[KnownDocument] | None:
        return self.sources.unchanged(path) if self.sources else None

    def _load_file(self, path: Path, read_one: ReadFile, before: int, total: int) -> Iterator[Document | KnownDocument]:
        """Yield a file's documents; it is remembered once all of them are read without a failure."""
        known = self._unchanged(path)
        if known is not None:
            self._tell(before + _size(path), total)
            yield from known
            return
        reading = self.sources.reading(path) if self.sources else None
        for read, position in read_one(path):
            self._tell(before + position, total)
            if reading:
                reading.note(read)
            if isinstance(read, DocumentError):
                self._fail(str(path), read)
                continue
            if isinstance(read, Document):
                _warn_of_hidden_signs(read)
            yield read
        if reading:
            reading.finish()

    def _load_address(self, address: str, process: ReadingProcess) -> Iterator[Document]:
        try:
            yield read_web(address, lambda path: _documents(path, process), allow_private=self.allow_private)
        except DocumentError as error:
            self._fail(address, error)

    def _tell(self, position: int, total: int) -> None:
        if self.progress:
            self.progress(position, total)

    def _skip(self, path: Path) -> None:
        if self.on_skipped:
            self.on_skipped(path)

    def _fail(self, source: str, error: DocumentError) -> None:
        if self.on_failure is None:
            raise error
        self.on_failure(Failure(source, str(error)))


def load_documents(
    paths: Iterable[str | Path],
    *,
    on_failure: Callable[[Failure], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    allow_private: bool = False,
) -> Iterator[Document]:
    """Yield the documents of files, folders (searched for known formats), gold sets and web addresses.

    Args:
        paths: Files, folders or addresses. All files and folders must exist before anything is read.
        on_failure: As in ``Loader``.
        progress: As in ``Loader``.
        allow_private: As in ``Loader``.

    Raises:
        DocumentError: A path does not exist, a format is unknown, or (without ``on_failure``) a file is unreadable.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "brief.txt").write_text("Sehr geehrte Damen und Herren", encoding="utf-8")
    ...     [document.title for document in load_documents([folder])]
    ['brief']
    """
    loader = Loader(on_failure=on_failure, progress=progress, allow_private=allow_private)
    for document in loader.load(paths):
        if isinstance(document, Document):  # without ``sources`` all of them are
            yield document


def reading_process() -> ReadingProcess:
    """Return a process to read files in, with the limits of the settings."""
    settings = index_settings()
    return ReadingProcess(settings.reading_seconds, waiting_seconds=settings.ocr_seconds)


def read_file(path: Path, process: ReadingProcess) -> Iterator[tuple[Document | DocumentError, int]]:
    """Yield a file's documents; what cannot be read is an error in their place, so that the rest follows."""
    try:
        if format_of(path) in ROWS:
            from index.readers.jsonl import read_rows

            yield from read_rows(path)
        else:
            size = _size(path)
            yield from ((document, size) for document in _documents(path, process))
    except DocumentError as error:
        yield error, _size(path)
    except OSError as error:
        yield DocumentError(f"{path}: {error.strerror or error}"), _size(path)


def _documents(path: Path, process: ReadingProcess) -> Iterator[Document]:
    """Yield the documents of a file that is no JSON lines, by the reader of what it is."""
    ending = _checked_format(path)
    yield from reader_in(READERS[ending])(path) if ending in PLAIN else process.read(path, ending)


def _warn_of_hidden_signs(document: Document) -> None:
    """Tell of characters that nobody sees: the text stays as it stands in the file, the model is not shown them."""
    if kinds := hidden_kinds(hidden_signs(f"{document.title} {document.text}")):
        _log.warning("%s: holds characters that nobody sees (%s)", document.source or document.id, ", ".join(kinds))


def _checked_format(path: Path) -> str:
    """Return the format to read a file as.

    Raises:
        DocumentError: The file is empty, too large, or something else than its name says.
    """
    most = index_settings().largest_file_mb
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(HEAD)
    if not head.strip():
        raise DocumentError(f"{path}: the file is empty; nothing to index")
    if size > most * 1e6:
        remedy = f"split it, or allow more: BELEG_LARGEST_FILE_MB={size // 10**6 + 1}"
        raise DocumentError(f"{path}: {size / 1e6:.0f} MB, at most {most:.0f} MB are read; {remedy}")
    ending = true_format(path, head)
    if ending != format_of(path):
        _log.warning("%s: named %s, read as %s that it is", path, format_of(path), looks_like(head)[1])
    return ending


def _size(path: Path) -> int:
    """Return the bytes of a file; 0 where it cannot be seen, which reading it will tell."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
