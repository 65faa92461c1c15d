"""Question -> the chunks most likely to hold its answer."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from index import AnyIndex, Hit
from index.analysis import german_terms
from index.late_interaction import Tokens
from index.vectors import Floats
from rag.alignment import aligned_terms
from rag.language import Language, detect_language, language_shift

CANDIDATES = 100


@dataclass(frozen=True)
class Weights:
    """How much adds to the cosine of a chunk.

    Attributes:
        neighbours: A cosine of 1 of the chunks beside it: what stands there is about the same.
        late: A perfect late interaction.
        lexical: The best lexical match; it decides between near equals.
        lead: Being the first chunk of a document: authors say first what a document is about.
    """

    neighbours: float
    late: float
    lexical: float
    lead: float


WEIGHTS: dict[Language, Weights] = {
    "de": Weights(neighbours=0.6, late=0.35, lexical=0.045, lead=0.006),
    # Words of an English question are names, numbers and what alignment takes for translations, so they count less.
    "en": Weights(neighbours=0.4, late=0.25, lexical=0.03, lead=0.025),
}


@dataclass(frozen=True)
class EmbeddedQuestion:
    """A question and what it is searched by.

    Attributes:
        text: In German or English.
        language: Of the text.
        vector: ``(dim,)`` unit vector, an English one shifted towards the German ones.
        tokens: For the late interaction.
    """

    text: str
    language: Language
    vector: Floats
    tokens: Tokens


class Retriever:
    """Dense and lexical search over an index, fused by the language of the question."""

    def __init__(self, index: AnyIndex) -> None:
        self.index = index

    def retrieve(
        self,
        question: str,
        k: int = 5,
        *,
        language: Language | None = None,
        documents: Iterable[str] | None = None,
    ) -> list[Hit]:
        """Return at most ``k`` chunks, best first.

        Args:
            question: In German or English.
            k: How many chunks.
            language: The question's language; ``None``: detected.
            documents: Only these document ids.

        Raises:
            StoreError: A document id is unknown.
        """
        return self.search(self.embed(question, language), k, documents=documents)

    def embed(self, question: str, language: Language | None = None) -> EmbeddedQuestion:
        """Return what ``search`` takes."""
        language = language or detect_language(question)
        vector, tokens = self.index.embedder.embed_question(question, language)
        if language == "en":
            vector = vector + language_shift(self.index.embedder)
        return EmbeddedQuestion(question, language, vector / np.linalg.norm(vector), tokens)

    def search(self, question: EmbeddedQuestion, k: int = 5, *, documents: Iterable[str] | None = None) -> list[Hit]:
        """Return what ``retrieve`` returns, for a question that is embedded already."""
        return self.candidates(question, max(CANDIDATES, k), documents=documents)[:k]

    def candidates(
        self, question: EmbeddedQuestion, n: int = CANDIDATES, *, documents: Iterable[str] | None = None
    ) -> list[Hit]:
        """Return the ``n`` nearest chunks by meaning and the ``n`` best by words, fused, best first."""
        search = self.index.search(question.vector, tokens=question.tokens, candidates=n, documents=documents)
        terms = german_terms(question.text)
        hits = fuse(search.hits(terms), question.language)
        if question.language == "de":
            return hits
        return fuse(search.hits([*terms, *aligned_terms(question.tokens, hits)]), question.language)


def fuse(hits: list[Hit], language: Language) -> list[Hit]:
    """Order by the weighted sum of the scores, best first, ties by id.

    The cosine, and each other score times its weight; BM25 is divided by the highest one.
    A sum of scores, not of ranks: where no word of the question occurs, the order of the meaning stays as it is.
    """
    weights = WEIGHTS[language]
    highest = max((hit.lexical for hit in hits), default=0.0) or 1.0
    scores = (
        hit.dense
        + weights.neighbours * hit.neighbours
        + weights.late * hit.late
        + weights.lexical * hit.lexical / highest
        + weights.lead * (hit.chunk.start == 0)
        for hit in hits
    )
    scored = [replace(hit, score=score) for hit, score in zip(hits, scores, strict=True)]
    return sorted(scored, key=lambda hit: (-hit.score, hit.chunk.id))
