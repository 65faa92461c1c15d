"""Cold start, memory, speed and cost against size, as a user meets them: ``python -m eval.speed --help``.

Every figure is taken in processes of its own, with the weights in the cache.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import IO, Annotated, Any, cast

import typer

from eval.embedding_rate import measure_rate
from eval.goldset import SAMPLE, load_goldset
from eval.plot import write_plot
from eval.report import require_writable, write_report
from eval.scale import measure_size
from index.document import Document
from index.loading import load_documents

QUESTION = "Who laid the foundation stone of Cologne Cathedral in 1248?"
RUNS = 3
SIZES = "1000,10000,100000"

_INDEXING = """
import json, sys, time
from index import Index, load_documents
index = Index.open(sys.argv[1])
index.embedder.embed_query("warm")
started = time.perf_counter()
index.add(load_documents([sys.argv[2]]))
print(json.dumps(time.perf_counter() - started))
"""


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="The median of so many runs.")] = RUNS,
    corpus: Annotated[
        Path | None,
        typer.Option(help="documents.jsonl(.gz): measure cost against size on these texts, too.", exists=True),
    ] = None,
    sizes: Annotated[str, typer.Option(help="Numbers of chunks for --corpus, divided by commas.")] = SIZES,
    plot: Annotated[Path | None, typer.Option(help="Draw cost against size to this file (SVG).")] = None,
) -> None:
    """Measure help, cold question, indexing, embedding, and cost against size; print and optionally write the figures.

    The sizes take a minute for 100,000 chunks and a quarter of an hour for 1,000,000, and 5 GB of disk.
    """
    for file in filter(None, (json_file, plot)):
        require_writable(file)
    wanted = _checked_sizes(sizes, corpus, plot)
    with tempfile.TemporaryDirectory() as folder:
        figures: dict[str, Any] = dict(measure(Path(folder), corpus, runs))
    _print(figures)
    if corpus:
        figures["sizes"] = [_measure_size(corpus, size) for size in wanted]
    if json_file:
        write_report(json_file, {**figures, "cpus": os.cpu_count(), "platform": platform.platform()})
    if plot:
        write_plot(plot, figures["sizes"])


def _checked_sizes(sizes: str, corpus: Path | None, plot: Path | None) -> list[int]:
    """Return the numbers of chunks.

    >>> _checked_sizes("1000,20000", Path("corpus.jsonl"), None)
    [1000, 20000]
    """
    if plot and not corpus:
        raise typer.BadParameter("--plot shows cost against size; give --corpus documents.jsonl.gz, too")
    try:
        numbers = [int(size) for size in sizes.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise typer.BadParameter(f"{sizes!r}: expected numbers of chunks, divided by commas; for example {SIZES}")
    return numbers


def _measure_size(corpus: Path, chunks: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        figures = measure_size(corpus, chunks, Path(folder, "index"))
    _print(figures)
    return figures


def _print(figures: Mapping[str, float]) -> None:
    for name, value in figures.items():
        typer.echo(f"{name:40} {value:12.3f}")


def measure(folder: Path, corpus: Path | None, runs: int) -> dict[str, float]:
    """Return the median of each figure: seconds, and megabytes for memory; the corpus is for embedding."""
    sample = load_goldset(SAMPLE).documents
    article = max(sample, key=lambda document: len(document.text))
    index = folder / "index"
    _run(["index", "add", str(SAMPLE / "documents.jsonl"), "--index", str(index)])
    cold = [_cold_question(index) for _ in range(runs)]
    return {
        "help_seconds": median(_help_seconds() for _ in range(runs)),
        "ask_first_word_seconds": median(first for first, _, _ in cold),
        "ask_whole_answer_seconds": median(whole for _, whole, _ in cold),
        "ask_peak_memory_mb": median(memory for _, _, memory in cold),
        "index_article_characters": float(len(article.text)),
        "index_article_seconds": median(_indexing_seconds(folder / f"article{run}", article) for run in range(runs)),
        **measure_rate(load_documents([corpus]) if corpus else sample, folder / "weights", runs),
    }


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "ui.cli", *arguments]


def _run(arguments: list[str]) -> None:
    subprocess.run(_command(arguments), check=True, capture_output=True)  # noqa: S603 - our own command


def _help_seconds() -> float:
    started = time.perf_counter()
    _run(["--help"])
    return time.perf_counter() - started


def _cold_question(index: Path) -> tuple[float, float, float]:
    """Ask in a new process: seconds to the first word, seconds to its end, peak memory in MB."""
    started = time.perf_counter()
    command = _command(["ask", QUESTION, "--index", str(index)])
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        output = cast("IO[bytes]", process.stdout)
        output.read(1)
        first = time.perf_counter() - started
        output.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return first, time.perf_counter() - started, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _indexing_seconds(folder: Path, article: Document) -> float:
    """Index one article into a new index, the model loaded and warm."""
    file = folder.with_suffix(".txt")
    file.write_text(article.text, encoding="utf-8")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _INDEXING, str(folder), str(file)], check=True, capture_output=True, text=True
    )
    return float(json.loads(done.stdout))


if __name__ == "__main__":
    app()
