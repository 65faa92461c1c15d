"""Evidence -> checked, cited sentences: written by the model, or taken from the documents as they stand."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Literal

from index import AnyIndex
from index.language import Language, detect_language, is_german_word, language_of_function_words
from index.vectors import Floats
from rag.citations import Citation, cite, find_quote, markers, without_markers
from rag.confidence import Confidence, Signals, confidence
from rag.disagreement import disagreements, newer, notice
from rag.document_date import document_date
from rag.draft import is_refusal, sentences_of
from rag.evidence import Evidence
from rag.grounding import Verdict, check_sentence
from rag.instructions import repeats_instructions
from rag.llm import LLM, BrokenAnswerError, LLMError, Message, Token, UnavailableError
from rag.prompt import NO_ANSWER, answer_prompt, constant_prompt, gloss_prompt, repair_prompt
from rag.steps import step, step_through
from rag.wording import dates_in_english, spelled_out

Status = Literal["answered", "abstained", "incomplete"]

MAX_ANSWER_TOKENS = 200
MAX_GLOSS_TOKENS = 160
EXTRACTED_SENTENCES = 2
NEAREST_PASSAGES = 3
GLOSSED_CITATIONS = 3
QUOTES_TRIED = 3
"""Sentences of the evidence that may stand in for one of the model's, the nearest first."""
MOST_DISAGREEMENTS = 2
SHORT_ANSWER_WORDS = 5
"""An answer of so many words is a name or a number that the model read in what it names; of a longer one the sentence
nearest to the question is more often the one that people quote."""
# How far from the nearest evidence a named sentence may lie, as a share of the way to the farthest one.
MARKER_MARGIN = 0.5

_INCOMPLETE: dict[Language, str] = {
    "de": "Das Sprachmodell brach ab: Die Antwort ist unvollständig.",
    "en": "The language model broke off: the answer is incomplete.",
}
_UNSURE: dict[Language, str] = {
    "de": "Zu unsicher: {value:.2f}, mindestens {least:.2f}",
    "en": "too unsure: {value:.2f}, at least {least:.2f}",
}
_INSTRUCTIONS = "it repeats what the model is told to do"
FIXED_FORM = "The documents say: “{quote}”"
TRANSLATED = " (translated: {gloss})"


@dataclass(frozen=True)
class AnswerSentence:
    """A checked sentence of the answer with its markers, and the citations that it is the first to use."""

    text: str
    citations: tuple[Citation, ...]


