"""Sorted lines of text on disk, found by binary search without reading the rest."""

import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from index.arrays import read_array, write_array
from index.ranges import bounds

_PREFIX = 8  # bytes


class SortedLines:
    """Lines of a memory-mapped file, sorted by code points, none with a line break; numbered from 0.

    On disk: ``<name>.txt`` with the lines, ``<name>_offsets.bin`` ``(n + 1,)`` int64, where each begins in bytes, and
    ``<name>_prefixes.bin`` ``(n,)`` uint64, the first eight bytes of each as a number: numbers are compared fast.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._text: bytes | mmap.mmap = b""
        text = folder / f"{name}.txt"
        if text.stat().st_size:  # an empty file cannot be mapped
            with text.open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._offsets = np.asarray(read_array(folder / f"{name}_offsets.bin", "<i8")).data
        self._prefixes = np.asarray(read_array(folder / f"{name}_prefixes.bin", "<u8")).data

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._text[:].decode("utf-8", "surrogatepass").split("\n")[:-1])

    def number(self, line: str) -> int | None:
        """Return which line it is; None where there is none like it."""
        wanted = line.encode("utf-8", "surrogatepass")
        prefix = _prefix(wanted)
        first = bisect_left(self._prefixes, prefix)
        last = bisect_right(self._prefixes, prefix, first)
        number = bisect_left(range(len(self)), wanted, first, last, key=self._line)
        return number if number < last and self._line(number) == wanted else None

    def _line(self, number: int) -> bytes:
        return self._text[self._offsets[number] : self._offsets[number + 1] - 1]


def _prefix(line: bytes) -> int:
    """Return the first bytes as a number that sorts as they do.

    >>> _prefix(b"a") < _prefix(b"ab") < _prefix(b"b")
    True
    """
    return int.from_bytes(line[:_PREFIX].ljust(_PREFIX, b"\0"), "big")


def write_lines(folder: Path, name: str, lines: Sequence[str]) -> None:
    """Write what ``SortedLines`` reads of lines that are sorted.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_lines(Path(folder), "words", ["haus", "hausrecht", "rhein"])
    ...     lines = SortedLines(Path(folder), "words")
    ...     list(lines), lines.number("hausrecht"), lines.number("hausrec")
    (['haus', 'hausrecht', 'rhein'], 1, None)
    """
    encoded = [line.encode("utf-8", "surrogatepass") for line in lines]
    (folder / f"{name}.txt").write_bytes(b"".join(line + b"\n" for line in encoded))
    sizes = np.fromiter((len(line) + 1 for line in encoded), np.int64, len(encoded))
    write_array(folder / f"{name}_offsets.bin", bounds(sizes), "<i8")
    prefixes = np.fromiter(map(_prefix, encoded), np.uint64, len(encoded))
    write_array(folder / f"{name}_prefixes.bin", prefixes, "<u8")
