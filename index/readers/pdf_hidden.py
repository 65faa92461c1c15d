"""Which characters of a PDF page nobody sees: they are looked for in a picture of the page.

A page is drawn with its text and without it; where the two pictures are the same, the text has left no ink. So it does
not matter by what it was hidden: white letters, a clip, a layer that is switched off, a shape or a picture on top.
Most pages need no picture: plain letters with nothing on top of them. Characters that are not painted at all are as a
rule what text recognition puts over a scanned page: there they count as seen, and are told of.
"""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from index.page_picture import MOST_PIXELS
from index.readers.pdf_glyphs import (
    BOTTOM,
    CODE,
    DX,
    DY,
    LEFT,
    OBJECT,
    RIGHT,
    SIZE,
    TOP,
    Floats,
    Glyphs,
    ink_boxes,
    to_shown,
)
from index.readers.pdf_objects import PICTURE, Cover, DrawnText, Paint, page_objects, set_active, walk

Mask = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]

_LEAST_LETTERS = 4  # in a row: fewer say nothing, and a letter may leave no ink by a fault of its font
_LEAST_SIZE = 2.0  # points; the smallest print of contracts has 4
_LEAST_WIDTH = 0.04  # of a letter's height
_LEAST_INK = 20  # of 255 in the strongest of three colours: less is white on white
_COARSE, _FINE = 1.0, 3.0  # pixels per point
_SCANNED = 0.5  # share of a page that its pictures cover where it is a scan
MOST_PICTURE_PIXELS = 100_000_000  # of the pictures of a page that are drawn to look for letters on them


@dataclass(frozen=True)
class _Look:
    """Which texts are left out of the picture, and in which bands of its height a letter must have ink then."""

    left_out: tuple[Paint, ...]
    bands: tuple[tuple[float, float], ...]


_PLAIN = _Look(tuple(Paint), ((0.0, 1.0),))
# Over or under plain letters faint ones would seem to leave the ink of those. A white letter on a rule has some where
# it cuts the rule, a letter that is seen at its top and at its bottom.
_FAINT = _Look((Paint.FAINT,), ((0.0, 0.25), (0.75, 1.0)))


@dataclass(frozen=True)
class Unseen:
    """Which characters are hidden, and which stand over the picture of a scan without being seen themselves."""

    hidden: Mask
    over_scan: Mask


def unseen(page: Any, text_page: Any, glyphs: Glyphs, shown: Floats) -> Unseen:
    """Tell which characters nobody sees.

    Args:
        page: A pypdfium2 page.
        text_page: Its text page.
        glyphs: Its characters.
        shown: The rows of ``glyphs`` in coordinates of the page as it is shown, from its top left corner.
    """
    width, height = page.get_size()
    objects = page_objects(page)
    drawn = [objects.texts.get(handle, DrawnText(Paint.PLAIN, 0)) for handle in glyphs.objects]
    which = shown[:, OBJECT].astype(int)
    paint, order = (
        np.array(values)[which] for values in ([one.paint.value for one in drawn], [one.order for one in drawn])
    )
    pictures = [cover for cover in objects.covers if cover.is_picture]
    on_picture = _within(pictures, glyphs.rows)
    lost = _is_outside(shown, width, height) | _is_tiny(shown)
    unpainted, faint = paint == Paint.NONE.value, paint == Paint.FAINT.value
    doubted = ~lost & ~unpainted & (faint | _under(objects.covers, glyphs.rows, order) | objects.is_clipped)
    not_looked_at = np.zeros(len(shown), bool)
    if (doubted & on_picture).any() and not _can_be_drawn(page):
        not_looked_at = doubted & on_picture
        doubted &= ~on_picture
    inkless = unpainted.copy()
    if doubted.any():
        inkless |= _without_ink(page, to_shown(ink_boxes(text_page.raw, glyphs.rows), page), doubted, faint)
    over_scan = not_looked_at | (inkless & on_picture & _is_scan(pictures, width * height))
    return Unseen(_in_rows(lost | (inkless & ~over_scan), shown), _in_rows(over_scan, shown))


def hidden_texts(rows: Floats, hidden: Mask) -> Iterator[str]:
    """Yield each stretch of hidden characters."""
    for start, end in _runs(hidden):
        codes = rows[start:end, CODE].astype(int).tolist()
        yield " ".join("".join(chr(code) if 0x20 <= code < 0xFFFE else "" for code in codes).split())


def _is_outside(rows: Floats, width: float, height: float) -> Mask:
    off = (rows[:, RIGHT] <= 0) | (rows[:, LEFT] >= width) | (rows[:, BOTTOM] <= 0) | (rows[:, TOP] >= height)
    return np.asarray(off)


def _is_tiny(rows: Floats) -> Mask:
    """Whether characters are too small or too narrow to be read; fonts of pictures have a height but no size."""
    across, down = rows[:, RIGHT] - rows[:, LEFT], rows[:, BOTTOM] - rows[:, TOP]
    short = np.where(np.abs(rows[:, DX]) >= np.abs(rows[:, DY]), across, down)
    tall = np.maximum(rows[:, SIZE], np.maximum(across, down))
    return np.asarray((tall < _LEAST_SIZE) | (short < _LEAST_WIDTH * tall))


