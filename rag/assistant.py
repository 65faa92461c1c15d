"""Assistant: retrieve, select evidence, ask the model, check every sentence, answer or abstain."""

import copy
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from index import AnyIndex, Hit, open_index
from index.address import Address, parse_address
from index.analysis import german_terms
from index.errors import BelegError
from index.settings import index_settings
from index.weights import Progress, WeightsError
from rag.citations import Citation
from rag.confidence import Signals, least_confidence
from rag.evidence import Evidence, select_evidence
from rag.grounding import Verdict
from rag.hidden import hidden_notice
from rag.language import Language, question_language
from rag.llm import LLM, NoModelError, load_llm
from rag.prompt import constant_prompt
from rag.retriever import Retriever
from rag.steps import step
from rag.trace import note_search
from rag.writer import AnswerSentence, Status, Writer

History = Sequence[tuple[str, str]]

HITS = 5
QUESTION_CHARACTERS = 2000
EXTRACTIVE = "extractive"
ABSTENTION: dict[Language, str] = {"de": "Die Dokumente sagen dazu nichts.", "en": "The documents do not say."}


class AssistantError(BelegError):
    """A question that cannot be asked as it stands."""


@dataclass(frozen=True)
class Answer:
    """An answer in which every sentence carries the marker of a checked quote, or an abstention.

    ``status``: ``answered``; ``abstained`` (``text`` says so, no citations); ``incomplete`` (the model broke off, the
    text is what was checked until then). ``model`` is ``extractive`` where the text is quotes, not written by a model.
    ``confidence``, in [0, 1], is how likely the documents answer, ``signals`` what it was counted from; ``nearest``, of
    an abstention, are the passages nearest to the question. ``notice`` says in the answer's language what a user should
    know; ``verdicts`` what was checked, and dropped.
    """

    question: str
    text: str
    language: Language
    status: Status
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    model: str = EXTRACTIVE
    seconds: float = 0.0
    notice: str = ""
    verdicts: tuple[Verdict, ...] = ()
    confidence: float | None = None
    nearest: tuple[Citation, ...] = ()
    signals: Signals | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types: what ``--json``, HTTP and MCP give out."""
        return {
            "question": self.question,
            "text": self.text,
            "language": self.language,
            "status": self.status,
            "citations": [citation.to_dict() for citation in self.citations],
            "hits": [hit_dict(hit) for hit in self.hits],
            "model": self.model,
            "seconds": round(self.seconds, 3),
            "notice": self.notice,
            "verdicts": [vars(verdict) for verdict in self.verdicts],
            "confidence": None if self.confidence is None else round(self.confidence, 3),
            "nearest": [citation.to_dict() for citation in self.nearest],
            "signals": asdict(self.signals) if self.signals else {},
        }


@dataclass(frozen=True)
class Found:
    """First event of a stream: what retrieval found."""

    hits: tuple[Hit, ...]


Event = Found | AnswerSentence | Answer


class Assistant:
    """Answers questions from one index with one model.

    Args:
        index: What is asked.
        llm: Who writes; ``None``: nobody, answers are quotes.
        interface: The language of questions that are too short to tell.
        least_confidence: From which confidence on to answer, in [0, 1]; ``None``: as fitted on public questions.
    """

    def __init__(
        self, index: AnyIndex, llm: LLM | None, *, interface: Language = "de", least_confidence: float | None = None
    ) -> None:
        self.index = index
        self.least_confidence = least_confidence
        self.retriever = Retriever(index)
        self.interface = interface
        self._llm: Future[LLM | None] = Future()
        self._llm.set_result(llm)

    @classmethod
    def load(
        cls,
        folder: str | Address | None = None,
        *,
        interface: Language = "de",
        progress: Progress = lambda *_: None,
    ) -> "Assistant":
        """Open an index (default: ``BELEG_INDEX``) and start loading the model of the settings beside it.

        The index is a folder or the URL of a store.
        ``progress`` is told, from another thread, the bytes done and in all where the model's weights are fetched.

        Raises:
            StoreError: There is no index there, or it cannot be read.
            BelegError: ``BELEG_LEAST_CONFIDENCE`` is no number from 0 to 1.
        """
        least = least_confidence()
        assistant = cls(open_index(folder, must_exist=True), None, interface=interface, least_confidence=least)
        assistant._llm = Future()
        # A daemon: who interrupts the program does not wait for a gigabyte to come in.
        threading.Thread(
            target=_load_into, args=(assistant._llm, interface, progress), name="beleg-llm", daemon=True
        ).start()
        return assistant

    def over(self, index: AnyIndex) -> "Assistant":
        """Return who answers from another index with the same model, loaded once, and the same settings."""
        other = copy.copy(self)
        other.index, other.retriever = index, Retriever(index)
        return other

    @property
    def llm(self) -> LLM | None:
        """Who writes, once it is loaded; ``None``: nobody, answers are quotes."""
        return self._model(self.interface)[0]

    def answer(
        self,
        question: str,
        *,
        language: Language | None = None,
        documents: Iterable[str] | None = None,
        history: History = (),
    ) -> Answer:
        """Answer one question; see ``stream``."""
        for event in self.stream(question, language=language, documents=documents, history=history):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream ends with its answer")

    def stream(
        self,
        question: str,
        *,
        language: Language | None = None,
        documents: Iterable[str] | None = None,
        history: History = (),
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        """Yield what was found, then each sentence as soon as it is written and checked, then the whole answer.

        Args:
            question: In German or English.
            language: Of the answer; ``None``: the question's.
            documents: Only these document ids.
            history: Earlier (question, answer) pairs of the conversation, oldest first.
            stopped: Whether nobody waits for the answer any more; asked at each piece of it. Then the
                stream ends without an answer.

        Raises:
            AssistantError: The question is empty or too long, or the language is neither German nor English.
            StoreError: A document id is unknown.
            LLMError: The model cannot be asked because of a setting. One that gives no answer now is no error: the
                answer is made of quotes, and its notice says why.
        """
        started = time.perf_counter()
        if not question.strip():
            raise AssistantError("the question is empty; ask something")
        if len(question) > QUESTION_CHARACTERS:
            raise AssistantError(
                f"the question has {len(question)} characters, at most {QUESTION_CHARACTERS}; ask shorter"
            )
        if language not in (None, "de", "en"):
            raise AssistantError(f"answers are in 'de' or 'en', not in {language!r}")
        with step("language"):
            asked_in = question_language(question, self.interface)
        language = language or asked_in
        before = _leans_on(question, history)
        full_question = searched_for(question, history)
        note_search(full_question)

        documents = None if documents is None else list(documents)
        with step("retrieve"):
            embedded = self.retriever.embed(full_question, asked_in)
            found = self.retriever.candidates(embedded, documents=documents)
            everywhere = found if documents is None else self.retriever.candidates(embedded)
        hits = found[:HITS]
        yield Found(tuple(hits))
        with step("evidence"):
            evidence = select_evidence(full_question, embedded.vector, hits, self.index.embedder)
        # With the question before it in front, a small model answers that one.
        asked = f"{question} ({before})" if before else question
        signals = _signals(full_question, asked_in, hits, everywhere, evidence)
        writer = Writer(self.index, asked, evidence, language, signals, self.least_confidence, stopped)
        llm, notice = self._model(language)
        yield from writer.write(llm) if llm else writer.extract()
        if stopped():
            return
        if writer.unavailable:
            llm, notice = None, f"{_UNAVAILABLE_NOTICE[language]} ({writer.unavailable})"

        text, status = writer.text, writer.status
        yield Answer(
            question=question,
            text=ABSTENTION[language] if status == "abstained" else text,
            language=language,
            status=status,
            citations=tuple(writer.citations),
            hits=tuple(hits),
            model=llm.name if llm else EXTRACTIVE,
            seconds=time.perf_counter() - started,
            notice=" ".join(
                part for part in (writer.notice or notice, hidden_notice(question, evidence, language)) if part
            ),
            verdicts=tuple(writer.verdicts),
            confidence=writer.confidence.value if writer.confidence else None,
            nearest=writer.nearest if status == "abstained" else (),
            signals=writer.signals,
        )

    def _model(self, language: Language) -> tuple[LLM | None, str]:
        """Wait for the model; without its weights answers are quotes, and a notice says why."""
        try:
            llm = self._llm.result()
        except (WeightsError, NoModelError) as error:
            return None, f"{_EXTRACTIVE_NOTICE[language]} ({error})"
        return llm, "" if llm else _EXTRACTIVE_NOTICE[language]


def _signals(
    question: str, language: Language, hits: Sequence[Hit], everywhere: Sequence[Hit], evidence: Sequence[Evidence]
) -> Signals:
    """Return what the retrieval says of whether the documents answer; ``everywhere`` was found without a filter."""
    wanted = set(german_terms(question))
    held = {term for part in evidence for term in german_terms(part.text)}
    late = max((hit.late for hit in hits), default=0.0)
    return Signals(
        cosine=max((part.cosine for part in evidence), default=0.0),
        dense=max((hit.dense for hit in hits), default=0.0),
        late=late,
        margin=late - _rivals(everywhere),
        coverage=len(wanted & held) / len(wanted) if wanted else 0.0,
        english=float(language == "en"),
    )


def _rivals(hits: Sequence[Hit]) -> float:
    """Return the mean late interaction of the sixth to tenth best passage, which as a rule do not answer."""
    best = sorted((hit.late for hit in hits), reverse=True) + [_UNRELATED] * 10
    return fmean(best[5:10])


def _load_into(loading: "Future[LLM | None]", language: Language, progress: Progress) -> None:
    """Load the model, and let an embedded one read what stands before every question."""
    try:
        llm = load_llm(progress=progress)
        if llm:
            llm.read_ahead(constant_prompt(language))
        loading.set_result(llm)
    except BaseException as error:  # noqa: BLE001 - raised again where the model is asked for
        loading.set_exception(error)


_UNRELATED = 0.3  # late interaction of a question with a passage about something else, where there are few

_UNAVAILABLE_NOTICE: dict[Language, str] = {
    "de": "Das Sprachmodell ist nicht zu erreichen: Die Antwort besteht aus den passendsten Sätzen der Dokumente.",
    "en": "The language model cannot be reached: the answer is made of the best matching German sentences.",
}
_EXTRACTIVE_NOTICE: dict[Language, str] = {
    "de": "Ohne Sprachmodell: Die Antwort besteht aus den passendsten Sätzen der Dokumente.",
    "en": "Without a language model: the answer is made of the best matching German sentences of the documents.",
}


def answer(
    question: str,
    *,
    index: str | Path | None = None,
    language: Language | None = None,
    documents: Iterable[str] | None = None,
    history: History = (),
    llm: LLM | None = None,
) -> Answer:
    """Answer a question from an index (default: ``BELEG_INDEX``), a folder or a store's URL; see ``Assistant.stream``.

    The index is opened and the model loaded at the first call, and kept for the next.
    """
    address = parse_address(index or index_settings().index)
    assistant = _loaded(address) if llm is None else Assistant(open_index(address, must_exist=True), llm)
    return assistant.answer(question, language=language, documents=documents, history=history)


_loaded = cache(Assistant.load)


def searched_for(question: str, history: History) -> str:
    """Return what is searched for: a question that leans on the one before it goes with it.

    >>> searched_for("Und wann war das?", [("Wo war die Messe?", "In Shanghai.")])
    'Wo war die Messe? Und wann war das?'
    """
    return f"{_leans_on(question, history)} {question}".strip()


def _leans_on(question: str, history: History) -> str:
    """Return the question before, where this one leans on it ("Und wann war das?", "And who backs it?"), else ""."""
    words = question.casefold().split()
    leans = bool(words) and (words[0] in _JOINING or not _LEANING.isdisjoint(word.strip("?,.!") for word in words))
    return history[-1][0] if history and leans and len(words) <= _LEANING_WORDS else ""


_LEANING_WORDS = 8
_JOINING = frozenset("und aber and but".split())
_LEANING = frozenset("das er sie es ihn ihm dort davon dabei damals dazu it he she they them that there this".split())


def hit_dict(hit: Hit) -> dict[str, Any]:
    """Return a passage that was found as JSON types."""
    chunk = hit.chunk
    return {
        "document_id": chunk.document_id,
        "title": chunk.title,
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "score": round(hit.score, 4),
        "dense": round(hit.dense, 4),
        "late": round(hit.late, 4),
        "lexical": round(hit.lexical, 4),
    }
