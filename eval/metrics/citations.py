"""Does what is cited stand there, and is it what the gold set names?"""

from collections.abc import Sequence

from eval.metrics.span import Span, overlaps


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
    return sum(overlaps(citation, gold) for citation in citations) / len(citations)


def citation_recall(gold: Sequence[Span], citations: Sequence[Span]) -> float:
    """Share of the gold spans that share a character with a citation, in [0, 1]; there must be a gold span.

    Source: as `citation_precision`.

    >>> from eval.goldset import Evidence
    >>> gold = [Evidence("satzung", 20, 25), Evidence("satzung", 30, 35), Evidence("ordnung", 0, 9)]
    >>> round(citation_recall(gold, [Evidence("satzung", 22, 40)]), 3)
    0.667
    """
    return sum(overlaps(span, citations) for span in gold) / len(gold)


def quote_valid(quote: str, text: str, start: int, end: int) -> bool:
    """Whether the quote stands in the text, character by character, where the citation says.

    >>> text = "Der Eintritt ist frei."
    >>> quote_valid("ist frei", text, 13, 21), quote_valid("ist Frei", text, 13, 21)
    (True, False)
    """
    return bool(quote.strip()) and 0 <= start < end <= len(text) and text[start:end] == quote
