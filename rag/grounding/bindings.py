"""What belongs together: "men six times, women four times" does not carry "women six times"."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from rag.grounding.dates import dates, named_times
from rag.grounding.matching import match
from rag.grounding.names import names
from rag.grounding.quantities import Quantity, quantities
from rag.grounding.tables import word_list
from rag.grounding.units import unit_at
from rag.grounding.words import CONTRAST, Passage, Word, is_verb, understood

# Kinds of two things that a sentence can join wrongly.
_TOLD_APART = ({"name", "number"}, {"noun", "number"}, {"time", "number"}, {"name", "verb"}, {"noun"})
# A German noun that no list knows may be a name.
_PERHAPS_ONE_KIND = ({"unknown", "name"}, {"unknown", "noun"})
_NOUN = {"unknown": "noun"}
_TIMES = frozenset("werktags wochenende wochentags weekdays weekday weekends weekend tagsüber".split())
_RELATIVE = frozenset("der die das den dem deren dessen denen".split())
_BEFORE_RELATIVE = frozenset("an auf aus bei durch für gegen in mit nach über um unter von vor zu zwischen".split())
_PRONOUNS = frozenset("er sie es dieser diese dieses beide beides".split())
_TAKING_UP = frozenset("davon darin darunter dort dabei damit".split())


@dataclass(frozen=True)
class Anchor:
    """A word or a number that can belong to another: where it stands, and what kind of thing it is."""

    text: str
    part: int
    statement: int
    kind: str
    word: Word | None = None
    number: Quantity | None = None

    def is_like(self, other: "Anchor") -> bool:
        """Whether two can be the same."""
        if self.number and other.number:
            return self.number.same_amount(other.number)
        return self.word is not None and other.word is not None and match(self.word, other.word)


def anchors(passage: Passage) -> list[Anchor]:
    """Return what can belong together in a passage: numbers, times, people and names, other nouns, verbs.

    >>> from rag.grounding.words import read
    >>> [(anchor.text, anchor.kind) for anchor in anchors(read("Im Sommer fährt Petra zweimal mit dem Bus.", "de"))]
    [('Sommer', 'time'), ('fährt', 'verb'), ('Petra', 'name'), ('Bus', 'noun'), ('zweimal', 'number')]
    """
    counted = quantities(passage.text, passage.language)
    named = set(names(passage))
    found = [
        Anchor(word.text, word.part, word.statement, _kind(word, named), word)
        for word in passage.words
        if word.meanings and not _measures(word, counted) and not dates(word.text)
    ]
    for number in (number for number in counted if not number.is_ordinal):
        place = next(word for word in passage.words if word.end > number.start)
        found.append(Anchor(number.text, place.part, place.statement, "number", None, number))
    return found


def _measures(word: Word, counted: Sequence[Quantity]) -> bool:
    """Whether a word is a number or a unit."""
    return bool(unit_at(word.text, 0)) or any(number.start <= word.start < number.end for number in counted)


def _kind(word: Word, named: set[str]) -> str:
    if named_times(word.text) or word.low in _TIMES:
        return "time"
    if not word.is_capitalised:
        return "verb"
    if word.text in named or word.low.endswith(tuple(word_list("people"))):
        return "name"
    return "noun" if word.is_everyday else "unknown"


def crossed(claim: Passage, source: Passage) -> tuple[str, str] | None:
    """Return two things that the sentence joins and the evidence tells apart, each with a partner of its own.

    >>> from rag.grounding.words import read
    >>> quote = read("Gäste zahlen 7,90 Euro, Mitarbeiter 5,20 Euro.", "de")
    >>> crossed(read("Guests pay €5.20.", "en"), quote), crossed(read("Employees pay €5.20.", "en"), quote)
    (('Guests', '5.20'), None)
    """
    theirs = anchors(source)
    theirs += list(_understood(source))
    mine = anchors(claim)
    for part in dict.fromkeys(anchor.part for anchor in mine):
        here = [anchor for anchor in mine if anchor.part == part]
        for first, second in combinations(here, 2):
            if _is_crossed(first, second, here, theirs, source):
                return first.text, second.text
    return None


def _understood(source: Passage) -> Iterator[Anchor]:
    """Yield what parts leave unsaid; it has no kind, since it is no rival of anything."""
    for part in dict.fromkeys(word.part for word in source.words):
        for word in understood(source, part):
            if word.meanings:
                yield Anchor(word.text, part, source.part(part)[0].statement, "", word)


def _is_crossed(
    first: Anchor, second: Anchor, here: Sequence[Anchor], theirs: Sequence[Anchor], source: Passage
) -> bool:
    """Whether two things are in neighbouring parts of the evidence, each beside a partner like the other one."""
    ones = [other for other in theirs if first.is_like(other)]
    others = [other for other in theirs if second.is_like(other)]
    if not ones or not others or {one.part for one in ones} & {other.part for other in others}:
        return False
    return any(
        {_NOUN.get(one.kind, one.kind), _NOUN.get(other.kind, other.kind)} in _TOLD_APART
        and _are_neighbours(one, other, source)
        and _has_rival(one, other, here, theirs)
        and _has_rival(other, one, here, theirs)
        for one in ones
        for other in others
    )


def _are_neighbours(one: Anchor, other: Anchor, source: Passage) -> bool:
    """Whether two are in parts of one statement that follow each other, or in two statements on two matters."""
    earlier, after = sorted((one, other), key=lambda anchor: anchor.part)
    words = source.part(after.part)
    if _takes_up(words) or (earlier.kind != "verb" and _is_relative(words, source)):
        return False
    if one.statement == other.statement:
        return abs(one.part - other.part) == 1
    if abs(one.statement - other.statement) != 1:
        return False
    begins = [word.low for word in source.statement(after.statement)]
    if any(word in CONTRAST for word in begins[:4]):
        return True
    return "name" in (one.kind, other.kind) and (earlier.kind == "verb" or _PRONOUNS.isdisjoint(begins))


def _takes_up(words: Sequence[Word]) -> bool:
    """Whether a part takes up what stands before it: "ein Viertel davon"."""
    return any(word.low in _TAKING_UP for word in words)


def _is_relative(words: Sequence[Word], source: Passage) -> bool:
    """Whether a part is a relative clause: its verb stands at its end."""
    first = words[1] if words[0].low in _BEFORE_RELATIVE and len(words) > 1 else words[0]
    return first.low in _RELATIVE and is_verb(words[-1], source)


def _has_rival(thing: Anchor, other: Anchor, here: Sequence[Anchor], theirs: Sequence[Anchor]) -> bool:
    """Whether something of the thing's kind stands in the other's part, and not in this part of the sentence."""
    return any(
        (rival.kind == thing.kind or {rival.kind, thing.kind} in _PERHAPS_ONE_KIND)
        and rival.part == other.part
        and rival is not other
        and not rival.is_like(thing)
        and not any(anchor.is_like(rival) for anchor in here)
        for rival in theirs
    )
