"""German against English: the same questions asked in both languages."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class LanguageGap:
    """Means over the n questions asked in both languages, and how often one form scored better than the other.

    ``difference`` is German minus English: above 0, English questions are served worse.
    """

    n: int
    german: float
    english: float
    difference: float
    german_better: int
    english_better: int


def language_gap(scored: Iterable[tuple[str, str, float]]) -> LanguageGap | None:
    """Compare a metric on parallel questions; None where no question was asked in both languages.

    ``difference = mean over pairs of (German score - English score)``. Each pair is its own control, so questions that
    one language has alone, and differences in difficulty between questions, change nothing. Source: the paired
    comparison of Student (1908), The Probable Error of a Mean, as used for systems by Smucker, Allan, Carterette
    (2007), A Comparison of Statistical Significance Tests for Information Retrieval Evaluation.

    Args:
        scored: (pair, language, score); a pair's second score in the same language takes the place of the first.

    >>> language_gap([("1", "de", 1.0), ("1", "en", 0.5), ("2", "de", 0.0), ("2", "en", 0.0), ("3", "en", 1.0)])
    LanguageGap(n=2, german=0.5, english=0.25, difference=0.25, german_better=1, english_better=0)
    """
    pairs: dict[str, dict[str, float]] = {}
    for pair, language, score in scored:
        pairs.setdefault(pair, {})[language] = score
    both = [(scores["de"], scores["en"]) for scores in pairs.values() if scores.keys() >= {"de", "en"}]
    if not both:
        return None
    return LanguageGap(
        n=len(both),
        german=sum(german for german, _ in both) / len(both),
        english=sum(english for _, english in both) / len(both),
        difference=sum(german - english for german, english in both) / len(both),
        german_better=sum(german > english for german, english in both),
        english_better=sum(german < english for german, english in both),
    )
