"""What belongs together: "men six times, women four times" does not carry "women six times"."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from rag.grounding.dates import named_times
from rag.grounding.lexicon import german_key, is_known
from rag.grounding.matching import match, nearest_statements
from rag.grounding.names import FIRST_NAMES
from rag.grounding.phrases import phrases
from rag.grounding.quantities import Quantity, quantities
from rag.grounding.units import unit_at
from rag.grounding.words import CONTRAST, Passage, Word

# Two sides of one matter: where evidence speaks of one of them, a sentence must not speak of the other.
_COUNTERPARTS = (
    "mieter tenant|vermieter landlord",
    "käufer buyer customer|verkäufer händler seller dealer",
    "arbeitgeber employer|arbeitnehmer beschäftigter angestellter employee worker",
    "kläger plaintiff|beklagter defendant",
    "gläubiger creditor|schuldner debtor",
    "schüler pupil student|lehrer teacher",
    "arzt ärztin doctor physician|patient patientin",
    "eltern parents|kind kinder child children",
    "mann männer man men|frau frauen woman women",
    "absender sender|empfänger recipient receiver",
    "bund federation|länder states",
    "regierung government|opposition",
    "verwaltung administration|bürger citizen citizens",
    "sieger gewinner winner|verlierer loser",
)


@dataclass(frozen=True)
class Anchor:
    """A phrase, a verb or a number that can belong to another: its part and statement, and what kind of thing it is."""

    text: str
    part: int
    statement: int
    kind: str
    words: tuple[Word, ...] = ()
    number: Quantity | None = None


def anchors(passage: Passage, source: Passage) -> list[Anchor]:
    """Return what can belong together in a passage, each with its kind: a number, a time, a verb, or a noun by its marker.

    >>> from rag.grounding.words import read
    >>> text = read("Im Sommer fährt der Bus zweimal.", "de")
    >>> [(anchor.text, anchor.kind) for anchor in anchors(text, text)]
    [('Sommer', 'time'), ('Bus', 'noun'), ('fährt', 'verb'), ('zweimal', 'number')]
    """
    counted = [number for number in quantities(passage.text, passage.language) if not number.is_ordinal]
    found = [
        Anchor(
            phrase.text,
            phrase.words[0].part,
            phrase.words[0].statement,
            _kind(phrase.words, phrase.marker),
            phrase.words,
        )
        for phrase in phrases(passage, passage.words, source)
        if not any(_measures(word, counted) for word in phrase.words)
    ]
    inside = {word for anchor in found for word in anchor.words}
    for word in passage.words:
        if word.meanings and word not in inside and not _measures(word, counted) and not word.is_capitalised:
            found.append(Anchor(word.text, word.part, word.statement, _kind((word,), "verb"), (word,)))
    for number in counted:
        place = next(word for word in passage.words if word.end > number.start)
        found.append(Anchor(number.text, place.part, place.statement, "number", (), number))
    return found


_TIMES = frozenset(
    "werktags werktag werktagen wochenende wochenenden wochentags weekdays weekday weekends weekend tagsüber".split()
)


def _measures(word: Word, counted: Sequence[Quantity]) -> bool:
    """Whether a word is a number or a unit."""
    return bool(unit_at(word.text, 0)) or any(number.start <= word.start < number.end for number in counted)


def _kind(words: Sequence[Word], marker: str) -> str:
    if any(named_times(word.text) or word.low in _TIMES for word in words):
        return "time"
    return "noun" if marker in ("", "obj", "gen") else "verb" if marker == "verb" else f"noun {marker}"


def crossed(claim: Passage, source: Passage) -> tuple[str, str] | None:
    """Return two things that the sentence joins and the evidence tells apart, each with a partner of its own.

    >>> from rag.grounding.words import read
    >>> quote = read("Gäste zahlen 7,90 Euro, Mitarbeiter 5,20 Euro.", "de")
    >>> crossed(read("Guests pay €5.20.", "en"), quote), crossed(read("Employees pay €5.20.", "en"), quote)
    (('Guests', '5.20'), None)
    """
    theirs = anchors(source, source)
    mine = anchors(claim, source)
    for part in dict.fromkeys(anchor.part for anchor in mine):
        here = [anchor for anchor in mine if anchor.part == part]
        for first, second in combinations(here, 2):
            if not (first.number and second.number) and _is_crossed(first, second, here, theirs, source):
                return first.text, second.text
    return None


def _is_crossed(
    first: Anchor, second: Anchor, here: Sequence[Anchor], theirs: Sequence[Anchor], source: Passage
) -> bool:
    """Whether two things are in neighbouring parts of the evidence, each beside a partner like the other one."""
    ones = [other for other in theirs if _same(first, other)]
    others = [other for other in theirs if _same(second, other)]
    if not ones or not others or {one.part for one in ones} & {other.part for other in others}:
        return False
    return any(
        abs(one.part - other.part) == 1
        and _has_partner(one, other, here, theirs)
        and _has_partner(other, one, here, theirs)
        for one in ones
        for other in others
        if one.statement == other.statement or _contrast(one, other, source)
    )


def _contrast(one: Anchor, other: Anchor, source: Passage) -> bool:
    """Whether the later of two statements contrasts with the one before it."""
    later = max(one.statement, other.statement)
    return abs(one.statement - other.statement) == 1 and any(
        word.low in CONTRAST for word in source.statement(later)[:4]
    )


def _has_partner(thing: Anchor, other: Anchor, here: Sequence[Anchor], theirs: Sequence[Anchor]) -> bool:
    """Whether something of the thing's kind stands in the other's part, and not in this part of the sentence."""
    return any(
        rival.kind == thing.kind
        and rival.part == other.part
        and rival is not other
        and not _same(rival, thing)
        and not any(_same(anchor, rival) for anchor in here)
        for rival in theirs
    )


def _same(one: Anchor, other: Anchor) -> bool:
    if one.number and other.number:
        return one.number.same_amount(other.number)
    return any(match(word, another) for word in one.words for another in other.words)


# One for another


def counterpart(claim: Passage, source: Passage) -> tuple[str, str] | None:
    """Return the tenant of a sentence where what its evidence says of that is about the landlord, or a name for a name.

    >>> from rag.grounding.words import read
    >>> quote = read("Der Vermieter darf die Miete erhöhen. Der Mieter kann der Erhöhung widersprechen.", "de")
    >>> counterpart(read("Der Vermieter kann der Erhöhung widersprechen.", "de"), quote)
    ('Vermieter', 'Mieter')
    """
    for number in claim.statements:
        words = claim.statement(number)
        near = nearest_statements(claim, number, source)
        theirs = [word for other in near for word in source.statement(other)]
        for word, rival in _rivals(words, theirs):
            if len(near) == 1 and not _says(word, theirs) and not _says(rival, words):
                return word.text, rival.text
    return None


def _says(word: Word, others: Sequence[Word]) -> bool:
    return any(german_key(word.low) == german_key(other.low) for other in others)


def _rivals(words: Sequence[Word], theirs: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    """Yield pairs of counterparts, and of people's names."""
    for pair in _COUNTERPARTS:
        sides = [set(side.split()) for side in pair.split("|")]
        for mine, other in (sides, sides[::-1]):
            ones, others = (
                [word for word in both if _is_one_of(word, side)] for both, side in ((words, mine), (theirs, other))
            )
            yield from ((one, another) for one in ones for another in others)
    ones, others = ([word for word in both if _is_person(word)] for both in (words, theirs))
    yield from ((one, another) for one in ones[:1] for another in others[:1])


def _is_one_of(word: Word, names: set[str]) -> bool:
    low = word.low
    return low in names or any(low.removesuffix(ending) in names for ending in ("s", "n", "in", "innen", "r", "en"))


def _is_person(word: Word) -> bool:
    return word.is_capitalised and word.low.removesuffix("s") in FIRST_NAMES and not is_known(word.low, "de")
