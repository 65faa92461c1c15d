"""Pictures of pages -> lines of text, read by the program tesseract where it is installed.

It takes seconds for a page, which do not count as time of reading: each page and each file have limits of their own.
"""

import csv
import io
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import groupby
from statistics import median
from typing import Any

from index.page_picture import draw_page
from index.readers.pdf_characters import PageText, Segment

INSTALL = "apt-get install tesseract-ocr tesseract-ocr-deu, or your system's packages of these names"
_DPI = 300
PAGE_SECONDS = 60.0
_LEAST_CONFIDENCE = 30  # of 100; below, tesseract reads stains


class OcrError(Exception):
    """A page that tesseract did not read, and why."""


class Recognition:
    """Reads the pages of one file, until the time for it is used up.

    Args:
        seconds: For all pages together.
        on_wait: Told before each page how many more seconds reading may take, and behind it of those that are left
            over, as a negative number.
    """

    def __init__(self, seconds: float, on_wait: Callable[[float], None]) -> None:
        self._seconds = self._left = seconds
        self._on_wait = on_wait

    def read(self, page: Any) -> PageText:
        """Return the text that tesseract reads on a pypdfium2 page.

        Raises:
            OcrError: It took too long, or failed.
        """
        if self._left <= 0:
            raise OcrError(f"the {self._seconds:.0f} s for recognition are over; allow more: BELEG_OCR_SECONDS")
        allowed = min(PAGE_SECONDS, self._left)
        self._on_wait(allowed)
        began = time.monotonic()
        try:
            return read_picture(page, allowed)
        finally:
            took = time.monotonic() - began
            self._left -= took
            self._on_wait(min(0.0, took - allowed))


@cache
def ocr_is_there() -> bool:
    """Whether tesseract and its German model are installed."""
    program = shutil.which("tesseract")
    if not program:
        return False
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    return "deu" in listed.stdout.split()


def read_picture(page: Any, seconds: float = PAGE_SECONDS) -> PageText:
    """Return the text that tesseract reads on a pypdfium2 page.

    Raises:
        OcrError: It took too long, or failed.
    """
    width, height = page.get_size()
    picture, scale = draw_page(page, _DPI / 72)
    file = io.BytesIO()
    picture.convert("L").save(file, "PNG")
    table = _tesseract(file.getvalue(), round(scale * 72), seconds)
    return PageText(tuple(_segments(table, scale)), width, height)


def _tesseract(picture: bytes, dpi: int, seconds: float) -> str:
    command = [shutil.which("tesseract") or "tesseract", "-", "-", "-l", "deu", "--dpi", str(dpi), "tsv"]
    try:
        done = subprocess.run(  # noqa: S603 - the program that the user installed, with our own words
            command,
            input=picture,
            capture_output=True,
            timeout=seconds,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise OcrError(f"tesseract took longer than {seconds:.0f} s for the page") from error
    except (subprocess.CalledProcessError, OSError) as error:
        raise OcrError(f"tesseract failed ({error})") from error
    return done.stdout.decode("utf-8", "replace")


def _segments(table: str, scale: float) -> list[Segment]:
    """Return a segment for each line that tesseract tells apart.

    >>> head = "level page_num block_num par_num line_num word_num left top width height conf text".replace(" ", chr(9))
    >>> words = ["5 1 1 1 1 1 100 100 50 20 95 Die", "5 1 1 1 1 2 160 98 90 28 91 Bundes-"]
    >>> [(segment.text, segment.left) for segment in _segments(chr(10).join([head, *words]).replace(" ", chr(9)), 2.0)]
    [('Die Bundes-', 50.0)]
    """
    rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if row["level"] == "5" and (row["text"] or "").strip()]
    words = [word for word in words if float(word["conf"]) >= _LEAST_CONFIDENCE]
    lines = groupby(words, key=lambda word: (word["block_num"], word["par_num"], word["line_num"]))
    return _evened([_segment(list(line), scale) for _, line in lines])


def _evened(segments: list[Segment]) -> list[Segment]:
    """Give lines of about the same height the same size: a line's own depends on which letters it has."""
    usual = median(segment.size for segment in segments) if segments else 0.0
    return [replace(one, size=usual) if 0.6 * usual < one.size < 1.5 * usual else one for one in segments]


def _segment(words: list[dict[str, str]], scale: float) -> Segment:
    boxes = [tuple(int(word[name]) / scale for name in ("left", "top", "width", "height")) for word in words]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    height = sorted(box[3] for box in boxes)[len(boxes) // 2]
    return Segment(" ".join(word["text"].strip() for word in words), left, top, right, bottom, bottom, height)
