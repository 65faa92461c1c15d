"""How far a run is: a bar with its rate and what is left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``; first with what an earlier run had done."""


def unseen(done: int, total: int) -> None:
    """Show no progress."""


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar on the standard error while the block runs; what was done before counts in no rate."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """How many a minute."""

        def render(self, task: Task) -> Text:
            return Text(rate(task.finished_speed or task.speed))

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=600) as bars:
        task = bars.add_task(title, total=None)

        def show(done: int, total: int) -> None:
            if bars.tasks[0].total is None or done < bars.tasks[0].completed:
                bars.reset(task, total=total, completed=done)
            else:
                bars.update(task, completed=done)

        yield show


def rate(a_second: float | None) -> str:
    """Say a speed in a unit that suits it.

    >>> rate(25.2), rate(0.2), rate(None)
    ('25.2/s', '12.0/min', '')
    """
    if not a_second:
        return ""
    return f"{a_second:.1f}/s" if a_second >= 1 else f"{a_second * 60:.1f}/min"
