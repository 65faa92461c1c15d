"""Number words of German and English -> values."""

import re
from collections.abc import Sequence
from functools import lru_cache

from index.language import Language
from rag.grounding.tables import rows


def _table(kind: str) -> dict[str, int]:
    return {word: value for row, value, word in rows("numbers") if row == kind}


def _fractions(kind: str) -> dict[str, float]:
    return {word: float(value) for word, value in _table(kind).items()}


_GERMAN_ONES, _GERMAN_TENS = _table("German ones"), _table("German tens")
_GERMAN_ORDINALS, _GERMAN_PARTS = _table("German ordinals"), _table("German parts")
_ENGLISH_ONES, _ENGLISH_TENS = _table("English ones"), _table("English tens")
_ENGLISH_POWERS, _ENGLISH_ORDINALS = _table("English powers"), _table("English ordinals")
_ENGLISH_PARTS = _table("English parts")
_GERMAN_OTHERS, _ENGLISH_OTHERS = _fractions("German others"), _fractions("English others")
_MAGNITUDES = _fractions("magnitudes")
_GERMAN_LONG = ("jährig", "tägig", "stündig", "monatig", "wöchig", "minütig", "köpfig", "stellig", "teilig", "stöckig")


def magnitude(word: str, language: Language) -> float | None:
    """Return what a word multiplies the number before it by; a German Billion is an English trillion.

    >>> magnitude("Mrd", "de"), magnitude("billion", "en"), magnitude("Billion", "de"), magnitude("Euro", "de")
    (1000000000.0, 1000000000.0, 1000000000000.0, None)
    """
    word = word.casefold()
    if word == "billion":
        return 1e12 if language == "de" else 1e9
    return _MAGNITUDES.get(word)


def number_at(words: Sequence[str], start: int, language: Language) -> tuple[float, int] | None:
    """Return the value of the number words that begin at a place, and how many they are.

    Args:
        words: In small letters.
        start: Where to look.
        language: Of the words.

    >>> number_at("four and a half hours".split(), 0, "en"), number_at(["dreihundertfünfzig"], 0, "de")
    ((4.5, 4), (350.0, 1))
    >>> number_at("zwei drittel davon".split(), 0, "de"), number_at(["haus"], 0, "de")
    ((0.6666666666666666, 2), None)
    """
    if language == "en":
        return _english_at(words, start)
    value = german_number(words[start])
    if value is None:
        return None
    following = words[start + 1] if start + 1 < len(words) else ""
    part = _GERMAN_PARTS.get(following.removesuffix("n").removesuffix("s"))
    return (value / part, 2) if part and value < part else (value, 1)


@lru_cache(maxsize=20_000)
def german_number(word: str) -> float | None:
    """Return the value of one German word in small letters: a cardinal, ordinal, part, or what they begin.

    "ein" alone and its forms are articles and give nothing.

    >>> [german_number(word) for word in "einundzwanzig dritten viereinhalb dreimal fünfköpfige viertel eine".split()]
    [21.0, 3.0, 4.5, 3.0, 5.0, 0.25, None]
    """
    if word in _GERMAN_OTHERS or re.fullmatch("halb(?:e[nmrs]?)?", word):
        return _GERMAN_OTHERS.get(word, 0.5)
    part = _GERMAN_PARTS.get(word.removesuffix("n").removesuffix("s"))
    if part:
        return 1 / part
    half = word.removesuffix("einhalb")
    if half != word:
        whole = _german_cardinal(half)
        return whole + 0.5 if whole is not None else None
    value = _german_cardinal(_without_multiple(word))
    if value is None:
        value = _german_ordinal(word)
    return float(value) if value is not None and word not in ("ein", "hundert", "tausend") else None


def is_ordinal(word: str, language: Language) -> bool:
    """Whether a number word in small letters says which, not how many.

    >>> is_ordinal("dritten", "de"), is_ordinal("acht", "de"), is_ordinal("third", "en"), is_ordinal("three", "en")
    (True, False, True, False)
    """
    if language == "en":
        return english_ordinal(word) is not None
    return _german_cardinal(word) is None and _german_ordinal(word) is not None