@dataclass
class Writer:
    """Turns evidence into checked sentences; afterwards its fields hold what the answer is made of.

    Attributes:
        signals: What the retrieval says of the question.
        least_confidence: From which confidence on to answer; ``None``: as fitted.
        stopped: Whether nobody waits for the answer any more.
        unavailable: Why the model gave no answer at all, so that the sentences are those of the documents.
        confidence: How sure it is; ``None``: nothing is fitted for this embedder.
    """

    index: AnyIndex
    question: str
    evidence: list[Evidence]
    language: Language
    signals: Signals
    least_confidence: float | None = None
    stopped: Callable[[], bool] = lambda: False
    citations: list[Citation] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    notice: str = ""
    unavailable: str = ""
    confidence: Confidence | None = None
    _used: list[Evidence] = field(default_factory=list)
    _vectors: dict[str, Floats] = field(default_factory=dict)
    _glosses: dict[str, str] = field(default_factory=dict)
    _no_reason: str = ""
    """A figure where a reason is asked for: where nothing else is left, the sentence that it was read in is quoted."""

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

    @property
    def nearest(self) -> tuple[Citation, ...]:
        """What the documents say that is nearest to the question, best first."""
        best = sorted(self.evidence, key=lambda sentence: -sentence.cosine)[:NEAREST_PASSAGES]
        cited = (cite(sentence, marker, self.index) for marker, sentence in enumerate(best, start=1))
        return tuple(citation for citation in cited if citation)

    def write(self, llm: LLM) -> Iterator[AnswerSentence]:
        """Let the model write; where it gives no answer now, take sentences of the documents as they stand."""
        try:
            yield from self._generate(llm)
        except UnavailableError as error:
            self.unavailable = str(error)
            yield from self.extract()

    def _generate(self, llm: LLM) -> Iterator[AnswerSentence]:
        """Let the model write, and pass on what its evidence carries; nothing where it is not sure enough."""
        if not self.evidence or not self._is_sure(self.signals, llm.name):
            return
        with step("prompt"):
            messages = answer_prompt(self.question, self.evidence, self.language)
        with step("llm"):
            llm.read_ahead(constant_prompt(self.language))
            refusal = llm.log_odds(messages, NO_ANSWER)
        if refusal is not None and refusal > llm.max_refusal_log_odds:
            return
        self.signals = replace(self.signals, refusal=refusal)
        heard: list[Token] = []
        try:
            written = step_through("llm", llm.stream(messages, max_tokens=MAX_ANSWER_TOKENS))
            tokens = takewhile(lambda _: not self.stopped(), written)
            for sentence in sentences_of(_overheard(tokens, heard)):
                if self.stopped():
                    return
                if is_refusal(sentence) and not self._stands_in_evidence(sentence):
                    break
                if not self.sentences and not self._is_worth(sentence, heard, llm.name):
                    return
                said = self._in_language(sentence, messages, llm)
                if said is None:
                    yield from self._quoted(sentence, llm)
                else:
                    named = self._named(said) or self.evidence
                    cited = " ".join(part.text for part in named)
                    yield from self._checked(spelled_out(said, cited, self.language))
        except BrokenAnswerError as error:
            self.notice = f"{_INCOMPLETE[self.language]} ({error})"
        if self._no_reason and not self.sentences and not self.notice:
            yield from self._quoted(self._no_reason, llm)
        yield from self._disagreements()
        if self.language == "en" and not self.stopped():
            self._gloss(llm)

    def extract(self) -> Iterator[AnswerSentence]:
        """Pass on the best sentences as they stand in the documents."""
        if not self.evidence or not self._is_sure(self.signals, ""):
            return
        best = sorted(self.evidence, key=lambda sentence: -sentence.score)[:EXTRACTED_SENTENCES]
        for sentence in self.evidence:
            if sentence in best:
                yield from self._cited(without_markers(" ".join(sentence.text.split())), [sentence], whole=False)
        yield from self._disagreements()

    def _disagreements(self) -> Iterator[AnswerSentence]:
        """Say where another document gives another figure than what carries the answer, both cited."""
        found = disagreements(self.question, self.evidence, self._used)[:MOST_DISAGREEMENTS]
        for disagreement in found:
            pair = (disagreement.used, disagreement.other)
            documents = [self.index.document(part.document_id) for part in pair if part.document_id in self.index]
            if len(documents) == len(pair):
                dates = [document_date(document.title, document.text, document.date) for document in documents]
                text = notice(disagreement, newer(disagreement, *dates), self.language)
                yield from self._cited(text, pair, whole=False)

    # How sure

    def _is_sure(self, signals: Signals, model: str) -> bool:
        self.confidence = confidence(signals, self.index.embedder.name, model, self.least_confidence)
        return self.confidence is None or self.confidence.suffices

    def _is_worth(self, sentence: str, heard: Sequence[Token], model: str) -> bool:
        """Whether the first sentence is likely enough to answer the question; the verdict says why not."""
        text = without_markers(sentence)
        vector = self._vector(text)
        support = max(float(part.vector @ vector) for part in self.evidence)
        logprobs = [token.logprob for token in heard if token.logprob is not None and re.search(r"\w", token)]
        self.signals = self.signals.with_answer(logprobs, support, named=bool(markers(sentence)))
        sure = self._is_sure(self.signals, model)
        if not sure and self.confidence:
            reason = _UNSURE[self.language].format(value=self.confidence.value, least=self.confidence.least)
            self.verdicts.append(Verdict(text, supported=False, reason=reason))
        return sure

    # In which language

    def _in_language(self, sentence: str, messages: list[Message], llm: LLM) -> str | None:
        """Return a sentence in the language of the answer: as it is, or said again; None where it cannot be had.

        So it is too where a sentence has no words, but only names evidence.
        """
        if not _has_words(sentence):
            return None
        if self.language == "en":
            sentence = dates_in_english(sentence)
        text, named = without_markers(sentence), markers(sentence)
        if _is_in(text, self.language, self.evidence):
            return sentence
        marks = "".join(f" [{number}]" for number in named)
        again = _said(llm, repair_prompt(messages, text, self.language))
        if again and _is_in(again, self.language, self.evidence if _is_short(again) else ()):
            return f"{dates_in_english(again) if self.language == 'en' else again}{marks}"
        is_name = _is_short(text) and not _has_german_word(text)
        return sentence if is_name else None

    def _quoted(self, sentence: str, llm: LLM) -> Iterator[AnswerSentence]:
        """Pass on the German quote that a sentence stands on, or the best ones that it names where it has no words.

        In an English answer it is said whose words they are, and the translation stands beside it.
        """
        if not _has_words(sentence):
            chosen = sorted(self._named(sentence), key=lambda part: -part.score)[:EXTRACTED_SENTENCES]
            for part in self.evidence:
                if part in chosen:
                    yield from self._as_quote(part, llm)
            return
        before = len(self.sentences)
        candidates = self._candidates(without_markers(sentence), markers(sentence))
        nearest = dict.fromkeys(number for parts in candidates for number in map(self.evidence.index, parts))
        for number in [*nearest][:QUOTES_TRIED]:
            yield from self._as_quote(self.evidence[number], llm)
            if len(self.sentences) > before:
                return

    def _named(self, sentence: str) -> list[Evidence]:
        """Return the evidence that a sentence names."""
        return [self.evidence[number - 1] for number in markers(sentence) if 1 <= number <= len(self.evidence)]

    def _stands_in_evidence(self, sentence: str) -> bool:
        """Whether a sentence is the documents' own, which may say in our words that something is missing."""
        return any(find_quote(without_markers(sentence), part.text) for part in self.evidence)

    def _as_quote(self, part: Evidence, llm: LLM) -> Iterator[AnswerSentence]:
        """Pass on a sentence of the documents, unless it would be shown as a link or only says the question again."""
        text = without_markers(" ".join(part.text.split()))
        self.verdicts.append(check_sentence(text, [part], self.question, "de"))
        if not self.verdicts[-1].supported:
            return
        if self.language == "en":
            gloss = self._glossed(part, llm)
            text = f"{FIXED_FORM.format(quote=text)}{TRANSLATED.format(gloss=gloss) if gloss else ''}"
        yield from self._cited(text, [part], whole=True)

    def _gloss(self, llm: LLM) -> None:
        """Translate the sentence that each of the first quotes is about, for readers of an English answer."""
        for place, citation in enumerate(self.citations[:GLOSSED_CITATIONS]):
            core = next(part for part in self._used if _is_within(part, citation))
            if gloss := self._glossed(core, llm):
                self.citations[place] = replace(citation, gloss=gloss)

    def _glossed(self, part: Evidence, llm: LLM) -> str:
        """Return the translation of a sentence, once made; "" for one that is none, or that the check finds wrong."""
        if part.text not in self._glosses:
            gloss = _said(llm, gloss_prompt(part.text), MAX_GLOSS_TOKENS).strip('"“”„')
            with step("check"):
                supported = check_sentence(gloss, [part], self.question, "en").supported
            is_english = _is_in(gloss, "en", ()) and not (_is_short(gloss) and _has_german_word(gloss))
            self._glosses[part.text] = gloss if supported and is_english else ""
        return self._glosses[part.text]

    # What carries it

    def _checked(self, sentence: str) -> Iterator[AnswerSentence]:
        """Pass on a sentence with the evidence that carries it; drop it where none does."""
        if not _has_words(sentence):
            return
        text = without_markers(sentence)
        if repeats_instructions(text, " ".join(part.text for part in self.evidence)):
            self.verdicts.append(Verdict(text, supported=False, reason=_INSTRUCTIONS, kind="instructions"))
            return
        with step("check"):
            carrying = self._carrying(text, markers(sentence))
        if carrying:
            yield from self._cited(text, carrying, whole=True)
        elif self.verdicts[-1].kind == "reason":
            self._no_reason = self._no_reason or sentence

    def _carrying(self, text: str, numbers: Sequence[int]) -> list[Evidence]:
        """Return the first evidence that carries a sentence, none where no evidence does; note the verdict."""
        verdicts = []
        ordered = self._candidates(text, numbers)
        if not _is_short(text):
            ordered = [[max(self.evidence, key=lambda part: part.score)], *ordered]
        for candidates in ordered:
            verdicts.append(check_sentence(text, candidates, self.question, self.language))
            if verdicts[-1].supported:
                self.verdicts.append(verdicts[-1])
                return candidates
        self.verdicts.append(verdicts[0])
        return []

    def _candidates(self, text: str, numbers: Sequence[int]) -> list[list[Evidence]]:
        """Order what may carry a sentence: what it names and is near, all that it names, then the rest by nearness."""
        vector = self._vector(text)
        nearness = [float(sentence.vector @ vector) for sentence in self.evidence]
        nearest = sorted(range(len(self.evidence)), key=lambda n: -nearness[n])
        best, worst = nearness[nearest[0]], nearness[nearest[-1]]
        named = [n - 1 for n in dict.fromkeys(numbers) if 1 <= n <= len(self.evidence)]
        near = [n for n in named if nearness[n] >= best - MARKER_MARGIN * (best - worst)]
        groups = [near, named, *([n] for n in nearest)]
        return [[self.evidence[n] for n in group] for group in groups if group]

    def _vector(self, text: str) -> Floats:
        """Return the ``(dim,)`` unit vector of a sentence as an answer to the question."""
        if text not in self._vectors:
            self._vectors[text] = self.index.embedder.embed_query(f"{self.question} {text}")
        return self._vectors[text]

    def _cited(self, text: str, evidence: Sequence[Evidence], *, whole: bool) -> Iterator[AnswerSentence]:
        """Number the citations in the order of their first use; a sentence without its true quotes is not shown.

        Args:
            text: The sentence.
            evidence: What carries it.
            whole: Quote the whole passage around each sentence.
        """
        used: list[int] = []
        new: list[Citation] = []
        for sentence in evidence:
            marker = len(self.citations) + len(new) + 1
            with_passage = whole and not any(_overlap(sentence, citation) for citation in (*self.citations, *new))
            citation = self._known(sentence, new) or cite(sentence, marker, self.index, with_passage=with_passage)
            if citation is None:
                return
            if citation.marker == marker:
                new.append(citation)
            used.append(citation.marker)
        self.citations += new
        self._used += evidence
        shown = f"{text} {''.join(f'[{marker}]' for marker in sorted(set(used)))}"
        self.sentences.append(shown)
        yield AnswerSentence(shown, tuple(new))

    def _known(self, sentence: Evidence, new: Iterable[Citation]) -> Citation | None:
        """Return the citation that a sentence is part of."""
        return next(
            (citation for citation in (*self.citations, *new) if _is_within(sentence, citation)),
            None,
        )


