"""A file's name and first bytes -> the reader of its format."""

import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from index.document import Document, DocumentError

Reader = Callable[[Path], Iterator[Document]]

READERS = {
    ".txt": "index.readers.text",
    ".md": "index.readers.markdown",
    ".jsonl": "index.readers.jsonl",
    ".jsonl.gz": "index.readers.jsonl",
    ".pdf": "index.readers.pdf",
    ".docx": "index.readers.docx",
    ".docm": "index.readers.docx",
    ".dotx": "index.readers.docx",
    ".dotm": "index.readers.docx",
    ".html": "index.readers.html",
    ".htm": "index.readers.html",
    ".xhtml": "index.readers.html",
    ".epub": "index.readers.epub",
}
"""Ending -> module; it is imported when the first file needs it."""

PLAIN = {".txt", ".md"}
ROWS = {".jsonl", ".jsonl.gz"}
HEAD = 4096
"""How many first bytes tell what a file is."""

_SIGNATURES = (
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*%PDF-\d"), ".pdf", "a PDF"),
    (re.compile(rb"PK\x03\x04.{26}mimetypeapplication/epub\+zip", re.DOTALL), ".epub", "an EPUB book"),
    (re.compile(rb"PK\x03\x04.{0,4000}word/", re.DOTALL), ".docx", "a Word document (.docx)"),
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), ".zip", "a zip archive (as .docx, .epub, .xlsx and .odt are inside)"),
    (
        re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ".doc",
        "an Office file of before 2007, or one with a password; open it and save it without a password as .docx",
    ),
    (re.compile(rb"\{\\rtf"), ".rtf", "RTF; open it and save it as .docx"),
    (re.compile(rb"\x89PNG\r\n"), ".png", "a PNG picture"),
    (re.compile(rb"\xff\xd8\xff"), ".jpg", "a JPEG picture"),
    (re.compile(rb"GIF8[79]a"), ".gif", "a GIF picture"),
    (re.compile(rb"II\*\0|MM\0\*"), ".tiff", "a TIFF picture"),
    (re.compile(rb"\x1f\x8b\x08"), ".gz", "a gzip file; unpack it"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), ".7z", "a 7z archive; unpack it"),
    (re.compile(rb"Rar!\x1a\x07"), ".rar", "a RAR archive; unpack it"),
    (re.compile(rb"\x7fELF|MZ[^\w\s]"), ".exe", "a program"),
    (
        re.compile(
            rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--(?:(?!-->).)*+-->\s*+)*+(?:<!doctype\s+html|<html[\s>])",
            re.IGNORECASE | re.DOTALL,
        ),
        ".html",
        "an HTML page",
    ),
)


def format_of(path: Path) -> str:
    """Return the longest known ending of a file's name, "" where none is known.

    >>> format_of(Path("SATZUNG.PDF")), format_of(Path("documents.jsonl.gz")), format_of(Path("bild.png"))
    ('.pdf', '.jsonl.gz', '')
    """
    name = path.name.lower()
    return max((ending for ending in READERS if name.endswith(ending)), key=len, default="")


def known_formats() -> str:
    """Name all endings that are read."""
    return ", ".join(READERS)


def reader_in(module: str) -> Reader:
    """Import a reader's module and return the reader.

    Raises:
        DocumentError: A library that it needs is not installed.
    """
    try:
        return cast("Reader", importlib.import_module(module).read)
    except ImportError as error:
        raise DocumentError(f"{module} needs {error.name!r} ({error}); install it: pip install beleg") from error


def looks_like(head: bytes) -> tuple[str, str]:
    r"""Tell by its first bytes what a file is: the ending of its format and words for it, both "" where nothing shows.

    >>> looks_like(b"%PDF-1.7\n%"), looks_like(b"Sehr geehrte Damen und Herren")
    (('.pdf', 'a PDF'), ('', ''))
    """
    found = ((ending, words) for sign, ending, words in _SIGNATURES if sign.match(head))
    return next(found, ("", ""))


def true_format(path: Path, head: bytes) -> str:
    """Return the format to read a file as: what its bytes say, where they say it plainly, else what its name says.

    So a PDF, a page, a book or a Word document is read under any name: its reader runs in a process of its own.

    Raises:
        DocumentError: The bytes are of something that is not read, or not what the name needs.
    """
    named, (seen, words) = format_of(path), looks_like(head)
    if named in ROWS:
        return named  # each line is looked at
    if seen in READERS:
        return named if READERS[named] == READERS[seen] else seen
    if _is_zipped(named) and seen == ".zip":
        return named  # what is inside need not stand in the usual order
    if seen:
        raise DocumentError(f"{path}: named {named}, but looks like {words}; give it its true name, or convert it")
    if _is_zipped(named) or (named == ".pdf" and b"%PDF-" not in head):
        raise DocumentError(f"{path}: named {named}, but does not begin like one{_as_text(head)}")
    return named


def _is_zipped(ending: str) -> bool:
    return READERS[ending] in (READERS[".docx"], READERS[".epub"])


def _as_text(head: bytes) -> str:
    if b"\0" in head:
        return "; it may be damaged, fetch it again"
    return " and looks like plain text; name it .txt if it is, else fetch it again"
