"""What the model is told before the evidence: no answer repeats it."""

import re
from functools import cache

from index.language import Language
from rag.prompt import constant_prompt

_RUN = 5
"""So many words in a row are no accident."""


def repeats_instructions(sentence: str, evidence: str) -> bool:
    """Whether a sentence repeats some words in a row of the instructions, which the evidence does not hold as well.

    >>> repeats_instructions("Ich beantworte Fragen nur aus nummerierten Belegen, auf Deutsch.", "Die Messe begann.")
    True
    >>> repeats_instructions("Die Messe begann im Juli.", "Die Messe begann im Juli.")
    False
    """
    return not _runs(sentence).isdisjoint((_told("de") | _told("en")) - _runs(evidence))


@cache
def _told(language: Language) -> frozenset[tuple[str, ...]]:
    return _runs(constant_prompt(language)[0]["content"])


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return frozenset(zip(*(words[start:] for start in range(_RUN)), strict=False))
