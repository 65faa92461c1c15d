"""The model's draft -> sentences, as it is being written."""

import re
from collections.abc import Iterable, Iterator

from index.sentences import split_sentences
from rag.prompt import NO_ANSWER

_LEADING_MARKERS = re.compile(r"\s*(?:\[[\d\s,;]*\][.,]?\s*)+")
_SILENT = re.compile(
    r"\b(?:beleg\w*|text\w*|dokument\w*|quelle\w*|information\w*|angabe\w*|evidence|texts?|documents?|passages?|sources?)\b"
    r"[^.]*\b(?:nicht|kein\w*|not|no|n't|neither|weder)\b"
    r"|\b(?:kein\w*|no)\s+(?:\w+\s+)?(?:angabe\w*|information\w*|hinweis\w*|mention)\b"
    r"|\b(?:nicht|not)\s+(?:explicitly\s+|ausdrücklich\s+)?(?:angegeben|genannt|erwähnt|mentioned|specified|stated|provided)\b",
    re.IGNORECASE,
)


def sentences_of(tokens: Iterable[str]) -> Iterator[str]:
    """Yield each sentence as soon as it is complete, with the markers that follow it; at a break what there is.

    >>> list(sentences_of(["Er ist Dir", "ektor. [2] Das ", "war am 6. Juli", " [1]."]))
    ['Er ist Direktor. [2]', 'Das war am 6. Juli [1].']
    """
    draft = ""
    done = 0
    try:
        for token in tokens:
            draft += token
            sentences = _split(draft)
            for sentence in sentences[done:-1]:
                yield sentence
            done = max(done, len(sentences) - 1)
    finally:
        rest = _split(draft)[done:]
    yield from rest


def is_refusal(sentence: str) -> bool:
    """Whether the model says that the evidence is silent, in the words asked for or in its own.

    >>> is_refusal("KeINE ANTWORT"), is_refusal("The evidence does not mention visitors [1].")
    (True, True)
    >>> is_refusal("Die Messe fand in Shanghai statt [1].")
    False
    """
    return NO_ANSWER.casefold() in sentence.casefold() or bool(_SILENT.search(sentence))


def _split(draft: str) -> list[str]:
    """Split a draft; markers that follow a full stop belong to the sentence before it."""
    sentences: list[str] = []
    for start, end in split_sentences(draft):
        piece = draft[start:end]
        leading = _LEADING_MARKERS.match(piece)
        if leading and sentences:
            sentences[-1] += f" {leading[0].strip()}"
            piece = piece[leading.end() :]
        if piece:
            sentences.append(piece)
    return sentences
