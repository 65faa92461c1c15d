"""Parts of a zip file, bounded while they unfold: what its headers say is not trusted."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.document import DocumentError

MOST_ENTRIES = 20_000
MOST_PART_BYTES = 64 * 2**20  # unfolded: far above the text of a book
MOST_BYTES = 256 * 2**20  # of all parts that are read
MOST_RATIO = 150  # unfolded to folded; the XML of office programs reaches 40
SMALL_PART_BYTES = 2**20  # below, the ratio says nothing
_PIECE = 2**20
# What zipfile raises where it unfolds a damaged part; RuntimeError: encrypted, ValueError: its name is no text.
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
_REMEDY = "fetch it again, or save it anew with the program it is from"


class Parts:
    """The named parts of a zip file, each unfolded when it is read."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._left = MOST_BYTES
        self._entries = {entry.filename: entry for entry in _checked(path, archive.infolist())}

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    @property
    def names(self) -> list[str]:
        """Return the names of all parts."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """Unfold a part.

        Raises:
            DocumentError: It is not there, is damaged, or unfolds to more than a document can be.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise DocumentError(f"{self._path}: lacks its part {name!r}; {_REMEDY}")
        try:
            return b"".join(self._pieces(entry))
        except _DAMAGES as error:
            raise DocumentError(f"{self._path}: its part {name!r} cannot be unpacked ({error}); {_REMEDY}") from error

    def _pieces(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        length = 0
        most = min(MOST_PART_BYTES, max(SMALL_PART_BYTES, MOST_RATIO * entry.compress_size), self._left)
        with self._archive.open(entry) as file:
            while piece := file.read(_PIECE):
                length += len(piece)
                if length > most:
                    raise DocumentError(
                        f"{self._path}: its part {entry.filename!r} unfolds to more than {most / 2**20:.0f} MiB from "
                        f"{entry.compress_size / 2**20:.1f} MiB, as attacks do; save the document in smaller files"
                    )
                yield piece
        self._left -= length


@contextmanager
def open_parts(path: Path) -> Iterator[Parts]:
    """Open a zip file for reading its parts; nothing is written to disk.

    Raises:
        DocumentError: It is no whole zip file, is encrypted, or its list of parts is one that attacks have.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise DocumentError(f"{path}: no whole zip file, which it must be ({error}); {_REMEDY}") from error
    with archive:
        yield Parts(path, archive)


def _checked(path: Path, entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    if len(entries) > MOST_ENTRIES:
        raise DocumentError(f"{path}: {len(entries)} parts, expected at most {MOST_ENTRIES}; save it in smaller files")
    seen: set[str] = set()
    for entry in entries:
        if problem := _problem(entry, seen):
            raise DocumentError(f"{path}: its part {entry.filename!r} {problem}; {_REMEDY}")
        seen.add(entry.filename)
    return entries


def _problem(entry: zipfile.ZipInfo, seen: set[str]) -> str:
    """Say what no honest zip file has; "" where nothing is wrong."""
    name = entry.filename
    if entry.flag_bits & 1:
        return "is encrypted"
    if name in seen:
        return "is there twice"
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
        return "has a name that leads out of the file"
    return ""
