"""LangChain's forms of the retriever and the assistant, to be put into an LCEL chain.

.. code-block:: python

    chain = {"question": RunnablePassthrough()} | AnswerRunnable(Assistant.load()) | StrOutputParser()
    for sentence in chain.stream("Wer ist Tan Wenkan?"):
        ...

Not imported by ``rag``: who does not use LangChain does not wait for it.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableGenerator
from langchain_core.runnables.config import run_in_executor

from index import Hit
from rag.assistant import Answer, Assistant, AssistantError
from rag.language import Language
from rag.retriever import Retriever
from rag.writer import AnswerSentence

AnswerInput = str | PromptValue | Sequence[BaseMessage] | Mapping[str, Any]


class BelegRetriever(BaseRetriever):
    """Finds the chunks most likely to hold the answer, as LangChain documents, best first.

    Their metadata: ``document_id``, ``title``, ``start`` and ``end`` (characters of the document's text), ``source``,
    ``score``.

    Args:
        retriever: Over the index that is searched.
        k: How many chunks.
        language: The questions' language; ``None``: detected.
        documents: Only these document ids.
    """

    retriever: Retriever
    k: int = 5
    language: Language | None = None
    documents: tuple[str, ...] | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002
        hits = self.retriever.retrieve(query, self.k, language=self.language, documents=self.documents)
        return [self._document(hit) for hit in hits]

    def _document(self, hit: Hit) -> Document:
        chunk = hit.chunk
        metadata = {
            "document_id": chunk.document_id,
            "title": chunk.title,
            "start": chunk.start,
            "end": chunk.end,
            "source": self.retriever.index.document(chunk.document_id).source,
            "score": hit.score,
        }
        return Document(chunk.text, id=chunk.id, metadata=metadata)


class AnswerRunnable(RunnableGenerator[AnswerInput, AIMessageChunk]):
    """Answers questions as a chat model of LangChain does: a message, or message chunks that add up to it.

    The input is a question; or a dict with ``question`` and optionally ``language``, ``documents`` and ``history``
    ((question, answer) pairs or messages), other keys are left out; or messages, as a prompt gives them: the last is
    the question, those before it the history. System messages are left out, for beleg's prompt is its own.

    Each chunk is a checked sentence; the last has ``response_metadata["answer"]``: ``Answer.to_dict()``, with the
    status and the citations.
    """

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant
        super().__init__(self._chunks, self._achunks, name="beleg")

    def _chunks(self, inputs: Iterator[AnswerInput]) -> Iterator[AIMessageChunk]:
        request = _request(reduce(add, inputs))  # more than one: the pieces of a stream
        written = ""
        for event in self.assistant.stream(
            request.question, language=request.language, documents=request.documents, history=request.history
        ):
            if isinstance(event, AnswerSentence):
                separator = " " if written else ""
                written += separator + event.text
                yield AIMessageChunk(content=separator + event.text)
            elif isinstance(event, Answer):
                yield _last_chunk(event, event.text.removeprefix(written))

    async def _achunks(self, inputs: AsyncIterator[AnswerInput]) -> AsyncIterator[AIMessageChunk]:
        chunks = self._chunks(iter([piece async for piece in inputs]))
        while (chunk := await run_in_executor(None, next, chunks, None)) is not None:
            yield chunk


def _last_chunk(answer: Answer, rest: str) -> AIMessageChunk:
    """Return what ends a message; ``rest`` is what no sentence has brought: an abstention."""
    metadata = {"answer": answer.to_dict(), "model_name": answer.model}
    return AIMessageChunk(content=rest, response_metadata=metadata, chunk_position="last")


@dataclass(frozen=True)
class _Request:
    question: str
    language: Language | None = None
    documents: Sequence[str] | None = None
    history: Sequence[tuple[str, str]] = ()


def _request(given: AnswerInput) -> _Request:
    """Read any form of input.

    >>> _request([HumanMessage("Wer ist Tan?"), AIMessage("Direktor. [1]"), HumanMessage("Seit wann?")])
    _Request(question='Seit wann?', language=None, documents=None, history=[('Wer ist Tan?', 'Direktor. [1]')])
    """
    match given:
        case str():
            return _Request(given)
        case PromptValue():
            return _request(given.to_messages())
        case Mapping():
            return _request_of_fields(given)
        case [*before, HumanMessage() as last]:
            return _Request(last.text, history=_pairs(before))
    raise AssistantError(f"{type(given).__name__} is no question; give a str, a dict, or messages, the last a human's")


def _request_of_fields(fields: Mapping[str, Any]) -> _Request:
    if "question" not in fields:
        raise AssistantError(f"the input has the keys {sorted(fields)}, expected 'question' among them")
    question = _request(fields["question"])
    history = _pairs(fields.get("history") or ()) or question.history
    return _Request(question.question, fields.get("language"), fields.get("documents"), history)


def _pairs(history: Iterable[Any]) -> list[tuple[str, str]]:
    """Return (question, answer) pairs, oldest first; a question that was never answered is left out."""
    pairs: list[tuple[str, str]] = []
    asked = ""
    for turn in history:
        match turn:
            case HumanMessage():
                asked = turn.text
            case AIMessage() if asked:
                pairs.append((asked, turn.text))
                asked = ""
            case (str(question), str(answer)):
                pairs.append((question, answer))
    return pairs
