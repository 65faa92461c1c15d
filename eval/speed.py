"""Cold start, memory and indexing speed, as a user meets them: ``python -m eval.speed``.

Every figure is taken in processes of its own, with the weights in the cache.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import IO, Annotated, cast

import typer

from eval.goldset import SAMPLE, load_goldset
from eval.report import require_writable
from index.document import Document

QUESTION = "Who laid the foundation stone of Cologne Cathedral in 1248?"
RUNS = 3

_INDEXING = """
import json, sys, time
from index import Index, load_documents
index = Index.open(sys.argv[1])
index.embedder.embed_query("warm")
started = time.perf_counter()
index.add(load_documents([sys.argv[2]]))
print(json.dumps(time.perf_counter() - started))
"""


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="The median of so many runs.")] = RUNS,
) -> None:
    """Measure help, cold question and indexing; print and optionally write the medians."""
    if json_file:
        require_writable(json_file)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), runs)
    for name, value in figures.items():
        typer.echo(f"{name:34} {value:8.2f}")
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, runs: int) -> dict[str, float]:
    """Return the median of each figure: seconds, and megabytes for memory."""
    article = max(load_goldset(SAMPLE).documents, key=lambda document: len(document.text))
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
    typer.run(main)
