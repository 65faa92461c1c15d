"""Quote gate: nothing is shown as a citation that does not stand, letter for letter, in an indexed document."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from index import Index
from rag.evidence import Evidence

# [2]  [1, 3]  [1-3]  [Beleg 2]
_MARKER = re.compile(
    r"\s*\[\s*(?:(?:Belege?|Quellen?|Evidence|Sources?)\s+)?(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*\]", re.IGNORECASE
)
_QUOTED = re.compile(r"„([^„“”]*)[“”]|“([^„“”]*)”|»([^«»]*)«|«([^«»]*)»|\"([^\"]*)\"")
_LEFT_OUT = re.compile(r"\[?(?:…|\.\.\.)\]?")
LEAST_QUOTE = 12  # characters; below, quotation marks often only name something


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
    if start < 0 or not evidence.text.strip() or document.text[start:end] != evidence.text:
        return None
    return Citation(marker, evidence.text, document.id, document.title, start, end, source=document.source)


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    r"""Return where a quote stands in a text, letter for letter and in whole words; white space counts as one space.

    >>> find_quote("vom 6. bis 8. Juli", "Die Messe dauerte vom 6.\nbis 8. Juli.")
    (18, 36)
    >>> find_quote("vom 6. bis 9. Juli", "Die Messe dauerte vom 6. bis 8. Juli.") is None
    True
    """
    words = r"\s+".join(re.escape(word) for word in quote.split())
    found = re.search(rf"(?<!\w){words}(?!\w)", text) if words else None
    return found.span() if found else None


def markers(sentence: str) -> list[int]:
    """Return the numbers in a sentence's markers.

    >>> markers("Er ist Direktor [2][1, 3] und Autor [5-7].")
    [2, 1, 3, 5, 6, 7]
    """
    parts = [part for found in _MARKER.finditer(sentence) for part in re.split("[,;]", found[1])]
    bounds = [[int(number) for number in re.findall(r"\d+", part)] for part in parts]
    return [number for bound in bounds for number in range(bound[0], bound[-1] + 1)]


def without_markers(sentence: str) -> str:
    """Return a sentence without its markers.

    >>> without_markers("Er ist Direktor [2].")
    'Er ist Direktor.'
    """
    return _MARKER.sub("", sentence).strip()


def quoted(sentence: str) -> list[str]:
    """Return what a sentence puts in quotation marks, from twelve characters on; where it leaves out words, the parts.

    A full stop or comma at the end may be the sentence's own and is left out.

    >>> quoted("Er nannte es „eine eindrucksvolle Messe“ und „gut“, sie “the best […] fair in years.”")
    ['eine eindrucksvolle Messe', 'the best', 'fair in years']
    """
    quotes = ["".join(found.groups("")) for found in _QUOTED.finditer(sentence)]
    parts = [part.strip(" .,;:!?") for quote in quotes if len(quote) >= LEAST_QUOTE for part in _LEFT_OUT.split(quote)]
    return [part for part in parts if part]
