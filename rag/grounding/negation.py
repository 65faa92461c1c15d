"""What a text denies: negations, the words they are about, and words that deny by themselves."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from rag.grounding.matching import match, matches, nearest_statements
from rag.grounding.quantities import quantities
from rag.grounding.tables import rows
from rag.grounding.words import Passage, Word

_BEFORE_NOUN = frozenset("kein keine keinen keinem keiner keines keinerlei ohne no without".split())
_WHOLE = frozenset("niemand niemandem niemanden nichts nobody none nothing neither weder nirgends nowhere".split())
_ANYWHERE = frozenset("nicht nie niemals keinesfalls keineswegs not never cannot".split())
_CONTRACTED = re.compile(r"\w+n['’]t")
# Words that deny without a negation: evidence with one of them may say in other words what a sentence denies.
_DENYING = re.compile("|".join(rows("denying")))
_PREPOSITIONS = frozenset("von vom aus zu zum zur mit in im an am auf bei für of in on at for with by to from".split())
_GOES_ON = frozenset("aber jedoch sondern doch but".split())
_ONLY = frozenset("nur lediglich ausschließlich only solely merely erst".split())


@dataclass(frozen=True)
class Negation:
    """A negating word and the words that it is about, nearest first."""

    word: Word
    heads: tuple[Word, ...]


@lru_cache(maxsize=512)
def negations(passage: Passage) -> tuple[Negation, ...]:
    """Return the negations of a passage, without those that belong to a bound ("no more than ten") or to "not only".

    >>> from rag.grounding.words import read
    >>> [(n.word.text, [head.text for head in n.heads]) for n in negations(read("Er braucht keine Festplatte.", "de"))]
    [('keine', ['Festplatte'])]
    >>> [(n.word.text, [head.text for head in n.heads]) for n in negations(read("Eine E-Mail genügt nicht.", "de"))]
    [('nicht', ['E-Mail', 'genügt'])]
    """
    found = (_negation(passage, number, word) for number, word in enumerate(passage.words) if _negates(word))
    return tuple(negation for negation in found if negation and not _bounds(passage, negation.word))


def _negates(word: Word) -> bool:
    return word.low in _BEFORE_NOUN | _WHOLE | _ANYWHERE or bool(_CONTRACTED.fullmatch(word.low))


def _bounds(passage: Passage, word: Word) -> bool:
    """Whether a negation makes a number the least or the most."""
    for quantity in quantities(passage.text, passage.language):
        near = quantity.start - 40 < word.start < quantity.start and quantity.bound
        if near and re.search(
            r"(?:als|than|exceed\w*|überschr\w+)\W+(?:\w+\W+){0,3}$", passage.text[word.end : quantity.start]
        ):
            return True
        if quantity.negated_bound and word.statement == _word_at(passage, quantity.start).statement:
            return True
    return False


def _word_at(passage: Passage, start: int) -> Word:
    return next((word for word in passage.words if word.end > start), passage.words[-1])


def _negation(passage: Passage, number: int, word: Word) -> Negation | None:
    part = [other for other in passage.part(word.part) if other is not word]
    after = [
        other for other in passage.words[number + 1 :] if other.statement == word.statement and other.part == word.part
    ]
    if after and after[0].low in ("nur", "only"):
        return None
    if word.low in _BEFORE_NOUN:
        return Negation(word, tuple(_noun_phrase(passage, passage.words[number + 1 :])))
    content = [other for other in after if other.meanings]
    if word.low in _WHOLE or not content:
        content = [other for other in part if other.meanings]
    return Negation(word, tuple(content))


def _noun_phrase(passage: Passage, after: Sequence[Word]) -> Iterator[Word]:
    """Yield the content words up to the noun: the first capitalised one in German, at most two in English."""
    near = list(
        takewhile(lambda word: word.statement == after[0].statement and word.low not in _PREPOSITIONS, after[:5])
    )
    content = [word for word in near if word.meanings]
    for number, word in enumerate(content):
        yield word
        if word.is_capitalised or (passage.language == "en" and number == 1):
            return


def is_denied(words: Sequence[Word], passage: Passage, shared: Sequence[Word]) -> bool:
    """Whether some words hold a negation, or a word that denies by itself and that the other text has not too."""
    for word in words:
        if any(negation.word is word or negation.word == word for negation in negations(passage)):
            return True
        if _DENYING.fullmatch(word.low) and not _is_shared(word, shared):
            return True
    return False


def _is_shared(word: Word, others: Sequence[Word]) -> bool:
    if word.low in _ONLY:
        return any(other.low in _ONLY for other in others)
    return any(match(word, other) or word.low == other.low for other in others)


def changed_negation(claim: Passage, source: Passage) -> str | None:
    """Return the word that a sentence denies and its evidence does not, or the other way round.

    >>> from rag.grounding.words import read
    >>> quote = read("Die Mitglieder haften nicht mit ihrem Vermögen.", "de")
    >>> changed_negation(read("Die Mitglieder haften mit ihrem Vermögen.", "de"), quote)
    'Vermögen'
    >>> changed_negation(read("Members are not liable with their assets.", "en"), quote)
    """
    return _added(claim, source) or _dropped(claim, source)


def _added(claim: Passage, source: Passage) -> str | None:
    """Return what the sentence denies and no statement of the evidence that speaks of it denies."""
    for negation in negations(claim):
        shared = {head: _like(negation, head, source) for head in negation.heads}
        spoken = {found.statement for words in shared.values() for found in words}
        if not spoken:
            continue
        spoken |= set(nearest_statements(claim, negation.word.statement, source))
        if not any(is_denied(source.statement(number), source, claim.words) for number in spoken):
            return next(head.text for head, words in shared.items() if words)
    return None


def _like(negation: Negation, head: Word, source: Passage) -> list[Word]:
    """Return the words that a denied one can stand for; a noun stands for nouns."""
    found = matches(head, source.words)
    noun = negation.word.low in _BEFORE_NOUN and head.is_capitalised
    return [word for word in found if word.is_capitalised or not noun]


def _dropped(claim: Passage, source: Passage) -> str | None:
    """Return what the evidence denies and the sentence does not."""
    for negation in negations(source):
        heads = negation.heads if negation.word.low not in _BEFORE_NOUN else negation.heads[-1:]
        said = [found for head in heads for found in matches(head, claim.words)[:1]]
        if not said or len(said) * 2 < len(heads):
            continue
        if not any(_speaks_of(claim, word.statement, source, negation.word.statement) for word in said):
            continue
        if not any(is_denied(claim.statement(word.statement), claim, source.words) for word in said):
            return said[-1].text
    return None


def _speaks_of(claim: Passage, statement: int, source: Passage, other: int) -> bool:
    """Whether a statement of the evidence is the nearest to one of the sentence, or goes on from it after "aber"."""
    near = nearest_statements(claim, statement, source)
    goes_on = other - 1 in near and any(word.low in _GOES_ON for word in source.statement(other)[:2])
    return other in near or goes_on
