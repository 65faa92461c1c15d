"""A retriever's rankings over a gold set -> recall, MRR, nDCG, for each question language."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.goldset import LANGUAGES, GoldSet, GoldSetError, Question, load_goldset
from eval.metrics import evidence_recall_at_k, mean, mrr_at_k, ndcg_at_k, percentile, recall_at_k
from eval.report import (
    Figures,
    Progress,
    code_hash,
    describe,
    print_table,
    progress_bar,
    require_writable,
    unseen,
    write_report,
)

if TYPE_CHECKING:
    from index import Hit, Index
    from rag import Retriever

DOCUMENTS = 10  # the deepest rank that a metric looks at
CHUNKS = 50  # enough for ten documents, as a rule


@dataclass(frozen=True)
class Ranking:
    """What was found for a question: documents, each once, and chunks, best first; and how long it took.

    ``by_meaning`` and ``by_words`` are the documents as the dense and the lexical search alone would rank them.
    """

    question: Question
    documents: tuple[str, ...]
    hits: tuple["Hit", ...]
    seconds: float
    by_meaning: tuple[str, ...] = ()
    by_words: tuple[str, ...] = ()


def run_retrieval(dataset: Path, json_file: Path | None = None, *, documents: Path | None = None) -> dict[str, Any]:
    """Index a gold set, measure retrieval, print the table, write the report; this is ``beleg eval retrieval``.

    Raises:
        BelegError: The gold set, the index, the models or the report's file cannot be used.
    """
    from rag import Retriever

    goldset = load_goldset(dataset, documents)
    if json_file:
        require_writable(json_file)
    with progress_bar("Indexing") as progress:
        index = index_goldset(goldset, index_folder(goldset), progress=progress)
    with progress_bar("Searching") as progress:
        languages = evaluate_retrieval(goldset, Retriever(index), progress=progress)
    result = {"kind": "retrieval", **describe(goldset, index.embedder), "languages": languages}
    print_table(result)
    if json_file:
        write_report(json_file, result)
    return result


def index_folder(goldset: GoldSet) -> Path:
    """Name the folder in the cache for the index of these documents, this embedder and this code.

    So a repeated run embeds nothing, and no run measures what older code indexed.
    """
    from index.settings import index_settings

    settings = index_settings()
    parts = [settings.embedding_model, code_hash(["index"]), *(document.content_hash for document in goldset.documents)]
    return settings.cache / "eval" / f"{goldset.name}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"


def index_goldset(goldset: GoldSet, folder: Path, *, progress: Progress = unseen) -> "Index":
    """Index the gold set's documents into the folder; those that are there already cost nothing.

    Raises:
        GoldSetError: A document cannot be indexed, or the folder holds others: the figures would be of another set.
        BelegError: The index cannot be opened or written.
    """
    from eval.vector_cache import with_cache
    from index import Index
    from index.embedding import load_embedder
    from index.settings import index_settings

    embedder = with_cache(load_embedder(), index_settings().cache / "eval" / "vectors")
    index = Index.open(folder, embedder=embedder)
    total = len(goldset.documents)
    changes = index.add(goldset.documents, progress=lambda done, *_: progress(done, total))
    if changes.failed:
        raise GoldSetError(f"{goldset.name}: {changes.failed[0].reason}; correct this document or leave it out")
    if len(index) != total:
        raise GoldSetError(f"{folder} holds {len(index)} documents, {goldset.name} has {total}; delete that folder")
    return index


def evaluate_retrieval(goldset: GoldSet, retriever: "Retriever", *, progress: Progress = unseen) -> dict[str, Figures]:
    """Measure the retriever by the questions whose evidence is known.

    Unanswerable questions and those without evidence have no right ranking and are left out. The whole set is
    searched, unless a question is limited to documents. As a user would, it leaves the language of the question to the
    retriever. One question is asked beforehand, so that loading the models counts in no figure.

    Returns:
        For each question language ``n, recall@1, recall@5, recall@10, mrr@10, ndcg@10, evidence_recall@5``,
        ``seconds_p50``, ``seconds_p95``, and ``ndcg@10`` of each part of the search alone: ``dense_ndcg@10`` and
        ``lexical_ndcg@10``; None where no question counts.
    """
    questions = [question for question in goldset.questions if question.evidence]
    if questions:
        rank_documents(retriever, questions[-1])
    rankings = []
    for question in questions:
        rankings.append(rank_documents(retriever, question))
        progress(len(rankings), len(questions))
    return {language: figures_of_rankings(_of(language, rankings)) for language in languages_of(goldset.questions)}


def rank_documents(retriever: "Retriever", question: Question) -> Ranking:
    """Retrieve so many chunks that ten documents are among them, or all there are; only the first search is timed."""
    k = CHUNKS
    start = time.perf_counter()
    hits = retriever.retrieve(question.question, k, documents=question.documents)
    seconds = time.perf_counter() - start
    while len(hits) >= k and len(_documents(hits)) < DOCUMENTS:
        k *= 2
        hits = retriever.retrieve(question.question, k, documents=question.documents)
    candidates = retriever.candidates(retriever.embed(question.question), documents=question.documents)
    by_meaning = sorted(candidates, key=lambda hit: -hit.dense)
    by_words = sorted((hit for hit in candidates if hit.lexical > 0), key=lambda hit: -hit.lexical)
    return Ranking(
        question, _documents(hits), tuple(hits), seconds, _documents(by_meaning)[:DOCUMENTS], _documents(by_words)
    )


def _documents(hits: Iterable["Hit"]) -> tuple[str, ...]:
    """Documents of the chunks, each at the place of its best chunk."""
    return tuple(dict.fromkeys(hit.chunk.document_id for hit in hits))


def figures_of_rankings(rankings: Sequence[Ranking]) -> Figures:
    """Take the mean of each metric over the rankings; all questions must have evidence."""
    relevant_documents = [{span.document_id for span in ranking.question.evidence} for ranking in rankings]
    judged = list(zip(relevant_documents, (ranking.documents for ranking in rankings), strict=True))
    dense = list(zip(relevant_documents, (ranking.by_meaning for ranking in rankings), strict=True))
    lexical = list(zip(relevant_documents, (ranking.by_words for ranking in rankings), strict=True))
    return {
        "n": len(rankings),
        "recall@1": mean(recall_at_k(relevant, ranked, 1) for relevant, ranked in judged),
        "recall@5": mean(recall_at_k(relevant, ranked, 5) for relevant, ranked in judged),
        "recall@10": mean(recall_at_k(relevant, ranked, 10) for relevant, ranked in judged),
        "mrr@10": mean(mrr_at_k(relevant, ranked, 10) for relevant, ranked in judged),
        "ndcg@10": mean(ndcg_at_k(relevant, ranked, 10) for relevant, ranked in judged),
        "dense_ndcg@10": mean(ndcg_at_k(relevant, ranked, 10) for relevant, ranked in dense),
        "lexical_ndcg@10": mean(ndcg_at_k(relevant, ranked, 10) for relevant, ranked in lexical),
        "evidence_recall@5": mean(
            evidence_recall_at_k(ranking.question.evidence, [hit.chunk for hit in ranking.hits], 5)
            for ranking in rankings
        ),
        "seconds_p50": percentile((ranking.seconds for ranking in rankings), 50),
        "seconds_p95": percentile((ranking.seconds for ranking in rankings), 95),
    }


def languages_of(questions: Iterable[Question]) -> list[str]:
    """List the question languages that occur, German first."""
    found = {question.language for question in questions}
    return [language for language in LANGUAGES if language in found]


def _of(language: str, rankings: Iterable[Ranking]) -> list[Ranking]:
    return [ranking for ranking in rankings if ranking.question.language == language]
