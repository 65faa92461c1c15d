"""Question -> the chunks most likely to hold its answer."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from index import Hit, Index
from index.analysis import german_terms
from index.vectors import Floats
from rag.language import Language, detect_language, language_shift

# How much the best lexical match adds to its cosine. Words decide between near equals in German; for an English
# question over German text only names and numbers match, so they may hint, never decide.
LEXICAL_WEIGHT: dict[Language, float] = {"de": 0.05, "en": 0.02}
CANDIDATES = 100


class Retriever:
    """Dense and lexical search over an index, fused by the language of the question."""

    def __init__(self, index: Index) -> None:
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
        language = language or detect_language(question)
        vector = self.embed(question, language)
        hits = self.index.search(vector, german_terms(question), candidates=max(CANDIDATES, k), documents=documents)
        return fuse(hits, LEXICAL_WEIGHT[language])[:k]

    def embed(self, question: str, language: Language) -> Floats:
        """Return the question's ``(dim,)`` unit vector, an English one shifted towards the German ones."""
        vector = self.index.embedder.embed_query(question)
        if language == "de":
            return vector
        shifted = vector + language_shift(self.index.embedder)
        return shifted / np.linalg.norm(shifted)


def fuse(hits: list[Hit], lexical_weight: float) -> list[Hit]:
    """Order by ``cosine + weight * BM25 / highest BM25``, best first, ties by id.

    A sum of scores, not of ranks: where no word of the question occurs, the cosine's order stays as it is.
    """
    highest = max((hit.lexical for hit in hits), default=0.0) or 1.0
    scored = [replace(hit, score=hit.dense + lexical_weight * hit.lexical / highest) for hit in hits]
    return sorted(scored, key=lambda hit: (-hit.score, hit.chunk.id))
