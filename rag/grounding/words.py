"""Text -> words with their meanings, and the statements and parts that they stand in."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.language import Language
from index.sentences import split_sentences
from rag.grounding.lexicon import PREFIXES, german_key, infinitive, lexicon, meanings
from rag.grounding.tables import word_list

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|(?:\b[A-Z]-(?=[A-Z]))?[^\W\d_]+(?:['’][^\W\d_]{1,2}(?![^\W\d_]))?")
_STATEMENT_END = re.compile(r"[;–—]|:\s|[!?]\s")
_PART_END = re.compile(
    r",|\b(?:und|oder|aber|sondern|sowie|während|wenn|weil|dass|and|or|but|while|whereas|because|if|that|which|who)\b"
)
CONTRAST = frozenset("aber jedoch dagegen hingegen sondern während whereas while but however although obwohl".split())
_ALWAYS_CONTRAST = frozenset("sondern but whereas".split())
_LOOKAHEAD = 4  # words in which one that contrasts follows a comma


@dataclass(frozen=True)
class Word:
    """A word or a number: where it stands, and what it may mean (nothing for function words).

    ``statement`` counts sentences and what contrasts within them, ``part`` what commas and conjunctions divide.
    """

    text: str
    start: int
    end: int
    statement: int
    part: int
    meanings: frozenset[str]

    @property
    def low(self) -> str:
        """In small letters."""
        return self.text.casefold()

    @property
    def is_everyday(self) -> bool:
        """Whether the lexicon knows it, or what it is composed of."""
        return any(meaning[0] in "#~" for meaning in self.meanings)

    @property
    def is_capitalised(self) -> bool:
        """Whether it begins with a capital letter."""
        return self.text[0].isupper()


@dataclass(frozen=True)
class Passage:
    """A text with its words, in order."""

    text: str
    language: Language
    words: tuple[Word, ...]

    def statement(self, number: int) -> tuple[Word, ...]:
        """The words of one statement."""
        return tuple(word for word in self.words if word.statement == number)

    def shown(self, number: int) -> str:
        """The stretch of the text that one statement spans."""
        words = self.statement(number)
        return self.text[words[0].start : words[-1].end] if words else ""

    def part(self, number: int) -> tuple[Word, ...]:
        """The words of one part."""
        return tuple(word for word in self.words if word.part == number)

    @property
    def statements(self) -> tuple[int, ...]:
        """The numbers of the statements."""
        return tuple(dict.fromkeys(word.statement for word in self.words))


@lru_cache(maxsize=512)
def read(text: str, language: Language) -> Passage:
    """Divide a text into words.

    >>> [(word.text, word.statement, word.part) for word in read("Er kam, aber ging. Sie blieb.", "de").words]
    [('Er', 0, 0), ('kam', 0, 0), ('aber', 1, 1), ('ging', 1, 1), ('Sie', 2, 2), ('blieb', 2, 2)]
    """
    tokens = list(_TOKEN.finditer(text))
    places = _places(text, tokens)
    words = [
        Word(token[0], token.start(), token.end(), statement, part, frozenset())
        for token, (statement, part) in zip(tokens, places, strict=True)
    ]
    return Passage(text, language, tuple(_with_meanings(words, language)))


def _places(text: str, tokens: Sequence[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """Yield the numbers of the statement and the part of each token."""
    statement = part = 0
    ends_at = {end for _, end in split_sentences(text)}
    for number, token in enumerate(tokens):
        before = text[tokens[number - 1].end() : token.start()] if number else ""
        low = token[0].casefold()
        between = range(tokens[number - 1].end(), token.start() + 1) if number else range(0)
        stops = token[0][0].isupper() and low in word_list("function words") and before.startswith(". ")
        ends = stops or bool(_STATEMENT_END.search(before)) or not ends_at.isdisjoint(between)
        after_comma = "," in before
        if ends or after_comma or (number and _PART_END.fullmatch(low)):
            part += 1
            following = {word[0].casefold() for word in tokens[number : number + _LOOKAHEAD]}
            contrasts = after_comma and not CONTRAST.isdisjoint(following)
            statement += ends or contrasts or (low in _ALWAYS_CONTRAST and not after_comma)
        yield statement, part


def _with_meanings(words: Sequence[Word], language: Language) -> Iterator[Word]:
    """Add meanings; a German verb may have its prefix at the end of the part, or of the statement."""
    last_of_part = {word.part: word.low for word in words}
    for word in words:
        if word.low in word_list("function words") or word.text[0].isdigit():
            yield word
            continue
        found = set(meanings(word.low, language))
        prefix = last_of_part[word.part]
        if language == "de" and prefix in PREFIXES and not word.is_capitalised and word.low != prefix:
            key = german_key(prefix + infinitive(word.low))
            found |= {key} | lexicon("de").get(key, frozenset())
        yield Word(word.text, word.start, word.end, word.statement, word.part, frozenset(found))


_BEFORE_ADJECTIVES = frozenset(
    "der die das den dem des ein eine einen einem einer eines am im zum zur vom beim".split()
)


def is_verb(word: Word, passage: Passage) -> bool:
    """Whether a German word can be a verb: written small, and no adjective between an article and its noun.

    >>> text = read("Die alte Brücke liegt am linken Ufer.", "de")
    >>> [word.text for word in text.words if is_verb(word, text)]
    ['liegt']
    """
    if word.is_capitalised or not word.meanings:
        return word.low in _AUXILIARIES
    place = passage.words.index(word)
    before, after = passage.words[max(0, place - 1) : place], passage.words[place + 1 : place + 2]
    inflected = word.low.endswith(("e", "en", "er", "es", "em"))
    is_adjective = bool(before) and before[0].low in _BEFORE_ADJECTIVES
    return not is_adjective and not (inflected and bool(after) and after[0].is_capitalised and bool(after[0].meanings))


_AUXILIARIES = frozenset(
    "ist sind war waren wird werden wurde wurden hat haben hatte hatten kann darf muss soll will".split()
)


def understood(passage: Passage, part: int) -> tuple[Word, ...]:
    """Return the words of the part before that a part leaves unsaid: the verb, or the subject where it begins with one.

    >>> [word.text for word in understood(read("Anna liegt am linken Ufer, Bert am rechten.", "de"), 1)]
    ['liegt', 'am', 'linken', 'Ufer']
    >>> [word.text for word in understood(read("Das Mittel senkt den Druck, erhöht aber den Puls.", "de"), 1)]
    ['Das', 'Mittel']
    """
    words, before = passage.part(part), passage.part(part - 1)
    verbs = [number for number, word in enumerate(words) if is_verb(word, passage)]
    first = next((number for number, word in enumerate(before) if is_verb(word, passage)), len(before))
    if not verbs:
        return before[first:]
    return before[:first] if verbs[0] == 0 else ()
