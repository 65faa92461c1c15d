"""Does the evidence carry the sentence? A check in code, whatever model wrote it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.citations import find_quote, quoted
from rag.evidence import Evidence

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


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
        if _digits(number) not in known:
            return Verdict(sentence, supported=False, reason=f"number {number} is not in the evidence")
    for quote in quoted(sentence):
        if not find_quote(quote, text) and not find_quote(quote, question):
            return Verdict(sentence, supported=False, reason=f"quote {quote!r} is not in the evidence")
    return Verdict(sentence, supported=True)


def numbers(text: str) -> set[str]:
    """Return the numbers of a text as bare digits, so that 4,5 and 4.5, or 1.234 and 1,234 are the same.

    >>> sorted(numbers("1.234 Besucher am 6. Juli, 4,5 Mrd. Euro"))
    ['1234', '45', '6']
    """
    return {_digits(number) for number in _NUMBER.findall(text)}


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number).lstrip("0") or "0"
