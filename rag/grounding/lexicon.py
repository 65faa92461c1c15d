"""Word -> its meanings, the same for a German word and its English translation.

A meaning is the number of a line of ``data/lexicon.jsonl`` (everyday words of both languages, written for this
project), "#12" or, for a part of a compound, "~12"; or the word itself without its endings. It serves to see which
words of two texts stand for each other, not to translate.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache

from index.language import Language
from rag.grounding.tables import rows

PREFIXES = (
    "ab an auf aus bei ein fest her hin los mit nach statt teil um vor weg weiter wieder zu zurück zusammen vorbei dar "
    "frei nieder bekannt durch"
).split()
_ALL_PREFIXES = (*PREFIXES, "be", "ver", "er", "ent", "zer")
_GERMAN_ENDINGS = (
    ("test", "tet", "ten", "ern", "te", "st", "est", "et", "em", "er", "t", "m"),
    ("en", "es", "e", "n", "s"),
)
_LEAST_PART = 4


@lru_cache(maxsize=20_000)
def meanings(word: str, language: Language) -> frozenset[str]:
    """Return what a word in small letters may mean: lines of the lexicon, and its own key.

    >>> bool(meanings("gekauft", "de") & meanings("bought", "en"))
    True
    >>> sorted(meanings("kupferbergwerk", "de"))[-1][0]
    '~'
    """
    keys = german_keys(word) if language == "de" else [english_key(word)]
    known = frozenset[str]().union(*(lexicon(language).get(key, frozenset()) for key in keys))
    if language == "de" and not known:
        known = _of_parts(keys[0])
    return known | set(keys)


def _of_parts(key: str) -> frozenset[str]:
    """Return the meanings of the longest known word that a compound ends with, and of what it begins with."""
    known = lexicon("de")
    for cut in range(_LEAST_PART, len(key) - _LEAST_PART + 1):
        if key[cut:] in known:
            first = key[:cut]
            starts = (first, first.removesuffix("s"), first.removesuffix("n"), first.removesuffix("er"))
            found = known[key[cut:]].union(*(known.get(start, frozenset()) for start in starts))
            return frozenset(meaning.replace("#", "~") for meaning in found)
    return frozenset()


def german_keys(word: str) -> list[str]:
    """Return a German word without its endings, as it stands and without the marks of a participle or infinitive.

    >>> german_keys("häuser"), german_keys("eingeführt"), german_keys("stieg")
    (['hau'], ['eingefuhr', 'einfuhr'], ['stieg', 'steig'])
    """
    found = {german_key(word): None, german_key(infinitive(word)): None}
    return list(found)


def german_key(word: str) -> str:
    """Return a German word without umlauts and endings.

    >>> german_key("kaufte"), german_key("städten"), german_key("tage")
    ('kauf', 'stad', 'tag')
    """
    key = plain(word)
    while True:
        for endings, least in zip(_GERMAN_ENDINGS, (4, 3), strict=True):
            ending = max((e for e in endings if key.endswith(e) and len(key) - len(e) >= least), key=len, default="")
            if ending:
                key = key[: -len(ending)]
                break
        else:
            return key


def infinitive(word: str) -> str:
    """Return the infinitive of a strong verb's form, or a participle without its mark.

    >>> infinitive("stieg"), infinitive("abgelehnt"), infinitive("anzumelden"), infinitive("gekauft")
    ('steigen', 'ablehnt', 'anmelden', 'kauft')
    """
    forms = _infinitives("de")
    if word in forms:
        return forms[word]
    marked = re.fullmatch(rf"({'|'.join(PREFIXES)})?(?:ge|zu)(\w{{3,}}(?:t|en|te[nmrs]?|ene[nmrs]?))", word)
    if not marked:
        prefixes = (prefix for prefix in _ALL_PREFIXES if word.startswith(prefix) and word[len(prefix) :] in forms)
        return next((prefix + forms[word[len(prefix) :]] for prefix in prefixes), word)
    prefix, rest = marked[1] or "", marked[2]
    return prefix + (forms.get(f"ge{rest}") or rest)


def english_key(word: str) -> str:
    """Return an English word without its endings; of an irregular verb the infinitive.

    >>> english_key("bought"), english_key("studies"), english_key("stopped"), english_key("increased")
    ('buy', 'study', 'stop', 'increas')
    """
    word = re.sub(r"['’]s?$", "", plain(word))
    word = _infinitives("en").get(word, word)
    for ending, put in (("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)] + put
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def plain(word: str) -> str:
    """Return a word in small letters without accents; ß is ss.

    >>> plain("Größe"), plain("Čapek")
    ('grosse', 'capek')
    """
    return "".join(sign for sign in unicodedata.normalize("NFD", word.casefold()) if not unicodedata.combining(sign))


@cache
def _infinitives(language: Language) -> Mapping[str, str]:
    """Form of a strong or irregular verb -> its infinitive; of an irregular English plural -> the singular."""
    return {form: verb for its, verb, forms in rows("verbs") if its == language for form in forms.split()}


@cache
def lexicon(language: Language) -> Mapping[str, frozenset[str]]:
    """Key of a word -> the numbers of its lines."""
    found: dict[str, set[str]] = defaultdict(set)
    for number, (english, german) in enumerate(rows("lexicon")):
        for word in (german if language == "de" else english).split():
            found[german_key(word) if language == "de" else english_key(word)].add(f"#{number}")
    return {key: frozenset(numbers) for key, numbers in found.items()}


def is_known(word: str, language: Language) -> bool:
    """Whether the lexicon has a word in small letters.

    >>> is_known("büchern", "de"), is_known("books", "en"), is_known("vestra", "de")
    (True, True, False)
    """
    keys = german_keys(word) if language == "de" else [english_key(word)]
    return any(key in lexicon(language) for key in keys)
