"""Is the right document among the first? Rankings of documents, and of chunks, for one question."""

import math
from collections.abc import Sequence, Set

from eval.metrics.span import Span, overlaps


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
    return float(any(overlaps(chunk, gold) for chunk in chunks[:k]))
