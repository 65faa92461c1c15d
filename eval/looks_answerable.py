"""An unanswerable question -> the sentence that seems to answer it, by words alone, without a model."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.analysis import german_terms
from index.document import Document
from index.sentences import split_sentences

LEAST_COVERED = 0.75
_FEWEST_TERMS = 2
_ASKS_FOR_A_NUMBER = re.compile(
    r"\b(?:wie\s?(?:viele?n?|hoch|lange?|schwer|gro(?:ß|ss)|alt|weit|teuer)|wann)\b|was kostet|"
    r"\b(?:how (?:many|much|long|high|old|big|far)|when)\b|what (?:does|did) .* cost",
    re.IGNORECASE,
)
# What such a question asks with, and no answer needs to hold.
_ASKING = frozenset(german_terms("viel viele hoch lange schwer groß alt weit teuer kostet heißt gibt many much long"))


@dataclass(frozen=True)
class Sentence:
    """A sentence of a document."""

    document_id: str
    text: str


class Passages:
    """The sentences of all documents, with the terms they and their titles hold."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._language = {document.id: document.language for document in documents}
        self._sentences: list[tuple[Sentence, set[str], set[str]]] = []
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        for document in documents:
            title = set(german_terms(document.title))
            for start, end in split_sentences(document.text, document.language):
                self._add(Sentence(document.id, document.text[start:end]), title)
        self._counts = Counter(term for _, own, title in self._sentences for term in own | title)

    def _add(self, sentence: Sentence, title: set[str]) -> None:
        terms = set(german_terms(sentence.text))
        for term in terms:
            self._holders[term].append(len(self._sentences))
        self._sentences.append((sentence, terms, title))

    def answer_to(self, question: str, language: str, documents: Iterable[str] | None = None) -> Sentence | None:
        """Return the sentence that holds nearly all that a question names, with a number where it asks for one.

        The terms of the question count by their rarity (``ln(1 + (n - df + 0.5) / (df + 0.5))``, that of BM25); those
        that only the document's title holds count too, but not alone. Documents in another language hold none of the
        question's words, and are left out.

        >>> baths = [Document("bad", "Freibad", "Der Eintritt kostet 3 Euro. Kinder zahlen nichts.")]
        >>> Passages(baths).answer_to("Was kostet der Eintritt ins Freibad?", "de")
        Sentence(document_id='bad', text='Der Eintritt kostet 3 Euro.')
        >>> Passages(baths).answer_to("Wie viele Kinder besuchen das Freibad?", "de")
        """
        terms = set(german_terms(question)) - _ASKING
        if len(terms) < _FEWEST_TERMS:
            return None
        only = None if documents is None else set(documents)
        needs_number = bool(_ASKS_FOR_A_NUMBER.search(question))
        best, found = LEAST_COVERED, None
        for number in sorted({holder for term in terms for holder in self._holders.get(term, ())}):
            sentence, own, title = self._sentences[number]
            name = sentence.document_id
            if self._language[name] != language or (only is not None and name not in only):
                continue
            if needs_number and not re.search(r"\d", sentence.text):
                continue
            covered = self._weight(terms & (own | title)) / self._weight(terms)
            if covered >= best and 2 * self._weight(terms & own) > self._weight(terms & (own | title)):
                best, found = covered + 1e-12, sentence
        return found

    def _weight(self, terms: Iterable[str]) -> float:
        n = len(self._sentences)
        return math.fsum(math.log1p((n - self._counts[term] + 0.5) / (self._counts[term] + 0.5)) for term in terms)