def _without_multiple(word: str) -> str:
    """Return the number in "dreimal", "dreifach", "dreijährig"; other words as they are."""
    marked = re.fullmatch(rf"(\w+?)(?:mal(?:ig)?|fach|{'|'.join(_GERMAN_LONG)})(?:e[nmrs]?)?", word)
    return marked[1] if marked else word


def _german_cardinal(word: str) -> int | None:
    for power, name in ((1000, "tausend"), (100, "hundert")):
        before, found, after = word.partition(name)
        if found:
            many = _german_cardinal(before) if before else 1
            more = _german_cardinal(after.removeprefix("und")) if after else 0
            return None if many is None or more is None else many * power + more
    if word in _GERMAN_ONES or word in _GERMAN_TENS:
        return _GERMAN_ONES.get(word, _GERMAN_TENS.get(word))
    one, _, ten = word.partition("und")
    return _GERMAN_ONES[one] + _GERMAN_TENS[ten] if one in _GERMAN_ONES and ten in _GERMAN_TENS else None


def _german_ordinal(word: str) -> int | None:
    """Return the value of an ordinal with its ending: "erste", "dritten", "zwanzigster"."""
    for stem in (re.sub(r"te[nmrs]?$", "", word), re.sub(r"ste[nmrs]?$", "", word)):
        value = _GERMAN_ORDINALS.get(stem) or _german_cardinal(stem)
        if value and stem not in (word, "ein"):
            return value
    return None


def _english_at(words: Sequence[str], start: int) -> tuple[float, int] | None:
    value, place = _english_cardinal(words, start)
    if value is None:
        return _english_single(words, start)
    rest = words[place : place + 3]
    if list(rest) == ["and", "a", "half"]:
        return value + 0.5, place + 3 - start
    if rest and rest[0] in _ENGLISH_PARTS and not (value > 1 and rest[0] in _ENGLISH_ORDINALS):
        return value / _ENGLISH_PARTS[rest[0]], place + 1 - start
    if rest and value % 10 == 0 and value < 100 and (last := english_ordinal(rest[0])) and last < 10:
        return float(value + last), place + 1 - start
    return float(value), place - start


def _english_cardinal(words: Sequence[str], start: int) -> tuple[int | None, int]:
    """Return the value of cardinal words from a place on, and the place after them."""
    value: int | None = None
    place = start
    while place < len(words):
        word = words[place]
        if word in _ENGLISH_ONES and (value is None or value % 100 == 0 or (value % 100 >= 20 and value % 10 == 0)):
            value = (value or 0) + _ENGLISH_ONES[word]
        elif word in _ENGLISH_TENS and (value is None or value % 100 == 0):
            value = (value or 0) + _ENGLISH_TENS[word]
        elif word in _ENGLISH_POWERS and (value is not None or place == start):
            value = (value or 1) * _ENGLISH_POWERS[word]
        elif not (word == "and" and value and value >= 100 and _is_cardinal(words, place + 1)):
            break
        place += 1
    return value, place


def _is_cardinal(words: Sequence[str], place: int) -> bool:
    return place < len(words) and (words[place] in _ENGLISH_ONES or words[place] in _ENGLISH_TENS)


def _english_single(words: Sequence[str], start: int) -> tuple[float, int] | None:
    word = words[start]
    if word in ("third", "quarter", "fifth") and words[start + 1 : start + 2] == ["of"]:
        return 1 / _ENGLISH_PARTS[word], 1
    if word in _ENGLISH_OTHERS:
        return _ENGLISH_OTHERS[word], 1
    ordinal = english_ordinal(word)
    return (float(ordinal), 1) if ordinal else None


def english_ordinal(word: str) -> int | None:
    """Return the value of an English ordinal.

    >>> english_ordinal("third"), english_ordinal("nineteenth"), english_ordinal("fortieth"), english_ordinal("month")
    (3, 19, 40, None)
    """
    if word in _ENGLISH_ORDINALS:
        return _ENGLISH_ORDINALS[word]
    stem = word.removesuffix("th") if word.endswith("th") else ""
    stem = re.sub("ie$", "y", stem)
    return _ENGLISH_ONES.get(stem) or _ENGLISH_TENS.get(stem)
