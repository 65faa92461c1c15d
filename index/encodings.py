r"""Bytes of a text file -> its characters, whatever encoding it was saved in.

A byte order mark is believed first, then the pattern of zero bytes that UTF-16 leaves, then UTF-8, then what the file
declares, then Windows-1252. What was decoded wrongly before it was saved ("MÃ¼ller") stays as it is: nobody can tell
it from what was meant.
"""

import codecs
import logging
import re
from pathlib import Path

from index.document import DocumentError

_log = logging.getLogger(__name__)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 4096  # bytes
_CONTROLS = bytes({*range(0x1B), *range(0x1C, 0x20)} - set(b"\t\n\x0b\x0c\r"))
_MOST_CONTROLS = 0.01
_DECLARED = re.compile(
    rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})|<meta\b[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""",
    re.IGNORECASE,
)
# What a file may ask for: encodings of text whose ASCII is ASCII. UTF-16 shows itself by its zero bytes.
_KNOWN = re.compile(r"utf8|ascii|iso8859-\d+|cp125\d|koi8-[ru]|mac-roman|gbk|gb2312|gb18030|big5|shift_jis|euc_(jp|kr)")


def decode(raw: bytes, path: Path, declared: str = "") -> str:
    r"""Return the characters of a text file; a byte order mark is dropped, line ends become ``\n``.

    Args:
        raw: All bytes of the file.
        path: Names it in errors and warnings.
        declared: The encoding that the file or its sender names ("" for none, see ``declared_encoding``).

    Raises:
        DocumentError: The file is empty, binary, or in no encoding known here.

    >>> decode("Straße\r\n".encode(), Path("brief.txt"))
    'Straße\n'
    >>> decode("Straße".encode("utf-16"), Path("brief.txt")), decode(b"\xa4", Path("preis.html"), "iso-8859-15")
    ('Straße', '€')
    """
    text = _decoded(raw, path, declared).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DocumentError(f"{path}: the file is empty; nothing to index")
    return text


def declared_encoding(raw: bytes) -> str:
    """Return the encoding that HTML or XML names in its first bytes, "" where it names none.

    >>> declared_encoding(b'<html><head><meta charset="iso-8859-15">')
    'iso-8859-15'
    >>> declared_encoding(b'<?xml version="1.0" encoding="UTF-8"?>'), declared_encoding(b"<p>Text")
    ('UTF-8', '')
    """
    found = _DECLARED.search(raw.removeprefix(codecs.BOM_UTF8)[:_SAMPLE])
    return (found[1] or found[2]).decode("ascii") if found else ""


def _decoded(raw: bytes, path: Path, declared: str) -> str:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _checked(_strictly(raw[len(mark) :], name, path), path)
    wide = _wide(raw)
    if wide:
        return _checked(_strictly(raw, wide, path), path)
    if b"\0" in raw or _control_share(raw) > _MOST_CONTROLS:
        raise _binary(path)
    return _narrow(raw, path, declared)


def _wide(raw: bytes) -> str:
    """Return the UTF-16 that a text without a mark is in, by the zero bytes beside its Latin letters; else ""."""
    sample = raw[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(raw) % 2 or max(even, odd) < 0.3 * len(sample) / 2 or min(even, odd) > 0.02 * len(sample) / 2:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _strictly(raw: bytes, name: str, path: Path) -> str:
    try:
        return raw.decode(name)
    except UnicodeDecodeError as error:
        shown = name.upper().removesuffix("-LE").removesuffix("-BE")
        raise DocumentError(f"{path}: not valid {shown} (byte {error.start}); save it as UTF-8") from error


def _checked(text: str, path: Path) -> str:
    """Return the text; binary data can begin like a mark, and holds what no text does."""
    if text.count("\0") > 0 or len(text) - len(text.translate(dict.fromkeys(_CONTROLS))) > _MOST_CONTROLS * len(text):
        raise _binary(path)
    return text


def _narrow(raw: bytes, path: Path, declared: str) -> str:
    """Decode what has no zero bytes: a text with umlauts that is valid UTF-8 is nothing else."""
    asked = _codec(declared)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as not_utf8:
        return _single_bytes(raw, path, asked, not_utf8)
    if asked not in ("", "utf-8", "ascii") and not raw.isascii():
        _log.warning("%s: says it is %s, read as the UTF-8 that it is", path, declared)
    return text


def _codec(declared: str) -> str:
    """Return Python's name of a declared encoding, "" for one that no file may ask for.

    ISO-8859-1 is what Windows-1252 is called in half of all pages, as every browser knows.
    """
    try:
        name = codecs.lookup(declared.strip()).name if declared else ""
    except (LookupError, ValueError):
        return ""
    if not _KNOWN.fullmatch(name.replace("utf-8", "utf8")):
        return ""
    return "cp1252" if name == "iso8859-1" else name


def _single_bytes(raw: bytes, path: Path, asked: str, not_utf8: UnicodeDecodeError) -> str:
    if asked not in ("", "utf-8", "ascii"):
        try:
            return raw.decode(asked)
        except UnicodeDecodeError:
            if asked == "cp1252":
                return raw.decode("latin-1")  # it said so, and has bytes that Windows-1252 has not
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError as error:
        reason = f"neither UTF-8 (byte {not_utf8.start}) nor Windows-1252 (byte {error.start})"
        raise DocumentError(f"{path}: {reason}; save it as UTF-8") from error
    _log.warning("%s: not UTF-8 (byte %d), read as Windows-1252", path, not_utf8.start)
    return text


def _binary(path: Path) -> DocumentError:
    return DocumentError(f"{path}: binary data, not text in UTF-8; give a file of text, or convert it first")


def _control_share(raw: bytes) -> float:
    """Share of control bytes that no text holds, in [0, 1]."""
    return 1 - len(raw.translate(None, _CONTROLS)) / max(1, len(raw))


def encodable(text: str) -> str:
    r"""Replace lone surrogates, which a text may hold and no tokenizer or request takes.

    >>> encodable("Haus\udc80tür")
    'Haus?tür'
    """
    return text.encode(errors="replace").decode()
