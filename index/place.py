"""Where a stretch of a document's text stands in the file that it was read from."""

import re
import urllib.parse
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in points (1/72 inch) from the top left corner of the page as it is shown."""


@dataclass(frozen=True)
class Place:
    """Characters ``start`` to ``end`` of the text and what a reader of the original looks for to find them.

    Attributes:
        start: First character.
        end: The character after the last one.
        page: Number of the page, from 1, where the format has pages; the box is one line's.
        box: Where on that page.
        name: What people call the place where there are no pages: "Kapitel 3: Der Wald", "Tabelle 2, Zeile 4".
        target: What leads there in the original, as a path or a fragment: "OEBPS/kapitel3.xhtml", "#gebuehren".

    >>> Place(0, 18, page=12, box=(70.9, 85.0, 297.6, 96.0)).page
    12
    """

    start: int
    end: int
    page: int | None = None
    box: Box | None = None
    name: str = ""
    target: str = ""


def places_between(places: Sequence[Place], start: int, end: int) -> Sequence[Place]:
    """Return the places that hold a character of ``start`` to ``end``; they are in order and do not overlap.

    >>> pages = [Place(0, 10, page=1), Place(12, 20, page=2), Place(22, 30, page=3)]
    >>> [place.page for place in places_between(pages, 8, 13)], places_between(pages, 10, 12)
    ([1, 2], [])
    """
    first = bisect_right(places, start, key=lambda place: place.end)
    last = first
    while last < len(places) and places[last].start < end:
        last += 1
    return places[first:last]


_MOST_WORDS = 8  # a longer quote is given by how it begins and ends
_MARK = re.compile(r"^\s*(?:#{1,6}|[-*•]|\d{1,3}[.)]|[a-zA-Z]{1,2}[.)])\s+")


def text_fragment(quote: str) -> str:
    """Return what, at the end of a page's address, makes a browser show a quote: a text fragment (WICG, 2020).

    The marks of headings, lists and cells are ours and stand on no page. A quote over several blocks or of many words
    is given by its first and last words, as many as there are up to eight: few stand in other places, too.

    >>> text_fragment("Die Gebühr beträgt 5 €.")
    '#:~:text=Die%20Geb%C3%BChr%20betr%C3%A4gt%205%20%E2%82%AC.'
    >>> text_fragment("## Ein-, zweimal")
    '#:~:text=Ein%2D%2C%20zweimal'
    >>> text_fragment("Preis | 5 €")
    '#:~:text=Preis,5%20%E2%82%AC'
    """
    parts = [_MARK.sub("", part).split() for part in re.split(r"\n+|\s{2,}|(?:^|\s)\|(?:\s|$)", quote)]
    parts = [part for part in parts if part]
    if not parts:
        return ""
    if len(parts) == 1 and len(parts[0]) <= _MOST_WORDS:
        return f"#:~:text={_encoded(parts[0])}"
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        middle = len(first) // 2
        first, last = first[:middle], first[middle:]
    return f"#:~:text={_encoded(first[:_MOST_WORDS])},{_encoded(last[-_MOST_WORDS:])}"


def _encoded(words: list[str]) -> str:
    """Encode words, with the signs that a text fragment divides its parts by."""
    return urllib.parse.quote(" ".join(words), safe="").replace("-", "%2D")
