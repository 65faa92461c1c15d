"""Names of people, places and institutions: which words of a sentence are names, and whether the evidence has them."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from rag.grounding.dates import dates, named_times
from rag.grounding.lexicon import is_known
from rag.grounding.number_words import number_at
from rag.grounding.spelling import alike, is_near
from rag.grounding.tables import groups, word_list
from rag.grounding.units import unit_at
from rag.grounding.words import Passage, Word

PLACES = groups("places")
FIRST_NAMES = groups("first_names")
ACRONYMS = groups("acronyms")
TRANSLATED = word_list("capitals that are no names")
TITLES = word_list("titles")
NAMED_KINDS = sorted(word_list("kinds called by a name"))

_NOT_JUDGED = frozenset({"deutschland", "europa"})  # of the German government evidence says "Bundesregierung"
_PHRASES = {"vereinigte": "usa", "vereinigten staaten": "usa", "königreich": "uk", "vereinten nationen": "un"}
_GERMAN_NOUN = re.compile(
    r"(?:ung|heit|keit|schaft|tion|sion|tät|ment|nis|tum|ling|chen|lein|ismus|ik|ie|enz|anz|ur|eur|ung|ei|erei)(?:e?n|e?s|e)?$"
)
_ENGLISH_WORD = re.compile(
    r"(?:tion|sion|ment|hood|ship|ness|ity|ive|ous|ance|ence|able|ible|ary|ory|ure|ism|ing|ful|less|al|ic|ics|ical|ed|age)s?$"
)
_PLACE_ENDINGS = (
    r"(?<=isch)e[nmrs]?$",
    r"(?:isch(?:e[nmrs]?)?|e[nrs]?|er[ns]?|s|n)$",
    r"(?:er|e)[ns]?(?:innen|in)?$|(?:inn)?en$|in$",
)
_LONG_PLACE = 6
_NAMED_KIND = re.compile(rf"\w*(?:{'|'.join(NAMED_KINDS)})(?:e?s|e?n)?")
_INSTITUTION = re.compile(
    r"(?P<kind>[^\W\d_]{3,})(?P<head>amt|behörde|gericht|ministerium|partei|fraktion|kasse|kammer|anstalt|stiftung|verband)"
    r"(?:e?s|e[ns]?|n|en)?$"
)


def missing_name(claim: Passage, source: str) -> str | None:
    """Return the first name of a sentence that the text it rests on does not have, in whatever form.

    Args:
        claim: The sentence.
        source: The evidence with its titles, and what the user asked.

    >>> from rag.grounding.words import read
    >>> missing_name(read("The comet was found by Ingrid Talvik.", "en"), "Maren Talvik entdeckte den Kometen.")
    'Ingrid'
    >>> missing_name(read("Danish troops came from Munich.", "en"), "Dänische Truppen kamen aus München.")
    """
    words = _source_words(source)
    for name in names(claim):
        if not _occurs(name, words):
            return name
    return _other_institution(claim, words)


def names(claim: Passage) -> list[str]:
    """Return the words that can only be names.

    English writes only them with capitals. In German they are those after a first name or a title, capitalised words in
    a row, known places and first names, and words of capitals.

    >>> from rag.grounding.words import read
    >>> names(read("Der Direktor heißt Hans Müller und kam aus Prag.", "de"))
    ['Hans', 'Müller', 'Prag']
    >>> names(read("The Federal Court in Karlsruhe heard Anna Voss on Monday.", "en"))
    ['Karlsruhe', 'Anna', 'Voss']
    """
    words = [word for word in claim.words if not word.text[0].isdigit()]
    if len(words) <= 2:
        excused = (_is_translated, _is_time, _is_number)
        found = [word for word in words if word.is_capitalised and not any(is_it(word) for is_it in excused)]
    else:
        found = list((_english if claim.language == "en" else _german)(claim, words))
    return list(dict.fromkeys(word.text for word in sorted(found, key=lambda word: word.start)))


def _is_number(word: Word) -> bool:
    return any(number_at([word.low], 0, language) for language in ("de", "en"))


# English


def _english(claim: Passage, words: Sequence[Word]) -> Iterator[Word]:
    starts = {claim.statement(number)[0].start for number in claim.statements}
    for run in _runs(claim, words):
        for number, word in enumerate(run):
            if _is_translated(word) or _is_time(word) or number_at([word.low], 0, "en"):
                continue
            first = word.start in starts or claim.text[: word.start].rstrip()[-1:] in tuple("\"“„'‘(:[")
            listed = _is_listed(word) or _is_acronym(word)
            if listed or (not (first and len(run) == 1) and not _is_part_of_a_term(run, number)):
                yield word


def _runs(claim: Passage, words: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield the capitalised words that stand in a row."""
    run: list[Word] = []
    for word in words:
        if run and (not word.is_capitalised or claim.text[run[-1].end : word.start].strip(" -")):
            yield run
            run = []
        if word.is_capitalised:
            run.append(word)
    if run:
        yield run


