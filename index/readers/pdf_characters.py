"""A PDF page -> the stretches of text that stand on it."""

import ctypes
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from index.place import Box
from index.readers.pdf_glyphs import (
    BASE,
    BOTTOM,
    CODE,
    DX,
    DY,
    LEFT,
    NUMBER,
    RIGHT,
    SIZE,
    TOP,
    Floats,
    X,
    read_glyphs,
    to_shown,
)
from index.readers.pdf_hidden import Mask, hidden_texts, unseen

_WIDE = 1.2  # ems of a gap that parts segments; word gaps in justified text are narrower, most of the time
_SPACE = 0.35  # ems of a gap that is a space, even where pdfium saw none
_LINE_END_HYPHENS = (0x02, 0xFFFE)  # what pdfium gives out for a hyphen at a line's end
UNKNOWN = "\ufffd"  # for a sign, often a ligature, of which the file does not say what it means
_ACCENTS = {0xA8: "\u0308", 0xB4: "\u0301", 0x60: "\u0300", 0x2C6: "\u0302", 0x2DA: "\u030a", 0x2C7: "\u030c"}
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Segment:
    """Text that stands side by side without a wide gap; coordinates as read: from the top left, the text upright.

    ``baseline`` and ``size`` are those of its largest letters; ``turn`` tells by how many quarters the text is turned.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    baseline: float
    size: float
    bold: bool = False
    turn: int = 0


@dataclass(frozen=True, slots=True)
class PageText:
    """The segments of a page in the order of the file, and the size of the page as it is shown.

    ``hidden`` are the texts that nobody sees, which are left out; ``over_scan`` tells that text stands over a picture
    without being seen itself.
    """

    segments: tuple[Segment, ...]
    width: float
    height: float
    hidden: tuple[str, ...] = ()
    over_scan: bool = False


def page_text(page: Any) -> PageText:
    """Return the text on a pypdfium2 page."""
    text_page = page.get_textpage()
    try:
        width, height = page.get_size()
        glyphs = read_glyphs(text_page.raw)
        if not len(glyphs.rows):
            return PageText((), width, height)
        shown = to_shown(glyphs.rows.copy(), page)
        not_seen = unseen(page, text_page, glyphs, shown)
        rows = _with_accents(shown[~not_seen.hidden])
        segments = tuple(_segments(rows, width, height, _Bold(text_page.raw)))
        hidden = tuple(hidden_texts(shown, not_seen.hidden))
        return PageText(segments, width, height, hidden, over_scan=bool(not_seen.over_scan.any()))
    finally:
        text_page.close()


def _with_accents(rows: Floats) -> Floats:
    """Put accents that stand alone, as old TeX sets them, onto the letter under them."""
    accents = np.flatnonzero(np.isin(rows[:, CODE], tuple(_ACCENTS)))
    if not len(accents):
        return rows
    middle, letters = rows[:, LEFT] + rows[:, RIGHT], rows[:, CODE] > 0x40
    letters[accents] = False
    dropped = []
    for accent in accents.tolist():
        size = rows[accent, SIZE]
        near = letters & (np.abs(rows[:, BASE] - rows[accent, BASE]) < 0.7 * size)
        distance = np.where(near, np.abs(middle - middle[accent]) / 2, np.inf)
        letter = int(distance.argmin())
        sign = unicodedata.normalize("NFC", chr(int(rows[letter, CODE])) + _ACCENTS[int(rows[accent, CODE])])
        if distance[letter] < 0.25 * size and len(sign) == 1:
            rows[letter, CODE] = ord(sign)
            dropped.append(accent)
    return np.delete(rows, dropped, axis=0)


def _segments(rows: Floats, width: float, height: float, bold: "_Bold") -> Iterator[Segment]:
    turns = np.rint(np.arctan2(rows[:, DY], rows[:, DX]) / (np.pi / 2)).astype(int) % 4
    real = (rows[:, CODE] != 0x20) & (rows[:, CODE] != 0xA0) & (rows[:, SIZE] > 0)
    level = np.abs(np.hypot(rows[:, DX], rows[:, DY])) * 0.05 >= np.minimum(abs(rows[:, DX]), abs(rows[:, DY]))
    shown = (rows[:, RIGHT] > 0) & (rows[:, LEFT] < width) & (rows[:, BOTTOM] > 0) & (rows[:, TOP] < height)
    spaced = np.concatenate([[False], ~real[:-1]]) if len(rows) else real
    spaced = _carried(spaced, real & level & shown, rows)
    kept = real & level & shown
    for turn in range(4):
        chosen = kept & (turns == turn)
        if chosen.any():
            yield from _segments_of(turned(rows[chosen], turn, width, height), spaced[chosen], turn, bold)


def _carried(spaced: Mask, kept: Mask, rows: Floats) -> Mask:
    """Whether a space stands anywhere between a kept character and the kept one before it."""
    space = np.isin(rows[:, CODE], (0x20, 0xA0))
    before = np.concatenate([[0], np.cumsum(space)])[:-1] if len(rows) else np.zeros(0)
    result = spaced & False
    result[kept] = np.diff(before[kept], prepend=0) > 0
    return result


def turned(rows: Floats, turn: int, width: float, height: float) -> Floats:
    """Turn characters of which the text runs upward (1), head over (2) or downward (3) so that it runs to the right."""
    if not turn:
        return rows
    rows = rows.copy()
    x, y = rows[:, [LEFT, RIGHT, X]], rows[:, [TOP, BOTTOM, BASE]]
    across, down = {1: (height - y, x), 2: (width - x, height - y), 3: (y, width - x)}[turn]
    rows[:, [LEFT, RIGHT, X]] = np.column_stack([across[:, :2].min(1), across[:, :2].max(1), across[:, 2]])
    rows[:, [TOP, BOTTOM, BASE]] = np.column_stack([down[:, :2].min(1), down[:, :2].max(1), down[:, 2]])
    return rows


def shown_box(box: Box, turn: int, width: float, height: float) -> Box:
    """Return where a box of turned text stands on the page as it is shown.

    >>> shown_box((10, 20, 110, 32), 1, width=600, height=800)
    (20, 690, 32, 790)
    """
    left, top, right, bottom = box
    match turn:
        case 1:
            return top, height - right, bottom, height - left
        case 2:
            return width - right, height - bottom, width - left, height - top
        case 3:
            return width - bottom, left, width - top, right
        case _:
            return box


def _segments_of(rows: Floats, spaced: Mask, turn: int, bold: "_Bold") -> Iterator[Segment]:
    left, right, base, size = rows[:, LEFT], rows[:, RIGHT], rows[:, BASE], rows[:, SIZE]
    gap = left[1:] - right[:-1]
    small, large = np.minimum(size[1:], size[:-1]), np.maximum(size[1:], size[:-1])
    parted = (np.abs(np.diff(base)) > 0.6 * large) | (gap > _WIDE * large) | (left[1:] < left[:-1] - 0.3 * small)
    spaced[1:] |= gap > _SPACE * large
    bounds = [0, *(np.flatnonzero(parted) + 1).tolist(), len(rows)]
    starts = bounds[:-1]
    least, most = np.minimum.reduceat(rows, starts), np.maximum.reduceat(rows, starts)
    signs = _signs(rows[:, CODE])
    for low, high, (start, end) in zip(least.tolist(), most.tolist(), pairwise(bounds), strict=True):
        baseline, raised = high[BASE], list[int]()
        if low[BASE] != high[BASE]:
            bases, full = base[start:end], size[start:end] >= 0.85 * high[SIZE]
            baseline = float(np.median(bases[full]))
            raised = np.flatnonzero(~full & (baseline - bases > 0.15 * high[SIZE])).tolist()
        text = _text(signs[start:end], np.flatnonzero(spaced[start:end]).tolist(), raised)
        box = low[LEFT], low[TOP], high[RIGHT], high[BOTTOM]
        yield Segment(text, *box, baseline, high[SIZE], bold(int(rows[start, NUMBER])), turn)


def _signs(codes: Floats) -> list[str]:
    signs = list(map(chr, codes.astype(int).tolist()))
    if codes.min() < 0x20 or codes.max() >= 0xFFFE:
        signs = ["-" if ord(sign) in _LINE_END_HYPHENS else UNKNOWN if sign < " " else sign for sign in signs]
    return signs


def _text(signs: list[str], spaced: Sequence[int], raised: Sequence[int]) -> str:
    """Return the characters with their spaces; raised figures as such, and apart from the word that they annotate."""
    for at in raised:
        signs[at] = raise_figures(signs[at], "".join(signs[max(0, at - 3) : at]), follows_raised=at - 1 in raised)
    for at in spaced:
        if at and at not in raised:
            signs[at] = " " + signs[at]
    return "".join(signs)


def raise_figures(sign: str, before: str, *, follows_raised: bool = False) -> str:
    """Return a raised figure as a superscript: a footnote's mark with a space before it, an exponent without.

    >>> raise_figures("1", "Amt"), raise_figures("2", " km"), raise_figures("6", " 10")
    (' ¹', '²', '⁶')
    """
    if not sign.isdigit() or not sign.isascii():
        return sign
    marks_word = len(before) >= 3 and (before[-3:].isalpha() or before[-1] in ".,;:!?)“”»«‘’")
    return (" " if marks_word and not follows_raised else "") + sign.translate(_SUPERSCRIPTS)


class _Bold:
    """Whether the font of a character is a bold one, by the font's weight or name."""

    def __init__(self, text_page: Any) -> None:
        self._text_page = text_page
        self._name = ctypes.create_string_buffer(128)

    def __call__(self, number: int) -> bool:
        import pypdfium2.raw as pdfium

        if pdfium.FPDFText_GetFontWeight(self._text_page, number) >= 600:
            return True
        flags = ctypes.c_int()
        length = pdfium.FPDFText_GetFontInfo(self._text_page, number, self._name, 128, ctypes.byref(flags))
        name = self._name.value.decode("utf-8", "replace").lower() if 0 < length <= 128 else ""
        return any(sign in name for sign in ("bold", "black", "heavy", "sfbx", "cmbx", "cmssbx", "-bd", "demi"))
