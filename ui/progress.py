"""Progress bars on standard error, for people; silent where nobody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

Told = Callable[[int, int], None]


@contextmanager
def indexing_progress(description: str) -> Iterator[Told]:
    """Show how many documents and chunks are done, and the chunks a second."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), TextColumn("{task.fields[done]}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None, done="")

        def told(documents: int, chunks: int) -> None:
            rate = chunks / (bar.tasks[0].elapsed or 1)
            bar.update(task, done=f"{documents} · {chunks} ({rate:.0f}/s)")

        yield told


@contextmanager
def download_progress(description: str) -> Iterator[Told]:
    """Show bytes, rate and remaining time of a download; nothing appears until there is one."""
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

    try:
        yield told
    finally:
        bar.stop()