def _is_part_of_a_term(run: Sequence[Word], number: int) -> bool:
    """Whether a word belongs to a term that German translates: "Cultural Revolution", "Book Fair"."""
    if number and run[number - 1].low in TITLES | _ENGLISH_TITLES:
        return False
    return bool(_ENGLISH_WORD.search(run[number].low)) or any(
        _is_translated(other) and other.low not in _ENGLISH_TITLES
        for other in run
        if other is not run[number] and other.meanings
    )


_ENGLISH_TITLES = word_list("English titles")


def _is_translated(word: Word) -> bool:
    low = _bare(word.low)
    if len(low) < 2 or not word.meanings or low in TRANSLATED:
        return True
    return (is_known(low, "en") or bool(unit_at(word.text, 0))) and not _is_listed(word)


# German


def _german(claim: Passage, words: Sequence[Word]) -> Iterator[Word]:
    for word in words:
        if (word.is_capitalised and (_is_listed(word) or _is_acronym(word))) or _is_place_adjective(word):
            yield word
    for first, second in pairwise(words):
        apart = claim.text[first.end : second.start].strip()
        can_be = not apart and second.is_capitalised and bool(second.meanings) and not _is_time(second)
        if can_be and (_calls_by_name(first, second) or _in_a_row(first, second, words[0])):
            yield second


def _calls_by_name(first: Word, second: Word) -> bool:
    """Whether a name must follow the first word, or may and the second is no everyday word."""
    if first.low in FIRST_NAMES or first.low in TITLES:
        return not _GERMAN_NOUN.search(second.low)
    return bool(_NAMED_KIND.fullmatch(first.low)) and not second.is_everyday


def _in_a_row(first: Word, second: Word, start: Word) -> bool:
    """Whether two capitalised words are a name: none of them an everyday word."""
    if not first.is_capitalised or first is start or not first.meanings:
        return False
    return not first.is_everyday and not second.is_everyday and not _GERMAN_NOUN.search(second.low)


def _is_time(word: Word) -> bool:
    return bool(named_times(word.text) or dates(word.text))


def _is_listed(word: Word) -> bool:
    return bool(place(word.low) or _bare(word.low) in FIRST_NAMES)


def _is_acronym(word: Word) -> bool:
    return len(word.text) > 1 and word.text.isupper() and not unit_at(word.text, 0)


def _is_place_adjective(word: Word) -> bool:
    return "isch" in word.low and bool(place(word.low))


def _bare(low: str) -> str:
    return re.sub(r"['’]\w*$", "", low)


@lru_cache(maxsize=20_000)
def place(low: str) -> frozenset[str]:
    """Return the places that a word in small letters names, inflected or as an adjective.

    >>> sorted(place("englischen")), sorted(place("hamburgs")), sorted(place("danish")), sorted(place("haus"))
    (['england'], ['hamburg'], ['dänemark'], [])
    """
    low = _bare(low)
    forms = [low, low.removesuffix("s"), *(re.sub(ending, "", low) for ending in _PLACE_ENDINGS)]
    return next((PLACES[form] for form in forms if len(form) > 1 and form in PLACES), frozenset())


def _places_within(low: str) -> frozenset[str]:
    """Return the places that a longer word has a part of: "französischsprachig", "südchinesisch"."""
    return frozenset().union(*(groups for name, groups in PLACES.items() if len(name) >= _LONG_PLACE and name in low))


# Both


def _source_words(source: str) -> list[str]:
    low = source.casefold()
    phrases = [name for phrase, name in _PHRASES.items() if phrase in low]
    acronyms = [word for word in re.findall(r"\b[A-ZÄÖÜ]{2,}\b", source) if not unit_at(word, 0)]
    return [*re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", low), *phrases, *acronyms]


def _occurs(name: str, source: Sequence[str]) -> bool:
    """Whether a name is among the words in small letters, in any form of either language."""
    low = _bare(name.casefold())
    places = place(low)
    if places & _NOT_JUDGED or (name.isupper() and not any(word.isupper() for word in source)):
        return True
    groups = {
        word for word in (low, low.removesuffix("s")) for word in FIRST_NAMES.get(word, ()) or ACRONYMS.get(word, ())
    }
    for word in source:
        if (
            alike(low, word)
            or is_near(low, word)
            or places & (place(word) or _places_within(word) if places else places)
        ):
            return True
        if groups & (FIRST_NAMES.get(word, frozenset()) | ACRONYMS.get(word, frozenset())):
            return True
    return False


def _other_institution(claim: Passage, source: Sequence[str]) -> str | None:
    """Return an office, court or party that the evidence has only one of another kind for.

    >>> from rag.grounding.words import read
    >>> _other_institution(read("Das Ordnungsamt hilft.", "de"), ["im", "standesamt"])
    'Ordnungsamt'
    """
    if claim.language != "de":
        return None
    others = [found for word in source if (found := _INSTITUTION.fullmatch(word))]
    for word in claim.words:
        found = _INSTITUTION.fullmatch(word.low) if word.is_capitalised else None
        if found and any(found["head"] == other["head"] for other in others) and not _named_in(found, source):
            return word.text
    return None


def _named_in(institution: re.Match[str], source: Sequence[str]) -> bool:
    return any(alike(institution["kind"], word) or institution["kind"][:5] in word for word in source)