def _has_words(sentence: str) -> bool:
    return bool(re.search(r"\w", without_markers(sentence)))


def _is_within(sentence: Evidence, citation: Citation) -> bool:
    """Whether a sentence stands in a quote."""
    within = citation.start <= sentence.start and sentence.end <= citation.end
    return within and sentence.document_id == citation.document_id


def _overlap(sentence: Evidence, citation: Citation) -> bool:
    """Whether a sentence's passage and a citation share a character."""
    start, end = sentence.passage or (sentence.start, sentence.end)
    return sentence.document_id == citation.document_id and start < citation.end and citation.start < end


def _overheard(tokens: Iterable[Token], heard: list[Token]) -> Iterator[Token]:
    """Pass tokens on, and keep them."""
    for token in tokens:
        heard.append(token)
        yield token


def _is_in(text: str, language: Language, evidence: Sequence[Evidence]) -> bool:
    """Whether a text is in a language; English that keeps a German word of the evidence is not.

    >>> _is_in("Das Rathaus öffnet um acht Uhr.", "en", []), _is_in("Karl Marx", "en", [])
    (False, True)
    >>> _is_in("Oberster Gerichtshof der Vereinigten Staaten", "en", [])
    False
    >>> _is_in("an islamistisches regime", "en", [Evidence("a", "", "Ein islamistisches Regime.", 0, 26, 1.0)])
    False
    >>> _is_in("Roten Garden", "en", [Evidence("a", "", "Die Roten Garden kamen.", 0, 23, 1.0)])
    False
    """
    if not _is_short(text) and detect_language(text) != language:
        return False
    if language == "de":
        return True
    if language_of_function_words(text) == "de":
        return False
    copied = {word for part in evidence for word in _WORD.findall(part.text)} & {*_WORD.findall(text)}
    return not any(_looks_german(word) or (_is_short(text) and is_german_word(word)) for word in copied)


def _has_german_word(text: str) -> bool:
    return any(map(is_german_word, _WORD.findall(text)))


def _is_short(text: str) -> bool:
    return len(text.split()) <= SHORT_ANSWER_WORDS


_WORD = re.compile(r"[^\W\d_]+")
_LEAST_LETTERS = 5  # of a German word in small letters; shorter ones are often English too
_COMPOUND_LETTERS = 12  # a word with a capital is a name, but from here on a compound


def _looks_german(word: str) -> bool:
    return len(word) >= (_LEAST_LETTERS if word.islower() else _COMPOUND_LETTERS)


def _said(llm: LLM, messages: list[Message], max_tokens: int = MAX_ANSWER_TOKENS) -> str:
    """Return one whole text of the model in one line, and nothing where it breaks off."""
    try:
        written = "".join(step_through("llm", llm.stream(messages, max_tokens=max_tokens)))
    except LLMError:
        return ""
    return without_markers(" ".join(written.split()))
