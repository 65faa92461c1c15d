"""Quote gate: nothing is shown as a citation that does not stand, letter for letter, in an indexed document."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from index import Index
from rag.evidence import Evidence

_MARKER = re.compile(r"\s*\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")
_QUOTED = re.compile(r"[„“”»«\"]([^„“”»«\"]{12,})[„“”»«\"]")


@dataclass(frozen=True)
class Citation:
    """A checked quote: ``index.document(document_id).text[start:end] == quote``; ``marker`` is its ``[n]``."""

    marker: int
    quote: str
    document_id: str
    title: str
    start: int
    end: int
    page: int | None = None
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)


def cite(evidence: Evidence, marker: int, index: Index) -> Citation | None:
    """Return the citation of a sentence, or ``None`` where the document no longer has that text at that place."""
    if evidence.document_id not in index:
        return None
    document = index.document(evidence.document_id)
    start, end = evidence.start, evidence.end
    if not evidence.text.strip() or document.text[start:end] != evidence.text:
        return None
    return Citation(marker, evidence.text, document.id, document.title, start, end, source=document.source)


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    """Return where a quote stands in a text, letter for letter; runs of white space count as one.

    >>> find_quote("vom 6. bis 8. Juli", "Die Messe dauerte vom 6.\\nbis 8. Juli.")
    (18, 37)
    >>> find_quote("vom 6. bis 9. Juli", "Die Messe dauerte vom 6. bis 8. Juli.") is None
    True
    """
    words = [re.escape(word) for word in quote.split()]
    found = re.search(r"\s+".join(words), text) if words else None
    return found.span() if found else None


def markers(sentence: str) -> list[int]:
    """Return the numbers in a sentence's markers.

    >>> markers("Er ist Direktor [2][1, 3].")
    [2, 1, 3]
    """
    return [int(number) for found in _MARKER.finditer(sentence) for number in re.findall(r"\d+", found[1])]


def without_markers(sentence: str) -> str:
    """Return a sentence without its markers.

    >>> without_markers("Er ist Direktor [2].")
    'Er ist Direktor.'
    """
    return _MARKER.sub("", sentence).strip()


def quoted(sentence: str) -> list[str]:
    """Return what a sentence puts in quotation marks, from twelve characters on.

    >>> quoted("Er nannte es „eine eindrucksvolle Messe“ und „gut“.")
    ['eine eindrucksvolle Messe']
    """
    return _QUOTED.findall(sentence)
