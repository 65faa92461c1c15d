"""Word documents (.docx, .docm, .dotx, .dotm) -> documents: the text as it is printed; nothing in them is run."""

import logging
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from index.clean_text import clean
from index.document import Document, DocumentError, file_id, file_title
from index.language import detect_language
from index.readers.blocks import join_blocks
from index.readers.docx_body import Body
from index.readers.docx_numbering import read_numbering
from index.readers.docx_styles import read_styles
from index.readers.html_metadata import iso_day
from index.readers.xml_safety import Element, attribute, child, local, parse_xml
from index.readers.zip_safety import Parts, open_parts

_log = logging.getLogger(__name__)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_TITLE = re.compile(
    r"|microsoft word.*|(?:dokument|document|vorlage|template)\s*\d*|(?:untitled|unbenannt|ohne titel|kein titel).*"
    r"|no title|title|titel|powerpoint.*|word document|.*\.(?:docx?|dot[xm]|docm|rtf|odt|pdf)",
    re.IGNORECASE,
)


def read(path: Path) -> Iterator[Document]:
    """Yield the document; its places are named "Absatz 12", "Tabelle 2, Zeile 4", "Fußnote 3" or "Textfeld 1".

    Insertions that are tracked are text, deletions are not; comments, headers and footers are left out, and so is
    hidden text, with a warning. Notes stand behind the paragraph that refers to them.

    Raises:
        DocumentError: The file is no whole Word document of this format, is encrypted, or holds no text.
    """
    _refuse_other_formats(path)
    with open_parts(path) as parts:
        main = _main_part(parts, path)
        body, root = _body(parts, main, path)
        text, places = join_blocks(body.blocks(root))
        properties = _core_properties(parts, path)
    if not text:
        raise DocumentError(f"{path}: a document without text (pictures only?); save it as PDF with text recognition")
    if body.hidden:
        _log.warning("%s: %d hidden texts left out, the first: %r", path, len(body.hidden), body.hidden[0][:60])
    title = _title(properties.get("title", "")) or body.title or body.heading or file_title(path, text)
    day = iso_day(properties.get("modified", "")) or iso_day(properties.get("created", ""))
    yield Document(file_id(path), title, text, detect_language(text[:2000]), str(path.resolve()), day, places)


def _refuse_other_formats(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(8)
        if not head:
            raise DocumentError(f"{path}: the file is empty; nothing to index")
        if head == _OLE:
            whole = head + file.read(2**25)
            if "EncryptedPackage".encode("utf-16-le") in whole:
                raise DocumentError(f"{path}: encrypted with a password; open it in Word and save it without one")
            raise DocumentError(f"{path}: a document of old Word (.doc); open it in Word or LibreOffice, save as .docx")
    for start, name in ((b"%PDF", "a PDF file"), (b"{\\rtf", "an RTF file"), (b"<", "a page of HTML or XML")):
        if head.startswith(start):
            raise DocumentError(f"{path}: {name}, no Word document; give the file its right ending, or save as .docx")


def _main_part(parts: Parts, path: Path) -> str:
    """Return the name of the part with the document's body."""
    if "_rels/.rels" in parts:
        for kind, target in _related(parts, "", path):
            if kind == "officeDocument":
                return target
    raise DocumentError(f"{path}: a zip file without a Word document in it; open it in Word and save as .docx")


def _related(parts: Parts, name: str, path: Path) -> list[tuple[str, str]]:
    """Return the kinds and names of the parts to which a part refers; those outside of the file are left alone."""
    folder, file = posixpath.split(name)
    relations = posixpath.join(folder, "_rels", f"{file}.rels")
    if relations not in parts:
        return []
    found: list[tuple[str, str]] = []
    for relation in parse_xml(parts.read(relations), f"{path} ({relations})"):
        kind, target = attribute(relation, "Type") or "", attribute(relation, "Target") or ""
        if attribute(relation, "TargetMode") != "External":
            found.append((kind.rpartition("/")[2], posixpath.normpath(posixpath.join("/", folder, target))[1:]))
    return found


def _body(parts: Parts, main: str, path: Path) -> tuple[Body, Element]:
    root = parse_xml(parts.read(main), f"{path} ({main})")
    body = child(root, "body")
    if local(root) != "document" or body is None:
        raise DocumentError(f"{path}: holds a {local(root)!r}, no Word document; save it as PDF or text")
    related = _related(parts, main, path)
    if any(kind == "aFChunk" for kind, _ in related):
        _log.warning("%s: text that is put in from another file is left out; save it anew in Word", path)
    roots = {
        kind: parse_xml(parts.read(target), f"{path} ({target})")
        for kind, target in related
        if kind in ("styles", "numbering", "footnotes", "endnotes") and target in parts
    }
    notes = {
        (local(note), attribute(note, "id") or ""): note
        for kind in ("footnotes", "endnotes")
        for note in roots.get(kind, ())
        if attribute(note, "type") in (None, "normal")
    }
    numbering = read_numbering(roots.get("numbering"))
    return Body(read_styles(roots.get("styles")), numbering, notes, grounds=_has_coloured_pages(root)), body


def _has_coloured_pages(root: Element) -> int:
    colour = attribute(child(root, "background"), "color")
    return colour is not None and colour.upper() not in ("AUTO", "FFFFFF")


def _core_properties(parts: Parts, path: Path) -> dict[str, str]:
    for kind, target in _related(parts, "", path):
        if kind == "core-properties" and target in parts:
            return {local(item): item.text or "" for item in parse_xml(parts.read(target), f"{path} ({target})")}
    return {}


def _title(given: str) -> str:
    """Return a title that someone gave; "" for what programs write there."""
    title = " ".join(clean(given).split())
    return "" if _NO_TITLE.fullmatch(title) else title
