"""beleg as a user asks it: a question -> the row of its answer, with all that tells how it came about."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from eval.goldset import Question
from eval.records import Row
from eval.retrieval import in_full, rank_documents
from rag.assistant import EXTRACTIVE
from rag.llm import LLMError
from rag.trace import Trace, traced
from rag.writer import AnswerSentence

if TYPE_CHECKING:
    from rag import Answer, Assistant


class BelegAnswers:
    """The assistant, asked one question after the other; the language is left to it."""

    name = "beleg"

    def __init__(self, assistant: "Assistant") -> None:
        self._assistant = assistant

    def ask(self, question: Question) -> Row:
        """Answer, and rank the documents beside it; only the answer is timed.

        Raises:
            LLMError: The model gives no answer now; what is put in its place is not what is measured.
        """
        start = time.perf_counter()
        first = None
        with traced() as trace:
            asked = self._assistant.stream(question.question, documents=question.documents, history=question.history)
            for event in asked:
                if first is None and isinstance(event, AnswerSentence):
                    first = time.perf_counter() - start
        answer, seconds = cast("Answer", event), time.perf_counter() - start  # a stream ends with its answer
        if answer.model == EXTRACTIVE and self._assistant.llm:
            raise LLMError(answer.notice)
        row = answer_row(question, answer, seconds, trace)
        row["first_seconds"] = None if first is None else round(first, 6)
        if question.evidence:
            row["ranking"] = rank_documents(self._assistant.retriever, in_full(question)).to_dict()
        return row


def answer_row(question: Question, answer: "Answer", seconds: float, trace: Trace) -> Row:
    """Put together what a report holds of an answer."""
    return {
        "id": question.id,
        "seconds": round(seconds, 6),
        "answer": answer.to_dict(),
        "trace": asdict(trace),
        "tokens": tokens_of(trace),
    }


def tokens_of(trace: Trace) -> int | None:
    """Sum up what was read and written; ``None`` where the endpoint did not count an exchange.

    >>> from rag.trace import Exchange
    >>> tokens_of(Trace("", [Exchange("?", "", 90, 1), Exchange("?", "Ja.", 90, 2)]))
    183
    """
    counts: list[Any] = [tokens for one in trace.exchanges for tokens in (one.prompt_tokens, one.completion_tokens)]
    return None if None in counts else sum(counts)
