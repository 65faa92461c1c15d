"""Assistant: retrieve, select evidence, ask the model, check every sentence, answer or abstain."""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from index import Hit, Index
from index.errors import BelegError
from index.settings import index_settings
from index.weights import Progress, WeightsError
from rag.citations import Citation, cite, markers, without_markers
from rag.draft import is_refusal, sentences_of
from rag.evidence import Evidence, select_evidence
from rag.grounding import Verdict, check_sentence
from rag.language import Language, question_language
from rag.llm import LLM, BrokenAnswerError, load_llm
from rag.prompt import NO, NO_ANSWER, YES, answer_prompt, answerable_prompt
from rag.retriever import Retriever

Status = Literal["answered", "abstained", "incomplete"]
History = Sequence[tuple[str, str]]

HITS = 5
MAX_ANSWER_TOKENS = 200
EXTRACTED_SENTENCES = 2
EXTRACTIVE = "extractive"
MIN_LOG_ODDS = 0.0
MIN_EXTRACT_SCORE = 0.0
ABSTENTION: dict[Language, str] = {"de": "Die Dokumente sagen dazu nichts.", "en": "The documents do not say."}


class AssistantError(BelegError):
    """A question that cannot be asked as it stands."""


@dataclass(frozen=True)
class Answer:
    """An answer in which every sentence carries the marker of a checked quote, or an abstention.

    ``status``: ``answered``; ``abstained`` (``text`` says so, no citations); ``incomplete`` (the model broke off, the
    text is what was checked until then). ``model`` is ``extractive`` where the text is quotes, not written by a model.
    ``notice`` says in the answer's language what a user should know; ``verdicts`` what was checked, and dropped.
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

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types: what ``--json``, HTTP and MCP give out."""
        return {
            "question": self.question,
            "text": self.text,
            "language": self.language,
            "status": self.status,
            "citations": [citation.to_dict() for citation in self.citations],
            "hits": [_hit_dict(hit) for hit in self.hits],
            "model": self.model,
            "seconds": round(self.seconds, 3),
            "notice": self.notice,
            "verdicts": [vars(verdict) for verdict in self.verdicts],
        }


