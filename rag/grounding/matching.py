"""Which words of a sentence stand for which of its evidence, and which statements speak of the same."""

from collections.abc import Sequence
from functools import lru_cache

from rag.grounding.quantities import Quantity, quantities
from rag.grounding.spelling import alike
from rag.grounding.words import Passage, Word

NUMBER_WEIGHT = 1.5
_LEAST_LETTERS = 4


@lru_cache(maxsize=50_000)
def match(word: Word, other: Word) -> bool:
    """Whether two words can mean the same: by the lexicon, or because they look alike.

    A compound is matched by a word for a part of it, not by another compound with the same part.

    >>> from rag.grounding.words import read
    >>> [bought], [kaufte] = read("bought", "en").words, read("kaufte", "de").words
    >>> match(bought, kaufte)
    True
    """
    if not word.meanings or not other.meanings:
        return False
    if any(not meaning.startswith("~") for meaning in word.meanings & other.meanings):
        return True
    if _parts(word) & other.meanings or _parts(other) & word.meanings:
        return True
    if word.is_everyday and other.is_everyday:
        return False
    long = min(len(word.text), len(other.text)) >= _LEAST_LETTERS
    return long and (word.is_capitalised or other.is_capitalised) and alike(word.text, other.text)


def _parts(word: Word) -> set[str]:
    """Return the meanings of a compound's parts as words of their own have them."""
    return {meaning.replace("~", "#") for meaning in word.meanings if meaning.startswith("~")}


def matches(word: Word, others: Sequence[Word]) -> list[Word]:
    """Return the words that a word can stand for."""
    return [other for other in others if match(word, other)]


def numbers_of(passage: Passage, words: Sequence[Word]) -> list[Quantity]:
    """Return the quantities that stand within some words of a passage."""
    return [
        q for q in quantities(passage.text, passage.language) if words and words[0].start <= q.start < words[-1].end
    ]


def similarity(claim: Passage, words: Sequence[Word], source: Passage, others: Sequence[Word]) -> float:
    """How many of the words, and of the numbers among them, have their like among the others."""
    shared = sum(any(match(word, other) for other in others) for word in words if word.meanings)
    mine, theirs = numbers_of(claim, words), numbers_of(source, others)
    return shared + NUMBER_WEIGHT * sum(any(q.same_amount(other) for other in theirs) for q in mine)


def nearest_statements(claim: Passage, statement: int, source: Passage) -> list[int]:
    """Return the statements of the evidence that share most with one of the sentence; several where as many.

    >>> from rag.grounding.words import read
    >>> quote = read("Der Umsatz stieg. Der Gewinn sank.", "de")
    >>> nearest_statements(read("Profits fell.", "en"), 0, quote), nearest_statements(read("Yes.", "en"), 0, quote)
    ([1], [0, 1])
    """
    words = claim.statement(statement)
    shares = {number: similarity(claim, words, source, source.statement(number)) for number in source.statements}
    best = max(shares.values(), default=0.0)
    return [number for number, share in shares.items() if share == best]
