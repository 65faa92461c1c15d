"""The metrics of a run, each a line of one of two tables, and how one is added.

A metric gives each question a value; its figure is the mean over the questions that have one. So it takes one line to
measure what matters to you, and the new figure has its interval, its difference to other runs, and its place in every
table and in each question's trace:

    from eval.measures import ANSWERS, Metric
    from eval.runs import evaluate_answers

    words = Metric(lambda record: len(record.text.split()), better="")
    report = evaluate_answers("my-gold-set", metrics={**ANSWERS, "words": words})

>>> from eval.goldset import Question
>>> from eval.records import Record
>>> asked = Question("q", "q", "Wie hoch?", "de", True, ("zwei Meter",))
>>> words = Metric(lambda record: len(record.text.split()), better="")
>>> figure(words, [Record(asked, {"answer": {"text": "Zwei Meter [1]."}}), Record(asked, {"answer": {"text": "Zwei"}})])
1.5
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from eval.metrics import (
    area_under_risk_coverage,
    citation_precision,
    citation_recall,
    evidence_recall_at_k,
    exact_match,
    f1,
    mean,
    mrr_at_k,
    ndcg_at_k,
    percentile,
    quote_valid,
    recall_at_k,
    refusal_f1,
)
from eval.records import Record
from index.language import Language

Pool = Callable[[Sequence[Any]], float | None]
"""From the values of the questions that have one to the figure; a list of JSON comes as a tuple."""


@dataclass(frozen=True)
class Metric:
    """How one figure is counted.

    Attributes:
        value: A question's value in JSON types; ``None`` where the metric is not defined for it.
        pool: From those that are not ``None`` to the figure.
        better: Which values are; "": neither.
        cost: Whether it is time or money: shown, but a run is not worse for it.
    """

    value: Callable[[Record], Any]
    pool: Pool = mean
    better: Literal["higher", "lower", ""] = "higher"
    cost: bool = False


Metrics = Mapping[str, Metric]


def ratio(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Sum of the numerators over the sum of the denominators; ``None`` where that is 0.

    >>> ratio([(1, 2), (3, 3)]), ratio([])
    (0.8, None)
    """
    whole = sum(denominator for _, denominator in pairs)
    return sum(numerator for numerator, _ in pairs) / whole if whole else None


def figure(metric: Metric, records: Sequence[Record]) -> float | None:
    """Return a metric's figure over records; ``None`` where it is defined for none."""
    return pooled(metric, [metric.value(record) for record in records])


def pooled(metric: Metric, values: Sequence[Any]) -> float | None:
    """Return the figure of the questions' values, ``None`` where none has one."""
    counted = [tuple(value) if isinstance(value, list) else value for value in values if value is not None]
    return metric.pool(counted) if counted else None


# Answers


def _of_gold(measure: Callable[[Sequence[str], str, Language], float], record: Record) -> float | None:
    asked = record.question
    if not asked.answers:
        return None
    return 0.0 if record.abstained else measure(asked.answers, record.text, asked.language)


def _quote_valid(record: Record) -> tuple[int, int] | None:
    valid = [quote_valid(one.quote, record.texts.get(one.document_id, ""), one.start, one.end) for one in record.shown]
    return (sum(valid), len(valid)) if valid else None


def _citation_precision(record: Record) -> float | None:
    evidence, citations = record.question.evidence, record.citations
    return citation_precision(evidence, citations) if evidence and citations else None


def _citation_recall(record: Record) -> float | None:
    return citation_recall(record.question.evidence, record.citations) if record.question.evidence else None


def _answered(record: Record) -> float | None:
    return None if record.question.answerable else float(not record.abstained)


def _refused(record: Record) -> float | None:
    return float(record.abstained) if record.question.answerable else None


def sureness(record: Record) -> tuple[float, float] | None:
    """Return the confidence of an answer and its loss: 1 - F1, and 1 where the documents do not answer.

    ``None`` where nothing was answered, no confidence is known, or nobody wrote down what is right.
    """
    score = _of_gold(f1, record) if record.question.answerable else 0.0
    if record.abstained or record.confidence is None or score is None:
        return None
    return record.confidence, 1 - score


def _language_right(record: Record) -> float | None:
    return None if record.abstained else float(language_right(record.text, record.question.language))


