"""Evidence -> checked, cited sentences: written by the model, or taken from the documents as they stand."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from index import Index
from index.embedding import EMBEDDED_MODEL
from index.language import Language
from rag.citations import Citation, cite, markers, without_markers
from rag.draft import is_refusal, sentences_of
from rag.evidence import Evidence
from rag.grounding import Verdict, check_sentence
from rag.llm import LLM, BrokenAnswerError, Message
from rag.prompt import NO_ANSWER, answer_prompt, constant_prompt

Status = Literal["answered", "abstained", "incomplete"]

MAX_ANSWER_TOKENS = 200
EXTRACTED_SENTENCES = 2
# How far from the nearest evidence a named sentence may lie, as a share of the way to the farthest one.
MARKER_MARGIN = 0.5
# Below this cosine of its nearest sentence a question is probably about something else; nine in ten questions that
# the documents answer lie above. Known for the embedded embedder alone, since every model has a scale of its own.
NEAR_COSINE = {EMBEDDED_MODEL: 0.82}
FAR_COSINE = {EMBEDDED_MODEL: 0.80}
LOG_ODDS_PER_COSINE = 40.0

_INCOMPLETE: dict[Language, str] = {
    "de": "Das Sprachmodell brach ab: Die Antwort ist unvollständig.",
    "en": "The language model broke off: the answer is incomplete.",
}


@dataclass(frozen=True)
class AnswerSentence:
    """A checked sentence of the answer with its markers, and the citations that it is the first to use."""

    text: str
    citations: tuple[Citation, ...]


@dataclass
class Writer:
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
        """The answer so far."""
        return " ".join(self.sentences)

    @property
    def status(self) -> Status:
        """What the answer is once the writing has ended."""
        if self.notice:
            return "incomplete"
        return "answered" if self.sentences else "abstained"

    def generate(self, llm: LLM) -> Iterator[AnswerSentence]:
        """Let the model write, and pass on what its evidence carries."""
        if not self.evidence:
            return
        llm.read_ahead(constant_prompt(self.language))
        messages = answer_prompt(self.question, self.evidence, self.language)
        if self._is_silent(llm, messages):
            return
        try:
            for sentence in sentences_of(llm.stream(messages, max_tokens=MAX_ANSWER_TOKENS)):
                if is_refusal(sentence):
                    return
                yield from self._checked(sentence)
        except BrokenAnswerError as error:
            self.notice = f"{_INCOMPLETE[self.language]} ({error})"

    def extract(self) -> Iterator[AnswerSentence]:
        """Pass on the best sentences as they stand in the documents."""
        if self._nearest_cosine < FAR_COSINE.get(self.index.embedder.name, -1.0):
            return
        best = sorted(self.evidence, key=lambda sentence: -sentence.score)[:EXTRACTED_SENTENCES]
        for sentence in self.evidence:
            if sentence in best:
                yield from self._cited(without_markers(" ".join(sentence.text.split())), [sentence])

    def _is_silent(self, llm: LLM, messages: list[Message]) -> bool:
        """Whether the model is likelier than its limit to refuse; far evidence lowers the limit, unknown odds pass."""
        log_odds = llm.log_odds(messages, NO_ANSWER)
        if log_odds is None:
            return False
        distance = max(0.0, NEAR_COSINE.get(self.index.embedder.name, -1.0) - self._nearest_cosine)
        return log_odds + LOG_ODDS_PER_COSINE * distance > llm.max_refusal_log_odds

    @property
    def _nearest_cosine(self) -> float:
        return max((sentence.cosine for sentence in self.evidence), default=-1.0)

    def _checked(self, sentence: str) -> Iterator[AnswerSentence]:
        """Pass on a sentence with the evidence that carries it; drop it where none does."""
        text = without_markers(sentence)
        if not re.search(r"\w", text):
            return
        verdicts = []
        for candidates in self._candidates(text, markers(sentence)):
            verdicts.append(check_sentence(text, candidates, self.question, self.language))
            if verdicts[-1].supported:
                self.verdicts.append(verdicts[-1])
                yield from self._cited(text, candidates)
                return
        self.verdicts.append(verdicts[0])

    def _candidates(self, text: str, numbers: Sequence[int]) -> list[list[Evidence]]:
        """Order what may carry a sentence: what it names and is near, all that it names, then the rest by nearness."""
        vector = self.index.embedder.embed_query(text)
        nearness = [float(sentence.vector @ vector) for sentence in self.evidence]
        nearest = sorted(range(len(self.evidence)), key=lambda n: -nearness[n])
        best, worst = nearness[nearest[0]], nearness[nearest[-1]]
        named = [n - 1 for n in dict.fromkeys(numbers) if 1 <= n <= len(self.evidence)]
        near = [n for n in named if nearness[n] >= best - MARKER_MARGIN * (best - worst)]
        groups = [near, named, *([n] for n in nearest)]
        return [[self.evidence[n] for n in group] for group in groups if group]

    def _cited(self, text: str, evidence: Sequence[Evidence]) -> Iterator[AnswerSentence]:
        """Number the citations in the order of their first use; a sentence without its true quotes is not shown."""
        if not all(cite(sentence, 1, self.index) for sentence in evidence):
            return
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
