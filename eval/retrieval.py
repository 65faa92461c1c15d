"""A retriever's rankings over a gold set: a question -> the documents and chunks found, best first."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eval.goldset import GoldSet, GoldSetError, Question
from eval.progress import Progress, unseen
from eval.records import Row
from eval.report import code_hash

if TYPE_CHECKING:
    from index import Hit, Index
    from index.embedding import Embedder
    from rag import Retriever

DOCUMENTS = 10  # the deepest rank that a metric looks at
CHUNKS = 50  # enough for ten documents, as a rule
SHOWN_CHUNKS = 10


class Searcher(Protocol):
    """Finds chunks for a question; beleg's retriever, or another's."""

    def retrieve(self, question: str, k: int = 5, *, documents: Iterable[str] | None = None) -> "Sequence[Hit]":
        """Return at most k hits, best first, of these documents alone where there are any named."""


@dataclass(frozen=True)
class Ranking:
    """What was found for a question: documents, each once, and chunks, best first; and how long it took."""

    question: Question
    documents: tuple[str, ...]
    hits: tuple["Hit", ...]
    seconds: float

    def to_dict(self) -> Row:
        """Return what a report holds of it."""
        hits = [
            {
                "document_id": hit.chunk.document_id,
                "title": hit.chunk.title,
                "start": hit.chunk.start,
                "end": hit.chunk.end,
                "score": round(hit.score, 4),
            }
            for hit in self.hits[:SHOWN_CHUNKS]
        ]
        return {"documents": list(self.documents[:DOCUMENTS]), "hits": hits}


class BelegRetrieval:
    """The retriever, asked one question after the other; the language is left to it."""

    name = "beleg"

    def __init__(self, retriever: "Retriever") -> None:
        self._retriever = retriever

    def ask(self, question: Question) -> Row:
        """Rank the documents, and as each part of the search alone would; only the first search is timed."""
        question = in_full(question)
        row = ranking_row(self._retriever, question)
        embedded = self._retriever.embed(question.question)
        candidates = self._retriever.candidates(embedded, documents=question.documents)
        by_meaning = sorted(candidates, key=lambda hit: -hit.dense)
        by_words = sorted((hit for hit in candidates if hit.lexical > 0), key=lambda hit: -hit.lexical)
        row["ranking"] |= {
            "dense": list(_documents(by_meaning)[:DOCUMENTS]),
            "lexical": list(_documents(by_words)[:DOCUMENTS]),
        }
        return row


def in_full(question: Question) -> Question:
    """Return a question as beleg searches for it: a follow-up goes with the question before it."""
    from rag.assistant import searched_for

    return replace(question, question=searched_for(question.question, question.history))


def ranking_row(searcher: Searcher, question: Question) -> Row:
    """Rank the documents; the row of a run of the retrieval alone."""
    ranking = rank_documents(searcher, question)
    texts = [{"text": hit.chunk.text, **_scores(hit)} for hit in ranking.hits[:5]]
    row = ranking.to_dict()
    row["hits"] = [hit | more for hit, more in zip(row["hits"], texts, strict=False)] + row["hits"][5:]
    return {"id": question.id, "seconds": round(ranking.seconds, 6), "ranking": row}


def _scores(hit: "Hit") -> dict[str, float]:
    return {name: round(getattr(hit, name), 4) for name in ("dense", "late", "lexical")}


def index_folder(goldset: GoldSet) -> Path:
    """Name the folder in the cache for the index of these documents, this embedder and this code.

    So a repeated run embeds nothing, and no run measures what older code indexed.
    """
    from index.settings import index_settings

    settings = index_settings()
    parts = [settings.embedding_model, code_hash(["index"]), *(document.content_hash for document in goldset.documents)]
    return settings.cache / "eval" / f"{goldset.name}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"


def index_goldset(
    goldset: GoldSet, folder: Path, *, embedder: "Embedder | None" = None, progress: Progress = unseen
) -> "Index":
    """Index the gold set's documents into the folder; those that are there already cost nothing.

    Args:
        goldset: Whose documents.
        folder: Of the index.
        embedder: ``None``: the one of the settings.
        progress: Told after each group of documents.

    Raises:
        GoldSetError: A document cannot be indexed, or the folder holds others: the figures would be of another set.
        BelegError: The index cannot be opened or written.
    """
    from eval.vector_cache import with_cache
    from index import Index
    from index.embedding import load_embedder

    embedder = with_cache(embedder or load_embedder())
    index = Index.open(folder, embedder=embedder)
    total = len(goldset.documents)
    changes = index.add(goldset.documents, progress=lambda done, *_: progress(done, total))
    if changes.failed:
        raise GoldSetError(f"{goldset.name}: {changes.failed[0].reason}; correct this document or leave it out")
    if len(index) != total:
        raise GoldSetError(f"{folder} holds {len(index)} documents, {goldset.name} has {total}; delete that folder")
    return index


def rank_documents(searcher: Searcher, question: Question) -> Ranking:
    """Retrieve so many chunks that ten documents are among them, or all there are; only the first search is timed."""
    k = CHUNKS
    start = time.perf_counter()
    hits = searcher.retrieve(question.question, k, documents=question.documents)
    seconds = time.perf_counter() - start
    while len(hits) >= k and len(_documents(hits)) < DOCUMENTS:
        k *= 2
        hits = searcher.retrieve(question.question, k, documents=question.documents)
    return Ranking(question, _documents(hits), tuple(hits), seconds)


def _documents(hits: Iterable["Hit"]) -> tuple[str, ...]:
    """Documents of the chunks, each at the place of its best chunk."""
    return tuple(dict.fromkeys(hit.chunk.document_id for hit in hits))
