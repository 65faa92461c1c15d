"""Noun phrases of a statement, with the preposition or case that marks each, and who they make the doer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.grounding.matching import match
from rag.grounding.tables import word_list
from rag.grounding.words import Passage, Word

_MERGED = {
    "am": "an",
    "im": "in",
    "ins": "in",
    "zum": "zu",
    "zur": "zu",
    "vom": "von",
    "beim": "bei",
    "ans": "an",
    "aufs": "auf",
}
_PREPOSITIONS = word_list("prepositions")
_ARTICLES = word_list("articles")
_OBJECT_ARTICLES = frozenset("den einen seinen ihren ihn".split())
_DATIVE_ARTICLES = frozenset("dem einem seinem ihrem diesem".split())
_GENITIVE = frozenset("des der eines einer seines ihres ihrer deren dessen".split())
_PASSIVE = {
    "de": re.compile(r"\b(?:wird|werden|wurde|wurden|worden)\b"),
    "en": re.compile(
        r"\b(?:was|were|is|are|been|being|be)\s+(?:\w+ly\s+)?(?:\w+ed|\w+en|\w+n|\w+t|won|sold|led|held|made|put|beaten)\b"
    ),
}
_BY = {"de": frozenset(("von", "durch")), "en": frozenset(("by",))}


@dataclass(frozen=True)
class Phrase:
    """Words that name one thing.

    ``marker``: the preposition before it, "obj" or "gen" where an article shows the case, else "".
    """

    words: tuple[Word, ...]
    marker: str

    @property
    def text(self) -> str:
        """The words, joined."""
        return " ".join(word.text for word in self.words)

    def matches(self, other: "Phrase") -> int:
        """How many words have their like in the other phrase."""
        return sum(any(match(word, another) for another in other.words) for word in self.words)


def phrases(passage: Passage, words: Sequence[Word], source: Passage) -> list[Phrase]:
    """Return the noun phrases among some words, in order; "of" and the genitive join two into one.

    In English a noun is what can stand for a noun of the German source.

    >>> from rag.grounding.words import read
    >>> text = read("Die Truppen des Grafen schlugen das Heer am Fluss.", "de")
    >>> [(phrase.text, phrase.marker) for phrase in phrases(text, text.words, text)]
    [('Truppen Grafen', ''), ('Heer', ''), ('Fluss', 'an')]
    """
    found: list[Phrase] = []
    marker = ""
    run: list[Word] = []
    between: list[Word] = []
    for word in [*words, None]:
        if word is not None and _names_a_thing(word, passage, source) and not (run and _begins_anew(run[-1], word)):
            run.append(word)
            continue
        if run:
            found = _joined(found, Phrase(tuple(run), marker), between, passage)
            marker, run, between = "", [], []
        if word is not None and _names_a_thing(word, passage, source):
            run = [word]
        elif word is not None:
            between.append(word)
            marker = _marker(word, marker, passage)
    return found


def _names_a_thing(word: Word, passage: Passage, source: Passage) -> bool:
    if not word.meanings or word.is_capitalised:
        return bool(word.meanings)
    return passage.language == "en" and any(other.is_capitalised and match(word, other) for other in source.words)


def _begins_anew(last: Word, word: Word) -> bool:
    """Whether a noun is another thing than the noun right before it: "schickte die Regierung Wasser"."""
    everyday = [any(meaning.startswith("#") for meaning in one.meanings) for one in (last, word)]
    return word.part != last.part or (all(everyday) and last.is_capitalised and word.is_capitalised)


def _marker(word: Word, marker: str, passage: Passage) -> str:
    low = _MERGED.get(word.low, word.low)
    if (marker, low) == ("ahead", "of"):
        return marker
    if low in _PREPOSITIONS and not (low == "während" and passage.part(word.part)[0] is word):
        return low
    if marker in _PREPOSITIONS and (low in _ARTICLES or word.meanings or word.text[0].isdigit()):
        return marker
    if passage.language == "de" and low in _OBJECT_ARTICLES:
        return "obj"
    if passage.language == "de" and low in _DATIVE_ARTICLES:
        return "dat"
    return "gen" if passage.language == "de" and low in _GENITIVE - {"der"} else marker if word.meanings else ""


def _joined(found: list[Phrase], phrase: Phrase, between: Sequence[Word], passage: Passage) -> list[Phrase]:
    """Add a phrase, or join it to the one before: "the army of the bishop", "das Heer des Bischofs", "die Linie 7"."""
    low = [word.low for word in between if not word.text[0].isdigit()]
    of = low[:1] in (["of"], ["'s"]) and all(word in _ARTICLES or word == "of" for word in low)
    genitive = (
        passage.language == "de"
        and bool(low)
        and low[0] in _GENITIVE
        and not any(word.meanings for word in between[2:])
    )
    touching = bool(found) and not low and bool(between)
    if found and (of or genitive or touching) and found[-1].words[0].part == phrase.words[0].part:
        return [*found[:-1], Phrase(found[-1].words + phrase.words, found[-1].marker)]
    return [*found, phrase]


@dataclass(frozen=True)
class Frame:
    """Who does what to whom in a statement: the doer, what it is done to, and the phrases with their prepositions."""

    doer: Phrase | None
    target: Phrase | None
    others: dict[str, Phrase]


def frame(passage: Passage, words: Sequence[Word], source: Passage) -> Frame:
    """Tell doer and target by voice, article and order.

    >>> from rag.grounding.words import read
    >>> text = read("Bishop Konrad's army was defeated by the troops of Count Albrecht.", "en")
    >>> quote = read("Die Truppen des Grafen Albrecht schlugen das Heer des Bischofs Konrad.", "de")
    >>> made = frame(text, text.words, quote)
    >>> made.doer.text, made.target.text
    ('troops Count Albrecht', "Bishop Konrad's army")
    """
    found = phrases(passage, words, source)
    marked = {
        phrase.marker: phrase for phrase in reversed(found) if phrase.marker in _PREPOSITIONS or phrase.marker == "dat"
    }
    bare = [phrase for phrase in found if phrase.marker not in _PREPOSITIONS and phrase.marker != "dat"]
    text = passage.text[words[0].start : words[-1].end].casefold() if words else ""
    by = next((marked[sign] for sign in _BY[passage.language] if sign in marked), None)
    if by and _PASSIVE[passage.language].search(text):
        return Frame(by, bare[0] if bare else None, marked)
    bare = [phrase for phrase in bare if phrase.words[0].part == bare[0].words[0].part]
    objects = [phrase for phrase in bare if phrase.marker == "obj"]
    doers = [phrase for phrase in bare if phrase.marker != "obj"]
    doer = doers[0] if doers else None
    target = objects[0] if objects else doers[1] if len(doers) > 1 else None
    return Frame(doer, target, marked)
