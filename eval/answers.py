"""An assistant's answers over a gold set -> F1, checked quotes, citations, refusals, for each question language."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.goldset import GoldSet, Question, load_goldset, sample
from eval.metrics import (
    answered_unanswerable,
    citation_precision,
    citation_recall,
    exact_match,
    f1,
    mean,
    percentile,
    quote_valid,
    refusal_f1,
    refused_answerable,
)
from eval.report import Figures, Progress, describe, print_table, progress_bar, require_writable, unseen, write_report
from eval.retrieval import index_folder, index_goldset, languages_of
from rag.citations import without_markers

if TYPE_CHECKING:
    from rag import Answer, Assistant, Citation


@dataclass(frozen=True)
class Record:
    """A question with what is right and what was answered, and how long it took."""

    question: Question
    answer: "Answer"
    seconds: float

    @property
    def abstained(self) -> bool:
        """Whether the assistant said that the documents do not say; an incomplete answer is an answer."""
        return self.answer.status == "abstained"

    @property
    def text(self) -> str:
        """The answer's words without the citations' markers."""
        return without_markers(self.answer.text)

    @property
    def citations(self) -> Sequence["Citation"]:
        """What the answer stands on; a refusal stands on nothing, whatever it shows."""
        return () if self.abstained else self.answer.citations

    def to_dict(self) -> dict[str, Any]:
        """Give the record as JSON can hold it."""
        return {"gold": asdict(self.question), "answer": self.answer.to_dict(), "seconds": self.seconds}


@dataclass(frozen=True)
class AnswersEvaluation:
    """Figures for each question language, and the records they were counted from, in the order of the questions."""

    languages: dict[str, Figures]
    records: tuple[Record, ...]


def run_answers(
    dataset: Path,
    json_file: Path | None = None,
    *,
    documents: Path | None = None,
    n: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Index a gold set, measure the answers, print the table, write the report; this is ``beleg eval answers``.

    Args:
        dataset: Folder of the gold set.
        json_file: Where the report goes, with every question and answer.
        documents: A file that takes the place of the folder's documents.
        n: Questions of each language, drawn by the seed; None asks all.
        seed: Decides which are drawn.

    Raises:
        BelegError: The gold set, the index, a model or the report's file cannot be used.
    """
    from rag import Assistant

    goldset = load_goldset(dataset, documents)
    questions = goldset.questions if n is None else sample(goldset.questions, n, seed)
    if json_file:
        require_writable(json_file)
    with progress_bar("Indexing") as progress:
        index = index_goldset(goldset, index_folder(goldset), progress=progress)
    assistant = Assistant.load(index.folder)
    assistant.answer(
        questions[-1].question, documents=questions[-1].documents
    )  # loads the models, fetches them at first
    with progress_bar("Answering") as progress:
        evaluation = evaluate_answers(goldset, assistant, questions, progress=progress)
    result = {
        "kind": "answers",
        **describe(goldset, index.embedder),
        "models": dict(Counter(record.answer.model for record in evaluation.records)),
        "sample": None if n is None else {"n": n, "seed": seed},
        "languages": evaluation.languages,
        "questions": [record.to_dict() for record in evaluation.records],
    }
    print_table(result)
    if json_file:
        write_report(json_file, result)
    return result


def evaluate_answers(
    goldset: GoldSet, assistant: "Assistant", questions: Sequence[Question], *, progress: Progress = unseen
) -> AnswersEvaluation:
    """Ask the questions, one after the other, and judge the answers by the gold set alone.

    As a user would, it leaves the language to the assistant. Every quote is looked up in the gold set's own text.

    Returns:
        The records, and for each question language the figures that `figures_of_answers` counts.
    """
    records: list[Record] = []
    for question in questions:
        start = time.perf_counter()
        answer = assistant.answer(question.question, documents=question.documents)
        records.append(Record(question, answer, time.perf_counter() - start))
        progress(len(records), len(questions))
    texts = {document.id: document.text for document in goldset.documents}
    languages = {
        language: figures_of_answers([record for record in records if record.question.language == language], texts)
        for language in languages_of(questions)
    }
    return AnswersEvaluation(languages, tuple(records))


def figures_of_answers(records: Sequence[Record], texts: Mapping[str, str]) -> Figures:
    """Count each metric over the records that it is defined for; None where there is none.

    - ``f1``, ``exact_match``: over the answerable questions with gold answers; a refusal scores 0.
    - ``quote_valid``: over all citations, those of wrong answers and refusals too.
    - ``citation_precision``: mean over the answered questions with evidence whose answer cites something.
    - ``citation_recall``: mean over the questions with evidence; a refusal scores 0.
    - ``language_right``: over all that was answered.

    Args:
        records: Of one question language.
        texts: Document id -> text, as the gold set has it.
    """
    asked = [record for record in records if record.question.answers]
    located = [record for record in records if record.question.evidence]
    outcomes = [(record.question.answerable, record.abstained) for record in records]
    return {
        "n": len(records),
        "f1": mean(0.0 if record.abstained else f1(record.question.answers, record.text) for record in asked),
        "exact_match": mean(
            0.0 if record.abstained else exact_match(record.question.answers, record.text) for record in asked
        ),
        "quote_valid": mean(
            _quote_valid(citation, texts) for record in records for citation in record.answer.citations
        ),
        "citation_precision": mean(
            citation_precision(record.question.evidence, record.citations) for record in located if record.citations
        ),
        "citation_recall": mean(citation_recall(record.question.evidence, record.citations) for record in located),
        "answered_unanswerable": answered_unanswerable(outcomes),
        "refused_answerable": refused_answerable(outcomes),
        "refusal_f1": refusal_f1(outcomes),
        "language_right": mean(
            language_right(record.text, record.question.language) for record in records if not record.abstained
        ),
        "seconds_p50": percentile((record.seconds for record in records), 50),
        "seconds_p95": percentile((record.seconds for record in records), 95),
        "status": dict(sorted(Counter(record.answer.status for record in records).items())),
    }


def _quote_valid(citation: "Citation", texts: Mapping[str, str]) -> bool:
    return quote_valid(citation.quote, texts.get(citation.document_id, ""), citation.start, citation.end)


def language_right(text: str, language: str) -> bool:
    """Whether an answer is in this language; three words or fewer (a name, a date) are right in either.

    >>> language_right("Das Rathaus öffnet um acht Uhr.", "en"), language_right("Karl Marx", "en")
    (False, True)
    """
    from index.language import detect_language

    return len(text.split()) <= 3 or detect_language(text) == language
