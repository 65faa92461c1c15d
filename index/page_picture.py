"""A page of a PDF as a picture, with boxes of its text marked."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from index.document import DocumentError
from index.place import Box

MARK = (255, 214, 0)  # what a marker pen leaves: the paper's white becomes this, the print stays black
_MARGIN = 1.5  # points around a box
MOST_PIXELS = 40_000_000


def page_picture(path: Path, page: int, boxes: Iterable[Box] = (), scale: float = 2.0) -> bytes:
    """Return a page as a PNG picture with boxes marked as with a marker pen.

    Args:
        path: The PDF file.
        page: Its page, from 1, as in `Place.page`.
        boxes: As in `Place.box`.
        scale: Pixels per point (1/72 inch); a page that were too large is drawn smaller.

    Raises:
        DocumentError: The file cannot be opened, or has no such page.
    """
    from index.readers.pdf import open_pdf

    pdf = open_pdf(path)
    try:
        if not 1 <= page <= len(pdf):
            raise DocumentError(
                f"{path}: has no page {page}, expected 1 to {len(pdf)}; read the file into the index again"
            )
        picture = draw_page(pdf[page - 1], scale)
    finally:
        pdf.close()
    return _png(_marked(picture[0], boxes, picture[1]))


def draw_page(page: Any, scale: float) -> tuple[Any, float]:
    """Return a pypdfium2 page as a Pillow picture, and its scale: a smaller one where it would be too large."""
    width, height = page.get_size()
    scale = min(scale, (MOST_PIXELS / max(1.0, width * height)) ** 0.5)
    return page.render(scale=scale).to_pil().convert("RGB"), scale


def _marked(picture: Any, boxes: Iterable[Box], scale: float) -> Any:
    from PIL import Image, ImageChops

    for left, top, right, bottom in boxes:
        edges = (left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN)
        x0, y0, x1, y1 = (round(edge * scale) for edge in edges)
        area = max(0, x0), max(0, y0), min(picture.width, x1), min(picture.height, y1)
        if area[0] < area[2] and area[1] < area[3]:
            part = picture.crop(area)
            picture.paste(ImageChops.multiply(part, Image.new("RGB", part.size, MARK)), area)
    return picture


def _png(picture: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