@dataclass(frozen=True)
class Found:
    """First event of a stream: what retrieval found."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class AnswerSentence:
    """A checked sentence of the answer with its markers, and the citations that it is the first to use."""

    text: str
    citations: tuple[Citation, ...]


Event = Found | AnswerSentence | Answer


class Assistant:
    """Answers questions from one index with one model.

    Args:
        index: What is asked.
        llm: Who writes; ``None``: nobody, answers are quotes.
        interface: The language of questions that are too short to tell.
    """

    def __init__(self, index: Index, llm: LLM | None, *, interface: Language = "de") -> None:
        self.index = index
        self.retriever = Retriever(index)
        self.interface = interface
        self._llm: Future[LLM | None] = Future()
        self._llm.set_result(llm)

    @classmethod
    def load(
        cls,
        folder: str | Path | None = None,
        *,
        interface: Language = "de",
        progress: Progress = lambda done, total: None,
    ) -> "Assistant":
        """Open an index (default: ``BELEG_INDEX``) and start loading the model of the settings beside it.

        ``progress`` is told, from another thread, the bytes done and in all where the model's weights are fetched.

        Raises:
            StoreError: There is no index in the folder, or it cannot be read.
        """
        index = Index.open(folder, must_exist=True)
        executor = ThreadPoolExecutor(1, thread_name_prefix="beleg-llm")
        loading = executor.submit(load_llm, progress=progress)
        executor.shutdown(wait=False)
        assistant = cls(index, None, interface=interface)
        assistant._llm = loading
        return assistant

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
    ) -> Iterator[Event]:
        """Yield what was found, then each sentence as soon as it is written and checked, then the whole answer.

        Args:
            question: In German or English.
            language: Of the answer; ``None``: the question's.
            documents: Only these document ids.
            history: Earlier (question, answer) pairs of the conversation, oldest first.

        Raises:
            AssistantError: The question is empty.
            StoreError: A document id is unknown.
            LLMError: The model cannot be asked.
        """
        started = time.perf_counter()
        if not question.strip():
            raise AssistantError("the question is empty; ask something")
        asked_in = question_language(question, self.interface)
        language = language or asked_in
        full_question = _standalone(question, history)

        hits = self.retriever.retrieve(full_question, HITS, language=asked_in, documents=documents)
        yield Found(tuple(hits))
        vector = self.retriever.embed(full_question, asked_in)
        evidence = select_evidence(full_question, vector, hits, self.index.embedder)
        writer = _Writer(self.index, full_question, evidence, language)
        llm, notice = self._model(language)
        yield from writer.generate(llm) if llm else writer.extract()

        text, status = writer.text, writer.status
        yield Answer(
            question=question,
            text=text or ABSTENTION[language],
            language=language,
            status=status,
            citations=tuple(writer.citations),
            hits=tuple(hits),
            model=llm.name if llm else EXTRACTIVE,
            seconds=time.perf_counter() - started,
            notice=writer.notice or notice,
            verdicts=tuple(writer.verdicts),
        )

    def _model(self, language: Language) -> tuple[LLM | None, str]:
        """Wait for the model; without its weights answers are quotes, and a notice says why."""
        try:
            llm = self._llm.result()
        except WeightsError as error:
            return None, f"{_EXTRACTIVE_NOTICE[language]} ({error})"
        return llm, "" if llm else _EXTRACTIVE_NOTICE[language]


_EXTRACTIVE_NOTICE: dict[Language, str] = {
    "de": "Ohne Sprachmodell: Die Antwort besteht aus den passendsten Sätzen der Dokumente.",
    "en": "Without a language model: the answer is made of the best matching German sentences of the documents.",
}


@dataclass
class _Writer:
    """Turns evidence into checked sentences; afterwards its fields hold what the answer is made of."""

    index: Index
    question: str
    evidence: list[Evidence]
    language: Language
    citations: list[Citation] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    notice: str = ""

    @property
    def text(self) -> str:
        return " ".join(self.sentences)

    @property
    def status(self) -> Status:
        if self.notice:
            return "incomplete"
        return "answered" if self.sentences else "abstained"

    def generate(self, llm: LLM) -> Iterator[AnswerSentence]:
        """Let the model write, and pass on what its evidence carries."""
        if not self.evidence or not self._answerable(llm):
            return
        tokens = llm.stream(answer_prompt(self.question, self.evidence, self.language), max_tokens=MAX_ANSWER_TOKENS)
        try:
            for sentence in sentences_of(tokens):
                if is_refusal(sentence):
                    return
                yield from self._checked(sentence)
        except BrokenAnswerError as error:
            self.notice = str(error)

    def extract(self) -> Iterator[AnswerSentence]:
        """Pass on the best sentences as they stand in the documents."""
        best = sorted(self.evidence, key=lambda sentence: -sentence.score)[:EXTRACTED_SENTENCES]
        for sentence in self.evidence:
            if sentence in best and sentence.score >= MIN_EXTRACT_SCORE:
                yield from self._cited(" ".join(sentence.text.split()), [sentence])

    def _answerable(self, llm: LLM) -> bool:
        log_odds = llm.log_odds(answerable_prompt(self.question, self.evidence), YES, NO)
        return log_odds is None or log_odds >= MIN_LOG_ODDS

    def _checked(self, sentence: str) -> Iterator[AnswerSentence]:
        """Look for evidence that carries the sentence: what it names first, then what is nearest in meaning."""
        named = [self.evidence[n - 1] for n in dict.fromkeys(markers(sentence)) if 1 <= n <= len(self.evidence)]
        text = without_markers(sentence)
        verdicts = []
        for candidates in ([named] if named else []) + [[nearest] for nearest in self._nearest(text)]:
            verdicts.append(check_sentence(text, candidates, self.question))
            if verdicts[-1].supported:
                self.verdicts.append(verdicts[-1])
                yield from self._cited(text, candidates)
                return
        self.verdicts.append(verdicts[0])

    def _nearest(self, text: str) -> list[Evidence]:
        """Order the evidence by nearness in meaning to a sentence."""
        vector = self.index.embedder.embed_query(text)
        return sorted(self.evidence, key=lambda sentence: -float(sentence.vector @ vector))

    def _cited(self, text: str, evidence: Sequence[Evidence]) -> Iterator[AnswerSentence]:
        """Number the citations in the order of their first use; a sentence without a true quote is not shown."""
        used, new = [], []
        for sentence in evidence:
            citation = self._known(sentence) or cite(sentence, len(self.citations) + 1, self.index)
            if citation is None:
                continue
            if citation not in self.citations:
                self.citations.append(citation)
                new.append(citation)
            used.append(citation.marker)
        if used:
            shown = f"{text} {''.join(f'[{marker}]' for marker in sorted(used))}"
            self.sentences.append(shown)
            yield AnswerSentence(shown, tuple(new))

    def _known(self, sentence: Evidence) -> Citation | None:
        place = (sentence.document_id, sentence.start)
        return next((c for c in self.citations if (c.document_id, c.start) == place), None)


def answer(
    question: str,
    *,
    index: str | Path | None = None,
    language: Language | None = None,
    documents: Iterable[str] | None = None,
    history: History = (),
    llm: LLM | None = None,
) -> Answer:
    """Answer a question from an index folder (default: ``BELEG_INDEX``); see ``Assistant.stream``.

    The folder is opened and the model loaded at the first call, and kept for the next.
    """
    folder = Path(index or index_settings().index)
    assistant = _loaded(folder) if llm is None else Assistant(Index.open(folder, must_exist=True), llm)
    return assistant.answer(question, language=language, documents=documents, history=history)


_loaded = cache(Assistant.load)


def _standalone(question: str, history: History) -> str:
    """Put the question before it in front of one that leans on it ("Und wann war das?", "And who backs it?")."""
    words = question.casefold().split()
    leans = bool(words) and (words[0] in _JOINING or not _LEANING.isdisjoint(word.strip("?,.!") for word in words))
    return f"{history[-1][0]} {question}" if history and leans and len(words) <= _LEANING_WORDS else question


_LEANING_WORDS = 8
_JOINING = frozenset("und aber and but".split())
_LEANING = frozenset("das er sie es ihn ihm dort davon dabei damals dazu it he she they them that there this".split())


def _hit_dict(hit: Hit) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "document_id": chunk.document_id,
        "title": chunk.title,
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "score": round(hit.score, 4),
    }
