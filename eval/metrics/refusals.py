"""Does it refuse where the documents do not say, and is its confidence worth something?"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from eval.metrics.numbers import mean


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


def risk_coverage(judged: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """How wrong the answers are, for each share of the questions that the surest answers make up.

    With the n answers sorted by falling confidence: ``coverage = i / n``, ``risk = (loss_1 + … + loss_i) / i``, for i
    from 1 to n. Answers of equal confidence stand in no order: each counts with the mean loss of them all.
    Source: El-Yaniv and Wiener (2010), On the Foundations of Noise-free Selective Classification.

    Args:
        judged: A pair (confidence, loss) a question; the loss in [0, 1], 1 for a wrong answer.

    Returns:
        Pairs (coverage, risk), the coverage rising.

    >>> risk_coverage([(0.9, 0), (0.1, 1), (0.5, 0), (0.5, 1)])
    [(0.25, 0.0), (0.5, 0.25), (0.75, 0.3333333333333333), (1.0, 0.5)]
    """
    losses = _losses(judged)
    curve, total = [], 0.0
    for answered, loss in enumerate(losses, start=1):
        total += loss
        curve.append((answered / len(losses), total / answered))
    return curve


def _losses(judged: Iterable[tuple[float, float]]) -> list[float]:
    """Losses by falling confidence, those of equal confidence evened out."""
    ordered = sorted(judged, key=lambda pair: -pair[0])
    losses: list[float] = []
    for _, tied in groupby(ordered, key=lambda pair: pair[0]):
        same = [loss for _, loss in tied]
        losses += [sum(same) / len(same)] * len(same)
    return losses


def area_under_risk_coverage(judged: Sequence[tuple[float, float]]) -> float | None:
    """AURC: the mean risk over all coverages, ``(risk_1 + … + risk_n) / n``, in [0, 1]; best is 0, None without any.

    Source: Geifman, Uziel, El-Yaniv (2019), Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers.

    Args:
        judged: As `risk_coverage` takes them.

    >>> area_under_risk_coverage([(0.9, 0), (0.5, 1)])
    0.25
    """
    return mean(risk for _, risk in risk_coverage(judged))
