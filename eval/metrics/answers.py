"""Is the answer right, by its words? After the two published scripts, SQuAD for English and MLQA for German."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from index.language import Language

_GERMAN = "der|die|das|den|dem|des|ein|eine|einen|einem|eines|einer"
_ENGLISH = "the|an|a"
_ARTICLES = {
    "de": re.compile(rf"\b(?:{_GERMAN})\b"),
    "en": re.compile(rf"\b(?:{_ENGLISH})\b"),
    None: re.compile(rf"\b(?:{_GERMAN}|{_ENGLISH})\b"),
}
# The ASCII symbols that SQuAD strips too; "€" stays, as it does there.
_SYMBOLS = frozenset("$+<=>^`|~")


def normalise_answer(text: str, language: Language | None = None) -> str:
    """Drop what does not make an answer wrong: case, punctuation, the language's articles, white space.

    Source: Rajpurkar, Zhang, Lopyrev, Liang (2016), SQuAD, for "en", and Lewis, Oğuz, Rinott, Riedel, Schwenk (2020),
    MLQA, for "de": lower case, then no punctuation, then no articles, then single spaces. On ASCII text it is their
    result; beyond, all Unicode punctuation goes (as in MLQA), code points are composed (NFKC) and ß is ss.

    Args:
        text: An answer.
        language: Whose articles are dropped; None: those of both, for answers that mix them.

    >>> normalise_answer("Die „Große  Straße“, the house!")
    'grosse strasse house'
    >>> normalise_answer("To die for the Spiegel", "en"), normalise_answer("The a-ha of die Welt", "de")
    ('to die for spiegel', 'the aha of welt')
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = (char for char in folded if not unicodedata.category(char).startswith("P") and char not in _SYMBOLS)
    return " ".join(_ARTICLES[language].sub(" ", "".join(kept)).split())


def exact_match(gold: Sequence[str], answer: str, language: Language | None = None) -> float:
    """1 where the answer equals a gold answer after `normalise_answer`, else 0; there must be a gold answer.

    ``EM = max over gold answers of [normalised(answer) = normalised(gold)]``. Source: Rajpurkar et al. (2016), SQuAD.

    >>> exact_match(["im Jahr 1848", "1848"], "1848."), exact_match(["1848"], "Im Jahr 1848.")
    (1.0, 0.0)
    """
    return float(normalise_answer(answer, language) in {normalise_answer(text, language) for text in gold})


def f1(gold: Sequence[str], answer: str, language: Language | None = None) -> float:
    """Overlap in words with the nearest gold answer, in [0, 1], after `normalise_answer`.

    ``F1 = 2 * shared / (words of the gold answer + words of the answer)``, a word counted as often as it stands in
    both; the maximum over the gold answers, of which there must be one. Source: Rajpurkar et al. (2016), SQuAD.

    >>> f1(["Karl Marx", "der Philosoph"], "Das war der Philosoph Karl Marx") == 2 * 2 / (2 + 4)
    True
    """
    words = normalise_answer(answer, language).split()
    return max(_f1(normalise_answer(text, language).split(), words) for text in gold)


def _f1(gold: list[str], answer: list[str]) -> float:
    if not gold or not answer:
        return float(gold == answer)
    return 2 * (Counter(gold) & Counter(answer)).total() / (len(gold) + len(answer))
