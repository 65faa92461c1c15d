"""The pages of a PDF -> their lines in reading order; a long file's are shared out among processes, one a core."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

from index.readers.pdf_characters import PageText, page_text
from index.readers.pdf_layout import Line, page_lines

LONG = 400
"""Pages from which on another process pays."""
_MOST_PROCESSES = 4
DAMAGED, SCANNED = "damaged", "looks scanned"

_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from index.readers.pdf_pages import tell; tell()"
_line_fields = attrgetter(*(field.name for field in fields(Line)))


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page, and its size as it is shown, in points.

    ``hidden`` and ``over_scan`` are those of ``PageText``; ``problem`` says why nothing was read of a page that should
    have text.
    """

    lines: list[Line]
    width: float = 0.0
    height: float = 0.0
    hidden: tuple[str, ...] = ()
    over_scan: bool = False
    problem: str = ""


def page_of(text: PageText, problem: str = "") -> Page:
    """Return the page on which some text stands."""
    return Page(page_lines(text), text.width, text.height, text.hidden, text.over_scan, problem)


def read_pages(pdf: Any, path: Path) -> list[Page]:
    """Return all pages of a file.

    Args:
        pdf: The file, opened with pypdfium2.
        path: Where it lies, for the other processes.
    """
    shares = _shares(len(pdf), min(_MOST_PROCESSES, os.cpu_count() or 1) if len(pdf) >= LONG else 1)
    with ExitStack() as stack:
        others = [stack.enter_context(_Other(path, share)) for share in shares[1:]]
        pages = [_page(pdf, number) for number in shares[0]]
        for share, other in zip(shares[1:], others, strict=True):
            told = other.pages()
            pages += told
            pages += [_page(pdf, number) for number in share[len(told) :]]  # where that process gave up
    return pages


def _shares(n_pages: int, n: int) -> list[range]:
    """Divide the numbers of pages into stretches.

    >>> _shares(5, 2), _shares(1, 1)
    ([range(0, 3), range(3, 5)], [range(0, 1)])
    """
    bounds = [-(-n_pages * number // n) for number in range(n + 1)]
    return [range(first, last) for first, last in pairwise(bounds)]


def _page(pdf: Any, number: int) -> Page:
    import pypdfium2

    try:
        page = pdf[number]
    except pypdfium2.PdfiumError:
        return Page([], problem=DAMAGED)
    try:
        text = page_text(page)
        return page_of(text, "" if text.segments or not _has_picture(page) else SCANNED)
    finally:
        page.close()


def _has_picture(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    return next(page.get_objects([pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH], max_depth=3), None) is not None


class _Other:
    """Reads some pages of a file in another process, which has the limits of this one; a context manager."""

    def __init__(self, path: Path, share: range) -> None:
        asked = [os.fspath(path.absolute()), share.start, share.stop]
        self._process = subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-c", _START, json.dumps(sys.path), json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._told: list[bytes] = []
        self._listening = Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "_Other":
        self._listening.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._listening.join()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _listen(self) -> None:
        if self._process.stdout:
            self._told += self._process.stdout

    def pages(self) -> list[Page]:
        """Wait for the pages: fewer than asked for where the process ended before."""
        self._listening.join()
        return [_told_page(line) for line in self._told if line.endswith(b"\n")]


def tell() -> None:
    """Write the pages that the command line names to standard output, a line of JSON each."""
    from index.readers.pdf import open_pdf

    path, first, last = json.loads(sys.argv[2])
    pdf = open_pdf(Path(path))
    try:
        for number in range(first, last):
            page = _page(pdf, number)
            rest = page.width, page.height, page.hidden, page.over_scan, page.problem
            sys.stdout.write(json.dumps([list(map(_line_fields, page.lines)), *rest]) + "\n")
    finally:
        pdf.close()


def _told_page(line: bytes) -> Page:
    lines, width, height, hidden, over_scan, problem = json.loads(line)
    return Page(list(_told_lines(lines)), width, height, tuple(hidden), over_scan, problem)


def _told_lines(lines: list[list[Any]]) -> Iterator[Line]:
    for text, box, baseline, size, bold, turn, block, column, *rest in lines:
        yield Line(text, tuple(box), baseline, size, bold, turn, block, tuple(column), *rest)
