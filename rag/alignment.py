"""An English question's words -> their likes in the German chunks found for it, as terms for lexical search.

Contextual token vectors of a multilingual encoder align translations without a dictionary (Jalili Sabet et al. 2020,
SimAlign); terms from the first hits that search a second time are pseudo-relevance feedback (Lavrenko and Croft 2001,
Relevance-Based Language Models).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from index import Hit
from index.analysis import german_terms
from index.late_interaction import Tokens, best_matches

ALIGNED_HITS = 30
ALIGNED_COSINE = 0.35
TERMS_A_TOKEN = 3
_WORD = re.compile(r"\w+")


def aligned_terms(question: Tokens, hits: Sequence[Hit]) -> list[str]:
    """Return German terms for the tokens of a question: of the words nearest to each in the best hits.

    Args:
        question: Its tokens.
        hits: Best first.
    """
    best = hits[:ALIGNED_HITS]
    matches = best_matches(question, [hit.tokens for hit in best])
    terms: dict[str, None] = {}
    for cosines, starts in zip(matches.cosines, matches.starts, strict=True):
        near = [hit for hit in np.argsort(-cosines, kind="stable") if cosines[hit] > ALIGNED_COSINE]
        found = dict.fromkeys(term for hit in near for term in _terms_at(best[hit].chunk.searchable, starts[hit]))
        terms.update(islice(found.items(), TERMS_A_TOKEN))
    return list(terms)


def _terms_at(text: str, start: int) -> Iterator[str]:
    """Yield the terms of the word that covers a character.

    >>> list(_terms_at("Das Bürgerbüro hilft", 8))
    ['burgerburo']
    """
    for word in _WORD.finditer(text):
        if word.end() > start:
            yield from german_terms(word[0])
            return
