"""The model's draft -> sentences, as it is being written."""

import re
from collections.abc import Iterable, Iterator

from index.sentences import Span, split_sentences
from rag.llm import BrokenAnswerError
from rag.prompt import NO_ANSWER
from rag.quotations import ends_in_quotation

_LEADING_MARKERS = re.compile(r"\s*(?:\[[^\[\]]*\d\s*\][.,]?\s*)+")
_OPEN_BRACKET = re.compile(r"\s*\[[^\[\]]*$")
_TOUCHING = re.compile(r"(?<=[.!?])(?=\[)")
_LISTED = re.compile(
    r"(?:[-*•]|\d{1,2}\)|\d{1,2}\.(?=\s+(?!Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)[A-ZÄÖÜ]))\s+"
)
_WHOLE = re.compile(r"(?:(?<!\d)[.!?…]|\])[\s.)“”\"»«]*$")

_NOT = r"(?:nicht|kein\w*|weder|not|no|neither|cannot|\w+n['’]t)"
_EVIDENCE = (
    r"(?:beleg\w{0,4}|(?:kon)?text\w{0,2}|dokument\w{0,2}|abschnitt\w{0,2}|quellen?|evidence|(?:document|passage|"
    r"excerpt|source|context)s?|(?:provided|given|bereitgestellt\w*|vorliegend\w*|gegeben\w*)\s+\w+)"
)
_SAYS = (
    r"(?:enth[aä]lt\w*|nenn\w+|genannt|erwähn\w+|angegeben|gibt|geben|sag\w+|steh\w+|hervor\w*|lieferst?n?|find\w+|"
    r"contain\w*|mention\w*|says?|said|states?|specif\w+|provides?|gives?|includes?|indicates?)"
)
_KNOWLEDGE = r"(?:angabe|information|mention|indication)\w*"
_SILENT = re.compile(
    # The evidence does not say; in whatever order.
    rf"(?=.*\b{_EVIDENCE}\b)(?=.*\b{_NOT}\b)(?=.*\b{_SAYS}\b)"
    rf"|(?=.*\b(?:frage|question)\b)(?=.*\b{_NOT}\b)(?=.*\b(?:beantwort\w+|answer\w*)\b)"
    # There is no information on it; it is not mentioned.
    rf"|.*\b(?:es gibt|gibt es|there (?:is|are))\b.*\b(?:kein\w*|no)\s+(?:\w+\s+)?{_KNOWLEDGE}"
    rf"|\W*(?:kein\w*|no)\s+(?:\w+\s+)?{_KNOWLEDGE}"
    r"|.*\b(?:nicht|not|n['’]t)\s+(?:\w+\s+)?(?:angegeben|genannt|erwähnt|mentioned|specified|stated)\b(?!\s+werden)"
    # I do not know.
    rf"|\W*(?:leider\s+|unfortunately,?\s+)?(?:ich|i)\b.*\b{_NOT}\b",
    re.IGNORECASE | re.DOTALL,
)


def sentences_of(tokens: Iterable[str]) -> Iterator[str]:
    """Yield each sentence as soon as it is complete, with the markers that follow it, without signs of a list.

    Raises:
        BrokenAnswerError: What ``tokens`` raise; before it whole sentences are yielded, a begun one is not.

    >>> list(sentences_of(["Er ist Dir", "ektor. [", "2] Das ", "war am 6. Juli", " [1]."]))
    ['Er ist Direktor. [2]', 'Das war am 6. Juli [1].']
    """
    draft = ""
    try:
        for token in tokens:
            draft = _TOUCHING.sub(" ", draft + token)
            *complete, begun = _spans(_settled(draft)) or [(0, 0)]
            yield from (_sentence(draft, span) for span in complete)
            draft = draft[begun[0] :]
    except BrokenAnswerError:
        yield from (sentence for sentence in _sentences(draft) if _WHOLE.search(sentence))
        raise
    yield from _sentences(draft)


def is_refusal(sentence: str) -> bool:
    """Whether the model says that the evidence is silent, in the words asked for or in its own.

    >>> is_refusal("KeINE ANTWORT"), is_refusal("The evidence does not mention visitors [1].")
    (True, True)
    >>> is_refusal("Das Dokument darf nicht kopiert werden [1].")
    False
    """
    words = sentence.casefold().lstrip(" \t\n\"'„“*[(:-")
    return words.startswith(NO_ANSWER.casefold()) or bool(_SILENT.match(sentence))


def _settled(draft: str) -> str:
    """Return the part of a draft that what is still to come cannot change: whole words, no open bracket."""
    return _OPEN_BRACKET.sub("", draft[: max(draft.rfind(" "), draft.rfind("\n")) + 1])


def _sentences(draft: str) -> Iterator[str]:
    return (_sentence(draft, span) for span in _spans(draft))


def _sentence(draft: str, span: Span) -> str:
    sentence = draft[slice(*span)].strip()
    listed = _LISTED.match(sentence)
    return sentence[listed.end() :] if listed else sentence


def _spans(draft: str) -> list[Span]:
    """Locate the sentences; what one quotation holds, and markers that follow a full stop, belong to one sentence."""
    spans: list[Span] = []
    for line in re.finditer(r"[^\n]+", draft):
        for sentence in split_sentences(line[0]):
            start, end = (line.start() + place for place in sentence)
            leading = _LEADING_MARKERS.match(draft, start, end)
            if leading and spans:
                start = leading.end()
                spans[-1] = spans[-1][0], start
            if spans and ends_in_quotation(draft[slice(*spans[-1])]):
                spans[-1] = spans[-1][0], end
            elif start < end:
                spans.append((start, end))
    return spans
