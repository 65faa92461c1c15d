"""PDF files -> documents: text in reading order, and for each of its lines the page and the box where it stands."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from index.clean_text import join_with_spans, known_words
from index.document import Document, DocumentError, file_id
from index.language import detect_language
from index.place import Box, Place
from index.readers import waiting
from index.readers.ocr import INSTALL, OcrError, Recognition, ocr_is_there
from index.readers.pdf_bounds import MOST_PAGES, check_bounds
from index.readers.pdf_characters import UNKNOWN, shown_box
from index.readers.pdf_margins import without_margins
from index.readers.pdf_pages import SCANNED, Page, page_of, read_pages
from index.readers.pdf_paragraphs import PageLine, Paragraph, paragraphs
from index.settings import index_settings

_log = logging.getLogger(__name__)


def read(path: Path) -> Iterator[Document]:
    """Yield the one document of a PDF file.

    Raises:
        DocumentError: The file is damaged, locked with a password, too large when unfolded, or holds no text.
    """
    check_bounds(path)
    pdf = open_pdf(path)
    try:
        if len(pdf) > MOST_PAGES:
            raise DocumentError(f"{path}: {len(pdf)} pages, expected at most {MOST_PAGES}; divide the file")
        pages = _pages(pdf, path)
        metadata = pdf.get_metadata_dict()
    finally:
        pdf.close()
    parts = _parts(pages)
    text, places = _compose(parts, pages)
    if re.match(r"(?:## )?Please wait\.\.\.", text) and len(pages) == 1:
        raise DocumentError(f"{path}: an XFA form, whose text only Adobe's program shows; print it as PDF")
    title = _title(metadata.get("Title", ""), parts, path)
    language = detect_language(text[:2000])
    yield Document(file_id(path), title, text, language, str(path.resolve()), _date(metadata), tuple(places))


def open_pdf(path: Path) -> Any:
    """Open a file with pypdfium2.

    Raises:
        DocumentError: It is no PDF, damaged, or locked with a password.
    """
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(path)
    except (pypdfium2.PdfiumError, OSError) as error:
        raise DocumentError(f"{path}: {_reason(str(error))}") from error


def _reason(error: str) -> str:
    lowered = error.lower()
    if "password" in lowered:
        return "locked with a password; save a copy without one, and give that"
    if "security" in lowered:
        return "encrypted in a way that is not known; save a copy without encryption, and give that"
    return f"not a whole PDF file ({error.rstrip('.')}); fetch it again, or print it anew as PDF"


def _pages(pdf: Any, path: Path) -> list[Page]:
    """Return every page; what a scan shows is read by tesseract where it is installed."""
    pages = read_pages(pdf, path)
    recognition = Recognition(index_settings().ocr_seconds, waiting.tell)
    for number, page in enumerate(pages):
        if page.problem == SCANNED and ocr_is_there():
            pages[number] = _recognised(pdf, number, page, recognition)
    unread = [f"{number} ({page.problem})" for number, page in enumerate(pages, start=1) if page.problem]
    hidden = [text for page in pages for text in page.hidden]
    if not any(page.lines for page in pages):
        raise DocumentError(f"{path}: {_why_no_text(len(pages), unread, hidden)}")
    _tell_of_unseen(pages, hidden, path)
    if unknown := sum(line.text.count(UNKNOWN) for page in pages for line in page.lines):
        _log.warning("%s: %d signs stand as %s, for the file does not say which they are", path, unknown, UNKNOWN)
    if unread:
        shown = ", ".join(unread[:20]) + (f" and {len(unread) - 20} more" if len(unread) > 20 else "")
        _log.warning("%s: pages without text are left out: %s; for scans: %s", path, shown, INSTALL)
    return pages


def _recognised(pdf: Any, number: int, page: Page, recognition: Recognition) -> Page:
    shown = pdf[number]
    try:
        return page_of(recognition.read(shown))
    except OcrError as error:
        return replace(page, problem=str(error))
    finally:
        shown.close()


def _tell_of_unseen(pages: Sequence[Page], hidden: Sequence[str], path: Path) -> None:
    if hidden:
        _log.warning("%s: %d hidden texts left out, the first: %r", path, len(hidden), hidden[0][:60])
    if scans := sum(page.over_scan for page in pages):
        _log.warning(
            "%s: %d pages are scans with a layer of text that nobody sees; it is read: compare quotes with the picture",
            path,
            scans,
        )


def _why_no_text(n_pages: int, unread: Sequence[str], hidden: Sequence[str]) -> str:
    scanned = sum(SCANNED in page for page in unread)
    if scanned:
        pages = "1 page looks" if scanned == 1 else f"{scanned} pages look"
        return f"no text, {pages} scanned; install tesseract ({INSTALL}), or give a copy with recognised text"
    if hidden:
        return f"no text that can be seen, {len(hidden)} hidden texts, the first: {hidden[0][:60]!r}; nothing to index"
    if not n_pages:
        return "the PDF has no page; fetch it again, or print it anew as PDF"
    if unread:
        return f"no text, pages {', '.join(unread[:5])}; fetch the file again, or print it anew as PDF"
    return f"no text on {n_pages} of {n_pages} pages; nothing to index"


def _parts(pages: Sequence[Page]) -> list[Paragraph]:
    lines = [page.lines for page in pages]
    inner = without_margins(lines, [page.height for page in pages])
    return paragraphs(inner if any(inner) else lines)


def _compose(parts: Sequence[Paragraph], pages: Sequence[Page]) -> tuple[str, list[Place]]:
    """Return the text of the paragraphs and a place for each line."""
    known = known_words(one.line.text for part in parts for one in part.lines)
    pieces: list[str] = []
    places: list[Place] = []
    at = 0
    was_row = False
    for part in parts:
        joined = join_with_spans([one.line.text for one in part.lines], known)
        if not joined.text:
            continue
        between = ("\n" if was_row and part.is_row else "\n\n") if pieces else ""
        pieces += [between, f"{'#' * part.level} " if part.level else "", joined.text]
        at += len(between) + len(pieces[-2])
        places += [
            Place(at + start, at + end, one.page + 1, _box(one, pages[one.page]))
            for one, (start, end) in zip(part.lines, joined.spans, strict=True)
            if start < end
        ]
        at += len(joined.text)
        was_row = part.is_row
    return "".join(pieces), places


def _box(one: PageLine, page: Page) -> Box:
    left, top, right, bottom = shown_box(one.line.box, one.line.turn, page.width, page.height)
    return round(left, 1), round(top, 1), round(right, 1), round(bottom, 1)


_NO_TITLE = re.compile(
    r"\s*(?:microsoft \w+|untitled|unbenannt|\(anonymous\)|ohne titel|dokument|document|titel|title|print|none"
    r"|scan\w*)?\s*(?:- .*)?\d*\s*|.*\.(?:docx?|odt|pdf|tex|dvi|rtf|indd|qxd|p65|fm|xlsx?|pptx?|ps|html?|txt|xml|wpd)",
    re.IGNORECASE,
)


def _title(given: str, parts: Sequence[Paragraph], path: Path) -> str:
    """Return the title of the metadata where it is one, else the largest early heading, else the file's name."""
    given = " ".join(join_with_spans([given]).text.split())
    if not _NO_TITLE.fullmatch(given) and 2 * sum(sign.isalpha() for sign in given) > len(given):
        return given
    headings = [part for part in parts if part.level and part.lines[0].page < 2]
    if headings:
        best = max(headings, key=lambda part: part.lines[0].line.size)
        return join_with_spans([one.line.text for one in best.lines]).text
    return path.stem.replace("_", " ")


def _date(metadata: dict[str, str]) -> str:
    """Return the day on which the file was changed or made, ISO 8601; "" where it gives none that can be.

    >>> _date({"ModDate": "D:20240229101500+01'00'"}), _date({"ModDate": "D:20230229", "CreationDate": "D:1066"})
    ('2024-02-29', '')
    """
    for field in ("ModDate", "CreationDate"):
        if found := re.match(r"(?:D:)?(\d{4})(\d\d)(\d\d)", metadata.get(field, "")):
            try:
                day = date(*map(int, found.groups()))
            except ValueError:
                continue
            if date(1985, 1, 1) <= day <= date.today():
                return day.isoformat()
    return ""
