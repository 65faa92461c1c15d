"""The figures that a run is judged by, one function each; none knows how the answer came about."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from typing import Protocol


class Span(Protocol):
    """A place in a document, half-open; chunks, citations and gold evidence are all spans."""

    @property
    def document_id(self) -> str:
        """Id of the document that the offsets count in."""

    @property
    def start(self) -> int:
        """First character."""

    @property
    def end(self) -> int:
        """One after the last character."""


def recall_at_k(relevant: Set[str], ranked: Sequence[str], k: int) -> float:
    """Share of the relevant documents among the first k, in [0, 1]: ``|relevant ∩ ranked[:k]| / |relevant|``.

    ``relevant`` must not be empty, and ``ranked`` names each document once, best first; so for all ranking metrics.
    Source: Manning, Raghavan, Schütze (2008), Introduction to Information Retrieval, 8.3.

    >>> recall_at_k({"a", "b"}, ["b", "x", "a"], k=2)
    0.5
    """
    return len(relevant & set(ranked[:k])) / len(relevant)


def mrr_at_k(relevant: Set[str], ranked: Sequence[str], k: int) -> float:
    """Reciprocal rank of the first relevant document, ``1 / rank``, and 0 where none is among the first k; in [0, 1].

    Its mean over questions is the MRR. Source: Voorhees (1999), The TREC-8 Question Answering Track Report.

    >>> mrr_at_k({"a", "b"}, ["x", "b", "a"], k=10)
    0.5
    """
    ranks = (rank for rank, document in enumerate(ranked[:k], start=1) if document in relevant)
    return 1 / next(ranks, math.inf)


def ndcg_at_k(relevant: Set[str], ranked: Sequence[str], k: int) -> float:
    """Normalised discounted cumulative gain with gains of 0 and 1, in [0, 1].

    ``DCG = sum of 1 / log2(1 + rank)`` over the relevant among the first k, divided by that of the best ranking, which
    starts with ``min(k, |relevant|)`` relevant documents.
    Source: Järvelin and Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques.

    >>> ndcg_at_k({"a"}, ["x", "y", "a"], k=10)
    0.5
    """
    gain = sum(_discount(rank) for rank, document in enumerate(ranked[:k], start=1) if document in relevant)
    return gain / sum(_discount(rank) for rank in range(1, min(k, len(relevant)) + 1))


def _discount(rank: int) -> float:
    return 1 / math.log2(1 + rank)


def evidence_recall_at_k(gold: Sequence[Span], chunks: Sequence[Span], k: int) -> float:
    """1 where one of the first k chunks shares a character with a gold span, else 0.

    >>> from eval.goldset import Evidence
    >>> chunks = [Evidence("satzung", 0, 20), Evidence("satzung", 20, 40)]
    >>> evidence_recall_at_k([Evidence("satzung", 20, 25)], chunks, k=1)
    0.0
    >>> evidence_recall_at_k([Evidence("satzung", 20, 25)], chunks, k=2)
    1.0
    """
    return float(any(_overlaps(chunk, gold) for chunk in chunks[:k]))


def citation_precision(gold: Sequence[Span], citations: Sequence[Span]) -> float:
    """Share of the citations that share a character with a gold span, in [0, 1]; there must be a citation.

    After the citation precision of Gao, Yen, Yu, Chen (2023), Enabling Large Language Models to Generate Text with
    Citations; what is right is told by human-chosen spans here, not by an entailment model. A citation from another
    place that says the same counts as wrong, so the figure is a lower bound.

    >>> from eval.goldset import Evidence
    >>> cited = [Evidence("satzung", 22, 30), Evidence("satzung", 50, 60)]
    >>> citation_precision([Evidence("satzung", 20, 25)], cited)
    0.5
    """
    return sum(_overlaps(citation, gold) for citation in citations) / len(citations)


def citation_recall(gold: Sequence[Span], citations: Sequence[Span]) -> float:
    """Share of the gold spans that share a character with a citation, in [0, 1]; there must be a gold span.

    Source: as `citation_precision`.

    >>> from eval.goldset import Evidence
    >>> gold = [Evidence("satzung", 20, 25), Evidence("satzung", 30, 35), Evidence("ordnung", 0, 9)]
    >>> round(citation_recall(gold, [Evidence("satzung", 22, 40)]), 3)
    0.667
    """
    return sum(_overlaps(span, citations) for span in gold) / len(gold)


def _overlaps(span: Span, others: Iterable[Span]) -> bool:
    return any(
        span.document_id == other.document_id and span.start < other.end and other.start < span.end for other in others
    )


def quote_valid(quote: str, text: str, start: int, end: int) -> bool:
    """Whether the quote stands in the text, character by character, where the citation says.

    >>> text = "Der Eintritt ist frei."
    >>> quote_valid("ist frei", text, 13, 21), quote_valid("ist Frei", text, 13, 21)
    (True, False)
    """
    return bool(quote.strip()) and 0 <= start < end <= len(text) and text[start:end] == quote


_ARTICLES = re.compile(r"\b(?:der|die|das|den|dem|des|ein|eine|einen|einem|eines|einer|the|an?)\b")
# The ASCII symbols that SQuAD strips too; "€" stays, as it does there.
_SYMBOLS = frozenset("$+<=>^`|~")


def normalise_answer(text: str) -> str:
    """Drop what does not make an answer wrong: case, punctuation, articles of both languages, white space.

    Source: Rajpurkar, Zhang, Lopyrev, Liang (2016), SQuAD; German articles and Unicode punctuation as in Lewis, Oğuz,
    Rinott, Riedel, Schwenk (2020), MLQA. Besides, code points are composed (NFKC) and ß is ss.

    >>> normalise_answer("Die „Große  Straße“, the house!")
    'grosse strasse house'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = (char for char in folded if not unicodedata.category(char).startswith("P") and char not in _SYMBOLS)
    return " ".join(_ARTICLES.sub(" ", "".join(kept)).split())


