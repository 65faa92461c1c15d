"""Bytes of a web page -> its text, by the encoding that the page declares."""

import codecs
import logging
import re
from pathlib import Path

from index.document import DocumentError

_log = logging.getLogger(__name__)
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)|<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]+)""",
    re.IGNORECASE,
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NEVER = frozenset("utf-7 unicode_escape raw_unicode_escape idna punycode undefined mbcs oem".split())
# Pages that declare these mean the Windows one (WHATWG, Encoding Standard).
_WINDOWS = frozenset("iso8859-1 ascii".split())


def decode_markup(raw: bytes, path: Path) -> str:
    """Decode a page: by its byte order mark, else as UTF-8 where it is valid, else as the page declares.

    Raises:
        DocumentError: The file is empty or binary, or not in the encoding that it declares.

    >>> decode_markup('<meta charset="iso-8859-1"><p>Straße'.encode("latin-1"), Path("a.html"))[-6:]
    'Straße'
    """
    if not raw.strip(b"\0 \t\r\n"):
        raise DocumentError(f"{path}: the file is empty; nothing to index")
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw[len(mark) :], encoding, path)
    if wide := _wide(raw):
        return _decoded(raw, wide, path)
    if raw.startswith((b"%PDF", b"PK\3\4", b"\xd0\xcf\x11\xe0")) or raw.count(b"\0") > len(raw) // 100:
        raise DocumentError(f"{path}: binary data, no web page; give the file its right ending, or convert it to HTML")
    return _decode_narrow(raw, path)


def declared_encoding(raw: bytes) -> str:
    """Return the encoding that a page declares in its first bytes, as Python calls it; "" where none is known.

    >>> declared_encoding(b'<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-15">')
    'iso8859-15'
    """
    found = _DECLARED.search(raw[:4096])
    if not found:
        return ""
    try:
        codec = codecs.lookup((found[1] or found[2]).decode("ascii"))
    except LookupError:
        return ""
    is_text = getattr(codec, "_is_text_encoding", True) and codec.name not in _NEVER
    if not is_text or codec.name.startswith(("utf-16", "utf-32")):
        return ""
    return "cp1252" if codec.name in _WINDOWS else codec.name


def _decode_narrow(raw: bytes, path: Path) -> str:
    """Decode bytes without a mark: valid UTF-8 beyond ASCII is never by chance anything else."""
    declared = declared_encoding(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if declared and declared != "utf-8":
            return _decoded(raw, declared, path)
        _log.warning("%s: not UTF-8 (byte %d), read as Windows-1252", path, error.start)
        return _decoded(raw, "cp1252", path)
    # The exception: encodings that write all letters in 7 bits.
    return _decoded(raw, declared, path) if declared.startswith(("iso2022", "hz")) else text


def _decoded(raw: bytes, encoding: str, path: Path) -> str:
    text = raw.decode(encoding, errors="replace")
    if lost := text.count("\ufffd"):
        if lost > len(text) // 100:
            raise DocumentError(f"{path}: not in its encoding {encoding} ({lost} wrong bytes); save it as UTF-8")
        _log.warning("%s: %d bytes are not in its encoding %s and are lost", path, lost, encoding)
    return text


def _wide(raw: bytes) -> str:
    """Tell UTF-16 without a byte order mark by the zero bytes beside its tags."""
    head = raw[:4].ljust(4, b"\0")
    if head[0] and not head[1] and head[2] and not head[3]:
        return "utf-16-le"
    return "utf-16-be" if not head[0] and head[1] and not head[2] and head[3] else ""
