"""A pdfium text page -> its characters as an array; the one file that asks pdfium for each of them.

There are thousands on a page, so the calls are strung together by ``map``, which writes into the arrays.
"""

import ctypes
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
CODE, LEFT, TOP, RIGHT, BOTTOM, X, BASE, SIZE, DX, DY, NUMBER, OBJECT = range(12)
MOST_CHARACTERS = 200_000  # on a page; the densest real ones have some 20,000
_LINE_BREAKS = (0, 10, 13)
_BLANKS = (*_LINE_BREAKS, 0x20, 0xA0)
_EVEN = 0.01  # points
_STRIDE = 8

_Function = Callable[..., int]


@dataclass(frozen=True)
class Glyphs:
    """The characters of a page, and the text objects that they are drawn by.

    Attributes:
        rows: A row for each character, (n, 12), columns as the constants name them, in the page's own coordinates
            (y grows upwards). ``NUMBER`` is the character's in the text page, ``OBJECT`` an index of ``objects``.
        objects: Handles of pdfium's page objects, valid while the page is open.
    """

    rows: Floats
    objects: tuple[int, ...]


def read_glyphs(text_page: Any) -> Glyphs:
    """Return the characters of a raw text page but line breaks; those that pdfium made up belong to the one before."""
    import pypdfium2.raw as pdfium

    count = min(pdfium.FPDFText_CountChars(text_page), MOST_CHARACTERS)
    if count <= 0:
        return Glyphs(np.zeros((0, 12)), ())
    of, numbers, page = _functions(), range(count), ctypes.cast(text_page, ctypes.c_void_p).value
    rows = np.zeros((count, 12))
    rows[:, CODE] = np.fromiter(map(of.code, repeat(page), numbers), np.int64, count)
    boxes = np.zeros((count, 4), np.float32)
    deque(map(of.box, repeat(page), numbers, _addresses(boxes, 0)), maxlen=0)
    rows[:, LEFT : BOTTOM + 1] = boxes
    rows[:, NUMBER] = numbers
    starts, handles = _stretches(page, count)
    lengths = np.diff([*starts, count])
    rows[:, X : BASE + 1] = _origins(page, rows, starts, lengths)
    rows[:, SIZE : DY + 1] = np.repeat(_sizes(text_page, starts), lengths, axis=0)
    objects, which = np.unique(handles, return_inverse=True)
    rows[:, OBJECT] = np.repeat(which, lengths)
    return Glyphs(rows[~np.isin(rows[:, CODE], _LINE_BREAKS)], tuple(objects.tolist()))


def _stretches(page: int | None, count: int) -> tuple[list[int], list[int]]:
    """Return where the characters of each text object begin, and its handle.

    Characters that pdfium made up are of none, and count as of the object before them. Those of one object follow each
    other: what stands between two of them needs not be asked for.
    """
    given = _handles(page, range(0, count, _STRIDE))
    between = np.repeat((given[:-1] == given[1:]) & (given[:-1] > 0), _STRIDE)
    given = np.repeat(given, _STRIDE)[:count]
    asked = np.flatnonzero(~np.append(between, np.zeros(count - len(between), bool)))
    given[asked] = _handles(page, asked.tolist())
    last = np.maximum.accumulate(np.where(given > 0, np.arange(count), 0))
    handles = given[last]
    starts = np.flatnonzero(np.diff(handles, prepend=-1))
    return starts.tolist(), handles[starts].tolist()


