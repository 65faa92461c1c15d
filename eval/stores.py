"""The same documents in other stores: do they find the same, and how fast: ``python -m eval.stores --help``."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.goldset import GoldSet, Question, load_goldset
from eval.metrics.numbers import mean, percentile
from eval.metrics.retrieval import recall_at_k
from eval.postgres_server import PostgresServer
from eval.report import require_writable, write_report
from eval.retrieval import index_folder, index_goldset
from eval.scale import build, in_process, questions
from index import AnyIndex, Hit, Index, open_index
from index.address import StoreURL, parse_address
from index.copying import copy_index
from rag import Retriever
from rag.retriever import EmbeddedQuestion

TOP = 10
DEEP = 50
"""Chunks in which five documents are looked for."""
PAIRS = 150

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def main(  # noqa: PLR0917 - typer calls it by name
    goldset: Annotated[Path, typer.Argument(help="Gold set whose questions both are asked.", exists=True)],
    store: Annotated[
        list[str] | None, typer.Option(help="URL of an empty store; by default a PostgreSQL server of its own.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of a German and an English question.")] = PAIRS,
    corpus: Annotated[
        Path | None, typer.Option(help="documents.jsonl(.gz): measure the speed on these texts, too.", exists=True)
    ] = None,
    chunks: Annotated[int, typer.Option(min=1000, help="Chunks of --corpus to search.")] = 100_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
) -> None:
    """Copy an index into stores, ask both the same, and print how far they agree and what a search takes.

    For --corpus with 100,000 chunks it takes ten minutes and 3 GB of disk.
    """
    if json_file:
        require_writable(json_file)
    figures: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        urls = [StoreURL(url) for url in store or [stack.enter_context(own_server())]]
        gold = load_goldset(goldset)
        for url in urls:
            figures[f"{url.scheme}: {gold.name}"] = compare(gold, url, pairs)
        if corpus:
            figures |= measure_speed(corpus, chunks, urls)
    for name, of_name in figures.items():
        typer.echo(f"\n{name}")
        for figure, value in of_name.items():
            typer.echo(f"  {figure:38} {value:10.3f}")
    if json_file:
        write_report(json_file, figures)


@contextmanager
def own_server() -> Iterator[str]:
    """Start a PostgreSQL server for as long as it is used."""
    with PostgresServer() as server:
        yield server.url()


def in_collection(url: StoreURL, name: str) -> StoreURL:
    """Return the URL of another collection of the same store."""
    address = url.secret("collection")
    return StoreURL(f"{address}{'&' if '?' in address else '?'}collection={name}")


# The same found


def compare(gold: GoldSet, url: StoreURL, pairs: int) -> dict[str, float]:
    """Return for each language how many of the first ten chunks are the same, and what both find.

    ``recall@5`` is the share of the right documents among the first five; with ``dense`` in front by meaning alone.
    """
    folder = index_goldset(gold, index_folder(gold))
    address = in_collection(url, "goldset")
    copy_index(folder, address)
    other = open_index(address, embedder=folder.embedder, must_exist=True)
    figures: dict[str, float] = {"chunks": float(other.chunk_count)}
    for language in ("de", "en"):
        asked = [one for one in sampled(gold.questions, pairs) if one.language == language]
        found = [(one, _found(folder, one), _found(other, one)) for one in asked]
        figures |= {
            f"{language}: questions": float(len(asked)),
            f"{language}: overlap of the first {TOP}": _mean(_overlap(first, second) for _, first, second in found),
        }
        for name, order in (("", _by_score), ("dense ", _by_meaning)):
            recalls = np.array([[_recall(one, order(hits)) for hits in both] for one, *both in found])
            figures[f"{language}: {name}recall@5, folder"] = float(recalls[:, 0].mean())
            figures[f"{language}: {name}recall@5, store"] = float(recalls[:, 1].mean())
    return figures


def sampled(asked: Sequence[Question], pairs: int) -> list[Question]:
    """Return both questions of so many pairs that the documents answer, the same in every run."""
    answerable = {one.pair for one in asked if one.answerable and one.language == "de"}
    both = sorted(answerable & {one.pair for one in asked if one.language == "en"})
    chosen = set(random.Random(1).sample(both, min(pairs, len(both))))  # noqa: S311 - no secret
    return [one for one in asked if one.pair in chosen]


def _found(index: AnyIndex, question: Question) -> list[Hit]:
    retriever = Retriever(index)
    return retriever.candidates(retriever.embed(question.question, question.language), documents=question.documents)


def _overlap(first: Sequence[Hit], second: Sequence[Hit]) -> float:
    """Share of the first ten chunks of one that are among the first ten of the other, in [0, 1]."""
    one, other = ({hit.chunk.id for hit in _by_score(hits)[:TOP]} for hits in (first, second))
    return len(one & other) / max(1, len(one))


def _by_score(hits: Sequence[Hit]) -> Sequence[Hit]:
    return hits


def _by_meaning(hits: Sequence[Hit]) -> Sequence[Hit]:
    return sorted(hits, key=lambda hit: -hit.dense)


def _recall(question: Question, hits: Sequence[Hit]) -> float:
    ranked = list(dict.fromkeys(hit.chunk.document_id for hit in hits[:DEEP]))
    return recall_at_k({span.document_id for span in question.evidence}, ranked, 5)


# How fast


def measure_speed(corpus: Path, chunks: int, urls: Sequence[StoreURL]) -> dict[str, dict[str, float]]:
    """Return what finding takes, question embedded, in the folder and in each store: milliseconds (``_ms``)."""
    with tempfile.TemporaryDirectory() as folder:
        in_process(build, corpus, chunks, Path(folder, "index"))
        opened = Index.open(Path(folder, "index"))
        asked = [Retriever(opened).embed(question) for question in questions(corpus)]
        figures = {f"folder: {chunks} chunks": _times(opened, asked)}
        for url in urls:
            address = in_collection(url, f"chunks{chunks}")
            seconds = _seconds(lambda address=address: copy_index(opened, address))  # type: ignore[misc]
            store = open_index(parse_address(address), must_exist=True)
            figures[f"{url.scheme}: {chunks} chunks"] = {"copying_seconds": seconds} | _times(store, asked)
    return figures


def _times(index: AnyIndex, asked: Sequence[EmbeddedQuestion]) -> dict[str, float]:
    """Ask every question twice; the second time counts."""
    retriever = Retriever(index)
    for question in asked:
        retriever.search(question)
    figures = {"chunks": float(index.chunk_count)}
    for language in ("de", "en"):
        times = [1000 * _seconds(lambda one=one: retriever.search(one)) for one in asked if one.language == language]  # type: ignore[misc]
        figures |= {f"{language}: find_p{q}_ms": percentile(times, q) or 0.0 for q in (50, 95)}
    return figures


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _mean(values: Iterator[float]) -> float:
    return mean(values) or 0.0


if __name__ == "__main__":
    app()
