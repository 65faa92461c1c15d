"""Gold sets -> how the encoder reads questions: ``python -m eval.adaptation SET... --out FOLDER``.

What is fitted on all questions is for use; what is fitted without a part of them measures the others:
``beleg eval retrieval SET --adapters FOLDER`` asks each question as read by what has not seen it, nor its translation.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.adapter_training import CANDIDATES, Example, Passages, Training
from eval.goldset import GoldSet, Question, load_goldset
from eval.opening import open_retriever
from eval.progress import Progress, progress_bar
from eval.retrieval import in_full
from index.chunking import Chunk, split_document
from index.e5 import MultilingualE5
from index.embedding import embedded
from index.question_adapter import QUESTION_ADAPTER
from index.weights import EMBEDDING_WEIGHTS, fetch
from rag import Retriever
from rag.language import PARALLEL_QUESTIONS
from rag.retriever import WEIGHTS

FOLDS = 3
_MOST_RIGHT = 4  # passages of one question among its candidates


def fold_of(pair: str) -> int:
    """Return the part that a question and its translation belong to, in [0, ``FOLDS``).

    >>> {fold_of(str(number)) for number in range(100)}
    {0, 1, 2}
    """
    return int(hashlib.sha256(pair.encode()).hexdigest(), 16) % FOLDS


def fold_file(folder: Path, fold: int) -> Path:
    """Name the file of what was fitted without a part."""
    return folder / f"without-{fold}.f16"


@dataclass(frozen=True)
class _Corpus:
    """The chunks of a gold set, their number by id, and what they are compared by."""

    chunks: Sequence[Chunk]
    numbers: Mapping[str, int]
    passages: Passages


def examples_of(goldset: GoldSet, retriever: Retriever, progress: Progress) -> Iterator[Example]:
    """Yield the questions whose evidence is known, with what the retriever finds for each."""
    chunks = [chunk for document in goldset.documents for chunk in split_document(document)]
    passages = Passages(*retriever.index.embedder.embed_passages([chunk.searchable for chunk in chunks]))
    corpus = _Corpus(chunks, {chunk.id: number for number, chunk in enumerate(chunks)}, passages)
    located = [question for question in goldset.questions if question.evidence]
    for done, question in enumerate(located, start=1):
        example = _example(in_full(question), retriever, corpus)
        if len(example.right):
            yield example
        progress(done, len(located))


def _example(question: Question, retriever: Retriever, corpus: _Corpus) -> Example:
    documents = {span.document_id for span in question.evidence}
    own = [number for number, chunk in enumerate(corpus.chunks) if chunk.document_id in documents]
    right = [number for number in own if _holds(corpus.chunks[number], question)]
    neutral = [number for number in own if number not in right]

    embedded = retriever.embed(question.question)
    late_weight = WEIGHTS[embedded.language].late
    given = {
        corpus.numbers[hit.chunk.id]: hit.score - hit.dense - late_weight * hit.late
        for hit in retriever.candidates(embedded)
    }
    others = [number for number in list(given)[:CANDIDATES] if number not in neutral]
    candidates = list(dict.fromkeys([*right[:_MOST_RIGHT], *others]))
    return Example(
        question.question,
        embedded.language,
        question.pair or question.id,
        corpus.passages,
        np.array(right, np.int64),
        np.array(neutral, np.int64),
        np.array(candidates, np.int64),
        np.array([given.get(number, 0.0) for number in candidates], np.float32),
    )


def _holds(chunk: Chunk, question: Question) -> bool:
    return any(
        chunk.document_id == span.document_id and chunk.start < span.end and span.start < chunk.end
        for span in question.evidence
    )


def train(examples: Sequence[Example], out: Path, progress: Progress) -> None:
    """Fit on the examples and write the file."""
    weights = fetch(EMBEDDING_WEIGHTS)
    rows = [json.loads(line) for line in PARALLEL_QUESTIONS.read_text("utf-8").splitlines()]
    training = Training(MultilingualE5(weights, None), weights, [(row["de"], row["en"]) for row in rows])
    training.run(examples, progress)
    training.save(out)


def main(
    sets: Annotated[list[Path], typer.Argument(metavar="SET...", help="Gold sets with evidence.")],
    out: Annotated[Path, typer.Option(help="Folder for what is fitted.")],
    write: Annotated[bool, typer.Option("--write", help="Put what is fitted on all questions into use.")] = False,
) -> None:
    """Fit on all questions, and without each third of them."""
    out.mkdir(parents=True, exist_ok=True)
    examples: list[Example] = []
    for path in sets:
        goldset = load_goldset(path)
        with progress_bar(f"Searching {goldset.name}") as progress:
            examples += examples_of(goldset, open_retriever(goldset, embedder=embedded(None)), progress)
    for fold in range(FOLDS):
        with progress_bar(f"Fitting without part {fold + 1} of {FOLDS}") as progress:
            train([example for example in examples if fold_of(example.pair) != fold], fold_file(out, fold), progress)
    with progress_bar("Fitting on all") as progress:
        train(examples, out / "all.f16", progress)
    if write:
        shutil.copyfile(out / "all.f16", QUESTION_ADAPTER)


if __name__ == "__main__":
    typer.run(main)
