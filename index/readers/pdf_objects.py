"""What a PDF page is drawn of, as far as it tells whether its text can be seen: paints, pictures, what lies on top."""

import ctypes
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from index.place import Box

_UNPAINTED_MODES = (3, 7)  # the text rendering modes "neither fill nor stroke" (ISO 32000-1, 9.3.6)
_STROKED_MODES = (1, 5)
_FAINT = 200  # of 255: the darkest part of a colour that may not stand out from white paper
_LEAST_ALPHA = 160
_THIN = 3.0  # points: a line hides no text
_DEEPEST = 8  # forms in forms
MOST_COVERS = 500

Matrix = tuple[float, float, float, float, float, float]
_TEXT, _PATH, PICTURE, _, _FORM = range(1, 6)
_IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)


class Paint(Enum):
    """How a text is drawn: so that it can be seen on white, perhaps not, or not at all."""

    PLAIN = 0
    FAINT = 1
    NONE = 2


@dataclass(frozen=True, slots=True)
class DrawnText:
    """The text object that is the ``order``-th thing to be drawn."""

    paint: Paint
    order: int


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture or a filled shape, in the page's own coordinates: left, lower, right and upper edge."""

    box: Box
    order: int
    is_picture: bool


@dataclass
class PageObjects:
    """What is drawn on a page.

    Attributes:
        texts: By the handle of pdfium's object.
        covers: In the order of drawing.
        is_clipped: Whether texts are clipped, or on a layer that may be switched off, or within a form.
    """

    texts: dict[int, DrawnText] = field(default_factory=dict)
    covers: list[Cover] = field(default_factory=list)
    is_clipped: bool = False


def page_objects(page: Any) -> PageObjects:
    """Return what is drawn on a pypdfium2 page; the order is that of drawing, from 0."""
    found = PageObjects()
    for order, (handle, kind, matrix) in enumerate(walk(page)):
        if kind == _TEXT:
            found.texts[_address(handle)] = DrawnText(_paint(handle), order)
            found.is_clipped = found.is_clipped or matrix is not _IDENTITY or _is_clipped(handle)
        elif len(found.covers) < MOST_COVERS and _covers(handle, kind):
            found.covers.append(Cover(_bounds(handle, matrix), order, kind == PICTURE))
    return found


def set_active(page: Any, paints: Collection[Paint], *, active: bool) -> None:
    """Let the texts of some paints be drawn or not."""
    import pypdfium2.raw as pdfium

    for handle, kind, _ in walk(page) if paints else ():
        if kind == _TEXT and _paint(handle) in paints:
            pdfium.FPDFPageObj_SetIsActive(handle, active)


def walk(page: Any) -> Iterator[tuple[Any, int, Matrix]]:
    """Yield the objects of a page in the order of drawing, their kind, and the matrix of the forms around them."""
    import pypdfium2.raw as pdfium

    for number in range(pdfium.FPDFPage_CountObjects(page.raw)):
        yield from _walk(pdfium.FPDFPage_GetObject(page.raw, number), _IDENTITY, 0)


def _walk(handle: Any, matrix: Matrix, depth: int) -> Iterator[tuple[Any, int, Matrix]]:
    import pypdfium2.raw as pdfium

    kind = pdfium.FPDFPageObj_GetType(handle)
    if kind != _FORM:
        yield handle, kind, matrix
    elif depth < _DEEPEST:
        inner = _times(_matrix(handle), matrix)
        for number in range(pdfium.FPDFFormObj_CountObjects(handle)):
            yield from _walk(pdfium.FPDFFormObj_GetObject(handle, number), inner, depth + 1)


def _address(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


def _paint(text: Any) -> Paint:
    import pypdfium2.raw as pdfium

    mode = pdfium.FPDFTextObj_GetTextRenderMode(text)
    if mode in _UNPAINTED_MODES:
        return Paint.NONE
    colour = [ctypes.c_uint() for _ in range(4)]
    colour_of = pdfium.FPDFPageObj_GetStrokeColor if mode in _STROKED_MODES else pdfium.FPDFPageObj_GetFillColor
    if not colour_of(text, *map(ctypes.byref, colour)):
        return Paint.FAINT
    *parts, alpha = (part.value for part in colour)
    return Paint.PLAIN if min(parts) < _FAINT and alpha >= _LEAST_ALPHA else Paint.FAINT


def _is_clipped(text: Any) -> bool:
    import pypdfium2.raw as pdfium

    clip = pdfium.FPDFPageObj_GetClipPath(text)
    return bool(clip and pdfium.FPDFClipPath_CountPaths(clip) > 0) or pdfium.FPDFPageObj_CountMarks(text) > 0


def _covers(handle: Any, kind: int) -> bool:
    """Whether something drawn is large enough to hide text."""
    import pypdfium2.raw as pdfium

    if kind == _PATH:
        filled, stroked = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(handle, ctypes.byref(filled), ctypes.byref(stroked))
        width = ctypes.c_float()
        pdfium.FPDFPageObj_GetStrokeWidth(handle, ctypes.byref(width))
        if not filled.value and not (stroked.value and width.value > _THIN):
            return False
    left, lower, right, upper = _bounds(handle, _IDENTITY)
    return min(right - left, upper - lower) > _THIN or kind == PICTURE


def _bounds(handle: Any, matrix: Matrix) -> Box:
    import pypdfium2.raw as pdfium

    edges = [ctypes.c_float() for _ in range(4)]
    pdfium.FPDFPageObj_GetBounds(handle, *map(ctypes.byref, edges))
    left, lower, right, upper = (edge.value for edge in edges)
    a, b, c, d, e, f = matrix
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (left, right) for y in (lower, upper)]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _matrix(form: Any) -> Matrix:
    import pypdfium2.raw as pdfium

    own = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(form, own):
        return (1, 0, 0, 1, 0, 0)
    return own.a, own.b, own.c, own.d, own.e, own.f


def _times(one: Matrix, other: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m