def language_right(text: str, language: str) -> bool:
    """Whether an answer is in this language; three words or fewer (a name, a date) are right in either.

    >>> language_right("Das Rathaus öffnet um acht Uhr.", "en"), language_right("Karl Marx", "en")
    (False, True)
    """
    from index.language import detect_language

    return len(text.split()) <= 3 or detect_language(text) == language


def _grounded(record: Record) -> tuple[int, int] | None:
    verdicts = [verdict["supported"] for verdict in record.answer.get("verdicts", ())]
    return (sum(verdicts), len(verdicts)) if verdicts else None


def _tokens(record: Record) -> float | None:
    tokens: float | None = record.row.get("tokens")
    return tokens


# Retrieval: over the questions whose evidence is known; others have no right ranking.


def _of_ranking(
    measure: Callable[[set[str], Sequence[str], int], float], k: int, record: Record, part: str = "documents"
) -> float | None:
    ranked = record.ranked(part)
    return measure(record.relevant, ranked, k) if record.relevant and ranked is not None else None


def _evidence_recall(k: int, record: Record) -> float | None:
    if not record.relevant or record.ranked() is None:
        return None
    return evidence_recall_at_k(record.question.evidence, record.chunks, k)


def p50(values: Sequence[float]) -> float | None:
    """Median; see `eval.metrics.percentile`."""
    return percentile(values, 50)


def p95(values: Sequence[float]) -> float | None:
    """What 95 of 100 do not exceed; see `eval.metrics.percentile`."""
    return percentile(values, 95)


_SECONDS: Metrics = {
    "seconds_p50": Metric(lambda record: record.seconds, p50, better="lower", cost=True),
    "seconds_p95": Metric(lambda record: record.seconds, p95, better="lower", cost=True),
}

_RANKINGS: Metrics = {
    "recall@1": Metric(partial(_of_ranking, recall_at_k, 1)),
    "recall@5": Metric(partial(_of_ranking, recall_at_k, 5)),
    "recall@10": Metric(partial(_of_ranking, recall_at_k, 10)),
    "mrr@10": Metric(partial(_of_ranking, mrr_at_k, 10)),
    "ndcg@10": Metric(partial(_of_ranking, ndcg_at_k, 10)),
    "evidence_recall@5": Metric(partial(_evidence_recall, 5)),
}

RETRIEVAL: Metrics = {
    **_RANKINGS,
    "dense_ndcg@10": Metric(partial(_of_ranking, ndcg_at_k, 10, part="dense")),
    "lexical_ndcg@10": Metric(partial(_of_ranking, ndcg_at_k, 10, part="lexical")),
    **_SECONDS,
}
"""Of ``beleg eval retrieval``; ``dense_`` and ``lexical_`` are those searches alone."""

ANSWERS: Metrics = {
    "f1": Metric(partial(_of_gold, f1)),
    "exact_match": Metric(partial(_of_gold, exact_match)),
    "quote_valid": Metric(_quote_valid, ratio),
    "citation_precision": Metric(_citation_precision),
    "citation_recall": Metric(_citation_recall),
    "answered_unanswerable": Metric(_answered, better="lower"),
    "refused_answerable": Metric(_refused, better="lower"),
    "refusal_f1": Metric(lambda record: (record.question.answerable, record.abstained), refusal_f1),
    "aurc": Metric(sureness, area_under_risk_coverage, better="lower"),
    "language_right": Metric(_language_right),
    "grounded": Metric(_grounded, ratio),
    **_RANKINGS,
    "seconds_first_p50": Metric(lambda record: record.first_seconds, p50, better="lower", cost=True),
    **_SECONDS,
    "tokens": Metric(_tokens, better="lower", cost=True),
}
"""Of ``beleg eval answers``.

- ``f1``, ``exact_match``: over the questions with gold answers; the articles of the question's language do not count,
  a refusal scores 0.
- ``quote_valid``: share of all citations, those of wrong answers and refusals too.
- ``citation_precision``: over the answered questions with evidence whose answer cites something.
- ``citation_recall``: over the questions with evidence; a refusal scores 0.
- ``aurc``: area under risk and coverage of what was answered; the risk is 1 - F1, 1 where there is no answer.
- ``language_right``: over all that was answered.
- ``grounded``: share of the written sentences that the check in code found carried by their evidence.
- ``seconds_first_p50``: to the first checked sentence, over what was answered.
- ``tokens``: read and written for a question, mean over those of which the endpoint says it.
- the rankings: over the questions with evidence.
"""