def exact_match(gold: Sequence[str], answer: str) -> float:
    """1 where the answer equals a gold answer after `normalise_answer`, else 0; there must be a gold answer.

    Source: Rajpurkar et al. (2016), SQuAD.

    >>> exact_match(["im Jahr 1848", "1848"], "1848."), exact_match(["1848"], "Im Jahr 1848.")
    (1.0, 0.0)
    """
    return float(normalise_answer(answer) in {normalise_answer(text) for text in gold})


def f1(gold: Sequence[str], answer: str) -> float:
    """Overlap in words with the nearest gold answer, in [0, 1], after `normalise_answer`.

    ``F1 = 2 * shared / (words of the gold answer + words of the answer)``, a word counted as often as it stands in
    both; the maximum over the gold answers, of which there must be one. Source: Rajpurkar et al. (2016), SQuAD.

    >>> f1(["Karl Marx", "der Philosoph"], "Das war der Philosoph Karl Marx") == 2 * 2 / (2 + 4)
    True
    """
    return max(_f1(normalise_answer(text).split(), normalise_answer(answer).split()) for text in gold)


def _f1(gold: list[str], answer: list[str]) -> float:
    if not gold or not answer:
        return float(gold == answer)
    return 2 * (Counter(gold) & Counter(answer)).total() / (len(gold) + len(answer))


def answered_unanswerable(outcomes: Iterable[tuple[bool, bool]]) -> float | None:
    """Share of the unanswerable questions that were answered all the same; best is 0.

    Args:
        outcomes: A pair (answerable, abstained) a question.

    Source: the hallucination rate of Thakur et al. (2024), NoMIRACL.

    >>> answered_unanswerable([(False, True), (False, False), (True, False)])
    0.5
    """
    return mean(not abstained for answerable, abstained in outcomes if not answerable)


def refused_answerable(outcomes: Iterable[tuple[bool, bool]]) -> float | None:
    """Share of the answerable questions that were refused; best is 0.

    Args:
        outcomes: A pair (answerable, abstained) a question.

    Source: the error rate of Thakur et al. (2024), NoMIRACL.

    >>> refused_answerable([(True, True), (True, False), (False, True)])
    0.5
    """
    return mean(abstained for answerable, abstained in outcomes if answerable)


def refusal_f1(outcomes: Iterable[tuple[bool, bool]]) -> float | None:
    """F1 of refusing as finding the unanswerable questions; None where none is unanswerable.

    ``2 * refused and unanswerable / (refused + unanswerable)``. Source: van Rijsbergen (1979), Information Retrieval.

    Args:
        outcomes: A pair (answerable, abstained) a question.

    >>> refusal_f1([(False, True), (False, False), (True, True)])
    0.5
    """
    counted = Counter(outcomes)
    unanswerable = counted[False, True] + counted[False, False]
    refused = counted[False, True] + counted[True, True]
    return 2 * counted[False, True] / (refused + unanswerable) if unanswerable else None


def mean(values: Iterable[float]) -> float | None:
    """Arithmetic mean, and None where there is nothing to count.

    >>> mean([True, False, False, True]), mean([])
    (0.5, None)
    """
    numbers = list(values)
    return math.fsum(numbers) / len(numbers) if numbers else None


def percentile(values: Iterable[float], q: float) -> float | None:
    """The value that a share of q percent does not exceed, linear between neighbours; None where there is none.

    With the n values sorted and ``h = (n - 1) * q / 100``: ``v[⌊h⌋] + (h - ⌊h⌋) * (v[⌊h⌋ + 1] - v[⌊h⌋])``.
    Source: Hyndman and Fan (1996), Sample Quantiles in Statistical Packages, definition 7.

    >>> percentile([4.0, 1.0, 2.0], 50), percentile([4.0, 1.0, 2.0], 75), percentile([], 50)
    (2.0, 3.0, None)
    """
    ordered = sorted(values)
    if not ordered:
        return None
    position = (len(ordered) - 1) * q / 100
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])