def _is_scan(pictures: list[Cover], area: float) -> bool:
    covered = sum((right - left) * (upper - lower) for left, lower, right, upper in (one.box for one in pictures))
    return covered >= _SCANNED * area


def _within(covers: list[Cover], rows: Floats) -> Mask:
    """Whether the middle of a character lies on one of them; coordinates are the page's own."""
    found = np.zeros(len(rows), bool)
    for cover in covers:
        found |= _is_in(cover, rows)
    return found


def _under(covers: list[Cover], rows: Floats, order: npt.NDArray[np.int64]) -> Mask:
    """Whether something is drawn over a character after it."""
    found = np.zeros(len(rows), bool)
    first = order.min(initial=1 << 62)
    for cover in covers:
        if cover.order > first:
            found |= _is_in(cover, rows) & (order < cover.order)
    return found


def _is_in(cover: Cover, rows: Floats) -> Mask:
    left, lower, right, upper = cover.box
    x, y = (rows[:, LEFT] + rows[:, RIGHT]) / 2, (rows[:, TOP] + rows[:, BOTTOM]) / 2
    return np.asarray((x > left) & (x < right) & (y > lower) & (y < upper))


def _can_be_drawn(page: Any) -> bool:
    """Whether the pictures of a page are small enough to unfold."""
    import pypdfium2.raw as pdfium

    width, height = ctypes.c_uint(), ctypes.c_uint()
    pixels = 0
    for handle, kind, _ in walk(page):
        if kind == PICTURE:
            pdfium.FPDFImageObj_GetImagePixelSize(handle, ctypes.byref(width), ctypes.byref(height))
            pixels += width.value * height.value
    return pixels <= MOST_PICTURE_PIXELS


def _without_ink(page: Any, rows: Floats, doubted: Mask, faint: Mask) -> Mask:
    """Tell which of the doubted characters leave no ink on the page: a coarse look clears most of the plain ones."""
    plain = _in_rows(doubted & ~faint, rows)
    plain = _in_rows(_inkless(page, rows, plain, _PLAIN, _COARSE), rows)
    plain = _inkless(page, rows, plain, _PLAIN, _FINE)
    return plain | _inkless(page, rows, _in_rows(doubted & faint, rows), _FAINT, _FINE)


def _inkless(page: Any, rows: Floats, chosen: Mask, look: _Look, scale: float) -> Mask:
    """Tell in which of the chosen characters a page without text looks the same."""
    width, height = page.get_size()
    scale = min(scale, (MOST_PIXELS / 4 / max(1.0, width * height)) ** 0.5)
    result = np.zeros(len(rows), bool)
    if chosen.any() and scale >= _COARSE / 2:
        ink = _difference(_pixels(page, scale), _pixels(page, scale, look.left_out)) >= _LEAST_INK
        boxes, letters = rows[chosen][:, [LEFT, TOP, RIGHT, BOTTOM]] * scale, _are_letters(rows[chosen])
        result[chosen] = ~np.where(letters, _is_inked(ink, boxes, look.bands), _holds_ink(ink, boxes))
    return result


def _pixels(page: Any, scale: float, left_out: tuple[Paint, ...] = ()) -> Pixels:
    """Draw a page without the texts of some paints: (height, width, 3)."""
    set_active(page, left_out, active=False)
    bitmap = page.render(scale=scale, draw_annots=False, may_draw_forms=False)
    set_active(page, left_out, active=True)
    return np.asarray(bitmap.to_numpy()[:, :, :3])


def _difference(one: Pixels, other: Pixels) -> Pixels:
    """Return by how much each pixel differs, in the part of its colour that differs most."""
    return np.asarray((np.maximum(one, other) - np.minimum(one, other)).max(axis=2))


def _is_inked(ink: Mask, boxes: Floats, bands: Sequence[tuple[float, float]]) -> Mask:
    """Tell in which boxes there is ink in each of the bands; boxes are in pixels: left, top, right, bottom."""
    top, height = boxes[:, 1], boxes[:, 3] - boxes[:, 1]
    inked = np.ones(len(boxes), bool)
    for first, last in bands:
        inked &= _holds_ink(ink, np.column_stack([boxes[:, 0], top + first * height, boxes[:, 2], top + last * height]))
    return inked


def _holds_ink(ink: Mask, boxes: Floats) -> Mask:
    height, width = ink.shape
    sums = np.zeros((height + 1, width + 1), np.int32)
    ink.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, out=sums[1:, 1:])
    x0, y0 = np.floor(boxes[:, :2]).clip(0, (width, height)).astype(int).T
    x1, y1 = np.ceil(boxes[:, 2:]).clip(0, (width, height)).astype(int).T
    return np.asarray(sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] > 0)


def _in_rows(found: Mask, rows: Floats) -> Mask:
    """Return of the characters found those of which several letters follow one another, and the signs among these."""
    if not found.any():
        return found
    letters = _are_letters(rows)
    kept = np.zeros(len(rows), bool)
    for start, end in _runs(found | ~letters):
        inside = found[start:end] & letters[start:end]
        kept[start:end] = found[start:end] & (inside.sum() >= _LEAST_LETTERS)
    return kept


def _are_letters(rows: Floats) -> Mask:
    return np.array([chr(code).isalnum() for code in rows[:, CODE].astype(int).tolist()], bool)


def _runs(mask: Mask) -> Iterator[tuple[int, int]]:
    """Yield where true values follow one another: start and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
