"""Hits -> the few sentences that matter for the question: short prompts are fast, and small models read them better."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from index import Hit
from index.analysis import german_terms
from index.embedding import Embedder
from index.sentences import Span
from index.vectors import Floats

EVIDENCE_CHARACTERS = 720  # about 220 tokens, 3 seconds of reading for the embedded model on two cores
TERM_WEIGHT = 0.05  # what holding all words of the question adds to a sentence's cosine
TYPE_WEIGHT = 0.05  # what holding the kind of word asked for adds
HIT_WEIGHT = 0.5  # how much of its chunk's score a sentence inherits
PASSAGE_CHARACTERS = 500
PASSAGE_MARGIN = 0.1  # how far below a sentence's score its neighbours may lie that are quoted with it

FARTHEST_NEIGHBOUR = 3  # characters of white space between two sentences of a passage

# What a question of a kind must find in the sentence that answers it.
_MONTHS_AND_DAYS = (
    "januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|"
    "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|jahrhundert"
)
_NUMBER_WORDS = (
    r"zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|dutzend|hundert|tausend|million\w*|milliarde\w*|"
    "hälfte|drittel|viertel|kostenlos|kostenfrei"
)
_EXPECTED = (
    (
        r"\b(?:wann|when|(?:welche[mnrs]?|what|which)\s+(?:jahr|year|datum|date|tag|day|monat|month))\b",
        rf"\d|\b(?:{_MONTHS_AND_DAYS})\b",
    ),
    (
        (
            r"\b(?:wie\s+(?:viele?|hoch|lange?|groß|alt|weit|tief|schwer|teuer|oft)|"
            r"how\s+(?:many|much|high|tall|long|large|big|old|far|deep|often)|prozent|percent\w*|kostet|cost)\b"
        ),
        rf"\d|\b(?:{_NUMBER_WORDS})\b",
    ),
)


@dataclass(frozen=True)
class Evidence:
    """A sentence of an indexed document: ``document.text[start:end] == text``.

    ``score`` orders, best highest; ``cosine``, in [-1, 1], is the nearness to the question; ``vector`` is the
    ``(dim,)`` unit vector of the sentence under its title; ``passage`` the span of the sentence with those neighbours
    that are nearly as good, what an answer longer than a name or a number is quoted with.
    """

    document_id: str
    title: str
    text: str
    start: int
    end: int
    score: float
    vector: Floats = field(default_factory=lambda: np.empty(0, np.float32), compare=False, repr=False)
    cosine: float = 1.0
    passage: Span | None = None


def select_evidence(
    question: str, vector: Floats, hits: Sequence[Hit], embedder: Embedder, *, characters: int = EVIDENCE_CHARACTERS
) -> list[Evidence]:
    """Return the best sentences of the hits up to a number of characters, in the order of the hits and their text.

    Args:
        question: For its words.
        vector: ``(dim,)`` unit vector of the question.
        hits: Best first.
        embedder: Embeds the sentences.
        characters: The budget; the best sentence is taken whatever its length.
    """
    sentences = _with_passages(_scored(question, vector, hits, embedder))
    chosen: list[Evidence] = []
    used = 0
    for sentence in sorted(sentences, key=lambda sentence: -sentence.score):
        if not chosen or used + len(sentence.text) <= characters:
            chosen.append(sentence)
            used += len(sentence.text)
    return [sentence for sentence in sentences if sentence in chosen]


def _scored(question: str, vector: Floats, hits: Sequence[Hit], embedder: Embedder) -> list[Evidence]:
    spans = [(hit, span) for hit in hits for span in hit.chunk.sentences]
    texts = [hit.chunk.text[start - hit.chunk.start : end - hit.chunk.start] for hit, (start, end) in spans]
    vectors = embedder.embed_sentences(
        [f"{hit.chunk.title}\n{text}" for (hit, _), text in zip(spans, texts, strict=True)]
    )
    wanted = set(german_terms(question))
    return [
        Evidence(
            hit.chunk.document_id,
            hit.chunk.title,
            text,
            start,
            end,
            float(own @ vector)
            + TERM_WEIGHT * _share(wanted, text)
            + TYPE_WEIGHT * _has_kind_asked_for(question, text)
            + HIT_WEIGHT * hit.score,
            own,
            float(own @ vector),
        )
        for (hit, (start, end)), text, own in zip(spans, texts, vectors, strict=True)
    ]


def _with_passages(sentences: Sequence[Evidence]) -> list[Evidence]:
    """Add to each sentence its passage; the sentences of a chunk come one after the other."""
    return [replace(sentence, passage=_passage(sentences, place)) for place, sentence in enumerate(sentences)]


def _passage(sentences: Sequence[Evidence], place: int) -> Span:
    """Return the span around one sentence, the better neighbour taken first."""
    seed = sentences[place]
    first = last = place
    while True:
        nearby = [n for n in (first - 1, last + 1) if 0 <= n < len(sentences) and _continues(sentences, n, first, last)]
        best = max(nearby, key=lambda n: sentences[n].score, default=None)
        if best is None or sentences[best].score < seed.score - PASSAGE_MARGIN:
            return sentences[first].start, sentences[last].end
        first, last = min(first, best), max(last, best)


def _continues(sentences: Sequence[Evidence], new: int, first: int, last: int) -> bool:
    """Whether a sentence stands right beside a passage of the same document, and there is room for it."""
    one, other = (sentences[new], sentences[first]) if new < first else (sentences[last], sentences[new])
    long = max(sentences[last].end, sentences[new].end) - min(sentences[first].start, sentences[new].start)
    beside = 0 <= other.start - one.end <= FARTHEST_NEIGHBOUR
    return one.document_id == other.document_id and beside and long <= PASSAGE_CHARACTERS


def _share(wanted: set[str], text: str) -> float:
    """Share of the question's terms that the sentence holds, in [0, 1]."""
    return len(wanted.intersection(german_terms(text))) / len(wanted) if wanted else 0.0


def _has_kind_asked_for(question: str, text: str) -> bool:
    """Whether the question asks for a time or a quantity and the sentence has one that the question has not."""
    said = set(re.findall(r"\w+", question.casefold()))
    new = " ".join(word for word in re.findall(r"\w+", text.casefold()) if word not in said)
    return any(re.search(asked, question, re.IGNORECASE) and re.search(given, new) for asked, given in _EXPECTED)
