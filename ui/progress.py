"""Progress bars on standard error, for people; silent where nobody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

Told = Callable[[int, int], None]


class IndexingProgress:
    """What is done of an indexing whose size nobody knows: it is estimated by the bytes that are read.

    >>> progress = IndexingProgress(Progress(disable=True), "Indexing", "{documents} documents, {chunks} chunks")
    >>> progress.read(500, 2000)  # a quarter of the files, and in it:
    >>> progress.done(7, 20, 30)
    >>> progress.task.fields["done"], progress.task.completed, progress.task.total
    ('7 documents, 20 chunks', 20, 120.0)
    """

    def __init__(self, bar: Progress, description: str, form: str) -> None:
        self._bar = bar
        self._form = form
        self._share_read = 0.0
        self._documents = 0
        bar.add_task(description, total=None, done="")
        self.task = bar.tasks[-1]

    def read(self, position: int, size: int) -> None:
        """Take note of how many bytes are read, of how many."""
        self._share_read = position / size if size else 0.0

    def done(self, documents: int, chunks: int, chunks_read: int) -> None:
        """Show how much is done; ``chunks_read`` stand in the bytes that are read."""
        self._documents = documents
        total = chunks_read / self._share_read if self._share_read else None
        rate = chunks / (self.task.elapsed or 1)
        done = self._form.format(documents=documents, chunks=chunks, rate=rate)
        self._bar.update(self.task.id, completed=chunks, total=total, done=done)

    def embedded(self, chunks: int) -> None:
        """Show that chunks are embedded whose documents are not in the index yet."""
        self.done(self._documents, chunks, chunks)


@contextmanager
def indexing_progress(description: str, form: str) -> Iterator[IndexingProgress]:
    """Show what is done, and the remaining time; ``form`` takes documents, chunks and rate."""
    times = TimeElapsedColumn(), TimeRemainingColumn()
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"), *times
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield IndexingProgress(bar, description, form)


@contextmanager
def copying_progress(description: str) -> Iterator[Told]:
    """Show how many documents are copied, of how many, and the remaining time."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def download_progress(description: str) -> Iterator[Told]:
    """Show bytes, rate and remaining time of downloads, one after the other; nothing appears until there is one."""
    amounts = DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    columns = TextColumn("{task.description}"), BarColumn(), *amounts
    bar = Progress(*columns, console=Console(stderr=True), transient=True)

    def told(done: int, total: int) -> None:
        if not bar.tasks:
            bar.add_task(description, total=total)
            bar.start()
        bar.update(bar.tasks[0].id, completed=done, total=total)
        if done >= total:
            bar.stop()
            bar.remove_task(bar.tasks[0].id)

    try:
        yield told
    finally:
        bar.stop()
