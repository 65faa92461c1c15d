"""Does the evidence carry the sentence? A check in code, whatever model wrote it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.citations import find_quote, quoted
from rag.evidence import Evidence

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACED = re.compile(r"(?<!\d)\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)")
_DATE = re.compile(r"(?<!\d)\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2}(?!\d))?")
_WORDS = dict(
    zip(
        "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf two three four five six seven eight nine ten eleven "
        "twelve".split(),
        [str(number) for number in range(2, 13)] * 2,
        strict=True,
    )
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
    text = "\n".join(part.text for part in evidence)
    known = numbers(text) | numbers(question)
    for number in _NUMBER.findall(sentence):
        if _value(number) not in known:
            return Verdict(sentence, supported=False, reason=f"number {number} is not in the evidence")
    for word in re.findall(r"\w+", sentence.casefold()):
        if word in _WORDS and _WORDS[word] not in known:
            return Verdict(sentence, supported=False, reason=f"number {word!r} is not in the evidence")
    for quote in quoted(sentence):
        if not find_quote(quote, text) and not find_quote(quote, question):
            return Verdict(sentence, supported=False, reason=f"quote {quote!r} is not in the evidence")
    return Verdict(sentence, supported=True)


def numbers(text: str) -> set[str]:
    """Return the numbers of a text in one form: 4,5 is 4.5, 1.234 is 1,234, "drei" is 3; of a date its parts too.

    >>> sorted(numbers("10 000 Besucher am 06.07.2024, je 4,5 Mrd. Euro in drei Jahren"))
    ['0', '10', '10000', '2024', '3', '4.5', '6', '6.7.2024', '7']
    """
    found = {_value(number) for number in _NUMBER.findall(text)}
    found |= {re.sub(r"\s", "", number) for number in _SPACED.findall(text)}
    found |= {_value(part) for date in _DATE.findall(text) for part in date.split(".") if part}
    return found | {_WORDS[word] for word in re.findall(r"\w+", text.casefold()) if word in _WORDS}


def _value(number: str) -> str:
    """Drop leading zeros and what separates thousands; any other mark becomes a point.

    >>> _value("1.234,5"), _value("1,234.5"), _value("0,125"), _value("9:30")
    ('1234.5', '1234.5', '0.125', '9.30')
    """
    if not number.startswith("0"):
        number = re.sub(r"[.,](?=\d{3}(?!\d))", "", number)
    return ".".join(part.lstrip("0") or "0" for part in re.split("[.,:]", number))
