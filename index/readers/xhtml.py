"""Bytes of XHTML -> tree: as XML where it is well formed, else as a browser reads HTML."""

import re
from html.entities import html5
from pathlib import Path

from index.document import DocumentError
from index.encodings import declared_encoding, decode
from index.readers.html import parse_html
from index.readers.xml_safety import Element, parse_xml

_PROLOGUE = re.compile(r"\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--.*?-->\s*)*(?:<!DOCTYPE[^>\[]*>)?", re.DOTALL | re.IGNORECASE)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML = frozenset("amp lt gt quot apos".split())


def parse_xhtml(raw: bytes, path: Path, part: str) -> Element:
    """Return the root of a chapter.

    Raises:
        DocumentError: It is binary, empty, or defines entities of its own.

    >>> parse_xhtml(b"<html><body><a id='x'/>f&uuml;r</body></html>", Path("a.epub"), "a.xhtml")[0][0].tail
    'für'
    """
    where = Path(f"{path} ({part})")
    markup = decode(raw, where, declared_encoding(raw))
    if "<!ENTITY" in markup:
        raise DocumentError(f"{where}: defines XML entities, as attacks do; save it anew with the program it is from")
    markup = _PROLOGUE.sub("", markup, count=1)
    try:
        return parse_xml(_ENTITY.sub(_sign, markup).encode(), str(where))
    except (DocumentError, UnicodeEncodeError):
        return parse_html(markup, where)


def _sign(entity: re.Match[str]) -> str:
    """Return the sign that HTML names; XML knows five of the names itself."""
    return entity[0] if entity[1] in _OF_XML else html5.get(f"{entity[1]};", entity[0])
