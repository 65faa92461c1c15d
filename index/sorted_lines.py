"""Sorted lines of text on disk, found by binary search without reading the rest."""

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from index.arrays import read_array, write_array
from index.ranges import bounds


class SortedLines:
    """Lines of a memory-mapped file, sorted by code points, none with a line break; numbered from 0."""

    def __init__(self, text: Path, offsets: Path) -> None:
        self._text: bytes | mmap.mmap = b""
        if text.stat().st_size:  # an empty file cannot be mapped
            with text.open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._offsets = np.asarray(read_array(offsets, "<i8")).data

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._text[:].decode("utf-8", "surrogatepass").split("\n")[:-1])

    def number(self, line: str) -> int | None:
        """Return which line it is; None where there is none like it."""
        wanted = line.encode("utf-8", "surrogatepass")
        number = bisect_left(range(len(self)), wanted, key=self._line)
        return number if number < len(self) and self._line(number) == wanted else None

    def _line(self, number: int) -> bytes:
        return self._text[self._offsets[number] : self._offsets[number + 1] - 1]


def write_lines(text: Path, offsets: Path, lines: Sequence[str]) -> None:
    """Write what ``SortedLines`` reads: the lines, sorted, and ``(n + 1,)`` int64, where each begins in bytes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = Path(folder, "text"), Path(folder, "offsets")
    ...     write_lines(*files, ["haus", "rhein"])
    ...     lines = SortedLines(*files)
    ...     list(lines), lines.number("rhein"), lines.number("dom")
    (['haus', 'rhein'], 1, None)
    """
    encoded = [f"{line}\n".encode("utf-8", "surrogatepass") for line in lines]
    text.write_bytes(b"".join(encoded))
    write_array(offsets, bounds(np.fromiter(map(len, encoded), np.int64, len(encoded))), "<i8")
