"""Bounds that a PDF file must keep before it is read: a small file can unfold to more than the machine holds."""

import mmap
import re
import zlib
from pathlib import Path

from index.document import DocumentError

MOST_PAGES = 20_000
MOST_STREAM = 64_000_000  # bytes that one stream of text or objects may unfold to
MOST_REPETITIVE = 8_000_000  # and one that unfolds to more than fifty times its length, as no real page does
_REPETITIVE = 50
MOST_UNFOLDED = 1_000_000_000  # bytes that all those streams may unfold to
_STEP = 1 << 20
_STREAM = re.compile(rb"stream\r?\n")
_FLATE = re.compile(rb"/(?:FlateDecode|Fl\b)")
_DICTIONARY = 4096  # bytes before a stream in which its dictionary stands


def check_bounds(path: Path) -> None:
    """Refuse a file that is no PDF, or of which a stream unfolds beyond all measure.

    Pictures are not measured: they are never unfolded where only text is read.

    Raises:
        DocumentError: It is no PDF, empty, or too large when unfolded.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1024)
            if b"%PDF-" not in head:
                raise DocumentError(f"{path}: {_not_a_pdf(head)}; give a PDF file, or the file its right ending")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                _check_streams(content, path)
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror or error}; make it readable, or give another file") from error


def _not_a_pdf(head: bytes) -> str:
    if not head.strip(b"\0 \r\n\t"):
        return "the file is empty"
    return "a zip archive or an Office file, not a PDF" if head.startswith(b"PK") else "not a PDF file"


def _check_streams(content: mmap.mmap, path: Path) -> None:
    total = 0
    for found in _STREAM.finditer(content):
        if content[found.start() - 3 : found.start()] == b"end":
            continue
        dictionary = content[max(0, found.start() - _DICTIONARY) : found.start()]
        dictionary = dictionary[dictionary.rfind(b" obj") + 1 :]
        if not _FLATE.search(dictionary) or re.search(
            rb"/(?:Subtype\s*/Image|Type\s*/EmbeddedFile)|/FontFile|/DCTDecode", dictionary
        ):
            continue
        size, length = _unfolded(content, found.end(), len(_FLATE.findall(dictionary)))
        total += size
        if _too_large(size, length) or total > MOST_UNFOLDED:
            raise DocumentError(
                f"{path}: unfolds to more than {max(size, total) // 1_000_000} MB of page content, expected at most "
                f"{MOST_STREAM // 1_000_000} MB a stream and fifty times its length; print it anew as PDF"
            )


def _too_large(size: int, length: int) -> bool:
    return size > MOST_STREAM or (size > MOST_REPETITIVE and size > _REPETITIVE * length)


def _unfolded(content: mmap.mmap, start: int, layers: int) -> tuple[int, int]:
    """Return to how many bytes a Flate stream unfolds, counting no further than the bound, and its length packed.

    Layers of Flate are unfolded one after another.
    """
    unfold = [zlib.decompressobj() for _ in range(min(layers, 4))]
    sizes = [0] * len(unfold)
    position = start
    try:
        while not unfold[0].eof and position < len(content) and not _too_large(max(sizes), position - start):
            raw = content[position : position + min(_STEP, 65536)]
            position += len(raw)
            _feed(unfold, sizes, raw)
    except zlib.error:
        pass  # what follows cannot be unfolded by anybody
    return max(sizes), position - start - len(unfold[0].unused_data)


def _feed(unfold: "list[zlib._Decompress]", sizes: list[int], raw: bytes) -> None:
    """Give compressed bytes to the first layer, and what it yields to the next, in steps that stay small."""
    first, *rest = unfold
    offset = len(sizes) - len(unfold)
    while raw and not first.eof:
        unfolded = first.decompress(raw, _STEP)
        sizes[offset] += len(unfolded)
        raw = first.unconsumed_tail
        if rest and unfolded:
            _feed(rest, sizes, unfolded)
        if sizes[offset] > MOST_STREAM:
            return