def _handles(page: int | None, numbers: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return the text object of each of some characters, 0 for one that pdfium made up."""
    return np.array([handle or 0 for handle in map(_functions().object, repeat(page), numbers)], np.int64)


def _origins(page: int | None, rows: Floats, starts: list[int], lengths: npt.NDArray[np.int64]) -> Floats:
    """Return where each character stands on its baseline: as far from its box as the first one of its object.

    Only where the boxes are of one height, as those of upright text in one font are; elsewhere each one is asked for.
    """
    of = _functions()
    first = np.zeros((len(starts), 2))
    deque(map(of.origin, repeat(page), starts, _addresses(first, 0), _addresses(first, 1)), maxlen=0)
    offsets = np.repeat(first - rows[starts][:, [LEFT, BOTTOM]], lengths, axis=0)
    origins = rows[:, [LEFT, BOTTOM]] + offsets
    heights = rows[:, TOP] - rows[:, BOTTOM]
    blank = np.isin(rows[:, CODE], _BLANKS)  # the boxes of those are of any height, and nobody asks where they stand
    heights[blank] = np.repeat(heights[starts], lengths)[blank]
    uneven = np.maximum.reduceat(heights, starts) - np.minimum.reduceat(heights, starts) > _EVEN
    asked = np.flatnonzero(np.repeat(uneven, lengths))
    own = np.zeros((len(asked), 2))
    deque(map(of.origin, repeat(page), asked.tolist(), _addresses(own, 0), _addresses(own, 1)), maxlen=0)
    origins[asked] = own
    return origins


def ink_boxes(text_page: Any, rows: Floats) -> Floats:
    """Return a copy of characters' rows with the box of each one's ink in place of that of its line."""
    of, numbers = _functions(), rows[:, NUMBER].astype(int).tolist()
    boxes, tight = np.zeros((len(rows), 4)), rows.copy()
    page, columns = repeat(ctypes.cast(text_page, ctypes.c_void_p).value), [_addresses(boxes, n) for n in range(4)]
    deque(map(of.ink, page, numbers, *columns), maxlen=0)
    tight[:, [LEFT, RIGHT, BOTTOM, TOP]] = boxes
    return tight


def to_shown(rows: Floats, page: Any) -> Floats:
    """Turn the page's own coordinates into those of the page as it is shown, from its top left corner."""
    left, bottom, right, top = page.get_bbox()  # unlike the other boxes, inherited from the page tree where need be
    x, y = rows[:, [LEFT, RIGHT, X]], rows[:, [TOP, BOTTOM, BASE]]
    dx, dy = rows[:, DX].copy(), rows[:, DY].copy()
    match page.get_rotation():
        case 90:
            across, down, dx, dy = y - bottom, x - left, dy, -dx
        case 180:
            across, down, dx, dy = right - x, y - bottom, -dx, -dy
        case 270:
            across, down, dx, dy = top - y, right - x, -dy, dx
        case _:
            across, down = x - left, top - y
    rows[:, [LEFT, RIGHT, X]] = np.column_stack([across[:, :2].min(1), across[:, :2].max(1), across[:, 2]])
    rows[:, [TOP, BOTTOM, BASE]] = np.column_stack([down[:, :2].min(1), down[:, :2].max(1), down[:, 2]])
    rows[:, DX], rows[:, DY] = dx, dy
    return rows


def _addresses(array: npt.NDArray[Any], column: int) -> range:
    """Return the address of each row of an array, from a column on."""
    step = array.shape[1] * array.itemsize
    start = array.ctypes.data + column * array.itemsize
    return range(start, start + step * len(array), step)


def _sizes(text_page: Any, numbers: list[int]) -> Floats:
    """Return the size in points and the direction of one character of each object."""
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    sizes = np.zeros((len(numbers), 3))
    for row, number in enumerate(numbers):
        if pdfium.FPDFText_GetMatrix(text_page, number, matrix):
            height = (matrix.c * matrix.c + matrix.d * matrix.d) ** 0.5
            sizes[row] = pdfium.FPDFText_GetFontSize(text_page, number) * height, matrix.a, matrix.b
    return sizes


@dataclass(frozen=True)
class _Functions:
    code: _Function
    box: _Function
    ink: _Function
    origin: _Function
    object: _Function


@cache
def _functions() -> _Functions:
    """Return pdfium's functions with addresses as plain numbers, which ``map`` can count up."""
    import pypdfium2.raw as pdfium

    page, number, address = ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p

    def plain(function: Any, result: Any, *arguments: Any) -> Any:
        return ctypes.PYFUNCTYPE(result, page, number, *arguments)(ctypes.cast(function, address).value or 0)

    return _Functions(
        code=plain(pdfium.FPDFText_GetUnicode, ctypes.c_uint),
        box=plain(pdfium.FPDFText_GetLooseCharBox, ctypes.c_int, address),
        ink=plain(pdfium.FPDFText_GetCharBox, ctypes.c_int, *[address] * 4),
        origin=plain(pdfium.FPDFText_GetCharOrigin, ctypes.c_int, address, address),
        object=plain(pdfium.FPDFText_GetTextObject, ctypes.c_void_p),
    )
