"""Cost against size: what building, opening and searching an index takes, each measured in a process of its own.

The texts are the corpus's; after its end they come again, with other ids and their sentences in another order. Of the
vectors only ``REAL`` are the model's, for a million would take it ten hours; the others are made from them: a point
between a passage and one of its nearest, moved by a fifth of the difference of two others. Made so, the nearest
passages of a question lie as near, and as scattered over the clusters, as among real ones.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

import index.search
from eval.goldset import SAMPLE, load_goldset
from eval.vector_cache import with_cache
from index import Document, Index, load_documents
from index.chunking import split_document
from index.e5 import Role
from index.embedding import EMBEDDED_DIMENSION, EMBEDDED_MODEL, Embedder, embedded_fingerprint, load_embedder
from index.language import Language
from index.late_interaction import Bits, Tokens
from index.manifest import read_manifest
from index.segment import Segment
from index.sentences import split_sentences
from index.settings import index_settings
from index.vectors import Floats, Vectors, recall
from rag import Retriever

REAL = 2_000
QUESTIONS = 100
"""Of the sample's, in both languages; and as many sentences of the corpus."""
STAGES = ("embed", "vectors", "words", "tokens", "rest", "total")
CHARACTERS_A_TOKEN = 7
_NEIGHBOURS = 30
_SHARE_OF_OTHERS = 0.2

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def in_process(run: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
    """Call a function of a module in a fresh interpreter and return what it returns."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(run, *args, **kwargs).result()


def measure_size(corpus: Path, chunks: int, folder: Path) -> dict[str, float]:
    """Return what an index of about so many chunks costs: seconds, milliseconds (``_ms``) and megabytes (``_mb``)."""
    in_process(embed_some, corpus)  # so that nothing of that is counted below
    figures = in_process(build, corpus, chunks, folder)
    empty_cache = folder.with_name("cache")
    figures["open_first_seconds"] = in_process(open_index, folder, empty_cache)
    time.sleep(2)  # before that no file counts as resting
    in_process(open_index, folder, empty_cache)
    figures["open_seconds"] = in_process(open_index, folder, empty_cache)
    figures |= in_process(search, corpus, folder)
    return figures | in_process(change, folder)


# Building


def build(corpus: Path, chunks: int, folder: Path) -> dict[str, float]:
    """Build an index by its public way; the seconds are without making texts and vectors."""
    stopwatch = Stopwatch()
    made = _MadeTexts(made_vectors(embed_some(corpus)))
    made.encode_passages = stopwatch.timed("making", made.encode_passages)  # type: ignore[method-assign]
    embedder = Embedder(EMBEDDED_MODEL, embedded_fingerprint(), EMBEDDED_DIMENSION, made.encode, made)
    index = Index.open(folder, embedder=embedder)
    documents = many_documents(corpus, chunks)
    timed_documents = iter(stopwatch.timed("making", partial(next, documents, None)), None)
    stopwatch.timed("all", index.add)(timed_documents)
    return {
        "chunks": float(index.chunk_count),
        "documents": float(len(index)),
        "build_seconds": stopwatch.seconds["all"] - stopwatch.seconds["making"],
        "build_peak_mb": memory_mb("VmHWM"),
        "disk_mb": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
    }


class _MadeTexts:
    """In place of a model: made vectors, and tokens by chance, as many as the model gives for a text so long."""

    def __init__(self, vectors: Iterator[Floats]) -> None:
        self._vectors = vectors
        self._rows: Bits = np.random.default_rng(0).integers(256, size=(4_096, 4 + 384 // 8), dtype=np.uint8)

    def encode(self, texts: list[str], _: Role) -> Floats:
        return np.stack([*islice(self._vectors, len(texts))])

    def encode_passages(self, texts: list[str]) -> tuple[Floats, list[Bits]]:
        return self.encode(texts, "document"), [self._rows[: len(text) // CHARACTERS_A_TOKEN] for text in texts]

    def encode_question(self, text: str, language: Language) -> tuple[Floats, Tokens]:
        raise NotImplementedError(f"{text!r} in {language}: questions are embedded by the model")


def many_documents(corpus: Path, chunks: int) -> Iterator[Document]:
    """Yield documents of about so many chunks; from the second time on with other ids and sentences shuffled."""
    documents = list(load_documents([corpus], on_failure=lambda _: None))
    sizes = [sum(1 for _ in split_document(document)) for document in documents]
    for edition in count():
        for document, size in zip(documents, sizes, strict=True):
            if chunks <= 0:
                return
            yield shuffled(document, edition) if edition else document
            chunks -= size


def shuffled(document: Document, edition: int) -> Document:
    """Return a document with the same sentences in another order.

    >>> shuffled(Document("a", "A", "Eins ist da. Zwei ist da. Drei ist da."), edition=1).text
    'Zwei ist da. Drei ist da. Eins ist da.'
    """
    sentences = [document.text[start:end] for start, end in split_sentences(document.text, document.language)]
    random.Random(f"{document.id}~{edition}").shuffle(sentences)  # noqa: S311 - no secret
    text = " ".join(sentences)
    return Document(f"{document.id}~{edition}", document.title, text, document.language, document.source)


def embed_some(corpus: Path) -> Floats:
    """Return the vectors of ``REAL`` chunks from all over the corpus, kept in the cache folder."""
    documents = list(load_documents([corpus], on_failure=lambda _: None))
    every = documents[:: max(1, len(documents) // REAL)]
    passages = [next(split_document(document)).searchable for document in every[:REAL]]
    vectors, _ = with_cache(load_embedder()).embed_passages(passages)
    return vectors


def made_vectors(real: Floats, seed: int = 0) -> Iterator[Floats]:
    """Yield unit vectors without end, that lie among each other as the real ones do.

    >>> real = np.eye(4, dtype=np.float32)
    >>> [round(float(np.linalg.norm(vector)), 3) for vector in islice(made_vectors(real), 3)]
    [1.0, 1.0, 1.0]
    """
    chance = np.random.default_rng(seed)
    nearest = np.argsort(-(real @ real.T), axis=1)[:, 1 : 1 + _NEIGHBOURS]
    while True:
        first, other, another = chance.integers(len(real), size=(3, 4096))
        second = nearest[first, chance.integers(nearest.shape[1], size=4096)]
        share = chance.random((4096, 1), dtype=np.float32)
        between = (1 - share) * real[first] + share * real[second]
        yield from _unit(between + _SHARE_OF_OTHERS * _unit(real[other] - real[another]))


def _unit(rows: Floats) -> Floats:
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return scaled


# Opening, searching, changing


def open_index(folder: Path, cache: Path) -> float:
    """Return the seconds that opening takes with what is remembered in a cache folder, FAISS's import among them."""
    index_settings().cache = cache
    started = time.perf_counter()
    Index.open(folder)
    return time.perf_counter() - started


def search(corpus: Path, folder: Path) -> dict[str, float]:
    """Ask every question twice; return the second times by stage, the memory, and the recall against brute force."""
    opened = Index.open(folder)
    retriever = Retriever(opened)
    asked = questions(corpus)
    for question in asked:
        retriever.retrieve(question)
    stopwatch = Stopwatch()
    for owner, name, stage in (
        (Embedder, "embed_question", "embed"),
        (Vectors, "search", "vectors"),
        (index.search, "bm25", "words"),
        (index.search, "late_scores", "tokens"),
    ):
        setattr(owner, name, stopwatch.timed(stage, getattr(owner, name)))
    times = np.array([_stages(stopwatch, partial(retriever.retrieve, question)) for question in asked]) * 1000
    figures = {
        f"{stage}_{name}_ms": float(np.percentile(column, percent))
        for stage, column in zip(STAGES, times.T, strict=True)
        for name, percent in (("p50", 50), ("p95", 95))
    }
    memory = {"search_peak_mb": memory_mb("VmHWM"), "search_anonymous_mb": memory_mb("RssAnon")}
    return figures | memory | {"recall_at_100": measured_recall(opened, asked)}


def _stages(stopwatch: "Stopwatch", ask: Callable[[], object]) -> list[float]:
    """Return the seconds of each of ``STAGES``."""
    stopwatch.seconds.clear()
    stopwatch.timed("total", ask)()
    known = [stopwatch.seconds[stage] for stage in STAGES[:-2]]
    return [*known, stopwatch.seconds["total"] - sum(known), stopwatch.seconds["total"]]


def questions(corpus: Path) -> list[str]:
    """Return questions of the sample, which the corpus hardly answers, and sentences of the corpus, which it does."""
    sentences = (
        document.text[start:end]
        for document in load_documents([corpus], on_failure=lambda _: None)
        for start, end in split_sentences(document.text, document.language)
        if 40 <= end - start <= 160
    )
    every_hundredth = list(islice(sentences, 50, None, 100))
    return [one.question for one in load_goldset(SAMPLE).questions][:QUESTIONS] + every_hundredth[:QUESTIONS]


def measured_recall(index: Index, asked: list[str], k: int = 100) -> float:
    """Share of the nearest ``k`` chunks by numpy over all vectors that the index's search finds, in [0, 1]."""
    queries = index.embedder.embed_queries(asked)
    nearest = np.full((len(asked), k), -1, np.float32)
    for entry in read_manifest(index.folder).segments:
        for block in Segment(index.folder / "segments" / entry.name, entry.removed).living_vectors():
            both = np.hstack([nearest, queries @ block.astype(np.float32).T])
            nearest = -np.partition(-both, k - 1, axis=1)[:, :k]
    nearest = -np.sort(-nearest, axis=1)[:, : index.chunk_count]
    found = [np.array([[hit.dense for hit in index.search(query, candidates=k).hits([])]]) for query in queries]
    return float(np.mean([recall(row[None], of_question) for row, of_question in zip(nearest, found, strict=True)]))


def change(folder: Path) -> dict[str, float]:
    """Add an article to the index, and remove a document from its oldest segment; return the seconds of each."""
    opened = Index.open(folder)
    article = max(load_goldset(SAMPLE).documents, key=lambda document: len(document.text))
    opened.embedder.embed_query("warm")
    stopwatch = Stopwatch()
    stopwatch.timed("add_one_seconds", opened.add)([article])
    stopwatch.timed("remove_one_seconds", opened.remove)([next(opened.documents()).id])
    return dict(stopwatch.seconds)


class Stopwatch:
    """Adds up the seconds of calls.

    >>> stopwatch = Stopwatch()
    >>> stopwatch.timed("sum", sum)([1, 2]), list(stopwatch.seconds)
    (3, ['sum'])
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def timed(self, name: str, call: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        """Return the same function that adds its seconds under the name."""

        def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            started = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds[name] += time.perf_counter() - started

        return run


def memory_mb(field: str) -> float:
    """Return a line of ``/proc/self/status`` in MB; the peak where there is no such file."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1e3
