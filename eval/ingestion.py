"""Speed and memory of indexing against the number of Ray's workers: ``python -m eval.ingestion --help``.

0 workers is the one process of ``beleg index add``, which embeds on all processors; each worker embeds on one.
"""

import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import typer

from eval.report import require_writable, write_report
from eval.scale import in_process
from index import Changes
from index.carried import CarriedEmbedder, settled_identity
from index.cluster.ray_data import on_ray
from index.document import DocumentError
from index.loading import Loader
from index.store import Index

WORKERS = "0,1,2"
SAMPLED_SECONDS = 0.5

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def main(
    corpus: Annotated[list[Path], typer.Argument(help="Files and folders to index.", exists=True)],
    workers: Annotated[str, typer.Option(help="Numbers of workers, divided by commas; 0 is one process.")] = WORKERS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
) -> None:
    """Index the same files with each number of workers, each in processes of its own, and print what it takes."""
    if json_file:
        require_writable(json_file)
    rows = [measure(corpus, number) for number in _numbers(workers)]
    for row in rows:
        typer.echo("  ".join(f"{name} {value:.1f}" for name, value in row.items()))
    if json_file:
        write_report(json_file, {"workers": rows, "cpus": os.cpu_count(), "platform": platform.platform()})


def _numbers(written: str) -> list[int]:
    """Return the numbers in a list.

    >>> _numbers("0,1,16")
    [0, 1, 16]
    """
    numbers = [part.strip() for part in written.split(",")]
    wrong = [part for part in numbers if not part.isdecimal()]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is no number of workers; expected numbers as in {WORKERS}")
    return list(map(int, numbers))


def measure(corpus: Sequence[Path], workers: int) -> dict[str, float]:
    """Return what it takes to index files with so many workers, the model not loaded yet.

    ``start_seconds`` until the first chunks are embedded, ``chunks_per_second`` over the last three quarters;
    ``peak_mb`` of all processes together, what they share counted once (Linux; elsewhere 0).
    """
    with tempfile.TemporaryDirectory() as folder:
        return in_process(ingest, corpus, workers, Path(folder, "index"))


def ingest(corpus: Sequence[Path], workers: int, folder: Path) -> dict[str, float]:
    """Index files and return the figures of ``measure``."""
    told: list[tuple[float, int]] = []
    started = time.perf_counter()
    with _peak_memory() as peak:
        _add(corpus, workers, folder, lambda chunks: told.append((time.perf_counter(), chunks)))
    ended = time.perf_counter()
    first = next(seconds for seconds, chunks in told if chunks)
    chunks, rate = _rate(told)
    return {
        "workers": float(workers),
        "chunks": float(chunks),
        "seconds": ended - started,
        "start_seconds": first - started,
        "chunks_per_second": rate,
        "peak_mb": max(peak) / 1e6,
    }


def _add(corpus: Sequence[Path], workers: int, folder: Path, told: Callable[[int], None]) -> Changes:
    carried = CarriedEmbedder(settled_identity()) if workers else None
    reading = on_ray(workers, carried, tuple, progress=told) if carried else None
    documents = Loader(on_failure=lambda _: None, reading=reading).load(corpus)
    first = list(islice(documents, 1))
    if not first:
        raise DocumentError(f"{', '.join(map(str, corpus))}: no document can be read; give other files")
    index = Index.open(folder, embedder=carried)
    return index.add(chain(first, documents), progress=None if workers else lambda _, chunks, __: told(chunks))


def _rate(told: Sequence[tuple[float, int]]) -> tuple[int, float]:
    """Return how many chunks were embedded, and how many a second after the first quarter; they may come in bursts.

    >>> _rate([(7.0, 0), (8.0, 16), (10.0, 32), (12.0, 64), (20.0, 64)])
    (64, 12.0)
    """
    chunks = told[-1][1]
    begun, before = next(point for point in told if 4 * point[1] >= chunks)
    ended = next(seconds for seconds, done in told if done == chunks)
    return chunks, (chunks - before) / max(ended - begun, 1e-9)


@contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """Give a list that grows: the memory, in bytes, of this process and all that descend from it."""
    done = threading.Event()
    taken = [0.0]

    def look() -> None:
        while not done.wait(SAMPLED_SECONDS):
            taken.append(float(sum(map(_memory, _family(os.getpid())))))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        done.set()
        thread.join()


def _family(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(folder.name)] = int(after_name[1])
    family = [pid]
    for one in family:
        family += [child for child, parent in parents.items() if parent == one]
    return family


def _memory(pid: int) -> int:
    """Return the bytes of a process; of what several share its part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    app()
