"""More and less, before and after, first and last: opposites in German and English, and which one a text has."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from rag.grounding.lexicon import PREFIXES, english_key, german_key, german_keys, infinitive
from rag.grounding.matching import match, similarity
from rag.grounding.negation import negations
from rag.grounding.quantities import quantities
from rag.grounding.tables import rows, word_list
from rag.grounding.words import Passage, Word, understood

_COMPARED = frozenset("als than".split())
_NO_POLES = frozenset("erst vor hinter ein zu rights".split())
_NEAR_PREPOSITION = 5
_MARGIN = 1.0  # by which the nearest contrary must beat the nearest that agrees


@dataclass(frozen=True)
class Pole:
    """A word of an axis: which axis, which of its poles, and whether a negation or "less" turns it round."""

    word: Word
    axis: int
    sign: int
    denied: bool


@cache
def _poles() -> dict[tuple[str, str], frozenset[tuple[int, int]]]:
    """(language, key) -> axes and signs."""
    found: dict[tuple[str, str], set[tuple[int, int]]] = {}
    for axis, poles_ in enumerate(rows("opposites")):
        for sign, words in zip((1, -1), poles_, strict=True):
            for word in words.split():
                for key in german_keys(word):
                    found.setdefault(("de", key), set()).add((axis, sign))
                found.setdefault(("en", english_key(word)), set()).add((axis, sign))
    return {key: frozenset(places) for key, places in found.items()}


def poles(passage: Passage) -> list[Pole]:
    """Return the words of a passage that have an opposite.

    >>> from rag.grounding.words import read
    >>> text = read("Der Gewinn sank nicht, er stieg.", "de")
    >>> [(pole.word.text, pole.sign, pole.denied) for pole in poles(text) if pole.axis == 0]
    [('sank', -1, True), ('stieg', 1, False)]
    """
    table = _poles()
    found = []
    for number, word in enumerate(passage.words):
        keys = german_keys(word.low) if passage.language == "de" else [english_key(word.low)]
        places = {place for key in keys for place in table.get((passage.language, key), frozenset())}
        places |= _of_separable(word, passage)
        if word.is_capitalised and word.low.startswith(("recht", "link")):
            continue  # law, not a side
        if not places or word.low in _NO_POLES or _counts(word, passage) or _weakens(passage, number):
            continue
        denied = _is_denied(word, passage)
        if denied is None:
            continue
        turned = denied != (number > 0 and _weakens(passage, number - 1))
        found += [Pole(word, axis, sign, turned) for axis, sign in sorted(places)]
    return found


def _weakens(passage: Passage, number: int) -> bool:
    """Whether a word is the "less" of "less frequent"."""
    words = passage.words
    if words[number].low not in ("weniger", "less") or number + 1 == len(words):
        return False
    return bool(words[number + 1].meanings) and words[number + 1].text[0].islower()


def _is_denied(word: Word, passage: Passage) -> bool | None:
    """Whether a negation is about a word, or about the verb that it is; None where it may be about something else."""
    near = [negation for negation in negations(passage) if negation.word.part == word.part]
    for negation in near:
        before = 0 < negation.word.start - word.end <= 1 and not word.is_capitalised
        if before or word in negation.heads[:1]:
            return True
    return None if near else False


def _of_separable(word: Word, passage: Passage) -> set[tuple[int, int]]:
    """Return the places of a verb whose prefix stands at the end of its part: "dehnt sich aus"."""
    last = passage.part(word.part)[-1]
    if passage.language != "de" or last is word or last.low not in PREFIXES or word.is_capitalised:
        return set()
    return set(_poles().get(("de", german_key(last.low + infinitive(word.low))), frozenset()))


def _counts(word: Word, passage: Passage) -> bool:
    """Whether "more" or "less" makes a number a bound, which is compared with the number."""
    return bool(
        re.match(
            r"\s+(?:als|than)\s+(?:\w+\s+){0,2}?(?:\d|\w*(?:zwei|drei|zehn|hundert)|two|three|ten)",
            passage.text[word.end :],
        )
    ) or any(
        quantity.bound and quantity.start - 30 < word.start < quantity.end + 20 and word.low in _BOUND_WORDS
        for quantity in quantities(passage.text, passage.language)
    )


_BOUND_WORDS = word_list("words of bounds")


def opposite(claim: Passage, source: Passage) -> tuple[str, str] | None:
    """Return a word of the sentence and its opposite in the evidence where what is nearest to it has that.

    >>> from rag.grounding.words import read
    >>> quote = read("Der Umsatz stieg, der Gewinn sank.", "de")
    >>> opposite(read("Profits rose.", "en"), quote), opposite(read("Revenue rose.", "en"), quote)
    (('rose', 'sank'), None)
    """
    theirs = poles(source)
    mine = poles(claim)
    for word in dict.fromkeys(pole.word for pole in mine):
        agreeing = [_around(word, other, claim, source) for other in source.words if _is_noun_like(word, other)]
        contrary = [(-1.0, "")]
        for pole, other in product((pole for pole in mine if pole.word == word), theirs):
            if pole.axis == other.axis:
                turned = _turned(pole, other, claim, source) * (-1 if pole.denied != other.denied else 1)
                same = other.sign * turned == pole.sign
                shared = _around(word, other.word, claim, source)
                agreeing += [shared] if same else []
                contrary += [] if same else [(shared, other.word.text)]
        share, text = max(contrary)
        if text and share >= max(agreeing, default=-1.0) + _MARGIN:
            return word.text, text
    return _rival(claim, source) or _other_preposition(claim, source)


def _is_noun_like(word: Word, other: Word) -> bool:
    """Whether the evidence has a noun for a word, as a part of a compound too: "income", "Einkommensteuer"."""
    return other.is_capitalised and match(word, other)


def _around(word: Word, other: Word, claim: Passage, source: Passage) -> float:
    """Return how much the parts around two words have in common."""
    words = [one for one in claim.part(word.part) if one is not word]
    theirs = [*source.part(other.part), *understood(source, other.part)]
    return similarity(claim, words, source, [one for one in theirs if one is not other])


def _turned(pole: Pole, other: Pole, claim: Passage, source: Passage) -> int:
    """Return -1 where the sentence compares the same two things the other way round, else 1."""
    left, right = _sides(pole.word, claim)
    other_left, other_right = _sides(other.word, source)
    if not other_right or _share(right, other_right):
        return 1
    return -1 if _share(left, other_right) or _share(right, other_left) else 1


def _sides(word: Word, passage: Passage) -> tuple[list[Word], list[Word]]:
    """Return the content words before and after the "als" or "than" of a comparison, and all where there is none."""
    words = passage.statement(word.statement)
    place = words.index(word)
    if not any(other.low in _COMPARED for other in words[place : place + 4]):
        words = tuple(other for other in passage.words if other.statement in (word.statement, word.statement + 1))
    joint = next((place + n for n, other in enumerate(words[place : place + 5]) if other.low in _COMPARED), None)
    before = [other for other in words[:joint] if other.meanings and other is not word]
    after = [other for other in words[joint + 1 :] if other.meanings] if joint is not None else []
    return before, after[:4]


def _share(words: Sequence[Word], others: Sequence[Word]) -> int:
    return sum(any(match(word, other) for other in others) for word in words)


def _rival(claim: Passage, source: Passage) -> tuple[str, str] | None:
    """Return a point of the compass, a colour or the like where the evidence has only another one."""
    for rivals in rows("rivals"):
        groups = [set(group.split()) for group in rivals]
        said, read_ = _groups_of(claim, groups), _groups_of(source, groups)
        wrong = [number for number in said if read_ and number not in read_]
        if wrong and len(read_) == 1:
            return said[wrong[0]], next(iter(read_.values()))
    return None


def _groups_of(passage: Passage, groups: Sequence[set[str]]) -> dict[int, str]:
    found = {}
    for word in passage.words:
        forms = {word.low, re.sub(r"(?:e[nmrs]?|s)$", "", word.low)}
        found.update({number: word.text for number, group in enumerate(groups) if forms & group})
    return found


def _other_preposition(claim: Passage, source: Passage) -> tuple[str, str] | None:
    """Return "after" and "vor" where both stand before the same word, and the evidence never has it after "nach"."""
    for pair in rows("prepositions"):
        sides = [set(words.split()) for words in pair]
        for mine, other in (sides, sides[::-1]):
            for preposition, words in _governed(claim, mine):
                found = [(p, w) for p, w in _governed(source, other) if _share(words, w)]
                same = [w for _, w in _governed(source, mine) if _share(words, w)]
                if found and not same:
                    return preposition.text, found[0][0].text
    return None


def _governed(passage: Passage, prepositions: set[str]) -> Iterator[tuple[Word, list[Word]]]:
    """Yield each of the prepositions with the content words that follow it."""
    for number, word in enumerate(passage.words):
        following = passage.words[number + 1 : number + 2]
        if word.low in prepositions and not (
            following and following[0].low in ("no", "kein", "keine", "keinen", "keinem")
        ):
            after = passage.words[number + 1 : number + 1 + _NEAR_PREPOSITION]
            yield word, [other for other in after if other.meanings and other.statement == word.statement][:2]
