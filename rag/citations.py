"""Quote gate: nothing is shown as a citation that does not stand, letter for letter, in an indexed document."""

import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import Any

from index import AnyIndex
from index.place import places_between
from rag.evidence import Evidence

# [2]  [1, 3]  [1-3]  [Beleg 2]
_MARKER = re.compile(
    r"\s*\[\s*(?:(?:Belege?|Quellen?|Evidence|Sources?)\s+)?(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*\]", re.IGNORECASE
)


@dataclass(frozen=True)
class Citation:
    """A checked quote: ``index.document(document_id).text[start:end] == quote``; ``marker`` is its ``[n]``.

    ``page`` and ``place`` ("Kapitel 3: Der Wald") tell where in the original it begins, where the format knows that.
    ``gloss`` translates, for readers of an English answer, the sentence that the quote is about; it is no quote.
    """

    marker: int
    quote: str
    document_id: str
    title: str
    start: int
    end: int
    page: int | None = None
    source: str = ""
    gloss: str = ""
    place: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)


def cite(evidence: Evidence, marker: int, index: AnyIndex, *, with_passage: bool = False) -> Citation | None:
    """Return the citation of a sentence, or ``None`` where the document no longer has that text at that place.

    Args:
        evidence: The sentence.
        marker: Its number in the answer.
        index: Holds the documents.
        with_passage: Quote the neighbours that belong to the sentence, too.
    """
    if evidence.document_id not in index:
        return None
    document = index.document(evidence.document_id)
    start, end = evidence.start, evidence.end
    if start < 0 or not evidence.text.strip() or document.text[start:end] != evidence.text:
        return None
    if with_passage and evidence.passage:
        start, end = evidence.passage
    places = places_between(document.places, start, end)
    return Citation(
        marker,
        document.text[start:end],
        document.id,
        document.title,
        start,
        end,
        page=next((place.page for place in places if place.page), None),
        source=document.source,
        place=next((place.name for place in places if place.name), ""),
    )


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    r"""Return where a quote stands in a text, in whole words: letter for letter, or but for how it is set.

    How it is set: composed or decomposed accents, soft hyphens and hyphens at a line's end, ligatures, the shape of
    quotation marks, white space, ß or ss. Never fuzzy: one letter or word more or less, and it does not stand there.

    >>> find_quote("vom 6. bis 8. Juli", "Die Messe dauerte vom 6.\nbis 8. Juli.")
    (18, 36)
    >>> find_quote("vom 6. bis 9. Juli", "Die Messe dauerte vom 6. bis 8. Juli.") is None
    True
    >>> text = "Die Versiche-\nrung gilt „drau\u00dfen“."
    >>> start, end = find_quote('Versicherung gilt "draussen"', text)
    >>> text[start:end]
    'Versiche-\nrung gilt „draußen“'
    """
    wanted, (folded, starts, ends) = _folded(quote)[0].strip(), _folded(text)
    found = re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", folded) if wanted else None
    return (starts[found.start()], ends[found.end() - 1]) if found else None


_SET = re.compile(
    r"(?P<hyphen>(?<=\w)[-\u2010\u00ad][^\S\n]*\n\s*(?=[a-zäöüß]))"
    r"|(?P<joint>(?<=\w)[-\u2010][^\S\n]*\n\s*(?=[A-ZÄÖÜ]))"
    r"|(?P<invisible>[\u00ad\u200b-\u200d\u2060\ufeff])"
    r"|(?P<space>\s+)"
    r"|(?P<sign>.[\u0300-\u036f]*)",
    re.DOTALL,
)
_AS = {**dict.fromkeys("„“”‟«»", '"'), **dict.fromkeys("‚‘’‹›", "'"), "ß": "ss", "ẞ": "SS"}
_LIGATURES = re.compile("[\ufb00-\ufb06]")


def _folded(text: str) -> tuple[str, list[int], list[int]]:
    """Return a text without what only sets it, and where each of its characters begins and ends in the text."""
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in _SET.finditer(text):
        if piece.lastgroup in ("hyphen", "invisible"):
            continue
        signs = {"space": " ", "joint": "-"}.get(piece.lastgroup or "") or _AS.get(piece[0], piece[0])
        signs = unicodedata.normalize("NFC", signs)
        signs = _LIGATURES.sub(lambda ligature: unicodedata.normalize("NFKC", ligature[0]), signs)
        folded += signs
        starts += [piece.start()] * len(signs)
        ends += [piece.end()] * len(signs)
    return "".join(folded), starts, ends


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
