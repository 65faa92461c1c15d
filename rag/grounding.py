"""Does the evidence carry the sentence? A check in code, whatever model wrote it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.analysis import german_terms
from rag.citations import find_quote, quoted
from rag.evidence import Evidence

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACED = re.compile(r"(?<!\d)\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)")
_DATE = re.compile(r"(?<!\d)\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2}(?!\d))?")
NUMBER_WORDS = dict(
    zip(
        "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf two three four five six seven eight nine ten eleven "
        "twelve".split(),
        [str(number) for number in range(2, 13)] * 2,
        strict=True,
    )
)

_SAME_SOUND = str.maketrans({"c": "k", "z": "k", "y": "i", "w": "v"})
_EMPTY_WORDS = frozenset("jahr year datum date anzahl number antwort answer heiss nam name".split())
# Words that English writes with a capital and German calls otherwise; a list of names and their forms comes later.
_TRANSLATED = frozenset(
    "january february march may june july october december monday tuesday wednesday thursday friday saturday sunday "
    "germany german france french austria austrian italy italian sweden swedish norway norwegian denmark danish "
    "hungary hungarian greece greek spain spanish switzerland swiss netherlands dutch turkey turkish russia russian "
    "czech poland polish china chinese japan japanese european union united states kingdom america american england "
    "english munich cologne vienna nuremberg hanover brunswick bavaria bavarian saxony thuringia rhine danube moselle "
    "baltic sea north south east west war world nobel prize law act basic federal state court constitutional republic "
    "office ministry university church cathedral yes no ja nein none".split()
)


@dataclass(frozen=True)
class Verdict:
    """Whether a sentence of the answer is carried by its evidence, and if not, what is not."""

    sentence: str
    supported: bool
    reason: str = ""


def check_sentence(sentence: str, evidence: Sequence[Evidence], question: str) -> Verdict:
    """Check what code can decide in any pair of languages: every number and every literal quote must be there.

    Args:
        sentence: Of the answer, without markers.
        evidence: What the sentence cites.
        question: Numbers that the user gave may be repeated.

    >>> pico = Evidence("a", "", "Die Messe dauerte vom 6. bis 8. Juli.", 0, 38, 1.0)
    >>> check_sentence("The fair ran from July 6 to 8.", [pico], "When?").supported
    True
    >>> check_sentence("The fair had 10,000 visitors.", [pico], "How many visitors?").reason
    'number 10,000 is not in the evidence'
    """
    text = "\n".join(f"{part.title}\n{part.text}" for part in evidence)
    if _only_repeats(sentence, question):
        return Verdict(sentence, supported=False, reason="it only repeats the question")
    for name in _names(sentence):
        if not _occurs(name, f"{text}\n{question}"):
            return Verdict(sentence, supported=False, reason=f"name {name!r} is not in the evidence")
    known = numbers(text) | numbers(question)
    for number in _NUMBER.findall(sentence):
        if _value(number) not in known:
            return Verdict(sentence, supported=False, reason=f"number {number} is not in the evidence")
    for word in re.findall(r"\w+", sentence.casefold()):
        if word in NUMBER_WORDS and NUMBER_WORDS[word] not in known:
            return Verdict(sentence, supported=False, reason=f"number {word!r} is not in the evidence")
    for quote in quoted(sentence):
        if not find_quote(quote, text) and not find_quote(quote, question):
            return Verdict(sentence, supported=False, reason=f"quote {quote!r} is not in the evidence")
    return Verdict(sentence, supported=True)


def _only_repeats(sentence: str, question: str) -> bool:
    """Whether the answer to "when" or "how many" has no content word and no number beyond the question's own.

    >>> _only_repeats("Die Messe fand im Jahr 2024 statt.", "Wann fand die Messe 2024 statt?")
    True
    """
    asked = re.match(r"\W*(?:wann|when|wie viele?|how many|how much)\b", question, re.IGNORECASE)
    return bool(asked) and set(german_terms(sentence)) <= set(german_terms(question)) | _EMPTY_WORDS


def _names(sentence: str) -> list[str]:
    """Return the words that can only be names: capitalised ones in a row, or those of an answer of one or two words.

    A single capitalised word may be a noun in German, or the first word of any sentence.

    >>> _names("Der Direktor heißt Hans Müller."), _names("Paris"), _names("Das Amt öffnet am Montag.")
    (['Hans', 'Müller'], ['Paris'], [])
    """
    words = re.findall(r"[^\W\d_][\w’'-]*", sentence)
    if len(words) <= 2:
        return [word for word in words if word[0].isupper() and not _is_common(word)]
    found: list[str] = []
    for first, second in pairwise(words[1:]):
        if first[0].isupper() and second[0].isupper():
            found += [word for word in (first, second) if not _is_common(word)]
    return list(dict.fromkeys(found))


def _is_common(word: str) -> bool:
    return word.casefold() in _TRANSLATED


def _occurs(name: str, text: str) -> bool:
    """Whether a name, or a word that begins like it, is in the text: Communist and Kommunist, Shanghai and Shanghaier.

    c and k, v and w, umlauts and their base letters count as the same.
    """
    stem = _folded(name)[:4]
    return any(stem in word for word in map(_folded, re.findall(r"[^\W\d_][\w’'-]*", text)))


def _folded(word: str) -> str:
    plain = "".join(sign for sign in unicodedata.normalize("NFD", word.casefold()) if not unicodedata.combining(sign))
    return plain.translate(_SAME_SOUND)


def numbers(text: str) -> set[str]:
    """Return the numbers of a text in one form: 4,5 is 4.5, 1.234 is 1,234, "drei" is 3; of a date its parts too.

    >>> sorted(numbers("10 000 Besucher am 06.07.2024, je 4,5 Mrd. Euro in drei Jahren"))
    ['0', '10', '10000', '2024', '3', '4.5', '6', '6.7.2024', '7']
    """
    found = {_value(number) for number in _NUMBER.findall(text)}
    found |= {re.sub(r"\s", "", number) for number in _SPACED.findall(text)}
    found |= {_value(part) for date in _DATE.findall(text) for part in date.split(".") if part}
    return found | {NUMBER_WORDS[word] for word in re.findall(r"\w+", text.casefold()) if word in NUMBER_WORDS}


def _value(number: str) -> str:
    """Drop leading zeros and what separates thousands; any other mark becomes a point.

    >>> _value("1.234,5"), _value("1,234.5"), _value("0,125"), _value("9:30")
    ('1234.5', '1234.5', '0.125', '9.30')
    """
    if not number.startswith("0"):
        number = re.sub(r"[.,](?=\d{3}(?!\d))", "", number)
    return ".".join(part.lstrip("0") or "0" for part in re.split("[.,:]", number))
