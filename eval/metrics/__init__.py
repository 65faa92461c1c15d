"""The figures that a run is judged by, one function each; none knows how the answer came about."""

from eval.metrics.agreement import cohen_kappa
from eval.metrics.answers import exact_match, f1, normalise_answer
from eval.metrics.citations import citation_precision, citation_recall, quote_valid
from eval.metrics.grounding import verdict_shares
from eval.metrics.languages import LanguageGap, language_gap
from eval.metrics.numbers import mean, percentile
from eval.metrics.refusals import (
    answered_unanswerable,
    area_under_risk_coverage,
    refusal_f1,
    refused_answerable,
    risk_coverage,
)
from eval.metrics.retrieval import evidence_recall_at_k, mrr_at_k, ndcg_at_k, recall_at_k
from eval.metrics.span import Span

__all__ = [
    "LanguageGap",
    "Span",
    "answered_unanswerable",
    "area_under_risk_coverage",
    "citation_precision",
    "citation_recall",
    "cohen_kappa",
    "evidence_recall_at_k",
    "exact_match",
    "f1",
    "language_gap",
    "mean",
    "mrr_at_k",
    "ndcg_at_k",
    "normalise_answer",
    "percentile",
    "quote_valid",
    "recall_at_k",
    "refusal_f1",
    "refused_answerable",
    "risk_coverage",
    "verdict_shares",
]
