"""Where a stretch of a document's text stands in the file that it was read from."""

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
