"""What citations, chunks and gold evidence have in common: a place in a document."""

from collections.abc import Iterable
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


def overlaps(span: Span, others: Iterable[Span]) -> bool:
    """Whether a span shares a character with one of the others.

    >>> from eval.goldset import Evidence
    >>> overlaps(Evidence("satzung", 0, 5), [Evidence("satzung", 4, 9), Evidence("ordnung", 0, 5)])
    True
    """
    return any(
        span.document_id == other.document_id and span.start < other.end and other.start < span.end for other in others
    )
