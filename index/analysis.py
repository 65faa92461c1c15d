"""German text -> terms for lexical search; the same function for documents and questions.

A term is the stem of a word. Where the same thing is written in several ways (a word with a hyphen, a number, a date, a
reference to a law), a term for what is meant is added; none is taken away.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain

from index.date_terms import date_terms
from index.law_terms import law_terms
from index.number_terms import number_terms, number_values
from index.stop_words import STOP_WORDS

_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_SIGNS = {"%": " prozent ", "€": " euro ", "$": " dollar "}

_WORD = re.compile(r"\w+(?:[.,:]\d+)*")
_TOKEN = re.compile(r"\w++(?:[.,:]\d++|[-\u2010](?:\r?\n[ \t]*+)?\w++)*+")  # words that hyphens or a line's end divide
_MOST_KEPT, _LONGEST = 200_000, 60  # tokens whose terms are remembered, about 40 MB; characters of one of them

_ACCENTS = re.compile("(?<![aou])\u0308|[\u0300-\u0307\u0309-\u036f]")  # not the dots of an umlaut
_TRIPLE = re.compile(r"([b-df-hj-np-tvxz])\1\1")  # Schifffahrt was Schiffahrt before 1996

# A pattern that begins with a hyphen is looked for fast; the word before it is read backwards.
_AND = r"(?:und|oder|bis|sowie|bzw\.?|beziehungsweise|and|or)"
_TAIL_MISSING = re.compile(rf"-((?:(?:,\s|\s?/\s?)\w++-){{0,9}}+)(?:,?\s{_AND}\s|\s?/\s?)([^\W\d_]++)")
_FIRST_WORD = re.compile(r"[^\W\d_]+$")
_HEAD_MISSING = re.compile(r"-(?<=[\s/].)([^\W\d_]++)")
_WHOLE_WORD = re.compile(rf"([^\W\d_]++)(?:\s{_AND}\s|,\s|\s?/\s?)$")
_NO_WORDS = STOP_WORDS | {"innen", "n", "e", "en", "r", "s"}  # Bürger/-innen
_UMLAUTS = str.maketrans("äöü", "aou")
_PREFIXES = (  # each before those that it begins with
    "zusammen zwischen zurück binnen gegen hinter nieder weiter wieder durch neben unter fort miss nach ober rück über "
    "auf aus bei ein ent her hin mit ver vor weg zer ab an be er in um un zu"
).split()
_PREFIXED = re.compile(rf"(?:{'|'.join(_PREFIXES)})(\w{{3,}})")


def german_terms(text: str) -> list[str]:
    """Return the stems of the content words, in order, repeated as they occur; then terms for what several words mean.

    Numbers keep their separators; soft hyphens vanish; stop words of both languages are left out.

    >>> german_terms("Die Häuser am Rhein kosten 4,5 Mrd. Euro; das Haus nicht.")
    ['haus', 'rhein', 'kost', '4,5', '4.5', 'mrd', 'euro', 'haus', 'nicht', '4500000000']
    >>> german_terms("Ein- und Ausfuhr am 3. Oktober 1990")
    ['ausfuhr', '3', 'oktob', '1990', 'einfuhr', '1990-10-03', '1990-10']
    >>> german_terms("E-Mail, § 7 Abs. 2 UWG")
    ['e', 'mail', 'email', '7', 'abs', '2', 'uwg', '§7', '§7abs2', '§7uwg']
    """
    shown = _normalized(text)
    folded = _folded(shown)
    return [*_words(folded), *_suspended(folded), *number_terms(shown), *date_terms(folded), *law_terms(shown)]


def _normalized(text: str) -> str:
    """Return the text with one form for each character and without those that no reader sees."""
    shown = unicodedata.normalize("NFKC", text)
    return shown if shown.isascii() else _INVISIBLE.sub("", shown)


def _folded(shown: str) -> str:
    """Return the text in small letters, with words for its signs.

    >>> _folded("5 % der STRASSEN in İstanbul")
    '5  prozent  der strassen in istanbul'
    """
    folded = shown.casefold().replace("i\u0307", "i")
    for sign, word in _SIGNS.items():
        folded = folded.replace(sign, word)
    return folded


# Words


def _words(folded: str) -> Iterator[str]:
    return chain.from_iterable(map(_TERMS.__getitem__, _TOKEN.findall(folded)))


class _Terms(dict[str, tuple[str, ...]]):
    """Token -> its terms, remembered: a few thousand tokens are most of any text."""

    def __missing__(self, token: str) -> tuple[str, ...]:
        terms = tuple(_token_terms(token))
        if len(self) >= _MOST_KEPT:
            self.clear()
        if len(token) <= _LONGEST:
            self[token] = terms
        return terms


_TERMS = _Terms()


def _token_terms(token: str) -> Iterator[str]:
    """Yield the stems of the words between hyphens, of the words joined, and what the numbers can mean.

    >>> list(_token_terms("rechtsschutz-versicherung")), list(_token_terms("1,234"))
    (['rechtsschutz', 'versicher', 'rechtsschutzversicher'], ['1,234', '1234', '1.234'])
    """
    words = _WORD.findall(token)
    content = [word for word in words if word not in STOP_WORDS]
    yield from map(stem, content)
    broken = "\n" in token and len(content) < len(words)  # "Ein-\nund Ausfuhr"
    if len(words) > 1 and not broken and not all(word[0].isdigit() for word in words):
        yield stem("".join(words))
    for word in content:
        if word[0].isdigit():
            yield from (value for value in number_values(word) if value != word)


def stem(word: str) -> str:
    """Return the stem of one word in small letters, without accents and with no letter three times in a row.

    >>> stem("häuser"), stem("haeuser"), stem("schifffahrten"), stem("cafés")
    ('haus', 'haus', 'schiffahrt', 'caf')
    """
    if not word.isascii():
        word = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", word)))
    if _TRIPLE.search(word):  # found out faster than nothing is replaced
        word = _TRIPLE.sub(r"\1\1", word)
    return stems([word])[0]


def stems(words: Sequence[str]) -> list[str]:
    """Return the stems of words in small letters.

    >>> stems(["rechts", "versicherungs"])
    ['recht', 'versicher']
    """
    import Stemmer

    # A new one for each call takes under a microsecond, and a stemmer is not to be shared by threads.
    stemmed: list[str] = Stemmer.Stemmer("german", 0).stemWords(words)
    return stemmed


# Suspended hyphens


def _suspended(folded: str) -> Iterator[str]:
    """Yield the word that a suspended hyphen stands for, or both words for ``compounds.split`` to complete."""
    if "-" in folded:
        yield from _tails_missing(folded)
        yield from _heads_missing(folded)


def _tails_missing(folded: str) -> Iterator[str]:
    """Yield the first words, each with the tail of the last one.

    >>> list(_tails_missing("ein- und ausfuhr, haft-, geld- oder freiheitsstrafen"))
    ['einfuhr', 'haft-/freiheitsstraf', 'geld-/freiheitsstraf']
    """
    for found in _TAIL_MISSING.finditer(folded):
        between, last = found.groups()
        before = _FIRST_WORD.search(folded, max(0, found.start() - _LONGEST), found.start())
        if before and last not in _NO_WORDS:
            yield from (_with_tail(first, last) for first in [before[0], *_WORD.findall(between)])


def _with_tail(first: str, last: str) -> str:
    """Return the one word where a prefix stands for a prefix, else both words.

    >>> _with_tail("ein", "ausfuhr"), _with_tail("häuser", "brückenbau")
    ('einfuhr', 'hauser-/bruckenbau')
    """
    if first in _PREFIXES and (prefixed := _PREFIXED.fullmatch(last)):
        return stem(first + prefixed[1])
    return f"{first.translate(_UMLAUTS)}-/{stem(last)}"


def _heads_missing(folded: str) -> Iterator[str]:
    """Yield the first word, whose head the last one shares, and the last one.

    >>> list(_heads_missing("arbeitgeberanteil und -zuschuss"))
    ['arbeitgeberanteil/-zuschuss']
    """
    for found in _HEAD_MISSING.finditer(folded):
        before = _WHOLE_WORD.search(folded, max(0, found.start() - _LONGEST), found.start())
        if before and found[1] not in _NO_WORDS:
            yield f"{stem(before[1])}/-{stem(found[1])}"
