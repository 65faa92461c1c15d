"""The source pane: a quote highlighted where it stands in its document, as text and, for PDF, on the rendered page."""

from bisect import bisect_right
from pathlib import Path
from urllib.parse import urlencode

from index import AnyIndex, Document
from index.errors import BelegError
from index.place import Box, Place
from rag.document_date import document_date
from ui.dates import date_text
from ui.evidence import document_html, escape, folded, note_html, shortened
from ui.shelf import source_name
from ui.texts import Texts

CONTEXT = 1500
"""Characters shown before and after a quote at first, and added by each wish for more."""
MOST_CONTEXT = 200_000
PICTURE_SCALE = 2.0


class SourceError(BelegError):
    """A place in a document that cannot be shown."""


def source_html(
    index: AnyIndex,
    document_id: str,
    start: int,
    end: int,
    texts: Texts,
    *,
    before: int = CONTEXT,
    after: int = CONTEXT,
) -> str:
    """Return a quote in its context, with the document's title, place and date; safe HTML.

    Args:
        index: Holds the document.
        document_id: Which.
        start: First character of the quote.
        end: The character after its last one.
        texts: Of the interface.
        before: Characters of context before the quote.
        after: Characters after it.
    """
    if document_id not in index:
        return note_html(texts.source_gone, "error")
    document = index.document(document_id)
    if not 0 <= start < end <= len(document.text):
        return _head(document, None, texts) + note_html(texts.source_changed, "error")
    places = places_of(document, start, end)
    text = _text(document, (start, end), texts, (before, after))
    pictures = _pictures(document, places, (start, end), texts)
    if pictures:
        text = pictures + folded(texts.source_as_text, text)
    return _head(document, places[0] if places else None, texts) + text


def places_of(document: Document, start: int, end: int) -> list[Place]:
    """Return the places of a stretch of a document's text, in the order of the text.

    >>> places = Place(0, 5, page=1), Place(6, 9, page=2), Place(10, 20, page=3)
    >>> [place.page for place in places_of(Document("a", "", "x" * 20, places=places), 4, 8)]
    [1, 2]
    """
    first = max(0, bisect_right([place.start for place in document.places], start) - 1)
    found = []
    for place in document.places[first:]:
        if place.start >= end:
            break
        if place.end > start:
            found.append(place)
    return found


def page_png(index: AnyIndex, document_id: str, page: int, start: int, end: int) -> bytes:
    """Return a page of the original as a PNG with the lines of a stretch of text marked.

    Raises:
        SourceError: The document or its file is gone, or is no PDF.
        BelegError: The file cannot be rendered.
    """
    if document_id not in index:
        raise SourceError(f"no document {document_id!r}; see: beleg index list")
    document = index.document(document_id)
    path = Path(document.source)
    if not _is_pdf(path):
        raise SourceError(f"{source_name(document.source)}: no PDF there; its text can be shown")
    boxes = _boxes(places_of(document, start, end), page)
    if not boxes:
        raise SourceError(f"{source_name(document.source)}: page {page} holds nothing of characters {start} to {end}")
    from index.page_picture import page_picture

    return page_picture(path, page, boxes, PICTURE_SCALE)


def _is_pdf(path: Path) -> bool:
    return path.suffix.lower() == ".pdf" and path.is_file()


def _boxes(places: list[Place], page: int) -> list[Box]:
    return [place.box for place in places if place.page == page and place.box]


def _pictures(document: Document, places: list[Place], span: tuple[int, int], texts: Texts) -> str:
    """Return the pages that the quote stands on; nothing where they cannot be rendered."""
    if not _is_pdf(Path(document.source)):
        return ""
    pages = dict.fromkeys(place.page for place in places if place.page and place.box)
    return "".join(_picture(document, page, _boxes(places, page), span, texts) for page in pages if page)


def _picture(document: Document, page: int, boxes: list[Box], span: tuple[int, int], texts: Texts) -> str:
    query = urlencode({"document": document.id, "page": page, "start": span[0], "end": span[1]})
    top = min(box[1] for box in boxes) * PICTURE_SCALE
    return (
        f'<img class="beleg-page" src="/beleg/page?{escape(query)}" data-top="{top:.0f}" '
        f'alt="{escape(texts.source_page_picture.format(page=page))}">'
    )


def _head(document: Document, place: Place | None, texts: Texts) -> str:
    page = texts.chat_page.format(page=place.page) if place and place.page else ""
    name = place.name if place else ""
    day = date_text(document.date or document_date(document.title, document.text), texts.language)
    facts = " · ".join(escape(part) for part in (page, name, day, shortened(source_name(document.source), 200)) if part)
    title = escape(document.title or document.id)
    return f'<div class="beleg-source-head"><h3>{title}</h3><p class="beleg-note">{facts}</p></div>'


def _text(document: Document, span: tuple[int, int], texts: Texts, around: tuple[int, int]) -> str:
    """Return the quote with context cut at blanks, and a button at each end that does not reach the document's."""
    text = document.text
    (start, end), (before, after) = span, around
    first = min(start, _at_blank(text, max(0, start - min(before, MOST_CONTEXT))))
    last = max(end, _at_blank(text, min(len(text), end + min(after, MOST_CONTEXT))))
    more_before = _more(texts.source_before, "before", before) if first > 0 else ""
    more_after = _more(texts.source_after, "after", after) if last < len(text) else ""
    return (
        f'{more_before}<div class="beleg-context" lang="{escape(document.language)}">{document_html(text[first:start])}'
        f'<mark tabindex="-1" aria-label="{escape(texts.source_quote)}">{document_html(text[start:end])}</mark>'
        f"{document_html(text[end:last])}</div>{more_after}"
    )


def _at_blank(text: str, place: int) -> int:
    """Move a cut to the end of the word that it falls into.

    >>> _at_blank("Die Messe begann", 6), _at_blank("Die Messe", 9), _at_blank("Die", 0)
    (9, 9, 0)
    """
    if place in (0, len(text)):
        return place
    return next((at for at in range(place, min(place + 60, len(text))) if text[at].isspace()), place)


def _more(label: str, where: str, shown: int) -> str:
    return (
        f'<button type="button" class="beleg-button beleg-more" data-more="{where}" data-shown="{shown + CONTEXT * 2}">'
        f"{escape(label)}</button>"
    )
