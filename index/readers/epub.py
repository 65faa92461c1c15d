"""Electronic books (EPUB 2 and 3) -> documents: the chapters in the order of reading, one document a book."""

import logging
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from index.clean_text import clean
from index.document import Document, DocumentError, file_id, file_title
from index.language import detect_language
from index.readers.blocks import Block, join_blocks
from index.readers.epub_contents import Contents, read_contents
from index.readers.hidden_markup import hidden_by_style
from index.readers.html_metadata import iso_day
from index.readers.markup import find_passages
from index.readers.xhtml import parse_xhtml
from index.readers.xml_safety import Element, attribute, child, local, parse_xml
from index.readers.zip_safety import Parts, open_parts

_log = logging.getLogger(__name__)
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_OF_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_BESIDE_TEXT = re.compile(r"(?:cover(?:page)?|toc|nav|contents|inhaltsverzeichnis)\d*", re.IGNORECASE)
_CHAPTERS = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"))


def read(path: Path) -> Iterator[Document]:
    """Yield the book as one document; its places have the chapter's name and lead to its part of the file.

    Left out: the cover, tables of contents, what stands outside of the order of reading, and hidden text.

    Raises:
        DocumentError: The file is no whole book, is protected against copying, or holds no text.
    """
    if path.stat().st_size == 0:
        raise DocumentError(f"{path}: the file is empty; nothing to index")
    with open_parts(path) as parts:
        book = _read_package(parts, path)
        _refuse_protected(parts, path, book)
        contents = read_contents(parts, book.contents, path)
        text, places = join_blocks(_blocks(parts, book, contents, path))
    if not text:
        raise DocumentError(f"{path}: a book without text (pictures only?); convert it to PDF with text recognition")
    title = book.title or file_title(path, text)
    yield Document(file_id(path), title, text, detect_language(text[:2000]), str(path.resolve()), book.date, places)


@dataclass(frozen=True)
class _Book:
    """What the package says: the chapters' parts in their order, and the parts with the table of contents."""

    title: str
    date: str
    chapters: tuple[str, ...]
    contents: tuple[str, ...]


def _read_package(parts: Parts, path: Path) -> _Book:
    folder = _folder(parts, path)
    container = parse_xml(parts.read(folder + _CONTAINER), f"{path} ({_CONTAINER})")
    name = folder + next((item.get("full-path", "") for item in container.iter() if local(item) == "rootfile"), "")
    package = parse_xml(parts.read(name), f"{path} ({name})")
    items = {
        item.get("id", ""): (resolve(name, item.get("href", "")), item)
        for item in _children(package, "manifest")
        if local(item) == "item"
    }
    spine = [reference for reference in _children(package, "spine") if local(reference) == "itemref"]
    beside = {
        resolve(name, item.get("href", ""))
        for item in _children(package, "guide")
        if item.get("type", "") in ("toc", "cover") and "#" not in item.get("href", "")
    }
    navigation = [part for part, item in items.values() if "nav" in item.get("properties", "").split()]
    ncx = [part for part, item in items.values() if item.get("media-type") == "application/x-dtbncx+xml"]
    linear = [
        items[reference.get("idref")] for reference in spine if _is_read(reference) and reference.get("idref") in items
    ]
    texts = [part for part, item in linear if item.get("media-type", "") in _CHAPTERS]
    chapters = [part for part in texts if part not in {*beside, *navigation} and not _is_beside(part)]
    metadata = child(package, "metadata")
    return _Book(_title(metadata), _date(metadata), tuple(chapters or texts), (*navigation, *ncx))


def _folder(parts: Parts, path: Path) -> str:
    """Return the folder in which the whole book was packed: mostly "", by mistake another."""
    for name in parts.names:
        folder = name.removesuffix(_CONTAINER)
        if folder != name and folder.count("/") <= 1:
            return folder
    raise DocumentError(f"{path}: a zip file without a book in it ({_CONTAINER} is missing); give an EPUB file")


def _children(package: Element, name: str) -> list[Element]:
    found = child(package, name)
    return [] if found is None else list(found)


def _is_read(reference: Element) -> bool:
    return str(reference.get("linear")) != "no"


def _is_beside(part: str) -> bool:
    return bool(_BESIDE_TEXT.fullmatch(posixpath.splitext(posixpath.basename(part))[0]))


def resolve(base: str, reference: str) -> str:
    """Return the part that a reference in another part means, without its fragment.

    >>> resolve("OEBPS/content.opf", "Text/kapitel%201.xhtml#a")
    'OEBPS/Text/kapitel 1.xhtml'
    """
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(base), unquote(urlsplit(reference).path)))[1:]


def _title(metadata: Element | None) -> str:
    titles = [item.text or "" for item in ([] if metadata is None else metadata) if local(item) == "title"]
    return next((title for given in titles if (title := " ".join(clean(given).split()))), "")


def _date(metadata: Element | None) -> str:
    """Return the day of the book's last change, else of its publication; "" where it gives none."""
    given: dict[str, str] = {}
    for item in [] if metadata is None else metadata:
        kind = item.get("property") or attribute(item, "event") or local(item)
        given.setdefault(kind, (item.text or "").strip())
    return next(filter(None, (iso_day(given.get(kind, "")) for kind in _DATES)), "")


_DATES = ("modification", "dcterms:modified", "publication", "date", "creation")


def _refuse_protected(parts: Parts, path: Path, book: _Book) -> None:
    if _ENCRYPTION not in parts:
        return
    for item in parse_xml(parts.read(_ENCRYPTION), f"{path} ({_ENCRYPTION})").iter():
        if local(item) != "EncryptedData":
            continue
        method = (attribute(child(item, "EncryptionMethod"), "Algorithm")) or ""
        part = resolve("", attribute(child(item, "CipherData", "CipherReference"), "URI") or "")
        if method not in _OF_FONTS and (part in book.chapters or not part):
            raise DocumentError(
                f"{path}: protected against copying (DRM); get the book without it from where it is from"
            )


def _blocks(parts: Parts, book: _Book, contents: Contents, path: Path) -> Iterator[Block]:
    """Yield the passages of all chapters with the chapter's name."""
    name = ""
    hidden: list[str] = []
    for part in book.chapters:
        raw = parts.read(part)
        if not raw.strip():
            continue
        root = parse_xhtml(raw, path, part)
        hidden_names = hidden_by_style(_sheets(parts, part, root))
        found = find_passages(next((item for item in root if local(item) == "body"), root), hidden_names)
        hidden += found.hidden
        name = contents.name(part) or next((item.text for item in found.passages if item.level), "") or name
        target = part
        for passage in found.passages:
            for anchor in passage.anchors:
                name, target = contents.name(part, anchor) or name, f"{part}#{anchor}"
            yield Block(passage.marked, name, target, passage.tight)
    if hidden:
        _log.warning("%s: %d hidden texts left out, the first: %r", path, len(hidden), hidden[0][:60])


def _sheets(parts: Parts, part: str, root: Element) -> Iterator[str]:
    """Yield the style sheets of a chapter: those in it and those of the book that it refers to."""
    for item in root.iter():
        if local(item) == "style":
            yield "".join(item.itertext())
        elif local(item) == "link" and "stylesheet" in item.get("rel", "").lower():
            sheet = resolve(part, item.get("href", ""))
            if sheet in parts:
                yield parts.read(sheet).decode("utf-8", "replace")
